"""Small books to render, the golden book, and the checks that a page or PDF is accessible."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from support_paths import SHARED

EXTENSIONS = Path(__file__).resolve().parents[2] / "reports" / "_extensions"
GOLDEN = SHARED / "quarto-golden"
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

RECORDS = Path(__file__).resolve().parents[2] / "build" / "accessibility"
"""What axe-core found page by page, for the release's record; the folder is not committed."""

# Rules of WCAG 2.2 that axe-core leaves off until they are asked for.
AXE_OPTIONS = {"rules": {"target-size": {"enabled": True}}}

needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"the golden book is not at {GOLDEN}; set TRAILBLAZER_SHARED")
needs_browser = pytest.mark.skipif(not Path(CHROMIUM).is_file(), reason=f"no Chromium at {CHROMIUM}")

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


def structural_faults(page: Path) -> list[str]:
    """What axe-core does not look for: one h1, captions, scopes, ids, links within the site, no script, nothing foreign."""
    import html5lib

    root = html5lib.parse(page.read_text("utf-8"), namespaceHTMLElements=False)
    faults = []
    nodes = list(root.iter())
    ids = [node.get("id") for node in nodes if node.get("id")]
    count = len(root.findall(".//h1"))
    faults += [f"{count} h1"] if count != 1 else []
    faults += [f"id {i} twice" for i in sorted(set(ids)) if ids.count(i) > 1]
    faults += ["a script"] if root.findall(".//script") else []
    faults += ["no language"] if not root.get("lang") else []
    first = root.find("body/a")
    if first is None or first.get("href", "")[1:] not in ids:
        faults.append("no skip link")
    for node in nodes:
        for key in ("aria-labelledby", "aria-describedby"):
            faults += [f"{key} names no id: {name}" for name in node.get(key, "").split() if name not in ids]
        if node.tag == "table" and node.find("caption") is None and not node.get("aria-labelledby"):
            faults.append("a table without caption")
        if node.tag == "th" and (not node.get("scope") or not "".join(node.itertext()).strip()):
            faults.append("a header cell that is empty or has no scope")
        if node.tag == "img" and not (node.get("alt") or "").strip():
            faults.append("an image without alt")
        for key in ("src", "href"):
            address = node.get(key) or ""
            if node.tag != "a" and re.match(r"(https?:)?//", address):
                faults.append(f"a request to {address}")
            elif address and not re.match(r"[a-z][a-z0-9+.-]*:", address):
                path, _, fragment = address.partition("#")
                target = (page.parent / path).resolve() if path else page
                if not target.is_file():
                    faults.append(f"a dead link to {address}")
                elif fragment and target.suffix == ".html" and f'id="{fragment}"' not in target.read_text("utf-8"):
                    faults.append(f"a link to an id that is not there: {address}")
    return faults


@contextmanager
def open_browser() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


def accessibility_faults(site: Path, browser: Any, width: int, *, record: str = "") -> list[str]:
    """Every axe-core violation, sideways overflow and foreign request on the pages of `site`, with every folded part opened.

    With `record`, a name, what was found on each page is written to ``build/accessibility/<record>-<width>.csv`` as well.
    """
    from axe_playwright_python.sync_playwright import Axe

    axe, faults, rows = Axe(), [], ["page,width,parts opened,rules passed,violations"]
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.on("request", lambda request: is_own(request.url) or faults.append(f"a request to {request.url}"))
    for path in sorted(site.resolve().rglob("*.html")):
        name = path.relative_to(site.resolve()).as_posix()
        tab.goto(path.as_uri())
        opened = tab.evaluate("[...document.querySelectorAll('details')].map(box => box.open = true).length")
        if tab.evaluate("document.querySelectorAll('details:not([open])').length"):
            faults.append(f"{name} at {width}: a folded part does not open")
        found = axe.run(tab, options=AXE_OPTIONS).response
        for violation in found["violations"]:
            targets = [node["target"] for node in violation["nodes"]]
            faults.append(f"{name} at {width}: {violation['id']} {targets}")
        if tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            faults.append(f"{name} at {width}: wider than the screen")
        rows.append(f"{name},{width},{opened},{len(found['passes'])},{len(found['violations'])}")
    tab.close()
    if record:
        RECORDS.mkdir(parents=True, exist_ok=True)
        (RECORDS / f"{record}-{width}.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return faults


def is_own(url: str) -> bool:
    """Whether an address is of this machine: a file, or this very host."""
    return url.startswith(("file:", "data:")) or re.match(r"https?://(localhost|127\.0\.0\.1)(:\d+)?/", url) is not None


def pdf_faults(path: Path) -> list[str]:
    """What keeps a PDF from being PDF/UA-1, as far as its structure shows."""
    import pikepdf

    faults = []
    with pikepdf.open(path) as pdf:
        root = pdf.Root
        with pdf.open_metadata() as metadata:
            if metadata.get("pdfuaid:part") != "1":
                faults.append("not marked as PDF/UA-1")
            if not metadata.get("dc:title"):
                faults.append("no title")
        if not root.get("/MarkInfo", {}).get("/Marked", False) or "/StructTreeRoot" not in root:
            faults.append("not tagged")
        if not str(root.get("/Lang", "")):
            faults.append("no language")
        if not root.get("/ViewerPreferences", {}).get("/DisplayDocTitle", False):
            faults.append("the title is not shown")
        with pdf.open_outline() as outline:
            if not outline.root:
                faults.append("no outline")
        faults += [
            f"a {element['/S']} without alternative text"
            for element in pdf.objects
            if isinstance(element, pikepdf.Dictionary)
            and element.get("/S") in ("/Figure", "/Formula")
            and not str(element.get("/Alt", "")).strip()
        ]
    return faults
