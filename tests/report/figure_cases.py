"""Every figure the product can draw, each with invented records that ask much of it: long names, many rows, marks of all kinds.

`CASES` has an entry for every function that returns a picture; `test_every_figure.py` fails where one is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
from conformance.panels import make_panel as make_comparison
from drawn import draw_area, draw_contracts, draw_exposure, draw_outcome, draw_panel
from invented import OUTCOMES, RATE, SECOND, make_all, make_contracts, make_design, make_finding, make_unit
from report.invented_book import add_programmes, make_panel, make_pool, make_power, make_spillover, make_stress
from report.test_value import measure

from evaluation.contracts.records import Contracts, Outcome
from evaluation.design.overlap import list_months
from evaluation.design.study import Study
from evaluation.lab import picker
from evaluation.profile import profile_area
from evaluation.report import figure_profile, figures, places
from evaluation.report.drawing import Picture
from evaluation.report.figure_event_study import figure_event_study
from evaluation.report.figure_levels import figure_levels
from evaluation.report.figure_overlap import figure_overlap, split_pages
from evaluation.report.figure_pool import figure_pool
from evaluation.report.figure_power import figure_noise, figure_power
from evaluation.report.figure_power_areas import figure_power_areas
from evaluation.report.figure_spillover import figure_spillover
from evaluation.report.figure_stress import figure_stress
from evaluation.report.figure_value import figure_value
from evaluation.report.intervals import figure_intervals, figure_outcomes
from evaluation.report.levels import find_levels
from evaluation.report.overlap import Group, find_lanes
from evaluation.report.rules import figure_rules
from evaluation.results import Band, Design, Finding, Interval, Profile, Variant
from evaluation.synthesis import conclude_all

LONG = "Bournemouth, Christchurch and Poole: southern partnership"
NAMES = ("London: South London Partnership", "London: West London Alliance", LONG, "Ely", "York and North Yorkshire")
STARTS = ("2025-07", "2025-07", "2025-04", "2025-12", "2025-09")
COUNT = replace(RATE, unit="people", unit_words="families", level_words="families on benefit")
ANNUAL = replace(RATE, frequency="annual")
LATE = "2025-09"
"""A start late in the window, where its name has least room."""


@cache
def design() -> Design:
    units = [make_unit(f"place-{n}", name, STARTS[n], n + 1) for n, name in enumerate(NAMES)]
    return make_design([replace(units[0], start_basis="funding announcement"), *units[1:]])


@cache
def contracts() -> Contracts:
    return add_programmes(make_contracts(units=design().treated), design())


def findings() -> list[Finding]:
    """Short and long names, a late start, effects up and down, no sampling error, a start in several months."""
    plain = make_finding(synthetic=True, area_name=LONG, start=LATE)
    bare = replace(plain.estimate, series=replace(plain.estimate.series, observed_se=None))
    return [
        plain,
        make_finding(synthetic=True, att=1.5, placebos=12, area_name="Ely"),
        replace(plain, estimate=bare, start_basis="assumed"),
        make_finding(synthetic=True, area="all", area_name="All areas together", start="2025-04 to 2025-08", n_treated=3),
    ]


def banded(finding: Finding) -> Finding:
    """With a band for all periods at once, and bars for each, of the deciding inference."""
    first, *rest = finding.inferences
    bands = tuple(Band(event_time=p.event_time, low=p.att - 1.4, high=p.att + 1.4) for p in finding.estimate.path)
    bars = tuple(Band(event_time=p.event_time, low=p.att - 0.8, high=p.att + 0.8) for p in finding.estimate.path)
    path = tuple(replace(p, n_areas=p.n_areas - (n % 5 == 0)) for n, p in enumerate(finding.estimate.path))
    decided = replace(first, bands=bands, pointwise=bars)
    return replace(finding, inferences=(decided, *rest), estimate=replace(finding.estimate, path=path))


def counted(finding: Finding) -> Finding:
    """The same of a count: tens of thousands of families."""
    some = finding.estimate.series
    observed, without = (tuple(2000 * value for value in values) for values in (some.observed, some.counterfactual))
    path = tuple(replace(point, att=2000 * point.att) for point in finding.estimate.path)
    kept = replace(some, observed=observed, counterfactual=without, observed_se=None)
    return replace(
        finding, estimate=replace(finding.estimate, series=kept, path=path), inferences=finding.inferences[1:], unit="people"
    )


def annual(finding: Finding) -> Finding:
    """Its last eight figures as those of eight years."""
    some, first = finding.estimate.series, finding.inferences[0]
    years = tuple(str(year) for year in range(2010, 2018))
    cut = {name: getattr(some, name)[-8:] for name in ("observed", "counterfactual", "exposure", "observed_se")}
    shorter = replace(first, placebo_gaps=tuple(row[-8:] for row in first.placebo_gaps))
    estimate = replace(finding.estimate, series=replace(some, periods=years, **cut), path=finding.estimate.path[-8:])
    return replace(finding, estimate=estimate, inferences=(shorter, *finding.inferences[1:]))


def drawn(make: Callable[[Finding, Outcome], Picture]) -> Iterator[Picture]:
    yield from (make(finding, RATE) for finding in findings())
    yield make(counted(findings()[0]), COUNT)
    yield from (make(annual(finding), ANNUAL) for finding in findings()[:2])


def series() -> Iterator[Picture]:
    return drawn(figures.figure_series)


def gaps() -> Iterator[Picture]:
    return drawn(figures.figure_gap)


def comparisons() -> Iterator[Picture]:
    return drawn(figures.figure_comparison)


def event_studies() -> Iterator[Picture]:
    yield from drawn(figure_event_study)
    yield from (figure_event_study(banded(finding), RATE) for finding in findings()[1:])
    yield figure_event_study(make_finding(placebos=200, seed=3, synthetic=True), RATE)


def intervals() -> Iterator[Picture]:
    found = make_all(design(), synthetic=True)
    items = [item for item in conclude_all(found, design(), OUTCOMES) if item.outcome == RATE.id]
    yield figure_intervals(items, RATE, plausible=0.5)
    yield figure_intervals([replace(item, cap=0.8, mde=1.1) for item in items], RATE, plausible=50.0)
    yield figure_intervals([replace(item, cap=None, mde=None) for item in items[:1]], RATE)


def outcomes() -> Iterator[Picture]:
    found = make_all(design(), synthetic=True)
    items = [item for item in conclude_all(found, design(), OUTCOMES) if item.area == "all"]
    long = {id: replace(outcome, name=f"{outcome.name} of residents who look for work") for id, outcome in OUTCOMES.items()}
    yield figure_outcomes(items, long, plausible=0.5)


def timelines() -> Iterator[Picture]:
    yield places.figure_timeline(design(), synthetic=True)
    many = make_design([make_unit(f"u{n}", f"U{n}", f"20{15 + n % 2}-0{1 + n % 9}") for n in range(40)])
    yield places.figure_timeline(many, synthetic=True)


def maps() -> Iterator[Picture]:
    kinds, areas = ("comparison", "excluded", "no data"), list(contracts().areas.values())
    treated = {unit.members[0]: unit.name for unit in design().treated}
    for some in (kinds, kinds[:2]):
        known = {
            area.code: places.AreaStatus(area.code, "treated", treated[area.code])
            if area.code in treated
            else places.AreaStatus(area.code, some[n % len(some)], "")  # type: ignore[arg-type]
            for n, area in enumerate(areas)
        }
        yield places.figure_tiles(areas, known, name="map", caption="A map", synthetic=True)


def powers() -> Iterator[Picture]:
    plain = make_power("all", "All areas together", synthetic=True)
    for changes in ({}, {"cap": 0.2, "plausible": 0.1}, {"cap": None, "plausible": 50.0}, {"available": 8}, {"available": 0}):
        yield figure_power(replace(plain, **changes), RATE)
    longer = [replace(plain.points[n % 8], follow_up=n + 1) for n in range(24)]
    yield figure_power(replace(plain, points=tuple(longer), available=18), replace(RATE, frequency="monthly"))


def powers_by_area() -> Iterator[Picture]:
    rows = [make_power(unit.code, unit.name, synthetic=True) for unit in design().treated]
    yield figure_power_areas(rows, RATE)
    yield figure_power_areas([replace(rows[0], cap=None, available=0), *rows[1:2]], RATE)


def noise() -> Iterator[Picture]:
    made = replace(make_comparison(seed=1), synthetic=True, area_name=LONG)
    yield figure_noise(made, RATE)
    yield figure_noise(replace(made, se=np.full(made.y.shape, 0.4)), RATE)


def pools() -> Iterator[Picture]:
    pool = make_pool(design=design(), synthetic=True)
    yield figure_pool(pool, RATE)
    yield figure_pool(replace(pool, prediction=Interval(low=-40.0, high=40.0)), RATE)


def rings() -> Iterator[Picture]:
    rows = [make_spillover(unit.code, unit.name, synthetic=True) for unit in design().treated]
    far = replace(rows[1].beside, interval=Interval(low=-0.2, high=90.0))
    wide = replace(rows[2].inside, interval=Interval(low=-90.0, high=0.2))
    cut = [rows[0], replace(rows[1], beside=far), replace(rows[2], inside=wide), replace(rows[3], beside=None)]
    yield figure_spillover([make_spillover("all", "All areas together", synthetic=True), *cut], RATE, design())


def stressed() -> list[Variant]:
    """Names as long as the longest of a real protocol, one without an interval and one without an estimate."""
    base = make_stress("all", "All areas together").variants
    rules = (
        "no other programme, none next to treated ones, whatever its name may be",
        "without areas that have Individual Placement and Support in Primary Care",
        "with areas next to treated ones",
    )
    new = [replace(base[6], name=f"rule-{n}", title=title, att=-0.5 - n / 5) for n, title in enumerate(rules)]
    return [*base, *new[:2], replace(new[2], interval=None), replace(base[7], kind="overlap", name="none")]


def stresses() -> Iterator[Picture]:
    for area, name in (("all", "All areas together"), ("long", LONG)):
        yield figure_stress(make_stress(area, name, variants=tuple(stressed()), synthetic=True), RATE)


def rules() -> Iterator[Picture]:
    yield figure_rules(make_stress("all", "All areas together", variants=tuple(stressed()), synthetic=True), RATE)


def values() -> Iterator[Picture]:
    one = measure()
    yield figure_value([one], RATE)
    rows = [replace(one, area=f"place-{n}", area_name=name) for n, name in enumerate(NAMES)]
    yield figure_value([replace(one, area="all", area_name="All areas together"), *rows], RATE)


def overlaps() -> Iterator[Picture]:
    groups = [Group(name=unit.name, members=unit.members, start=unit.start) for unit in design().treated]
    groups.append(Group(name="Comparison areas", members=tuple(code for code in contracts().areas if code > "E06000050")))
    months = list_months("2023-04", "2026-06")
    lanes = find_lanes(contracts(), groups, months, other_than=design().programme)
    named = {
        id: replace(programme, name=f"Individual Placement and Support ({id.replace('_', ' ')})")
        for id, programme in contracts().programmes.items()
    }
    yield figure_overlap(lanes, named, design="invented", synthetic=True)
    # As many rows as a study of many places has: more than a page holds.
    many = [replace(lane, group=replace(lane.group, name=f"{lane.group.name} {n}")) for n in range(12) for lane in lanes]
    many.sort(key=lambda lane: lane.programme)
    parts = split_pages(many)
    assert len(parts) > 1
    yield from (figure_overlap(part, named, design="invented", synthetic=True, part=f"{n} of 2") for n, part in enumerate(parts))


def levels() -> Iterator[Picture]:
    made = find_levels(make_panel(contracts(), make_all(design(), synthetic=True)), design(), contracts(), outcome=RATE.id)
    assert made is not None
    yield figure_levels(made, RATE, nations=("England", "Wales", "Scotland"), start="2025-04")
    unmeasured = replace(made, treated=replace(made.treated, se=None), comparison=replace(made.comparison, se=None), nation=None)
    yield figure_levels(unmeasured, replace(SECOND, level_words="thousand"), nations=("England",), start="2025-04")


@cache
def profiled() -> tuple[Profile, Contracts]:
    codes = [f"E0600000{n}" for n in range(1, 8)]
    years = [str(year) for year in range(2010, 2024)]
    measures = (
        draw_outcome("rate", name="idle rate", survey=True, level_words="per cent of residents aged 16 to 64"),
        draw_outcome("residents", unit="people", population=None, denominator=""),
        draw_outcome("families", name="families on benefit", unit="people", unit_words="families", population=None),
    )
    exposures = [
        draw_exposure("scheme", codes[0], "2018-04-01", place="here", place_name="Here", period_end="2022-03-31"),
        draw_exposure("other", codes[0], announced="2022-11-26", place="there", place_name="A place with quite a long name"),
        draw_exposure("third", codes[0], place="where", place_name="Where"),
    ]
    areas = [replace(draw_area(code), name=(*NAMES, "Rye", "Bath")[n]) for n, code in enumerate(codes)]
    known = draw_contracts(areas, outcomes=measures, exposures=exposures, programmes=("scheme", "other", "third"))
    figures = {
        "rate": {code: [20.0 + n + 0.1 * t for t in range(len(years))] for n, code in enumerate(codes)},
        "residents": {code: [1000.0] for code in codes},
        "families": {code: [1000.0 * (n + 1)] * 14 for n, code in enumerate(codes)},
    }
    periods = {"rate": years, "residents": ["2015"], "families": years}
    panel = draw_panel(figures, periods, se={"rate": {code: [1.0] * len(years) for code in codes}})
    return replace(profile_area(panel, known, codes[0], similar=5), synthetic=True), known


def profile_outcomes() -> Iterator[Picture]:
    profile, known = profiled()
    yield from (figure_profile.figure_outcome(profile, known.outcomes[id]) for id in ("rate", "families"))


def similar() -> Iterator[Picture]:
    profile, known = profiled()
    yield from (figure_profile.figure_similar(profile, known.outcomes[id]) for id in ("rate", "families"))


def programmes() -> Iterator[Picture]:
    profile, known = profiled()
    yield figure_profile.figure_programmes(profile, known.outcomes)


def looks() -> Iterator[Picture]:
    panel = make_panel(contracts(), make_all(design(), synthetic=True))
    # Without noise a mix of the others would fit exactly.
    noise = np.random.default_rng(1).normal(0, 0.2, len(panel.frame))
    panel = replace(panel, frame=panel.frame.assign(value=panel.frame["value"] + noise))
    study = Study(design=design(), contracts=contracts(), panel=panel)
    for area in ("place-2", "all"):
        yield picker.draw_area(study, RATE.id, area)
    yield picker.draw_area(study, RATE.id, "place-0", show_donors=False)


CASES: dict[str, Callable[[], Iterator[Picture]]] = {
    "lab.picker.draw_area": looks,
    "report.figure_event_study.figure_event_study": event_studies,
    "report.figure_levels.figure_levels": levels,
    "report.figure_overlap.figure_overlap": overlaps,
    "report.figure_pool.figure_pool": pools,
    "report.figure_power.figure_noise": noise,
    "report.figure_power.figure_power": powers,
    "report.figure_power_areas.figure_power_areas": powers_by_area,
    "report.figure_profile.figure_outcome": profile_outcomes,
    "report.figure_profile.figure_programmes": programmes,
    "report.figure_profile.figure_similar": similar,
    "report.figure_spillover.figure_spillover": rings,
    "report.figure_stress.figure_stress": stresses,
    "report.figure_value.figure_value": values,
    "report.figures.figure_comparison": comparisons,
    "report.figures.figure_gap": gaps,
    "report.figures.figure_series": series,
    "report.intervals.figure_intervals": intervals,
    "report.intervals.figure_outcomes": outcomes,
    "report.places.figure_tiles": maps,
    "report.places.figure_timeline": timelines,
    "report.rules.figure_rules": rules,
}
