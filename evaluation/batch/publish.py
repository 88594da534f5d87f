"""Publish a run: its findings become a book, and the book HTML and PDF. Nothing is rendered again when nothing changed."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation import project
from evaluation.batch.changes import compare_runs
from evaluation.batch.edition import edition_date, read_engine
from evaluation.batch.ledger import read_records
from evaluation.batch.lock import DEVIATIONS, find_lock, load_deviations
from evaluation.batch.stages import (
    PLANTED,
    load_conclusions,
    load_findings,
    load_pools,
    load_power,
    load_spillover,
    load_stress,
    read_manifest,
)
from evaluation.contracts.load import load_contracts
from evaluation.design.protocol import load_design
from evaluation.errors import ConfigurationError
from evaluation.panel.freshness import list_late
from evaluation.panel.store import read_panel
from evaluation.project import write_whole
from evaluation.results import Design

if TYPE_CHECKING:
    from evaluation.report.engine import Engine

FACTS = "release.yml"
"""What a release states about itself, in the folder of the report's sources."""
PAGES_KEPT = "pages-cache.json"
"""File of a run folder that keeps converted pages for the next report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where the report of a run lies."""

    html: Path
    pdf: Path
    how: str
    """Engine, pages and figures, or that nothing changed."""


@contextmanager
def _collect_seldom() -> Iterator[None]:
    """Look for unreachable cycles seldom: each look goes through all findings, which stay in use to the end."""
    before = gc.get_threshold()
    gc.set_threshold(20_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@_collect_seldom()
def publish(
    run: Path,
    *,
    engine: Engine = "auto",
    day: date | None = None,
    final: bool = False,
    facts: Path | None = None,
    since: Path | None = None,
) -> Published:
    """Assemble and render the report of a run.

    Parameters
    ----------
    run : Path
        Run folder.
    engine : {"auto", "quarto", "embedded"}
        Who renders.
    day : date, optional
        Of the edition; today, or SOURCE_DATE_EPOCH, where none is given. A final release has its stated publication date.
    final : bool
        Whether it is a final release, which is refused while something it needs is missing.
    facts : Path, optional
        File of what the release states about itself; ``reports/release.yml`` where none is given.
    since : Path, optional
        Run folder of the release before, to say what changed.

    Raises
    ------
    ConfigurationError
        If there is no run, its design has changed since, or the two runs cannot be compared.
    ReportError
        If a final release lacks something; everything missing is named.
    DisclosureError
        If the report would disclose what a source protects; the report that lies there stays as it is.
    """
    from evaluation.estimators import REGISTRY
    from evaluation.report.book import write_book
    from evaluation.report.engine import choose_engine, render
    from evaluation.report.gate import read_cells, write_cells
    from evaluation.report.release import check_edition, make_edition
    from evaluation.report.release_facts import read_facts

    manifest = read_manifest(run)
    # The run was made with contracts that had been held against the standard.
    contracts = load_contracts(standard=False)
    design = load_design(contracts, manifest.design)
    if design.sha256 != manifest.design_sha256:
        raise ConfigurationError(
            f"{run}: the protocol of {design.id} is {design.sha256[:12]} now and was {manifest.design_sha256[:12]} when it ran; "
            "run it again."
        )
    chosen = choose_engine(engine)
    facts = facts or project.REPORTS / FACTS
    edition = make_edition(read_facts(facts), day=day or edition_date(), final=final, protocol_lock=find_lock(run))
    failures = [(record.id, record.error) for record in read_records(run) if record.state == "failed"]
    late = list_late(read_panel(run / "panel.parquet"), contracts, edition.date) if final else ()
    check_edition(edition, synthetic=manifest.synthetic, failures=len(failures), late=late, facts=str(facts))
    key = _key(run, since, f"{chosen}\0{edition}")
    out, stamp = run / "report", run / "report.key"
    build = out / "report-build.json"
    if build.exists() and stamp.exists() and stamp.read_text("utf-8").split()[:1] == [key]:
        return _published(out, "unchanged")
    findings = load_findings(run, design.id)
    conclusions = load_conclusions(run)
    stamp.unlink(missing_ok=True)
    book = write_book(
        run / "book",
        design=design,
        contracts=contracts,
        panel=read_panel(run / "panel.parquet"),
        findings=findings,
        conclusions=conclusions,
        cards=[REGISTRY[name]().card for name in _methods(design)],
        failures=failures,
        notebooks=run / "notebooks",
        power=load_power(run),
        stress=load_stress(run),
        spillovers=load_spillover(run),
        pools=load_pools(run),
        deviations=load_deviations(run),
        since=None if since is None else compare_runs(since, run),
        counts_before=() if since is None else read_cells(since),
        edition_before="" if since is None else str(since),
        edition=edition,
        planted=run / PLANTED if (run / PLANTED).exists() else None,
    )
    render(run / "book", out, engine=engine, store=run / PAGES_KEPT)
    write_cells(run, book.counts)
    options = [*(["final"] if final else []), *(["since"] if since is not None else [])]
    write_whole(stamp, f"{' '.join([key, edition.date.isoformat(), *options])}\n")
    return _published(out, "")


def _methods(design: Design) -> tuple[str, ...]:
    """Estimators of a design, each once, in its order."""
    names = (*design.did_estimators, *design.synthetic_control_estimators, *design.pooled_synthetic_control_estimators)
    return tuple(dict.fromkeys(names))


def _key(run: Path, since: Path | None, what: str) -> str:
    """Hash of everything the report is made from."""
    digest = hashlib.sha256(what.encode())
    from evaluation.report.gate import RECORD

    earlier = () if since is None else (since / "findings", since / "conclusions", since / "jobs")
    folders = (
        *earlier,
        run / "findings",
        run / "conclusions",
        run / "power",
        run / "stress",
        run / "spillover",
        run / "pool",
        run / "jobs",
        project.REPORTS,
        project.CONTRACTS,
        project.ROOT / "evaluation" / "report",
    )
    files = [
        run / "panel.parquet",
        run / "manifest.json",
        run / DEVIATIONS,
        *(() if since is None else (since / "panel.parquet", since / "manifest.json", since / "report.key", since / RECORD)),
        *(p for folder in folders for p in folder.rglob("*")),
    ]
    for path in sorted(p for p in files if p.is_file() and "__pycache__" not in p.parts):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    digest.update(project.code_sha256().encode())
    return digest.hexdigest()


def _published(out: Path, how: str) -> Published:
    return Published(html=out / "index.html", pdf=next(out.glob("*.pdf")), how=how or read_engine(out))
