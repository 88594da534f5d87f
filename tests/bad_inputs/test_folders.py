"""Names that are no areas, folders that will not do, and files nobody should open (groups D, G, H and I)."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import openpyxl
import pytest
from bad_inputs.harness import FILE, contents, rows, say, text

from evaluation import cli, project
from evaluation.batch.stages import write_demonstration_data
from evaluation.errors import JobsFailed

DESIGN = "economic-inactivity-trailblazers"
STUDY = Path(__file__).with_name("example-study.yml")


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory):
    """SYNTHETIC data, made once."""
    return write_demonstration_data(tmp_path_factory.mktemp("demonstration"))


@pytest.fixture
def empty(tmp_path):
    """A data folder with nothing in it: the study is refused before it is looked into, or after, and nothing runs."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../../etc/x", id="G01-outside"),
        pytest.param("a/b", id="G02-slash"),
        pytest.param("a\\b", id="G02-backslash"),
        pytest.param("con", id="G02-con"),
        pytest.param("nul", id="G02-nul"),
        pytest.param("x.", id="G02-dot"),
        pytest.param("E" * 300, id="G02-long"),
        pytest.param("south-yorkshire\0", id="G02-zero"),
        pytest.param("{area.__class__}", id="G03-class"),
        pytest.param("{0}", id="G03-number"),
        pytest.param("", id="F10-empty"),
        pytest.param("é ü", id="F10-accents"),
    ],
)
def test_what_is_no_area_is_refused_and_nothing_is_written(demonstration, tmp_path, name):
    said = say("run", "--design", DESIGN, "--data", demonstration, "--out", tmp_path / "out", "--only", name)
    assert said.code == 2, said.all
    assert repr(name) in said.err
    assert "there are" in said.err or "did you mean" in said.err or "the areas are" in said.err, said.err
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", ["../../etc/x", "/etc/x", "..", "."])
@pytest.mark.parametrize("verb", ["run", "demo"])
def test_G01_a_design_that_is_a_path_makes_no_folder(empty, tmp_path, monkeypatch, verb, name):
    monkeypatch.setattr(project, "RUNS", tmp_path / "a" / "b" / "runs")
    said = say(verb, "--design", name, *(("--data", empty) if verb == "run" else ()))
    assert said.code == 2
    assert f"there is no design {name!r}" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("name", ["x" * 300, "a/" * 3000], ids=["long", "deep"])
@pytest.mark.parametrize("option", ["--data", "--out"])
def test_G02_a_folder_nobody_can_have_is_refused(empty, tmp_path, option, name):
    options = {"--data": empty, "--out": tmp_path / "out"} | {option: tmp_path / name}
    said = say("run", "--design", DESIGN, *(part for pair in options.items() for part in pair))
    assert said.code == 2, said.all
    assert os.strerror(36) in said.err
    assert contents(tmp_path) == {}


# ---------------------------------------------------------------- folders


def test_G04_a_file_where_the_run_should_be_is_refused(empty, tmp_path):
    (tmp_path / "out").write_text("mine")
    for out in (tmp_path / "out", tmp_path / "out" / "deeper"):
        said = say("run", "--design", DESIGN, "--data", empty, "--out", out)
        assert said.code == 2
        assert f"{out}: cannot write there (" in said.err
    assert (tmp_path / "out").read_text() == "mine"


def test_G04_findings_of_a_check_that_cannot_be_written_are_refused(survey, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_text(text(rows()), "utf-8")
    for out in (tmp_path / "data", tmp_path / "data" / FILE / "found.csv"):
        before = contents(tmp_path)
        said = say("check", "--data", tmp_path / "data", "--out", out)
        assert said.code == 2, said.all
        assert contents(tmp_path) == before


def test_G05_a_link_that_leads_out_of_the_run_folder_is_refused(empty, tmp_path):
    outside, run = tmp_path / "outside", tmp_path / "run"
    outside.mkdir()
    (run / "findings").mkdir(parents=True)
    (run / "notebooks").symlink_to(outside)
    (run / "findings" / "x.json").symlink_to("/etc/passwd")
    (run / "within").symlink_to(run / "findings")
    said = say("run", "--design", DESIGN, "--data", empty, "--out", run)
    assert said.code == 2
    assert f"{run}/notebooks: is a link that leads out of the run folder, to {outside}; take it away." in said.err
    assert f"{run}/findings/x.json: is a link that leads out of the run folder, to /etc/passwd" in said.err
    assert f"{run}/within" not in said.err
    assert list(outside.iterdir()) == []
    assert sorted(path.name for path in run.iterdir()) == ["findings", "notebooks", "within"], "no lock is left"


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("id", "members"),
    [("I03", ("../evil.csv", "/tmp/evil.csv")), ("I04", ("one.csv", "two.csv"))],
)
def test_an_archive_is_refused_and_never_unpacked(survey, tmp_path, id, members):
    data = tmp_path / "data"
    data.mkdir()
    (data / FILE).write_text(text(rows()), "utf-8")
    for name in ("more.zip", "example_survey_2.csv.zip"):
        with zipfile.ZipFile(data / name, "w") as archive:
            for member in members:
                archive.writestr(member, text(rows()))
    before = contents(tmp_path)
    said = say("check", "--data", data)
    assert said.code == 2
    for name in ("more.zip", "example_survey_2.csv.zip"):
        assert f"{name}: archives are never unpacked here" in said.err
    assert "Fix: unpack the table that is wanted into the data folder, and take the archive out." in said.err
    assert contents(tmp_path) == before
    assert not Path("/tmp/evil.csv").exists()


