"""What can be seen, how sure it is, the measured size of tests, and the first page. All records are invented."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from invented import OUTCOMES, RATE, SECOND, make_all, make_finding
from lxml import html
from report.invented_book import CARDS, DESIGN, UNITS, assemble, make_pool, make_power, make_records, make_stress

from evaluation.report.content import table_adjusted, table_check_results, table_checks
from evaluation.report.embedded import render_book
from evaluation.report.figure_event_study import figure_event_study
from evaluation.report.pooling import say_pool
from evaluation.report.reach import find_point, say_areas, say_power, say_sampling
from evaluation.report.sizes import table_sizes, write_p, write_size_of_test
from evaluation.report.sureness import say_variants, table_spread, table_starts
from evaluation.report.words import name_result, write_checks
from evaluation.results import Band, Check, Inference, Interval, PowerPoint
from evaluation.synthesis import conclude_all

TITLES = {card.name: card for card in CARDS}


def measured(finding, size: float, *, other: float = 0.31):
    """The finding with measured sizes of its deciding test and of the other one."""
    sizes = {True: size, False: other}
    return replace(
        finding, inferences=tuple(replace(i, size=sizes[i.decides], size_reps=400, blocks=23) for i in finding.inferences)
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A book with measured sizes, adjusted p-values and robustness checks, rendered to HTML."""
    folder = tmp_path_factory.mktemp("chapters")
    made = [
        Check(name="leave_one_donor_out", title="Without one donor", passed=True, text="Invented.", value=0.2, threshold=0.5),
        Check(name="placebo_in_time", title="Moved back", passed=False, text="Invented.", value=0.97, kind="robustness"),
        Check(name="breakdown", title="Withstands", passed=None, information=True, text="Invented.", value=1.25),
    ]
    findings = tuple(measured(f, 0.052) for f in make_all(DESIGN, checks=made, synthetic=True))
    conclusions = [replace(c, adjusted_p=0.31, family="single areas") for c in conclude_all(findings, DESIGN, OUTCOMES)]
    book = assemble(folder, findings=findings, conclusions=conclusions)
    render_book(book.root, folder / "out", formats=("html",))
    return folder


def read(site, page: str):
    return html.parse(site / "out" / page).getroot()


def text_of(site, page: str) -> str:
    return " ".join(read(site, page).xpath("//main")[0].text_content().split())


def rows_of(site, name: str) -> list[str]:
    return (site / "book" / "data" / f"table-{name}.csv").read_text("utf-8").splitlines()


def test_what_could_be_seen_stands_pooled_first_and_then_by_area(site):
    images = [i.get("alt") for i in read(site, "chapters/could-we-see-it.html").xpath("//main//img")]
    assert "in all areas together" in images[0]
    names = sorted((u.name for u in UNITS), key=str.casefold)
    assert [images[1].index(name) for name in names] == sorted(images[1].index(name) for name in names)
    assert "Amber Vale: 2.6 percentage points falling to 1.2 percentage points, at most 2.1 percentage points" in images[1]
    assert [row.split(",")[0].strip('"')[:5] for row in rows_of(site, "power-idle-rate")[1:]] == [
        "All a",
        "<scri",
        "Amber",
        "Zeta ",
    ]
    assert "Sampling error of the survey makes up 44 per cent of the variance" in text_of(site, "chapters/could-we-see-it.html")


def test_a_run_without_the_new_records_says_so(tmp_path):
    book = assemble(tmp_path, power=[], stress=[], pools=[])
    assert "was not worked out in this run" in (book.root / "_generated" / "could-we-see-it.qmd").read_text("utf-8")
    assert "was not measured in this run" in (book.root / "_generated" / "how-sure.qmd").read_text("utf-8")
    assert "Places and their mean" not in (book.root / "_generated" / "findings.qmd").read_text("utf-8")


def test_the_detectable_difference_is_that_of_the_periods_there_are():
    power = make_power("amber", "Zeta Fen", available=3)
    assert find_point(power).follow_up == 3
    assert find_point(replace(power, available=0)) is None
    holed = replace(power, points=tuple(replace(p, mde=None) if p.follow_up == 3 else p for p in power.points))
    assert find_point(holed).follow_up == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"available": 0}, "No period lies wholly after the start yet"),
        ({"points": ()}, "cannot be worked out"),
        ({"cap": None}, "is not established"),
        ({"cap": 0.1}, "could not make a difference of that size"),
        ({"plausible": 3.0}, "That is no more than 3.0 percentage points"),
        ({"plausible": 0.5}, "That is more than 0.5 percentage points"),
    ],
)
def test_what_could_be_seen_in_words(changes, said):
    assert said in say_power(make_power("amber", "Zeta Fen", **changes), RATE)


