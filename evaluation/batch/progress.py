"""How a batch is getting on: what has ended, how long the rest will take, and a live table or plain lines that say so."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from evaluation.batch.ledger import JobRecord
from evaluation.batch.notebooks import notebook_of
from evaluation.batch.plan import Job, Plan
from evaluation.batch.show import write_time

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WORDS = {"done": "done", "failed": "FAILED", "refused": "refused"}


class Tally:
    """What has ended and what is left of a plan."""

    def __init__(self, plan: Plan, at_once: int) -> None:
        self.total = len(plan.to_run)
        self.at_once = max(1, min(at_once, self.total))
        self.ended: dict[str, JobRecord] = {}
        self.running: dict[str, Job] = {}
        self._jobs = plan.to_run
        self._expected = {item.job.id: item.seconds for item in plan.jobs if not item.is_done}
        self._seen: dict[str, list[float]] = defaultdict(list)

    def start(self, job: Job) -> None:
        """A job starts."""
        self.running[job.id] = job

    def end(self, job: Job, record: JobRecord) -> None:
        """A job ended."""
        self.running.pop(job.id, None)
        self.ended[job.id] = record
        if record.state == "done":
            self._seen[notebook_of(job.id)].append(record.seconds)

    def seconds_left(self) -> float | None:
        """Time to the end, by what notebooks of a kind took in this run, else by the ledger; None where neither tells."""
        left = [self._guess(job.id) for job in self._jobs if job.id not in self.ended]
        known = [seconds for seconds in left if seconds is not None]
        if not left:
            return 0.0
        # a kind not seen yet takes as long as the others do
        like = known or [seconds for seen in self._seen.values() for seconds in seen]
        if not like:
            return None
        return (sum(known) + statistics.mean(like) * (len(left) - len(known))) / self.at_once

    def _guess(self, job: str) -> float | None:
        seen = self._seen.get(notebook_of(job))
        return statistics.median(seen) if seen else self._expected.get(job)

    def by_area(self) -> Iterator[tuple[str, Counter[str], float]]:
        """Name of each area, how many of its jobs are in each state, and their seconds so far."""
        names = list(dict.fromkeys(job.area_name for job in self._jobs))
        for name in names:
            jobs = [job for job in self._jobs if job.area_name == name]
            states = Counter(
                self.ended[job.id].state if job.id in self.ended else "running" if job.id in self.running else "waiting"
                for job in jobs
            )
            yield name, states, sum(self.ended[job.id].seconds for job in jobs if job.id in self.ended)


class Display(Protocol):
    """Something that is told how jobs start and end."""

    def start(self, job: Job) -> None:
        """A job starts."""

    def end(self, job: Job, record: JobRecord) -> None:
        """A job ended."""


class Lines:
    """One line for every job that ends, for logs and pipes."""

    def __init__(self, plan: Plan, at_once: int, write: Callable[[str], None]) -> None:
        self.tally = Tally(plan, at_once)
        self._write = write

    def start(self, job: Job) -> None:
        """A job starts."""
        self.tally.start(job)

    def end(self, job: Job, record: JobRecord) -> None:
        """A job ended: one line, and a second one where something went wrong."""
        self.tally.end(job, record)
        left = self.tally.seconds_left()
        self._write(
            f"  {len(self.tally.ended):>3}/{self.tally.total}  {WORDS[record.state]:<7} {job.outcome} · {job.area_name} · "
            f"{notebook_of(job.id)}  {record.seconds:.1f} s" + (f"   {write_time(left)} left" if left else "")
        )
        if record.error:
            self._write(f"           {record.error}")


class AreaTable:
    """A live table with one row an area, for a terminal."""

    def __init__(self, plan: Plan, at_once: int, console: Console) -> None:
        from rich.live import Live

        self.tally = Tally(plan, at_once)
        self._began = time.monotonic()
        self.live = Live(console=console, get_renderable=self._draw, refresh_per_second=4)
        self._console = console

    def start(self, job: Job) -> None:
        """A job starts."""
        self.tally.start(job)

    def end(self, job: Job, record: JobRecord) -> None:
        """A job ended; what went wrong stays on the screen above the table."""
        self.tally.end(job, record)
        if record.error:
            self._console.print(f"{WORDS[record.state]}  {job.id}\n  {record.error}", markup=False, highlight=False)

    def _draw(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        left, table = self.tally.seconds_left(), Table(box=None, pad_edge=False)
        for title, justify in (("area", "left"), ("done", "right"), ("state", "left"), ("seconds", "right")):
            table.add_column(title, justify=justify)  # type: ignore[arg-type]  # two of the words it takes
        for name, states, seconds in self.tally.by_area():
            done, total = states["done"] + states["failed"] + states["refused"], states.total()
            words = [f"{states[key]} {key}" for key in ("failed", "refused", "running") if states[key]]
            state = ", ".join(words) or ("done" if done == total else "waiting")
            style = "red" if states["failed"] else "" if done < total else "green"
            table.add_row(Text(name), f"{done}/{total}", Text(state, style=style), f"{seconds:.1f}")
        table.caption = Text(
            f"{len(self.tally.ended)} of {self.tally.total} notebooks in {time.monotonic() - self._began:.0f} s"
            + ("" if not left else f", {write_time(left)} left"),
        )
        return table


@contextlib.contextmanager
def open_display(plan: Plan, at_once: int, stream: Any) -> Iterator[Display]:
    """A live table where `stream` is a terminal, plain lines written to it otherwise."""
    if not plan.to_run or not stream.isatty():

        def write(text: str) -> None:
            stream.write(f"{text}\n")
            stream.flush()

        yield Lines(plan, at_once, write)
        return
    from rich.console import Console

    table = AreaTable(plan, at_once, Console(file=stream))
    with table.live:
        yield table
