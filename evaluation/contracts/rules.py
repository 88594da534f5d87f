"""The rules a source contract may ask for, with the parameters each one takes. `check_rules` runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKind:
    """One rule: what it says, and its parameters."""

    says: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


RULES: Mapping[str, RuleKind] = {
    "area_code": RuleKind(
        says=(
            "codes are of the register of areas; `also` lists beginnings of codes of other levels the file holds, `nations`"
            " narrows"
        ),
        required=("column",),
        optional=("also", "nations"),
    ),
    "area_name": RuleKind(
        says="the name is the register's name of the code; a Welsh name after ' / ' is fine", required=("area", "name")
    ),
    "known_area_name": RuleKind(
        says="a file without codes names areas of the register; `also` lists other rows", required=("column",), optional=("also",)
    ),
    "range": RuleKind(
        says="values lie between two bounds, in the rows `where` picks",
        required=("value",),
        optional=("minimum", "maximum", "where"),
    ),
    "unit": RuleKind(
        says="no cell looks like a fraction where the contract has per cent", required=("value",), optional=("by", "where")
    ),
    "ratio": RuleKind(
        says="value = scale * numerator / denominator within a tolerance, and the numerator is not above the denominator",
        required=("value", "numerator", "denominator"),
        optional=("scale", "tolerance"),
    ),
    "balanced": RuleKind(says="every area has every period", required=("area", "period"), optional=("by",)),
    "not_after": RuleKind(
        says="no period lies after the edition of the file, or after `latest`", required=("period",), optional=("latest",)
    ),
    "one_period_form": RuleKind(says="all periods are written alike, so of one length", required=("period",), optional=("by",)),
    "one_vintage": RuleKind(says="all rows are of one edition", required=("vintage",)),
    "suppressed": RuleKind(says="an empty value has a declared marker in the status column", required=("value", "column")),
    "constant": RuleKind(says="the column is not the same all the way down", required=("value",), optional=("by",)),
    "sum_to_parent": RuleKind(
        says="the areas whose codes begin with one of `children` add up to `parent`, within `tolerance`",
        required=("area", "period", "value", "parent", "children"),
        optional=("by", "tolerance"),
    ),
    "break_in_series": RuleKind(
        says="the publisher changed the series at `at`; data that span it are warned about", required=("period", "at", "note")
    ),
}

PARAMETERS: Mapping[str, str] = {
    "column": "column",
    "area": "column",
    "name": "column",
    "period": "column",
    "vintage": "column",
    "value": "number column",
    "numerator": "number column",
    "denominator": "number column",
    "by": "columns",
    "where": "condition",
    "minimum": "number",
    "maximum": "number",
    "scale": "number",
    "tolerance": "number",
    "also": "texts",
    "nations": "texts",
    "children": "texts",
    "parent": "text",
    "latest": "text",
    "at": "text",
    "note": "text",
}
"""What each parameter of a rule holds."""
