"""Outcomes refer to what there is, in plain words, and every wrong reference names its line."""

import pytest

from evaluation.contracts import load_contracts
from evaluation.contracts.records import Outcome
from evaluation.errors import ConfigurationError


def test_the_demonstration_serves_the_outcomes_of_the_main_study(contracts):
    for id in ("inactivity_rate", "employment_rate", "claimant_rate", "population_16_64"):
        first = contracts.outcomes[id].series[0]
        assert first.source == "demonstration"
        assert dict(first.select) == {"outcome": id}


def test_rates_are_in_percentage_points_and_survey_rates_have_an_error(contracts):
    for outcome in contracts.outcomes.values():
        assert (outcome.unit == "pp") == (outcome.unit_words == "percentage points")
        for series in outcome.series:
            measured = series.se or series.half_width or (series.lower and series.upper)
            assert bool(measured) == outcome.survey, (outcome.id, series.source)


def test_the_redefined_series_is_pinned_to_one_edition(contracts):
    for id in ("claimant_rate_annual", "inactivity_rate_annual", "employment_rate_annual"):
        published = [series for series in contracts.outcomes[id].series if series.source != "demonstration"]
        assert [series.vintage for series in published] == ["2026-01"]


def spoil(folder, old, new, outcome="inactivity_rate"):
    path = folder / "outcomes" / f"{outcome}.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_contracts(folder, standard=False)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("source: demonstration", "source: demonstraton", "'demonstraton' is not a source; did you mean demonstration"),
        (
            "se: standard_error",
            "se: standard_eror",
            "se: 'standard_eror' is not a column of demonstration; did you mean standard_error",
        ),
        (
            'outcome: "inactivity_rate"',
            'outcome: "inactivty_rate"',
            "select: outcome is never 'inactivty_rate' in demonstration; did you mean inactivity_rate",
        ),
        ("outcome: ", "outcom: ", "select: 'outcom' is not a column of demonstration; did you mean outcome"),
        ("wanted: lower", "wanted: less", "inactivity_rate.yml:7:1: wanted: is 'less'; allowed are 'lower', 'higher', 'none'."),
        ("unit_words:", "unit_word:", "unit_word: is not a key here; did you mean unit_words"),
        ("window_months: 12", "window_months: twelve", "window_months: is 'twelve'; write a whole number."),
        ("window_months: 12", "window_months: 0", "window_months: is 0; write 1 for monthly counts"),
        ("survey: true", "survey: yes", "survey: is 'yes'; write true or false."),
        (
            "population: population_16_64",
            "population: population",
            "population: 'population' is not an outcome; did you mean population_16_64",
        ),
        ("id: inactivity_rate\n", "id: inactivity\n", "id: is 'inactivity' but the file is called inactivity_rate.yml"),
        ("    se: standard_error\n", "    lower: value\n", "write both lower and upper, or neither"),
        ("    se: standard_error\n", "    vintage: 2026-01\n", "vintage: the files of demonstration do not tell their edition"),
    ],
)
def test_a_wrong_reference_names_file_line_and_remedy(folder, old, new, says):
    message = spoil(folder, old, new)
    assert says in message
    assert message.startswith("inactivity_rate.yml:")


def test_records_refuse_unknown_and_missing_keys_by_name():
    with pytest.raises(ConfigurationError) as caught:
        Outcome.build(id="x", nmae="y")
    assert "Outcome: nmae: is not a key here; did you mean name" in str(caught.value)
    assert "Outcome: unit: is missing; write 'pp', 'people', 'gbp'" in str(caught.value)


def test_people_made_from_a_rate_know_the_rounding_base_of_their_sources(folder, contracts):
    assert contracts.outcomes["inactivity_rate"].people_base == 0, "100 is what they are written to anyway"
    path = folder / "sources" / "nomis_population.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    rule = "status: established\n      source: Invented.\n      base: 1000\n      access: open\n      nouns: [residents]"
    old = "status: not established\n      access: open\n      nouns: [residents]"
    assert old in text
    path.write_text(text.replace(old, rule), encoding="utf-8")
    outcomes = load_contracts(folder, standard=False).outcomes
    assert outcomes["inactivity_rate"].people_base == 1000
    assert outcomes["median_pay_annual"].people_base == 0
