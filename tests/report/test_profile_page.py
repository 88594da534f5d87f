"""The profile as a page: what it says, that it says no more, that it can be read by everybody."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
import shutil
from dataclasses import replace

import pytest
from drawn import draw_area, draw_contracts, draw_exposure, draw_outcome, draw_panel
from invented import make_all, make_contracts
from report.invented_book import DESIGN, EDITION, make_panel
from report.pages import accessibility_faults, needs_browser, open_browser, structural_faults
from support_paths import SHARED

from evaluation.cli import main
from evaluation.contracts.load import load_contracts
from evaluation.plain import from_plain
from evaluation.profile import find_subject, gather_figures, profile_area
from evaluation.report import profile_tables as tables
from evaluation.report import profile_words as words
from evaluation.report.engine import render
from evaluation.report.figure_profile import figure_outcome, figure_programmes, figure_similar
from evaluation.report.material import Material
from evaluation.report.profile_book import write_profile_book
from evaluation.report.profile_page import write_profile_overview, write_profile_section
from evaluation.report.wording import check_wording
from evaluation.results import AreaChange, Interval, Profile

CODES = [f"E0600000{n}" for n in range(1, 7)]
YEARS = [str(year) for year in range(2010, 2024)]
REAL = SHARED / "data" / "uk"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"no real panels at {REAL}; set TRAILBLAZER_SHARED")
ORDINAL = re.compile(r"\b(?:\d+(?:st|nd|rd|th)|rank(?:ed)? \d|best|worst|top|bottom)\b", re.I)


@pytest.fixture(scope="module")
def contracts():
    outcomes = (
        draw_outcome("rate", name="idle rate", survey=True, level_words="per cent of residents aged 16 to 64"),
        draw_outcome("residents", unit="people", population=None, denominator=""),
        draw_outcome(
            "families", name="families on benefit", unit="people", unit_words="families", population=None, denominator=""
        ),
    )
    exposures = [
        draw_exposure("scheme", CODES[0], "2021-04-01", place="here", place_name="Here", period_end="2022-03-31"),
        draw_exposure("other", CODES[0], announced="2022-11-26", place="there", place_name="There"),
        draw_exposure("third", CODES[0], place="where", place_name="Where"),
    ]
    areas = [draw_area(code) for code in CODES]
    return draw_contracts(areas, outcomes=outcomes, exposures=exposures, programmes=("scheme", "other", "third"))


@pytest.fixture(scope="module")
def panel():
    rate = {code: [20.0 + n + 0.1 * t for t in range(len(YEARS))] for n, code in enumerate(CODES)}
    figures = {
        "rate": rate,
        "residents": {code: [1000.0] for code in CODES},
        "families": {c: [1000.0 * (n + 1)] * 14 for n, c in enumerate(CODES)},
    }
    periods = {"rate": YEARS, "residents": ["2015"], "families": YEARS}
    return draw_panel(figures, periods, se={"rate": {code: [1.0] * len(YEARS) for code in CODES}})


@pytest.fixture(scope="module")
def profile(contracts, panel) -> Profile:
    return profile_area(panel, contracts, CODES[0], similar=3)


def test_the_sentence_gives_level_interval_people_standing_and_change(profile, contracts):
    # 20.0 + 1.3 in 2023, of 1,000 residents; 1.96 either way; the mean of six is 2.5 higher, its difference has an error of 0.91
    assert words.say_headline(profile, contracts.outcomes["rate"]) == (
        "In 2023 the idle rate in Town E06000001 was 21.3 per cent of residents aged 16 to 64 (95% interval: 19.3 to 23.3), or "
        "about 210 people (100 to 300). That is below the mean of England (23.8). Compared with 2018 it was anything from 2.3 "
        "percentage points lower to 3.3 higher (best estimate 0.5 higher), so the figures cannot tell whether it rose or fell; "
        "the mean of England was 0.5 higher."
    )


def test_totals_are_given_without_a_comparison(profile, contracts):
    level = next(level for level in profile.levels if level.outcome == "families")
    assert (
        words.say_level(level, contracts.outcomes["families"], profile) == "Families on benefit in Town E06000001 in 2023: 1,000."
    )
    assert profile.headline == "rate", "a total comes first only where there is nothing else"
    row = next(row for row in tables.table_levels(profile, contracts.outcomes).rows if row[0].startswith("Families"))
    assert row[2:] == ("1,000", "[z]", "[z]", "[z]", "[z]")


@pytest.mark.parametrize(
    ("value", "interval", "sampled", "says"),
    [
        (-1.24, Interval(low=-2.04, high=-0.44), True, "0.4 to 2.1 lower"),
        (0.5, Interval(low=-1.0, high=2.0), True, "1.0 lower to 2.0 higher"),
        (0.04, None, False, "unchanged"),
        (-0.26, None, False, "0.3 lower"),
        (None, None, True, ""),
    ],
)
def test_a_change_in_a_cell(profile, contracts, value, interval, sampled, says):
    change = AreaChange(
        years=1,
        from_period="2022",
        to_period="2023",
        value=value,
        interval=interval,
        standing="cannot tell",
        nation=None,
        overlap=0,
    )
    assert words.say_change(change, profile.levels[0], contracts.outcomes["rate"]) == says


def test_the_tables_count_and_never_rank(profile, contracts):
    others = tables.table_others(profile, contracts.outcomes)
    # five others, each 1 to 5 higher, error sqrt(2): the bound for five is 2.576 x 1.414 = 3.64, which 4 and 5 pass
    assert others.rows == (("Idle rate", "2023", "0", "2", "3"),)
    made = [
        *(make(profile, contracts.outcomes) for make in (tables.table_levels, tables.table_changes, tables.table_reasons)),
        others, tables.table_similar(profile, contracts), tables.table_programmes(profile),
    ]  # fmt: skip
    said = " ".join(
        " ".join((table.caption, *table.header, *table.notes, *(cell for row in table.rows for cell in row))) for table in made
    )
    said += " ".join(words.say_how_to_read(profile, list(contracts.outcomes.values())))
    assert not ORDINAL.findall(said)
    assert check_wording(said) == []


def test_reasons_without_data_are_marked_and_explained(profile, contracts):
    table = tables.table_reasons(profile, contracts.outcomes)
    assert {cell for row in table.rows for cell in row[1:]} == {"[x]"}
    assert table.notes == ("Not available (every reason): no contract has an outcome for it.",)
    assert "[x] not available" in table.legend


def test_programmes_by_month_and_their_basis(profile):
    rows = {row[0]: row for row in tables.table_programmes(profile).rows}
    assert rows["scheme"][2:5] == ("April 2021", "March 2022", "announced launch")
    assert rows["other"][2:5] == ("not established; on record from November 2022", "[x]", "not established")
    assert rows["third"][2] == "no date on record"
    months = tables.programme_months(profile, {"rate": draw_outcome("rate"), "families": draw_outcome("families")})
    assert (months[0], months[-1]) == ("2021-01", "2023-12")
    table = tables.table_programme_months(profile, months)
    states = {row[0]: dict(zip(months, row[3:], strict=True)) for row in table.rows}
    assert [states["scheme"][m] for m in ("2021-03", "2021-04", "2022-03", "2022-04")] == ["none", "active", "active", "none"]
    assert [states["other"][m] for m in ("2022-10", "2022-11")] == ["none", "start not established"]
    assert set(states["third"].values()) == {"no date"}


def test_authorities_of_a_place_share_a_row(contracts):
    starts = {CODES[0]: "2021-04-01", CODES[1]: "2021-09-01"}
    rows = [draw_exposure("scheme", code, start, place="here", place_name="Here") for code, start in starts.items()]
    made = replace(contracts, exposures=tuple(rows))
    panel = draw_panel({"rate": {code: [1.0] for code in CODES}}, {"rate": ["2020"]})
    profile = profile_area(panel, made, "here")
    assert len(profile.presences) == 2
    (row,) = tables.table_programmes(profile).rows
    assert (row[1], row[2], row[5]) == ("Here", "April 2021 to September 2021", "in all authorities")


def test_figures_have_alternative_text_and_their_numbers(profile, contracts):
    outcome = contracts.outcomes["rate"]
    series, near, programmes = (
        figure_outcome(profile, outcome), figure_similar(profile, outcome), figure_programmes(profile, contracts.outcomes)
    )  # fmt: skip
    assert series.alt.startswith("Line chart of the idle rate: Town E06000001 from 20.0 in 2010 to 21.3 in 2023")
    assert series.data[profile.area_name].iloc[-1] == pytest.approx(21.3)
    assert "Town E06000001 21.3 (19.3 to 23.3)" in near.alt
    assert "scheme: active from April 2021 to March 2022 (announced launch)" in programmes.alt
    for picture in (series, near, programmes):
        assert picture.alt != picture.caption
        assert picture.synthetic
        assert b"<svg" in picture.svg
        assert check_wording(picture.alt) == []


def test_a_place_without_residents_says_what_its_mean_is(contracts):
    rows = [draw_exposure("scheme", code, "2021-04-01", place="here", place_name="Here") for code in CODES[:2]]
    panel = draw_panel({"rate": {code: [10.0 + n] for n, code in enumerate(CODES)}}, {"rate": ["2020"]})
    made = profile_area(panel, replace(contracts, exposures=tuple(rows)), "here")
    said = words.say_level(made.levels[0], contracts.outcomes["rate"], made)
    assert "was 10.5 per cent of residents aged 16 to 64, as the plain mean of its two authorities" in said
    assert "because its sampling error is not published" in said


def test_a_page_of_estimates_ends_with_a_profile_and_one_without_is_a_profile(tmp_path):
    unit = DESIGN.treated[0]
    findings = make_all(DESIGN, synthetic=True)
    known = make_contracts(units=DESIGN.treated)
    made = {
        "contracts": known, "panel": make_panel(known, findings), "findings": findings, "conclusions": (), "cards": {},
        "failures": (), "edition": EDITION,
    }  # fmt: skip
    short = "\n".join(write_profile_section(Material(design=DESIGN, **made), unit.code))
    assert short.startswith(':::: {.content-visible when-format="html"}'), "the print edition leaves it to the web"
    assert "Nothing in this section is an estimate" in short
    assert write_profile_overview(Material(design=DESIGN, **made)) == []
    nobody = replace(DESIGN, comparison="none", no_comparison_reason="Every area has it.")
    whole = "\n".join(write_profile_section(Material(design=nobody, **made), unit.code))
    for heading in ("### Where it stands", "### Reasons for inactivity", "### Similar areas", "### Programmes on record"):
        assert heading in whole
    overview = "\n".join(write_profile_overview(Material(design=nobody, **made)))
    names = [known.areas[u.members[0]].name for u in DESIGN.treated]
    rows = [line for line in overview.splitlines() if line.startswith("| ") and "12 months to June 2026" in line]
    assert len(rows) == len(names), "one row an authority with the programme"
    assert check_wording(short + whole + overview) == []


@needs_browser
def test_the_page_is_whole_accessible_and_marked(profile, contracts, panel, tmp_path):
    write_profile_book(tmp_path / "book", profile, contracts, panel, day=dt.date(2026, 11, 2))
    render(tmp_path / "book", tmp_path / "page", engine="embedded", formats=("html",))
    page = tmp_path / "page" / "index.html"
    assert structural_faults(page) == []
    text = page.read_text("utf-8")
    assert "SYNTHETIC DATA" in text
    for heading in ("Where it stands", "How it moved", "Reasons for inactivity", "Similar areas", "Programmes on record"):
        assert f">{heading}" in text.replace("\n", " ")
    assert from_plain(Profile, json.loads((page.parent / "data" / "profile.json").read_text("utf-8"))) == profile
    with open_browser() as browser:
        assert accessibility_faults(page.parent, browser, record="profile") == []


# ---------------------------------------------------------------- real figures


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Published files as they came, but for the line a merge left in one of them."""
    contracts = load_contracts(standard=False)
    data = tmp_path_factory.mktemp("data")
    for name in ("ons_els_claimant_count_2026-01.csv.gz", "ons_els_employment_and_inactivity_2026-01.csv.gz"):
        shutil.copy(REAL / "raw" / name, data / name)
    shutil.copy(REAL / "ons_statistical_neighbours.csv", data)
    name = "ons_ess_inactive_sickness_2024-06_merge_conflict.csv.gz"
    lines = gzip.decompress((REAL / "raw" / name).read_bytes()).decode("utf-8").splitlines(keepends=True)
    kept = "".join(line for line in lines if not line.startswith("<<<<<<<"))
    (data / "ons_ess_inactive_sickness_2024-06.csv").write_text(kept, "utf-8")
    return contracts, gather_figures(data, contracts)


