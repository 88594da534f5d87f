"""What this project asks of a source contract beyond the standard: every clause, column and rule, each breach with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evaluation.contracts.disclosure import clause_problems_of
from evaluation.contracts.fields import field_problems, nearest
from evaluation.contracts.file_types import READ
from evaluation.contracts.problems import Problem
from evaluation.contracts.records import Source
from evaluation.contracts.rules import PARAMETERS, RULES
from evaluation.contracts.yamlfile import Document

ENGINE = "evaluation"
STATUSES = ("proposed", "draft", "active", "deprecated", "retired")
TYPES = ("string", "number", "integer", "date")

# customProperties of the contract: name in the file -> field of Source, and whether it must be there
CUSTOM = {
    "publisher": ("publisher", True),
    "licence": ("licence", True),
    "attribution": ("attribution", True),
    "synthetic": ("synthetic", True),
    "reader": ("reader", True),
    "files": ("files", True),
    "geography": ("geography", True),
    "revisionPolicy": ("revision_policy", True),
    "markers": ("markers", False),
    "vintagePattern": ("vintage", False),
    "areaColumn": ("area_column", False),
    "areaNameColumn": ("area_name_column", False),
    "periodColumn": ("period_column", False),
    "statusColumn": ("status_column", False),
    "earlierColumns": ("earlier_columns", False),
    "earlierVersion": ("earlier_version", False),
    "options": ("options", False),
    "disclosure": ("disclosure", False),
    "fetch": ("fetch", False),
}
_DAYS = {"d": 1, "day": 1, "days": 1, "w": 7, "week": 7, "weeks": 7}
_LONGEST_LATENCY = 3650
_WHY = {
    "publisher": "the report must say whose figures they are",
    "licence": "figures may be published only under their licence",
    "attribution": "the licence asks for it",
}


def dicts(value: Any) -> list[dict[str, Any]]:
    """The mappings of a list; nothing where there is no list, which the standard's schema reports."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def custom_properties(data: dict[str, Any]) -> dict[str, Any]:
    """The project's own settings of a contract or a column, by name."""
    return {str(entry.get("property")): entry.get("value") for entry in dicts(data.get("customProperties"))}


def service_level(data: dict[str, Any], name: str) -> str | None:
    """One property of the service level, as text."""
    return next((str(e.get("value")) for e in dicts(data.get("slaProperties")) if e.get("property") == name), None)


def latency_days(data: dict[str, Any]) -> int | None:
    """How many days after the end of a period its figures come out; None where that is not stated, -1 where it cannot be read."""
    entry = next((e for e in dicts(data.get("slaProperties")) if e.get("property") == "latency"), None)
    if entry is None:
        return None
    value, unit = entry.get("value"), entry.get("unit", "d")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LONGEST_LATENCY:
        return -1
    return value * _DAYS[unit] if isinstance(unit, str) and unit in _DAYS else -1


def clause_problems(document: Document, path: Path) -> Iterator[Problem]:
    """Every clause that is missing or contradicts another; the document holds a mapping."""
    data = document.data
    wanted = path.name.removesuffix(".odcs.yaml")
    if data.get("id") != wanted:
        yield Problem(
            f"{document.place('id')}: id: is {data.get('id')!r} but the file is called {path.name}; write {wanted!r}.", data=True
        )
    if "status" not in data:
        yield Problem(f"{document.place()}: status: is required; allowed are {', '.join(STATUSES)}.", data=True)
    elif data["status"] not in STATUSES:
        status = str(data["status"])
        yield Problem(
            f"{document.place('status')}: status: {status!r}{nearest(status, STATUSES)}; allowed are {', '.join(STATUSES)}.",
            data=True,
        )
    if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", str(data.get("version", ""))):
        yield Problem(
            f"{document.place('version')}: version: {data.get('version')!r}; write major.minor.patch, such as 1.0.0.", data=True
        )
    if not data.get("name"):
        yield Problem(f"{document.place()}: name: is required; the title of the publication.", data=True)
    if not isinstance(data.get("description"), dict) or not data["description"].get("purpose"):
        yield Problem(f"{document.place('description')}: description.purpose: is required; what the figures are.", data=True)
    if service_level(data, "frequency") is None:
        yield Problem(
            f"{document.place('slaProperties')}: slaProperties: the property 'frequency' is required; how often a new edition"
            " comes.",
            data=True,
        )
    if latency_days(data) == -1:
        yield Problem(
            f"{document.place('slaProperties')}: slaProperties: latency cannot be read; write a whole number up to"
            f" {_LONGEST_LATENCY} as value, and d (days) or w (weeks) as unit."
        )
    yield from _custom_problems(document)
    tables = data.get("schema")
    if not isinstance(tables, list) or len(tables) != 1 or not dicts(tables) or not dicts(tables[0].get("properties")):
        yield Problem(f"{document.place('schema')}: schema: one table with its columns in 'properties' is required.", data=True)
        return
    columns = dicts(tables[0]["properties"])
    if len(columns) < len(tables[0]["properties"]):
        yield Problem(
            f"{document.place('schema', 0, 'properties')}: properties: every column is a mapping of keys to values.", data=True
        )
    yield from _column_problems(document, columns)
    yield from _rule_problems(document, tables[0], {str(c.get("name")): str(c.get("logicalType", "string")) for c in columns})


