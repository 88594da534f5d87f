"""Whether a finished run says the same everywhere, and whether every number of it leads back to its data and its protocol."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import openpyxl
from lxml import html

NOTEBOOK = "50_pool_programme.ipynb"
"""The notebook that concludes for an outcome."""


def _plain(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())


def _read(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))


def sentences_missing(run: Path) -> list[str]:
    """Conclusions whose sentence is not, word for word, in the notebook, on the page and in the spreadsheet."""
    sheet = openpyxl.load_workbook(run / "report" / "data" / "all-tables.xlsx")["Table_1"]
    stated = {(row[0], _plain(str(row[3]))) for row in sheet.iter_rows(values_only=True) if row[3]}
    found = []
    for path in sorted((run / "conclusions").glob("*/*.json")):
        item = _read(path)
        outcome, area, sentence = path.parent.name, path.stem, _plain(item["sentence"])
        notebook = run / "notebooks" / outcome / "all" / NOTEBOOK
        if sentence not in _outputs(notebook):
            found.append(f"{outcome}, {area}: not in {notebook.name}")
        page = "chapters/findings.html" if area == "all" else f"areas/{area}.html"
        if sentence not in _plain(html.parse(run / "report" / page).getroot().text_content()):
            found.append(f"{outcome}, {area}: not on {page}")
        if ("All areas together" if area == "all" else item["area_name"], sentence) not in stated:
            found.append(f"{outcome}, {area}: not in the spreadsheet")
    return found


def _outputs(notebook: Path) -> str:
    outputs = [output for cell in _read(notebook)["cells"] for output in cell.get("outputs", [])]
    return _plain(" ".join("".join(output.get("data", {}).get("text/plain", "")) for output in outputs))


def broken_traces(run: Path) -> list[str]:
    """Findings that do not lead from their file to the data and the protocol by hashes that are the same wherever they stand."""
    panel, manifest = _read(run / "panel.json"), _read(run / "manifest.json")
    with (run / "report" / "data" / "table-provenance.csv").open(encoding="utf-8", newline="") as stream:
        printed = {row["File of the run"]: (row["Panel, SHA-256"], row["Protocol, SHA-256"]) for row in csv.DictReader(stream)}
    log = html.parse(run / "report" / "annex" / "data-log.html").getroot().text_content()
    protocol = hashlib.sha256((run / "protocol.yml").read_bytes()).hexdigest()
    found = [f"the annex does not print {sha}" for sha in (protocol, panel["panel_sha256"]) if sha not in log]
    paths = sorted((run / "findings").rglob("*.json"))
    for path in paths:
        name = path.relative_to(run).as_posix()
        found += [
            f"{name}: {text}" for text in _trace(_read(path)["provenance"], panel, manifest, protocol, printed.pop(name, None))
        ]
    found += [f"{name}: printed, and no file of the run" for name in printed]
    return found if paths else ["there is no finding"]


def _trace(origin: dict, panel: dict, manifest: dict, protocol: str, printed: tuple[str, str] | None) -> Iterator[str]:
    if origin["panel_sha256"] != panel["panel_sha256"]:
        yield "made from another panel"
    if origin["inputs"] != panel["inputs"]:
        yield "made from other files than the panel"
    if {origin["design_sha256"], manifest["design_sha256"], protocol} != {protocol}:
        yield "made under another protocol"
    if printed != (origin["panel_sha256"], origin["design_sha256"]):
        yield f"the annex prints {printed}"
