"""The rest of what is fuzzed: files that few runs meet, of every source, register and record that has a loader."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import statistics_service as service
from bad_inputs import samples
from bad_inputs.mutations import archive_of, bytes_of, document_of, json_of, places, table_of
from bad_inputs.targets import Reader, Target, read_data, write_yaml

from evaluation import project
from evaluation.batch.edition import read_engine
from evaluation.batch.stages import load_conclusions
from evaluation.contracts import money, registers
from evaluation.contracts.problems import Problem, raise_problems
from evaluation.contracts.records import Contracts
from evaluation.errors import ConfigurationError
from evaluation.fetch.show import describe_vintages
from evaluation.panel.vintages import FETCHED, KeptAnswer, KeptTable, VintageRecord, find_newest, list_vintages
from evaluation.plain import dump_json
from evaluation.report.book import read_planted
from evaluation.report.embedded.project import read_book
from evaluation.report.gate import RECORD, read_cells
from evaluation.report.printed import Cell
from evaluation.results import Conclusion

TABLES = {
    # source: name of its file, an outcome read from it, a small good file
    "nomis_claimant_count_tidy": (
        "x_claimant_count_api_tidy.csv",
        "claimant_rate",
        "area_code,area_name,period,indicator,measure,units,value\n"
        + "".join(
            f"E06000001,Hartlepool,{month} 2024,{indicator},{measure},,{value}\n"
            for month in ("March", "April")
            for indicator, measure, value in (
                ("Claimant count", "Count", "2100"),
                ("Claimants as a proportion of residents aged 16-64", "Percentage", "3.6"),
            )
        ),
    ),
    "own_data": (
        "own_x.csv",
        "",
        "area_code,period,outcome,value,standard_error,status\nE08000016,2018-03,advice_rate,21.4,1.1,\n"
        "E06000001,2018-03,advice_rate,,,c\n",
    ),
    "own_data_synthetic": (
        "SYNTHETIC_own_x.csv",
        "",
        "area_code,period,outcome,value,standard_error,status,label\nE08000016,2018-03,advice_rate,21.4,1.1,,SYNTHETIC\n"
        "E06000001,2018-03,advice_rate,,,c,SYNTHETIC\n",
    ),
    "statxplore_people_on_uc": (
        "statxplore_people_on_uc.csv",
        "people_on_uc",
        "area_code,area_name,period,value\nE08000016,Barnsley,2026-01,21400\nE06000001,Hartlepool,2026-01,11200\n",
    ),
    "ons_statistical_neighbours": (
        "ons_statistical_neighbours.csv",
        "",
        "kind,area_code,rank,neighbour_code\neconomic,E08000016,1,E06000001\nglobal,E06000001,1,E08000016\n",
    ),
}


def list_further(contracts: Contracts, folder: Path) -> Iterator[Target]:
    """Every kind of file that `bad_inputs.targets` does not have."""
    for source, (name, outcome, text) in TABLES.items():
        good = text.encode()
        yield Target(f"CSV of {source}", bytes_of(good) | table_of(good), read_data(contracts, source, name, outcome), good)
    good = population_answer()
    read = read_data(contracts, "nomis_population", "NM_2002_1.csv", "population_16_64")
    yield Target("CSV of nomis_population", bytes_of(good) | table_of(good), read, good)
    good = service.rti_workbook([("E08000016", "Barnsley"), ("E06000001", "Hartlepool")])
    read = read_data(contracts, "ons_paye_rti", "rtisa_2026.xlsx", "payrolled_employees")
    yield Target("XLSX of ons_paye_rti", bytes_of(good) | archive_of(good), read, good)
    for name in (money.COSTS, money.UNIT_VALUES):
        good = (project.CONTRACTS / "registers" / name).read_bytes()
        yield Target(f"register {name}", bytes_of(good) | table_of(good), _read_money(contracts, name), good)
    yield from _records()


def population_answer() -> bytes:
    """An answer of the population estimates: two ages."""
    common = {"DATE": "2024", "GEOGRAPHY_NAME": "Barnsley", "GEOGRAPHY_CODE": "E08000016", "GEOGRAPHY_TYPE": samples.DISTRICTS}
    common |= {"GENDER": "0", "GENDER_NAME": "Total"}
    rows = [
        common
        | {"C_AGE": age, "C_AGE_NAME": name, "MEASURES": "20100", "MEASURES_NAME": "Value", "OBS_VALUE": value}
        | {"OBS_STATUS": "A", "OBS_STATUS_NAME": "Normal Value", "OBS_CONF": "F", "OBS_CONF_NAME": "Free"}
        | {"RECORD_OFFSET": str(offset), "RECORD_COUNT": "2"}
        for offset, (age, name, value) in enumerate([("200", "All Ages", "246500"), ("203", "Aged 16 to 64", "152300")])
    ]
    return samples.csv_text(rows[0], [row.values() for row in rows]).encode()


def _read_money(contracts: Contracts, name: str) -> Reader:
    """One register of money; what the others hold is taken as it is."""

    def read(raw: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(raw)
        texts: list[str] = []
        if name == money.COSTS:
            rows = registers.read_register(path, money.Cost, texts)
            texts += money.check_costs(rows, contracts.programmes, contracts.exposures)
        else:
            values = registers.read_register(path, money.UnitValue, texts)
            texts += money.check_unit_values(values, contracts.outcomes)
        raise_problems([Problem(text) for text in texts])

    return read


# ---------------------------------------------------------------- records

BODY = b"area_code,value\nE08000016,1\n"
VINTAGE = "2026-11-22T115737Z-3f2a9c1b"
KEPT = VintageRecord(
    source="own_data",
    contract_version="1.0.0",
    row_cap=25_000,
    first="",
    base="https://example.org",
    answers=(
        KeptAnswer(
            method="GET", address="https://example.org/a", sent="", at="2026-11-22T11:57:37Z", status=200, headers={"ETag": "x"},
            file="own_a.csv", sha256=hashlib.sha256(BODY).hexdigest(), size=len(BODY), attempts=1,
        ),
    ),
    tables=(KeptTable(file="own_a.csv", sha256=hashlib.sha256(BODY).hexdigest(), answers=(0,)),),
)  # fmt: skip
CONCLUSION = Conclusion(
    design="economic-inactivity-trailblazers", outcome="inactivity_rate", area="all", area_name="All", primary=True,
    verdict="too imprecise to tell", because="x.", sentence="The data cannot tell us.", headline=None, att=None, interval=None,
    mde=None, cap=None, people=None, synthetic=True, reasons=(),
)  # fmt: skip
CELL = Cell(file="index.html", of="claimant_rate", row="Barnsley", column="people", value=12.0, shown="12")


def _records() -> Iterator[Target]:
    for name, record, read in (
        ("conclusion", CONCLUSION, _read_conclusion),
        ("vintage", KEPT, _read_vintage),
        ("last check of a vintage", {"vintage": VINTAGE, "at": "2026-11-22T12:00:00Z"}, _read_check),
        ("numbers a report printed", [CELL], _read_cells),
        ("build of a report", {"engine": "embedded", "pages": 3}, _read_build),
    ):
        good = dump_json(record).encode()
        document = json.loads(good)
        yield Target(f"JSON of {name}", bytes_of(good) | json_of(document, places(document)), read, good)
    good = b"area_code,outcome,start,effect,programme,label\nE08000016,inactivity_rate,2025-04,-0.15,a,SYNTHETIC\n"
    yield Target("CSV of planted effects", bytes_of(good) | table_of(good), _read_planted, good)
    document = {
        "project": {"type": "book", "resources": ["a.css"]},
        "lang": "en-GB",
        "book": {"title": "A", "author": ["B"], "date": "2026-11-22", "date-format": "long", "chapters": ["index.qmd"]},
        "format": {"html": {"toc": True}, "typst": {"margin": {"x": "2cm"}}},
    }
    spoilt = document_of(document, places(document)).map(write_yaml)
    yield Target("YAML of a book", bytes_of(write_yaml(document)) | spoilt, _read_book, write_yaml(document))


def _read_conclusion(raw: bytes, folder: Path) -> None:
    path = folder / "conclusions" / CONCLUSION.outcome / "all.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(raw)
    assert dump_json(list(load_conclusions(folder)))


def _put_vintage(folder: Path, manifest: bytes) -> Path:
    home = folder / FETCHED / KEPT.source / VINTAGE
    home.mkdir(parents=True)
    (home / "own_a.csv").write_bytes(BODY)
    (home / "vintage.json").write_bytes(manifest)
    return home.parent


def _read_vintage(raw: bytes, folder: Path) -> None:
    _put_vintage(folder, raw)
    assert list(describe_vintages(list_vintages(folder)))
    find_newest(folder, [KEPT.source])


def _read_check(raw: bytes, folder: Path) -> None:
    (_put_vintage(folder, dump_json(KEPT).encode()) / "checked.json").write_bytes(raw)
    assert list(describe_vintages(list_vintages(folder))), "what cannot be read is left unsaid"


def _read_cells(raw: bytes, folder: Path) -> None:
    (folder / RECORD).write_bytes(raw)
    assert dump_json(list(read_cells(folder)))


def _read_build(raw: bytes, folder: Path) -> None:
    (folder / "report-build.json").write_bytes(raw)
    assert isinstance(read_engine(folder), str)


def _read_planted(raw: bytes, folder: Path) -> None:
    path = folder / "SYNTHETIC_planted_effects.csv"
    path.write_bytes(raw)
    frame: Any = read_planted(path)
    assert {"area_code", "outcome", "effect"} <= set(frame.columns)


def _read_book(raw: bytes, folder: Path) -> None:
    (folder / "_quarto.yml").write_bytes(raw)
    (folder / "index.qmd").write_text("# A\n", "utf-8")
    if not read_book(folder).chapters:
        raise ConfigurationError("no chapters")
