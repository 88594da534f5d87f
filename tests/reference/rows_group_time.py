"""Published group-time effects: county teen employment (Callaway & Sant'Anna 2021) and the Medicaid expansion.

The publications bootstrap their standard errors; ours are analytical.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from published import Reached, benchmark

from evaluation.estimators.callaway_santanna import group_time_effects
from evaluation.numerics.group_time import Aggregation, ControlGroup
from evaluation.results import Comparison


def counties() -> Comparison:
    frame = benchmark("mpdta")
    frame["first"] = frame["first_treat"].where(frame["first_treat"] > 0)
    return Comparison.from_frame(
        frame, area="countyreal", period="year", value="lemp", first_treated="first", covariates=["lpop"]
    )


def states(*, with_never: bool = True) -> Comparison:
    frame = benchmark("medicaid_insurance")
    if not with_never:
        frame = frame[frame["yexp2"].notna()]
    return Comparison.from_frame(frame, area="stfips", period="year", value="dins", first_treated="yexp2")


def effect(make: Callable[[], Comparison], cohort: int, period: int, group: ControlGroup, covariates: tuple[str, ...]) -> Reached:
    """One ATT(g, t)."""
    table = group_time_effects(make(), control_group=group, base_period="varying", covariates=covariates).table()
    row = table[(table["cohort"] == str(cohort)) & (table["period"] == str(period))].iloc[0]
    return Reached(value=row["att"], se=row["se"])


def average(make: Callable[[], Comparison], aggregation: Aggregation, group: ControlGroup, key: str | int | None) -> Reached:
    """One average, by its key or overall."""
    found = group_time_effects(make(), control_group=group, base_period="varying").average(aggregation)
    if key is None:
        return Reached(value=found.overall, se=found.overall_se)
    position = found.keys.index(key)
    return Reached(value=found.att[position], se=found.se[position])


COUNTY_CELLS = [
    *((2004, year) for year in (2004, 2005, 2006, 2007)),
    *((2006, year) for year in (2004, 2005, 2006, 2007)),
    *((2007, year) for year in (2004, 2005, 2006, 2007)),
]
COUNTY_CELLS_GIVEN_POPULATION = [(2004, 2004), (2004, 2005), (2006, 2007), (2007, 2005)]
STATE_YEARS = [2009, *range(2013, 2020)]

ROWS: dict[str, Callable[[], Reached]] = {
    **{f"cs_attgt_{g}_{t}": partial(effect, counties, g, t, "never_treated", ()) for g, t in COUNTY_CELLS},
    **{f"cs_es_{e}": partial(average, counties, "dynamic", "never_treated", e) for e in range(-3, 4)},
    "cs_dynamic_overall": partial(average, counties, "dynamic", "never_treated", None),
    "cs_group_overall": partial(average, counties, "group", "never_treated", None),
    **{f"cs_group_{g}": partial(average, counties, "group", "never_treated", str(g)) for g in (2004, 2006, 2007)},
    "cs_simple": partial(average, counties, "simple", "never_treated", None),
    **{
        f"cs_x_attgt_{g}_{t}": partial(effect, counties, g, t, "never_treated", ("lpop",))
        for g, t in COUNTY_CELLS_GIVEN_POPULATION
    },
    **{f"med_attgt_2014_{t}": partial(effect, states, 2014, t, "not_yet_treated", ()) for t in STATE_YEARS},
    "med_simple": partial(average, states, "simple", "not_yet_treated", None),
    "med_simple_nonever": partial(average, partial(states, with_never=False), "simple", "not_yet_treated", None),
}
NOT_REACHED: dict[str, str] = {}
