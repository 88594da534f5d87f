"""Spoilt files of every kind: read, or refused with an error of ours; never a traceback, never long, never much memory.

The quick profile is the same on every machine. The long one (`pytest -m slow tests/bad_inputs/test_fuzz.py`) draws anew and
writes what it did into fuzz.md beside it; TRAILBLAZER_FUZZ_SECONDS says how long each kind of file is tried (default 20).
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from bad_inputs.further_targets import list_further
from bad_inputs.targets import Target, list_targets
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from evaluation import project
from evaluation.errors import EvaluationError

LONGEST = 10
"""Seconds of processor time one file may take; the slowest takes a tenth."""
MOST_MEMORY = 400_000
"""Kilobytes by which the process may grow over all files of a kind."""
PHASES = (Phase.generate, Phase.shrink)
RECORD = Path(__file__).with_name("fuzz.md")
NAMES = (
    *(f"CSV of {name}" for name in ("ons_explore_local_statistics", "nomis_aps", "nomis_claimant_count")),
    *("CSV of statxplore_households_on_uc", "CSV of demonstration", "CSV of example_survey", "XLSX of nomis_spreadsheet"),
    *(f"YAML of {name}" for name in ("ODCS source contract", "design", "outcome", "release facts")),
    *(f"register {name}.csv" for name in ("areas", "programmes", "exposures", "code_changes", "neighbours")),
    *(
        f"JSON of {name}"
        for name in ("manifest of a run", "record of a job", "finding", "panel.json", "deviations of a protocol")
    ),
    *("hashes of a protocol", "notebook before it is run", "notebook that was run"),
    *(f"CSV of {name}" for name in ("nomis_claimant_count_tidy", "own_data", "own_data_synthetic", "statxplore_people_on_uc")),
    *("CSV of ons_statistical_neighbours", "CSV of nomis_population", "XLSX of ons_paye_rti"),
    *("register costs.csv", "register unit_values.csv"),
    *(f"JSON of {name}" for name in ("conclusion", "vintage", "last check of a vintage", "numbers a report printed")),
    *("JSON of build of a report", "CSV of planted effects", "YAML of a book"),
)


@pytest.fixture(scope="module")
def targets(loaded, tmp_path_factory) -> dict[str, Target]:
    """Every kind of file, by name."""
    folder = tmp_path_factory.mktemp("samples")
    return {target.name: target for target in (*list_targets(loaded, folder), *list_further(loaded, folder))}


class Tally:
    """What came of the cases of one kind of file."""

    def __init__(self) -> None:
        self.cases = self.refused = 0
        self.slowest = 0.0

    def take(self, target: Target, raw: bytes, folder: Path) -> None:
        """Read one spoilt file in an empty folder."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        begin = time.process_time()
        with limited(LONGEST), warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                target.read(raw, folder)
            except EvaluationError as error:
                self.refused += 1
                said = str(error)
            else:
                said = "read"
        assert said.strip(), "an error without words"
        self.cases += 1
        self.slowest = max(self.slowest, time.process_time() - begin)
        assert not list(folder.rglob("*.part")), "half-written"


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Stop what takes longer."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"it hangs: more than {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def fuzz(target: Target, folder: Path, cases: int, number: int | None) -> Tally:
    """Try a number of spoilt files of one kind; the same ones where no seed is given."""
    tally = Tally()
    profile = settings(
        max_examples=cases,
        deadline=None,
        database=None,
        derandomize=number is None,
        suppress_health_check=list(HealthCheck),
        phases=PHASES,
    )

    @profile
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        tally.take(target, data.draw(target.spoil), folder)

    (attempt if number is None else seed(number)(attempt))()
    return tally


def memory() -> int:
    """Largest memory of this process so far, in kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_every_kind_of_file_is_tried(targets, loaded):
    assert tuple(targets) == NAMES
    read = {name.partition(" of ")[2] for name in NAMES if name.startswith(("CSV", "XLSX"))}
    assert set(loaded.sources) - read == set(), "every source"
    registers = {f"register {path.name}" for path in (project.CONTRACTS / "registers").glob("*.csv")}
    assert registers - set(NAMES) == set(), "every register"


@pytest.mark.parametrize("name", NAMES)
def test_a_good_file_is_read(targets, tmp_path, name):
    (tmp_path / "f").mkdir()
    if name == "hashes of a protocol":  # of no protocol there is
        with pytest.raises(EvaluationError, match="it was edited after it was locked"):
            targets[name].read(targets[name].good, tmp_path / "f")
    else:
        targets[name].read(targets[name].good, tmp_path / "f")


@pytest.mark.parametrize("name", NAMES)
def test_a_few_spoilt_files_are_read_or_refused(targets, tmp_path, name):
    before = memory()
    tally = fuzz(targets[name], tmp_path / "f", 25, None)
    assert tally.cases >= 20
    assert memory() - before < MOST_MEMORY


LINES: dict[str, str] = {}


@pytest.fixture(scope="module")
def record():
    """Write down what the long profile did, when every kind of file was tried."""
    yield
    if set(LINES) == set(NAMES):
        cases = sum(int(line.split("|")[2].replace(",", "")) for line in LINES.values())
        seconds = sum(float(line.split("|")[4]) for line in LINES.values())
        head = (
            "# What was tried\n\nWritten by `pytest -m slow tests/bad_inputs/test_fuzz.py`: spoilt files of each kind, each\n"
            "read or refused with an error of ours, never another error. Nothing was left half-written, and no file took more\n"
            f"than {LONGEST} seconds.\n\n{cases:,} cases in {seconds:.0f} seconds of processor time.\n\n"
            "| file | cases | refused | seconds of processor time | slowest file (s) | memory grew by (MB) |\n"
            "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        )
        RECORD.write_text(head + "".join(LINES[name] for name in NAMES), "utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_many_spoilt_files_are_read_or_refused(targets, tmp_path, record, name):
    budget = float(os.environ.get("TRAILBLAZER_FUZZ_SECONDS", "20"))
    before, begin, tallies = memory(), time.process_time(), []
    while not tallies or time.process_time() - begin < budget:
        tallies.append(fuzz(targets[name], tmp_path / "f", 100, int.from_bytes(os.urandom(4), "big")))
    cases, refused = sum(t.cases for t in tallies), sum(t.refused for t in tallies)
    grown, slowest = memory() - before, max(t.slowest for t in tallies)
    LINES[name] = (
        f"| {name} | {cases:,} | {refused:,} | {time.process_time() - begin:.0f} | {slowest:.2f} | {grown / 1024:.0f} |\n"
    )
    assert grown < MOST_MEMORY
