"""Source contracts: Open Data Contract Standard files to `Source` records.

The file is first held against the standard's own JSON Schema, then against what this project needs beyond it: publisher, licence,
reader, files and the rest stand in ``customProperties``; rules about several cells in ``quality`` with ``engine: evaluation``.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.contracts.records import Column, Rule, Source, field_problems, nearest
from evaluation.contracts.rules import RULES
from evaluation.contracts.yamlfile import Document, read_yaml

ENGINE = "evaluation"
STATUSES = ("proposed", "draft", "active", "deprecated", "retired")
TYPES = ("string", "number", "integer", "date")

# customProperties of the contract: name in the file -> field of Source, and whether it must be there
_CUSTOM = {
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
}
_WHY = {
    "publisher": "the report must say whose figures they are",
    "licence": "figures may be published only under their licence",
    "attribution": "the licence asks for it",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of an error, and whether data (exit code 3) or configuration (2) are at fault."""

    text: str
    data: bool = False


def read_source(path: Path, problems: list[Problem], *, standard: bool = True) -> tuple[Source, Document] | None:
    """The source a contract file describes, or None when `problems` got something that stops it.

    Raises
    ------
    ConfigurationError
        If the file is not the YAML that is allowed here.
    """
    document = read_yaml(path)
    found = list(_standard_problems(document)) if standard else []
    if isinstance(document.data, dict):
        found += _own_problems(document, path)
    problems += found
    if found:
        return None
    return _source(document.data), document


# ---------------------------------------------------------------- the standard


@functools.cache
def _validator() -> Any:
    """The standard's JSON Schema, from the package that ships it, without importing that package, which is slow."""
    from jsonschema import Draft201909Validator

    spec = importlib.util.find_spec("open_data_contract_standard")
    folder = next(iter(spec.submodule_search_locations or ())) if spec is not None else ""
    schema = json.loads((Path(folder) / "schema.json").read_text(encoding="utf-8"))
    return Draft201909Validator(schema)


def _standard_problems(document: Document) -> Iterator[Problem]:
    if not isinstance(document.data, dict):
        yield Problem(f"{document.place()}: a contract is a mapping of keys to values.", data=True)
        return
    for error in sorted(_validator().iter_errors(document.data), key=lambda e: [str(p) for p in e.absolute_path]):
        path = tuple(error.absolute_path)
        yield Problem(f"{document.place(*path)}: {_dotted(path)}: {_explain(error)}", data=True)


def _dotted(path: tuple[str | int, ...]) -> str:
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else (f".{part}" if words else part)
    return words or "the contract"


def _explain(error: Any) -> str:
    """A schema error as one sentence with the value and what is allowed."""
    if error.validator == "enum":
        allowed = [str(item) for item in error.validator_value]
        return (
            f"{error.instance!r} is not allowed{nearest(str(error.instance), allowed)}; allowed are {', '.join(allowed)} (rule"
            " standard)."
        )
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"{', '.join(missing)} is required (rule standard)."
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = list(error.schema.get("properties", {}))
        extra = re.findall(r"'([^']+)'", error.message.split("were unexpected")[0].split("was unexpected")[0])
        shown = ", ".join(f"{key!r}{nearest(key, known)}" for key in extra)
        return f"{shown} is not a key of the standard (rule standard). Fix: put our own settings into customProperties."
    if error.validator == "type":
        return f"{error.instance!r} is not of type {error.validator_value} (rule standard)."
    return f"{error.message} (rule standard)."


# ---------------------------------------------------------------- what this project needs beyond it


def _own_problems(document: Document, path: Path) -> Iterator[Problem]:
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
    if _sla(data, "frequency") is None:
        yield Problem(
            f"{document.place('slaProperties')}: slaProperties: the property 'frequency' is required; how often a new edition"
            " comes.",
            data=True,
        )
    yield from _custom_problems(document)
    tables = data.get("schema")
    if not isinstance(tables, list) or len(tables) != 1 or not isinstance(tables[0], dict) or not tables[0].get("properties"):
        yield Problem(f"{document.place('schema')}: schema: one table with its columns in 'properties' is required.", data=True)
        return
    columns = [p for p in tables[0]["properties"] if isinstance(p, dict)]
    yield from _column_problems(document, columns)
    yield from _rule_problems(document, tables[0], [str(c.get("name")) for c in columns])


