"""Bring the outputs of one cell of an executed notebook into a chapter, as Quarto's `embed` does."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Embedded", "NotebookError", "embed_cell"]

IMAGES = (("image/svg+xml", "svg"), ("image/png", "png"))  # the first that is there is taken


class NotebookError(Exception):
    """A cell that cannot be embedded: what was found, what is allowed, what to do."""

    def __init__(self, what: str, allowed: str, advice: str) -> None:
        super().__init__(what)
        self.what, self.allowed, self.advice = what, allowed, advice


@dataclass(frozen=True, slots=True)
class Embedded:
    """A cell's outputs as Markdown, and the pictures it shows by their path in the site."""

    markdown: str
    media: Mapping[str, bytes]


@functools.lru_cache(maxsize=64)
def _read(path: Path, stamp: tuple[int, int]) -> Any:
    """Read a notebook once for all its embedded cells; `stamp` (size, time) tells a changed file apart."""
    # Not by nbformat: checking a file that was just executed takes longer than rendering the report.
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["nbformat"] == 4 and all(map(_is_cell, found["cells"])):
            return found["cells"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise NotebookError(f"{path.name} is not a notebook", "an executed .ipynb file of version 4", "run it again")


def _is_cell(cell: Any) -> bool:
    """Whether a cell has the form that is read here; a damaged one has not."""
    tags = cell.get("metadata", {}).get("tags", [])
    outputs = cell.get("outputs", [])
    return (
        isinstance(tags, list)
        and isinstance(outputs, list)
        and _is_text(cell.get("source", ""))
        and all(_is_output(output) for output in outputs)
    )


def _is_output(output: Any) -> bool:
    kind = output["output_type"]
    if kind == "stream":
        return isinstance(output["name"], str) and _is_text(output["text"])
    return kind == "error" or all(isinstance(value, dict) or _is_text(value) for value in output["data"].values())


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(line, str) for line in value))


def _text(value: Any) -> str:
    """A text of a notebook, which may stand there as its lines."""
    return "".join(value) if isinstance(value, list) else str(value)


def _options(source: str) -> dict[str, Any]:
    rows = [row.strip()[2:].strip() for row in source.splitlines() if row.strip().startswith("#|")]
    try:
        options = yaml.safe_load("\n".join(rows)) if rows else {}
    except yaml.YAMLError:
        return {}
    return options if isinstance(options, dict) else {}


def _cell(path: Path, label: str) -> tuple[Any, dict[str, Any]]:
    stat = path.stat()
    for cell in _read(path, (stat.st_size, stat.st_mtime_ns)):
        if cell.get("cell_type") != "code":
            continue
        options = _options(_text(cell.get("source", "")))
        if label in (options.get("label"), cell.get("id"), *cell.get("metadata", {}).get("tags", [])):
            return cell, options
    raise NotebookError(
        f"{path.name} has no cell labelled '{label}'", "a cell that begins with `#| label: name`", "mend the label"
    )


def embed_cell(path: Path, label: str, up: str) -> Embedded:
    """Return all outputs of the cell labelled `label`.

    Parameters
    ----------
    path
        The executed notebook.
    label
        The cell's ``#| label:``, id or tag.
    up
        The steps from the chapter's folder to the site's root, such as ``"../"``.

    Raises
    ------
    NotebookError
        When the cell is absent, has not run, failed, or shows something the report cannot carry.
    """
    if path.suffix != ".ipynb" or not label:
        raise NotebookError(
            f"embed {path.name}{'#' + label if label else ''} names no cell", "notebook.ipynb#label", "add the cell's label"
        )
    if label.startswith(("fig-", "tbl-")):
        raise NotebookError(
            f"the cell label '{label}' begins with {label[:4]}",
            "a neutral label such as event-plot",
            "name the cell neutrally, and give the id to a div around the embed",
        )
    cell, options = _cell(path, label)
    if not cell.get("outputs"):
        raise NotebookError(f"the cell '{label}' of {path.name} shows nothing", "a cell with outputs", "run the notebook first")
    media: dict[str, bytes] = {}
    name = f"{path.name} cell '{label}'"
    blocks = list(
        _blocks(cell["outputs"], options, name, "media/" + re.sub(r"[^A-Za-z0-9._-]+", "-", f"{path.stem}-{label}"), up, media)
    )
    return Embedded("\n\n".join(blocks), media)


def _blocks(outputs: list[Any], options: dict[str, Any], name: str, stem: str, up: str, media: dict[str, bytes]) -> Iterator[str]:
    for output in outputs:
        if output["output_type"] == "error":
            raise NotebookError(f"{name} failed: {output.get('ename', 'error')}", "a cell that ran", "run it again")
        if output["output_type"] == "stream":
            if output["name"] == "stderr":
                raise NotebookError(f"{name} writes warnings", "printed text, figures and Markdown", "mend what the warning says")
            yield _fenced(_text(output["text"]))
            continue
        data = {kind: _text(value) for kind, value in output["data"].items() if not isinstance(value, dict)}
        picture = next(((kind, ending) for kind, ending in IMAGES if kind in data), None)
        if "text/html" in data:
            raise NotebookError(f"{name} shows HTML", "Markdown, svg or png", "display a Markdown table instead")
        if picture:
            raw = data[picture[0]]
            try:
                content = raw.encode() if picture[1] == "svg" else base64.b64decode(raw)
            except ValueError:
                raise NotebookError(f"{name} has a picture that is not whole", "an executed notebook", "run it again") from None
            file = f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}.{picture[1]}"
            media[file] = content
            yield f'![]({up}{file}){{fig-alt="{_alt(options, name)}"}}'
        elif "text/markdown" in data:
            yield data["text/markdown"].strip("\n")
        elif "text/plain" in data:
            yield _fenced(data["text/plain"])
        else:
            raise NotebookError(f"{name} shows {', '.join(sorted(data))}", "Markdown, svg, png or text", "change it")


def _fenced(text: str) -> str:
    longest = max((len(run) for run in text.split() if set(run) == {"`"}), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.rstrip()}\n{fence}"


def _alt(options: dict[str, Any], name: str) -> str:
    alt = " ".join(str(options.get("fig-alt") or "").split())
    if not alt:
        raise NotebookError(f"{name} has a figure without fig-alt", '#| fig-alt: "what the figure shows"', "add one")
    # As character references none of these can be taken for markup, by pandoc or by the lint.
    return "".join(f"&#{ord(character)};" if character in '"&<>{}$\\`@' else character for character in alt)
