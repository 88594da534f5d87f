"""A plan says what runs in which wave, why, and what cannot; it starts nothing."""

import dataclasses
import json
from types import SimpleNamespace

import pytest

from evaluation import project
from evaluation.batch import cause, plan
from evaluation.batch.ledger import JobRecord, expected_seconds, read_record, record_path, write_record
from evaluation.batch.notebooks import NOTEBOOKS
from evaluation.batch.plan import make_plan
from evaluation.batch.show import describe_plan, plan_data
from evaluation.contracts.load import load_contracts
from evaluation.design.protocol import load_design
from evaluation.errors import ConfigurationError, DataError

AREAS = ("wales", "north-east", "west-yorkshire")
ALL = (*AREAS, "all")


@pytest.fixture(scope="module")
def design():
    """Three places, one outcome, a synthetic control for all of them together."""
    whole = load_design(load_contracts(), "economic-inactivity-trailblazers")
    return dataclasses.replace(
        whole,
        outcomes=whole.outcomes[:1],
        estimate_areas=AREAS,
        did_estimators=("twfe",),
        synthetic_control_estimators=("synthetic_control",),
        pooled_synthetic_control_estimators=("synthetic_did",),
    )


@pytest.fixture(autouse=True)
def _every_notebook_is_there(tmp_path, monkeypatch):
    """Empty notebooks under the batch's names: a plan reads their bytes only."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for kind in NOTEBOOKS:
        (folder / kind.file).write_text(kind.file)
    monkeypatch.setattr(project, "NOTEBOOKS", folder)
    monkeypatch.setattr(plan, "check_notebooks", lambda given: None)


def study(design, refused=()):
    def comparison(outcome, area):
        if area in refused:
            raise DataError(f"{area} has no donors")

    return SimpleNamespace(design=design, comparison=comparison)


def names(planned, wave=None):
    return [p.job.id.split("/", 1)[1] for p in planned.jobs if wave in (None, p.job.wave)]


def finish(planned, run, *, skip=(), seconds=2.0):
    for item in planned.jobs:
        if item.job.id.split("/", 1)[1] in skip:
            continue
        for name in (*item.job.results, f"notebooks/{item.job.id}.ipynb"):
            (run / name).parent.mkdir(parents=True, exist_ok=True)
            (run / name).write_text("{}")
        job = item.job
        write_record(
            run, JobRecord(id=job.id, key=job.key, state="done", seconds=seconds, results=job.results, parts=dict(job.parts))
        )


def test_waves_in_order(design, tmp_path):
    planned = make_plan(study(design), "p", tmp_path)
    assert names(planned, 1) == [f"{a}/60_plan_power" for a in ALL]
    assert names(planned, 2) == [f"{a}/20_estimate_did" for a in ALL] + [f"{a}/30_estimate_synthetic_control" for a in ALL]
    assert names(planned, 3) == [f"{a}/40_stress_estimate" for a in ALL]
    assert names(planned, 4) == ["all/50_pool_programme"]
    assert [p.job.wave for p in planned.jobs] == sorted(p.job.wave for p in planned.jobs)


def test_parameters_and_results(design, tmp_path):
    jobs = {item.job.id.split("/", 1)[1]: item.job for item in make_plan(study(design), "p", tmp_path).jobs}
    pool, power = jobs["all/50_pool_programme"], jobs["wales/60_plan_power"]
    assert sorted(pool.parameters) == ["design", "findings", "outcome", "panel", "results"]
    assert sorted(power.parameters) == ["area_code", "design", "outcome", "panel", "results"]
    assert power.results == ("power/inactivity_rate/wales.json",)
    assert jobs["wales/40_stress_estimate"].results == (
        "stress/inactivity_rate/wales.json",
        "spillover/inactivity_rate/wales.json",
    )
    assert pool.results == ("pool/inactivity_rate.json",)
    together = jobs["all/30_estimate_synthetic_control"]
    assert together.parameters["estimators"] == "synthetic_did"
    assert together.results == (f"findings/{design.id}/inactivity_rate/all/synthetic_did.json",)
    assert "estimators" not in jobs["wales/30_estimate_synthetic_control"].parameters


def test_no_synthetic_control_together_unless_the_design_names_one(design, tmp_path):
    without = dataclasses.replace(design, pooled_synthetic_control_estimators=())
    assert "all/30_estimate_synthetic_control" not in names(make_plan(study(without), "p", tmp_path))


def test_a_notebook_that_is_gone_is_named(design, tmp_path):
    (project.NOTEBOOKS / "60_plan_power.ipynb").unlink()
    with pytest.raises(ConfigurationError, match=r"60_plan_power\.ipynb is not there"):
        make_plan(study(design), "p", tmp_path)


def test_a_refused_area_is_not_pooled_and_does_not_stop_the_rest(design, tmp_path):
    planned = make_plan(study(design, refused=("wales",)), "p", tmp_path)
    assert not [name for name in names(planned) if name.startswith("wales")]
    assert [(item.area, item.reason) for item in planned.refusals] == [("wales", "wales has no donors")]
    pool = planned.jobs[-1].job
    assert list(pool.needs) == [f"inactivity_rate/{area}/20_estimate_did" for area in AREAS[1:]]
    whole = make_plan(study(design), "p", tmp_path).jobs[-1].job
    assert pool.key != whole.key, "the key of a pool holds the keys of what it pools"


def test_one_area_is_too_few_to_pool(design, tmp_path):
    planned = make_plan(study(design, refused=AREAS[:2]), "p", tmp_path)
    assert "all/50_pool_programme" not in names(planned)
    refusal = planned.refusals[-1]
    assert (refusal.notebook, refusal.area) == ("50_pool_programme.ipynb", "all")
    assert "at least 2 areas; 1 can be estimated" in refusal.reason


def test_a_selection_pools_only_what_is_done(design, tmp_path):
    alone = make_plan(study(design), "p", tmp_path, only=["all"])
    assert {item.job.area for item in alone.jobs} == {"all"}
    assert "reads the estimates of wales, north-east, west-yorkshire" in alone.refusals[-1].reason
    finish(make_plan(study(design), "p", tmp_path), tmp_path, skip=("all/50_pool_programme",))
    later = make_plan(study(design), "p", tmp_path, only=["all"])
    assert [job.id for job in later.to_run] == ["inactivity_rate/all/50_pool_programme"]
    assert later.refusals == ()
    assert "all/50_pool_programme" not in names(make_plan(study(design), "p", tmp_path, only=["wales"]))


def test_it_says_what_changed(design, tmp_path, monkeypatch):
    finish(make_plan(study(design), "p", tmp_path), tmp_path)
    assert make_plan(study(design), "p", tmp_path).to_run == ()
    other = make_plan(study(design), "q", tmp_path)
    assert {item.causes for item in other.jobs if item.job.needs} == {("data", "findings")}
    assert {item.causes for item in other.jobs if not item.job.needs} == {("data",)}
    assert other.jobs[0].why == "the data changed"
    (project.NOTEBOOKS / "40_stress_estimate.ipynb").write_text("other")
    assert {(p.job.notebook, p.why) for p in make_plan(study(design), "p", tmp_path).jobs if not p.is_done} == {
        ("40_stress_estimate.ipynb", "the notebook changed"),
        ("50_pool_programme.ipynb", "a finding it reads changed"),
    }
    monkeypatch.setattr(project, "code_sha256", lambda: "other")
    monkeypatch.setattr(cause, "environment", lambda: {"python": "4"})
    changed = dataclasses.replace(design, sha256="other")
    why = make_plan(study(changed), "q", tmp_path).jobs[0].why
    assert why == "the data, the protocol, the code and Python or a package changed"


def test_a_change_of_one_estimate_makes_the_pool_again_and_nothing_else(design, tmp_path):
    planned = make_plan(study(design), "p", tmp_path)
    finish(planned, tmp_path)
    record = read_record(tmp_path, "inactivity_rate/wales/20_estimate_did")
    assert record is not None
    pool = planned.jobs[-1].job
    every = {**pool.needs, **pool.reads}
    less = pool.reading({name: key for name, key in every.items() if name != record.id})
    assert less.key != pool.key
    assert pool.reading(every) == pool


def test_what_concludes_reads_every_estimate_and_choice_of_the_run(design, tmp_path):
    planned = make_plan(study(design), "p", tmp_path)
    (pool,) = [item.job for item in planned.jobs if item.job.notebook == "50_pool_programme.ipynb"]
    earlier = ("20_estimate_did.ipynb", "30_estimate_synthetic_control.ipynb", "40_stress_estimate.ipynb")
    assert {*pool.needs, *pool.reads} == {item.job.id for item in planned.jobs if item.job.notebook in earlier}
    assert not set(pool.needs) & set(pool.reads)
    assert "inactivity_rate/all/20_estimate_did" in pool.reads, "the verdict on all areas rests on the pooled estimate"


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"id": "x"}', '{"id": 5, "key": [], "state": "done", "seconds": "a", "results": []}', "\x00\xff"]
)
def test_a_damaged_record_is_none(design, tmp_path, damage):
    planned = make_plan(study(design), "p", tmp_path)
    finish(planned, tmp_path)
    job = planned.jobs[0].job
    record_path(tmp_path, job.id).write_text(damage, "latin-1")
    again = make_plan(study(design), "p", tmp_path)
    assert [item.id for item in again.to_run] == [job.id]
    assert again.jobs[0].why == "not run yet"


def test_time_from_the_ledger(design, tmp_path):
    run, beside = tmp_path / "runs" / "a", tmp_path / "runs" / "b"
    planned = make_plan(study(design), "p", run)
    assert planned.seconds == 0
    assert "about" not in list(describe_plan(planned, run, at_once=2))[-1]
    finish(planned, beside, seconds=30.0)
    assert expected_seconds(run) == dict.fromkeys((kind.path for kind in NOTEBOOKS if kind.compares), 30.0)
    timed = make_plan(study(design), "p", run)
    assert timed.seconds == 30.0 * len(timed.jobs)
    assert "17 of 17 notebooks to run, about 4 min with 2 at once" in list(describe_plan(timed, run, at_once=2))[-1]
    finish(planned, run, seconds=1.0)
    assert set(expected_seconds(run).values()) == {1.0}, "the run's own notebooks count before those of others"


def test_json_says_the_same(design, tmp_path):
    finish(make_plan(study(design), "p", tmp_path), tmp_path)
    data = json.loads(json.dumps(plan_data(make_plan(study(design, refused=("wales",)), "q", tmp_path), tmp_path, at_once=2)))
    assert data["to_run"] == len(data["jobs"])
    assert data["jobs"][0] == {
        "id": "inactivity_rate/north-east/60_plan_power",
        "wave": 1,
        "state": "run",
        "why": "the data changed",
        "changed": ["data"],
        "seconds": 2.0,
    }
    assert data["refused"][0]["reason"] == "wales has no donors"


def test_a_limit_keeps_the_order(design, tmp_path):
    planned = make_plan(study(design), "p", tmp_path)
    assert [job.id for job in planned.first(3).to_run] == [job.id for job in planned.to_run[:3]]


def test_no_estimator_of_that_name_for_all_areas(design, tmp_path):
    wrong = dataclasses.replace(design, pooled_synthetic_control_estimators=("synthetic_dif",))
    with pytest.raises(ConfigurationError, match="did you mean synthetic_did"):
        make_plan(study(wrong), "p", tmp_path)
