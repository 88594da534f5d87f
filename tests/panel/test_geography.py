"""Areas and places: expected values are worked out by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.contracts.records import Area, CodeChange, Contracts
from evaluation.errors import DataError
from evaluation.panel.geography import add_up, aggregate, members_missing, recode_areas

NAMES = {
    "E08000016": "Barnsley",
    "E08000017": "Doncaster",
    "E08000018": "Rotherham",
    "E08000019": "Sheffield",
    "W06000004": "Denbighshire",
}


@pytest.fixture
def contracts():
    def area(code, name):
        new = {"E08000016": "E08000038", "E08000019": "E08000039"}.get(code, code)
        return Area(
            code=code,
            name=name,
            nation="Wales" if code.startswith("W") else "England",
            region="",
            combined_authority="",
            subregion="",
            latitude=None,
            longitude=None,
            code_2025=new,
        )

    def change(old, new, kind, day="2025-04-01"):
        return CodeChange(old_code=old, new_code=new, valid_from=day, kind=kind, note="")

    return Contracts(
        root=Path("."),
        areas={code: area(code, name) for code, name in NAMES.items()},
        programmes={},
        exposures=(),
        code_changes=(
            change("E08000016", "E08000038", "recode"),
            change("E08000019", "E08000039", "recode"),
            change("E07000188", "E06000066", "merge", "2023-04-01"),
        ),
        neighbours=(),
        sources={},
        outcomes={},
        designs={},
    )


def test_south_yorkshire_keeps_its_members_under_the_codes_of_2025(contracts):
    found = recode_areas(pd.Series(["E08000038", "E08000017", "E08000018", "E08000039", "E08000039"]), contracts)
    assert found.codes.tolist() == ["E08000016", "E08000017", "E08000018", "E08000019", "E08000019"]
    assert [(note.codes, note.rows) for note in found.recoded] == [(("E08000038",), 1), (("E08000039",), 2)]
    assert found.set_aside == found.unknown == ()


def test_other_geographies_are_set_aside_and_counted(contracts):
    codes = [
        "K02000001",
        "E92000001",
        "W92000004",
        "E12000001",
        "E10000006",
        "E47000002",
        "E05015239",
        "N09000001",
        "W06000004",
        "E92000001",
    ]
    found = recode_areas(pd.Series(codes), contracts)
    assert found.codes.dropna().tolist() == ["W06000004"]
    kinds = {note.what: note.rows for note in found.set_aside}
    assert kinds == {
        "United Kingdom or a group of its countries": 1,
        "country": 3,
        "region": 1,
        "county": 1,
        "combined authority": 1,
        "ward": 1,
        "district of Northern Ireland": 1,
    }
    assert found.unknown == ()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("E07000188", "was replaced by E06000066 from 2023-04-01 .merge., which a plain change of code cannot follow"),
        ("E06999999", "is not a code of the areas register"),
        (" e08000016", "write E08000016"),
        ("<<<<<<< HEAD", "is not an area code, which is a letter and eight digits"),
        ("", "is not an area code"),
    ],
)
def test_a_code_nobody_knows_is_not_set_aside(contracts, code, words):
    found = recode_areas(pd.Series([code, "E08000017"]), contracts)
    assert found.codes.isna().tolist() == [True, False]
    (note,) = found.unknown
    assert note.codes == (code,)
    assert pd.Series([note.what]).str.contains(words).all()


def test_a_place_is_the_average_of_its_people():
    #            A     B     C
    values = [[10.0, 20.0, 99.0], [12.0, 24.0, 99.0]]
    se = [[1.0, 2.0, 9.0], [1.0, 2.0, 9.0]]
    place = aggregate(np.array(values), np.array([300, 100, 5]), areas=["A", "B", "C"], members=["A", "B"], se=np.array(se))
    assert place.values.tolist() == [0.75 * 10 + 0.25 * 20, 0.75 * 12 + 0.25 * 24]
    # independent samples: variances add up, weighted by the squares
    assert place.se == pytest.approx([(0.75**2 * 1 + 0.25**2 * 4) ** 0.5] * 2, rel=1e-15)
    assert place.weights.tolist() == [[0.75, 0.25]] * 2


def test_population_may_change_from_period_to_period():
    place = aggregate(np.array([[10.0, 20.0], [10.0, 20.0]]), np.array([[1, 1], [3, 1]]), areas=["A", "B"], members=["B", "A"])
    assert place.values.tolist() == [15.0, 12.5]
    assert place.se is None
    assert place.weights.tolist() == [[0.5, 0.5], [0.25, 0.75]]


def test_a_period_without_one_member_is_missing_and_not_the_average_of_the_others():
    values = np.array([[10.0, np.nan], [10.0, 20.0]])
    place = aggregate(values, np.array([1, 1]), areas=["A", "B"], members=["A", "B"])
    assert np.isnan(place.values[0])
    assert place.values[1] == 15
    place = aggregate(values[1:], np.array([1, np.nan]), areas=["A", "B"], members=["A", "B"])
    assert np.isnan(place.values).all()


def test_counts_add_up():
    place = add_up(np.array([[10.0, 20.0]]), areas=["A", "B"], members=["A", "B"], se=np.array([[3.0, 4.0]]))
    assert place.values.tolist() == [30]
    assert place.se.tolist() == [5]


def test_a_place_with_a_member_missing_is_refused_by_name():
    with pytest.raises(DataError, match=r"South Yorkshire: has no data for E08000016, E08000019 \(2 of 4 members found"):
        aggregate(
            np.ones((1, 2)),
            np.ones(2),
            areas=["E08000017", "E08000018"],
            members=["E08000016", "E08000017", "E08000018", "E08000019"],
            place="South Yorkshire",
        )
    assert members_missing(["A", "B", "C"], ["B"]) == ("A", "C")
    with pytest.raises(DataError, match="has no members"):
        add_up(np.ones((1, 1)), areas=["A"], members=[])
    with pytest.raises(DataError, match="stands twice"):
        add_up(np.ones((1, 1)), areas=["A"], members=["A", "A"])


def test_a_population_of_zero_is_refused():
    with pytest.raises(DataError, match="population of B is not above zero"):
        aggregate(np.ones((2, 2)), np.array([1, 0]), areas=["A", "B"], members=["A", "B"])


def test_inputs_are_not_changed():
    values = np.array([[1.0, 2.0]])
    population = np.array([2.0, 2.0])
    aggregate(values, population, areas=["A", "B"], members=["A", "B"])
    assert values.tolist() == [[1, 2]]
    assert population.tolist() == [2, 2]
