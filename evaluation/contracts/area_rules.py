"""Rules about areas: codes of the register, replaced and malformed codes, names that do not go with their code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from evaluation.contracts.fields import nearest
from evaluation.contracts.records import Area, CodeChange, Rule
from evaluation.contracts.subject import Subject, listed, named
from evaluation.contracts.violations import Violation

_CODE = re.compile(r"[A-Z][0-9]{8}")

LEVELS = {
    "K": "the United Kingdom or several of its nations",
    "E92": "a nation",
    "W92": "a nation",
    "S92": "a nation",
    "N92": "a nation",
    "E12": "an English region",
    "E10": "an English county",
    "E11": "a metropolitan county",
    "E13": "Inner or Outer London",
    "E47": "a combined authority",
    "E05": "an electoral ward",
    "W05": "an electoral ward",
    "S12": "a Scottish council",
    "N09": "a district of Northern Ireland",
    "W06": "a Welsh authority",
    "E06": "an English unitary authority",
    "E07": "an English district",
    "E08": "a metropolitan district",
    "E09": "a London borough",
}
"""What the beginning of a GSS code says (ONS register of geographic codes)."""


def check_area_codes(subject: Subject, rule: Rule) -> Iterator[Violation]:
    """Codes are of the register, of one of its later codes, or of a level the contract names; one finding for each other code."""
    column = named(rule, "column")
    also, nations = listed(rule, "also"), listed(rule, "nations")
    areas = subject.contracts.areas
    by_later = {area.code_2025: area for area in areas.values()}
    changes = {change.old_code: change for change in subject.contracts.code_changes}
    codes, uniques = pd.factorize(subject.frame[column])
    for n, text in enumerate(uniques):
        code = str(text)
        area = areas.get(code) or by_later.get(code)
        if area is not None and (not nations or area.nation in nations):
            continue
        if not code.strip() or (area is None and also and code.startswith(also) and _CODE.fullmatch(code)):
            continue
        if area is not None:
            what = f"{code} is {_level(code)} ({area.nation}); this file is of {' and '.join(nations)} only"
            yield subject.report(codes == n, column=column, rule="area_code", text=what, fix="leave the rows out")
        elif code in changes:
            yield subject.report(
                codes == n, column=column, rule="old_code", text=_replaced(changes[code]), fix=_remedy(changes[code])
            )
        else:
            text_, fix = _unknown(code, areas, also)
            yield subject.report(codes == n, column=column, rule="area_code", text=text_, fix=fix)


def _replaced(change: CodeChange) -> str:
    what = {"recode": "was replaced by", "merge": "was merged into", "split": "was split, in part into"}[change.kind]
    return f"{change.old_code} {what} {change.new_code} ({change.valid_from})"


def _remedy(change: CodeChange) -> str:
    if change.kind == "recode":
        return f"write {change.new_code}"
    if change.kind == "merge":
        return (
            f"fetch the figure of {change.new_code} from the publisher; renaming would not add up its parts (code_changes.csv"
            " lists them)"
        )
    return "fetch the figures of the new areas from the publisher; a split area needs weights and cannot be renamed"


def _unknown(code: str, areas: Mapping[str, Area], also: tuple[str, ...]) -> tuple[str, str]:
    tidy = code.strip().upper()
    if tidy != code and tidy in areas:
        return f"{code!r} is not written as a code", f"write {tidy}"
    if not _CODE.fullmatch(code):
        return f"{code!r} is not a GSS code", f"write a capital letter and eight digits{nearest(code, areas)}"
    level = _level(code)
    if level and not code.startswith(("E06", "E07", "E08", "E09", "W06", "S12")):
        return (
            f"{code} is {level}, not a local authority",
            "leave the rows out, or name the level under 'also' in the contract's rule area_code",
        )
    return (
        f"{code} is not a code of the register of areas{nearest(code, areas)}",
        "correct it, or add the area to areas.csv or its change to code_changes.csv",
    )


def _level(code: str) -> str:
    return LEVELS.get(code[:3]) or LEVELS.get(code[:1], "")


def check_area_names(subject: Subject, rule: Rule) -> Iterator[Violation]:
    """The name is that of the code; an English name before ' / ' is enough."""
    code_column, name_column = named(rule, "area"), named(rule, "name")
    areas = subject.contracts.areas
    by_later = {area.code_2025: area for area in areas.values()}
    pairs, first = subject.codes([code_column, name_column])
    for number, row in enumerate(first):
        code, name = str(subject.cells(code_column)[row]), str(subject.cells(name_column)[row])
        area = areas.get(code) or by_later.get(code)
        if area is None or not name.strip() or _same(name, area.name):
            continue
        yield subject.report(
            np.asarray(pairs == number),
            column=name_column,
            rule="area_name",
            text=f"{code} is {area.name!r} in the register and {name!r} here",
            fix="find out which of the two is wrong: a shifted row gives every area its neighbour's figures",
        )


def check_known_area_names(subject: Subject, rule: Rule) -> Iterator[Violation]:
    """Names of a file without codes are of the register."""
    column, also = named(rule, "column"), listed(rule, "also")
    known = {_fold(area.name): area.name for area in subject.contracts.areas.values()}
    codes, uniques = pd.factorize(subject.frame[column])
    for n, text in enumerate(uniques):
        name = str(text)
        if not name.strip() or name in also or _fold(name) in known or _fold(name.split(" / ")[0]) in known:
            continue
        yield subject.report(
            codes == n,
            column=column,
            rule="area_name",
            text=f"{name!r} is not a name of the register of areas{nearest(name, known.values())}",
            fix="correct the name, or add the area to areas.csv",
        )


def _same(written: str, name: str) -> bool:
    return _fold(written) == _fold(name) or _fold(written.split(" / ")[0]) == _fold(name)


def _fold(name: str) -> str:
    """Letters and digits only, with '&' as 'and': publishers differ in commas, blanks and full stops."""
    return "".join(c for c in name.casefold().replace("&", "and") if c.isalnum())
