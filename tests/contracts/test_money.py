"""The registers of costs and unit values: what the published facts establish, no less and no more; a fault names its line."""

import csv
import shutil
from pathlib import Path

import pytest

from evaluation import project
from evaluation.contracts.load import load_contracts
from evaluation.errors import ConfigurationError

TRAILBLAZER = "economic_inactivity_trailblazer"


@pytest.fixture(scope="module")
def contracts():
    return load_contracts(standard=False)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(project.CONTRACTS, tmp_path / "contracts")
    return tmp_path / "contracts"


def costs_of(contracts, place, period="2025/26"):
    return [c for c in contracts.costs if (c.programme, c.place, c.period) == (TRAILBLAZER, place, period)]


def test_money_that_includes_another_programme_says_so(contracts):
    shared, own = costs_of(contracts, "south-yorkshire")
    assert (shared.amount_gbp, shared.covers) == (18_000_000, "with another programme")
    assert (own.amount_gbp, own.covers, own.amount_basis) == (10_000_000, "this programme", "announced maximum")
    accelerator = [c for c in contracts.costs if c.pot == shared.pot]
    assert {c.programme for c in accelerator} == {TRAILBLAZER, "nhs_health_growth_accelerator"}


@pytest.mark.parametrize("place", ["london-south-london-partnership", "london-west-london-alliance"])
def test_shares_of_london_that_no_source_states_are_not_established(contracts, place):
    (row,) = costs_of(contracts, place)
    assert (row.amount_gbp, row.amount_basis) == (None, "not established")


def test_money_for_three_places_is_one_pot(contracts):
    rows = [c for c in contracts.costs if c.pot == "london-inactivity-2026-27"]
    assert len(rows) == 3
    assert {(c.amount_gbp, c.covers) for c in rows} == {(20_000_000, "with other places")}


def test_pots_of_the_second_year_add_up_to_what_was_announced(contracts):
    rows = [c for c in contracts.costs if (c.programme, c.period) == (TRAILBLAZER, "2026/27")]
    whole = next(c for c in rows if not c.place)
    assert sum({c.pot: c.amount_gbp for c in rows if c.place}.values()) == whole.amount_gbp == 80_000_000


def test_no_value_of_a_person_year_pretends_to_have_a_source(contracts):
    assert contracts.unit_values
    for item in contracts.unit_values:
        assert item.basis == "illustrative"
        assert item.source_title.startswith("No source")
        assert not item.source_publisher


def test_every_amount_of_the_exposures_is_among_the_costs(contracts):
    amounts = {(c.programme, c.place, c.amount_gbp) for c in contracts.costs}
    places = {(c.programme, c.place) for c in contracts.costs}
    for item in contracts.exposures:
        if item.funding_gbp is not None and (item.programme, item.place) in places:
            assert (item.programme, item.place, item.funding_gbp) in amounts


def spoil(folder: Path, register: str, **changes: str) -> str:
    """Change cells of the first row of a register, and return what loading says."""
    path = folder / "registers" / register
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0].update(changes)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(ConfigurationError) as caught:
        load_contracts(folder, standard=False)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pot": "The Pot"}, "costs.csv:2: pot: 'The Pot' is not a slug"),
        ({"programme": "economic_inactivity"}, "did you mean economic_inactivity_trailblazer"),
        ({"place": "walse"}, "is not a place of economic_inactivity_trailblazer in exposures.csv; did you mean wales"),
        ({"amount_gbp": ""}, "amount_gbp: is empty but amount_basis is 'derived'"),
        ({"amount_gbp": "-5"}, "-5 is not a positive number"),
        ({"years": "0"}, "years: 0 is not a length of time"),
        ({"covers": "this program"}, "did you mean this programme"),
        ({"source_title": ""}, "source_title: is empty"),
        ({"source_date": "last May"}, "'last May' is not a date"),
        ({"source_url": "example.org"}, "is not an address"),
        ({"pot": "inactivity-2026-27", "amount_gbp": "70000000"}, "a pot is one amount, equal on all its lines"),
    ],
)
def test_a_fault_in_the_costs_names_its_line(folder, changes, says):
    assert says in spoil(folder, "costs.csv", **changes)


def test_two_registers_must_not_have_two_truths(folder):
    path = folder / "registers" / "costs.csv"
    text = path.read_text("utf-8")
    for year, amount in (("2025-26,{},wales,2025/26", 11_000_000), ("2026-27,{},wales,2026/27", 12_000_000)):
        row = f"wales-{year.format(TRAILBLAZER)},1,"
        assert f"{row}10000000," in text
        text = text.replace(f"{row}10000000,", f"{row}{amount},")
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match="make the two registers agree"):
        load_contracts(folder, standard=False)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": "Saving 1"}, "unit_values.csv:2: id: 'Saving 1'"),
        ({"outcome": "inactivity_rat"}, "did you mean inactivity_rate"),
        ({"outcome": "median_pay_annual"}, "counts no people in a wanted direction"),
        ({"value_gbp": "0"}, "value_gbp: 0 is no positive number"),
        ({"value_gbp": "much"}, "value_gbp: is 'much'; write a number"),
        ({"price_year": "lately"}, "price_year: 'lately'"),
        ({"unit": " "}, "unit: is empty"),
        ({"basis": "published"}, "a published value has its publisher and date"),
        ({"basis": "guess"}, "basis: is 'guess'"),
        ({"id": "illustrative_10000_inactivity"}, "stands on line 2 already"),
    ],
)
def test_a_fault_in_the_unit_values_names_its_line(folder, changes, says):
    assert says in spoil(folder, "unit_values.csv", **changes)


@pytest.mark.parametrize("register", ["costs.csv", "unit_values.csv"])
def test_a_register_that_is_missing_is_named(folder, register):
    (folder / "registers" / register).unlink()
    with pytest.raises(ConfigurationError, match=register):
        load_contracts(folder, standard=False)
