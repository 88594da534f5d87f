"""How far long steps are, below the cell that takes them; only where there is a front end, and gone when they have ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from html import escape
from typing import Any

from evaluation.lab.front_end import has_front_end

PATIENCE = 0.5
"""Seconds before anything is shown: what is over sooner needs no bar."""
RHYTHM = 0.2
"""Seconds between two changes of what is shown."""


@dataclass(slots=True)
class Step:
    """A step that has begun."""

    title: str
    total: int | None
    begun: float
    number: int = 0
    name: str = ""


@dataclass(slots=True, eq=False)
class NotebookProgress:
    """Shows the steps that run, outermost first, as one output that is emptied at the end."""

    steps: list[Step] = field(default_factory=list)
    handle: Any = None
    shown: float = 0.0

    def begin(self, title: str, total: int | None) -> None:
        """A step has begun."""
        self.steps.append(Step(title=title, total=total, begun=time.monotonic()))
        self._show(at_once=True)  # it may take long before there is more to say

    def part(self, number: int, name: str) -> None:
        """The innermost step has reached a part."""
        self.steps[-1].number, self.steps[-1].name = number, name
        self._show()

    def end(self) -> None:
        """The innermost step has ended; after the last one nothing is left to see."""
        self.steps.pop()
        if self.steps:
            self._show()
        elif self.handle is not None:
            self.handle.update({"text/plain": ""}, raw=True)
            self.handle = None

    def _show(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        soon = self.handle is not None and now - self.shown < RHYTHM and not at_once
        if soon or now - self.steps[0].begun < PATIENCE:
            return
        if not has_front_end():
            return
        from IPython.display import display

        self.shown = now
        bundle = {"text/html": to_html(self.steps, now), "text/plain": to_text(self.steps)}
        if self.handle is None:
            self.handle = display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)


def to_text(steps: list[Step]) -> str:
    """The steps in one line: ``Choices 3 of 14: start date; Checks 2 of 12``."""
    return "; ".join(_say(step) for step in steps)


def to_html(steps: list[Step], now: float) -> str:
    """A bar for the outermost step, with what it is about and how long it has taken."""
    first = steps[0]
    extent = f'value="{max(first.number - 1, 0)}" max="{first.total}"' if first.total else ""
    said = f"{to_text(steps)} ({now - first.begun:.0f} s)"
    return f'<div role="status"><progress {extent} aria-label="{escape(first.title)}"></progress> {escape(said)}</div>'


def _say(step: Step) -> str:
    counted = f" {step.number} of {step.total}" if step.total and step.number else ""
    return f"{step.title}{counted}{f': {step.name}' if step.name else ''}"


LISTENER = NotebookProgress()
"""The one that a notebook's extension uses."""
