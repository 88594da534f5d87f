"""What people do to files without meaning harm: spreadsheets, title rows, pasted files, odd numbers, odd names, odd folders."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys

import pytest
from bad_inputs.harness import FILE, HEADER, cell, contents, findings, rows, say, text

from evaluation import project
from evaluation.project import ROOT


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def check(data, content):
    (data / FILE).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = contents(data)
    said = say("check", "--data", data)
    assert contents(data) == before
    return said


def lines(*, above=(), below=()):
    return "\n".join([*above, *text(rows()).splitlines(), *below]) + "\n"


NUMBERS = {
    "21,5": "Fix: write a decimal point: 21.5.",
    "1 234": "Fix: remove what separates the thousands: write 1234.",
    "1\u00a0234": "Fix: remove what separates the thousands: write 1234.",
    "1'234.5": "Fix: remove what separates the thousands: write 1234.5.",
    "\u22125": "Fix: write the minus sign of the keyboard: -5.",
    "#N/A": "this is a spreadsheet's error, not a figure",
    "#DIV/0!": "this is a spreadsheet's error, not a figure",
    "=1+1": "'=1+1' is not a number",
    "0x1F": "'0x1F' is not a number",
    "1_000": "'1_000' is not a number",
    "\uff11\uff12": "is not a number",
    "\u0661\u0662": "is not a number",
    "TRUE": "'TRUE' is not a number",
    "(5)": "'(5)' is not a number",
    "1/2": "'1/2' is not a number",
    "\u00a35": "'\u00a35' is not a number",
    "-inf": "'-inf' is not a finite number",
    "nan": "'nan' is a suppression marker the contract does not declare",
}


@pytest.mark.parametrize("value", NUMBERS)
def test_a_number_as_people_write_it_is_refused_with_what_to_write(survey, data, value):
    said = check(data, cell(7, "value", value)())
    assert said.code == 3
    (found,) = [line for line in findings(said) if f":7: value: {value!r}" in line]
    assert NUMBERS[value] in found


PERIODS = {
    "45352": "a spreadsheet made a number of a date (45352 is 2024-03-01)",
    "01/03/2022": "write it in the contract's form, such as '2022-03'",
    "Mar-22": "write it in the contract's form, such as '2022-03'",
    "2022 Q1": "write it in the contract's form, such as '2022-03'",
    "2022-03 ": "write it in the contract's form, such as '2022-03'",
    "2022-13": "does not have the form of this column",
}


@pytest.mark.parametrize("value", PERIODS)
def test_a_period_as_people_write_it_is_refused_with_the_form(survey, data, value):
    said = check(data, cell(6, "period", value)())
    assert said.code == 3
    assert any(f":6: period: {value!r}" in line and PERIODS[value] in line for line in findings(said))


CODES = {
    "E06000001\u200b": "did you mean E06000001",
    "E06000001\u00a0": "Fix: write E06000001.",
    "e06000001": "Fix: write E06000001.",
    "\u041506000001": "is not a GSS code",
    "6000001.0": "is not a GSS code",
    "E07000026": "E07000026 was merged into E06000063 (2023-04-01)",
    "N09000001": "N09000001 is a district of Northern Ireland, not a local authority",
}


@pytest.mark.parametrize("value", CODES)
def test_a_code_that_looks_right_is_refused(survey, data, value):
    said = check(data, cell(7, "area_code", value)())
    assert said.code == 3
    assert any(":7: area_code:" in line and CODES[value] in line for line in findings(said))


LAYOUTS = {
    "a title row": (
        lines(above=["Labour market statistics", ""]),
        ":3: the row has 10 cells, the header 1",
        "line 1 is no row of column names",
    ),
    "a title row as wide as the table": (
        lines(above=["Labour market" + "," * HEADER.count(","), "," * HEADER.count(",")]),
        ":1: the column names stand on line 3, below lines that are no table (rule header). Fix: take away what stands above",
        "",
    ),
    "a header over two rows": (
        lines(above=["Row,Area,,When,What,Figures,,,,"]),
        ":1: the column names stand on line 2, below lines that are no table",
        "",
    ),
    "a setting for a spreadsheet": (
        lines(above=["sep=,"]),
        ":2: the row has 10 cells, the header 2",
        "line 1 is no row of column names",
    ),
    "a footnote": (lines(below=["Source: ONS"]), ":22: the row has 1 cells, the header 10", "the last lines are footnotes"),
    "a web page at the end": (lines(below=["<html><body>502 Bad Gateway</body></html>"]), ":22: the row has 1 cells", ""),
    "one file below another": (
        lines(below=[HEADER, *text(rows()).splitlines()[1:]]),
        ":22: the column names stand here again, as where one file was put below another (rule header; 1 row(s))",
        "",
    ),
    "a pointer": ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "not the file (rule file). Fix: get it with", ""),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "this is an old Excel workbook under the name of a text file", ""),
    "a parquet file": (b"PAR1" + bytes(range(256)), "this is a parquet file under the name of a text file", ""),
    "UTF-16 without a mark": (text(rows()).encode("utf-16-le"), "so this is UTF-16 or UTF-32 without its mark", ""),
    "UTF-32": (text(rows()).encode("utf-32-be"), "so this is UTF-16 or UTF-32 without its mark", ""),
    "a cell without end": (
        cell(7, "area_name", "x" * 200_000)(),
        ":7: a cell of this row has more than 131,072 characters, as after a quote that is never closed",
        "",
    ),
    "a row without end": (lines(below=["," * 100_000]), ":22: the row has 100001 cells, the header 10", ""),
    "a row of commas": (lines(below=["," * HEADER.count(",")]), ":22: area_code: the cell is empty", ""),
    "two byte-order marks": (b"\xef\xbb\xbf" * 2 + text(rows()).encode(), "rename '\\ufeffrow_id' to 'row_id'", ""),
    "packed twice": (gzip.compress(gzip.compress(text(rows()).encode())), "a NUL byte stands in the text", ""),
    "a packed file cut": (gzip.compress(text(rows()).encode())[:200], "the file cannot be unpacked", ""),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_that_is_none_is_named_once(survey, data, name):
    content, says, fix = LAYOUTS[name]
    said = check(data, content)
    assert said.code == 3, said.all
    assert f"{FILE}{says}" in said.out or (not says.startswith(":") and says in said.out), said.out
    assert fix in said.out
    if "column names stand on line" in says:
        assert len(list(findings(said))) == 1, said.out


@pytest.mark.parametrize(
    "change", [lambda t: t.replace("\n", "\r"), lambda t: t.replace("\n", "\r\n", 9), lambda t: gzip.compress(t.encode())]
)
def test_what_does_no_harm_is_read(survey, data, change):
    assert check(data, change(text(rows()))).code == 0


# ---- folders and names


@pytest.mark.parametrize(
    "name", ["example_survey_2023-07-01 (1).CSV", "M\u00f4n \u2603.csv", "two\nlines.csv", os.fsdecode(b"\xf4.csv")]
)
def test_a_table_under_another_name_is_told(survey, data, name):
    (data / name).write_text(text(rows()), "utf-8")
    said = say("check", "--data", data)
    assert said.code == 3
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").splitlines()[0]
    assert f"the folder has no file of any source; it has {shown}" in said.out.encode("utf-8", "surrogateescape").decode(
        "utf-8", "backslashreplace"
    )
    assert "Fix: give the files names that the contracts look for" in said.out
    said = check(data, text(rows()))
    assert said.code == 0
    assert "  note: not looked at, because no contract looks for such a name: " in said.out


def test_a_folder_a_pipe_a_socket_and_links_under_the_name_of_a_table_hold_nobody_up(survey, data, tmp_path):
    (data / "folder").mkdir()
    (data / "folder" / FILE).mkdir()
    os.mkfifo(data / f"{FILE[:-4]}_pipe.csv")
    (data / f"{FILE[:-4]}_nowhere.csv").symlink_to(data / "gone")
    (data / f"{FILE[:-4]}_ring.csv").symlink_to(data / f"{FILE[:-4]}_ring.csv")
    (data / f"{FILE[:-4]}_zero.csv").symlink_to("/dev/zero")
    (data / "ring").symlink_to(data)
    with socket.socket(socket.AF_UNIX) as bound:
        place = os.getcwd()
        os.chdir(data)  # the path of a socket is short
        bound.bind(f"{FILE[:-4]}_s.csv")
        os.chdir(place)
        said = check(data, text(rows()))
    assert said.code == 0
    assert f"checked 1 file(s): {FILE}" in said.out


def test_a_link_to_a_table_is_read_as_the_table(survey, data, tmp_path):
    (tmp_path / "kept.csv").write_text(text(rows()), "utf-8")
    (data / FILE).symlink_to(tmp_path / "kept.csv")
    assert say("check", "--data", data).code == 0


def test_a_folder_given_by_mistake_is_looked_through_once(loaded, tmp_path, monkeypatch):
    """Not once for each name that a contract looks for: a home folder has a million files."""
    from evaluation.panel import files

    walks = []
    monkeypatch.setattr(files.os, "walk", lambda top, **options: walks.append(top) or iter([(str(top), [], [FILE])]))
    (tmp_path / FILE).write_text(text(rows()), "utf-8")
    assert [file.shown for file in files.find_files(tmp_path, loaded.sources.values())] == [FILE]
    assert len(walks) == 1


@pytest.mark.parametrize("name", ["with blanks", "M\u00f4n \u2603", "two\nlines", "-dash", "%41{x}'\""])
def test_a_data_folder_of_any_name_will_do(survey, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    said = check(folder, text(rows()))
    assert said.code == 0
    assert say("check", "--data", folder, "--out", tmp_path / name / "found.csv").code == 0


WITHOUT_POWERS = """
import ctypes, os, sys
for power in (1, 2):  # those by which root reads what nobody may
    ctypes.CDLL(None).prctl(24, power, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "evaluation", *sys.argv[1:]])