def _custom_problems(document: Document) -> Iterator[Problem]:
    entries = document.data.get("customProperties")
    entries = entries if isinstance(entries, list) else []
    seen: dict[str, int] = {}
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        name = str(entry.get("property"))
        place = document.place("customProperties", position)
        if name not in _CUSTOM:
            yield Problem(
                f"{place}: customProperties: {name!r} is not a setting{nearest(name, _CUSTOM)}; the settings are"
                f" {', '.join(_CUSTOM)}."
            )
        if name in seen:
            yield Problem(
                f"{place}: customProperties: {name!r} stands here and at {document.place('customProperties', seen[name])}. Fix:"
                " keep one."
            )
        seen.setdefault(name, position)
    values = _custom(document.data)
    for name, (_, required) in _CUSTOM.items():
        if required and values.get(name) in (None, "", []):
            because = f", because {_WHY[name]}" if name in _WHY else ""
            yield Problem(
                f"{document.place('customProperties')}: customProperties: {name!r} is missing; it is required{because}.",
                data=True,
            )
    typed = {_CUSTOM[name][0]: name for name in values if name in _CUSTOM}
    for problem in field_problems(Source, {field: values[name] for field, name in typed.items()}):
        if problem.key in typed:
            name = typed[problem.key]
            yield Problem(f"{document.place('customProperties', seen[name])}: {name}: {problem.text}.", data=True)
    pattern = values.get("vintagePattern")
    if isinstance(pattern, str) and _groups(pattern) != 1:
        place = document.place("customProperties", seen["vintagePattern"])
        yield Problem(f"{place}: vintagePattern: {pattern!r} is not a regular expression with one group.")


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
        if name in seen:
            first = document.place("schema", 0, "properties", seen[name])
            yield Problem(f"{place}: the column {name!r} stands here and at {first}. Fix: keep one of the two.", data=True)
        seen.setdefault(name, position)
        if column.get("logicalType", "string") not in TYPES:
            kind = str(column.get("logicalType"))
            yield Problem(
                f"{place}: logicalType: {kind!r}{nearest(kind, TYPES)}; allowed here are {', '.join(TYPES)}.", data=True
            )
        options = column.get("logicalTypeOptions") or {}
        for key in options:
            if key not in ("minimum", "maximum", "pattern"):
                yield Problem(
                    f"{place}: logicalTypeOptions: {key!r} is not checked{nearest(key, ('minimum', 'maximum', 'pattern'))}; write"
                    " minimum, maximum or pattern."
                )
        if "pattern" in options and _groups(str(options["pattern"])) < 0:
            yield Problem(f"{place}: pattern: {options['pattern']!r} is not a regular expression.")
        for key in _custom(column):
            if key not in ("unit", "present"):
                yield Problem(
                    f"{place}: customProperties: {key!r} is not a setting of a column{nearest(key, ('unit', 'present'))}; write"
                    " unit or present."
                )
    known = [str(c.get("name")) for c in columns]
    for setting in ("areaColumn", "areaNameColumn", "periodColumn", "statusColumn"):
        value = _custom(document.data).get(setting)
        if value is not None and value not in known:
            yield Problem(
                f"{document.place('customProperties')}: {setting}: {value!r} is not a column{nearest(str(value), known)}; the"
                f" columns are {', '.join(known)}.",
                data=True,
            )


def _rule_problems(document: Document, table: dict[str, Any], columns: list[str]) -> Iterator[Problem]:
    for position, entry in enumerate(table.get("quality") or []):
        place = document.place("schema", 0, "quality", position)
        if not isinstance(entry, dict):
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
        for column in Rule(name=name, parameters=given).columns:
            if column not in columns:
                yield Problem(
                    f"{place}: rule {name}: {column!r} is not a column{nearest(column, columns)}; the columns are"
                    f" {', '.join(columns)}.",
                    data=True,
                )


# ---------------------------------------------------------------- into records


def _custom(data: dict[str, Any]) -> dict[str, Any]:
    entries = data.get("customProperties")
    return {str(e.get("property")): e.get("value") for e in entries if isinstance(e, dict)} if isinstance(entries, list) else {}


def _sla(data: dict[str, Any], name: str) -> str | None:
    entries = data.get("slaProperties")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("property") == name:
            return str(entry.get("value"))
    return None


def _source(data: dict[str, Any]) -> Source:
    table = data["schema"][0]
    custom = {field: value for key, value in _custom(data).items() for field in (_CUSTOM[key][0],)}
    custom.setdefault("markers", {})
    raw = {
        "id": data["id"],
        "version": data["version"],
        "status": data["status"],
        "title": data["name"],
        "frequency": _sla(data, "frequency"),
        "description": data["description"]["purpose"],
        "limitations": data["description"].get("limitations", ""),
        "columns": tuple(_column(p) for p in table["properties"]),
        "rules": tuple(_rule(q) for q in table.get("quality", [])),
        **custom,
    }
    return Source.build(**raw)


def _column(data: dict[str, Any]) -> Column:
    options, custom = data.get("logicalTypeOptions") or {}, _custom(data)
    allowed = next(
        (
            q["arguments"]["validValues"]
            for q in data.get("quality", [])
            if q.get("metric") == "invalidValues" and "validValues" in q.get("arguments", {})
        ),
        None,
    )
    return Column.build(
        name=data["name"],
        type=data.get("logicalType", "string"),
        required=data.get("required", False),
        unit=custom.get("unit", ""),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        pattern=options.get("pattern"),
        allowed=None if allowed is None else tuple(str(item) for item in allowed),
        description=data.get("description", ""),
        present=custom.get("present", True),
        key=data.get("primaryKey", False),
    )


def _rule(data: dict[str, Any]) -> Rule:
    settings = dict(data["implementation"])
    return Rule.build(name=settings.pop("rule"), parameters=settings, severity=data.get("severity", "error"))
