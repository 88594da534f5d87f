"""A protocol becomes a design: established starts from the register, assumptions with a reason, nothing guessed."""

import hashlib
import shutil
from dataclasses import fields, replace

import pytest

from evaluation import project
from evaluation.contracts import load_contracts
from evaluation.design.protocol import load_design
from evaluation.errors import ConfigurationError
from evaluation.results import CheckThresholds

MAIN = "economic-inactivity-trailblazers"
ROLLOUT = "universal-credit-rollout"


@pytest.fixture(scope="module")
def contracts():
    return load_contracts(standard=False)


@pytest.fixture(scope="module")
def main(contracts):
    return load_design(contracts, MAIN)


@pytest.fixture(scope="module")
def rollout(contracts):
    return load_design(contracts, ROLLOUT)


# ---------------------------------------------------------------- the two studies


def test_nine_places_are_treated_each_made_of_its_authorities(main, contracts):
    assert [(unit.code, len(unit.members)) for unit in main.treated] == [
        ("south-yorkshire", 4),
        ("wales", 3),
        ("greater-manchester", 10),
        ("north-east", 7),
        ("york-and-north-yorkshire", 2),
        ("west-yorkshire", 5),
        ("london-local-london", 9),
        ("london-south-london-partnership", 5),
        ("london-west-london-alliance", 7),
    ]
    assert main.estimate_areas == tuple(unit.code for unit in main.treated)
    assert main.estimate_pooled
    assert {code for unit in main.treated for code in unit.members} <= set(contracts.areas)


def test_only_south_yorkshire_has_an_established_start(main):
    basis = {unit.code: (unit.start, unit.start_basis) for unit in main.treated}
    assert basis.pop("south-yorkshire") == ("2025-04", "announced launch")
    assert {kind for _, kind in basis.values()} == {"assumed"}
    assert {code: start for code, (start, _) in basis.items()} == {
        "wales": "2025-05",
        "greater-manchester": "2025-06",
        "north-east": "2025-12",
        "york-and-north-yorkshire": "2025-09",
        "west-yorkshire": "2025-07",
        "london-local-london": "2025-07",
        "london-south-london-partnership": "2025-07",
        "london-west-london-alliance": "2025-07",
    }


def test_no_assumed_start_lies_before_what_is_on_record(main):
    """The record leaves open nothing before the announcement, the acceptance of the grant, the page that said mobilising."""
    floor = {
        "wales": "2025-04",
        "greater-manchester": "2025-04",
        "north-east": "2025-11",
        "york-and-north-yorkshire": "2025-08",
        "west-yorkshire": "2025-06",
        "london-local-london": "2025-05",
        "london-south-london-partnership": "2025-05",
        "london-west-london-alliance": "2025-05",
    }
    for unit in main.treated:
        if unit.start_basis == "assumed":
            assert unit.start > floor[unit.code]
            assert "established" in unit.start_note or "13 May 2025" in unit.start_note


def test_a_start_has_its_note_and_people_supported_their_source(main):
    assert all(unit.start_note and unit.supported_source for unit in main.treated)
    assert {unit.code: unit.supported for unit in main.treated if unit.supported} == {
        "south-yorkshire": 7800,
        "north-east": 2000,
        "york-and-north-yorkshire": 1500,
    }
    assert main.unit_of("south-yorkshire").start_note.startswith("Launch event in Barnsley on 3 April 2025")
    assert "Cabinet" not in main.unit_of("south-yorkshire").start_note


def test_the_donor_rule_is_carried_over(main):
    assert main.donors.nations == ("England", "Wales")
    assert main.donors.exclude_programmes == ("youth_guarantee_trailblazer", "nhs_health_growth_accelerator")
    assert [code for code, _ in main.donors.exclude_areas] == ["E09000001", "E06000053"]
    assert [(plan.id, plan.primary) for plan in main.outcomes] == [
        ("inactivity_rate", True),
        ("employment_rate", False),
        ("claimant_rate", False),
    ]


def test_the_hash_is_that_of_the_file(main, contracts):
    assert main.sha256 == hashlib.sha256(contracts.designs[MAIN].read_bytes()).hexdigest()


