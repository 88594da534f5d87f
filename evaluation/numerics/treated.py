"""What every estimator asks of a comparison, and the treated areas taken together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError
from evaluation.results import Check, Comparison, Series


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TreatedMean:
    """Weighted mean over the treated areas.

    Attributes
    ----------
    columns : integer array (K,), where the treated areas stand
    observed, exposure : arrays (T,)
    observed_se : array (T,) or None, sampling standard error of the mean of independent samples
    """

    columns: np.ndarray
    observed: np.ndarray
    exposure: np.ndarray
    observed_se: np.ndarray | None

    def beside(self, counterfactual: np.ndarray, periods: tuple[str, ...]) -> Series:
        """The treated series with its counterfactual (T,)."""
        return Series(
            periods=periods,
            observed=_floats(self.observed),
            counterfactual=_floats(counterfactual),
            exposure=_floats(self.exposure),
            observed_se=None if self.observed_se is None else _floats(self.observed_se),
        )


def treated_mean(comparison: Comparison) -> TreatedMean:
    """Average the treated areas with the comparison's weights.

    Where cells are missing, over the areas observed in the period; not-a-number in a period without any.
    """
    columns = np.flatnonzero(comparison.treated)
    weights = np.ones(columns.size) if comparison.weights is None else comparison.weights[columns]
    observed = comparison.observed[:, columns]
    if not observed.all():
        part = weights * observed
        with np.errstate(invalid="ignore"):
            part = part / part.sum(axis=1, keepdims=True)
        y = np.where(observed, comparison.y[:, columns], 0.0)
        se = None if comparison.se is None else np.where(observed, comparison.se[:, columns], 0.0)
        return TreatedMean(
            columns=columns,
            observed=(part * y).sum(axis=1),
            exposure=(part * comparison.exposure[:, columns]).sum(axis=1),
            observed_se=None if se is None else np.sqrt((part**2 * se**2).sum(axis=1)),
        )
    share = weights / weights.sum()
    return TreatedMean(
        columns=columns,
        observed=comparison.y[:, columns] @ share,
        exposure=comparison.exposure[:, columns] @ share,
        observed_se=None if comparison.se is None else np.sqrt(comparison.se[:, columns] ** 2 @ share**2),
    )


def requirements(comparison: Comparison, *, untreated: int) -> list[Check]:
    """What must hold before any method here makes sense.

    Parameters
    ----------
    comparison : Comparison
        What is to be estimated on.
    untreated : int
        Fewest areas the method needs beside the treated ones.

    Returns
    -------
    list of Check
        Treated areas, untreated areas, periods before, exposure after; the last two only where there are treated ones.
    """
    columns = np.flatnonzero(comparison.treated)
    n_untreated = len(comparison.areas) - columns.size
    checks = [
        _claim(
            "treated_areas",
            "There is a treated area",
            columns.size > 0,
            f"{columns.size} area(s) are treated within the window.",
            "No area is treated within the window; choose a window that reaches past the start.",
        ),
        _claim(
            "untreated_areas",
            "There are areas to compare with",
            n_untreated >= untreated,
            f"{n_untreated} area(s) are not treated.",
            f"{n_untreated} area(s) are not treated and at least {untreated} are needed; widen the donor rule.",
        ),
    ]
    if not columns.size:
        return checks
    early = [comparison.areas[n] for n in columns if comparison.first_treated[n] == 0]
    idle = [comparison.areas[n] for n in columns if not (comparison.exposure[:, n] > 0.0).any()]
    leaking = [comparison.areas[n] for n in columns if (comparison.exposure[: comparison.first_treated[n], n] != 0.0).any()]
    exposed = (comparison.exposure != 0.0).any(axis=0) & ~comparison.treated
    loose = [comparison.areas[n] for n in np.flatnonzero(exposed)]
    checks.append(
        _claim(
            "periods_before",
            "Every treated area has a period before its start",
            not early and not leaking,
            "Every treated area has a period before its start.",
            _named(
                early, "treated from the first period, so there is nothing to compare with; start the window earlier or leave out"
            )
            + _named(leaking, "exposed before the first treated period; correct the exposure of"),
        )
    )
    checks.append(
        _claim(
            "periods_after",
            "Every treated area is exposed in some period, no untreated one is",
            not idle and not loose,
            "Every treated area is exposed in some period.",
            _named(idle, "treated but exposed in no period; correct the exposure of")
            + _named(loose, "exposed but not marked as treated; correct"),
        )
    )
    return checks


def unequal_doses(comparison: Comparison) -> list[Check]:
    """Name treated areas' doses where they differ and starts differ too: a failed check, or an empty list.

    Coefficients by event time are common to all areas. With different starts they are built from some areas early and from all
    of them later, so that different doses would turn up as an effect that grows or fades. A dose is an exposure that has stopped
    rising at the last period; windows that still fill up are none.
    """
    starts = np.unique(comparison.first_treated[comparison.treated])
    last = comparison.exposure[-2:, comparison.treated]
    doses = np.unique(np.round(last[-1][last[0] == last[-1]], 9))
    if comparison.n_periods < 2 or starts.size < 2 or doses.size < 2:
        return []
    said = ", ".join(f"{dose:.2g}" for dose in doses[:4]) + (" and others" if doses.size > 4 else "")
    text = (
        f"areas with different starts are reached in different doses ({said}), which this method would take for an effect that "
        "grows or fades. Take twfe, callaway_santanna or imputation, which set each area against its own exposure, or leave dose "
        "out of the design."
    )
    return [Check(name="one_dose", title="Reached alike", passed=False, text=text)]


def refuse(checks: Iterable[Check], comparison: Comparison) -> None:
    """Raise a `DataError` that names every failed check together."""
    failed = [check.text for check in checks if check.passed is False]
    if failed:
        where = " ".join(part for part in (comparison.outcome, comparison.area) if part) or "this comparison"
        raise DataError(f"{where}: " + " ".join(failed))


def _claim(name: str, title: str, passed: bool, good: str, bad: str) -> Check:
    return Check(name=name, title=title, passed=bool(passed), text=good if passed else bad.strip())


def _named(areas: list[str], problem: str) -> str:
    shown = ", ".join(areas[:5]) + (" and others" if len(areas) > 5 else "")
    return f"{len(areas)} area(s) are {problem} {shown}. " if areas else ""


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
