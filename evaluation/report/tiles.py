"""A tile map: one hexagon an authority, placed near where the authority lies.

Centroids are spread (half their place on the map, half their rank from west to east and from south to north, so that London gets
room), then each is given a hexagon of its own with the least total squared distance: a linear assignment problem. The layout is
computed from the register's centroids; nobody drew it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SPREAD = 0.38
"""Share of rank in a spread coordinate; 0 = the plain map, 1 = ranks only."""
FILL = 0.62
"""Authorities per hexagon of the bounding grid: room for coasts."""


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """Centres of the hexagons, in the order of the points they stand for.

    Attributes
    ----------
    x, y : arrays (N,), y grows northward; neighbouring centres lie 1 apart
    """

    x: np.ndarray
    y: np.ndarray


def place_tiles(latitude: np.ndarray, longitude: np.ndarray) -> Tiles:
    """Give every point a hexagon of its own.

    Parameters
    ----------
    latitude : array (N,)
        Degrees north.
    longitude : array (N,)
        Degrees east.

    Returns
    -------
    Tiles
        The same for the same points in the same order.
    """
    from scipy.optimize import linear_sum_assignment

    count = len(latitude)
    if count == 0:
        return Tiles(np.empty(0), np.empty(0))
    # One degree of longitude is shorter than one of latitude by the cosine of the latitude.
    east, north = longitude * np.cos(np.radians(latitude.mean())), latitude
    x, y = _spread(east), _spread(north)
    cells = count / FILL
    columns = max(int(np.ceil(np.sqrt(cells * np.ptp(x) / max(np.ptp(y), 1e-9)))), 1)
    rows = int(np.ceil(cells / columns)) + 1
    row, column = np.divmod(np.arange((rows + 1) * (columns + 1)), columns + 1)
    grid_x, grid_y = column + 0.5 * (row % 2), row * np.sqrt(3) / 2
    at_x = (x - x.min()) / max(np.ptp(x), 1e-9) * columns
    at_y = (y - y.min()) / max(np.ptp(y), 1e-9) * rows * np.sqrt(3) / 2
    cost = (at_x[:, None] - grid_x) ** 2 + (at_y[:, None] - grid_y) ** 2
    _, chosen = linear_sum_assignment(cost)
    return Tiles(grid_x[chosen], grid_y[chosen])


def _spread(values: np.ndarray) -> np.ndarray:
    """Mix coordinates with their ranks, in the units of the coordinates; ties keep the order of the points."""
    rank = np.empty(len(values))
    rank[np.argsort(values, kind="stable")] = np.arange(len(values))
    span = np.ptp(values)
    return (1 - SPREAD) * (values - values.min()) + SPREAD * span * rank / max(len(values) - 1, 1)