def test_the_rollout_treats_every_dated_authority(rollout, contracts):
    assert len(rollout.treated) == 345
    years = [unit.start[:4] for unit in rollout.treated]
    assert {year: years.count(year) for year in sorted(set(years))} == {"2015": 3, "2016": 22, "2017": 95, "2018": 225}
    assert {unit.start_basis for unit in rollout.treated} == {"published schedule"}
    assert all(unit.members == (unit.code,) for unit in rollout.treated)
    chosen = [rollout.unit_of(code) for code in rollout.estimate_areas]
    assert len(chosen) == 6
    assert {unit.start[:4] for unit in chosen} == {"2015", "2016"}
    assert len({contracts.areas[unit.code].region for unit in chosen}) == 6


def test_areas_without_a_date_are_left_out_of_the_rollout_by_name(rollout, contracts):
    reached = {unit.code for unit in rollout.treated}
    assert {code for code, _ in rollout.donors.exclude_areas} == set(contracts.areas) - reached


# ---------------------------------------------------------------- faults


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "data_contracts"
    shutil.copytree(project.CONTRACTS, copy)
    return copy


def spoil(folder, *changes, design=MAIN):
    path = folder / "designs" / f"{design}.yml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    contracts = load_contracts(folder, standard=False)
    with pytest.raises(ConfigurationError) as caught:
        load_design(contracts, design)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("anticipation: 0\n", "anticipation: 0\nanticipaton: 3\n", "anticipaton: is not a key here; did you mean anticipation"),
        ("seed: 20250403\n", "", "seed: is missing; write a whole number"),
        ("seed: 20250403", "seed: -1", "seed: is -1; write 0 to"),
        ("seed: 20250403", "seed: today", "seed: is 'today'; write a whole number"),
        ("draws: 999", "draws: 0", "draws: is 0; write 19 to"),
        ("level: 0.05", "level: 95", "level: is 95; write 0.001 to 0.5"),
        ("unit: place", "unit: region", "unit: is 'region'; allowed are 'place', 'authority'"),
        ("exposure_coding: share", "exposure_coding: shares", "exposure_coding: is 'shares'; did you mean share"),
        (
            "programme: economic_inactivity_trailblazer",
            "programme: economic_inactivity_trailblazr",
            "'economic_inactivity_trailblazr' is not in programmes.csv; did you mean economic_inactivity_trailblazer",
        ),
        (
            "places: all",
            "places: [south-yorkshre]",
            "places: 'south-yorkshre' is not a place (slug) of the programme; did you mean south-yorkshire",
        ),
        (
            "- id: inactivity_rate",
            "- id: inactivty_rate",
            "outcomes: 'inactivty_rate' is not an outcome; did you mean inactivity_rate",
        ),
        ("- id: employment_rate", "- id: inactivity_rate", "outcomes: 'inactivity_rate' stands here and at"),
        ("primary: true", "primary: false", "exactly one is primary; here none"),
        ("primary: false", "primary: true", "exactly one is primary; here inactivity_rate, employment_rate"),
        ("first: 2018-03", "first: 2018-01", "'2018-01' is not a period of a series that is quarterly"),
        ("last: 2026-06", "last: 2016-06", "the window from 2018-03 to 2016-06 ends before it begins"),
        ("[youth_guarantee_trailblazer,", "[youth_guarantee,", "exclude_programmes: 'youth_guarantee' is not in programmes.csv"),
        ("- area: E09000001", "- area: E09000099", "exclude_areas: 'E09000099' is not in areas.csv; did you mean"),
        (
            "- area: E09000001",
            "- area: E08000016",
            "exclude_areas: E08000016 is treated, as South Yorkshire, and left out as a donor",
        ),
        ("    start: 2025-05\n", "    start: 2025-13\n", "start: '2025-13' is not a month; write YYYY-MM."),
        (
            "  - place: wales\n",
            "  - place: wails\n",
            "assumed_starts: 'wails' is not a place (slug) of the programme; did you mean wales",
        ),
        ("  - place: wales\n", "  - place: greater-manchester\n", "assumed_starts: 'greater-manchester' stands here and at"),
        ("    start: 2025-05\n", "    start: 2030-01\n", "Wales starts in 2030-01, after the window 2018-03 to 2026-06"),
        (
            "minimum_pre_periods: 12",
            "minimum_pre_periods: 40",
            "South Yorkshire starts in 2025-04: 29 period(s) of the window 2018-03 to 2026-06 lie",
        ),
        ("plausible_effect: 0.25", "plausible_effect: -2.0", "plausible_effect: is -2.0; write"),
        (
            "maximum_donor_weight",
            "maximum_donor_wieght",
            "maximum_donor_wieght: is not a key here; did you mean maximum_donor_weight",
        ),
        (
            "minimum_breakdown: 0\n",
            "minimum_breakdown: -1.0\n",
            "minimum_breakdown: is -1.0; write 0 to 100 (violations after the",
        ),
        (
            "maximum_hidden_drift: 0\n",
            "maximum_hidden_drift: -0.5\n",
            "maximum_hidden_drift: is -0.5; write 0 to 1e+12 (a drift a year in the primary outcome's unit; 0 = not judged)",
        ),
        (
            "maximum_anticipation: 0.95",
            "maximum_anticipation: 95",
            "maximum_anticipation: is 95; write 0.5 to 1 (a quantile of the placebo places; 1 = not judged)",
        ),
        (
            "maximum_contaminated_weight: 0.5",
            "maximum_contaminated_weight: 50",
            "maximum_contaminated_weight: is 50; write 0 to 1 (a share of the comparison; 1 = not judged)",
        ),
        ("minimum_inside_range: 0.9", "minimum_inside_range: 90", "minimum_inside_range: is 90; write 0 to 1 (a share of the"),
        (
            "maximum_revision: 1.0",
            "maximum_revision: 0",
            "maximum_revision: is 0; write 0.01 to 100 (a move of the estimate over",
        ),
        ("maximum_revision: 1.0", "maximum_revision: often", "maximum_revision: is 'often'; write a number"),
        ("maximum_forbidden_weight: 0.5", "maximum_forbidden_weight: 2", "maximum_forbidden_weight: is 2; write 0 to 1"),
        (
            "alternative_starts: [-3, 3]",
            "alternative_starts: [-3, 0]",
            "alternative_starts: is 0; write months from -24 (earlier)",
        ),
        ("alternative_starts: [-3, 3]", "alternative_starts: [-3, 36]", "alternative_starts: is 36; write months from -24"),
        ("alternative_starts: [-3, 3]", "alternative_starts: [3, 3]", "alternative_starts: 3 stands in it twice. Fix: keep one."),
        (
            "alternative_starts: [-3, 3]",
            "alternative_starts: [1.5]",
            "alternative_starts: holds 1.5, which is not a whole number",
        ),
        (
            "alternative_starts: [-3, 3]",
            "alternative_start: [3]",
            "alternative_start: is not a key here; did you mean alternative_starts",
        ),
        (
            "pooled_synthetic_control_estimators: [staggered_synthetic_control]",
            "pooled_synthetic_control_estimators: [synthetic_did, synthetic_control]",
            "pooled_synthetic_control_estimators: 'synthetic_control' stands here and at",
        ),
        (
            "did_estimators: [twfe, event_study, callaway_santanna]",
            "did_estimators: [twfe, twfe]",
            "did_estimators: 'twfe' stands here and at",
        ),
        (
            "pooled_synthetic_control_estimators: [staggered_synthetic_control]",
            "pooled_synthetic_control_estimators: ['']",
            "pooled_synthetic_control_estimators: is empty; write the name of an estimator, or leave the list empty as [].",
        ),
        (f"id: {MAIN}", "id: another", "id: is 'another' but the file is called"),
    ],
)
def test_a_fault_names_file_line_and_remedy(folder, old, new, says):
    message = spoil(folder, (old, new))
    assert says in message
    assert message.startswith(f"{MAIN}.yml:")


