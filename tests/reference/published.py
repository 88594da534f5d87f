"""Published numbers, and what our estimators give for them."""

from __future__ import annotations

import keyword
from dataclasses import dataclass

import pandas as pd
from support_paths import SHARED

BENCHMARKS = SHARED / "data" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Reached:
    """What we get for one published number."""

    value: float
    se: float | None = None
    note: str = ""
    """Why the value differs from the published one."""
    se_note: str = ""
    """Why the standard error does, which is not held to the published one."""


def benchmark(name: str) -> pd.DataFrame:
    """One benchmark data set; columns named like a Python keyword get a trailing underscore."""
    frame = pd.read_csv(BENCHMARKS / f"{name}.csv")
    return frame.rename(columns={column: f"{column}_" for column in frame.columns if keyword.iskeyword(column)})


def published() -> pd.DataFrame:
    """Every published number, by identifier."""
    return pd.read_csv(BENCHMARKS / "published_results.csv", dtype=str, keep_default_na=False).set_index("result_id")
