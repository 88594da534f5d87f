"""Draws each picture once, and writes other slow files once: what has not changed is taken from the folder of earlier ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import ParamSpec

from evaluation.project import ROOT
from evaluation.report.drawing import Picture

P = ParamSpec("P")


class Gallery:
    """Pictures on disk by the hash of what they are made from: the records, the numbers drawn, the code and matplotlib.

    Parameters
    ----------
    folder : Path or None
        Where the pictures are kept; None draws every one anew.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._shown: set[str] = set()

    def show(self, make: Callable[P, Picture], *records: P.args, **options: P.kwargs) -> tuple[Picture, bytes]:
        """What `make` gives for the records, and its SVG file."""
        picture = make(*records, **options)
        if self._folder is None:
            return picture, picture.svg
        name = f"{_hash_picture(picture, repr((make.__qualname__, records, sorted(options.items()))))}.svg"
        return picture, self._keep(name, lambda: picture.svg)

    def keep(self, made_from: str, ending: str, make: Callable[[], bytes]) -> bytes:
        """The bytes of another file of the book, such as the spreadsheet, made once for what it is made from.

        Parameters
        ----------
        made_from : str
            Everything the file depends on besides the code.
        ending : str
            Of its name, such as ``.xlsx``.
        make : callable
            Makes it.
        """
        return self._keep(hashlib.sha256(f"{_hash_code()}\0{made_from}".encode()).hexdigest() + ending, make)

    def _keep(self, name: str, make: Callable[[], bytes]) -> bytes:
        self._shown.add(name)
        if self._folder is None:
            return make()
        kept = self._folder / name
        if kept.is_file():
            return kept.read_bytes()
        content = make()
        self._folder.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_bytes(content)
        part.replace(kept)
        return content

    def forget_others(self) -> None:
        """Remove the pictures that were not shown: their findings are gone or have changed."""
        if self._folder is not None and self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.name not in self._shown:
                    path.unlink(missing_ok=True)


@cache
def _hash_code() -> str:
    """Hash of the code that a picture can depend on."""
    package = ROOT / "evaluation"
    files = [*package.glob("report/*.py"), *package.glob("synthesis/*.py"), *package.glob("panel/periods.py")]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted(files))).hexdigest()


def _hash_picture(picture: Picture, made_from: str) -> str:
    # The text of a record leaves out the middle of long arrays; the numbers drawn are all in the picture's data.
    numbers = picture.data.select_dtypes("number")
    texts = picture.data.drop(columns=numbers.columns)
    said = repr((list(picture.data.columns), texts.to_numpy(dtype=object).tolist()))
    parts = (picture.name, picture.alt, str(picture.synthetic), made_from, said, _hash_code(), _version())
    return hashlib.sha256("\0".join(parts).encode() + numbers.to_numpy(dtype=float).tobytes()).hexdigest()


@cache
def _version() -> str:
    return version("matplotlib")
