"""Checks with a threshold in the protocol: each passes, fails, informs and stands aside on a case worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel
from drawn import STUDIED, draw_area, draw_contracts, draw_design, draw_exposure, draw_panel, draw_unit

from evaluation.design.study import Study
from evaluation.errors import DataError
from evaluation.estimators import REGISTRY as ESTIMATORS
from evaluation.inference.checks import (
    anticipation,
    convex_hull,
    donor_concentration,
    donor_contamination,
    leave_one_donor_out,
    outcome_revisions,
    pre_fit,
    pre_trend,
    pre_trend_power,
    run_checks,
)
from evaluation.inference.checks.spacing import periods_in_year
from evaluation.numerics.selection import keep_areas, keep_periods
from evaluation.results import NEVER, CheckThresholds, DonorWeight, Placebos

LIMITS = CheckThresholds(minimum_pre_periods=1, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.9, maximum_donor_weight=0.5)
TWFE, SC = ESTIMATORS["twfe"](), ESTIMATORS["synthetic_control"]()
PANEL = make_panel(n_areas=40, n_periods=16, starts=(10,), seed=3)
NONE = Placebos(att=np.zeros(0), pre_rmspe=np.zeros(0), gaps=None, labels=(), exhaustive=True)


def found(estimator=TWFE, comparison=PANEL):
    return estimator.fit(comparison), estimator.placebos(comparison, draws=200, seed=0)


# ---------------------------------------------------------------- periods


@pytest.mark.parametrize(
    ("periods", "wanted"),
    [
        (("2001", "2002"), 1.0),
        (("2024-03", "2024-06", "2024-09"), 4.0),
        (("2024-01", "2024-02", "2024-07"), 12.0),
        (("t1", "t2"), None),
        (("2001",), None),
    ],
)
def test_periods_in_a_year_are_read_off_the_labels(periods, wanted):
    assert periods_in_year(periods) == wanted


def test_a_selection_takes_everything_along():
    y = np.arange(20.0).reshape(4, 5).T
    panel = draw_by_hand(y.T, starts={0: 3}, weights=[3, 1, 1, 1], se=np.ones((5, 4)))
    panel = replace(panel, sizes=[2, 1, 1, 1], neighbours=np.eye(4)[::-1].astype(bool), covariates={"x": y})
    some = keep_areas(panel, np.array([True, False, True, True]))
    assert some.areas == ("A000", "A002", "A003")
    assert some.sizes.tolist() == [2, 1, 1]
    assert some.neighbours.tolist() == [[False, False, True], [False, False, False], [True, False, False]]
    assert some.covariates["x"].shape == some.se.shape == some.y.shape == (5, 3)
    assert leave_one_donor_out.leave_out(panel, "A001").areas == some.areas
    later = keep_periods(panel, np.array([True, True, False, False, True]))
    assert later.periods == ("2001", "2002", "2005")
    assert later.first_treated.tolist() == [2, NEVER, NEVER, NEVER]
    assert later.exposure[:, 0].tolist() == [0, 0, 1]
    for kept in ([True, True, True, False, False], [False, False, False, True, True]):
        with pytest.raises(DataError, match="left without a period before or after the start"):
            keep_periods(panel, np.array(kept))


# ---------------------------------------------------------------- power of the check of movement


def test_the_drift_that_could_go_unseen_is_found_by_hand():
    """Ten places with misfits 1 to 10, ten years before the start: the mean square of the time since the middle is 8.25.

    More than 90% of ten places are smaller only when a place exceeds all ten, so it must reach 10; 80% of the places do when the
    third smallest does: sqrt(9 + 8.25 b^2) = 10, b = 3.321 a year.
    """
    panel = make_panel(n_areas=30, n_periods=16, starts=(10, 10))
    places = Placebos(att=np.ones(10), pre_rmspe=np.arange(1.0, 11.0), gaps=None, labels=(), exhaustive=False)
    estimate = found(comparison=panel)[0]
    informs = pre_trend_power.run(panel, TWFE, estimate, places, LIMITS)
    assert (informs.passed, informs.information, informs.threshold) == (None, True, None)
    assert informs.value == pytest.approx(np.sqrt(91 / 8.25), rel=1e-4)
    assert "3.3 pp a year" in informs.text
    for limit, passed in ((3.4, True), (3.2, False)):
        check = pre_trend_power.run(panel, TWFE, estimate, places, replace(LIMITS, maximum_hidden_drift=limit))
        assert (check.passed, check.threshold, check.information) == (passed, limit, False)
    quarters = replace(panel, periods=tuple(f"{2001 + t // 4}-{3 + 3 * (t % 4):02d}" for t in range(16)))
    assert pre_trend_power.run(quarters, TWFE, estimate, places, LIMITS).value == pytest.approx(4 * informs.value)


def test_the_check_of_movement_notices_that_drift_and_none_much_smaller():
    estimate, places = found()
    drift = pre_trend_power.run(PANEL, TWFE, estimate, places, LIMITS).value
    years = np.arange(16) - 4.5

    def noticed(by):
        failed = [
            not pre_trend.run(
                PANEL,
                TWFE,
                replace(estimate, series=replace(estimate.series, observed=tuple(gap + by * years), counterfactual=(0.0,) * 16)),
                places,
                LIMITS,
            ).passed
            for gap in places.gaps
        ]
        return np.mean(failed)

    assert min(noticed(1.001 * drift), noticed(-1.001 * drift)) >= 0.8
    assert min(noticed(0.97 * drift), noticed(-0.97 * drift)) < 0.8


def test_a_check_that_never_fails_sees_no_drift():
    limits = replace(LIMITS, maximum_pre_trend=1.0, maximum_hidden_drift=5.0)
    check = pre_trend_power.run(PANEL, TWFE, *found(), limits)
    assert (check.passed, check.value) == (False, None)
    assert check.text.startswith("No drift, however steep,")
    assert pre_trend_power.run(PANEL, TWFE, found()[0], NONE, LIMITS).text.startswith("Not run")
    still = replace(found()[1], pre_rmspe=np.zeros(39))
    assert "nothing is left to drift" in pre_trend_power.run(PANEL, TWFE, found()[0], still, LIMITS).text


# ---------------------------------------------------------------- anticipation


@pytest.mark.parametrize("estimator", [TWFE, SC, ESTIMATORS["event_study"]()])
def test_anticipation_is_a_change_in_the_last_half_year(estimator):
    calm = anticipation.run(PANEL, estimator, *found(estimator), LIMITS)
    assert (calm.passed, calm.threshold) == (True, 0.95)
    y = PANEL.y.copy()
    y[9, 0] += 12.0
    early = replace(PANEL, y=y)
    check = anticipation.run(early, estimator, *found(estimator, early), LIMITS)
    assert check.passed is False
    assert check.value > 0.95
    assert check.text.startswith("In 2010, just before the start,")
    assert anticipation.run(early, estimator, *found(estimator, early), replace(LIMITS, negligible_effect=20.0)).passed is True
    informs = anticipation.run(early, estimator, *found(estimator, early), replace(LIMITS, maximum_anticipation=1.0))
    assert (informs.passed, informs.information) == (None, True)


def test_anticipation_is_blind_to_what_comes_after_the_start_and_takes_half_a_year():
    quarters = replace(PANEL, periods=tuple(f"{2001 + t // 4}-{3 + 3 * (t % 4):02d}" for t in range(16)))
    first = anticipation.run(quarters, TWFE, *found(comparison=quarters), LIMITS)
    assert first.text.startswith("In 2003-03 to 2003-06,")
    y = PANEL.y.copy()
    y[10:, 0] += 100.0
    loud = replace(quarters, y=y)
    assert anticipation.run(loud, TWFE, *found(comparison=loud), LIMITS) == first


def test_anticipation_stands_aside():
    short = make_panel(n_areas=20, n_periods=6, starts=(3,))
    assert anticipation.run(short, TWFE, *found(comparison=short), LIMITS).passed is None
    two = make_panel(n_areas=2, n_periods=12, starts=(8,))
    assert "no placebo areas" in anticipation.run(two, TWFE, TWFE.fit(two), NONE, LIMITS).text


# ---------------------------------------------------------------- other programmes


CODES = ("A", "B", "C", "D", "E")


def study_of(*exposures, neighbours=(), partly=()):
    """A treated area A and four others; of the programmes in `partly` not every area is on record."""
    contracts = draw_contracts(
        [draw_area(code) for code in CODES],
        exposures=(draw_exposure(STUDIED, "A", "2022-01-01"), *exposures),
        neighbours=neighbours,
        programmes=("rival", "second"),
    )
    known = {id: replace(item, areas_on_record="some" if id in partly else "all") for id, item in contracts.programmes.items()}
    contracts = replace(contracts, programmes=known)
    values = {code: [n + 1.0, n + 2.0, n + 1.5, n + 2.5] for n, code in enumerate(CODES)}
    panel = draw_panel({"rate": values}, {"rate": ("2020", "2021", "2022", "2023")})
    return Study(design=draw_design(draw_unit("A")), contracts=contracts, panel=panel)


def contaminated(study, *, weights=(), limit=0.5):
    comparison = study.comparison("rate", "A")
    estimate = replace(TWFE.fit(comparison), weights=tuple(DonorWeight(area=a, name=a, weight=w) for a, w in weights))
    limits = replace(LIMITS, maximum_contaminated_weight=limit)
    return donor_contamination.run(comparison, TWFE, estimate, NONE, limits, study=study)


def test_donors_reached_by_others_are_counted():
    study = study_of(
        draw_exposure("rival", "B", "2022-05-01"),
        # less than half of the area; too long before the start; after the last period
        draw_exposure("rival", "C", "2022-05-01", area_share=0.4),
        draw_exposure("second", "D", "2018-12-01"),
        draw_exposure("second", "E", "2024-01-01"),
    )
    check = contaminated(study)
    assert (check.passed, check.value, check.threshold) == (True, 0.25, 0.5)
    assert "(rival 25%)" in check.text
    assert contaminated(study, limit=0.2).passed is False
    assert contaminated(study, weights=(("B", 0.6), ("C", 0.4))).passed is False
    assert contaminated(study, weights=(("B", 0.6), ("C", 0.4))).value == pytest.approx(0.6)
    informs = contaminated(study, limit=1.0)
    assert (informs.passed, informs.information) == (None, True)


def test_donors_next_door_are_counted_once():
    study = study_of(draw_exposure("rival", "B", "2021-05-01"), neighbours=(("A", "B"), ("A", "C"), ("D", "E")))
    check = contaminated(study)
    assert (check.passed, check.value) == (True, 0.5)
    assert "next to a treated place 50%, rival 25%" in check.text
    assert contaminated(study, limit=0.49).passed is False


def test_what_began_on_both_sides_is_no_difference():
    study = study_of(*(draw_exposure("rival", code, "2022-05-01") for code in CODES))
    assert contaminated(study).value == 0.0
    # an unknown beginning counts
    assert contaminated(study_of(draw_exposure("rival", "E"))).value == 0.25


def test_where_not_every_area_is_on_record_absence_is_no_difference():
    """The treated area is in no row of a programme whose areas are known in part: nobody knows whether it has it."""
    rows = [draw_exposure("rival", code, "2022-05-01") for code in "BCD"]
    known = contaminated(study_of(*rows))
    assert (known.passed, known.value, known.kind) == (False, 0.75, "credibility")
    unsettled = contaminated(study_of(*rows, partly=("rival",)))
    assert (unsettled.passed, unsettled.value, unsettled.kind) == (False, 0.75, "robustness")
    assert unsettled.text.startswith("Not settled: ")
    assert "whether the treated area has rival too is not on record" in unsettled.text
    # it does not tip the balance, so nothing hangs on what is not known
    assert contaminated(study_of(rows[0], partly=("rival",))).passed is True
    # what is known for certain is enough by itself
    certain = contaminated(study_of(*rows, *(draw_exposure("second", code, "2022-05-01") for code in "CDE"), partly=("rival",)))
    assert (certain.passed, certain.value, certain.kind) == (False, 0.75, "credibility")
    assert "rival" in certain.text
    # recorded on both sides
    both = study_of(*rows, draw_exposure("rival", "A", "2022-05-01"), partly=("rival",))
    assert (contaminated(both).passed, contaminated(both).value) == (True, 0.0)
    assert "rival" not in contaminated(both).text


def test_without_a_study_it_stands_aside():
    assert donor_contamination.run(PANEL, TWFE, *found(), LIMITS).passed is None


# ---------------------------------------------------------------- range of the donors


def test_the_treated_area_must_lie_among_the_donors():
    panel = draw_by_hand([[5, 5, 11, 5, 0], [0, 0, 0, 0, 0], [10, 10, 10, 10, 10], [4, 6, 4, 4, 0]], starts={0: 4})
    check = convex_hull.run(panel, SC, SC.fit(panel), NONE, LIMITS)
    assert (check.passed, check.value, check.threshold) == (False, 0.75, 0.9)
    # below it: 2, 1, 3 and 2 of the three donors
    assert "above 67% of the 3 donors" in check.text
    assert convex_hull.run(panel, SC, SC.fit(panel), NONE, replace(LIMITS, minimum_inside_range=0.75)).passed is True
    informs = convex_hull.run(panel, SC, SC.fit(panel), NONE, replace(LIMITS, minimum_inside_range=0.0))
    assert (informs.passed, informs.information) == (None, True)


def test_methods_that_compare_changes_are_held_to_changes():
    panel = draw_by_hand([[101, 102, 101, 102, 0], [0, 3, 0, 3, 0], [9, 9, 9, 9, 9], [5, 4, 5, 4, 0]], starts={0: 4})
    assert convex_hull.run(panel, SC, SC.fit(panel), NONE, LIMITS).value == 0.0
    demeaned = ESTIMATORS["demeaned_synthetic_control"]()
    check = convex_hull.run(panel, demeaned, demeaned.fit(panel), NONE, LIMITS)
    assert (check.passed, check.value) == (True, 1.0)
    assert "each area's own mean" in check.text


def test_of_several_treated_areas_the_one_farthest_out_counts():
    panel = draw_by_hand([[5, 5, 5, 0], [11, 11, 5, 0], [0, 0, 0, 0], [10, 10, 10, 0]], starts={0: 3, 1: 2})
    check = convex_hull.run(panel, ESTIMATORS["staggered_synthetic_control"](), found()[0], NONE, LIMITS)
    assert check.value == 0.0
    assert "Area A001" in check.text
    one = draw_by_hand([[5, 5, 5], [1, 1, 1]], starts={0: 2})
    assert convex_hull.run(one, SC, found()[0], NONE, LIMITS).passed is None


# ---------------------------------------------------------------- fit beside sampling error, evenness of weights


def test_the_fit_is_said_beside_what_sampling_error_gives():
    """Treated 1, two donors 2 each at half weight: sqrt(1 + 0.25 x 4 + 0.25 x 4) = 1.73."""
    panel = draw_by_hand(
        [[1, 2, 1, 2], [1, 1, 1, 1], [2, 2, 2, 2]], starts={0: 3}, se=np.column_stack([np.full(4, s) for s in (1, 2, 2)])
    )
    places = Placebos(att=np.ones(3), pre_rmspe=np.array([1.0, 2.0, 3.0]), gaps=None, labels=(), exhaustive=True)
    text = pre_fit.run(panel, TWFE, replace(TWFE.fit(panel), pre_rmspe=1.5), places, LIMITS).text
    assert text.endswith("It is 1.5 pp; the survey's sampling error alone gives about 1.7.")
    weights = (DonorWeight(area="A001", name="B", weight=1.0),)
    estimate = replace(TWFE.fit(panel), pre_rmspe=1.5, weights=weights)
    assert pre_fit.run(panel, TWFE, estimate, places, LIMITS).text.endswith("alone gives about 2.2.")
    assert "sampling" not in pre_fit.run(replace(panel, se=None), TWFE, estimate, places, LIMITS).text


def test_the_effective_number_of_donors_is_said():
    weights = tuple(DonorWeight(area=a, name=a, weight=w, treated=t) for a, w, t in (("b", 0.5, ""), ("c", 0.5, "")))
    estimate = replace(found()[0], weights=weights)
    assert "as 2.0 areas of equal weight" in donor_concentration.run(PANEL, SC, estimate, NONE, LIMITS).text
    more = (*weights, DonorWeight(area="d", name="d", weight=1.0, treated="z"))
    assert "as 1.0 areas" in donor_concentration.run(PANEL, SC, replace(estimate, weights=more), NONE, LIMITS).text


# ---------------------------------------------------------------- revisions


def revised(by, *, last="2023"):
    """The study, and an earlier edition in which A was lower by `by` in 2022 and 2023."""
    study = study_of()
    frame = study.panel.frame.copy()
    later = (frame["area_code"] == "A") & (frame["period"] >= "2022")
    frame.loc[later, "value"] -= by
    return study, replace(study.panel, frame=frame[frame["period"] <= last])


@pytest.mark.parametrize(("by", "passed"), [(0.4, True), (0.6, False)])
def test_the_estimate_may_move_by_as_much_as_the_protocol_says(by, passed):
    study, earlier = revised(by)
    comparison = study.comparison("rate", "A")
    limits = replace(LIMITS, negligible_effect=0.5)
    check = outcome_revisions.run(comparison, TWFE, TWFE.fit(comparison), NONE, limits, study=study, earlier=earlier)
    # every area moves alike before the start, so the misfit is nil and what is negligible is the limit
    assert (check.passed, check.threshold, check.kind) == (passed, 0.5, "robustness")
    assert check.value == pytest.approx(by)
    assert "10% of the figures changed" in check.text


def test_periods_that_the_earlier_edition_lacks_are_left_out():
    study, earlier = revised(0.4, last="2022")
    comparison = study.comparison("rate", "A")
    check = outcome_revisions.run(comparison, TWFE, TWFE.fit(comparison), NONE, LIMITS, study=study, earlier=earlier)
    assert "on the 3 periods that both have" in check.text
    study, earlier = revised(0.4, last="2021")
    check = outcome_revisions.run(comparison, TWFE, TWFE.fit(comparison), NONE, LIMITS, study=study, earlier=earlier)
    assert check.passed is None
    assert "lies outside the window" in check.text


def test_one_vintage_is_said():
    check = outcome_revisions.run(PANEL, TWFE, *found(), LIMITS, study=study_of())
    assert check.passed is None
    assert check.text.startswith("Not run: one vintage")


# ---------------------------------------------------------------- all together


def test_what_a_failure_says_and_what_is_information_is_on_the_record():
    study, earlier = revised(0.0)
    comparison = study.comparison("rate", "A")
    checks = {
        check.name: check
        for check in run_checks(
            comparison, TWFE, *found(comparison=comparison), LIMITS, level=0.05, draws=99, seed=0, study=study, earlier=earlier
        )
    }
    assert checks["donor_contamination"].passed is True
    assert checks["outcome_revisions"].passed is True
    robustness = {name for name, check in checks.items() if check.kind == "robustness"}
    assert robustness == {"outcome_revisions"}
    sc = run_checks(PANEL, SC, *found(SC), LIMITS, level=0.05, draws=99, seed=0)
    assert {check.name for check in sc if check.kind == "robustness"} == {"leave_one_donor_out", "outcome_revisions"}
    assert {check.name for check in sc if check.information} == {"pre_trend_power"}
    assert all(check.passed is None for check in sc if check.information)
