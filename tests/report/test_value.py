"""The chapter on value for money. All amounts and values are invented; the unit values are SYNTHETIC."""

from dataclasses import replace

import pytest
from invented import OUTCOMES, RATE, make_all, make_contracts, make_exposure, make_finding
from lxml import html
from report.invented_book import DESIGN, add_programmes, assemble

from evaluation.contracts.money import Cost, UnitValue
from evaluation.report.embedded import render_book
from evaluation.report.figure_value import figure_value
from evaluation.report.tables_value import table_amounts, table_break_even, table_costs
from evaluation.report.wording import check_wording
from evaluation.report.words_value import say_break_even, say_cost, say_ratio, write_pounds
from evaluation.synthesis import conclude, conclude_all
from evaluation.synthesis.value import measure_value

PLACES = [unit.code for unit in DESIGN.treated]
COSTS = tuple(
    Cost(
        pot=f"{place}-first", programme="invented_scheme", place=place, period="2025/26", years=1.0, amount_gbp=10_000_000,
        amount_basis="announced", covers="this programme", note="Invented.", source_title="SYNTHETIC",
        source_publisher="Nobody", source_date="2026", source_url="",
    )
    for place in PLACES
)  # fmt: skip
VALUES = tuple(
    UnitValue(
        id=f"synthetic_{pounds}", name="SYNTHETIC saving", outcome=RATE.id, value_gbp=float(pounds), price_year="2025/26",
        unit="per person-year", source_title="SYNTHETIC", source_publisher="", source_date="", source_url="",
        basis="SYNTHETIC", note="Invented.",
    )
    for pounds in (5_000, 20_000)
)  # fmt: skip


def contracts_with(costs=COSTS, values=VALUES):
    made = add_programmes(make_contracts(units=DESIGN.treated), DESIGN)
    exposures = (*made.exposures, *(make_exposure(unit) for unit in DESIGN.treated))
    return replace(made, exposures=exposures, costs=tuple(costs), unit_values=tuple(values))


