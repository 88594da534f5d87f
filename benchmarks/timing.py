"""Processor time of a call, and what it is set beside."""

from __future__ import annotations

import contextlib
import io
import resource
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

import numpy as np

SAME = 1e-6
"""Largest difference, as a share of the largest answer, that counts as the same answer; a peer may be timed beyond it, but its
line says that it answers otherwise."""

BUDGET = 60.0
"""Seconds after which a slow call is not repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is aimed for: so many times as fast as the peer, or within so many seconds."""

    times: float | None = None
    seconds: float | None = None

    def text(self) -> str:
        """The goal in words."""
        parts = [f"{self.times:,.0f} x" if self.times else "", f"under {self.seconds:g} s" if self.seconds else ""]
        return ", ".join(part for part in parts if part)

    def is_met(self, ours: float, theirs: float | None) -> bool | None:
        """Whether it is met; None where it speaks of a peer that was not timed."""
        if self.times is not None and theirs is None:
            return None
        fast = self.times is None or (theirs or 0.0) / ours >= self.times
        return fast and (self.seconds is None or ours <= self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table; times in seconds, `met` None where there is no goal or it could not be tried."""

    subject: str
    work: str
    size: str
    ours: float | None
    peer: str = ""
    theirs: float | None = None
    clock: Literal["CPU", "wall"] = "CPU"
    goal: str = ""
    met: bool | None = None
    agreement: str = ""
    note: str = ""
    code: str = ""
    """Version of our code that was timed."""

    @property
    def ratio(self) -> float | None:
        """How many times as long the peer takes."""
        return None if self.ours is None or self.theirs is None else self.theirs / self.ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A package that does the same work.

    `prepare` imports it and returns the call that is timed, with its arguments bound; what the call returns is turned into an
    array by `answer` and compared with ours. `share` is the part of the work the call does, where all of it would take too long.
    """

    package: str
    what: str
    prepare: Callable[[], Callable[[], object]]
    answer: Callable[[object], np.ndarray]
    tolerance: float
    share: float = 1.0
    goal: Goal | None = None
    note: str = ""

    @property
    def label(self) -> str:
        """Name and version."""
        try:
            return f"{self.package} {metadata.version(self.package)} {self.what}"
        except metadata.PackageNotFoundError:
            return f"{self.package} {self.what}"


def cpu_seconds() -> float:
    """Processor time of this process and of its children that ended."""
    return sum(
        used.ru_utime + used.ru_stime for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def median_cpu(call: Callable[[], object], repeats: int) -> float:
    """Median processor time of a call after a first one that is not counted (imports, compilation, caches)."""
    begin = time.perf_counter()
    call()
    times: list[float] = []
    while len(times) < repeats and (not times or time.perf_counter() - begin < BUDGET):
        start = cpu_seconds()
        call()
        times.append(cpu_seconds() - start)
    return statistics.median(times)


def median_of_many(call: Callable[[], object], repeats: int) -> float:
    """As `median_cpu`, with fast calls run often enough that the clock's steps do not matter."""
    once = median_cpu(call, 1)
    number = max(1, int(0.05 / max(once, 1e-6)))

    def many() -> None:
        for _ in range(number):
            call()

    return median_cpu(many, repeats) / number


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """No warnings and no progress bars; put on around a whole measurement, so that no call pays for it."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def agreement(difference: float, answers: np.ndarray) -> str:
    """Whether a peer answers alike, in words."""
    size = float(np.abs(answers).max(initial=0.0)) or 1.0
    return f"the same, within {difference:.0e}" if difference <= SAME * size else f"**differs** by {difference:.1g} of {size:.2g}"


@_silence()
def set_beside(
    subject: str,
    work: str,
    size: str,
    *,
    ours: Callable[[], object],
    answer: Callable[[object], np.ndarray],
    peers: tuple[Peer, ...] = (),
    goal: Goal | None = None,
    repeats: int = 3,
    share: float = 1.0,
) -> list[Line]:
    """Check that all answer alike, then time all, one after the other.

    Parameters
    ----------
    subject, work, size : str
        What the lines are about.
    ours, answer : callables
        Our call, and how its result becomes an array.
    peers : tuple of Peer
        Each gives a line.
    goal : Goal, optional
        Of a line without a peer, or of all peers without a goal of their own.
    repeats : int
        Timed calls of each.
    share : float
        Part of the work that our own call does.
    """
    found = answer(ours())
    seconds = median_of_many(ours, repeats) / share
    scaled = "" if share == 1.0 else f"ours: {share:.2%} of the work, scaled up"
    lines = []
    for peer in peers:
        aim = peer.goal or goal
        head = {"subject": subject, "work": work, "size": size, "ours": seconds, "peer": peer.label}
        head["goal"] = aim.text() if aim else ""
        try:
            call = peer.prepare()
            theirs = peer.answer(call())
        except ImportError:
            lines.append(Line(**head, note="not installed here"))
            continue
        except Exception as error:  # a peer that breaks must not stop the others
            lines.append(Line(**head, note=f"broke off: {type(error).__name__}: {str(error)[:80]}"))
            continue
        mine = found[: len(theirs)]
        difference = float(np.abs(mine - theirs).max())
        if not difference <= peer.tolerance:
            lines.append(Line(**head, note=f"not timed: its answer differs by {difference:.2g}"))
            continue
        cost = median_of_many(call, repeats) / peer.share
        parts = [scaled, f"theirs: {peer.share:.2%} of the work, scaled up" if peer.share < 1.0 else "", peer.note]
        lines.append(
            Line(
                **head,
                theirs=cost,
                met=aim.is_met(seconds, cost) if aim else None,
                agreement=agreement(difference, mine),
                note="; ".join(part for part in parts if part),
            )
        )
    if not peers:
        met = goal.is_met(seconds, None) if goal else None
        lines.append(
            Line(subject=subject, work=work, size=size, ours=seconds, goal=goal.text() if goal else "", met=met, note=scaled)
        )
    return lines


def write_row(line: Line) -> str:
    """One line of the table of results, in Markdown."""
    ratio = "" if line.ratio is None else f"{line.ratio:,.0f} x" if line.ratio >= 10 else f"{line.ratio:.1f} x"
    met = {True: "yes", False: "**no**", None: ""}[line.met]
    cells = (
        line.work,
        line.size,
        _seconds(line.ours, line.clock),
        line.peer,
        _seconds(line.theirs, line.clock),
        ratio,
        line.goal,
        met if line.met is not None or not line.goal else "not tried",
        line.agreement,
        line.note,
        line.code,
    )
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _seconds(value: float | None, clock: str) -> str:
    if value is None:
        return ""
    text = f"{value:,.0f} s" if value >= 100 else f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms"
    return text if clock == "CPU" else f"{text} wall"