def test_areas_that_could_see_what_the_programme_could_do_are_named():
    powers = [make_power("a", "Amber"), make_power("b", "Birch", cap=0.1), make_power("c", "Cold", cap=None)]
    said = say_areas(powers, RATE)
    assert said.endswith("in Amber.")
    assert "In no area where" in say_areas(powers[1:], RATE)
    assert "yet" in say_areas([replace(powers[0], available=0)], RATE)
    many = [make_power(f"m{n}", f"Place {n}") for n in range(20)]
    assert say_areas(many, RATE).endswith("that large in 20 areas.")


def test_noise_without_standard_errors_is_not_called_sampling_error():
    power = make_power("a", "Amber", points=(PowerPoint(follow_up=1, mde=1.0),))
    assert "no sampling error on record" in say_sampling([power])


def test_choices_stand_in_a_chart_and_tables(site):
    rows = rows_of(site, "variants-idle-rate")
    assert len(rows) == 1 + 8
    assert rows[1].startswith("As set in the protocol,")
    assert len(rows_of(site, "spread-idle-rate")) == 1 + 4
    assert rows_of(site, "other-starts-idle-rate")[0].endswith("Start three months earlier,Start three months later")
    assert "in 23 per cent of placebo comparisons" in text_of(site, "chapters/how-sure.html")


def test_choices_in_words_count_the_intervals_that_exclude_zero():
    stress = make_stress("all", "All areas together")
    assert "seven of eight choices give an estimate. One of the intervals excludes zero." in say_variants(stress, RATE)
    none = replace(stress, variants=stress.variants[:2], joint_p=None)
    assert say_variants(none, RATE).endswith("None of the intervals exclude zero.")
    table = table_spread([stress], RATE, caption="x")
    assert table.rows[0][2:] == ("−1.60 to −0.50", "1 of 7")
    assert table_starts([none], RATE, caption="x") is None


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("leave-one-donor-out", "passed (0.20)"),
        ("placebo-in-time", "failed (0.97)"),
        ("breakdown", "for information (1.25)"),
    ],
)
def test_each_robustness_check_has_a_table_of_areas_by_methods(site, name, cell):
    rows = rows_of(site, name)
    assert rows[0] == "Area,Event study,Fixed effects,Synthetic control"
    assert len(rows) == 1 + 4
    assert all(row.endswith(",".join([cell] * 3)) for row in rows[1:])


def test_every_p_value_has_its_measured_size_beside_it(site):
    header, *rows = rows_of(site, "specifications-idle-rate")
    columns = header.split(",")
    assert columns.index("Measured size") == columns.index("p") + 1
    assert all("5.2% of 400" in row for row in rows)
    tests = rows_of(site, "tests-idle-rate")
    assert sum("size 31.0%: not used" in row for row in tests) == len(rows)
    assert sum("5.2% of 400" in row for row in tests) == len(rows)


def test_a_test_of_the_annex_that_errs_too_often_is_struck_out_and_a_deciding_one_says_it():
    base = Inference(method="m", null="n", level=0.05, reps=99, seed=1, p_value=0.021, interval=None, size_reps=200)
    for decides, size, said, p in (
        (False, 0.12, "size 12.0%: not used", "[z]"),
        (False, 0.07, "7.0% of 200", "0.021"),
        (True, 0.12, "12.0% of 200 (too often)", "0.021"),
        (True, 0.075, "7.5% of 200", "0.021"),
        (True, None, "[x]", "0.021"),
    ):
        item = replace(base, decides=decides, size=size)
        assert (write_size_of_test(item), write_p(item)) == (said, p)


def test_sizes_by_method_and_test():
    findings = [
        measured(make_finding(area="all", area_name="All", estimator="event_study"), 0.051),
        measured(make_finding(area="a", estimator="event_study"), 0.04),
        measured(make_finding(area="b", estimator="event_study"), 0.09),
    ]
    rows = table_sizes(findings, TITLES, caption="x").rows
    assert rows[0] == ("Event study", "Placebo in space", "5.1%", "4.0% to 9.0%; too often in 1 of 2 areas", "400", "yes")
    assert rows[1] == ("Event study", "Cluster robust", "size 31.0%: not used", "size 31.0%: not used", "400", "no")
    assert table_sizes([make_finding()], TITLES, caption="x") is None
    unmeasured = replace(findings[0].inferences[0], method="conley_taber", decides=False, size=None, size_reps=None)
    table = table_sizes([replace(f, inferences=(*f.inferences, unmeasured)) for f in findings], TITLES, caption="x")
    assert table.rows == rows
    assert "Not measured, and decide nothing: Conley-Taber." in table.notes


def test_adjusted_p_values_stand_in_the_annex_with_their_family(site):
    assert "single areas" in text_of(site, "annex/specifications.html")
    assert table_adjusted(conclude_all([], DESIGN, OUTCOMES), [], OUTCOMES) is None


