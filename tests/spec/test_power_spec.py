"""Power from a panel small enough to work by hand, and what it must not read. Nothing here is real."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import draw_area, draw_contracts, draw_design, draw_exposure, draw_outcome, draw_panel, draw_unit

from evaluation.design.study import Study
from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators import REGISTRY
from evaluation.inference.placebo_in_space import infer
from evaluation.plain import dump_json, from_plain, to_plain
from evaluation.power import look_back, measure_power, read_calendar, save_power
from evaluation.results import OutcomePlan, Power

YEARS = [str(year) for year in range(2015, 2023)]
CODES = ("t", "a", "b", "c")


def draw_study(values=None, *, years=YEARS, start="2021-01", contracts=None, **design) -> Study:
    """Town t is treated from 2021; a, b and c are not. Before 2020 all are at 0; in 2020 a is 3, b is 6, the others 0."""
    last = {"t": 0.0, "a": 3.0, "b": 6.0, "c": 0.0}
    values = values or {code: [0.0] * 5 + [last[code]] + [50.0, -50.0] for code in CODES}
    panel = draw_panel(
        {
            "rate": {code: series[: len(years)] for code, series in values.items()},
            "residents": {code: [1000.0] * len(years) for code in values},
        },
        {"rate": years, "residents": years},
    )
    plan = OutcomePlan(id="rate", primary=True, first=years[0], last=years[-1])
    unit = replace(draw_unit("t", start=start), supported=30)
    chosen = {"level": 0.5, "outcomes": (plan,), "plausible_effect": 0.2, **design}
    areas = [draw_area(code) for code in values]
    return Study(design=draw_design(unit, **chosen), contracts=contracts or draw_contracts(areas), panel=panel)


def test_the_smallest_difference_by_hand():
    # One year after: the start moves to 2020. Equal weights, no misfit before, so estimates count as they are.
    #   a: 3 - (6 + 0) / 2 = 0        b: 6 - (3 + 0) / 2 = 4.5        c: 0 - (3 + 6) / 2 = -4.5
    # At 0.5 with three placebos p = (1 + #) / 4 may have one as large: the limit is the second largest, 4.5. All three (80% of
    # three, rounded up) pass it when c does: -4.5 + 9. Two and three years after: the same over the mean of 2 and 3 years.
    power = measure_power(draw_study(), "rate", "t")
    assert [point.follow_up for point in power.points] == [1, 2, 3]
    assert [point.mde for point in power.points] == pytest.approx([9.0, 4.5, 3.0])
    assert [point.before for point in power.points] == [5, 4, 3]
    assert power.available == 2
    assert (power.power, power.level, power.reps, power.estimator) == (0.8, 0.5, 3, "twfe")
    assert power.cap == pytest.approx(3.0), "30 people of 1,000"
    assert power.plausible == 0.2
    assert power.synthetic
    assert {point.sampling_share for point in power.points} == {None}, "there are no standard errors"


def test_what_comes_after_the_start_is_not_read():
    base = draw_study()
    frame = base.panel.frame
    after = (frame["period"] >= "2021") & (frame["outcome"] == "rate")
    written = dump_json(measure_power(base, "rate", "t"))
    random = np.random.default_rng(1)
    for changed in (
        frame.assign(value=frame["value"].where(~after, random.normal(1e6, 1e5, len(frame)))),
        frame.assign(value=frame["value"].where(~after)),
        frame.assign(se=frame["se"].where(~after, 7.0)),
        frame.loc[~after],
    ):
        study = replace(base, panel=replace(base.panel, frame=changed))
        assert dump_json(measure_power(study, "rate", "t")) == written
    before = frame["period"].eq("2020") & frame["area_code"].eq("b") & frame["outcome"].eq("rate")
    study = replace(base, panel=replace(base.panel, frame=frame.assign(value=frame["value"].where(~before, 7.0))))
    assert dump_json(measure_power(study, "rate", "t")) != written, "what comes before is"


def test_it_is_the_test_of_the_run():
    random = np.random.default_rng(3)
    study = draw_study({code: random.normal(20, 2, 8).tolist() for code in [*"tabcdefghijklmnopqrs", *"xyz"]}, level=0.1)
    power, early = measure_power(study, "rate", "t"), look_back(study, "rate", "t")
    estimator = REGISTRY["twfe"]()
    for point in power.points:
        comparison = early.comparison(point.follow_up)
        found = infer(estimator.fit(comparison), estimator, comparison, level=0.1, draws=99, seed=1)
        assert point.mde == found.mde
        assert comparison.periods == tuple(YEARS[:6])
        assert int(comparison.exposure[:, 0].sum()) == point.follow_up


def test_what_does_not_fit_has_no_value_and_a_reason():
    power = measure_power(draw_study(years=YEARS[1:]), "rate", "t")
    assert [point.mde is None for point in power.points] == [False, False, True]
    assert [point.before for point in power.points] == [4, 3, None]
    assert "Not computed for a follow-up of 3: fewer than 3 periods would remain" in power.note
    strict = measure_power(draw_study(level=0.1), "rate", "t")
    assert {point.mde for point in strict.points} == {None}
    assert "3 placebo place(s) are too few for a test at the level 0.1" in strict.note


def test_areas_that_start_soon_after_the_window_are_no_comparison_for_a_longer_follow_up():
    # the others start in 2023, one year after the window: with three years after 2021 they would have started as well
    study = draw_study(years=[str(year) for year in range(2014, 2023)], values={code: [0.0, 1.0] * 5 for code in CODES})
    later = tuple(draw_unit(code, start="2023-01") for code in "abc")
    study = replace(study, design=replace(study.design, treated=(*study.design.treated, *later)))
    power = measure_power(study, "rate", "t")
    assert [point.mde is None for point in power.points] == [False, False, True]
    assert "Not computed for a follow-up of 3: no comparison area is left of 3." in power.note
    assert look_back(study, "rate", "t").comparison(2).donors == ("a", "b", "c")


def test_a_programme_that_has_not_begun_can_be_planned_for():
    study = draw_study(years=YEARS[:6], start="2024-01")
    power = measure_power(study, "rate", "t")
    assert power.available == 0
    assert [point.mde for point in power.points] == pytest.approx([9.0, 4.5, 3.0])


def test_without_a_period_before_the_start_there_is_nothing_to_measure():
    with pytest.raises(DataError, match="no period of the window 2015 to 2022 lies before the start"):
        measure_power(draw_study(start="2015-01"), "rate", "t")


def test_what_is_not_known_is_refused():
    study = draw_study()
    with pytest.raises(ConfigurationError, match="estimator 'guess' is not known"):
        measure_power(study, "rate", "t", estimator="guess")
    with pytest.raises(ConfigurationError, match="each must be at least 1 period"):
        measure_power(study, "rate", "t", follow_ups=[0])
    with pytest.raises(ConfigurationError, match="is not treated in it"):
        measure_power(study, "rate", "nowhere")
    with pytest.raises(DataError, match="ask for at most 5"):
        look_back(study, "rate", "t").comparison(6)


def test_an_area_the_run_leaves_out_is_left_out_here():
    # another programme reaches c from 2021, after everything that is read here
    contracts = draw_contracts(
        [draw_area(code) for code in CODES], exposures=[draw_exposure("other", "c", "2021-05-01")], programmes=("other",)
    )
    study = draw_study(contracts=contracts, exclude_programmes=("other",))
    assert look_back(study, "rate", "t").comparison(1).donors == ("a", "b")


# ---------------------------------------------------------------- rolling windows and several places

QUARTERS = [f"{year}-{month}" for year in range(2016, 2023) for month in ("03", "06", "09", "12")]


def draw_rolling(*starts: str, **design) -> Study:
    """Rolling years by quarter from 2016 to 2022, with standard errors; treated are p, q and so on."""
    random = np.random.default_rng(7)
    treated, untreated = [chr(ord("p") + k) for k in range(len(starts))], [f"z{n:02d}" for n in range(30)]
    codes = treated + untreated
    areas = [draw_area(code) for code in codes]
    outcomes = (
        draw_outcome("rate", frequency="quarterly", window_months=12),
        draw_outcome("residents", unit="people", population=None),
    )
    years = [str(year) for year in range(2016, 2023)]
    panel = draw_panel(
        {
            "rate": {code: random.normal(20, 1, len(QUARTERS)).tolist() for code in codes},
            "residents": {code: [1000.0 + n] * len(years) for n, code in enumerate(codes)},
        },
        {"rate": QUARTERS, "residents": years},
        se={"rate": {code: [0.5] * len(QUARTERS) for code in codes}, "residents": {code: [np.nan] * 7 for code in codes}},
    )
    units = [draw_unit(code, start=start) for code, start in zip(treated, starts, strict=True)]
    plan = OutcomePlan(id="rate", primary=True, first=QUARTERS[0], last=QUARTERS[-1])
    design = {"level": 0.1, "outcomes": (plan,), **design}
    return Study(design=draw_design(*units, **design), contracts=draw_contracts(areas, outcomes=outcomes), panel=panel)


def test_straddling_windows_keep_their_shares():
    # a start in May 2021: the years to June 2021 ... March 2022 hold 2, 5, 8 and 11 months of it, that to June 2022 all twelve
    study = draw_rolling("2021-05")
    calendar = read_calendar(study, "rate", "p")
    assert (calendar.before, calendar.partial, calendar.available, calendar.last) == (21, 4, 3, "2021-03")
    comparison = look_back(study, "rate", "p").comparison(2)
    assert comparison.exposure[-7:, 0] == pytest.approx([0, 2 / 12, 5 / 12, 8 / 12, 11 / 12, 1, 1])
    assert comparison.n_periods == 21
    real = study.comparison("rate", "p").exposure[20:27, 0]
    assert real == pytest.approx(comparison.exposure[-7:, 0])


def test_starts_move_together():
    study = draw_rolling("2021-01", "2021-07")
    comparison = look_back(study, "rate", "all").comparison(3)
    real = study.comparison("rate", "all").exposure
    at = int((real[:, 0] > 0).argmax())
    shown = 3 + 3  # straddling and whole windows of the first start
    assert comparison.exposure[-shown:, :2] == pytest.approx(real[at : at + shown, :2])
    power = measure_power(study, "rate", "all", follow_ups=[1, 3])
    assert "counted from the first start" in power.note
    assert (power.area, power.area_name) == ("all", "all treated areas")


def test_a_coding_without_shares_has_no_straddling_windows():
    study = draw_rolling("2021-05", exposure_coding="binary")
    assert read_calendar(study, "rate", "p").partial == 0
    assert look_back(study, "rate", "p").comparison(2).exposure[-3:, 0].tolist() == [0, 1, 1]


def test_sampling_error_has_a_share_between_none_and_all():
    power = measure_power(draw_rolling("2021-05"), "rate", "p", follow_ups=[1, 6])
    assert all(0.0 < point.sampling_share <= 1.0 for point in power.points)
    # half the standard errors, a quarter of the variance
    single = draw_rolling("2021-05")
    whole = measure_power(single, "rate", "p", follow_ups=[1]).points[0].sampling_share
    frame = single.panel.frame
    half = replace(single, panel=replace(single.panel, frame=frame.assign(se=frame["se"] / 2)))
    assert measure_power(half, "rate", "p", follow_ups=[1]).points[0].sampling_share == pytest.approx(whole / 4)


def test_the_record_goes_to_its_file_and_back(tmp_path):
    power = measure_power(draw_rolling("2021-05"), "rate", "p")
    assert len(power.points) == 12
    (path,) = save_power([power], tmp_path)
    assert path == tmp_path / "power" / "rate" / "p.json"
    assert path.read_text("utf-8") == dump_json(power)
    assert from_plain(Power, to_plain(power)) == power
