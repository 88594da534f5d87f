"""The chapter on what changed since the last release, from two invented runs."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from invented import OUTCOMES, RATE, make_all
from lxml import html
from report.invented_book import DESIGN, assemble

from evaluation.report.changes import FIRST
from evaluation.report.embedded import render_book
from evaluation.report.tables import SHORTHAND
from evaluation.report.wording import check_wording
from evaluation.results import Finding
from evaluation.synthesis import conclude_all
from evaluation.synthesis.changes import Changes, DataChange, Release, Split, compare_releases

BEFORE = Release(day="2026-07-14", design_sha256="d" * 64, panel_sha256="a" * 64, code_version="0.1.0+a")
NOW = replace(BEFORE, day="", panel_sha256="b" * 64)
REVISED = DataChange(
    outcome=RATE.id, shared=3400, revised=12, largest=0.4, filled=1, withdrawn=0, new_periods=("2026-03", "2026-06"),
    lost_periods=(),
)  # fmt: skip


def move_all(findings: tuple[Finding, ...], shift: float, area: str) -> tuple[Finding, ...]:
    """Findings of one area moved with their intervals."""
    moved = []
    for finding in findings:
        if finding.area == area:
            ends = finding.inferences[0].interval
            assert ends is not None
            interval = replace(ends, low=ends.low + shift, high=ends.high + shift)
            inferences = (replace(finding.inferences[0], interval=interval, p_value=0.001), *finding.inferences[1:])
            finding = replace(
                finding, estimate=replace(finding.estimate, att=finding.estimate.att + shift), inferences=inferences
            )
        moved.append(finding)
    return tuple(moved)


def compare(new: tuple[Finding, ...], *, split: Split | None = None, **changes: object) -> Changes:
    old = make_all(DESIGN, synthetic=True)
    sides = [(conclude_all(findings, DESIGN, OUTCOMES), findings) for findings in (old, new)]
    rows = compare_releases(
        *sides, methods=("event_study", "event_study"), outcomes=list(OUTCOMES),
        split=lambda one, other: split or Split(revised=other.estimate.att - one.estimate.att, periods=0.0, code=0.0),
    )  # fmt: skip
    values = {"design": DESIGN.id, "before": BEFORE, "after": NOW, "rows": rows, "data": (), "other": ()}
    return Changes(**{**values, **changes})  # type: ignore[arg-type]


def visible(page) -> str:  # type: ignore[no-untyped-def]
    main = page.xpath("//main")[0]
    for node in main.xpath(".//script | .//style"):
        node.drop_tree()
    return " ".join(main.text_content().split())


def cells(table) -> list[list[str]]:  # type: ignore[no-untyped-def]
    return [[" ".join(c.text_content().split()) for c in row.xpath("./td")] for row in table.xpath(".//tbody/tr")]


def chapter(folder: Path, since: Changes | None) -> str:
    return (assemble(folder, since=since).root / "_generated" / "changes.qmd").read_text("utf-8")


def test_without_an_earlier_release_this_is_said(tmp_path: Path) -> None:
    assert chapter(tmp_path, None) == f"{FIRST}\n"


def test_that_nothing_changed_is_said(tmp_path: Path) -> None:
    text = chapter(tmp_path, compare(make_all(DESIGN, synthetic=True)))
    assert "Nothing changed: verdicts, estimates, data, protocol and code are the same." in text
    assert "release of 14 July 2026" in text
    assert "tbl-" not in text


def test_moves_stand_in_order_in_words_and_in_their_parts(tmp_path: Path) -> None:
    new = move_all(move_all(make_all(DESIGN, synthetic=True), -2.0, "all"), 1.3, "zeta-hill")
    changes = compare(
        new, data=(REVISED,), other=("the protocol (draws)",), split=Split(revised=-5.5, periods=-0.504, code=0.0)
    )  # fmt: skip
    book = assemble(tmp_path, since=changes)
    render_book(book.root, tmp_path / "out", formats=("html", "pdf"))
    page = html.parse(tmp_path / "out" / "chapters" / "changes.html").getroot()
    text = visible(page)
    assert check_wording(text, detected=True) == []
    assert "SYNTHETIC DATA" in page.text_content()
    assert "The protocol (draws)" in text
    tables = {" ".join(t.xpath("./caption | ancestor::figure[1]/figcaption")[0].text_content().split()).split(": ", 1)[1]: t
              for t in page.xpath("//main//table")}  # fmt: skip
    moved = cells(tables["Estimates that lie outside their earlier interval"])
    verdicts = cells(tables["Verdicts that changed"])
    assert [row[0] for row in verdicts] == ["All areas together"] * 2
    for rows in (moved, verdicts):
        assert [row[0].casefold() for row in rows] == sorted(row[0].casefold() for row in rows)
    assert {row[0] for row in moved} == {"Amber Vale"}
    assert moved[0][4:] == ["5.50 lower", "0.50 lower", "0"]
    assert cells(tables["Figures in this release beside the earlier one"])[0] == [
        "Idle rate", "3,400", "12", "0.4", "1", "0", "2 new (March 2026 to June 2026)"
    ]  # fmt: skip
    with (book.root / "data" / "table-changes.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["Area"] for row in rows][:2] == ["All areas together"] * 2
    assert len(rows) == len(OUTCOMES) * (1 + len(DESIGN.treated))
    assert all(cell.strip() for row in rows for cell in row.values())


def test_parts_that_are_not_known_and_figures_that_are_withheld_are_marked(tmp_path: Path) -> None:
    new = move_all(make_all(DESIGN, synthetic=True), 1.3, "zeta-hill")
    reason = "figures of treated areas are missing"
    unknown = compare(new, split=Split(revised=None, periods=None, code=0.5, why_not=reason), notes=(f"1 move: {reason}",))
    text = chapter(tmp_path / "a", unknown)
    assert SHORTHAND["[x]"] in text
    assert reason in text
    rows = tuple(
        replace(row, before=replace(row.before, quoted=False)) if row.before is not None else row for row in unknown.rows
    )
    with_none = chapter(tmp_path / "b", replace(unknown, rows=rows))
    assert "0.50 higher" in text
    assert "0.50 higher" not in with_none


@pytest.mark.parametrize("kind", ["appeared", "gone"])
def test_what_only_one_release_has_is_listed(tmp_path: Path, kind: str) -> None:
    changes = compare(make_all(DESIGN, synthetic=True))
    rows = tuple(
        replace(row, kind=kind, split=None, **{"before" if kind == "appeared" else "after": None})
        if (row.area, row.outcome) == ("amber", RATE.id) else row
        for row in changes.rows
    )  # type: ignore[arg-type]  # fmt: skip
    text = chapter(tmp_path, replace(changes, rows=rows))
    assert "Zeta Fen, Idle rate" in text
    assert ("in this release only" if kind == "appeared" else "in the earlier release only") in text
