"""No name from a design, a register or the command line makes a path outside the run folder."""

import shutil
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.batch.ledger import read_record, record_path
from evaluation.batch.plan import Job
from evaluation.contracts.load import load_contracts
from evaluation.design.protocol import load_design
from evaluation.errors import ConfigurationError, DataError, ReportError
from evaluation.report.binder import safe_name

ROOT = Path(__file__).resolve().parents[2]
DESIGN = "economic-inactivity-trailblazers"
EVIL = ("../../x", "..", "/etc/x", "a/b", "a\\b", "x.", "con/", "{area.__class__}", "a b", "é")


@pytest.fixture
def contracts(tmp_path):
    shutil.copytree(ROOT / "data_contracts", tmp_path / "data_contracts")
    return tmp_path / "data_contracts"


def edit(path: Path, old: str, new: str) -> int:
    """Replace the first occurrence; returns its line."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def refuse(contracts: Path) -> str:
    with pytest.raises((ConfigurationError, DataError)) as caught:
        load_design(load_contracts(contracts, standard=False), DESIGN)
    return str(caught.value)


@pytest.mark.parametrize("evil", ["../../x", "E08000016/../x"])
@pytest.mark.parametrize(
    ("register", "old", "column"),
    [
        ("areas.csv", "E08000016", "code"),
        ("exposures.csv", "south-yorkshire", "place"),
        ("exposures.csv", "E08000016", "area_code"),
        ("neighbours.csv", "E08000016", "neighbour_code"),
        ("code_changes.csv", None, "old_code"),
        ("programmes.csv", "economic_inactivity_trailblazer", "id"),
    ],
)
def test_a_register_is_refused_with_file_and_line(contracts, register, old, column, evil):
    path = contracts / "registers" / register
    if old is None:
        old = path.read_text("utf-8").splitlines()[1].split(",")[0]
    line = edit(path, old, evil)
    message = refuse(contracts)
    assert f"{register}:{line}: {column}: " in message, message
    assert repr(evil) in message


@pytest.mark.parametrize("evil", ["../../x", "/etc/x"])
@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("estimate_areas: all", "estimate_areas: [{}]", "estimate_areas"),
        ("- id: inactivity_rate", "- id: {}", "outcomes"),
        ("programme: ", "programme: {} #", "programme"),
        (f"id: {DESIGN}", "id: {}", "id"),
    ],
)
def test_a_design_is_refused_with_file_and_line(contracts, old, new, key, evil):
    line = edit(contracts / "designs" / f"{DESIGN}.yml", old, new.format(f'"{evil}"'))
    message = refuse(contracts)
    assert f"{DESIGN}.yml:{line}:" in message, message
    assert f"{key}: " in message
    assert evil in message


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd"])
def test_a_design_is_named_by_its_file_and_nothing_else(contracts, name):
    with pytest.raises(ConfigurationError, match="there is no design"):
        load_design(load_contracts(contracts, standard=False), name)


def job(**changes) -> Job:
    given = {"notebook": "20.ipynb", "outcome": "o", "area": "a", "results": ("findings/a.json",)} | changes
    return Job(area_name="A", parameters={}, key="k", **given)


@pytest.mark.parametrize("evil", EVIL)
def test_a_job_that_would_leave_the_run_folder_cannot_be_made(evil):
    if evil != "x.":  # harmless as a folder here; the registers refuse it
        for change in ({"area": evil}, {"outcome": evil}):
            with pytest.raises(ConfigurationError, match="cannot name a file of a run folder"):
                job(**change)
    for results in ((f"findings/{evil}/../../x.json",), (f"/{evil}",), ("findings//x",), ("../x",)):
        with pytest.raises(ConfigurationError, match="cannot name a file of a run folder"):
            job(results=results)
    assert job().id == "o/a/20"


@given(st.text(alphabet=string.ascii_letters + string.digits + "./\\-_ ~{}\x00", max_size=12))
def test_whatever_a_job_is_called_its_files_lie_in_the_run_folder(name):
    run = Path("/runs/r")
    try:
        made = job(area=name)
    except ConfigurationError:
        return
    for path in (run / "notebooks" / f"{made.id}.ipynb", record_path(run, made.id)):
        assert Path(*_resolve(path.parts)).is_relative_to(run)


def _resolve(parts):
    kept = []
    for part in parts:
        if part == "..":
            kept.pop()
        else:
            kept.append(part)
    return kept


@pytest.mark.parametrize("result", ["../../etc/passwd", "/etc/passwd", "findings/../../x.json"])
def test_a_record_that_names_a_file_elsewhere_counts_for_nothing(tmp_path, result):
    from evaluation.batch.ledger import JobRecord, write_record

    write_record(tmp_path, JobRecord(id="o/a/20", key="k", state="done", seconds=1.0, results=(result,)))
    assert read_record(tmp_path, "o/a/20") is None


@pytest.mark.parametrize("evil", [*EVIL, ""])
def test_a_page_or_figure_cannot_be_called_so(evil):
    with pytest.raises(ReportError, match="cannot name a page or figure"):
        safe_name(evil)
