"""A contracts folder into records, with every reference resolved and every problem reported at once."""

from __future__ import annotations

import hashlib
import os
import types
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation import project
from evaluation.contracts import registers
from evaluation.contracts.disclosure import read_clause
from evaluation.contracts.fields import field_problems, nearest
from evaluation.contracts.money import COSTS, UNIT_VALUES, Cost, UnitValue, check_costs, check_unit_values
from evaluation.contracts.odcs import read_source
from evaluation.contracts.problems import Problem, keyed, raise_problems
from evaluation.contracts.records import Area, CodeChange, Contracts, Exposure, Neighbour, Outcome, Programme, SeriesRule, Source
from evaluation.contracts.yamlfile import Document, read_yaml
from evaluation.errors import ConfigurationError

FOLDERS = ("registers", "sources", "outcomes", "designs")
"""What a contracts folder has."""
HUNDRED = 100
"""Numbers of people that are estimates stand to the nearest of these, whatever a source asks."""


def load_contracts(root: Path = project.CONTRACTS, *, standard: bool = True) -> Contracts:
    """Read a contracts folder.

    Parameters
    ----------
    root : Path
        Folder with ``registers/``, ``sources/``, ``outcomes/`` and ``designs/``.
    standard : bool
        Whether to hold source contracts against the JSON Schema of the Open Data Contract Standard as well. That takes about a
        second, most of it to import the validator, so work on contracts that were checked already may leave it out.

    Returns
    -------
    Contracts

    Raises
    ------
    ConfigurationError, DataError
        With every problem of every file, one a line: ``file:line: column: what is wrong. Fix: what to do``. Wrong YAML, unknown
        keys, names and rules, and wrong registers are configuration; clauses a source contract lacks or contradicts are data.

    Notes
    -----
    The same files are read once in a process, and in processes forked from it.
    """
    if not root.is_dir():
        raise ConfigurationError(
            f"{root}: there is no such folder; a contracts folder has registers, sources, outcomes and designs."
        )
    closed = [root / name for name in FOLDERS if not os.access(root / name, os.R_OK | os.X_OK)]
    if closed:
        raise ConfigurationError(
            "\n".join(f"{folder}: there is no such folder, or it may not be looked into. Fix: put it back." for folder in closed)
        )
    content = _content_sha256(root)
    for checked in (True, standard):
        if (known := _known.get((root, content, checked))) is not None:
            return known
    _known.clear()  # what is on disk now takes the place of what was
    return _known.setdefault((root, content, standard), _read(root, standard=standard))


_known: dict[tuple[Path, str, bool], Contracts] = {}
"""The folder that was read last: folder, hash of all its files, and whether the standard was asked too."""