def _custom_problems(document: Document) -> Iterator[Problem]:
    entries = document.data.get("customProperties")
    entries = entries if isinstance(entries, list) else []
    seen: dict[str, int] = {}
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        name = str(entry.get("property"))
        place = document.place("customProperties", position)
        if name not in CUSTOM:
            yield Problem(
                f"{place}: customProperties: {name!r} is not a setting{nearest(name, CUSTOM)}; the settings are"
                f" {', '.join(CUSTOM)}."
            )
        if name in seen:
            yield Problem(
                f"{place}: customProperties: {name!r} stands here and at {document.place('customProperties', seen[name])}. Fix:"
                " keep one."
            )
        seen.setdefault(name, position)
    values = custom_properties(document.data)
    for name, (_, required) in CUSTOM.items():
        if required and values.get(name) in (None, "", []):
            because = f", because {_WHY[name]}" if name in _WHY else ""
            yield Problem(
                f"{document.place('customProperties')}: customProperties: {name!r} is missing; it is required{because}.",
                data=True,
            )
    typed = {CUSTOM[name][0]: name for name in values if name in CUSTOM}
    for problem in field_problems(Source, {field: values[name] for field, name in typed.items()}):
        if problem.key in typed:
            name = typed[problem.key]
            yield Problem(f"{document.place('customProperties', seen[name])}: {name}: {problem.text}.", data=True)
    for name in values["files"] if isinstance(values.get("files"), list) else []:
        if not isinstance(name, str):
            continue
        place = document.place("customProperties", seen["files"])
        if not name.lower().endswith(READ):
            yield Problem(f"{place}: files: {name!r} is no pattern of a type that is read; let it end in {' or '.join(READ)}.")
        elif ".." in name.split("/") or name.startswith("/"):
            yield Problem(f"{place}: files: {name!r} leads out of the data folder; write a name, such as survey*.csv.")
    if isinstance(values.get("options"), dict):
        for text in _option_problems(values["options"]):
            yield Problem(f"{document.place('customProperties', seen['options'])}: options: {text}.")
    if isinstance(values.get("disclosure"), dict):
        place = document.place("customProperties", seen["disclosure"])
        for text in clause_problems_of(values["disclosure"]):
            yield Problem(f"{place}: disclosure: {text}", data=True)
    pattern = values.get("vintagePattern")
    if isinstance(pattern, str) and _groups(pattern) != 1:
        place = document.place("customProperties", seen["vintagePattern"])
        yield Problem(f"{place}: vintagePattern: {pattern!r} is not a regular expression with one group.")


def _option_problems(options: dict[str, Any]) -> Iterator[str]:
    """What is wrong with options that hold regular expressions: names of codes by column, and words of measures."""
    names, measures = options.get("names", {}), options.get("measures", {})
    tables = list(names.items()) if isinstance(names, dict) else [("names", names)]
    for where, table in [*((f"names: {column}", table) for column, table in tables), ("measures", measures)]:
        if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
            yield f"{where}: write a mapping of code to a regular expression for its name"
            continue
        for code, text in table.items():
            if _groups(text) < 0:
                yield f"{where}: {code}: {text!r} is not a regular expression"


def _groups(pattern: str) -> int:
    try:
        return re.compile(pattern).groups
    except re.error:
        return -1


