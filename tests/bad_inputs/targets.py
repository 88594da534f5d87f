"""What is fuzzed: each kind of file, how it is spoilt, and the part of the product that reads it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import nbformat
import yaml
from bad_inputs import samples
from bad_inputs.mutations import archive_of, bytes_of, document_of, json_of, places, table_of
from hypothesis import strategies as st
from invented import make_finding

from evaluation import project
from evaluation.batch.ledger import JobRecord, read_record, read_records, write_record
from evaluation.batch.preflight import parameter_problems
from evaluation.batch.stages import RunManifest, load_conclusions, load_findings, read_manifest
from evaluation.batch.status import Status, describe_status
from evaluation.contracts import load, registers
from evaluation.contracts.odcs import read_source
from evaluation.contracts.problems import Problem, raise_problems
from evaluation.contracts.records import Area, CodeChange, Contracts, Exposure, Neighbour, Programme
from evaluation.design.protocol import load_design
from evaluation.errors import ConfigurationError
from evaluation.panel.build import build_panel, check_data
from evaluation.plain import dump_json, to_plain
from evaluation.report.embedded.notebook import NotebookError, embed_cell
from evaluation.report.release_facts import read_facts
from evaluation.results import InputFile

Reader = Callable[[bytes, Path], None]
"""Reads what is given, in a folder of its own; raises nothing but errors of ours."""


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of file."""

    name: str
    spoil: st.SearchStrategy[bytes]
    read: Reader
    good: bytes
    """The file as it should be, which is read without an error."""


def list_targets(contracts: Contracts, folder: Path) -> Iterator[Target]:
    """Every kind of file the project reads."""
    yield from _data_files(contracts, folder)
    yield from _contract_files(contracts, folder)
    yield from _run_files()
    yield from _notebooks()


# ---------------------------------------------------------------- data


def _data_files(contracts: Contracts, folder: Path) -> Iterator[Target]:
    for source, name, outcome, good in (
        ("ons_explore_local_statistics", "ons_els_a_2026-01.csv", "claimant_rate_annual", samples.ONS.encode()),
        ("nomis_aps", "nomis_aps.csv", "inactivity_rate", samples.survey_answer(folder)),
        ("nomis_claimant_count", "NM_162_1.csv", "claimant_rate", samples.count_answer()),
        ("statxplore_households_on_uc", "statxplore_households_on_uc.csv", "households_on_uc", samples.WIDE.encode()),
        ("demonstration", "SYNTHETIC_labour_market.csv", "inactivity_rate", samples.DEMONSTRATION.encode()),
        ("example_survey", "example_survey_2023-07-01.csv", "", samples.SURVEY.encode()),
    ):
        yield Target(f"CSV of {source}", bytes_of(good) | table_of(good), read_data(contracts, source, name, outcome), good)
    rows = samples.sheet_rows()
    good = samples.workbook(rows)
    read = read_data(contracts, "nomis_spreadsheet", "nomis_ashe_2024.xlsx", "median_pay_annual")
    cells = document_of(rows, places(rows)).map(_workbook_of_anything)
    yield Target("XLSX of nomis_spreadsheet", bytes_of(good) | archive_of(good) | cells, read, good)


def read_data(contracts: Contracts, source: str, name: str, outcome: str) -> Reader:
    """A data folder with this one file."""

    def read(raw: bytes, folder: Path) -> None:
        (folder / name).write_bytes(raw)
        checked = check_data(folder, contracts, [source])
        if outcome:
            build_panel(folder, contracts, [outcome])
        elif not checked.is_sound:
            raise ConfigurationError("not sound")

    return read


def _workbook_of_anything(rows: Any) -> bytes:
    """What a spreadsheet can hold of these rows."""
    kept = [[c if isinstance(c, (str, int, float, bool)) else None for c in row] for row in rows if isinstance(row, list)]
    legal = [[_legal(cell) for cell in row] for row in kept]
    return samples.workbook(legal)


def _legal(cell: object) -> object:
    if isinstance(cell, str):
        return "".join(c for c in cell if c == "\n" or (c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and c not in "\ufffe\uffff"))
    return cell if not isinstance(cell, int) or abs(cell) < 10**300 else None


# ---------------------------------------------------------------- contracts


