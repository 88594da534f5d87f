"""Pages as they were converted last time: what has not changed is not converted again.

A page depends on its own text, on the settings of the book, and on what other pages can be referred to by: their numbers, titles
and ids, here called their outline. While all of these are the same, so is the page. A page that cites works depends on all that
are cited, and so the whole book is converted again when one of these changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evaluation.project import write_whole

__all__ = ["convert_changed"]

LUA = Path(__file__).parent / "lua"
Answer = dict[str, Any]


def convert_changed(request: Mapping[str, Any], convert: Callable[[Mapping[str, Any]], Answer], store: Path, tool: str) -> Answer:
    """What `convert` answers for the whole request, of which only changed pages are converted where that is enough.

    Parameters
    ----------
    request : mapping
        As `convert` takes it, with its ``pages``.
    convert : callable
        Converts a request. Pages with ``known`` are not converted; what is known of them stands in for their text.
    store : Path
        File in which the pages of the last time are kept; written anew.
    tool : str
        Name and version of what converts.
    """
    settings = _hash_settings(request, tool)
    kept = _read(store, settings, request)
    pages = request["pages"]
    unchanged = {page["file"] for page in pages if page["file"] in kept and kept[page["file"]]["sha256"] == _hash(page)}
    answer = _convert_some(request, convert, kept, unchanged) if unchanged else None
    if answer is None:
        answer, unchanged = convert(request), set()
    if answer["findings"] or answer["warnings"]:
        return answer
    _merge(answer, request, kept, unchanged)
    record = {"settings": settings, "pages": {page["file"]: _record(answer, page) for page in pages}}
    write_whole(store, json.dumps(record, ensure_ascii=False))
    return answer


def _convert_some(
    request: Mapping[str, Any], convert: Callable[[Mapping[str, Any]], Answer], kept: Mapping[str, Any], unchanged: set[str]
) -> Answer | None:
    """The answer for the changed pages, or None where other pages would change with them."""
    pages = [
        {**page, "text": "", "explicit": {}, "known": {**kept[page["file"]]["outlines"], "text": kept[page["file"]].get("typst")}}
        if page["file"] in unchanged
        else page
        for page in request["pages"]
    ]
    changed = [page["file"] for page in pages if page["file"] not in unchanged]
    if any(outline["cites"] for file in changed for outline in kept[file]["outlines"].values()):
        return None
    answer = convert({**request, "pages": pages})
    if answer["findings"] or answer["cites"] or answer["warnings"]:
        return None
    for target, rows in answer["outlines"].items():
        if any(row["outline"] != kept[row["file"]]["outlines"][target] for row in rows):
            return None
    return answer


def _merge(answer: Answer, request: Mapping[str, Any], kept: Mapping[str, Any], unchanged: set[str]) -> None:
    """Add to an answer, in the order of the pages, what is known of those that were not converted."""
    files = [page["file"] for page in request["pages"]]
    for target in request["targets"]:
        outlines = {row["file"]: row for row in answer["outlines"][target]}
        outlines |= {file: {"file": file, "outline": kept[file]["outlines"][target]} for file in unchanged}
        answer["outlines"][target] = [outlines[file] for file in files]
    if "html" in answer:
        rows = {row["file"]: row for row in answer["html"]} | {file: kept[file]["html"] for file in unchanged}
        answer["html"] = [rows[file] for file in files]
    if "typst" in answer:
        texts = {row["file"]: row for row in answer["typst"]["pages"]} | {file: kept[file]["typst"] for file in unchanged}
        answer["typst"]["pages"] = [texts[file] for file in files]


def _record(answer: Answer, page: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of one page."""

    def find(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return next(row for row in rows if row["file"] == page["file"])

    record = {
        "sha256": _hash(page),
        "outlines": {target: find(rows)["outline"] for target, rows in answer["outlines"].items()},
    }
    if "html" in answer:
        record["html"] = find(answer["html"])
    if "typst" in answer:
        record["typst"] = find(answer["typst"]["pages"])
    return record


def _hash(page: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(page, sort_keys=True).encode()).hexdigest()


def _hash_settings(request: Mapping[str, Any], tool: str) -> str:
    """Hash of everything but the texts of the pages: settings, bibliography, template, the list of pages, and the converter."""
    listed = [{key: value for key, value in page.items() if key not in ("text", "explicit")} for page in request["pages"]]
    digest = hashlib.sha256(json.dumps({**request, "pages": listed, "tool": tool}, sort_keys=True, default=str).encode())
    for path in sorted(LUA.glob("*.lua")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(store: Path, settings: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Pages of the last time by file; none where the settings were others or the file cannot be read."""
    try:
        record = json.loads(store.read_text("utf-8"))
        pages: dict[str, Any] = record["pages"]
        if record["settings"] == settings and set(pages) == {page["file"] for page in request["pages"]}:
            return pages
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {}
