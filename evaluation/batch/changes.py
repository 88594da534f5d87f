"""Compare two runs of a study: what changed, and how much of each move comes from data, from new periods, from all the rest.

A run folder records its panel, the periods of its estimates, and the hashes of protocol, code, registers and packages. Two runs
are therefore joined by three estimates that are made here, all with the code, the packages and the registers of now and the new
run's protocol::

    earlier estimate on record
      | code or protocol
    earlier panel, earlier window
      | revised data
    new panel, earlier window
      | new periods
    new panel, new window
      | code or protocol (nil while the new run was made by the code of now)
    new estimate on record

The window of an outcome stands in the protocol. Moving its ends counts as new periods, every other change not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluation import project
from evaluation.batch.cause import contracts_sha256, environment
from evaluation.batch.edition import edition_of
from evaluation.batch.ledger import read_records
from evaluation.batch.lock import compare_protocols, find_protocol
from evaluation.batch.stages import RunManifest, load_conclusions, load_findings, read_manifest
from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.design.protocol import load_design
from evaluation.design.study import Study
from evaluation.errors import ConfigurationError, EvaluationError
from evaluation.panel.store import read_panel
from evaluation.results import Conclusion, Design, Finding, Panel
from evaluation.synthesis.changes import Changes, Release, Split, compare_panels, compare_releases, split_move


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldRun:
    """What a run folder holds, as far as a comparison needs it."""

    manifest: RunManifest
    panel: Panel
    design: Design | None
    """By the protocol the run was made under; None where the folder no longer has it, or it cannot be read now."""
    protocol: Path | None
    contracts_sha256: str | None
    """Of the registers and contracts the estimates were made with; None where that is not on record, or not one and the same."""
    findings: tuple[Finding, ...]
    conclusions: tuple[Conclusion, ...]
    day: str = ""

    @property
    def release(self) -> Release:
        """Its identity."""
        held = self.manifest
        return Release(
            day=self.day, design_sha256=held.design_sha256, panel_sha256=held.panel_sha256, code_version=held.code_version
        )


def compare_runs(before: Path, after: Path) -> Changes:
    """Compare two run folders of one study.

    Raises
    ------
    ConfigurationError
        If a folder holds no run or no conclusions, the two are of different studies, or only one of them is synthetic.
    """
    manifests = [read_manifest(run) for run in (before, after)]
    _refuse_unlike(before, after, manifests[0], manifests[1])
    contracts = load_contracts()
    old, new = (_open(run, manifest, contracts) for run, manifest in zip((before, after), manifests, strict=True))
    return compare_held(old, new, contracts)


def compare_held(old: HeldRun, new: HeldRun, contracts: Contracts) -> Changes:
    """The same from what was read; `contracts` are those of now."""
    splitter = Splitter(old=old, new=new, contracts=contracts)
    designs = [run.design for run in (old, new)]
    known = next(d for d in reversed(designs) if d is not None) if any(designs) else None
    methods = [(design or known).did_estimators[0] if (design or known) else "" for design in designs]  # type: ignore[union-attr]
    rows = compare_releases(
        (old.conclusions, old.findings),
        (new.conclusions, new.findings),
        methods=(methods[0], methods[1]),
        outcomes=[plan.id for plan in known.outcomes] if known else (),
        split=splitter.split,
    )
    return Changes(
        design=new.manifest.design,
        before=old.release,
        after=new.release,
        rows=rows,
        data=compare_panels(old.panel, new.panel),
        other=tuple(_name_other(old, new)),
        notes=tuple(splitter.notes()),
    )


def _refuse_unlike(before: Path, after: Path, old: RunManifest, new: RunManifest) -> None:
    if old.design != new.design:
        raise ConfigurationError(
            f"{before} is a run of {old.design} and {after} one of {new.design}; only two runs of one study can be compared."
        )
    if old.synthetic != new.synthetic:
        made_up, real = (before, after) if old.synthetic else (after, before)
        raise ConfigurationError(f"{made_up} holds SYNTHETIC data and {real} does not; the two cannot be compared.")
    for run in (before, after):
        if not any((run / "conclusions").glob("*/*.json")):
            raise ConfigurationError(f"{run}: the run has no conclusions yet; finish it with `trailblazer run`.")


def _open(run: Path, manifest: RunManifest, contracts: Contracts) -> HeldRun:
    protocol = find_protocol(run, manifest.design_sha256)
    edition = edition_of(run)
    parts = {record.parts.get("contracts") for record in read_records(run) if record.state == "done"}
    return HeldRun(
        manifest=manifest,
        panel=read_panel(run / "panel.parquet"),
        design=_read_design(contracts, manifest, protocol),
        protocol=protocol,
        contracts_sha256=parts.pop() if len(parts) == 1 else None,
        findings=load_findings(run, manifest.design),
        conclusions=load_conclusions(run),
        day=edition[0].isoformat() if edition else "",
    )


def _read_design(contracts: Contracts, manifest: RunManifest, protocol: Path | None) -> Design | None:
    if protocol is None:
        return None
    try:
        return load_design(replace(contracts, designs={manifest.design: protocol}), manifest.design)
    except EvaluationError:  # a register of now no longer has what it names
        return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Splitter:
    """Splits moves between two runs."""

    old: HeldRun
    new: HeldRun
    contracts: Contracts
    _missed: dict[str, int] = field(default_factory=dict)

    def split(self, before: Finding, after: Finding) -> Split:
        """Parts of the move from one recorded finding to the other."""
        design, outcome = self.new.design, after.outcome
        if design is None:
            return self._give_up("the protocol of the new run is not in its folder, or cannot be read with the registers of now")
        first, last = before.estimate.series.periods[0], before.estimate.series.periods[-1]
        window = _with_window(design, outcome, first, last)
        same_window = window == design
        same_data = self.old.manifest.panel_sha256 == self.new.manifest.panel_sha256
        refused: list[str] = []

        def estimate(panel: Panel, under: Design) -> float | None:
            try:
                return _estimate(Study(design=under, contracts=self.contracts, panel=panel), after)
            except EvaluationError as error:
                refused.append(f"{error}")
                return None

        # What is on record needs no second estimate, and has no rounding of its own.
        whole = after.estimate.att if self._is_of_now(self.new) else estimate(self.new.panel, design)
        revised = whole if same_window else estimate(self.new.panel, window)
        if self._is_of_now(self.old) and self._differs_in_window_only():
            base: float | None = before.estimate.att
        else:
            base = revised if same_data else estimate(self.old.panel, window)
        if refused:
            return replace(
                split_move(before.estimate.att, (base, revised, whole), after.estimate.att), why_not=self._note(refused[0])
            )
        return split_move(before.estimate.att, (base, revised, whole), after.estimate.att)

    def notes(self) -> Iterator[str]:
        """Why moves could not be split, each once with its number, and what nobody can tell."""
        for reason, count in self._missed.items():
            yield f"{count} {'move' if count == 1 else 'moves'} could not be split in full: {reason}"
        if None in (self.old.contracts_sha256, self.new.contracts_sha256):
            yield (
                "whether a contract or register changed is not known: the notebooks of one of the two runs have no record of "
                "them, or not all the same"
            )

    def _give_up(self, reason: str) -> Split:
        return Split(revised=None, periods=None, code=None, why_not=self._note(reason))

    def _note(self, reason: str) -> str:
        text = reason.strip().splitlines()[0]
        self._missed[text] = self._missed.get(text, 0) + 1
        return text

    def _is_of_now(self, run: HeldRun) -> bool:
        """Whether an estimate of the run would come out the same if it were made again now."""
        return (
            run.manifest.code_version == project.code_version()
            and run.manifest.environment == environment()
            and run.contracts_sha256 == contracts_sha256(project.CONTRACTS)
        )

    def _differs_in_window_only(self) -> bool:
        """Whether the two protocols are the same but for the ends of their windows."""
        old, new = self.old.design, self.new.design
        return old is not None and new is not None and _without_windows(old) == _without_windows(new)


def _without_windows(design: Design) -> Design:
    return replace(design, sha256="", outcomes=tuple(replace(plan, first="", last="") for plan in design.outcomes))


def _with_window(design: Design, outcome: str, first: str, last: str) -> Design:
    """The design with other ends of the window of one outcome."""
    plans = tuple(replace(plan, first=first, last=last) if plan.id == outcome else plan for plan in design.outcomes)
    return replace(design, outcomes=plans)


def _estimate(study: Study, like: Finding) -> float:
    """The estimate of a finding's method for its outcome and area, from another panel or window."""
    from evaluation.estimators import REGISTRY

    comparison = study.comparison(like.outcome, like.area)
    return float(REGISTRY[like.estimator]().fit(comparison).att)


def _name_other(old: HeldRun, new: HeldRun) -> Iterator[str]:
    """What else differs between two runs, in words."""
    if old.manifest.design_sha256 != new.manifest.design_sha256:
        yield _say_protocol(old.protocol, new.protocol)
    if old.manifest.code_version != new.manifest.code_version:
        yield f"the code ({old.manifest.code_version}, now {new.manifest.code_version})"
    if None not in (old.contracts_sha256, new.contracts_sha256) and old.contracts_sha256 != new.contracts_sha256:
        yield "a contract or register"
    then, now = old.manifest.environment, new.manifest.environment
    packages = sorted(name for name in {**then, **now} if then.get(name) != now.get(name))
    if packages:
        named = (f"{name} {then.get(name, 'absent')}, now {now.get(name, 'absent')}" for name in packages)
        yield f"packages ({'; '.join(named)})"


def _say_protocol(before: Path | None, after: Path | None) -> str:
    if before is None or after is None:
        return "the protocol (one of the two versions is not in its run folder)"
    keys = list(dict.fromkeys(row.key for row in compare_protocols(before, after)))
    return f"the protocol ({', '.join(keys) if keys else 'comments or layout only'})"