def _content_sha256(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _read(root: Path, *, standard: bool) -> Contracts:
    problems: list[Problem] = []
    found = _registers(root / "registers", problems)
    sources = _sources(root / "sources", problems, standard=standard)
    outcomes = _outcomes(root / "outcomes", sources, problems)
    unit_values = _unit_values(root / "registers", outcomes, problems)
    designs = {path.name.removesuffix(".yml"): path for path in sorted((root / "designs").glob("*.yml"))}
    raise_problems(problems)
    return Contracts(
        root=root,
        sources=types.MappingProxyType({id: source for id, source in sources.items() if source is not None}),
        outcomes=types.MappingProxyType(outcomes),
        designs=types.MappingProxyType(designs),
        unit_values=unit_values,
        **found,
    )


def _registers(folder: Path, problems: list[Problem]) -> dict[str, Any]:
    texts: list[str] = []
    area_rows = registers.read_register(folder / "areas.csv", Area, texts)
    areas_are_whole = not texts  # else every row that names an area would be blamed for what is wrong with the areas
    programme_rows = registers.read_register(folder / "programmes.csv", Programme, texts)
    exposure_rows = registers.read_register(folder / "exposures.csv", Exposure, texts)
    change_rows = registers.read_register(folder / "code_changes.csv", CodeChange, texts)
    neighbour_rows = registers.read_register(folder / "neighbours.csv", Neighbour, texts)
    areas = {row.record.code: row.record for row in area_rows}
    programmes = {row.record.id: row.record for row in programme_rows}
    changes = {row.record.old_code: row.record for row in change_rows}
    texts += registers.check_areas(area_rows)
    texts += registers.check_programmes(programme_rows)
    if areas_are_whole:
        texts += registers.check_exposures(exposure_rows, areas, programmes, changes)
        texts += registers.check_changes(change_rows, areas)
        texts += registers.check_neighbours(neighbour_rows, areas, changes)
    cost_rows = registers.read_register(folder / COSTS, Cost, texts)
    texts += check_costs(cost_rows, programmes, [row.record for row in exposure_rows])
    problems += [Problem(text) for text in texts]
    return {
        "areas": types.MappingProxyType(areas),
        "programmes": types.MappingProxyType(programmes),
        "exposures": tuple(row.record for row in exposure_rows),
        "code_changes": tuple(row.record for row in change_rows),
        "neighbours": tuple(row.record for row in neighbour_rows),
        "costs": tuple(row.record for row in cost_rows),
    }


def _unit_values(folder: Path, outcomes: Mapping[str, Outcome], problems: list[Problem]) -> tuple[UnitValue, ...]:
    """What results are worth; read after the outcomes they belong to."""
    texts: list[str] = []
    rows = registers.read_register(folder / UNIT_VALUES, UnitValue, texts)
    texts += check_unit_values(rows, outcomes)
    problems += [Problem(text) for text in texts]
    return tuple(row.record for row in rows)


def _sources(folder: Path, problems: list[Problem], *, standard: bool) -> dict[str, Source | None]:
    """Sources by identifier; None for one whose contract has problems, so that outcomes are not blamed for it too."""
    found: dict[str, Source | None] = {}
    for path in sorted(folder.glob("*.odcs.yaml")):
        id = path.name.removesuffix(".odcs.yaml")
        found[id] = None
        try:
            read = read_source(path, problems, standard=standard)
        except ConfigurationError as error:
            problems.append(Problem(str(error)))
            continue
        if read is not None:
            found[id] = read[0]
    return found


def _outcomes(folder: Path, sources: Mapping[str, Source | None], problems: list[Problem]) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    documents: dict[str, Document] = {}
    stems = [path.name.removesuffix(".yml") for path in sorted(folder.glob("*.yml"))]
    for path in sorted(folder.glob("*.yml")):
        try:
            document = read_yaml(path)
        except ConfigurationError as error:
            problems.append(Problem(str(error)))
            continue
        texts = list(_outcome_problems(document, path, sources))
        problems += [Problem(text) for text in texts]
        if not texts:
            series = tuple(SeriesRule.build(**item) for item in document.data["series"])
            outcome = Outcome.build(**{**document.data, "series": series})
            found[outcome.id], documents[outcome.id] = outcome, document
    for id, outcome in found.items():
        weights = found.get(outcome.population or "")
        if weights is not None and (weights.unit != "people" or weights.id == id):
            where = documents[id].place("population")
            problems.append(
                Problem(
                    f"{where}: population: {outcome.population!r} counts no people (its unit is {weights.unit!r}), so it cannot"
                    " weight authorities; name an outcome whose unit is people."
                )
            )
        if outcome.population is not None and outcome.population not in stems:
            where = documents[id].place("population")
            problems.append(
                Problem(
                    f"{where}: population: {outcome.population!r} is not an outcome{nearest(outcome.population, stems)}; there"
                    f" are {', '.join(stems)}."
                )
            )
    return {id: replace(outcome, people_base=_people_base(outcome, found, sources)) for id, outcome in found.items()}


def _people_base(outcome: Outcome, outcomes: Mapping[str, Outcome], sources: Mapping[str, Source | None]) -> int:
    """The largest rounding base of the sources an outcome and its population may come from, where that is above 100."""
    population = outcomes.get(outcome.population or "")
    counted = [outcome] if population is None else [outcome, population]
    named = {rule.source for item in counted for rule in item.series}
    clauses = [read_clause(source) for id, source in sources.items() if id in named and source is not None]
    return max((clause.base for clause in clauses if clause.base is not None and clause.base > HUNDRED), default=0)


def _outcome_problems(document: Document, path: Path, sources: Mapping[str, Source | None]) -> Iterator[str]:
    data = document.data
    if not isinstance(data, dict):
        yield f"{document.place()}: an outcome is a mapping of keys to values."
        return
    items = data.get("series")
    shape_only = {**data, "series": ()} if isinstance(items, list) else data
    yield from keyed(document, field_problems(Outcome, shape_only))
    wanted = path.name.removesuffix(".yml")
    if data.get("id") not in (None, wanted):
        yield f"{document.place('id')}: id: is {data['id']!r} but the file is called {path.name}; write {wanted!r}."
    for key in ("name", "unit_words", "level_words"):
        if isinstance(data.get(key), str) and not data[key].strip():
            yield f"{document.place(key)}: {key}: is empty; pages and sentences are made with it."
    months = data.get("window_months")
    if isinstance(months, int) and not 1 <= months <= 60:
        yield (
            f"{document.place('window_months')}: window_months: is {months}; write 1 for monthly counts, 12 for rolling and"
            " annual figures."
        )
    if isinstance(items, list) and not items:
        yield f"{document.place('series')}: series: is empty; name at least one source."
    for position, item in enumerate(items if isinstance(items, list) else []):
        yield from _series_problems(document, position, item, sources)


def _series_problems(document: Document, position: int, item: Any, sources: Mapping[str, Source | None]) -> Iterator[str]:
    at = ("series", position)
    if not isinstance(item, dict):
        yield f"{document.place(*at)}: series: write a mapping with source, select and value."
        return
    found = field_problems(SeriesRule, item)
    yield from keyed(document, found, *at)
    if found:
        return
    rule = SeriesRule.build(**item)
    if rule.source not in sources:
        yield (
            f"{document.place(*at, 'source')}: source: {rule.source!r} is not a source{nearest(rule.source, sources)}; there are"
            f" {', '.join(sources)}."
        )
        return
    source = sources[rule.source]
    if source is None:
        return
    names = [c.name for c in source.columns]
    used = [("value", rule.value), ("lower", rule.lower), ("upper", rule.upper), ("half_width", rule.half_width), ("se", rule.se)]
    for key, column in [*used, *((("select", c)) for c in rule.select)]:
        if column is not None and column not in names:
            yield (
                f"{document.place(*at, key)}: {key}: {column!r} is not a column of {rule.source}{nearest(column, names)}; its"
                f" columns are {', '.join(names)}."
            )
    for column, value in rule.select.items():
        contract = source.column(column)
        if contract is not None and contract.allowed is not None and value not in contract.allowed:
            yield (
                f"{document.place(*at, 'select', column)}: select: {column} is never {value!r} in"
                f" {rule.source}{nearest(value, contract.allowed)}; allowed are {', '.join(contract.allowed)}."
            )
    if (rule.lower is None) != (rule.upper is None):
        yield f"{document.place(*at)}: series: write both lower and upper, or neither."
    if rule.vintage is not None and not source.vintage:
        yield (
            f"{document.place(*at, 'vintage')}: vintage: the files of {rule.source} do not tell their edition, so it cannot be"
            " pinned."
        )
