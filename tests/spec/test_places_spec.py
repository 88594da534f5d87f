"""Drawing placebo places and carrying them out, on maps drawn by hand."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel, make_places

from evaluation.numerics import places
from evaluation.numerics.places import STAYS, _grow, draw_places, merge_places
from evaluation.results import NEVER


def joined(members, borders):
    """Whether some areas hang together."""
    reached, todo = {members[0]}, [members[0]]
    while todo:
        here = todo.pop()
        for n in members:
            if n not in reached and borders[here, n]:
                reached.add(n)
                todo.append(n)
    return len(reached) == len(members)


def test_one_authority_takes_every_place_in_turn():
    chosen = draw_places(make_panel(n_areas=5, starts=(8,)), draws=99, seed=0)
    assert chosen.exhaustive
    assert chosen.distinct == 4
    assert chosen.groups.tolist() == np.where(np.eye(4), 0, STAYS).tolist()


def test_several_authorities_are_drawn_without_replacement_and_with_equal_odds():
    chosen = draw_places(make_panel(n_areas=7, starts=(7, 9)), draws=20_000, seed=1)
    assert not chosen.exhaustive
    assert ((chosen.groups == 0).sum(axis=1) == 1).all()
    assert ((chosen.groups == 1).sum(axis=1) == 1).all()
    pairs = 5 * (chosen.groups == 0).argmax(axis=1) + (chosen.groups == 1).argmax(axis=1)
    found, counts = np.unique(pairs, return_counts=True)
    assert len(found) == 20
    # 1,000 expected each, standard deviation 31
    assert np.abs(counts - 1000).max() < 150


def grow_slowly(borders, regions, wanted, draws, random):
    """Draw by draw, counting off the areas allowed one by one; the lots are those of all draws together."""
    everywhere = range(len(borders))
    groups = np.full((draws, len(borders)), STAYS)
    order = sorted(range(len(wanted)), key=lambda k: -wanted[k])
    for k in (k for k in order if wanted[k] > 1):
        members = [[] for _ in range(draws)]
        for _ in range(wanted[k]):
            for d, lot in enumerate(random.random(draws)):
                free = [n for n in everywhere if groups[d, n] == STAYS]
                beside = [n for n in free if any(borders[m, n] for m in members[d])]
                same = [n for n in free if members[d] and regions[n] == regions[members[d][0]]]
                allowed = beside or same or free
                members[d].append(allowed[int(lot * len(allowed))])
                groups[d, members[d][-1]] = k
    single = [k for k in order if wanted[k] == 1]
    if single:
        for d, lots in enumerate(random.random(groups.shape)):
            free = sorted((n for n in everywhere if groups[d, n] == STAYS), key=lambda n: lots[n])
            groups[d, free[: len(single)]] = single
    return groups


def test_places_grow_as_drawn_by_hand():
    """Forty areas in four regions on a sparse map, so that some places run out of neighbours, and some of their region."""
    random = np.random.default_rng(3)
    borders = random.random((40, 40)) < 0.04
    borders = (borders | borders.T) & ~np.eye(40, dtype=bool)
    regions = np.repeat(np.arange(4), [2, 3, 15, 20])
    for wanted in ([5, 2], [1, 4, 1, 3], [1, 1]):
        expected = grow_slowly(borders, regions, wanted, 60, np.random.default_rng(8))
        found = _grow(borders, regions[:, None] == regions, np.array(wanted), 60, np.random.default_rng(8))
        assert np.array_equal(found, expected)


def test_places_are_drawn_once_for_all_who_ask_and_nobody_can_change_them(monkeypatch):
    drawn = []
    monkeypatch.setattr(places, "_grow", lambda *given: drawn.append(given) or _grow(*given))
    comparison = make_places(sizes=(3, 2), starts=(8, 7))
    one, same = (draw_places(comparison, draws=31, seed=1234).groups for _ in range(2))
    assert len(drawn) == 1
    assert np.array_equal(one, same)
    with pytest.raises(ValueError, match="read-only"):
        one[0, 0] = 7


def test_places_that_were_carried_out_border_what_their_areas_border():
    comparison = make_places(sizes=(3, 2), starts=(8, 7))
    donors = np.flatnonzero(~comparison.treated)
    for group in draw_places(comparison, draws=5, seed=2).groups:
        parts = [donors[group == k] for k in range(2)] + [[n] for n in donors[group == STAYS]]
        expected = [[one is not other and comparison.neighbours[np.ix_(one, other)].any() for other in parts] for one in parts]
        found = merge_places(comparison, group).neighbours
        assert found.dtype == bool
        assert found.tolist() == expected


def test_the_seed_makes_the_draw():
    comparison = make_places(sizes=(3, 2), starts=(8, 7))
    one, same, other = (draw_places(comparison, draws=30, seed=seed).groups for seed in (4, 4, 5))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_places_hang_together_have_the_right_size_and_do_not_overlap():
    comparison = make_places(sizes=(3, 1, 4), starts=(8, 7, 9), n_areas=51)
    chosen = draw_places(comparison, draws=200, seed=0)
    borders = comparison.neighbours[np.ix_(~comparison.treated, ~comparison.treated)]
    assert chosen.groups.shape == (200, 48)
    assert chosen.groups.min() == STAYS
    for group in chosen.groups:
        assert [(group == k).sum() for k in range(3)] == [3, 1, 4]
        # drawn first, the largest finds neighbours anywhere on this map
        assert joined(np.flatnonzero(group == 2).tolist(), borders)
    assert chosen.distinct > 190


def test_without_a_neighbour_left_the_region_helps_and_then_anything():
    """B, C and D stand apart, C and D in one region: a place of two is C and D, or B with either."""
    comparison = draw_by_hand([[1, 2]] * 4, starts={0: 1}, weights=np.ones(4))
    borders = np.zeros((4, 4), dtype=bool)
    comparison = replace(comparison, sizes=np.array([2, 1, 1, 1]), neighbours=borders, regions=("w", "north", "south", "south"))
    groups = draw_places(comparison, draws=600, seed=0).groups == 0
    assert (groups.sum(axis=1) == 2).all()
    b, c, d = groups.T
    # B is first in a third of the draws and then takes either; C and D take each other
    assert (b & c).sum() + (b & d).sum() + (c & d).sum() == 600
    assert (c & d).sum() == pytest.approx(400, abs=60)
    assert (b & c).sum() == pytest.approx(100, abs=45)


def test_neighbours_come_before_the_region():
    """B borders C across the region's edge; D is of B's region and borders nobody."""
    comparison = draw_by_hand([[1, 2]] * 4, starts={0: 1}, weights=np.ones(4))
    borders = np.zeros((4, 4), dtype=bool)
    borders[[1, 2], [2, 1]] = True
    comparison = replace(comparison, sizes=np.array([2, 1, 1, 1]), neighbours=borders, regions=("w", "north", "south", "north"))
    groups = draw_places(comparison, draws=300, seed=0).groups == 0
    b, c, d = groups.T
    # D starts a third of the draws and takes B, of its region; B and C take each other
    assert (c & d).sum() == 0
    assert (b & c).sum() == pytest.approx(200, abs=45)


def test_no_assignment_where_no_comparison_area_would_be_left():
    assert draw_places(make_panel(n_areas=4, starts=(8, 8)), draws=9, seed=0).groups.shape == (0, 2)
    comparison = replace(make_panel(n_areas=4, weighted=True), sizes=np.array([3, 1, 1, 1]))
    assert draw_places(comparison, draws=9, seed=0).groups.shape == (0, 3)


def test_merging_by_hand():
    """B (weight 1) and D (weight 3) stand in for the treated place; C and E stay."""
    comparison = draw_by_hand(
        [[9, 9], [10, 14], [1, 2], [2, 4], [5, 6]],
        starts={0: 1},
        exposure={0: [0, 0.25]},
        weights=[7.0, 1.0, 2.0, 3.0, 5.0],
        se=[[0.9, 0.4, 0.1, 0.8, 0.2]] * 2,
    )
    borders = np.zeros((5, 5), dtype=bool)
    for one, other in ((1, 3), (3, 2), (0, 4)):
        borders[one, other] = borders[other, one] = True
    comparison = replace(
        comparison,
        sizes=np.array([2, 1, 1, 1, 1]),
        neighbours=borders,
        regions=("w", "north", "east", "south", "south"),
        clusters=("w", "b", "c", "d", "e"),
        covariates={"x": np.array([[9.0, 4, 1, 0, 1]] * 2)},
    )
    merged = merge_places(comparison, np.array([0, STAYS, 0, STAYS]))
    assert merged.areas == ("A001", "A002", "A004")
    assert merged.y.tolist() == [[(10 + 3 * 2) / 4, 1, 5], [(14 + 3 * 4) / 4, 2, 6]]
    assert merged.weights.tolist() == [1 + 3, 2, 5]
    assert merged.first_treated.tolist() == [1, NEVER, NEVER]
    assert merged.exposure.tolist() == [[0, 0, 0], [0.25, 0, 0]]
    # independent samples: variances add up by the squared shares of 1/4 and 3/4
    assert merged.se[0] == pytest.approx([np.sqrt((0.4 / 4) ** 2 + (3 * 0.8 / 4) ** 2), 0.1, 0.2])
    assert merged.covariates["x"][0].tolist() == [4 / 4, 1, 1]
    assert merged.sizes.tolist() == [2, 1, 1]
    assert merged.regions == ("north", "east", "south")
    assert merged.clusters == ("b", "c", "e")
    # D borders C, so the place does; nobody borders itself
    assert merged.neighbours.tolist() == [[False, True, False], [True, False, False], [False, False, False]]


def test_places_stand_in_the_order_of_the_treated_areas():
    comparison = make_places(sizes=(1, 2), starts=(9, 7), n_areas=8)
    merged = merge_places(comparison, np.array([STAYS, 1, 1, 0, STAYS, STAYS]))
    assert merged.first_treated.tolist() == [9, 7, NEVER, NEVER, NEVER]
    assert merged.y[:, 0] == pytest.approx(comparison.y[:, 5])
    assert merged.weights[1] == pytest.approx(comparison.weights[3:5].sum())


def test_without_weights_places_are_single_authorities():
    comparison = make_panel(n_areas=6, starts=(7, 9))
    merged = merge_places(comparison, np.array([1, STAYS, 0, STAYS]))
    assert merged.weights is None
    assert np.array_equal(merged.y, comparison.y[:, [4, 2, 3, 5]])
