"""What changed between two runs: nothing against itself, and every planted change in the part it belongs to."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import draw_area, draw_contracts, draw_design, draw_panel, draw_unit
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import make_finding

from evaluation import project
from evaluation.batch import changes as subject
from evaluation.batch.cause import contracts_sha256, environment
from evaluation.batch.changes import HeldRun, compare_held, compare_runs
from evaluation.batch.show_changes import COLUMNS, changes_csv, describe_changes
from evaluation.batch.stages import RunManifest
from evaluation.cli import main
from evaluation.design.study import Study
from evaluation.errors import ConfigurationError
from evaluation.estimators import REGISTRY
from evaluation.panel.store import panel_sha256, write_panel
from evaluation.plain import dump_json, from_plain
from evaluation.results import Conclusion, Design, Interval, OutcomePlan, Panel
from evaluation.synthesis.changes import Change, Changes, compare_panels, split_move

YEARS = tuple(str(year) for year in range(2012, 2025))
CODES = tuple(f"A{n}" for n in range(9))
CONTRACTS = draw_contracts([draw_area(code) for code in CODES])
FIRST_TREATED = YEARS.index("2020")
Y = 20.0 + np.random.default_rng(3).normal(size=(len(YEARS), len(CODES))).cumsum(axis=0) * 0.2
HALF = 0.2
"""Half the width of every drawn interval."""


def study_design(last: str = "2022", **changes: Any) -> Design:
    values = {"outcomes": (OutcomePlan(id="rate", primary=True, first="2012", last=last),), "id": "invented-study"}
    return draw_design(draw_unit("A0", start="2020-01"), **{**values, **changes})


def drawn_panel(y: np.ndarray = Y, last: str = "2022") -> Panel:
    years = YEARS[: YEARS.index(last) + 1]
    values = {code: y[: len(years), n].tolist() for n, code in enumerate(CODES)}
    people = {code: [100.0] * len(years) for code in CODES}
    return draw_panel({"rate": values, "residents": people}, {"rate": years, "residents": years})


def hold(panel: Panel, design: Design, *, shift: float = 0.0, verdict: str = "too imprecise to tell", **changes: Any) -> HeldRun:
    """A run as its folder would hold it; `shift` is what another program would have added to the estimate."""
    study = Study(design=design, contracts=CONTRACTS, panel=panel)
    findings, conclusions = [], []
    for area, name in (("A0", "Town A0"), ("all", "All areas together")):
        estimate = REGISTRY["twfe"]().fit(study.comparison("rate", area))
        estimate = replace(estimate, att=estimate.att + shift)
        finding = make_finding(area=area, area_name=name, outcome="rate", estimator="twfe", att=estimate.att, synthetic=True)
        inference = replace(finding.inferences[0], interval=Interval(low=estimate.att - HALF, high=estimate.att + HALF))
        findings.append(replace(finding, estimate=estimate, inferences=(inference, *finding.inferences[1:])))
        conclusions.append(
            Conclusion(
                design=design.id, outcome="rate", area=area, area_name=name, primary=True, verdict=verdict, because="Invented.",
                sentence="Invented.", headline="twfe", att=estimate.att, interval=inference.interval, synthetic=True,
            )  # type: ignore[arg-type]
        )  # fmt: skip
    manifest = RunManifest(
        design=design.id, design_sha256=design.sha256, panel_sha256=panel_sha256(panel), code_version=project.code_version(),
        environment=environment(), synthetic=True,
    )  # fmt: skip
    held = HeldRun(
        manifest=replace(manifest, **{key: changes.pop(key) for key in ("code_version", "environment") if key in changes}),
        panel=panel, design=design, protocol=None, contracts_sha256=contracts_sha256(project.CONTRACTS),
        findings=tuple(findings), conclusions=tuple(conclusions),
    )  # fmt: skip
    return replace(held, **changes)


def difference_of_means(y: np.ndarray, last: str) -> float:
    """The estimate by hand: change of the treated area's mean less that of the others."""
    rows = y[: YEARS.index(last) + 1]
    change = rows[FIRST_TREATED:].mean(axis=0) - rows[:FIRST_TREATED].mean(axis=0)
    return float(change[0] - change[1:].mean())


def row_of(changes: Changes, area: str = "A0") -> Change:
    return next(row for row in changes.rows if row.area == area)


def parts(row: Change) -> tuple[float, float, float]:
    assert row.split is not None
    assert row.split.why_not == ""
    return (row.split.revised, row.split.periods, row.split.code)  # type: ignore[return-value]


def test_a_run_against_itself_has_no_change() -> None:
    held = hold(drawn_panel(), study_design())
    changes = compare_held(held, held, CONTRACTS)
    assert changes.is_empty
    assert [row.kind for row in changes.rows] == ["same", "same"]
    assert list(describe_changes(changes))[-1] == "Nothing changed."


