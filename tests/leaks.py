"""Look for a text in everything a run leaves: plain files, and what is packed in zips, gzip, spreadsheets, PDFs and Parquet."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet


def find_leaks(folder: Path, secret: str) -> list[str]:
    """Names of the files below a folder (or a file itself) that hold a secret, also inside archives, and also in base64."""
    forms = {secret.encode(), base64.b64encode(secret.encode()).rstrip(b"="), secret.encode("utf-16-le"), secret[::-1].encode()}
    paths = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.is_file())
    return sorted(
        {name for path in paths for name, content in unpack(path.name, path.read_bytes()) if any(f in content for f in forms)}
    )


def unpack(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file and everything packed in it."""
    yield name, content
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            for part in parts.namelist():
                yield from unpack(f"{name}!{part}", parts.read(part))
    elif content[:2] == b"\x1f\x8b":
        yield from unpack(f"{name}!", gzip.decompress(content))
    elif content[:4] == b"%PDF":
        import pikepdf

        with pikepdf.open(io.BytesIO(content)) as pdf:
            for number, item in enumerate(pdf.objects):
                if isinstance(item, pikepdf.Stream):
                    try:
                        data = item.read_bytes()
                    except pikepdf.PdfError:  # a picture's own packing
                        data = item.read_raw_bytes()
                    yield f"{name}!{number}", data
    elif content[:4] == b"PAR1":
        table = pa.parquet.read_table(pa.BufferReader(content))
        yield f"{name}!cells", table.to_pandas().to_csv(index=False).encode()
        yield f"{name}!metadata", repr(table.schema.metadata).encode()
