"""A run as one file others can read: an RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) in a zip.

Its bytes depend on the run alone: no clock, no order of the file system.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from evaluation.batch.edition import edition_of
from evaluation.batch.ledger import read_records
from evaluation.batch.stages import RunManifest, open_run, read_manifest
from evaluation.errors import ConfigurationError
from evaluation.results import InputFile

METADATA = "ro-crate-metadata.json"
KEPT = (
    "manifest.json", "panel.parquet", "panel.json", "protocol*.yml", "treated*.json", "protocol.sha256", "deviations.json",
    "SYNTHETIC_*.csv", "findings/**/*.json", "power/**/*.json", "stress/**/*.json", "spillover/**/*.json", "pool/**/*.json",
    "conclusions/**/*.json", "jobs/*.json", "notebooks/**/*.ipynb", "report/**/*",
)  # fmt: skip
"""Files of a run folder that go into the crate; what can be made from them again (the book, caches) does not."""
DESCRIBED = {
    "manifest.json": "What the run was made from: hashes of design, data, lock and notebooks, versions, seed",
    "panel.parquet": "The panel: every outcome of every area",
    "panel.json": "Inputs of the panel, with hashes and vintages",
    "protocol.yml": "The analysis protocol as it was locked before results were there",
    "treated.json": "Who is treated from when, as the registers said when the protocol was locked",
    "protocol.sha256": "Hashes of the locked protocol and its treated places",
    "deviations.json": "How the protocol changed after it was locked",
}
TYPES = {".ipynb": "application/x-ipynb+json", ".parquet": "application/vnd.apache.parquet", ".yml": "application/yaml"}
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can carry: when a file was written is no part of a result."""


def export_run(run: Path, out: Path) -> int:
    """Write a run as an RO-Crate; returns how many files are in it.

    Raises
    ------
    ConfigurationError
        If there is no run, or it is not published.
    """
    manifest = read_manifest(run)
    names = sorted({path.relative_to(run).as_posix() for pattern in KEPT for path in run.glob(pattern) if path.is_file()})
    contents = {name: (run / name).read_bytes() for name in names}
    metadata = json.dumps(describe_crate(run, manifest, contents), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name, content in {METADATA: metadata.encode(), **contents}.items():
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return len(contents) + 1


def describe_crate(run: Path, manifest: RunManifest, contents: dict[str, bytes]) -> dict[str, Any]:
    """The metadata document of the crate, as JSON-LD."""
    design = open_run(run).design
    edition = edition_of(run)
    if edition is None:
        raise ConfigurationError(
            f"{run}: a crate needs the date of a publication, and nothing is published yet; say: trailblazer report --run {run}"
        )
    results = [
        name for name in contents if name.split("/")[0] in ("findings", "power", "stress", "spillover", "pool", "conclusions")
    ]
    mark = "SYNTHETIC DATA: every number is invented. " if manifest.synthetic else ""
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{'SYNTHETIC: ' if manifest.synthetic else ''}{design.title}",
        "description": f"{mark}{design.question}",
        "identifier": f"{manifest.design}+{manifest.design_sha256[:12]}+{manifest.panel_sha256[:12]}",
        "license": {"@id": "#licence"},
        "hasPart": [{"@id": quote(name)} for name in contents],
        "mentions": [{"@id": "#run"}],
        "datePublished": edition[0].isoformat(),
    }
    graph: list[dict[str, Any]] = [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        root,
        {
            "@id": "#licence",
            "@type": "CreativeWork",
            "name": "Invented data, free to use" if manifest.synthetic else "As the sources of the data say",
            "description": "Synthetic data made by this program."
            if manifest.synthetic
            else "Each data file keeps the licence of its publisher: " + ", ".join(sorted({i.source for i in manifest.inputs})),
        },
        *(_describe_file(name, content) for name, content in contents.items()),
        *(_describe_input(item) for item in manifest.inputs),
        *_describe_software(manifest),
        {
            "@id": "#run",
            "@type": "CreateAction",
            "name": f"Evaluation of {design.title}",
            "instrument": [{"@id": "#program"}],
            "object": [{"@id": name} for name in ("panel.parquet", "protocol.yml", *map(_input_id, manifest.inputs))],
            "result": [{"@id": quote(name)} for name in results],
            "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"}
            if all(record.state == "done" for record in read_records(run))
            else {"@id": "http://schema.org/FailedActionStatus"},
        },
    ]
    return {"@context": ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://schema.org/sha256"}], "@graph": graph}


def _input_id(item: InputFile) -> str:
    return f"#input-{quote(item.name)}"


def _describe_file(name: str, content: bytes) -> dict[str, Any]:
    suffix = Path(name).suffix
    return {
        "@id": quote(name),
        "@type": "File",
        "name": DESCRIBED.get(name, name),
        "encodingFormat": TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream"),
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _describe_input(item: InputFile) -> dict[str, Any]:
    return {
        "@id": _input_id(item),
        "@type": "CreativeWork",
        "name": item.name,
        "sha256": item.sha256,
        "version": item.vintage,
        "description": f"Data file of source {item.source}, contract version {item.contract_version}, {item.rows} rows"
        + (", SYNTHETIC" if item.synthetic else ""),
    }


def _describe_software(manifest: RunManifest) -> Iterator[dict[str, Any]]:
    yield {
        "@id": "#program",
        "@type": "SoftwareApplication",
        "name": "trailblazer evaluation",
        "version": manifest.code_version,
        "softwareRequirements": [{"@id": f"#package-{name}"} for name in sorted(manifest.environment)],
    }
    for name, version in sorted(manifest.environment.items()):
        yield {"@id": f"#package-{name}", "@type": "SoftwareApplication", "name": name, "version": version}
