"""How records show themselves: accessible, escaped, with text beside the HTML, and nothing fetched from anywhere."""

import html
from dataclasses import replace

import lxml.html
import pandas as pd
import pytest
from invented import OUTCOMES, RATE, make_all, make_contracts, make_design, make_finding
from IPython.lib.pretty import pretty

from evaluation.errors import ConfigurationError
from evaluation.estimators import REGISTRY
from evaluation.plain import from_plain, to_plain
from evaluation.results import (
    Comparison,
    Exclusion,
    Finding,
    InputFile,
    Interval,
    Panel,
    PlaceEffect,
    Pool,
    Power,
    PowerPoint,
    Stress,
    Variant,
)
from evaluation.results.show import write_number
from evaluation.results.shown import Explanation
from evaluation.synthesis import alone
from evaluation.synthesis.explain import explain
from evaluation.synthesis.verdict import conclude

EVIL = "Ash <script>alert('x')</script> & \"Elm\" | *Oak*"
DESIGN = make_design()
COMMON = {"design": DESIGN.id, "outcome": RATE.id, "unit": "pp", "estimator": "event_study", "synthetic": True}
END = Interval(low=-1.0, high=0.5)


def make_comparison() -> Comparison:
    frame = pd.DataFrame(
        {"area": [EVIL, EVIL, "b", "b"], "year": [1, 2, 1, 2], "rate": [1.0, 4.0, 2.0, 3.0], "start": [2.0, 2.0, None, None]}
    )
    made = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start", unit="pp")
    return replace(made, area=EVIL, area_name=EVIL, excluded=(Exclusion(area="x", name="X", reason=EVIL),), synthetic=True)


def make_panel() -> Panel:
    columns = ["area_code", "area_name", "period", "outcome", "value", "se", "flag"]
    rows = [("E1", EVIL, "2024", EVIL, 1.0, None, ""), ("E2", "B", "2024", EVIL, None, None, "not available")]
    file = InputFile(name=EVIL, sha256="a" * 64, source="s", contract_version="1", vintage="v", rows=2, synthetic=True)
    return Panel(frame=pd.DataFrame(rows, columns=columns), inputs=(file,), notes=(EVIL,))


FINDINGS = [make_finding(area_name=EVIL, estimator=name, synthetic=True) for name in ("event_study", "synthetic_control")]
CONCLUSION = conclude(FINDINGS, DESIGN, outcome=RATE, area="amber-vale")
PLACE = PlaceEffect(area="a", name=EVIL, att=-1.0, se=0.5, weight=1.0, pooled=-0.9, interval=END)
VARIANT = Variant(name="main", kind="main", title=EVIL, estimator="twfe", att=None, interval=None, p_value=None, why_not=EVIL)
RECORDS = {
    "panel": make_panel(),
    "design": replace(DESIGN, title=EVIL),
    "comparison": make_comparison(),
    "estimate": replace(FINDINGS[0].estimate, notes=(EVIL,)),
    "finding": FINDINGS[0],
    "conclusion": replace(CONCLUSION, area_name=EVIL),
    "power": Power(
        **COMMON, area="a", area_name=EVIL, level=0.05, power=0.8, available=2, cap=None, plausible=1.0, reps=99, seed=1,
        note=EVIL,
        points=(PowerPoint(follow_up=1, mde=2.5, sampling_share=0.4), PowerPoint(follow_up=2, mde=None)),
    ),
    "stress": Stress(
        **{key: value for key, value in COMMON.items() if key != "estimator"}, area="a", area_name=EVIL, joint_p=None, note=EVIL,
        variants=(VARIANT, replace(VARIANT, att=-1.0, interval=END)),
    ),
    "pool": Pool(
        **COMMON, level=0.05, places=(PLACE,), mean=-1.0, interval=END, prediction=None, tau=0.1, p_value=0.5, note=EVIL
    ),
    "card": replace(REGISTRY["twfe"].card, plain=EVIL),
}  # fmt: skip


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_the_html_is_accessible_escaped_and_alone(record):
    shown = record._repr_html_()
    assert "<script" not in shown
    assert html.escape("<script>alert('x')</script>") in shown
    tree = lxml.html.fromstring(f"<div>{shown}</div>")
    tables = tree.findall(".//table")
    assert tables
    for table in tables:
        assert table.find("caption").text_content().strip()
        assert all(th.get("scope") in ("row", "col") for th in table.findall(".//th"))
        assert all(cell.text_content().strip() for cell in (*table.findall(".//th"), *table.findall(".//td")))
        assert all(row.find("th") is not None for row in table.findall(".//tbody/tr"))
    assert not tree.xpath("//script | //link | //iframe | //style | //@src | //@href | //@onclick")
    assert "url(" not in shown


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_the_text_says_the_same_in_short(record):
    text, shown = pretty(record), lxml.html.fromstring(f"<div>{record._repr_html_()}</div>").text_content()
    assert len(text) < 5000
    assert text.splitlines()[0].split("   SYNTHETIC")[0] in shown
    assert ("SYNTHETIC DATA" in text) == ("SYNTHETIC DATA" in shown) == bool(getattr(record, "synthetic", False))


