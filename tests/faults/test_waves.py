"""Waves: a later one starts when the one before has ended, and goes on with what there is."""

import json
from pathlib import Path

import nbformat
import pytest

from evaluation import project
from evaluation.batch.cause import key_of
from evaluation.batch.ledger import read_record, record_path
from evaluation.batch.plan import Job, Plan, PlannedJob
from evaluation.batch.run import run_plan

PARAMETERS = 'area_code: str = "all"\nresults: str = "."\nfindings: str = ""\nbad: str = ""'
ESTIMATE = """
from pathlib import Path
assert area_code not in bad
Path(results, "findings").mkdir(); Path(results, "findings", f"{area_code}.json").write_text(area_code)
"""
POOL = """
from pathlib import Path
found = sorted(path.read_text() for path in Path(findings).rglob("*.json"))
Path(results, "pool").mkdir(); Path(results, "pool", "o.json").write_text(" ".join(found))
"""
SILENT = "x = 1"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "NOTEBOOKS", tmp_path)
    for name, source in (("20_estimate", ESTIMATE), ("50_pool", POOL), ("51_silent", SILENT)):
        notebook = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": "trailblazer", "display_name": "x", "language": "python"}}
        )
        notebook.cells = [
            nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(source),
        ]
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    folder = tmp_path / "run"
    (folder / "findings").mkdir(parents=True)
    (folder / "findings" / "left-behind.json").write_text("of an earlier run")
    return folder


def job(notebook, area, wave, results, **more):
    parts = {"notebook": notebook, "parameters": area}
    given = {"area_code": area, "results": ".", **more.pop("parameters", {})}
    return Job(
        notebook=f"{notebook}.ipynb",
        outcome="o",
        area=area,
        area_name=area,
        parameters=given,
        results=results,
        key=key_of(parts),
        parts=parts,
        wave=wave,
        **more,
    )


def plan(bad: str) -> Plan:
    estimates = [job("20_estimate", a, 2, (f"findings/{a}.json",), parameters={"bad": bad}) for a in ("a", "b", "c")]
    needs = {item.id: item.key for item in estimates}
    pool = job("50_pool", "all", 4, ("pool/o.json",), needs=needs, least=2, parameters={"findings": "inputs"})
    silent = job("51_silent", "all", 4, ("pool/none.json",), optional=True)
    # listed backwards: it is the wave that decides
    jobs = (pool.reading(needs), silent, *estimates)
    return Plan(design="d", jobs=tuple(PlannedJob(job=item, record=None, why="not run yet") for item in jobs), refusals=())


def test_a_failed_estimate_leaves_the_others_to_be_pooled(run: Path):
    started: list[str] = []
    whole = plan("b")
    records = {r.id: r for r in run_plan(whole, run, jobs=2, on_start=lambda item: started.append(item.id))}
    assert {name: r.state for name, r in records.items()} == {
        "o/a/20_estimate": "done",
        "o/b/20_estimate": "failed",
        "o/c/20_estimate": "done",
        "o/all/50_pool": "done",
        "o/all/51_silent": "done",
    }
    assert sorted(started[-2:]) == ["o/all/50_pool", "o/all/51_silent"]
    assert (run / "pool" / "o.json").read_text() == "a c", "what another run left behind is not read"
    assert records["o/all/51_silent"].results == (), "nothing to say is no failure"
    asked = next(item.job.key for item in whole.jobs if item.job.id == "o/all/50_pool")
    assert records["o/all/50_pool"].key != asked, "its key tells that b was not in it"

    again = {r.id: r for r in run_plan(plan("b"), run, jobs=2)}
    assert again["o/all/50_pool"] == records["o/all/50_pool"], "b failed again: the same pool is not made again"

    mended = {r.id: r for r in run_plan(plan("x"), run, jobs=2)}
    assert mended["o/all/50_pool"].key == asked
    assert (run / "pool" / "o.json").read_text() == "a b c"


def test_a_pool_of_one_is_refused_with_a_reason(run: Path):
    records = {r.id: r for r in run_plan(plan("ab"), run, jobs=2)}
    refused = records["o/all/50_pool"]
    assert refused.state == "refused"
    assert refused.error == "it reads the estimates of at least 2 areas; 1 are there"
    assert read_record(run, refused.id) == refused
    assert json.loads(record_path(run, refused.id).read_text())["state"] == "refused"
    assert not (run / "pool").exists()