def test_checks_without_a_threshold_are_for_information():
    checks = [
        Check(name="a", title="Drift", passed=None, information=True, text="x", value=0.3),
        Check(name="b", title="Past", passed=None, text="too few periods"),
        Check(name="c", title="Fit", passed=True, text="x", value=1.0, threshold=2.0),
    ]
    finding = make_finding(checks=checks)
    assert [name_result(c) for c in checks] == ["for information", "not run", "passed"]
    assert write_checks([finding]) == (
        "Of 3 checks set in advance, 1 passed, one is for information (“Drift”) and one was not run (“Past”)."
    )
    results = table_check_results([finding], TITLES, caption="x")
    assert results.header == ("Area", "Passed", "Failed", "For information", "Not run")
    assert results.rows == ((finding.area_name, "1 of 3", "none", "1", "1"),)
    assert results.notes == ("For information: “Drift”.", "Not run: “Past”.")
    assert table_checks([finding], TITLES, caption="x", area=False).rows[0][2] == "for information"


def test_the_first_page_has_an_interval_an_outcome_with_what_could_be_seen(site):
    page = read(site, "index.html")
    image = page.xpath("//main//img")[0]
    assert "Idle rate" in image.get("alt")
    assert "Busy rate (exploratory)" in image.get("alt")
    assert "smallest detectable 1.4; most the programme could do 2.2" in image.get("alt")
    table = page.xpath("//main//table")[1]
    assert [" ".join(th.text_content().split()) for th in table.xpath(".//th")] == [
        "Outcome", "Verdict", "Interval, percentage points", "In people", "Smallest detectable", "Most the programme could do",
    ]  # fmt: skip


def test_the_box_on_the_first_page_follows_from_the_verdicts(tmp_path):
    findings = make_all(DESIGN)
    conclusions = conclude_all(findings, DESIGN, OUTCOMES)
    changed = [replace(c, verdict="detected") if c.outcome == SECOND.id and c.area == "all" else c for c in conclusions]
    book = assemble(tmp_path, synthetic=False, findings=findings, conclusions=changed)
    box = (book.root / "_generated" / "answer.qmd").read_text("utf-8").split("callout-important", 1)[1].split(":::")[0]
    assert "too imprecise to tell whether the idle rate changed" in box
    assert "The busy rate differed from what the comparison areas suggest" in box
    assert "Of the busy rate\\: that participants themselves fared better" in box


def test_bands_for_all_periods_at_once_are_drawn_with_bars_for_each_alone():
    finding = make_finding(placebos=200, seed=3)
    path = finding.estimate.path
    bands = tuple(Band(event_time=p.event_time, low=p.att - 2.0, high=p.att + 2.0) for p in path if p.event_time != -1)
    deciding = replace(finding.inferences[0], bands=bands)
    picture = figure_event_study(replace(finding, inferences=(deciding, *finding.inferences[1:])), RATE)
    data = picture.data.set_index("time since the start")
    assert np.isnan(data.loc[-1, "all periods at once, low"])
    assert data.loc[0, "all periods at once, high"] - data.loc[0, "difference"] == pytest.approx(2.0)
    assert (data["period alone, low"] < data["period alone, high"]).all()
    assert "holds for all periods at once" in picture.alt
    assert not [c for c in data.columns if "usual" in c]
    assert picture.svg.startswith(b"<svg")


def test_a_pooled_event_study_has_a_bar_for_each_period_alone_where_inference_gives_one():
    finding = make_finding(area="all", start="2025-04 to 2025-08", n_treated=3)
    path = finding.estimate.path
    bands, pointwise = (
        tuple(Band(event_time=p.event_time, low=p.att - half, high=p.att + half) for p in path if p.event_time != -1)
        for half in (2.0, 1.25)
    )
    changed = replace(finding.inferences[0], bands=bands, pointwise=pointwise, placebo_gaps=None)
    picture = figure_event_study(replace(finding, inferences=(changed, *finding.inferences[1:])), RATE)
    data = picture.data.set_index("time since the start")
    assert data.loc[0, "period alone, high"] - data.loc[0, "difference"] == pytest.approx(1.25)
    assert data.loc[0, "all periods at once, high"] - data.loc[0, "difference"] == pytest.approx(2.0)
    assert np.isnan(data.loc[-1, "period alone, low"])
    assert "Bars: the range for each period alone." in picture.notes
    assert "Bars show the range for each period alone" in picture.alt


def test_the_mean_of_places_stands_with_the_findings(site):
    text = text_of(site, "chapters/findings.html")
    pool = make_pool()
    assert say_pool(pool, RATE, "Event study") in text
    assert "In a further place like these it would lie anything from" in text
    few = replace(pool, prediction=None, tau=0.0)
    assert "nobody can say where a further place would lie" in say_pool(few, RATE, "Event study")
    assert "no more than chance" in say_pool(few, RATE, "Event study")
    narrow = replace(pool, interval=Interval(low=-1.2, high=-0.2))
    assert "between 0.2 and 1.2 percentage points lower" in say_pool(narrow, RATE, "Event study")


def test_records_keep_their_synthetic_mark(tmp_path):
    marked = {name: [replace(r, synthetic=True) for r in records] for name, records in make_records().items()}
    book = assemble(tmp_path, synthetic=False, **marked)
    assert book.synthetic