def test_a_planted_revision_is_revised_data() -> None:
    revised = Y.copy()
    revised[YEARS.index("2021"), 0] += 3.0
    revised[YEARS.index("2015"), 4] -= 0.5
    old, new = hold(drawn_panel(), study_design()), hold(drawn_panel(revised), study_design())
    changes = compare_held(old, new, CONTRACTS)
    expected = difference_of_means(revised, "2022") - difference_of_means(Y, "2022")
    assert expected > 0.9
    for row in changes.rows:
        assert row.kind == "moved"
        assert parts(row) == pytest.approx((expected, 0.0, 0.0), abs=1e-9)
    rate = next(item for item in changes.data if item.outcome == "rate")
    assert (rate.shared, rate.revised, rate.new_periods) == (99, 2, ())
    assert rate.largest == pytest.approx(3.0)
    assert next(item for item in changes.data if item.outcome == "residents").is_empty
    assert changes.other == ()


def test_an_added_period_is_new_periods() -> None:
    longer = Y.copy()
    longer[YEARS.index("2023"), 0] += 4.0
    old = hold(drawn_panel(), study_design())
    new = hold(drawn_panel(longer, last="2023"), study_design(last="2023", sha256="1" * 64))
    changes = compare_held(old, new, CONTRACTS)
    expected = difference_of_means(longer, "2023") - difference_of_means(Y, "2022")
    assert parts(row_of(changes)) == pytest.approx((0.0, expected, 0.0), abs=1e-9)
    assert next(item for item in changes.data if item.outcome == "rate").new_periods == ("2023",)
    assert "protocol" in changes.other[0]


def test_revision_and_period_together_are_told_apart() -> None:
    both = Y.copy()
    both[YEARS.index("2021"), 0] -= 2.0
    both[YEARS.index("2023"), 0] += 4.0
    old = hold(drawn_panel(), study_design())
    new = hold(drawn_panel(both, last="2023"), study_design(last="2023", sha256="1" * 64))
    revised = difference_of_means(both, "2022") - difference_of_means(Y, "2022")
    whole = difference_of_means(both, "2023") - difference_of_means(both, "2022")
    assert parts(row_of(compare_held(old, new, CONTRACTS))) == pytest.approx((revised, whole, 0.0), abs=1e-9)


def test_a_changed_option_is_code_or_protocol() -> None:
    old = hold(drawn_panel(), study_design())
    new = hold(drawn_panel(), study_design(anticipation=18, sha256="1" * 64))
    row = row_of(compare_held(old, new, CONTRACTS))
    assert row.move is not None
    assert abs(row.move) > 0.01
    assert parts(row) == pytest.approx((0.0, 0.0, row.move), abs=1e-9)


def test_another_program_is_code_or_protocol_and_is_not_taken_for_a_revision() -> None:
    revised = Y.copy()
    revised[YEARS.index("2021"), 0] += 3.0
    old = hold(drawn_panel(), study_design(), shift=0.7, code_version="0.0.1+000000000000")
    changes = compare_held(old, hold(drawn_panel(revised), study_design()), CONTRACTS)
    expected = difference_of_means(revised, "2022") - difference_of_means(Y, "2022")
    assert parts(row_of(changes)) == pytest.approx((expected, 0.0, -0.7), abs=1e-9)
    assert changes.other == (f"the code (0.0.1+000000000000, now {project.code_version()})",)


def test_a_new_run_made_by_an_earlier_program_is_estimated_again() -> None:
    old = hold(drawn_panel(), study_design())
    new = hold(drawn_panel(), study_design(), shift=0.4, code_version="0.0.1+000000000000")
    assert parts(row_of(compare_held(old, new, CONTRACTS))) == pytest.approx((0.0, 0.0, 0.4), abs=1e-9)


def test_what_cannot_be_computed_is_said_and_not_guessed() -> None:
    longer = hold(drawn_panel(last="2023"), study_design(last="2023", sha256="1" * 64))
    lost = Y.copy()
    lost[YEARS.index("2016"), 0] = np.nan
    short = hold(drawn_panel(), study_design())
    broken = replace(short, panel=drawn_panel(lost), manifest=replace(short.manifest, code_version="0.0.1+000000000000"))
    changes = compare_held(broken, longer, CONTRACTS)
    split = row_of(changes).split
    assert split is not None
    assert (split.revised, split.code) == (None, None)
    assert split.periods is not None
    assert "missing" in split.why_not
    assert len(changes.notes) == 2
    assert all(note.startswith("1 move could not be split in full: ") for note in changes.notes)
    gone = compare_held(short, replace(longer, design=None), CONTRACTS)
    assert row_of(gone).split == split_move(0.0, (None, None, None), 1.0, why_not=row_of(gone).split.why_not)  # type: ignore[union-attr]
    assert "protocol of the new run" in gone.notes[0]


def test_verdict_changes_come_first_then_moves_and_areas_by_name() -> None:
    old = hold(drawn_panel(), study_design())
    new = hold(drawn_panel(), study_design(), shift=1.0, code_version="0.0.1+000000000000")
    town, pooled = new.conclusions
    changed = replace(new, conclusions=(replace(town, verdict="detected"), pooled))
    changes = compare_held(old, changed, CONTRACTS)
    assert [(row.kind, row.area) for row in changes.rows] == [("verdict", "A0"), ("moved", "all")]
    without = compare_held(old, replace(new, conclusions=(pooled,), findings=new.findings[1:]), CONTRACTS)
    assert [(row.kind, row.area) for row in without.rows] == [("moved", "all"), ("gone", "A0")]
    inside = hold(drawn_panel(), study_design(), shift=HALF / 2, code_version="0.0.1+000000000000")
    assert {row.kind for row in compare_held(old, inside, CONTRACTS).rows} == {"within"}


