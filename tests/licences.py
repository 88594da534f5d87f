"""Licences of everything a run installs: reads them, writes docs/licences.md, and names those that are not allowed.

Run by ``make audit``; `tests/unit/test_licences.py` holds the same table against the environment it runs in.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK, TABLE = ROOT / "requirements" / "run.txt", ROOT / "docs" / "licences.md"

ALLOWED = {
    "0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "NCSA",
    "PSF-2.0", "Zlib",
}  # fmt: skip
"""SPDX identifiers a dependency may have; ``BSD`` where its metadata do not say which. All of them permit use and redistribution
in a program under the MIT licence; MPL-2.0 asks that changes to its own files be published."""

CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
WORDS = {
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
}
INSIDE = {
    "pypandoc-binary": (
        "its wheel holds the program pandoc, which is under GPL-2.0-or-later. It is run as a program of its own and is no part"
        " of this one; who passes the wheel on passes pandoc on, under pandoc's licence."
    ),
}
"""What a package's own licence does not say."""
_TERM = re.compile(r"\s+(?:AND|OR)\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One locked package."""

    name: str
    version: str
    licence: str
    """SPDX expression; empty where it is not installed here."""


def read_lock(text: str) -> list[tuple[str, str]]:
    """Names and versions of a lock file, in its order."""
    return re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^ ;\\]+)", text, re.MULTILINE)


def licence_of(facts: Mapping[str, object], classifiers: Iterable[str]) -> str:
    """The licence a package states: its expression, else its classifiers, else its own words if they are short.

    Parameters
    ----------
    facts : mapping
        ``License-Expression`` and ``License`` of its metadata.
    classifiers : iterable of str
        All of its classifiers.
    """
    if facts.get("License-Expression"):
        return str(facts["License-Expression"])
    named = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License :: ") and c != "License :: OSI Approved"]
    words = str(facts.get("License") or "").strip().splitlines()[:1]
    stated = WORDS.get(words[0], words[0]) if words else ""
    if named and not (named == ["BSD License"] and stated in ALLOWED):
        return " AND ".join(CLASSIFIERS.get(name, name) for name in named)
    return stated or "not stated"


def is_allowed(expression: str) -> bool:
    """Whether every licence of one of the alternatives of an expression is allowed; brackets are for a person to look at."""
    return "(" not in expression and any(
        all(term in ALLOWED for term in _TERM.split(choice)) for choice in expression.split(" OR ")
    )


def list_packages(lock: str) -> list[Package]:
    """The packages of a lock with the licences of those that are installed here."""
    found = []
    for name, version in read_lock(lock):
        try:
            facts = metadata(name)
        except PackageNotFoundError:
            found.append(Package(name=name, version=version, licence=""))
            continue
        if facts["Version"] != version:  # locked twice, for different versions of Python
            found.append(Package(name=name, version=version, licence=""))
            continue
        given = {key: facts.get(key) for key in ("License-Expression", "License")}
        found.append(Package(name=name, version=version, licence=licence_of(given, facts.get_all("Classifier") or [])))
    return found


def write_table(packages: Iterable[Package]) -> str:
    """The document, as Markdown."""
    packages = sorted(set(packages), key=lambda package: (package.name, package.version))
    here, elsewhere = [p for p in packages if p.licence], [p for p in packages if not p.licence]
    counts: dict[str, int] = {}
    for package in here:
        counts[package.licence] = counts.get(package.licence, 0) + 1
    lines = [
        "# Licences of what a run installs",
        "",
        "Written by `make audit` from the metadata of the packages of `requirements/run.txt` that are installed (Python 3.11,"
        " Linux). "
        "A test holds it to be up to date, and every licence to be one of these: " + ", ".join(sorted(ALLOWED)) + ".",
        "",
        "| Licence | Packages |",
        "| :-- | --: |",
        *(f"| {licence} | {count} |" for licence, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        "",
        "What the packages' own licences do not say:",
        "",
        *(f"- `{name}`: {text}" for name, text in INSIDE.items()),
        "",
        "| Package | Version | Licence |",
        "| :-- | :-- | :-- |",
        *(f"| {p.name} | {p.version} | {p.licence} |" for p in here),
        "",
        "Locked for other systems or versions of Python, and not looked at here: "
        + (", ".join(f"{p.name} {p.version}" for p in elsewhere) or "none")
        + ".",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the document; 1 where a licence is not allowed."""
    packages = list_packages(LOCK.read_text("utf-8"))
    TABLE.write_text(write_table(packages), "utf-8")
    wrong = [p for p in packages if p.licence and not is_allowed(p.licence)]
    for package in wrong:
        print(
            f"{package.name} {package.version}: its licence is {package.licence}; look at it, then allow it here or leave it out"
        )
    print(f"licences: {sum(bool(p.licence) for p in packages)} packages in {TABLE.relative_to(ROOT)}, {len(wrong)} not allowed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
