"""Small books to render, and the golden book."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from support_paths import SHARED

EXTENSIONS = Path(__file__).resolve().parents[2] / "reports" / "_extensions"
GOLDEN = SHARED / "quarto-golden"
needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"the golden book is not at {GOLDEN}; set TRAILBLAZER_SHARED")

CONFIG = """\
project:
  type: book
lang: en-GB
book:
  title: "A small book"
  subtitle: "For a test"
  author: [{name: "The authors"}]
  date: 2026-03-02
  date-format: "D MMMM YYYY"
  chapters:
CHAPTERS
bibliography: references.bib
scheme: "Lantern"
EXTRA
format:
  html: {html-math-method: mathml, toc: true, number-sections: true}
  trailblazer-typst: {toc: true, pdf-standard: [ua-1]}
"""
BIBLIOGRAPHY = "@article{harbour2019, author={Harbour, Nia}, title={Counting lamps}, journal={Invented Methods}, year={2019}}\n"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def write_book(folder: Path, chapters: Mapping[str, str], *, config: str = "", variables: str = "") -> Path:
    """Write a book of `chapters` (name -> Markdown); `index.qmd` and the references are added where absent."""
    book = folder / "book"
    sources = {"index.qmd": "# Summary {.unnumbered}\n\nWords.\n", **chapters}
    if not any("{#refs}" in text for text in sources.values()):
        sources["references.qmd"] = "# References {.unnumbered}\n\n::: {#refs}\n:::\n"
    for name, text in sources.items():
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        (book / name).write_text(text, "utf-8")
    listed = "\n".join(f"    - {name}" for name in sources if not name.startswith("_"))
    (book / "_quarto.yml").write_text(CONFIG.replace("CHAPTERS", listed).replace("EXTRA", config), "utf-8")
    (book / "_variables.yml").write_text(variables, "utf-8")
    (book / "references.bib").write_text(BIBLIOGRAPHY, "utf-8")
    (book / "pixel.png").write_bytes(PIXEL)
    shutil.copytree(EXTENSIONS, book / "_extensions")
    return book


def write_notebook(path: Path, source: str, outputs: list[dict[str, Any]]) -> Path:
    """Write an executed notebook of one cell."""
    cell = nbformat.v4.new_code_cell(source, outputs=[nbformat.from_dict(output) for output in outputs], execution_count=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def copy_golden(folder: Path) -> Path:
    """Copy the golden book, so that nothing is written beside the original; return the folder of the book."""
    shutil.copytree(GOLDEN / "fixture", folder / "fixture")
    return folder / "fixture" / "book"


def load_extractor() -> ModuleType:
    """The program that describes a rendered site or PDF, from the golden folder."""
    spec = importlib.util.spec_from_file_location("extract_manifest", GOLDEN / "extract_manifest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
