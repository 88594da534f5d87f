"""Run it all again somewhere else and compare: is what lies in a run folder what its panel, design and code give?"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evaluation.batch.edition import edition_of, release_options
from evaluation.batch.ledger import JobRecord, read_records
from evaluation.batch.lock import DEVIATIONS, HASH
from evaluation.batch.plan import Job, Plan, make_plan
from evaluation.batch.publish import publish
from evaluation.batch.run import run_plan
from evaluation.batch.stages import PLANTED, conclude_run, open_run, read_manifest
from evaluation.design.study import Study
from evaluation.errors import ConfigurationError

DECLARED = ("provenance.code_version",)
"""Fields of a finding that may differ: they say by which code it was made, not what was found."""
REPORT = ("report/**/*.html", "report/**/*.pdf", "report/**/*.csv", "report/**/*.svg")

State = Literal["identical", "equal but for declared fields", "different", "not made again", "not there before"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One file of a run beside the same file made again."""

    name: str
    state: State
    where: str = ""
    """For different JSON files: the first field that differs, with both values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came of running again."""

    files: tuple[Compared, ...]
    notes: tuple[str, ...]
    """What is not as it was when the run was made, and what was not compared."""
    failed: tuple[str, ...]
    """Jobs that did not end well this time."""

    @property
    def is_good(self) -> bool:
        """Whether every file came out the same."""
        good = ("identical", "equal but for declared fields")
        return not self.failed and bool(self.files) and all(item.state in good for item in self.files)


def verify_run(
    run: Path, *, jobs: int = 0, only: Sequence[str] = (), on_end: Callable[[Job, JobRecord], None] | None = None
) -> Verification:
    """Execute the notebooks of a run again in a folder of their own, publish, and compare byte for byte.

    Parameters
    ----------
    run : Path
        Run folder; it is only read.
    jobs : int
        How many notebooks at once; 0 = one a processor.
    only : sequence of str
        Only these areas; conclusions and report, which rest on all of them, are then not compared.
    on_end : callable, optional
        Told of every job as it ends.

    Raises
    ------
    ConfigurationError
        If there is no run, or its protocol is no longer that of the design.
    """
    manifest = read_manifest(run)
    study = open_run(run)
    if study.design.sha256 != manifest.design_sha256:
        raise ConfigurationError(
            f"{run}: made under protocol {manifest.design_sha256[:12]}; the design is {study.design.sha256[:12]} now. "
            f"Put data_contracts/designs/{manifest.design}.yml back as it was ({run / 'protocol.yml'}), or run again."
        )
    with tempfile.TemporaryDirectory(prefix="trailblazer-verify-") as name:
        again = Path(name) / "run"
        again.mkdir()
        versions = sorted(path.name for path in run.glob("protocol*.yml"))
        for file in ("panel.parquet", "panel.json", "manifest.json", HASH, DEVIATIONS, *versions, PLANTED):
            if (run / file).exists():
                shutil.copyfile(run / file, again / file)
        plan = make_plan(study, manifest.panel_sha256, again, only=only)
        records = run_plan(plan, again, jobs=jobs, on_end=on_end)
        patterns = ["notebooks/**/*.ipynb", *_results(run, plan)]
        notes = list(_changed(study, plan, run, manifest.code_version))
        if only:
            notes.append("conclusions and report were not compared: they rest on every area")
        else:
            conclude_run(study, plan, again)
            patterns.append("conclusions/*/*.json")
            edition = edition_of(run)
            if edition is None:
                notes.append("there is no report to compare")
            else:
                options = release_options(run)
                if options:
                    notes.append(f"the report was made with the options {', '.join(options)}, and was not compared")
                else:
                    publish(again, engine=edition[1], day=edition[0])
                    patterns += REPORT
        wanted = {f"notebooks/{item.job.id}.ipynb" for item in plan.jobs}
        names = sorted(
            {
                path.relative_to(folder).as_posix()
                for folder in (run, again)
                for pattern in patterns
                for path in folder.glob(pattern)
                if path.is_file() and ".failed." not in path.name
            }
        )
        files = tuple(_compare(item, run, again) for item in names if not item.startswith("notebooks/") or item in wanted)
    return Verification(files=files, notes=tuple(notes), failed=tuple(r.id for r in records if r.state == "failed"))


def describe_verification(result: Verification) -> Iterator[str]:
    """What came of it, for a person."""
    kinds: dict[tuple[str, State], int] = {}
    for item in result.files:
        kind = item.name.split("/")[0]
        kinds[kind, item.state] = kinds.get((kind, item.state), 0) + 1
    for (kind, state), count in sorted(kinds.items()):
        yield f"  {kind:<12} {count:>4} {state}"
    for item in result.files:
        if item.state in ("different", "not made again", "not there before"):
            yield f"    {item.state}: {item.name}{f' ({item.where})' if item.where else ''}"
    yield from (f"  failed       {name}" for name in result.failed)
    yield from (f"  note: {note}" for note in result.notes)
    yield "Verified: everything came out the same." if result.is_good else "NOT verified."


def _results(run: Path, plan: Plan) -> list[str]:
    """Files that the done jobs of a run left, and those they would leave now."""
    ids = {item.job.id for item in plan.jobs}
    left = {name for record in read_records(run) if record.state == "done" and record.id in ids for name in record.results}
    return sorted(left | {name for item in plan.jobs if not item.job.optional for name in item.job.results})


def _changed(study: Study, plan: Plan, run: Path, code_version: str) -> Iterator[str]:
    """What differs between then and now besides the protocol, as the ledger has it."""
    from evaluation.batch.cause import changed_parts, in_words
    from evaluation.project import code_version as code_now

    if code_version != code_now():
        yield f"made by code {code_version}, verified by {code_now()}"
    before = {record.id: record for record in read_records(run)}
    seen = set()
    for item in plan.jobs:
        record = before.get(item.job.id)
        if record is not None and record.parts:
            seen.add(tuple(part for part in changed_parts(record.parts, item.job.parts) if part != "findings"))
    for parts in sorted(seen):
        if parts:
            yield f"since some notebooks were run, {in_words(parts)}"


def _compare(name: str, before: Path, after: Path) -> Compared:
    old, new = before / name, after / name
    if not new.exists():
        return Compared(name=name, state="not made again")
    if not old.exists():
        return Compared(name=name, state="not there before")
    contents = old.read_bytes(), new.read_bytes()
    if contents[0] == contents[1]:
        return Compared(name=name, state="identical")
    if not name.endswith(".json"):
        return Compared(name=name, state="different")
    differences = list(_differences(*(json.loads(content) for content in contents)))
    serious = [item for item in differences if item[0] not in DECLARED]
    if not serious:
        return Compared(name=name, state="equal but for declared fields")
    field, was, now = serious[0]
    more = f", and {len(serious) - 1} more fields" if len(serious) > 1 else ""
    return Compared(name=name, state="different", where=f"{field}: {was!r}, now {now!r}{more}")


def _differences(old: Any, new: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{where}.{key}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from _differences(*pair, f"{where}[{number}]")
    elif old != new:
        yield where, old, new
