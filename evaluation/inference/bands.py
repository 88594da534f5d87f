"""Bands around the path of effects: one that holds for all event times at once, and one for each event time alone."""

from __future__ import annotations

import numpy as np

from evaluation.inference.reference import NEGLIGIBLE, Reference, critical_of
from evaluation.results import Band, Comparison, Estimate, Placebos


def measure_bands(
    estimate: Estimate, placebos: Placebos, reference: Reference, comparison: Comparison, *, level: float
) -> tuple[tuple[Band, ...], tuple[Band, ...]]:
    """Invert the test of the largest statistic over the path, leads and lags together, and that of each event time alone.

    A placebo's path is divided by its own scale (as its estimate is) and, event time by event time, by the spread that placebo
    paths so divided have there (root mean square): late event times, and those far from the base period, spread more. The
    critical value c is that of the largest such statistic of each placebo, as for the estimate itself, and the band is
    ``att_l +- c * spread_l * scale`` (Romano & Wolf 2005; Freyaldenhoven, Hansen & Shapiro 2019 ask for such bands in event
    studies). Any path of effects outside it somewhere is rejected at `level`. The pointwise band has, at each event time, the
    critical value of that event time's own statistics; it is never the wider of the two.

    For a synthetic control, whose path is its gap, the same ends are a joint prediction interval of the gaps: where the gaps of
    places without the programme lie.

    Returns
    -------
    tuple of Band, tuple of Band
        For all event times at once, and for each alone. Both empty for a method without a path, or where p cannot be as small as
        `level`. Event times at which placebos do not spread, such as the base period, have none.
    """
    drawn = placebos.path if placebos.path is not None else placebos.gaps
    if drawn is None or not estimate.path or drawn.shape != (len(reference.placebos), len(estimate.path)):
        return (), ()
    if reference.critical(level) is None:
        return (), ()
    known = np.isfinite(drawn).all(axis=0)
    scaled = np.where(known, drawn, 0.0) / reference.scales[:, None]
    spread = np.sqrt(np.mean(scaled**2, axis=0))
    used = np.flatnonzero(spread * float(np.median(reference.scales)) > NEGLIGIBLE * float(np.nanstd(comparison.y)))
    if not used.size:
        return (), ()
    magnitudes = np.abs(scaled[:, used] / spread[used])
    together = critical_of(magnitudes.max(axis=1), level)
    alone = [critical_of(column, level) for column in magnitudes.T]
    assert together is not None

    def band(n: int, critical: float) -> Band:
        point, half = estimate.path[n], critical * float(spread[n]) * reference.unit
        return Band(event_time=point.event_time, low=point.att - half, high=point.att + half)

    return (
        tuple(band(int(n), together) for n in used),
        tuple(band(int(n), critical) for n, critical in zip(used, alone, strict=True) if critical is not None),
    )