def test_the_whole_record_stays_in_its_repr():
    """What is kept by the text of a record, such as drawn pictures, must tell any two apart."""
    other = replace(FINDINGS[0], provenance=replace(FINDINGS[0].provenance, seed=8))
    assert repr(FINDINGS[0]) != repr(other)
    assert pretty(FINDINGS[0]) == pretty(other)


def test_a_finding_reads_as_before_from_its_file():
    again = from_plain(Finding, to_plain(FINDINGS[0]))
    assert pretty(again) == pretty(FINDINGS[0])


def test_the_sentence_is_the_same_in_text_and_html():
    assert CONCLUSION.verdict == "too imprecise to tell" or CONCLUSION.att is not None
    assert CONCLUSION.sentence in pretty(CONCLUSION)
    paragraphs = [p.text_content() for p in lxml.html.fromstring(f"<div>{CONCLUSION._repr_html_()}</div>").findall(".//p")]
    assert CONCLUSION.sentence in paragraphs


def test_numbers_as_they_are_written():
    assert write_number(-1.234, "pp") == "−1.23 percentage points"
    assert write_number(1234.5, "gbp", signed=False) == "1,234 pounds"
    assert write_number(0.0123467) == "+0.01235"
    assert write_number(None, "pp") == "not computed"


# ---------------------------------------------------------------- explanations


def test_an_explanation_is_a_string_and_a_list_in_a_notebook():
    said = CONCLUSION.explain()
    assert isinstance(said, str)
    assert said.splitlines()[1:8] == list(CONCLUSION.trail)
    assert pretty(said) == str(said)
    tree = lxml.html.fromstring(f"<div>{said._repr_html_()}</div>")
    assert len(tree.findall(".//ol")) == 1
    assert [item.text_content() for item in tree.findall(".//ol/li")] == [line.split(" ", 1)[1] for line in CONCLUSION.trail]
    assert "<script" not in Explanation(f"{EVIL}\n1 {EVIL}: {EVIL}\n{EVIL}")._repr_html_()


@pytest.fixture
def own_protocol(monkeypatch):
    monkeypatch.setattr(alone, "load_contracts", make_contracts)
    monkeypatch.setattr(alone, "load_design", lambda contracts, name: {DESIGN.id: DESIGN}[name])


@pytest.mark.usefixtures("own_protocol")
def test_a_finding_tells_which_rule_decides():
    first, second = FINDINGS
    said = first.explain(second)
    assert said == explain(CONCLUSION, FINDINGS, DESIGN)
    assert said.splitlines()[1:8] == list(CONCLUSION.trail)
    assert sum(" decides. " in line for line in said.splitlines()) == 1


@pytest.mark.usefixtures("own_protocol")
def test_a_finding_alone_says_what_is_missing():
    first, second = FINDINGS
    assert first.explain().endswith("Not among the findings given: synthetic_control. Give them too: finding.explain(other).")
    assert "1 not estimated: decides" in second.explain()
    assert "Not among the findings given: event_study." in second.explain()


@pytest.mark.usefixtures("own_protocol")
def test_it_refuses_findings_that_do_not_belong_together(monkeypatch):
    first, second = FINDINGS
    with pytest.raises(ConfigurationError, match=r"idle_rate, cold-fen was given beside one of idle_rate, amber-vale"):
        first.explain(replace(second, area="cold-fen"))
    monkeypatch.setattr(alone, "load_design", lambda contracts, name: replace(DESIGN, sha256="e" * 64))
    with pytest.raises(ConfigurationError, match=r"made under another edition of design invented-study \(dddddddddddd, now eeee"):
        first.explain(second)


def test_every_verdict_explains_itself():
    design = make_design()
    for plan in design.outcomes:
        conclusion = conclude(make_all(design), design, outcome=OUTCOMES[plan.id], area="all")
        assert conclusion.sentence in pretty(conclusion)
        assert conclusion.because in conclusion.explain()