def _column_problems(document: Document, columns: list[dict[str, Any]]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for position, column in enumerate(columns):
        name = str(column.get("name"))
        place = document.place("schema", 0, "properties", position)
        if not isinstance(column.get("name"), str):
            yield Problem(f"{place}: name: {column.get('name')!r}; every column has a name that is text.", data=True)
        if name in seen:
            first = document.place("schema", 0, "properties", seen[name])
            yield Problem(f"{place}: the column {name!r} stands here and at {first}. Fix: keep one of the two.", data=True)
        seen.setdefault(name, position)
        if column.get("logicalType", "string") not in TYPES:
            kind = str(column.get("logicalType"))
            yield Problem(
                f"{place}: logicalType: {kind!r}{nearest(kind, TYPES)}; allowed here are {', '.join(TYPES)}.", data=True
            )
        given = column.get("logicalTypeOptions")
        options = given if isinstance(given, dict) else {}
        if given is not None and not isinstance(given, dict):
            yield Problem(f"{place}: logicalTypeOptions: {given!r}; write a mapping of minimum, maximum or pattern.", data=True)
        for key in options:
            if key not in ("minimum", "maximum", "pattern"):
                yield Problem(
                    f"{place}: logicalTypeOptions: {key!r} is not checked{nearest(key, ('minimum', 'maximum', 'pattern'))}; write"
                    " minimum, maximum or pattern."
                )
        low, high = options.get("minimum"), options.get("maximum")
        for key, bound in (("minimum", low), ("maximum", high)):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, (int, float))):
                yield Problem(f"{place}: {key}: {bound!r} is not a number.", data=True)
        if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
            yield Problem(f"{place}: minimum: is {low}, above the maximum {high}, so no figure would be allowed.", data=True)
        if "pattern" in options and _groups(str(options["pattern"])) < 0:
            yield Problem(f"{place}: pattern: {options['pattern']!r} is not a regular expression.")
        for quality in dicts(column.get("quality")):
            arguments = quality.get("arguments")
            values = arguments.get("validValues") if isinstance(arguments, dict) else None
            if quality.get("metric") != "invalidValues" or not isinstance(values, list):
                yield Problem(f"{place}: quality: of a column only the metric invalidValues with validValues is checked here.")
        for key in custom_properties(column):
            if key not in ("unit", "present"):
                yield Problem(
                    f"{place}: customProperties: {key!r} is not a setting of a column{nearest(key, ('unit', 'present'))}; write"
                    " unit or present."
                )
    known = [str(c.get("name")) for c in columns]
    for setting in ("areaColumn", "areaNameColumn", "periodColumn", "statusColumn"):
        value = custom_properties(document.data).get(setting)
        if value is not None and value not in known:
            yield Problem(
                f"{document.place('customProperties')}: {setting}: {value!r} is not a column{nearest(str(value), known)}; the"
                f" columns are {', '.join(known)}.",
                data=True,
            )


def _rule_problems(document: Document, table: dict[str, Any], columns: dict[str, str]) -> Iterator[Problem]:
    entries = table.get("quality", [])
    if not isinstance(entries, list):
        yield Problem(f"{document.place('schema', 0, 'quality')}: quality: {entries!r}; write a list of rules.", data=True)
    for position, entry in enumerate(entries if isinstance(entries, list) else []):
        place = document.place("schema", 0, "quality", position)
        if not isinstance(entry, dict):
            yield Problem(f"{place}: quality: a rule is a mapping of keys to values.", data=True)
            continue
        if entry.get("type") != "custom" or entry.get("engine") != ENGINE:
            yield Problem(f"{place}: quality: a rule of the table has type custom and engine {ENGINE}.")
            continue
        settings = entry.get("implementation")
        name = settings.get("rule") if isinstance(settings, dict) else None
        if not isinstance(settings, dict) or not isinstance(name, str):
            yield Problem(f"{place}: implementation: write a mapping with the key 'rule'.")
            continue
        if name not in RULES:
            yield Problem(f"{place}: rule {name!r} is not known{nearest(name, RULES)}; the rules are {', '.join(RULES)}.")
            continue
        kind, given = RULES[name], {k: v for k, v in settings.items() if k != "rule"}
        allowed = (*kind.required, *kind.optional)
        for key in given:
            if key not in allowed:
                yield Problem(
                    f"{place}: rule {name}: {key!r} is not a parameter{nearest(key, allowed)}; it takes {', '.join(allowed)}."
                )
        for key in kind.required:
            if key not in given:
                yield Problem(f"{place}: rule {name}: the parameter {key!r} is missing; it takes {', '.join(allowed)}.")
        if entry.get("severity", "error") not in ("error", "warning"):
            yield Problem(f"{place}: rule {name}: severity {entry['severity']!r}; write error or warning.")
        yield from _parameter_problems(f"{place}: rule {name}", given, columns)


def _parameter_problems(at: str, given: dict[str, Any], columns: dict[str, str]) -> Iterator[Problem]:
    """Values of a rule's parameters: columns there are, numbers where numbers are wanted."""
    for key, value in given.items():
        kind = PARAMETERS.get(key)
        if kind is None:
            continue
        names: list[Any] = []
        if kind in ("column", "number column"):
            names = [value]
        elif kind == "columns":
            names = value if isinstance(value, list) else [value]
        elif kind == "condition":
            if not isinstance(value, dict):
                yield Problem(
                    f"{at}: {key}: {value!r}; write a mapping of column to the value, or list of values, its rows have."
                )
            names = list(value) if isinstance(value, dict) else []
        elif kind == "number" and (isinstance(value, bool) or not isinstance(value, (int, float))):
            yield Problem(f"{at}: {key}: {value!r} is not a number.")
        elif kind == "texts" and not all(isinstance(item, str) for item in (value if isinstance(value, list) else [value])):
            yield Problem(f"{at}: {key}: {value!r}; write a text or a list of texts.")
        elif kind == "text" and not isinstance(value, str):
            yield Problem(f"{at}: {key}: {value!r} is not text; put it in quotes.")
        for name in names:
            if not isinstance(name, str) or name not in columns:
                close = nearest(str(name), columns)
                yield Problem(f"{at}: {name!r} is not a column{close}; the columns are {', '.join(columns)}.", data=True)
            elif kind == "number column" and columns[name] not in ("number", "integer"):
                yield Problem(f"{at}: {key}: the column {name!r} holds {columns[name]}s, not numbers.", data=True)