def _contract_files(contracts: Contracts, folder: Path) -> Iterator[Target]:
    source, design = "nomis_aps.odcs.yaml", "example-study"
    for name, path, read in (
        ("ODCS source contract", project.CONTRACTS / "sources" / source, _read_source(source)),
        ("design", Path(__file__).with_name(f"{design}.yml"), _read_design(contracts, design)),
        ("outcome", project.CONTRACTS / "outcomes" / "inactivity_rate.yml", _read_outcome(contracts)),
        ("release facts", project.REPORTS / "release.yml", _read_release),
    ):
        good = path.read_bytes()
        document = yaml.safe_load(good)
        if name == "design":  # dates are text to the project's own reader
            document = json.loads(json.dumps(document, default=str))
        spoilt = document_of(document, places(document)).map(write_yaml)
        yield Target(f"YAML of {name}", bytes_of(good) | spoilt, read, good)
    for name in ("areas", "programmes", "exposures", "code_changes", "neighbours"):
        lines = (project.CONTRACTS / "registers" / f"{name}.csv").read_bytes().splitlines(keepends=True)
        good = b"".join(lines[:12])
        whole = b"".join(lines)
        yield Target(f"register {name}.csv", bytes_of(good) | table_of(good), _read_register(contracts, name), whole)


def write_yaml(data: Any) -> bytes:
    """The document as YAML."""
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")


