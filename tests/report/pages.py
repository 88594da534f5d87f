"""What keeps a reader from using a published page or PDF: axe-core in a browser at three widths, and our own checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

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
WIDTHS = (1280, 768, 320)
"""CSS pixels: a desk, a tablet, and a page enlarged four times."""

RECORDS = Path(__file__).resolve().parents[2] / "build" / "accessibility"
"""What axe-core found page by page, for the release's record; the folder is not committed."""

# Target size is a rule of WCAG 2.2 that axe-core leaves off until it is asked for. Nodes are wanted only of what is not passed.
AXE_OPTIONS = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations", "incomplete"]}
AXE_MUST_RUN = {"target-size", "color-contrast", "document-title", "html-has-lang", "link-name", "landmark-one-main"}
"""Rules that apply to every page of ours, so that one of them missing means that axe-core did not look."""

needs_browser = pytest.mark.skipif(not Path(CHROMIUM).is_file(), reason=f"no Chromium at {CHROMIUM}")

OPEN_ALL = "[...document.querySelectorAll('details')].map(box => box.open = true).length"
# What a browser knows and axe-core does not ask: each entry is a sentence about the page as it stands, everything opened.
LOOK = """() => {
  const faults = [], page = document.documentElement, wide = page.clientWidth;
  const name = node => `${node.tagName.toLowerCase()}${node.id ? '#' + node.id : ''}.${node.className || ''}`;
  if (document.querySelectorAll('details:not([open])').length) faults.push('a folded part does not open');
  if (page.scrollWidth > wide) faults.push(`wider than the screen by ${page.scrollWidth - wide}`);
  for (const node of [page, document.body])
    if (/hidden|clip/.test(getComputedStyle(node).overflowX)) faults.push(`${name(node)} hides what is too wide`);
  const scrolls = node => /auto|scroll/.test(getComputedStyle(node).overflowX);
  for (const node of document.querySelectorAll('body *')) {
    if (!scrolls(node) || node.scrollWidth <= node.clientWidth + 1) continue;
    if (node.tabIndex < 0) faults.push(`${name(node)} scrolls sideways but not from the keyboard`);
    const labels = (node.getAttribute('aria-labelledby') || '').split(/\\s+/).map(id => document.getElementById(id));
    const said = node.getAttribute('aria-label') || labels.map(label => label ? label.textContent : '').join('');
    if (!node.getAttribute('role') || !said.trim()) faults.push(`${name(node)} scrolls sideways and has no role or no name`);
    node.focus();
    if (document.activeElement !== node) faults.push(`${name(node)} scrolls sideways and takes no focus`);
    const before = node.scrollLeft;
    node.scrollLeft = 1e6;
    if (node.scrollLeft === before) faults.push(`${name(node)} does not scroll to its end`);
    node.scrollLeft = before;
  }
  for (const node of document.querySelectorAll('main table, main img, main pre, main math')) {
    const box = node.getBoundingClientRect();
    if (!box.width) continue;
    let around = node.parentElement;
    while (around && !scrolls(around)) around = around.parentElement;
    if (box.right > wide + 1 && !around) faults.push(`${name(node)} is cut at the side`);
  }
  return faults;
}"""
# Text that lies below a fold, under what sticks to the screen, or on the shadows that say "there is more" is not judged by
# axe-core. With everything laid out on a plain ground it is: the shadows are at the very sides, and no words stand on them.
BARE = """
.table-scroll, .figure-scroll, .equation, .sidebar, .toc, .content, .wrap {
  background: none !important; max-width: none !important; max-height: none !important;
  overflow: visible !important; position: static !important
}
.columns, main { display: block !important }"""
CONTRAST = {"runOnly": ["color-contrast"], "resultTypes": ["violations", "incomplete"]}
NO_WORD = {"shortTextContent", "nonBmp"}
"""One letter, figure or sign, such as a chapter's number: axe-core leaves it to the reader. Ours have the colours of words."""
# A reader may set lines, words and letters wider apart (WCAG 1.4.12); nothing may then be lost.
SPACED = "* {line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important}"


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


def site_faults(site: Path) -> dict[str, list[str]]:
    """`structural_faults` of every page of `site` that has any, by name."""
    found = {path.relative_to(site).as_posix(): structural_faults(path) for path in sorted(site.rglob("*.html"))}
    return {name: faults for name, faults in found.items() if faults}


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


def accessibility_faults(site: Path, browser: Any, widths: Sequence[int] = WIDTHS, *, record: str = "") -> list[str]:
    """Every axe-core violation, sideways overflow and foreign request on the pages of `site`, with every folded part opened.

    With `record`, a name, what was found is written to ``build/accessibility/<record>.csv`` as well, a row a page and width.
    """
    faults, rows = [], ["page,width,parts opened,rules passed,violations,other faults"]
    tab = browser.new_page()
    tab.on("request", lambda request: is_own(request.url) or faults.append(f"a request to {request.url}"))
    pages = sorted(site.resolve().rglob("*.html"))
    assert pages, f"no page in {site}"
    for path in pages:
        name = path.relative_to(site.resolve()).as_posix()
        tab.goto(path.as_uri())
        opened = tab.evaluate(OPEN_ALL)
        tab.evaluate(_axe_script())
        for width in widths:
            tab.set_viewport_size({"width": width, "height": 900})
            passed, told = _ask_axe(tab)
            other = tab.evaluate(LOOK)
            faults += [f"{name} at {width}: {fault}" for fault in (*told, *other)]
            rows.append(f"{name},{width},{opened},{passed},{len(told)},{len(other)}")
        tab.add_style_tag(content=SPACED)
        faults += [f"{name} at {width} with wider spacing: {fault}" for fault in tab.evaluate(LOOK)]
        faults += [f"{name}: {fault}" for fault in _undecided_contrast(tab)]
    tab.close()
    if record:
        RECORDS.mkdir(parents=True, exist_ok=True)
        (RECORDS / f"{record}.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return faults


def _axe_script() -> str:
    from axe_playwright_python.sync_playwright import Axe

    return Axe().axe_script


def _ask_axe(tab: Any) -> tuple[int, list[str]]:
    """How many rules a page passes, and what it violates."""
    found = tab.evaluate("options => axe.run(document, options)", AXE_OPTIONS)
    told = [f"{item['id']} {[node['target'] for node in item['nodes']]}" for item in found["violations"]]
    tried = {item["id"] for kind in ("passes", "violations", "incomplete") for item in found[kind]}
    return len(found["passes"]), [*told, *(f"axe-core did not try {rule}" for rule in sorted(AXE_MUST_RUN - tried))]


def _undecided_contrast(tab: Any) -> list[str]:
    """Contrast that fails or that axe-core cannot judge, with the page laid out bare."""
    tab.set_viewport_size({"width": max(WIDTHS), "height": 900})
    tab.add_style_tag(content=BARE)
    found = tab.evaluate("options => axe.run(document, options)", CONTRAST)
    return [
        f"color-contrast {kind}: {node['target']} {node['any'][0]['message']}"
        for kind in ("violations", "incomplete")
        for item in found[kind]
        for node in item["nodes"]
        if kind == "violations" or (node["any"][0].get("data") or {}).get("messageKey") not in NO_WORD
    ]


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
