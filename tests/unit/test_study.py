"""Opening a study: from the demonstration, from a finished panel, from published files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support_paths import SHARED

from evaluation import project
from evaluation.contracts.load import load_contracts
from evaluation.design import study
from evaluation.design.protocol import load_design
from evaluation.design.study import open_study, panel_outcomes
from evaluation.errors import ConfigurationError
from evaluation.results import NEVER

TRAILBLAZERS = "economic-inactivity-trailblazers"
UNIVERSAL_CREDIT = "universal-credit-rollout"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(project, "RUNS", tmp_path)
    return tmp_path


def test_the_demonstration_is_made_once_and_says_what_it_is(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_study(TRAILBLAZERS)
    assert first.panel.synthetic
    assert "SYNTHETIC DATA" in repr(first)
    assert first.design.question in repr(first)
    comparison = first.comparison("claimant_rate", "greater-manchester")
    assert comparison.synthetic
    assert comparison.areas[0] == "greater-manchester"
    assert first.residents("claimant_rate", "greater-manchester") == comparison.weights[0]  # type: ignore[index]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("made again although nothing changed")

    folder = runs / "demonstration-data" / TRAILBLAZERS
    with monkeypatch.context() as patched:
        patched.setattr(study, "write_demonstration", refuse)
        again = open_study(TRAILBLAZERS)
        assert again.panel.frame.equals(first.panel.frame)
        for given in (folder, folder / "panel.parquet", str(folder)):
            assert open_study(TRAILBLAZERS, given).panel.frame.equals(first.panel.frame)
        (folder / "made_from.txt").write_text("another design\n", "utf-8")
        with pytest.raises(AssertionError, match="made again"):
            open_study(TRAILBLAZERS)
    # what was interrupted before the mark was written is made again
    assert open_study(TRAILBLAZERS).panel.frame.equals(first.panel.frame)


def test_refuses_two_origins(runs: Path) -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        open_study(TRAILBLAZERS, "panel.parquet", data="data")
    assert not (runs / "demonstration-data").exists()


def test_a_place_study_needs_the_population_too() -> None:
    contracts = load_contracts()
    assert panel_outcomes(load_design(contracts, TRAILBLAZERS), contracts) == (
        "claimant_rate",
        "employment_rate",
        "inactivity_rate",
        "population_16_64",
    )
    assert panel_outcomes(load_design(contracts, UNIVERSAL_CREDIT), contracts) == ("claimant_rate_annual",)


def test_the_roll_out_of_universal_credit_gives_the_effects_found_elsewhere() -> None:
    """From the published file to the comparison: Callaway and Sant'Anna (2021) with not yet treated areas, by event time.

    0.035, 0.599 and 0.812 percentage points at event times 0, 1 and 2 are another package's results on the same data.
    """
    data = SHARED / "data" / "uk" / "raw"
    if not data.is_dir():
        pytest.skip(f"the published files are not here: {data}")
    found = open_study(UNIVERSAL_CREDIT, data=data).comparison("claimant_rate_annual", "all")
    assert not found.synthetic
    first, y = found.first_treated, found.y
    sizes = {year: int((first == t).sum()) for t, year in enumerate(found.periods) if (first == t).any()}
    assert sizes == {"2015": 3, "2016": 22, "2017": 95}
    assert int((first == NEVER).sum()) == 225  # they start in 2018
    for event_time, expected in ((0, 0.035), (1, 0.599), (2, 0.812)):
        effects, areas = [], []
        for start in sorted(set(first.tolist()) - {NEVER}):
            t = start + event_time
            if t < found.n_periods:
                change = y[t] - y[start - 1]
                waiting = (first == NEVER) | (first > t)
                effects.append(change[first == start].mean() - change[waiting].mean())
                areas.append((first == start).sum())
        assert np.average(effects, weights=areas) == pytest.approx(expected, abs=0.0006)