def test_figures_added_and_withdrawn_within_shared_periods_are_counted() -> None:
    before, after = Y.copy(), Y.copy()
    before[3, 2], after[5, 1], after[6, 1] = np.nan, np.nan, np.nan
    rate = compare_panels(drawn_panel(before), drawn_panel(after))[0]
    assert (rate.outcome, rate.filled, rate.withdrawn, rate.revised) == ("rate", 1, 2, 0)
    assert not rate.is_empty


def test_a_revised_sampling_error_is_a_revision() -> None:
    years = ("2020", "2021")
    pair = [
        draw_panel({"rate": {"A": [1.0, 2.0]}}, {"rate": years}, se={"rate": {"A": errors}})
        for errors in ([0.5, 0.5], [0.5, 0.6])
    ]
    assert compare_panels(*pair)[0].revised == 1


amounts = st.floats(-50, 50).map(lambda x: round(x, 4))


@settings(max_examples=60)
@given(before=amounts, steps=st.tuples(amounts, amounts, amounts), after=amounts)
def test_the_parts_add_up_to_the_move(before: float, steps: tuple[float, float, float], after: float) -> None:
    split = split_move(before, steps, after)
    assert split.revised + split.periods + split.code == pytest.approx(after - before, abs=1e-9)  # type: ignore[operator]


# ---------------------------------------------------------------- run folders and the command


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two run folders of the same study, the second with a revised figure."""
    revised = Y.copy()
    revised[YEARS.index("2021"), 0] += 3.0
    monkeypatch.setattr(subject, "load_contracts", lambda: CONTRACTS)
    monkeypatch.setattr(subject, "_read_design", lambda *_: study_design())
    return write_run(tmp_path / "old", Y), write_run(tmp_path / "new", revised)


def write_run(run: Path, y: np.ndarray) -> Path:
    held = hold(drawn_panel(y), study_design())
    write_panel(held.panel, run / "panel.parquet")
    project.write_whole(run / "manifest.json", dump_json(held.manifest))
    names = []
    for finding in held.findings:
        names.append(f"findings/{held.manifest.design}/{finding.outcome}/{finding.area}/{finding.estimator}.json")
        project.write_whole(run / names[-1], dump_json(finding))
    record = {
        "id": "rate/A0/20", "key": "k", "state": "done", "seconds": 1.0, "results": names,
        "parts": {"contracts": held.contracts_sha256},
    }  # fmt: skip
    project.write_whole(run / "jobs" / "rate.A0.20.json", json.dumps(record))
    for item in held.conclusions:
        project.write_whole(run / "conclusions" / item.outcome / f"{item.area}.json", dump_json(item))
    return run


def test_the_command_compares_two_folders(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = map(str, folders)
    assert main(["diff", old, new, "--out", str(tmp_path / "changes.csv")]) == 0
    said = capsys.readouterr().out
    assert "Estimates outside their earlier interval: 2" in said
    assert "revised data +1.000, new periods +0.000, code or protocol +0.000" in said
    rows = list(csv.DictReader(io.StringIO((tmp_path / "changes.csv").read_text("utf-8"))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["area_code"] for row in rows] == ["all", "A0"]
    assert {row["change"] for row in rows} == {"moved"}
    assert float(rows[1]["revised_data"]) == pytest.approx(1.0)
    assert main(["diff", old, new, "--json"]) == 0
    changes = from_plain(Changes, json.loads(capsys.readouterr().out))
    assert changes == compare_runs(*folders)
    assert main(["diff", old, old]) == 0
    assert capsys.readouterr().out.endswith("Nothing changed.\n")
    assert changes_csv(compare_runs(folders[0], folders[0])).count("same") == 2


def test_what_cannot_be_compared_is_refused(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = folders
    assert main(["diff", str(old), str(tmp_path / "nothing")]) == 2
    assert "no run here" in capsys.readouterr().err
    manifest = json.loads((new / "manifest.json").read_text())
    (new / "manifest.json").write_text(json.dumps({**manifest, "design": "another"}))
    with pytest.raises(ConfigurationError, match="only two runs of one study"):
        compare_runs(old, new)
    (new / "manifest.json").write_text(json.dumps({**manifest, "synthetic": False}))
    with pytest.raises(ConfigurationError, match="holds SYNTHETIC data and"):
        compare_runs(old, new)
    (new / "manifest.json").write_text(json.dumps(manifest))
    (new / "conclusions" / "rate" / "A0.json").unlink()
    (new / "conclusions" / "rate" / "all.json").unlink()
    with pytest.raises(ConfigurationError, match="no conclusions yet"):
        compare_runs(old, new)
