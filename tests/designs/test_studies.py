"""Every protocol of the folder is a study that runs: on SYNTHETIC data small, and on published figures where there are any.

The full runs, with notebooks and reports, are those of ``studies.py`` beside this file.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support_paths import SHARED

from evaluation import project
from evaluation.batch.plan import make_plan
from evaluation.cli import main
from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.design.protocol import load_design
from evaluation.design.study import Study, build_design_panel
from evaluation.errors import DataError
from evaluation.estimators import REGISTRY
from evaluation.evaluate import evaluate
from evaluation.panel.build import build_panel
from evaluation.results import Comparison, Design, OutcomePlan, Panel
from evaluation.simulate import OTHER_MODELS, choose_models, plan_effects, simulate_comparison, write_demonstration
from evaluation.synthesis.verdict import conclude

STUDIES = sorted(path.stem for path in (project.CONTRACTS / "designs").glob("*.yml"))
WITHOUT = ("local-get-britain-working-plans", "young-persons-guarantee-wales")
"""Studies of what reaches everybody at once."""
HEADED = ("economic-inactivity-trailblazers", "universal-credit-rollout")
"""Studies whose full runs the tests of the batch make."""
REAL = SHARED / "data/uk/raw/ons_els_claimant_count_2026-01.csv.gz"


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return load_contracts(standard=False)


@pytest.fixture(scope="module")
def panel(contracts, tmp_path_factory) -> Panel:
    """One SYNTHETIC panel with every outcome any demonstration has."""
    folder = tmp_path_factory.mktemp("demonstration")
    design = load_design(contracts, "wales-trailblazer")
    extra = tuple(OutcomePlan(id=model.id, primary=False, first="2018", last="2025") for model in OTHER_MODELS)
    kept = tuple(plan for plan in design.outcomes if plan.id not in {item.id for item in extra})
    write_demonstration(contracts, replace(design, outcomes=(*kept, *extra)), folder, seed=7)
    wanted = sorted({"population_16_64", *(model.id for model in choose_models(replace(design, outcomes=(*kept, *extra))))})
    return build_panel(folder, contracts, wanted)


def shrink(design: Design, contracts: Contracts) -> Design:
    """The study with few draws and with every fourth area as a donor, or all where placebo places would not find room."""
    crowded = design.id in ("wales-trailblazer", "connect-to-work", "workwell")
    kept = {code for n, code in enumerate(sorted(contracts.areas)) if n % 4 == 0 or crowded}
    spared = tuple((code, "left out to be quick") for code in contracts.areas if code not in kept)
    return replace(design, draws=19, donors=replace(design.donors, exclude_areas=(*design.donors.exclude_areas, *spared)))


# ---------------------------------------------------------------- the protocols


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_says_what_it_can_and_cannot_answer(contracts, name):
    design = load_design(contracts, name)
    assert len(design.questions) >= 2
    assert {item.answer for item in design.questions} & {"partly", "no"}, "no design answers everything"
    assert all(item.question.endswith("?") and item.why.endswith(".") for item in design.questions)


@pytest.mark.parametrize("name", STUDIES)
def test_a_start_is_of_the_register_or_assumed_with_a_reason(contracts, name):
    design = load_design(contracts, name)
    for unit in design.treated:
        rows = [item for item in contracts.exposures if item.programme == design.programme and item.area_code in unit.members]
        here = [item for item in rows if design.unit == "authority" or item.place == unit.code]
        if unit.start_basis == "assumed":
            assert not all(item.start for item in here)
            assert len(unit.start_note) > 40
        else:
            assert {item.start[:7] for item in here if item.start} == {unit.start}


def test_every_programme_of_the_register_has_a_study(contracts):
    assert {load_design(contracts, name).programme for name in STUDIES} == set(contracts.programmes)


def test_wales_has_nineteen_counties_to_compare_with_and_a_variant_across_the_border(contracts, panel):
    wales = Study(design=load_design(contracts, "wales-trailblazer"), contracts=contracts, panel=panel)
    found = wales.comparison("claimant_rate", "W06000004")
    assert len(found.donors) == 19
    assert 1 / (len(found.donors) + 1) == wales.design.level
    across = replace(wales, design=load_design(contracts, "wales-trailblazer-cross-border")).comparison(
        "claimant_rate", "W06000004"
    )
    assert {code[0] for code in across.donors} == {"E", "W"}


def test_london_is_one_place_of_the_youth_guarantee(contracts):
    design = load_design(contracts, "youth-guarantee-trailblazers")
    members = [code for unit in design.treated for code in unit.members]
    assert len(members) == len(set(members))
    assert len(design.unit_of("london-pan-london").members) == 33


def test_accelerators_count_shares_of_authorities(contracts, panel):
    study = Study(design=load_design(contracts, "nhs-health-growth-accelerators"), contracts=contracts, panel=panel)
    found = study.comparison("inactivity_rate", "all")
    doses = dict(zip(found.areas, found.exposure[-1], strict=True))
    assert doses["south-yorkshire"] == 1
    assert 0.9 < doses["west-yorkshire"] < 1
    without = replace(study, design=load_design(contracts, "nhs-accelerators-without-trailblazer"))
    alone = without.comparison("inactivity_rate", "E06000063")
    assert alone.exposure[-1, 0] == pytest.approx(0.966)
    trailblazers = {item.area_code for item in contracts.exposures if item.programme == "economic_inactivity_trailblazer"}
    assert not trailblazers & {unit.code for unit in without.design.treated}


def test_connect_to_work_is_compared_with_what_had_not_begun(contracts, panel):
    study = Study(design=load_design(contracts, "connect-to-work"), contracts=contracts, panel=panel)
    found = study.comparison("claimant_rate", "all")
    assert found.periods[-1] < study.design.expected_everywhere
    rows = {item.area_code: item for item in contracts.exposures if item.programme == "connect_to_work"}
    on_record = [rows[code] for code in found.donors if code in rows]
    assert all(item.announced[:7] > found.periods[-1] and item.start is None for item in on_record)
    reasons = " ".join(item.reason for item in found.excluded)
    assert "announced 2025-09-05, start not established: it may have begun inside the window" in reasons


# ---------------------------------------------------------------- on SYNTHETIC data


@pytest.mark.parametrize("name", [name for name in STUDIES if name not in (*WITHOUT, *HEADED)])
def test_every_study_reaches_a_verdict_on_demonstration_data(contracts, panel, name):
    study = Study(design=shrink(load_design(contracts, name), contracts), contracts=contracts, panel=panel)
    outcome = next(plan.id for plan in study.design.outcomes if plan.primary)
    area = "all" if name != "youth-guarantee-trailblazers" else "liverpool-city-region"
    comparison = study.comparison(outcome, area)
    findings = [evaluate(study, comparison, study.design.did_estimators[0])]
    concluded = conclude(findings, study.design, outcome=contracts.outcomes[outcome], area=area)
    assert all(np.isfinite(finding.estimate.att) for finding in findings)
    assert concluded.sentence
    assert concluded.verdict != "not estimated" or "too early" in concluded.sentence


@pytest.mark.parametrize("name", WITHOUT)
def test_what_reaches_everybody_is_refused_with_its_reason(contracts, panel, tmp_path, name):
    study = Study(design=load_design(contracts, name), contracts=contracts, panel=panel)
    planned = make_plan(study, "0" * 64, tmp_path)
    refused = {item.outcome: item.reason for item in planned.refusals if not item.notebook}
    assert set(refused) == {plan.id for plan in study.design.outcomes}
    assert all("no comparison exists" in reason and study.design.no_comparison_reason in reason for reason in refused.values())
    assert not [planned for planned in planned.jobs if "estimate" in planned.job.notebook]


def test_a_study_without_comparison_still_publishes_a_report_that_says_so(contracts, tmp_path, capsys):
    assert main(["demo", "--design", "young-persons-guarantee-wales", "--out", str(tmp_path), "--jobs", "1"]) == 0
    assert "0 notebooks" in capsys.readouterr().out
    chapter = _words(next((tmp_path / "report" / "chapters").glob("programme.html")))
    assert "No comparison exists in Wales: the register has the programme for all 22 authorities" in chapter
    assert "What this study can and cannot answer" in chapter
    assert "Does it disturb other studies? No. Within Wales it is common to treated and untreated counties." in chapter
    assert "We do not report an estimate for Wales: no comparison exists" in _words(tmp_path / "report" / "index.html")


def _words(page: Path) -> str:
    text = re.sub(r"<(script|style).*?</\1>", " ", page.read_text("utf-8"), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).replace("&#39;", "'").split())


def test_an_outcome_without_a_file_is_named_and_the_others_go_on(contracts, tmp_path):
    design = load_design(contracts, "wales-trailblazer")
    annual = replace(design.outcome("claimant_rate_annual"), primary=False)
    pay = OutcomePlan(id="median_pay_annual", primary=True, first="2010", last="2025")
    design = replace(design, outcomes=(pay, annual))
    write_demonstration(contracts, design, tmp_path, seed=1)
    built = build_design_panel(tmp_path, contracts, design)
    assert set(built.frame["outcome"]) == {"claimant_rate_annual"}
    assert built.notes[-1].startswith(
        "median_pay_annual (the primary outcome): the data folder has no file for it, so nothing is"
    )
    study = Study(design=design, contracts=contracts, panel=built)
    assert len(study.comparison("claimant_rate_annual", "all").donors) == 19
    with pytest.raises(DataError, match="the panel has no median_pay_annual"):
        study.comparison("median_pay_annual", "all")
    with pytest.raises(DataError, match="median_pay_annual: the data folder has no file for it"):
        build_design_panel(tmp_path, contracts, replace(design, outcomes=(pay,)))


# ---------------------------------------------------------------- what the demonstrations are made of


def test_yearly_means_are_those_of_the_months_and_reach_back(panel):
    frame = panel.frame
    months = frame[frame["outcome"] == "claimant_rate"].assign(year=lambda rows: rows["period"].str[:4])
    means = months.groupby(["area_code", "year"])["value"].mean()
    annual = frame[frame["outcome"] == "claimant_rate_annual"].set_index(["area_code", "period"])["value"]
    assert sorted(set(annual.index.get_level_values(1))) == [str(year) for year in range(2010, 2026)]
    both = [key for key in annual.index if key[1] >= "2018"]
    assert np.abs(annual.loc[both].to_numpy() - means.loc[both].to_numpy()).max() <= 0.1


def test_a_dose_is_planted_in_proportion(contracts):
    design = load_design(contracts, "nhs-accelerators-without-trailblazer")
    planted = {(i.area_code, i.outcome): i.effect for i in plan_effects(contracts, design) if i.programme == design.programme}
    assert {code for code, _ in planted} == {unit.code for unit in design.treated}
    assert planted["E06000001", "inactivity_rate"] != 0
    assert planted["E06000063", "inactivity_rate"] == pytest.approx(0.966 * planted["E06000001", "inactivity_rate"])


def test_areas_that_are_not_simulated_get_nothing(contracts):
    design = load_design(contracts, "universal-credit-rollout")
    planted = [item for item in plan_effects(contracts, design) if item.programme == design.programme]
    assert {item.area_code[0] for item in planted} == {"E", "W"}
    assert {item.effect for item in planted if item.outcome == "claimant_rate_annual"} == {0.8}


# ---------------------------------------------------------------- doses in the estimators


def dosed(doses: tuple[float, ...], starts: tuple[int, ...]) -> Comparison:
    """Nearly noiseless areas with an effect of 2 at full exposure, of which each gets its dose."""
    drawn = simulate_comparison(n_treated=len(doses), first_treated=starts, seed=3, sd=0.02, ar=0.5, level_sd=1.0)
    exposure = drawn.exposure * np.array([*doses, *np.ones(drawn.y.shape[1] - len(doses))])
    return replace(drawn, exposure=exposure, y=drawn.y + 2 * exposure)


@pytest.mark.parametrize("name", REGISTRY)
def test_every_method_scales_a_dose_to_full_exposure_or_says_that_it_takes_one_area(name):
    takes_one = "synthetic_control" in name and not name.startswith("staggered")
    comparison = dosed((0.5,), (16,)) if takes_one else dosed((1.0, 0.6, 0.3), (16, 16, 16))
    assert REGISTRY[name]().fit(comparison).att == pytest.approx(2.0, abs=0.15)


def test_an_event_study_refuses_different_doses_with_different_starts_and_says_what_to_do():
    comparison = dosed((1.0, 0.6, 0.3), (14, 16, 17))
    with pytest.raises(
        DataError, match=r"reached in different doses \(0.3, 0.6, 1\).*Take twfe, callaway_santanna or imputation"
    ):
        REGISTRY["event_study"]().fit(comparison)
    assert REGISTRY["callaway_santanna"]().fit(comparison).att == pytest.approx(2.0, abs=0.15)


# ---------------------------------------------------------------- on published figures

needs_real = pytest.mark.skipif(not REAL.exists(), reason=f"no {REAL}")


@needs_real
@pytest.mark.parametrize("name", [name for name in STUDIES if name != "economic-inactivity-trailblazers"])
def test_studies_run_on_the_published_claimant_rate_and_name_what_is_not_there(contracts, real, name):
    design = shrink(load_design(contracts, name), contracts)
    study = Study(design=design, contracts=contracts, panel=replace(real))
    if design.comparison == "none":
        with pytest.raises(DataError, match="no comparison exists"):
            study.comparison("claimant_rate_annual", "all")
        return
    comparison = study.comparison("claimant_rate_annual", "all")
    assert not comparison.synthetic
    assert comparison.treated.any()


@pytest.fixture(scope="module")
def real(contracts, tmp_path_factory) -> Panel:
    folder = tmp_path_factory.mktemp("published")
    (folder / REAL.name).symlink_to(REAL)
    return build_panel(folder, contracts, ["claimant_rate_annual"])


@needs_real
def test_individual_placement_and_support_gives_a_figure_on_published_data(contracts, real):
    study = Study(design=shrink(load_design(contracts, "ips-in-primary-care"), contracts), contracts=contracts, panel=real)
    found = evaluate(study, study.comparison("claimant_rate_annual", "all"), "twfe")
    assert not found.synthetic
    assert found.n_treated == 6
    assert abs(found.estimate.att) < 2


@needs_real
def test_a_start_in_2025_is_too_early_for_the_published_years(contracts, real):
    design = shrink(load_design(contracts, "economic-inactivity-trailblazers-annual"), contracts)
    study = Study(design=design, contracts=contracts, panel=real)
    found = evaluate(study, study.comparison("claimant_rate_annual", "all"), "twfe")
    concluded = conclude([found], study.design, outcome=contracts.outcomes["claimant_rate_annual"], area="all")
    assert concluded.verdict == "not estimated"
    assert "too early to tell before the figures for 2026" in concluded.sentence
