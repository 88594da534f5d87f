"""What keeps a reader from reading a figure: found by drawing it and looking at every stroke, filling and word as it is painted.

The limits are those of the Web Content Accessibility Guidelines: 4.5:1 for words, 3:1 for what carries meaning in a picture, and
nothing told by colour alone. Beside them stand what an eye sees at once: words that touch, are cut, too small or painted over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
from report.figure_recorder import WHITE, Mark, Recorder, contrast, find_box, record

from evaluation.report.drawing import GRID, TALLEST, Picture

WORDS, GRAPHICS = 4.5, 3.0
"""Least contrast of text, and of what carries meaning, with what it stands on."""
SMALLEST = 8.0
"""Points of the smallest letters."""
BESIDE, BELOW = 6, 2
"""Pixels, at 100 to the inch, that must lie between two pieces of text in a line, and in lines below each other."""
TWICE = 1.9
"""How much wider a line must be for its width to tell it from another."""
SHADES = 3.0
"""Contrast from which two fillings are told apart by shade, not by colour alone."""
SPARE = 0.1
"""Share of a stroke that may cross something of its own shade, as lines that cross do."""
DECORATION = {GRID.lower()}
"""Colours of what only helps the eye along: the grid."""


def figure_faults(picture: Picture) -> list[str]:
    """Every fault of a picture, as a sentence; none for one that can be read by everybody."""
    drawn = record(picture)
    found = [f"{picture.height:.1f} inches are more than a page holds"] if picture.height > TALLEST else []
    for judge in (_faint_words, _small_or_cut_words, _words_that_touch, _words_painted_over, _faint_marks, _told_by_colour):
        found += judge(drawn)
    return [f"{picture.name}: {fault}" for fault in dict.fromkeys(found)]


# ---------------------------------------------------------------- words


def _faint_words(drawn: Recorder) -> Iterator[str]:
    for word in drawn.words:
        if np.mean(word.contrast < WORDS) > 0.02:
            yield f"{word.text!r} has a contrast of {np.min(word.contrast):.1f} with what it stands on"


def _small_or_cut_words(drawn: Recorder) -> Iterator[str]:
    for word in drawn.words:
        _, y0, _, y1 = word.box
        if word.points < SMALLEST:
            yield f"{word.text!r} has letters of {word.points:g} points"
        if "…" in word.text:
            yield f"{word.text!r} is cut short"
        if min(word.ends[0], word.box[0], y0) < 1 or max(word.ends[1], word.box[2] + 1) > drawn.width or y1 > drawn.height - 2:
            yield f"{word.text!r} reaches the edge of the picture"


def _words_that_touch(drawn: Recorder) -> Iterator[str]:
    for one, other in combinations(drawn.words, 2):
        a, b = one.box, other.box
        beside = a[0] - BESIDE > b[2] or b[0] - BESIDE > a[2]
        below = a[1] - BELOW > b[3] or b[1] - BELOW > a[3]
        if not beside and not below and one.owner != other.owner:
            yield f"{one.text!r} touches {other.text!r}"


def _words_painted_over(drawn: Recorder) -> Iterator[str]:
    final = drawn.look()
    for word in drawn.words:
        if (word.after != final)[word.mask].mean() > 0.02:
            yield f"{word.text!r} is painted over"
    if drawn.covered:
        yield "the frame around a word covers what is drawn"


# ---------------------------------------------------------------- strokes and fillings


def _faint_marks(drawn: Recorder) -> Iterator[str]:
    for mark in drawn.marks:
        shown = [colour for colour in (mark.colour, mark.face) if colour is not None]
        if mark.part != "data" or all(colour == WHITE or _name(colour) in DECORATION for colour in shown):
            continue
        if len(mark.contrast) and np.mean(mark.contrast < GRAPHICS) > SPARE:
            named = " on ".join(_name(colour) for colour in shown)
            yield f"a {mark.kind} of {named} has a contrast of {np.median(mark.contrast):.1f} with what it stands on"


def _told_by_colour(drawn: Recorder) -> Iterator[str]:
    """Pairs of strokes, markers or fillings of one chart, or of a key, that differ in nothing but colour."""
    for number in sorted({mark.axes for mark in drawn.marks}):
        mine = [mark for mark in drawn.marks if mark.axes == number and mark.part == "data" and not mark.straight]
        for kind, same in (("line", _same_line), ("marker", _same_marker), ("fill", _same_fill)):
            of_kind = [mark for mark in mine if mark.kind == kind and _meant(mark)]
            if kind == "fill":
                of_kind = [mark for mark in of_kind if not _carries_a_line(mark, mine)]
            yield from _pairs(of_kind, same, kind, drawn)


def _pairs(marks: Sequence[Mark], same: Callable[[Mark, Mark], bool], kind: str, drawn: Recorder) -> Iterator[str]:
    labelled = {word.colour for word in drawn.words}
    for one, other in combinations(marks, 2):
        a, b = _colour(one), _colour(other)
        # A word in a line's own colour at its end names it, as long as both lines have one.
        named = kind == "line" and a in labelled and b in labelled
        if a != b and same(one, other) and not named:
            yield f"only colour tells a {kind} of {_name(a)} from one of {_name(b)}"


def _meant(mark: Mark) -> bool:
    shown = [colour for colour in (mark.colour, mark.face) if colour is not None]
    return any(colour != WHITE and _name(colour) not in DECORATION for colour in shown)


def _colour(mark: Mark) -> tuple[float, ...]:
    """The colour a mark is known by: of its filling, unless that is white or absent."""
    if mark.face is not None and mark.face != WHITE:
        return mark.face
    return mark.colour if mark.colour is not None else WHITE


def _same_line(one: Mark, other: Mark) -> bool:
    wide, thin = max(one.width, other.width), min(one.width, other.width)
    return bool(one.style) == bool(other.style) and _alike(one.style, other.style) and wide < TWICE * thin


def _alike(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and np.allclose(one, other, atol=0.5)


def _same_marker(one: Mark, other: Mark) -> bool:
    return one.shape == other.shape and _same_fill(one, other)


def _same_fill(one: Mark, other: Mark) -> bool:
    a, b = (np.asarray(mark.face or WHITE) for mark in (one, other))
    shades = float(contrast(a, b[None])[0])
    return one.hatch == other.hatch and _alike(one.style, other.style) and shades < SHADES


def _carries_a_line(fill: Mark, marks: Sequence[Mark]) -> bool:
    """Whether a filling is the band of a line that runs through it, and so is told by that line."""
    x0, _, x1, _ = find_box(fill.mask)
    for mark in marks:
        if mark.kind == "line" and mark.mask[fill.mask].any():
            a, _, b, _ = find_box(mark.mask)
            covered = (min(b, x1) - max(a, x0)) / max(x1 - x0, 1)
            if mark.mask[fill.mask].sum() > 0.7 * mark.mask.sum() and covered > 0.7:
                return True
    return False


def _name(colour: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)
