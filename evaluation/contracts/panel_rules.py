"""The rules of `rules.RULES`, each as a function of the table under check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from evaluation.contracts.area_rules import check_area_codes, check_area_names, check_known_area_names
from evaluation.contracts.records import Rule
from evaluation.contracts.subject import Subject, listed, named
from evaluation.contracts.violations import Violation

FRACTION = 0.05
"""A cell of at most 1 that is below this share of the usual cell looks like a fraction: a hundredth would be 0.01."""

Check = Callable[[Subject, Rule], Iterator[Violation]]


def check_rule(subject: Subject, rule: Rule) -> Iterator[Violation]:
    """Run one rule of a contract; its columns are there."""
    yield from _CHECKS[rule.name](subject, rule)


def _first_cell(subject: Subject, column: str, rows: np.ndarray) -> str:
    return str(subject.cells(column)[int(np.flatnonzero(rows)[0])])


def _range(subject: Subject, rule: Rule) -> Iterator[Violation]:
    column = named(rule, "value")
    values, picked = subject.numbers[column], subject.where(rule.parameters.get("where"))
    low, high = rule.parameters.get("minimum"), rule.parameters.get("maximum")
    for bound, bad, word in ((low, lambda b: values < b, "below"), (high, lambda b: values > b, "above")):
        if bound is None:
            continue
        with np.errstate(invalid="ignore"):
            rows = picked & bad(float(bound))
        if rows.any():
            span = f"{low:g} to {high:g}" if low is not None and high is not None else f"{bound:g}"
            yield subject.report(
                rows,
                column=column,
                rule="range",
                text=f"{_first_cell(subject, column, rows)!r} is {word} {bound:g}",
                fix=f"allowed is {span}; correct it at the source",
                severity=rule.severity,
            )


def _unit(subject: Subject, rule: Rule) -> Iterator[Violation]:
    column = named(rule, "value")
    values, picked = subject.numbers[column], subject.where(rule.parameters.get("where"))
    group, first = subject.codes(listed(rule, "by"))
    for number in range(len(first)):
        here = picked & (group == number) & np.isfinite(values)
        small = here & (values > 0) & (values <= 1)
        if not small.any():
            continue
        usual = values[here & (values > 1)]
        rows = small if not len(usual) else small & (values < FRACTION * float(np.median(usual)))
        if rows.any():
            yield subject.report(
                rows,
                column=column,
                rule="unit",
                text=f"{_first_cell(subject, column, rows)!r} looks like a fraction where the contract has per cent",
                fix="multiply by 100 at the source",
                severity=rule.severity,
            )


def _ratio(subject: Subject, rule: Rule) -> Iterator[Violation]:
    column, top, bottom = named(rule, "value"), named(rule, "numerator"), named(rule, "denominator")
    value, numerator, denominator = subject.numbers[column], subject.numbers[top], subject.numbers[bottom]
    scale, tolerance = float(rule.parameters.get("scale", 100)), float(rule.parameters.get("tolerance", 0.1))
    zero = denominator == 0
    contract = subject.source.column(bottom)
    told = contract is not None and contract.minimum is not None and contract.minimum > 0  # by the column's own range
    if zero.any() and not told:
        yield subject.report(
            zero, column=bottom, rule="range", text="the denominator is 0", fix="leave the row out, with its reason"
        )
    there = np.isfinite(value) & np.isfinite(numerator) & np.isfinite(denominator) & ~zero
    above = there & (numerator > denominator) & (scale == 100)
    expected = np.divide(scale * numerator, denominator, out=np.full(len(value), np.nan), where=there)
    off = there & ~above & (np.abs(expected - value) > tolerance + 1e-9)
    for rows, what in ((above, "the numerator is above the denominator"), (off, "the value is not numerator over denominator")):
        if not rows.any():
            continue
        row = int(np.flatnonzero(rows)[0])
        cells = f"{column} {subject.cells(column)[row]}, {top} {subject.cells(top)[row]}, {bottom} {subject.cells(bottom)[row]}"
        yield subject.report(
            rows,
            column=column,
            rule="ratio",
            text=f"{what}: {cells}, which gives {expected[row]:.4g}",
            fix="find which of the three cells is wrong",
            severity=rule.severity,
        )


def _balanced(subject: Subject, rule: Rule) -> Iterator[Violation]:
    area, period = named(rule, "area"), named(rule, "period")
    authorities = (
        subject.frame[area].isin(subject.contracts.areas).to_numpy()
        if area == subject.source.area_column
        else np.ones(len(subject.frame), bool)
    ) & subject.well_formed(period)
    by = listed(rule, "by")
    group, first = subject.codes(by)
    areas, area_names = pd.factorize(subject.frame[area])
    periods, period_names = pd.factorize(subject.frame[period])
    for number in range(len(first)):
        here = (group == number) & authorities
        if not here.any():
            continue
        grid = np.zeros((len(area_names), len(period_names)), dtype=bool)
        grid[areas[here], periods[here]] = True
        rows, columns = grid.any(axis=1), grid.any(axis=0)
        gaps = np.outer(rows, columns) & ~grid
        if not gaps.any():
            continue
        lacking = np.flatnonzero(gaps.any(axis=1))
        area_number = int(lacking[0])
        missing = sorted(str(period_names[int(p)]) for p in np.flatnonzero(gaps[area_number]))
        shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
        of = ", ".join(str(subject.frame[c].iloc[first[number]]) for c in by)
        yield subject.remark(
            column=period,
            rule="balanced",
            text=f"{len(lacking)} of {int(rows.sum())} series have gaps: {area_names[area_number]} lacks {shown}"
            + (f" ({of})" if of else ""),
            fix="fetch the periods, or have them in the file with a suppression marker",
            count=int(gaps.sum()),
            first=f"{area_names[area_number]}, {missing[0]}",
            severity=rule.severity,
        )


def _not_after(subject: Subject, rule: Rule) -> Iterator[Violation]:
    column, limit = named(rule, "period"), str(rule.parameters.get("latest", ""))
    if not limit and subject.source.vintage:
        found = re.search(subject.source.vintage, subject.file)
        limit = found[1] if found else ""
    if not limit:
        return
    codes, uniques = pd.factorize(subject.frame[column])
    late = np.array([_is_after(str(text), limit) for text in uniques], dtype=bool)
    rows = late[codes] & subject.well_formed(column)
    if rows.any():
        edition = (
            f"the last period the contract allows, {limit}"
            if "latest" in rule.parameters
            else f"the edition of the file, {limit}"
        )
        yield subject.report(
            rows,
            column=column,
            rule="not_after",
            text=f"{_first_cell(subject, column, rows)!r} lies after {edition}",
            fix="correct the period, or fetch the file again",
            severity=rule.severity,
        )


def _is_after(period: str, limit: str) -> bool:
    month = re.fullmatch(r"[0-9]{4}-[0-9]{2}", period)
    if month and len(limit) >= 7:
        return period > limit[:7]
    year = re.search(r"[0-9]{4}", period)
    return bool(year) and year[0] > limit[:4] if year else False


def _one_period_form(subject: Subject, rule: Rule) -> Iterator[Violation]:
    column = named(rule, "period")
    group, first = subject.codes(listed(rule, "by"))
    codes, uniques = pd.factorize(subject.frame[column])
    shapes = [re.sub(r"[A-Za-z]+", "a", re.sub(r"[0-9]", "9", re.sub(r" \([a-z]\)$", "", str(text)))) for text in uniques]
    shape, names = pd.factorize(np.array(shapes, dtype=object))
    each = shape[codes]
    for number in range(len(first)):
        here = group == number
        counts = np.bincount(each[here], minlength=len(names))
        if (counts > 0).sum() <= 1:
            continue
        usual = int(counts.argmax())
        rows = here & (each != usual)
        example = _first_cell(subject, column, here & (each == usual))
        yield subject.report(
            rows,
            column=column,
            rule="one_period_form",
            text=(
                f"{_first_cell(subject, column, rows)!r} stands beside {example!r}: periods of two lengths or two layouts are"
                " mixed"
            ),
            fix="keep one kind of period in a file",
            severity=rule.severity,
        )


def _one_vintage(subject: Subject, rule: Rule) -> Iterator[Violation]:
    column = named(rule, "vintage")
    codes, uniques = pd.factorize(subject.frame[column])
    if len(uniques) > 1:
        usual = int(np.bincount(codes).argmax())
        listing = ", ".join(str(item) for item in uniques[:6])
        yield subject.report(
            codes != usual,
            column=column,
            rule="one_vintage",
            text=f"rows of {len(uniques)} editions are mixed: {listing}",
            fix="keep one edition and record it",
            severity=rule.severity,
        )


def _suppressed(subject: Subject, rule: Rule) -> Iterator[Violation]:
    value, status = named(rule, "value"), named(rule, "column")
    markers = subject.source.markers
    marks = subject.frame[status].to_numpy(dtype=object)
    empty = np.isin(subject.cells(value).astype(str), [""])
    silent = empty & (marks == "")
    if silent.any():
        yield subject.report(
            silent,
            column=value,
            rule="suppressed",
            text=f"the cell is empty and {status} does not say why",
            fix=f"fill it, or give one of the declared markers: {', '.join(markers) or 'none is declared'}",
            severity=rule.severity,
        )
    contract = subject.source.column(status)
    if contract is not None and contract.allowed is not None:
        return  # the column's own list of values reports what is not declared
    for text in pd.unique(subject.frame[status]):
        if text and text not in markers:
            yield subject.report(
                marks == text,
                column=status,
                rule="suppressed",
                text=f"{str(text)!r} is a marker the contract does not declare",
                fix="declare it with its meaning under 'markers' in the contract; never write 0 for it",
                severity=rule.severity,
            )


def _constant(subject: Subject, rule: Rule) -> Iterator[Violation]:
    column = named(rule, "value")
    values = subject.numbers[column]
    group, first = subject.codes(listed(rule, "by"))
    for number in range(len(first)):
        here = group == number
        there = values[here & np.isfinite(values)]
        if here.sum() < 3 or (len(there) and there.min() != there.max()):
            continue
        what = f"every cell is {there[0]:g}" if len(there) else "every cell is missing"
        yield subject.report(
            here,
            column=column,
            rule="constant",
            text=f"{what} ({subject.key(int(first[number]))} and on)",
            fix="look whether the right column was fetched",
            severity=rule.severity,
        )


def _sum_to_parent(subject: Subject, rule: Rule) -> Iterator[Violation]:
    area, period, column = named(rule, "area"), named(rule, "period"), named(rule, "value")
    parent, children = named(rule, "parent"), listed(rule, "children")
    tolerance = float(rule.parameters.get("tolerance", 0))
    codes = subject.frame[area]
    table = pd.DataFrame({"value": subject.numbers[column], "group": subject.codes([*listed(rule, "by"), period])[0]})
    is_parent = (codes == parent).to_numpy()
    is_child = codes.str.startswith(children).to_numpy(dtype=bool) & ~is_parent
    total = table[is_parent].groupby("group")["value"].first()
    parts = table[is_child].groupby("group")["value"].agg(["sum", "count", "size"])
    both = parts.join(total.rename("total"), how="inner")
    complete = both[both["count"] == both["size"]]
    off = complete[(complete["sum"] - complete["total"]).abs() > tolerance]
    if len(off):
        number = off.index[0]
        rows = is_parent & np.isin(table["group"].to_numpy(), off.index.to_numpy())
        when = _first_cell(subject, period, is_parent & (table["group"].to_numpy() == number))
        text = (
            f"{parent} in {when} is {off['total'].iloc[0]:,.10g} but its parts add up to {off['sum'].iloc[0]:,.10g}, a difference"
            f" of {off['sum'].iloc[0] - off['total'].iloc[0]:,.10g}"
        )
        yield subject.report(
            rows,
            column=column,
            rule="sum_to_parent",
            text=text,
            fix=f"find the part that is wrong; allowed is a difference of {tolerance:g}",
            severity=rule.severity,
        )


def _break(subject: Subject, rule: Rule) -> Iterator[Violation]:
    column, at = named(rule, "period"), named(rule, "at")
    periods = subject.frame[column]
    formed = subject.well_formed(column)
    after = (periods >= at).to_numpy(dtype=bool) & formed
    if after.any() and not after[formed].all():
        yield subject.report(
            after,
            column=column,
            rule="break_in_series",
            text=f"the series breaks at {at}: {rule.parameters['note']}",
            fix="begin the window after the break, or say in the report how it is dealt with",
            severity="warning",
        )


_CHECKS: Mapping[str, Check] = {
    "area_code": check_area_codes,
    "area_name": check_area_names,
    "known_area_name": check_known_area_names,
    "range": _range,
    "unit": _unit,
    "ratio": _ratio,
    "balanced": _balanced,
    "not_after": _not_after,
    "one_period_form": _one_period_form,
    "one_vintage": _one_vintage,
    "suppressed": _suppressed,
    "constant": _constant,
    "sum_to_parent": _sum_to_parent,
    "break_in_series": _break,
}
