"""A secret of the environment is in nothing a run leaves; and the search that says so finds one where there is one."""

import gzip
import io
import json
import os
import zipfile
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from faults.small_jobs import plan, write_notebooks
from leaks import find_leaks

from evaluation import project
from evaluation.batch.credentials import name_secret, withhold_secrets
from evaluation.batch.preflight import check_parameters
from evaluation.batch.run import lock_run, run_plan
from evaluation.errors import ConfigurationError

NAME, SECRET = "STATXPLORE_API_KEY", "planted-secret-value"
TELLS_ALL = """
import os, subprocess, sys
print(dict(os.environ))
print(subprocess.run([sys.executable, "-c", "import os; print(dict(os.environ))"], capture_output=True, text=True).stdout)
from pathlib import Path
Path(results, "findings").mkdir()
Path(results, "findings", f"{area_code}.json").write_text(repr(dict(os.environ)))
"""
FAILS = TELLS_ALL + "\nraise ValueError(dict(os.environ))"


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    monkeypatch.setenv(NAME, SECRET)
    monkeypatch.setattr(project, "NOTEBOOKS", tmp_path)
    write_notebooks(tmp_path)
    for name, source in (("tells", TELLS_ALL), ("fails", FAILS)):
        notebook = nbformat.read(tmp_path / "small.ipynb", 4)
        notebook.cells[1].source = source
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    return tmp_path


@pytest.mark.parametrize("names", [("a",), ("a", "b", "c")], ids=["plain", "warm"])
def test_a_notebook_that_tells_its_whole_environment_tells_no_secret(notebooks, names):
    """Three jobs and more are forked from a parent; its environment must not have the secret either."""
    run = notebooks / "run"
    with lock_run(run):
        for notebook, state in (("tells", "done"), ("fails", "failed")):
            records = run_plan(plan(run, *names, notebook=notebook), run, jobs=2)
            assert {record.state for record in records} == {state}
    told = (run / "findings" / "a.json").read_text()
    assert "PYTHONHASHSEED" in told, "the environment is there"
    assert NAME not in told
    assert find_leaks(run, SECRET) == []
    assert os.environ[NAME] == SECRET, "ours is left as it was"


def test_a_secret_as_a_parameter_is_refused_without_being_shown(notebooks):
    with pytest.raises(ConfigurationError, match=f"parameter area_code holds the value of {NAME}") as caught:
        check_parameters(notebooks / "small.ipynb", {"area_code": f"key={SECRET}", "results": "."})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("STATXPLORE_API_KEY", True), ("NOMIS_KEY", True), ("apikey", True), ("GITHUB_TOKEN", True), ("DB_PASSWORD", True),
        ("AWS_SECRET_ACCESS_KEY", True), ("MY_CREDENTIALS", True),
        ("PATH", False), ("TOKENIZERS_PARALLELISM", False), ("KEYBOARD", False), ("MONKEY", False), ("PYTHONHASHSEED", False),
    ],
)  # fmt: skip
def test_secrets_are_known_by_their_names(name, is_secret):
    assert withhold_secrets({name: SECRET, "HOME": "/"}) == ({"HOME": "/"} if is_secret else {name: SECRET, "HOME": "/"})
    assert name_secret(f"a{SECRET}b", {name: SECRET}) == (name if is_secret else "")


def test_a_short_value_is_no_secret_that_could_be_told_from_text():
    assert name_secret("a study of 12 areas", {"MY_KEY": "12"}) == ""


def test_the_search_finds_what_is_planted(tmp_path):
    """Plainly, in an archive in an archive, in a column of a panel, in a spreadsheet and in a PDF."""
    (tmp_path / "a.ipynb").write_text(json.dumps({"out": [SECRET]}))
    (tmp_path / "b.gz").write_bytes(gzip.compress(f"x {SECRET}".encode()))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("deep.txt", SECRET * 3)
    with zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("inner.zip", inner.getvalue())
    pd.DataFrame({"x": [SECRET] * 50}).to_parquet(tmp_path / "d.parquet")
    pd.DataFrame({"x": [SECRET]}).to_excel(tmp_path / "e.xlsx")
    import pikepdf

    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.pages[0].Contents = pdf.make_stream(f"BT ({SECRET}) Tj ET".encode())
        pdf.save(tmp_path / "f.pdf", compress_streams=True)
    (tmp_path / "clean.txt").write_text("nothing here")
    assert {name.split("!")[0] for name in find_leaks(tmp_path, SECRET)} == {
        "a.ipynb", "b.gz", "c.zip", "d.parquet", "e.xlsx", "f.pdf",
    }  # fmt: skip
    assert find_leaks(Path(tmp_path / "c.zip"), SECRET) == ["c.zip!inner.zip!deep.txt"]