"""


def say_as_anybody(*words):
    command = [sys.executable, "-c", WITHOUT_POWERS, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.skipif(sys.platform != "linux", reason="drops the powers of root by a call only Linux has")
def test_what_may_not_be_read_is_named_and_never_left_out(tmp_path):
    """A folder that cannot be looked into would otherwise take its files out of the study without a word."""
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "SYNTHETIC_labour_market.csv").write_text("area_code\n", "utf-8")
    closed.chmod(0)
    done = say_as_anybody("check", "--data", tmp_path)
    closed.chmod(0o755)
    assert done.returncode == 2, done.stdout
    assert f"{closed}: this folder cannot be looked into (Permission denied). Fix: see to it that you may read it" in done.stderr
    (closed / "SYNTHETIC_labour_market.csv").chmod(0)
    done = say_as_anybody("check", "--data", tmp_path)
    assert done.returncode == 3
    assert "the file cannot be read (Permission denied)" in done.stdout


def test_a_contracts_folder_without_one_of_its_folders_is_told_at_once(folder, data):
    (folder / "sources").rename(folder / "source")
    said = say("check", "--data", data)
    assert said.code == 2
    assert said.err.splitlines() == [
        f"trailblazer check: {folder / 'sources'}: there is no such folder, or it may not be looked into. Fix: put it back."
    ]


@pytest.mark.parametrize(("number", "fix"), [(28, "make room"), (30, "name another place"), (13, "see to it that you may read")])
def test_a_disk_that_refuses_is_told_with_the_file_that_was_asked_for(survey, data, tmp_path, monkeypatch, number, fix):
    """A full disk names no file, and the interim name of one helps nobody."""

    def refuse(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(project.os, "fsync", refuse)
    (data / FILE).write_text(text(rows()), "utf-8")
    (tmp_path / "found.csv").write_text("mine")
    said = say("check", "--data", data, "--out", tmp_path / "found.csv")
    assert said.code == 2
    assert (
        f"trailblazer check: {tmp_path / 'found.csv'}: {os.strerror(number)}. What was finished is kept. Fix: {fix}" in said.err
    )
    assert (tmp_path / "found.csv").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "found.csv"]