def test_I03_an_archive_under_the_name_of_a_table_is_refused(survey, tmp_path):
    (tmp_path / "data").mkdir()
    with zipfile.ZipFile(tmp_path / "data" / FILE, "w") as archive:
        archive.writestr("../evil.csv", text(rows()))
    said = say("check", "--data", tmp_path / "data")
    assert said.code == 3
    assert f"{FILE}: this is a spreadsheet or zip archive under the name of a text file" in said.out
    assert sorted(contents(tmp_path)) == [f"data/{FILE}"]


@pytest.mark.parametrize(
    "name", ["ons_els_a.pkl", "a.joblib", "a.npy", "a.xlsm"], ids=["I01-pkl", "I01-joblib", "I01-npy", "I08-xlsm"]
)
def test_a_file_that_could_run_code_is_refused(survey, tmp_path, name):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_bytes(b"\x80\x04.")
    said = say("check", "--data", tmp_path / "data")
    assert said.code == 2
    assert f"{name}: files of the type {Path(name).suffix} are never read" in said.err


def workbook(path: Path, *, sheets: tuple[str, ...] = ("Data",), above: str = "") -> None:
    book = openpyxl.Workbook()
    book.active.title = sheets[0]
    if above:
        book.active.append([above])
    book.active.append(["area", "value"])
    for name in sheets[1:]:
        book.create_sheet(name)
    book.save(path)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"sheets": ("Data", "Notes")}, 2, "the workbook has the sheets Data, Notes; name one in the contract, options: sheet."),
        ({"above": "Annual survey"}, 3, "no header with 'number' below the variables was found (rule layout)"),
    ],
    ids=["two-sheets", "title-row"],
)
def test_B19_a_workbook_of_another_layout_is_refused(survey, tmp_path, options, code, says):
    (tmp_path / "data").mkdir()
    workbook(tmp_path / "data" / "nomis_ashe_2024.xlsx", **options)
    said = say("check", "--data", tmp_path / "data")
    assert said.code == code, said.all
    assert f"nomis_ashe_2024.xlsx: {says}" in said.all


def test_I08_a_workbook_that_links_to_other_files_is_refused(survey, tmp_path):
    path = tmp_path / "data" / "nomis_ashe_2024.xlsx"
    path.parent.mkdir()
    workbook(path)
    with zipfile.ZipFile(path, "a") as parts:
        parts.writestr("xl/externalLinks/externalLink1.xml", "<x/>")
    said = say("check", "--data", path.parent)
    assert said.code == 2
    assert "the workbook holds macros or links to other files (xl/externalLinks/externalLink1.xml)" in said.err


# ---------------------------------------------------------------- areas that lack something


def test_D09_a_place_without_one_of_its_members_is_refused_by_name(folder, demonstration, tmp_path):
    """The study of one place has nothing left to run, and says which authority is missing; others would go on."""
    shutil.copy(STUDY, folder / "designs")
    data = tmp_path / "data"
    shutil.copytree(demonstration, data)
    table = data / "SYNTHETIC_labour_market.csv"
    kept = [line for line in table.read_text("utf-8").splitlines(keepends=True) if not line.startswith("E08000018,")]
    table.write_text("".join(kept), "utf-8")
    said = say("plan", "--design", "example-study", "--data", data, "--out", tmp_path / "out")
    assert "refused employment_rate/south-yorkshire" in said.out
    assert "0 of 0 notebooks to run; 1 refused" in said.out
    assert "E08000018 Rotherham: employment_rate missing in 34 of 34 periods" in said.out
    assert "A place without one of its members is another place" in said.out
    assert not (tmp_path / "out").exists()


def test_D10_no_treated_area_is_ever_a_donor(folder, demonstration):
    """There is no list of donors to get wrong: they are what the registers leave."""
    from evaluation.batch.stages import load_contracts
    from evaluation.design.protocol import load_design
    from evaluation.design.study import Study, panel_outcomes
    from evaluation.panel.build import build_panel

    shutil.copy(STUDY, folder / "designs")
    contracts = load_contracts(folder, standard=False)
    design = load_design(contracts, "example-study")
    study = Study(
        design=design, contracts=contracts, panel=build_panel(demonstration, contracts, panel_outcomes(design, contracts))
    )
    comparison = study.comparison("employment_rate", "south-yorkshire")
    treated = {code for unit in design.treated for code in unit.members}
    assert len(treated) == 4
    assert treated.isdisjoint(comparison.areas)


# ---------------------------------------------------------------- many failures of one kind


def test_H15_failures_of_one_kind_are_one_line_with_their_count():
    problems = [f"o/a{n}/20_estimate: cell 3: ImportError: no module" for n in range(12)] + [
        "o/b/20_estimate: stopped after 600 s"
    ]
    with pytest.raises(JobsFailed) as caught:
        cli._close(problems)
    assert caught.value.exit_code == 4
    assert str(caught.value).splitlines() == [
        "13 notebook(s) failed; the others are done.",
        "  o/a0/20_estimate and 11 more alike: cell 3: ImportError: no module",
        "  o/b/20_estimate: stopped after 600 s",
    ]
