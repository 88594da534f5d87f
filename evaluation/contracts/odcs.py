"""Source contracts: Open Data Contract Standard files to `Source` records.

The file is first held against the standard's own JSON Schema, then against what this project needs beyond it: publisher, licence,
reader, files and the rest stand in ``customProperties``; rules about several cells in ``quality`` with ``engine: evaluation``.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evaluation.contracts.clauses import CUSTOM, clause_problems, custom_properties, dicts, latency_days, service_level
from evaluation.contracts.fields import nearest
from evaluation.contracts.problems import Problem
from evaluation.contracts.records import Column, Rule, Source
from evaluation.contracts.yamlfile import Document, read_yaml


def read_source(path: Path, problems: list[Problem], *, standard: bool = True) -> tuple[Source, Document] | None:
    """The source a contract file describes, or None when `problems` got something that stops it.

    Raises
    ------
    ConfigurationError
        If the file is not the YAML that is allowed here.
    """
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        problems.append(Problem(f"{document.place()}: a contract is a mapping of keys to values.", data=True))
        return None
    found = list(_standard_problems(document)) if standard else []
    found += clause_problems(document, path)
    problems += found
    if found:
        return None
    return _source(document.data), document


# ---------------------------------------------------------------- the standard


@functools.cache
def _validator() -> Any:
    """The standard's JSON Schema, from the package that ships it, without importing that package, which is slow."""
    # Only checks of international addresses use this parser, and none is asked for here; to import it takes longer than the rest.
    heavy = sys.modules.get("rfc3987_syntax")
    sys.modules["rfc3987_syntax"] = heavy  # type: ignore[assignment]
    try:
        from jsonschema import Draft201909Validator
    finally:
        if heavy is None:
            del sys.modules["rfc3987_syntax"]

    spec = importlib.util.find_spec("open_data_contract_standard")
    folder = next(iter(spec.submodule_search_locations or ())) if spec is not None else ""
    schema = json.loads((Path(folder) / "schema.json").read_text(encoding="utf-8"))
    return Draft201909Validator(schema)


def _standard_problems(document: Document) -> Iterator[Problem]:
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


# ---------------------------------------------------------------- into records


def _source(data: dict[str, Any]) -> Source:
    table = data["schema"][0]
    custom = {"markers": {}} | {CUSTOM[key][0]: value for key, value in custom_properties(data).items()}
    raw = {
        "id": data["id"],
        "version": data["version"],
        "status": data["status"],
        "title": data["name"],
        "frequency": service_level(data, "frequency"),
        "latency_days": latency_days(data),
        "description": data["description"]["purpose"],
        "limitations": data["description"].get("limitations", ""),
        "columns": tuple(_column(p) for p in table["properties"]),
        "rules": tuple(_rule(q) for q in table.get("quality", [])),
        **custom,
    }
    return Source.build(**raw)


def _column(data: dict[str, Any]) -> Column:
    options, custom = data.get("logicalTypeOptions") or {}, custom_properties(data)
    allowed = next((quality["arguments"]["validValues"] for quality in dicts(data.get("quality"))), None)
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
