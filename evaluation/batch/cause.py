"""What a result depends on, part by part, so that a job that must run again can say what changed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from evaluation import project
from evaluation.results import Design

PACKAGES = (
    "numpy",
    "pandas",
    "scipy",
    "pyfixest",
    "linearmodels",
    "statsmodels",
    "matplotlib",
    "papermill",
    "ipykernel",
    "pyarrow",
)
"""Packages whose versions can change what a notebook produces."""

WORDS = {
    "data": "the data",
    "protocol": "the protocol",
    "contracts": "a contract or register",
    "code": "the code",
    "environment": "Python or a package",
    "notebook": "the notebook",
    "parameters": "its parameters",
    "findings": "a finding it reads",
}
"""Part of a key to what it is called."""


def environment() -> dict[str, str]:
    """Versions of Python and of the packages a result can depend on."""
    return {"python": sys.version.split()[0]} | {name: importlib.metadata.version(name) for name in PACKAGES}


def shared_parts(design: Design, panel_sha256: str) -> dict[str, str]:
    """Hashes of what every job of a study depends on."""
    return {
        "data": panel_sha256,
        "protocol": design.sha256,
        "contracts": contracts_sha256(project.CONTRACTS),
        "code": project.code_sha256(),
        "environment": _sha256(json.dumps(environment(), sort_keys=True).encode()),
    }


def job_parts(shared: Mapping[str, str], notebook: Path, parameters: Mapping[str, str]) -> dict[str, str]:
    """Hashes of what one job depends on, without what it reads of other jobs."""
    return {
        **shared,
        "notebook": _sha256(notebook.read_bytes()),
        "parameters": _sha256(json.dumps(dict(parameters), sort_keys=True).encode()),
    }


def findings_part(keys: Mapping[str, str]) -> str:
    """Hash of the jobs, by identifier, whose results a job reads."""
    return _sha256(json.dumps(dict(keys), sort_keys=True).encode())


def key_of(parts: Mapping[str, str]) -> str:
    """Hash of everything a job depends on."""
    return _sha256(json.dumps(dict(parts), sort_keys=True).encode())


def changed_parts(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Parts that are not as they were, in the order of `WORDS`; none where the earlier parts were not recorded."""
    return tuple(name for name in WORDS if before.get(name) != now.get(name)) if before else ()


def in_words(parts: tuple[str, ...]) -> str:
    """What changed, as words."""
    named = [WORDS[name] for name in parts]
    if not named:
        return "something changed since an earlier version of the program"
    return f"{named[0] if len(named) == 1 else ', '.join(named[:-1]) + ' and ' + named[-1]} changed"


def contracts_sha256(folder: Path) -> str:
    """Hash of contracts and registers; designs are not among them, each is hashed as the protocol of its own study."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {".yml", ".yaml", ".csv"} and path.parent.name != "designs":
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
