"""How far a long step is, for whoever looks: nobody, unless a front end has said that it wants to be told.

Functions that take long walk their parts with `follow`, or wrap one part in `stage`. Neither changes what is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Listener(Protocol):
    """Who is told; steps within steps are told one inside the other."""

    def begin(self, title: str, total: int | None) -> None:
        """A step has begun; `total` is the number of its parts, None where it has none."""

    def part(self, number: int, name: str) -> None:
        """The innermost step has reached a part, counted from 1."""

    def end(self) -> None:
        """The innermost step has ended."""


_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Tell `listener` of every step from now on."""
    _listeners.append(listener)


def unlisten(listener: Listener) -> None:
    """Tell `listener` no more; nothing happens where it was not told."""
    if listener in _listeners:
        _listeners.remove(listener)


@contextmanager
def stage(title: str, total: int | None = None) -> Iterator[tuple[Listener, ...]]:
    """A step from here to the end of the block."""
    told = tuple(_listeners)
    for listener in told:
        listener.begin(title, total)
    try:
        yield told
    finally:
        for listener in told:
            listener.end()


def follow(parts: Iterable[T], title: str, *, name: Callable[[T], str] = str) -> Iterator[T]:
    """The parts of a step, one after the other.

    Parameters
    ----------
    parts : iterable
        What is walked; they are counted beforehand.
    title : str
        The step in a few words, such as ``Choices``.
    name : function
        A part in a few words.
    """
    counted: Sequence[T] = list(parts)
    with stage(title, len(counted)) as told:
        for number, part in enumerate(counted, 1):
            for listener in told:
                listener.part(number, name(part))
            yield part