def test_a_threshold_is_what_the_file_says_and_otherwise_its_default(folder, main):
    assert main.thresholds == CheckThresholds(
        minimum_pre_periods=12,
        maximum_pre_rmspe_ratio=2.0,
        maximum_pre_trend=0.95,
        maximum_donor_weight=0.5,
        negligible_effect=0.1,
    )
    path = folder / "designs" / f"{MAIN}.yml"
    text = path.read_text("utf-8")
    for old, new in (
        ("minimum_breakdown: 0", "minimum_breakdown: 1.5"),
        ("maximum_hidden_drift: 0", "maximum_hidden_drift: 1"),
        ("maximum_anticipation: 0.95", "maximum_anticipation: 0.99"),
        ("maximum_contaminated_weight: 0.5", "maximum_contaminated_weight: 0.25"),
        ("minimum_inside_range: 0.9", "minimum_inside_range: 0.75"),
        ("maximum_revision: 1.0", "maximum_revision: 2"),
        ("maximum_forbidden_weight: 0.5", "maximum_forbidden_weight: 0.1"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    assert load_design(load_contracts(folder, standard=False), MAIN).thresholds == replace(
        main.thresholds,
        minimum_breakdown=1.5,
        maximum_hidden_drift=1.0,
        maximum_anticipation=0.99,
        maximum_contaminated_weight=0.25,
        minimum_inside_range=0.75,
        maximum_revision=2.0,
        maximum_forbidden_weight=0.1,
    )


def test_every_threshold_of_the_protocol_is_explained(main):
    text = (project.CONTRACTS / "README.md").read_text("utf-8")
    missing = [field.name for field in fields(CheckThresholds) if f"| `{field.name}` |" not in text]
    assert missing == []


def test_alternative_starts_and_pooled_synthetic_controls(folder, main, rollout):
    assert (main.alternative_starts, rollout.alternative_starts) == ((-3, 3), (-12, 12))
    path = folder / "designs" / f"{MAIN}.yml"
    text = path.read_text("utf-8").replace("alternative_starts: [-3, 3]\n", "")
    text = text.replace(
        "pooled_synthetic_control_estimators: [staggered_synthetic_control]",
        "pooled_synthetic_control_estimators: [synthetic_did]",
    )
    path.write_text(text, "utf-8")
    design = load_design(load_contracts(folder, standard=False), MAIN)
    assert (design.alternative_starts, design.pooled_synthetic_control_estimators) == ((), ("synthetic_did",))


def test_a_place_without_an_established_start_needs_an_assumption(folder):
    text = (folder / "designs" / f"{MAIN}.yml").read_text(encoding="utf-8")
    entry = text[text.index("  - place: wales") : text.index("  - place: greater-manchester")]
    message = spoil(folder, (entry, ""))
    assert "Wales (wales) has no established start for all its authorities (only 2025-04 for some of its authorities)" in message


def test_an_assumption_may_not_replace_an_established_start(folder):
    entry = "  - place: south-yorkshire\n    start: 2025-06\n    reason: we like June better\n"
    message = spoil(folder, ("assumed_starts:\n", f"assumed_starts:\n{entry}"))
    assert "South Yorkshire has an established start, 2025-04-03 (announced launch). Fix: remove the assumption." in message


def test_an_assumption_needs_a_reason(folder):
    text = (folder / "designs" / f"{MAIN}.yml").read_text(encoding="utf-8")
    begin = text.index("    reason: >-\n      Ministers")
    entry = text[begin : text.index("  - place: greater-manchester")]
    assert "reason: is empty; say why this month is assumed" in spoil(folder, (entry, "    reason: ''\n"))


def test_all_faults_come_together(folder):
    message = spoil(
        folder,
        ("- id: inactivity_rate", "- id: inactivty_rate"),
        ("- area: E09000001", "- area: E09000099"),
        ("places: all", "places: [nowhere]"),
    )
    assert len(message.splitlines()) == 3


def test_a_place_whose_members_are_not_established_cannot_be_treated(folder):
    message = spoil(
        folder,
        ("programme: economic_inactivity_trailblazer", "programme: connect_to_work"),
        ("places: all", "places: [south-midlands]"),
        ("estimate_areas: all", "estimate_areas: []"),
        ("assumed_starts:\n", "assumed_starts: []\nx:\n"),
    )
    assert "x: is not a key here" in message
    text = (folder / "designs" / f"{MAIN}.yml").read_text(encoding="utf-8")
    begin, end = text.index("x:\n"), text.index("donors:\n")
    (folder / "designs" / f"{MAIN}.yml").write_text(text[:begin] + text[end:], encoding="utf-8")
    with pytest.raises(ConfigurationError, match="the members of South Midlands are not established"):
        load_design(load_contracts(folder, standard=False), MAIN)


def test_an_unknown_design_names_the_nearest(contracts):
    with pytest.raises(ConfigurationError, match="there is no design 'universal-credit'; did you mean universal-credit-rollout"):
        load_design(contracts, "universal-credit")


def test_an_area_to_estimate_must_start_inside_the_window(folder):
    message = spoil(folder, ("[E09000029,", "[E06000002,"), design=ROLLOUT)
    assert (
        "Middlesbrough starts in 2018-10, after the window 2010 to 2017. Fix: lengthen the window or leave the area out."
        in message
    )


def test_the_anticipation_counts_against_the_periods_before(folder):
    message = spoil(folder, ("anticipation: 0", "anticipation: 24"), ('first: "2010"', 'first: "2011"'), design=ROLLOUT)
    assert "Sutton starts in 2015-12: 2 period(s) of the window 2011 to 2017 lie before it, 5 are asked for" in message
