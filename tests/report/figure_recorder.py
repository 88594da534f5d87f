"""Draws a figure as matplotlib does, and keeps every stroke, filling and word as it is painted: where, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg

from evaluation.report.drawing import Picture, compose

WHITE = (1.0, 1.0, 1.0)
LARGE = 25
"""Pixels from which a shape is an area and no marker: matplotlib paints a lone area as if it were one."""


@dataclass(slots=True, eq=False)
class Mark:
    """One stroke, filling or marker as painted.

    Attributes
    ----------
    axes : number of the axes it stands in; -1 = on the figure
    part : ``axis`` for what belongs to an axis, ``frame`` for backgrounds and the frame of a word, ``data`` for the rest
    kind : ``line``, ``marker`` or ``fill``
    colour, face : RGB of stroke and filling; None = not drawn
    style : dashes of the stroke, empty for a solid one
    width : of the stroke, in points
    shape : of a marker, and whether it is filled
    hatch : of a filling
    mask : pixels it changed
    contrast : for pixels changed, the larger one of stroke and filling with what was there; lines that cross are left out
    straight : whether it is one straight stroke along an axis, as lines of reference are
    """

    axes: int
    part: str
    kind: str
    colour: tuple[float, ...] | None
    face: tuple[float, ...] | None
    style: tuple[float, ...]
    width: float
    shape: tuple[object, ...]
    hatch: str | None
    mask: np.ndarray
    contrast: np.ndarray
    straight: bool


@dataclass(slots=True, eq=False)
class Word:
    """One line of text as painted.

    Attributes
    ----------
    owner : number of the piece of text it is a line of
    box : pixels (x0, y0, x1, y1) from the top left, of the ink or of the frame around it
    ends : where it begins and ends, in pixels, also beyond the picture
    contrast : with the pixels it stands on
    after : the picture once it was painted
    """

    text: str
    owner: int
    points: float
    colour: tuple[float, ...]
    box: tuple[int, int, int, int]
    ends: tuple[float, float]
    contrast: np.ndarray
    after: np.ndarray
    mask: np.ndarray


class Recorder(RendererAgg):
    """Paints as matplotlib does, and keeps what was painted where, on what."""

    def __init__(self, width: float, height: float, dpi: float) -> None:
        super().__init__(width, height, dpi)
        self.marks: list[Mark] = []
        self.words: list[Word] = []
        self.frames: dict[int, tuple[int, int, int, int]] = {}
        self._groups: list[str] = []
        self._axes, self._count, self._text, self._quiet = -1, -1, -1, False
        self._now = self.look()
        self._lines, self._ink = np.zeros((2, *self._now.shape), dtype=bool)
        self.covered = 0
        # These are methods of the C++ renderer: collections are painted piece by piece instead, markers under our eyes.
        self.draw_path_collection = partial(RendererBase.draw_path_collection, self)  # type: ignore[assignment]
        self._paint_markers = self.draw_markers
        self.draw_markers = self._keep_markers  # type: ignore[method-assign]

    def open_group(self, s: str, gid: str | None = None) -> None:
        self._groups.append(s)
        self._text += s == "text"
        if s == "axes":
            self._count += 1
            self._axes = self._count

    def close_group(self, s: str) -> None:
        assert self._groups.pop() == s
        if s == "axes":
            self._axes = -1

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:
        super().draw_path(gc, path, transform, rgbFace)
        if self._quiet:
            return
        points = transform.transform(path.vertices)
        straight = len(points) == 2 and np.ptp(points, axis=0).min() < 0.5
        filled = rgbFace is not None and (len(rgbFace) < 4 or rgbFace[3] > 0)
        self._keep(gc, "fill" if filled else "line", rgbFace if filled else None, straight=bool(straight))

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False, mtext: Any = None
    ) -> None:
        self._quiet = True
        super().draw_text(gc, x, y, s, prop, angle, ismath=ismath, mtext=mtext)
        self._quiet = False
        before, mask = self._step()
        if s.strip() and mask.any():
            box, colour = find_box(mask), gc.get_rgb()[:3]
            seen = contrast(np.asarray(colour), _rgb(before[box[1] : box[3] + 1, box[0] : box[2] + 1].ravel()))
            frame = self.frames.get(self._text, box)
            ends = x, x + self.get_text_width_height_descent(s, prop, ismath)[0]
            self.words.append(Word(s, self._text, prop.get_size_in_points(), colour, frame, ends, seen, self._now, mask))

    def _keep_markers(self, gc: Any, marker: Any, marker_trans: Any, path: Any, trans: Any, rgbFace: Any = None) -> None:
        self._paint_markers(gc, marker, marker_trans, path, trans, rgbFace)
        outline = marker_trans.transform(marker.vertices)
        if np.ptp(outline, axis=0).max() > LARGE:
            self._keep(gc, "fill", rgbFace)
            return
        hollow = rgbFace is None or tuple(rgbFace[:3]) == WHITE
        size = np.round(np.ptp(outline, axis=0), 0)
        self._keep(gc, "marker", rgbFace, shape=(len(outline), bool(size[0] == size[1]), hollow))

    def _keep(self, gc: Any, kind: str, face: Any, *, shape: tuple[object, ...] = (), straight: bool = False) -> None:
        before, mask = self._step()
        if not mask.any():
            return
        rgba, width = gc.get_rgb(), gc.get_linewidth() * 72 / self.dpi
        colour = tuple(map(float, rgba[:3])) if width > 0 and (len(rgba) < 4 or rgba[3] > 0) else None
        inside = None if face is None else tuple(map(float, face[:3]))
        # Lines that cross or lie on each other are told apart by their style; what counts is the ground they stand on.
        ground = _rgb(before[mask & ~self._lines])
        seen = [contrast(np.asarray(c), ground) for c in (colour, inside) if c is not None]
        if "text" in self._groups:
            self.frames[self._text] = find_box(mask)
            self.covered += int((mask & self._ink).sum())
        axis = any(group.startswith("matplotlib.axis") for group in self._groups)
        frame = not axis and ("text" in self._groups or (inside == WHITE and colour is None))
        self._lines |= mask if inside is None or kind == "marker" else mask & (self._now != _pixel(inside))
        if not axis and not frame:
            self._ink |= mask
        dashes = gc.get_dashes()[1]
        self.marks.append(
            Mark(
                axes=self._axes, part="axis" if axis else "frame" if frame else "data", kind=kind, colour=colour, face=inside,
                style=() if dashes is None else tuple(np.round(np.asarray(dashes) / max(width, 1e-9), 1)), width=width,
                shape=shape, hatch=gc.get_hatch(), mask=mask, contrast=np.max(seen, axis=0) if seen else np.zeros(0),
                straight=straight,
            )
        )  # fmt: skip

    def _step(self) -> tuple[np.ndarray, np.ndarray]:
        """The picture before what was just painted, and the pixels that it changed."""
        before, self._now = self._now, self.look()
        return before, before != self._now

    def look(self) -> np.ndarray:
        """The picture, a number a pixel."""
        return np.asarray(self.buffer_rgba()).view(np.uint32)[..., 0].copy()


def _rgb(pixels: np.ndarray) -> np.ndarray:
    """Colours (N, 3) of pixels (N,), in shares of one."""
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(-1, 4)[:, :3] / 255


def _pixel(colour: tuple[float, ...]) -> np.uint32:
    """An opaque colour as the number that stands for it in a picture."""
    return np.uint32(np.array([*(round(255 * part) for part in colour), 255], dtype=np.uint8).view(np.uint32)[0])


def find_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The pixels x0, y0, x1, y1 between which a mask lies."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def record(picture: Picture) -> Recorder:
    """Draw a picture and keep everything painted."""
    figure = compose(picture.paint, height=picture.height, synthetic=picture.synthetic, corner=picture.corner)
    recorder = Recorder(figure.bbox.width, figure.bbox.height, figure.dpi)
    figure.draw(recorder)
    return recorder


def contrast(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Contrast ratios (N,) of a colour with others (N, 3), in shares of one, as the guidelines define it."""
    first, second = _luminance(one), _luminance(others)
    return (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)


def _luminance(colour: np.ndarray) -> np.ndarray:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))