@needs_real
@pytest.mark.parametrize("area", ["E06000021", "E07000123", "E07000117", "W06000004", "E08000038", "south-yorkshire"])
def test_any_area_has_a_profile(real, area):
    contracts, gathered = real
    code = find_subject(contracts, area).code
    made = profile_area(gathered.panel, contracts, area, missing=gathered.missing, published=gathered.published(code, contracts))
    level = made.levels[0]
    assert (level.outcome, level.period) == ("inactivity_rate_annual", "2023")
    assert level.interval.low < level.value < level.interval.high
    assert made.reasons[0].level.value > 0
    assert made.reasons[0].level.standing == "cannot tell", "the edition has no confidence limits"
    assert len(made.similar.areas) == 10
    assert not set(made.members) & {item.code for item in made.similar.areas}
    assert max(measure.last for measure in made.similar.measures) < made.similar.before
    assert bool(made.similar.published) == (len(made.members) == 1)
    assert made.presences
    assert words.say_headline(made, contracts.outcomes[made.headline])


@needs_real
def test_stoke_on_trent_as_published(real):
    """Figures of the published files: 21.9 (17.2 to 26.6) in 2023 and 25.9 in 2018; 5.6 per cent claimants in 2025."""
    contracts, gathered = real
    made = profile_area(gathered.panel, contracts, "Stoke-on-Trent", missing=gathered.missing)
    rate, _, claimants = [level for level in made.levels if level.value is not None]
    assert rate.value == 21.9
    assert (rate.interval.low, rate.interval.high) == pytest.approx((17.2, 26.6), abs=1e-3)
    assert rate.changes[-1].value == pytest.approx(21.9 - 25.9)
    assert (claimants.value, claimants.period, claimants.standing, claimants.sampled) == (5.6, "2025", "higher", False)
    counted = claimants.others
    assert counted.lower + counted.higher + counted.unclear == 295, "the 296 authorities of England but one"


@needs_real
def test_the_command_writes_the_page_and_names_what_is_missing(tmp_path, capsys):
    assert main(["profile", "--area", "E06000021", "--data", str(REAL), "--out", str(tmp_path / "page")]) == 0
    said = capsys.readouterr().out
    assert "In 2023 the annual economic inactivity rate in Stoke-on-Trent was 21.9" in said
    assert "reasons for inactivity (long-term sick): its file breaks its contract" in said
    assert (tmp_path / "page" / "index.html").is_file()
    assert (tmp_path / "page" / "data" / "profile.json").is_file()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--area", "Stoke on Trent"], 2, "did you mean Stoke-on-Trent"),
        (["--area", "E06000021", "--outcome", "no_such"], 2, "there is no outcome 'no_such'"),
        (["--area", "E06000021", "--before", "2023"], 2, "this is not a month"),
        (["--area", "E06000021"], 3, "no file of any outcome here"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(tmp_path, capsys, options, code, says):
    assert main(["profile", *options, "--data", str(tmp_path)]) == code
    assert says in capsys.readouterr().err.replace("stoke", "Stoke").replace("trent", "Trent")