def _read_source(name: str) -> Reader:
    def read(raw: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(raw)
        problems: list[Any] = []
        found = read_source(path, problems, standard=len(raw) % 4 == 0)  # the standard's own schema is slow
        assert (found is None) == bool(problems), "read and refused at once, or neither"
        raise_problems(problems)

    return read


def _read_design(contracts: Contracts, name: str) -> Reader:
    def read(raw: bytes, folder: Path) -> None:
        path = folder / f"{name}.yml"
        path.write_bytes(raw)
        load_design(dataclasses.replace(contracts, designs={name: path}), name)

    return read


def _read_outcome(contracts: Contracts) -> Reader:
    def read(raw: bytes, folder: Path) -> None:
        (folder / "inactivity_rate.yml").write_bytes(raw)
        (folder / "population_16_64.yml").write_bytes((project.CONTRACTS / "outcomes" / "population_16_64.yml").read_bytes())
        problems: list[Any] = []
        load._outcomes(folder, contracts.sources, problems)
        raise_problems(problems)

    return read


def _read_release(raw: bytes, folder: Path) -> None:
    (folder / "release.yml").write_bytes(raw)
    facts = read_facts(folder / "release.yml")
    assert facts.day is None or facts.day.isoformat() == facts.publication_date


def _read_register(contracts: Contracts, name: str) -> Reader:
    """One register; what the others hold is taken as it is."""
    areas, programmes = contracts.areas, contracts.programmes
    changes = {change.old_code: change for change in contracts.code_changes}
    cls, check = {
        "areas": (Area, registers.check_areas),
        "programmes": (Programme, registers.check_programmes),
        "exposures": (Exposure, lambda found: registers.check_exposures(found, areas, programmes, changes)),
        "code_changes": (CodeChange, lambda found: registers.check_changes(found, areas)),
        "neighbours": (Neighbour, lambda found: registers.check_neighbours(found, areas, changes)),
    }[name]

    def read(raw: bytes, folder: Path) -> None:
        (folder / f"{name}.csv").write_bytes(raw)
        problems: list[str] = []
        found = registers.read_register(folder / f"{name}.csv", cls, problems)
        problems += check(found)
        raise_problems([Problem(text) for text in problems])

    return read


# ---------------------------------------------------------------- a run folder


MANIFEST = RunManifest(
    design="economic-inactivity-trailblazers",
    design_sha256="0" * 64,
    panel_sha256="1" * 64,
    code_version="0.1.0+x",
    environment={"python": "3.11"},
    synthetic=True,
    seed=1,
    notebooks={"20_estimate_did.ipynb": "2" * 64},
    inputs=(
        InputFile(
            name="a.csv", sha256="3" * 64, source="demonstration", contract_version="1.0.0", vintage="x", rows=4, synthetic=True
        ),
    ),
)
FINDING = make_finding()
RESULT = f"findings/{FINDING.design}/{FINDING.outcome}/{FINDING.area}/{FINDING.estimator}.json"
RECORD = JobRecord(id="o/a/20_estimate_did", key="k", state="done", seconds=1.5, results=(RESULT,), parts={"code": "x"})


def _run_files() -> Iterator[Target]:
    for name, record, read in (
        ("manifest of a run", MANIFEST, _read_manifest),
        ("record of a job", RECORD, _read_ledger),
        ("finding", FINDING, _read_finding),
        (
            "panel.json",
            {"panel_sha256": "x", "rows": 1, "synthetic": True, "inputs": [to_plain(MANIFEST.inputs[0])], "notes": []},
            _read_sidecar,
        ),
        ("deviations of a protocol", {"changes": [_CHANGE]}, _read_deviations),
    ):
        document = json.loads(dump_json(record))
        good = dump_json(record).encode()
        yield Target(f"JSON of {name}", bytes_of(good) | json_of(document, places(document)), read, good)
    good = b"0" * 64 + b"  protocol.yml\n" + b"1" * 64 + b"  treated.json\n"
    yield Target("hashes of a protocol", bytes_of(good), _read_hashes, good)


_CHANGE = {
    "number": 1,
    "before_sha256": "a",
    "after_sha256": "b",
    "treated_sha256": "",
    "changes": [{"key": "seed", "before": "1", "after": "2"}],
}


def _read_manifest(raw: bytes, folder: Path) -> None:
    (folder / "manifest.json").write_bytes(raw)
    manifest = read_manifest(folder)
    assert dump_json(manifest)
    assert list(describe_status(_status_of(manifest)))


def _status_of(manifest: RunManifest) -> Status:
    return Status(run="r", manifest=manifest, records=(), changes=(), stale=(), no_plan="", conclusions=(), report="")


def _read_ledger(raw: bytes, folder: Path) -> None:
    (folder / "jobs").mkdir(exist_ok=True)
    path = folder / "jobs" / "o.a.20_estimate_did.json"
    path.write_bytes(raw)
    record = read_record(folder, RECORD.id)
    assert [record] == list(read_records(folder)) or record is None
    if record is None:
        raise ConfigurationError("runs again")
    assert dump_json(record)


def _read_finding(raw: bytes, folder: Path) -> None:
    write_record(folder, RECORD)
    (folder / RESULT).parent.mkdir(parents=True, exist_ok=True)
    (folder / RESULT).write_bytes(raw)
    (finding,) = load_findings(folder, FINDING.design)
    assert dump_json(finding), "what is read can be written"


def _read_sidecar(raw: bytes, folder: Path) -> None:
    from evaluation.panel.store import PanelSidecar
    from evaluation.plain import load_json

    (folder / "panel.json").write_bytes(raw)
    load_json(PanelSidecar, folder / "panel.json", remedy="build it again")


def _read_deviations(raw: bytes, folder: Path) -> None:
    from evaluation.batch.lock import load_changes, load_deviations

    (folder / "deviations.json").write_bytes(raw)
    assert len(load_deviations(folder)) >= len(load_changes(folder))
    load_conclusions(folder)


def _read_hashes(raw: bytes, folder: Path) -> None:
    from evaluation.batch.lock import find_lock, lock_protocol

    write_record(folder, RECORD)
    design = project.CONTRACTS / "designs" / "economic-inactivity-trailblazers.yml"
    for name, content in (("protocol.yml", design.read_bytes()), ("treated.json", b"{}\n"), ("protocol.sha256", raw)):
        (folder / name).write_bytes(content)
    assert len(find_lock(folder)) in (0, 64)
    lock_protocol(folder, design, ())


# ---------------------------------------------------------------- notebooks


def _notebooks() -> Iterator[Target]:
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "trailblazer", "display_name": "x", "language": "python"}}
    )
    output = nbformat.v4.new_output("display_data", data={"text/markdown": "**a**", "image/svg+xml": "<svg/>"})
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# A"),
        nbformat.v4.new_code_cell('area: str = "none"\nlevel: float = 0.05', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell('#| label: a\n#| fig-alt: "x"\nshow()', outputs=[output], execution_count=1),
    ]
    good = nbformat.writes(notebook).encode()
    document = json.loads(good)
    spoilt = bytes_of(good) | json_of(document, places(document))
    yield Target("notebook before it is run", spoilt, _read_parameters, good)
    yield Target("notebook that was run", spoilt, _read_executed, good)


def _read_parameters(raw: bytes, folder: Path) -> None:
    path = folder / "n.ipynb"
    path.write_bytes(raw)
    if problems := parameter_problems(path, MappingProxyType({"area": "E08000016", "level": 0.1})):
        raise ConfigurationError("\n".join(problems))


def _read_executed(raw: bytes, folder: Path) -> None:
    path = folder / "n.ipynb"
    path.write_bytes(raw)
    try:
        embed_cell(path, "a", "../")
    except NotebookError as error:  # turned into a ReportError with the page's line by its caller
        raise ConfigurationError(str(error)) from error
