"""Ways to spoil a good file: bytes, cells of tables, values of documents, parts of workbooks."""

from __future__ import annotations

import copy
import csv
import io
import json
import string
import zipfile
from typing import Any

from hypothesis import strategies as st

TOKENS = (
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b",", b";", b"\t", b"\r", b"\n", b"\r\n", b"\xc3", b"\xf0\x9f\x98\x80"),
    *(b"NaN", b"1e400", b"-", b"--", b"..", b"9" * 40, b"9" * 5000, b"=1+1", b"<html>", b"<<<<<<< HEAD\n", b"../../x", b"%s{0}"),
    *(
        b"[" * 300,
        b"{" * 300,
        b"!!x ",
        b"&a ",
        b"*a",
        b"? ",
        b": ",
        b"- ",
        b"#",
        b"null",
        b"true",
        b"|\n",
        b">\n",
        b"---\n",
        b"\x1f\x8b",
    ),
)
NUMBERS = [
    "",
    " ",
    "NA",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1",
    "0",
    "1,234",
    "21%",
    "..",
    "*",
    "x",
    "9" * 40,
    "-0.0",
    "0x1",
    "1_000",
    "٣",
]
CODES = ["E06000001", "e06000001 ", "E99999999", "W06000001 / x", "S12000033", "E92000001"]
PERIODS = ["2024", "2024-13", "0000-00", "9999-12", "2024-03-01", "Q1 2024", "0000-01-01/P1Y", "2024-01-01T00:00:00/P0M"]
PERIODS += ["9999-12-01/P99Y", "March 0000", "Smarch 2024", "Apr 2025-Mar 2024", "2024-12 (r)"]
WORDS = ["a\nb", 'a"b', "a,b", "\u202e", "é" * 300, "../../x", "=1+1", "<b>"]
CELLS = st.sampled_from(NUMBERS + CODES + PERIODS + WORDS) | st.text(max_size=8)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from([10**17, 10**30, -1, 0, 1e300, -0.5, 0.05])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(string.ascii_letters + string.digits + " -_:/.{}[]()*+?\\^$", max_size=10)
    | CELLS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=6), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def bytes_of(draw: st.DrawFn, good: bytes) -> bytes:
    """The file with one to five places cut, doubled, swapped or overwritten."""
    raw = good
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(raw)))
        length = draw(st.integers(0, 40) | st.integers(0, len(raw)))
        kind = draw(st.sampled_from(["cut", "end", "insert", "overwrite", "double", "random"]))
        if kind == "cut":
            raw = raw[:at] + raw[at + length :]
        elif kind == "end":
            raw = raw[:at]
        elif kind == "double":
            raw = raw[: at + length] + raw[at:]
        else:
            new = draw(st.binary(max_size=12)) if kind == "random" else draw(st.sampled_from(TOKENS))
            raw = raw[:at] + new + raw[at + (len(new) if kind == "overwrite" else 0) :]
    return raw[:200_000]


@st.composite
def table_of(draw: st.DrawFn, good: bytes, separator: str = ",") -> bytes:
    """The CSV file with cells, rows and columns changed, and quoted as it must be."""
    rows = list(csv.reader(io.StringIO(good.decode("utf-8-sig"), newline=""), delimiter=separator))
    for _ in range(draw(st.integers(1, 6))):
        if not rows or not rows[0]:
            break
        n = draw(st.integers(0, len(rows) - 1))
        kind = draw(st.sampled_from(["cell", "cell", "cell", "head", "column", "drop", "again", "column-away", "swap", "short"]))
        if kind in ("cell", "head"):
            row = rows[0 if kind == "head" else n]
            if row:
                row[draw(st.integers(0, len(row) - 1))] = draw(CELLS)
        elif kind == "column":
            value, at = draw(CELLS), draw(st.integers(0, len(rows[0]) - 1))
            for row in rows[1:]:
                row[at : at + 1] = [value]
        elif kind == "drop":
            del rows[n]
        elif kind == "again":
            rows.insert(n, list(rows[n]))
        elif kind == "column-away":
            at = draw(st.integers(0, len(rows[0]) - 1))
            for row in rows:
                del row[at : at + 1]
        elif kind == "swap":
            m = draw(st.integers(0, len(rows) - 1))
            rows[n], rows[m] = rows[m], rows[n]
        else:
            del rows[n][draw(st.integers(0, len(rows[n]))) :]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", delimiter=separator).writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path of a document but the top; of a long list the first items only."""
    inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value))[:30] if isinstance(value, list) else []
    found = []
    for key, item in inner:
        found += [(*path, key), *places(item, (*path, key))]
    return found


@st.composite
def document_of(draw: st.DrawFn, good: Any, paths: list[tuple[Any, ...]]) -> Any:
    """The document with one to three values replaced, removed, renamed or doubled."""
    changed = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths))
        target = changed
        try:
            for key in path[:-1]:
                target = target[key]
            target[path[-1]]
        except (LookupError, TypeError):
            continue  # gone with what was replaced before
        if not isinstance(target, (dict, list)):
            continue  # a text by now
        kind = draw(st.sampled_from(["replace", "replace", "remove", "rename", "wrap", "double"]))
        if kind == "replace":
            target[path[-1]] = draw(VALUES)
        elif kind == "remove":
            del target[path[-1]]
        elif kind == "rename" and isinstance(target, dict):
            target[draw(st.text(string.ascii_letters, max_size=6))] = target.pop(path[-1])
        elif kind == "wrap":
            target[path[-1]] = draw(st.sampled_from([[target[path[-1]]], {"a": target[path[-1]]}]))
        elif isinstance(target, list):
            target.append(copy.deepcopy(target[path[-1]]))
    return changed


@st.composite
def json_of(draw: st.DrawFn, good: Any, paths: list[tuple[Any, ...]]) -> bytes:
    """The document as JSON, its text spoilt in one case of four."""
    raw = json.dumps(draw(document_of(good, paths))).encode()
    return draw(bytes_of(raw)) if draw(st.integers(0, 3)) == 0 else raw


@st.composite
def archive_of(draw: st.DrawFn, good: bytes) -> bytes:
    """The workbook with the bytes of one of its parts spoilt, or left out, and packed again."""
    with zipfile.ZipFile(io.BytesIO(good)) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    name = draw(st.sampled_from(sorted(content)))
    if draw(st.integers(0, 5)) == 0:
        del content[name]
    else:
        content[name] = draw(bytes_of(content[name]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        for part, raw in content.items():
            parts.writestr(part, raw)
    return out.getvalue()
