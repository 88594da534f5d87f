"""A single SYNTHETIC comparison, drawn at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.panel.periods import month_index, month_label
from evaluation.results import NEVER, Comparison
from evaluation.simulate.series import accumulate_shocks, stream


def simulate_comparison(
    *,
    n_areas: int = 40,
    n_periods: int = 24,
    n_treated: int = 1,
    first_treated: int | Sequence[int] = 16,
    effect: float = 0.0,
    seed: int = 0,
    ar: float = 0.7,
    sd: float = 1.0,
    se: float | None = None,
    level_sd: float = 3.0,
    n_regions: int = 1,
    region_sd: float = 0.0,
    weighted: bool = False,
) -> Comparison:
    """Simulate one comparison with a known effect, constant from the start on.

    Parameters
    ----------
    n_areas, n_periods : int
        Areas in all (N) and periods (T).
    n_treated : int
        The first so many areas are treated.
    first_treated : int or sequence of int
        Index of the first treated period, one for all or one each.
    effect : float
        What is added to treated areas from their start on, in percentage points.
    seed : int
        The same seed gives the same comparison.
    ar, sd : float
        Autocorrelation and stationary standard deviation of each area's shocks.
    se : float, optional
        Standard error of an independent sampling error in each cell; None = the outcome has none.
    level_sd : float
        Spread of the areas' levels around 20.
    n_regions, region_sd : int, float
        Areas are dealt to regions in turn, the treated ones all to the first; regions have AR(1) shocks of this sd.
    weighted : bool
        Whether areas get populations as weights.

    Returns
    -------
    Comparison
        Labelled synthetic; areas ``S001``, ``S002`` and so on, periods 2000-03, 2000-06 and so on.
    """
    starts = np.full(n_treated, first_treated) if isinstance(first_treated, int) else np.asarray(first_treated, dtype=np.int64)
    if not 0 < n_treated < n_areas or len(starts) != n_treated or not ((starts > 0) & (starts < n_periods)).all():
        raise ConfigurationError(
            f"simulated comparison: {n_treated} treated of {n_areas} areas, starting at {first_treated} of {n_periods} periods, "
            f"cannot be; ask for at least one treated and one untreated area, and for starts after the first period."
        )
    shape = (n_periods, n_areas)
    regions = np.where(np.arange(n_areas) < n_treated, 0, np.arange(n_areas) % n_regions)

    def normal(component: str, size: tuple[int, ...]) -> np.ndarray:
        return stream(seed, "comparison", component).standard_normal(size)

    own = accumulate_shocks(normal("area shock", shape), ar=ar, sd=sd)
    regional = accumulate_shocks(normal("region shock", (n_periods, n_regions)), ar=ar, sd=region_sd)[:, regions]
    national = accumulate_shocks(normal("national path", (n_periods, 1)), ar=0.9, sd=1.0)
    first = np.full(n_areas, NEVER, dtype=np.int64)
    first[:n_treated] = starts
    exposure = ((first != NEVER) & (np.arange(n_periods)[:, None] >= first)).astype(float)
    y = 20 + level_sd * normal("level", (n_areas,)) + national + regional + own + effect * exposure
    if se is not None:
        y = y + se * normal("sampling error", shape)
    names = tuple(f"Area {n + 1}" for n in range(n_areas))
    begin = month_index("2000-03")
    return Comparison(
        areas=tuple(f"S{n + 1:03d}" for n in range(n_areas)),
        area_names=names,
        periods=tuple(month_label(begin + 3 * t) for t in range(n_periods)),
        y=y,
        first_treated=first,
        exposure=exposure,
        se=None if se is None else np.full(shape, se),
        weights=100_000 * np.exp(0.5 * normal("population", (n_areas,))) if weighted else None,
        regions=tuple(f"Region {r + 1}" for r in regions),
        unit="pp",
        outcome="simulated_rate",
        area="S001" if n_treated == 1 else "all",
        area_name=names[0] if n_treated == 1 else "all treated areas",
        design="simulated",
        synthetic=True,
    )
