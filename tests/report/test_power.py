"""Figure, tables and words of power: what they say is what the record says."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import make_panel
from invented import RATE
from lxml import etree
from report.invented_book import make_power

from evaluation.report.figure_power import figure_noise, figure_power, write_power
from evaluation.report.tables import to_frame
from evaluation.report.tables_power import table_follow_up, table_power
from evaluation.report.wording import check_wording
from evaluation.results import PowerPoint

POWER = replace(
    make_power("amber-vale", "Amber Vale"),
    points=(
        *(PowerPoint(follow_up=n, mde=2.0 / n, sampling_share=0.5, before=20 - n) for n in (1, 2, 3, 4)),
        PowerPoint(follow_up=5, mde=None),
    ),
    available=2,
    cap=0.7,
    plausible=0.25,
    note="Measured before the start.",
)


def test_the_picture_says_what_the_record_says():
    picture = figure_power(POWER, RATE)
    etree.fromstring(picture.svg)
    assert picture.svg == figure_power(POWER, RATE).svg
    assert picture.name == "power-idle-rate-amber-vale"
    assert "2.0 percentage points after 1 quarter and 0.5 percentage points after 4 quarters" in picture.alt
    assert "0.7 percentage points at most" in picture.alt
    assert picture.caption not in picture.alt
    assert picture.data["smallest detectable"].isna().tolist() == [False] * 4 + [True]
    assert any("1 of 5 lengths" in note for note in picture.notes)
    assert any("2 quarters, what the data have now" in note for note in picture.notes)


@pytest.mark.parametrize(
    "changes",
    [
        {"cap": None},
        {"cap": 90.0},
        {"plausible": None},
        {"plausible": 50.0},
        {"available": 0},
        {"available": 40},
        {"points": tuple(replace(p, mde=None) for p in POWER.points)},
    ],
)
def test_what_is_missing_or_large_does_not_stop_it(changes):
    power = replace(POWER, **changes)
    picture = figure_power(power, RATE)
    etree.fromstring(picture.svg)
    for text in (picture.alt, picture.caption, *picture.notes, write_power(power, RATE)):
        assert not check_wording(text)
    if power.cap is None:
        assert any("not established" in note for note in picture.notes)
    elif power.cap > 10:
        assert any("above the picture" in note for note in picture.notes)


def test_the_words():
    said = write_power(POWER, RATE)
    assert said.startswith("The smallest difference we could reliably detect after 2 quarters is 1.0 percentage points.")
    assert "after 4 quarters is 0.5 percentage points" in said
    assert "The programme could at most change the idle rate by 0.7 percentage points." in said
    nothing = write_power(replace(POWER, points=(), available=0, cap=None), RATE)
    assert "cannot be computed" in nothing
    assert "not established" in nothing
    assert "no figure wholly after the start yet" in nothing


def test_one_area_by_follow_up():
    frame = to_frame(table_follow_up(POWER, RATE, caption="By follow-up"))
    assert frame["Quarters after"].tolist() == ["1", "2", "3", "4", "5"]
    assert frame.iloc[0].tolist() == ["1", "19", "2.0", "50"]
    assert frame.iloc[4].tolist() == ["5", "[x]", "[x]", "[x]"]


def test_areas_side_by_side():
    table = table_power([replace(POWER, area="all", cap=None), POWER], RATE, caption="By area")
    frame = to_frame(table)
    assert frame["Area"].tolist() == ["All areas together", "Amber Vale"]
    assert frame["After 4 quarters"].tolist() == ["0.5", "0.5"]
    assert frame["After 12 quarters"].tolist() == ["[x]", "[x]"]
    assert frame["Most the programme could do"].tolist() == ["[x]", "0.7"]


def test_noise_is_what_moves_beside_the_untreated():
    comparison = make_panel(seed=1)
    picture = figure_noise(comparison, RATE)
    etree.fromstring(picture.svg)
    line = picture.data["treated"].to_numpy()
    assert line.mean() == pytest.approx(0.0, abs=1e-9), "less its own mean"
    shifted = replace(comparison, y=comparison.y + np.arange(comparison.n_periods)[:, None])
    assert figure_noise(shifted, RATE).data["treated"].to_numpy() == pytest.approx(line), "a change everywhere is none"