def measure(*, costs=COSTS, values=VALUES, verdict=None, area="amber", **changes):
    findings = (make_finding(area=area, synthetic=True, **changes),)
    conclusion = conclude(findings, DESIGN, outcome=RATE, area=area)
    conclusion = replace(conclusion, verdict=verdict) if verdict else conclusion
    return measure_value(conclusion, findings, DESIGN, contracts_with(costs, values))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A synthetic book whose last place has no amount, rendered to HTML."""
    folder = tmp_path_factory.mktemp("value")
    lost = replace(COSTS[-1], amount_gbp=None, amount_basis="not established", covers="not established")
    book = assemble(folder, contracts=contracts_with((*COSTS[:-1], lost)))
    render_book(book.root, folder / "out", formats=("html",))
    return folder


def page_of(site):
    return html.parse(site / "out" / "chapters" / "value-for-money.html").getroot().xpath("//main")[0]


def test_the_chapter_stands_between_how_sure_and_what_changed(site):
    names = (site / "book" / "_quarto.yml").read_text("utf-8")
    at = [names.index(f"chapters/{name}.qmd") for name in ("how-sure", "value-for-money", "changes")]
    assert at == sorted(at)


def test_the_page_has_costs_break_even_and_why_there_is_no_ratio(site):
    text = " ".join(page_of(site).text_content().split())
    assert "What the programme costs in the three areas together is not established" in text
    assert "Not established does not mean nil" in text
    assert "At SYNTHETIC values of £20,000 and £5,000 per person-year" not in text  # all areas together have no cost
    assert "No ratio of benefits to cost is given for these" in text
    assert check_wording(text) == []


def test_the_figure_has_its_words_its_data_and_its_mark(site):
    images = page_of(site).xpath(".//img")
    assert len(images) == 1  # no cost of all areas together, so no figure of them
    assert "break-even at 0.28 percentage points lower for £20,000 (SYNTHETIC) a person-year" in images[0].get("alt")
    data = (site / "book" / "data" / "break-even-idle-rate-by-area.csv").read_text("utf-8").splitlines()
    assert data[0] == 'area,low,high,smallest detectable,"break-even at £5,000 (SYNTHETIC)","break-even at £20,000 (SYNTHETIC)"'
    assert len(data) == 1 + 2


def test_every_table_is_a_download(site):
    folder = site / "book" / "data"
    for name in ("costs", "amounts", "break-even-idle-rate", "unit-values"):
        assert (folder / f"table-{name}.csv").is_file()
    rows = (folder / "table-costs.csv").read_text("utf-8").splitlines()
    assert sum("not established" in row for row in rows[1:]) == 2  # the place without an amount, and all together


def test_a_register_without_values_still_says_what_a_person_year_must_be_worth(tmp_path):
    book = assemble(tmp_path, contracts=contracts_with(values=()))
    text = (book.root / "_generated" / "value-for-money.qmd").read_text("utf-8")
    assert "No value of a person-year is in the register" in text.replace("\\", "")
    assert "pays for itself where a person-year is worth" in text.replace("\\", "")
    assert "fig-break-even" not in text


def test_a_programme_without_amounts_has_a_chapter_that_says_so(tmp_path):
    book = assemble(tmp_path, contracts=contracts_with(costs=()))
    text = (book.root / "_generated" / "value-for-money.qmd").read_text("utf-8")
    assert text.startswith("No amount is on record for this programme")
    assert "£" not in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "for each of the 4,000 people it was to support in the first year"),
        ({"costs": ()}, "is not established: no amount is on record."),
    ],
)
def test_cost_in_words(changes, says):
    assert says in say_cost(measure(**changes), "Zeta Fen")


def test_an_announced_maximum_is_an_upper_end():
    item = measure(costs=[replace(COSTS[0], place="amber", amount_basis="announced maximum")])
    assert "That is at most £2,500 for each" in say_cost(item, "Zeta Fen")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        # At 5,000 pounds 2,000 people of 185,000 are 1.08 points, at 20,000 a quarter of that.
        ({}, "of 0.28 and 1.1 percentage points lower: 500 and 2,000 people"),
        ({"mde": 1.4}, "smaller than 1.4 percentage points, the smallest difference that could be reliably detected"),
        ({"mde": 0.2}, "a difference that pays for the programme would most likely be seen"),
        ({"mde": 0.5}, "Some of these are smaller than"),
        ({"supported": 100}, "Even if everybody it was to support changed, the difference would be smaller than that"),
        ({"supported": 1_000}, "For the lower values it is more than the people to be supported could produce"),
        ({"interval": (-0.1, 1.0), "verdict": "too imprecise to tell"}, "benefits were smaller than cost"),
        ({"interval": (-3.0, -1.5), "att": -2.0, "verdict": "detected"}, "benefits were larger than cost"),
        ({"interval": (-3.0, 1.5), "verdict": "too imprecise to tell"}, "the data cannot tell whether benefits reached cost"),
        ({"interval": (-0.5, 1.5), "verdict": "too imprecise to tell"}, "depends on the value"),
        ({"people": None}, "when 500 and 2,000 people are in another state"),
    ],
)
def test_break_even_in_words(changes, says):
    said = say_break_even(measure(**changes), RATE)
    assert says in said
    assert check_wording(said) == []


def test_an_interval_that_may_not_be_quoted_is_not_held_against_the_break_even():
    said = say_break_even(measure(interval=(-9.0, -8.0), verdict="implausible size"), RATE)
    assert "interval" not in said


def test_a_ratio_in_words_has_both_ends():
    item = measure(costs=[replace(COSTS[0], place="amber", amount_gbp=2_000_000)], verdict="detected")
    said = say_ratio(item, "Zeta Fen")
    assert "one person-year more cost between £540 and £2,710" in said
    assert "each pound brought back between £1.85 and £9.25" in said
    assert check_wording(said, detected=True) == []


def test_no_ratio_says_why():
    said = say_ratio(measure(verdict="too imprecise to tell"), "Zeta Fen")
    assert said.startswith("Zeta Fen: no ratio of benefits to cost is given, because the verdict is")


@pytest.mark.parametrize(
    ("pounds", "text"), [(2_500, "£2,500"), (540.54, "£541"), (1.478, "£1.48"), (0.0, "£0.00"), (1_234_567, "£1,230,000")]
)
def test_pounds_have_three_figures(pounds, text):
    assert write_pounds(pounds) == text


def test_the_tables_name_what_is_not_established():
    items = [measure(), measure(costs=())]
    assert table_costs(items).rows[1][1] == "not established"
    assert table_amounts([measure(costs=())]) is None
    table = table_break_even(items, RATE)
    assert table.caption.startswith("Idle rate: break-even differences at SYNTHETIC values")
    assert table.header[-2:] == ("At £5,000", "At £20,000")
    assert table.rows[0][-2:] == ("1.1", "0.28")
    assert table.rows[1][-2:] == ("not established", "not established")


def test_shared_money_stands_on_each_row_and_is_never_added():
    pot = [replace(COSTS[0], place=place, pot="both", covers="with other places") for place in PLACES[:2]]
    findings = make_all(DESIGN)
    contracts = contracts_with(pot)
    items = [
        measure_value(c, findings, DESIGN, contracts) for c in conclude_all(findings, DESIGN, OUTCOMES) if c.outcome == RATE.id
    ]
    table = table_amounts(items)
    assert [row[2] for row in table.rows] == ["£10,000,000", "£10,000,000"]
    assert not any("20,000,000" in cell for row in (*table.rows, *table_costs(items).rows) for cell in row)


def test_the_figure_draws_interval_detectable_and_break_even_on_one_axis():
    picture = figure_value([measure()], RATE)
    assert picture.synthetic
    assert list(picture.data.columns)[:4] == ["area", "low", "high", "smallest detectable"]
    assert picture.alt != picture.caption
    assert "interval between 0.4 and 2.0 percentage points lower" in picture.alt
    assert b"<svg" in picture.svg[:200]
