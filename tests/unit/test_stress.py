"""The estimate under every other choice: what is varied, what is left out and why, and how often chance gives as much."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from conformance.panels import draw_by_hand
from drawn import STUDIED, draw_area, draw_contracts, draw_design, draw_exposure, draw_outcome, draw_panel, draw_unit

from evaluation import stress as subject
from evaluation.design.study import Study
from evaluation.errors import DataError
from evaluation.evaluate import evaluate
from evaluation.inference.reference import Reference
from evaluation.plain import dump_json, from_plain
from evaluation.report.figure_stress import figure_stress
from evaluation.report.tables import to_markdown
from evaluation.report.tables_stress import VARIED, table_variants
from evaluation.results import Design, OutcomePlan, Stress, Variant

YEARS = tuple(str(year) for year in range(2008, 2024))
CODES = tuple(f"A{n:02d}" for n in range(30))
EFFECT = 5.0
UNCHANGED = ("strict", "overlap areas", "overlap areas, any", "overlap months")
"""Variants of the drawn study that change nothing: the protocol is strict, and the treated authority has no other programme."""


def draw_study(*, se: bool = True, unit: str = "A00", **changes: object) -> Study:
    """Thirty authorities in two regions, the first treated from July 2019; A01 borders it, A02 has another programme."""
    rng = np.random.default_rng(5)
    y = 20.0 + rng.normal(size=(16, 30)).cumsum(axis=0) * 0.1 + rng.normal(size=(16, 30)) * 0.3
    y[11, 0] += EFFECT / 2
    y[12:, 0] += EFFECT
    values = {code: y[:, n].tolist() for n, code in enumerate(CODES)}
    people = {code: [100.0 + 10 * n] * 16 for n, code in enumerate(CODES)}
    panel = draw_panel(
        {"rate": values, "residents": people},
        {"rate": YEARS, "residents": YEARS},
        se={"rate": {code: [0.1 + 0.01 * n] * 16 for n, code in enumerate(CODES)}} if se else None,
    )
    contracts = draw_contracts(
        [draw_area(code, region="North" if n < 22 else "South") for n, code in enumerate(CODES)],
        exposures=(draw_exposure(STUDIED, "A00", "2019-07-01"), draw_exposure("rival", "A02", "2019-01-01")),
        neighbours=(("A00", "A01"), ("A01", "A00")),
        outcomes=(draw_outcome("rate"), draw_outcome("residents", unit="people", population=None)),
        programmes=("rival",),
    )
    settings: dict[str, object] = {
        "outcomes": (OutcomePlan(id="rate", primary=True, first="2008", last="2023"),),
        "did_estimators": ("twfe", "event_study"),
        "synthetic_control_estimators": ("synthetic_control",),
        "alternative_starts": (-12, 12),
        "level": 0.1,
        "exclude_programmes": ("rival",),
        "exclude_neighbours": True,
        **changes,
    }
    return Study(design=draw_design(draw_unit("A00", start="2019-07"), **settings), contracts=contracts, panel=panel)


@pytest.fixture(scope="module")
def study() -> Study:
    return draw_study()


@pytest.fixture(scope="module")
def found(study: Study) -> Stress:
    return subject.stress_estimate(study, "rate", "A00")


def by_name(stress: Stress) -> dict[str, Variant]:
    return {variant.name: variant for variant in stress.variants}


def test_every_choice_is_there_the_main_one_first_and_equal_to_the_finding(study: Study, found: Stress) -> None:
    assert [(variant.kind, variant.name) for variant in found.variants] == [
        ("main", "main"),
        ("estimator", "event_study"),
        ("estimator", "synthetic_control"),
        ("start date", "start -12"),
        ("start date", "start +12"),
        ("exposure coding", "coding binary"),
        ("exposure coding", "coding whole"),
        ("comparison areas", "strict"),
        ("comparison areas", "neighbours"),
        ("comparison areas", "programme:rival"),
        ("comparison areas", "lenient"),
        ("comparison areas", "region"),
        ("overlap", "overlap areas"),
        ("overlap", "overlap areas, any"),
        ("overlap", "overlap months"),
        ("window", "first year"),
        ("window", "pandemic"),
        ("weights", "equal"),
        ("weights", "precision"),
    ]
    finding = evaluate(study, study.comparison("rate", "A00"), "twfe")
    main = found.variants[0]
    assert (main.att, main.interval, main.p_value) == (
        finding.estimate.att,
        finding.inference.interval,
        finding.inference.p_value,
    )
    assert (found.design, found.outcome, found.area, found.area_name, found.unit, found.synthetic) == (
        "drawn",
        "rate",
        "A00",
        "A00",
        "pp",
        True,
    )


def test_the_planted_effect_is_found_whatever_the_choice(found: Stress) -> None:
    overlap = [variant for variant in found.variants if variant.name in UNCHANGED]
    assert all("makes no difference here" in v.why_not or "no month can be told" in v.why_not for v in overlap)
    for variant in found.variants:
        if variant in overlap:
            continue
        assert variant.interval is not None, variant
        assert variant.n_donors is not None
        assert variant.att == pytest.approx(EFFECT, abs=1.8), variant
        assert variant.p_value is not None
        assert variant.p_value <= 0.1
    # the exact start and the share of the year are right, the others dilute or inflate
    atts = {name: variant.att or 0.0 for name, variant in by_name(found).items()}
    assert atts["start -12"] < atts["main"] - 0.3
    assert atts["coding binary"] < atts["main"] - 0.3
    assert found.joint_p == pytest.approx(1 / 28)
    assert "11 of 15 estimates" in found.note


def test_comparison_areas_are_those_that_the_choice_says(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, tuple[str, ...]] = {}
    periods: dict[str, tuple[str, ...]] = {}

    def note(study: Study, choice: subject._Choice, comparison: object) -> subject._Made:
        seen[choice.name], periods[choice.name] = comparison.donors, comparison.periods  # type: ignore[attr-defined]
        return subject._Made(variant=subject._without(choice, "noted"))

    monkeypatch.setattr(subject, "_estimate", note)
    stress = subject.stress_estimate(study, "rate", "A00")
    assert {v.why_not for v in stress.variants if v.name not in UNCHANGED} == {"noted"}
    assert seen["main"] == CODES[3:]
    assert seen["neighbours"] == ("A01", *CODES[3:])
    assert seen["programme:rival"] == CODES[2:]
    assert seen["lenient"] == CODES[1:]
    assert seen["region"] == CODES[3:22]
    assert periods["first year"] == YEARS[1:]
    # 2020 has ten of its months in the pandemic, 2021 six, 2019 none
    assert set(YEARS) - set(periods["pandemic"]) == {"2020", "2021"}
    # half of 2019 lies after the start in July
    assert set(YEARS) - set(periods["coding whole"]) == {"2019"}


def test_what_cannot_be_estimated_is_listed_with_its_reason() -> None:
    stress = subject.stress_estimate(
        draw_study(
            se=False, alternative_starts=(-200,), exclude_neighbours=False, exclude_programmes=(), did_estimators=("twfe",)
        ),
        "rate",
        "A00",
    )
    variants = by_name(stress)
    for name, words in (("start -200", "lies outside the window"), ("precision", "have no standard error")):
        assert (variants[name].att, variants[name].interval, variants[name].p_value) == (None, None, None)
        assert words in variants[name].why_not
    # nothing is left out by the protocol: now the neighbour and the programme go
    assert (variants["neighbours"].title, variants["programme:rival"].title) == (
        "without areas next to treated ones",
        "without areas that have rival",
    )
    # a start in January leaves no straddling window
    whole = draw_study(alternative_starts=())
    january = replace(whole, design=replace(whole.design, treated=(draw_unit("A00", start="2020-01"),)))
    assert all(
        "makes no difference here" in by_name(subject.stress_estimate(january, "rate", "A00"))[name].why_not
        for name in ("coding binary", "coding whole")
    )


def test_too_few_placebos_leave_an_estimate_without_interval() -> None:
    variant = by_name(subject.stress_estimate(draw_study(level=0.04), "rate", "A00"))["region"]
    assert variant.att is not None
    assert (variant.interval, variant.p_value) == (None, None)
    assert variant.why_not.startswith("no interval: With 19 ")


def test_all_areas_together_take_the_pooled_synthetic_controls() -> None:
    study = draw_study(pooled_synthetic_control_estimators=("staggered_synthetic_control",), did_estimators=("twfe",))
    stress = subject.stress_estimate(study, "rate", "all")
    assert [v.estimator for v in stress.variants if v.kind == "estimator"] == ["staggered_synthetic_control"]


def test_precision_weights_by_hand() -> None:
    """Comparison areas that move in parallel have no movement of their own: weights are one over the sampling variance."""
    panel = draw_by_hand([[1, 2, 3, 9], [2, 3, 4, 5], [7, 8, 9, 10]], starts={0: 3}, se=np.tile([1.0, 0.5, 2.0], (4, 1)))
    np.testing.assert_allclose(subject._precision(panel, np.ones(3)), [1.0, 4.0, 0.25])
    moving = replace(panel, y=np.array([[0.0, 0, 0], [0, 3, -3], [0, -3, 3], [0, 0, 0]]), se=np.full((4, 3), 1.0))
    # double-demeaned squares 4 x 9 = 36 over (3 - 1)(2 - 1) = 18, less the sampling variance of 1: 17 for an authority
    np.testing.assert_allclose(1 / subject._precision(moving, np.array([2.0, 1, 1])), [17 / 2 + 1, 18, 18])


@pytest.mark.parametrize(
    ("period", "window", "share"), [("2020", 12, 10 / 12), ("2021-12", 12, 0.5), ("2022-03", 12, 0.25), ("2020-03", 1, 1.0)]
)
def test_a_window_lies_in_the_pandemic_by_a_share(period: str, window: int, share: float) -> None:
    assert subject._share_inside(period, window, subject.PANDEMIC) == pytest.approx(share)


# ---------------------------------------------------------------- the joint figure


def made(observed: float, placebos: list[float], *, areas: tuple[str, ...] = ("a", "b"), shift: int = 0) -> subject._Made:
    """A variant with given statistics, whose placebo places are those of the others unless shifted."""
    reference = Reference(
        observed=observed,
        placebos=np.array(placebos),
        unit=1.0,
        scales=np.ones(len(placebos)),
        studentised=False,
        statistic="raw",
        distinct=len(placebos),
        groups=np.arange(len(placebos))[:, None] + shift,
        treated=None,
        places=None,
    )
    variant = Variant(name="x", kind="main", title="x", estimator="twfe", att=observed, interval=None, p_value=None)
    return subject._Made(variant=variant, comparison=SimpleNamespace(areas=areas), reference=reference)  # type: ignore[arg-type]


def test_the_joint_figure_ranks_the_median_of_the_statistics() -> None:
    """Root mean squares 2, 4 and 2: observed 4/2, 4/4, 6/2, median 2; every placebo has a median of 1."""
    variants = [made(4, [2, -2, 2, 2]), made(4, [4, 4, -4, 4]), made(6, [2, 2, 2, -2])]
    assert subject._joint(variants, 0.25)[0] == pytest.approx(1 / 5)
    # as large as observed in one of four: the median over variants of (3, 2, 2) is 2 times a root mean square of 1
    tied = [made(2, [3, 0, 0, 0]), made(2, [2, 0, 0, 0]), made(2, [2, 0, 0, 0])]
    assert subject._joint(tied, 0.25)[0] == pytest.approx(2 / 5)


def test_variants_with_other_places_have_no_say() -> None:
    main = made(4, [2, -2, 2, 2])
    for other in (made(0, [2, 2, 2, 2], shift=1), made(0, [2, 2, 2, 2], areas=("a", "c"))):
        p, note = subject._joint([main, other], 0.25)
        assert p is None
        assert "1 of 2 estimates share comparison areas and placebo places, and 2 are needed" in note
    p, note = subject._joint([main, main, made(0, [2, 2, 2, 2], shift=1)], 0.25)
    assert p == pytest.approx(1 / 5)
    assert "2 of 3" in note
    assert subject._joint([main, main], 0.05)[0] is None


# ---------------------------------------------------------------- on disk and on paper


def test_a_record_is_one_file_and_comes_back(found: Stress, tmp_path: Path) -> None:
    (path,) = subject.save_stress([found], tmp_path)
    assert path == tmp_path / "stress" / "rate" / "A00.json"
    assert dump_json(from_plain(Stress, json.loads(path.read_text("utf-8")))) == dump_json(found)


def test_the_table_and_the_picture_hold_every_choice(found: Stress) -> None:
    outcome = draw_outcome("rate")
    reason = replace(found.variants[-1], att=None, interval=None, p_value=None, why_not="there is <b>no</b> $se$.")
    stress = replace(found, variants=(*found.variants[:-1], reason))
    table = table_variants(stress, outcome, caption="Choices")
    assert len(table.rows) == len(stress.variants)
    assert table.rows[0][0] == "As set in the protocol"
    assert [row[0] for row in table.rows] == sorted((row[0] for row in table.rows), key=list(VARIED.values()).index)
    assert table.rows[-1][2:4] == ("[x]", "[x]")
    assert "<b>" not in to_markdown(table)
    picture = figure_stress(stress, outcome)
    assert picture.svg == figure_stress(stress, outcome).svg
    assert ElementTree.fromstring(picture.svg).tag.endswith("svg")
    assert len(picture.data) == len(stress.variants)
    assert set(picture.columns) <= set(picture.data.columns)
    assert picture.synthetic
    assert "for each of 14 choices" in picture.alt
    assert f"and {reason.title}." in picture.alt.split("Without an estimate: ")[1]
    assert picture.alt != picture.caption
    assert any("no estimate; the table says why" in note for note in picture.notes)
    hollow = replace(stress, variants=(replace(found.variants[0], interval=None),))
    assert "A hollow point has no interval." in figure_stress(hollow, outcome).notes
    nothing = replace(stress, variants=(reason,))
    assert "svg" in figure_stress(nothing, outcome).svg.decode()


def test_a_study_without_the_main_estimate_is_refused() -> None:
    study = draw_study()
    design: Design = replace(study.design, treated=(draw_unit("A00", start="2040-01"),))
    with pytest.raises(DataError, match="lies outside the window"):
        subject.stress_estimate(replace(study, design=design), "rate", "A00")
