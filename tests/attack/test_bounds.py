"""How far the attacker gets: what brute force says, and what must never make a difference."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from transforms.attack.bounds import bounds
from transforms.attack.nested import bounds_of_rows
from transforms.attack.swaps import sure_width
from transforms.attack.system import AttackError, System, members
from transforms.attack.verdict import Verdict, verdicts


def system(sets, sums, *, least=0, most=np.inf, slack=0, unknowns=None) -> System:
    count = unknowns or 1 + max(position for one in sets for position in one)
    sums = np.array(sums, float)
    return System(
        rows=members(sets, count),
        low=sums - slack,
        high=sums + slack,
        least=np.broadcast_to(np.array(least, float), count).copy(),
        most=np.broadcast_to(np.array(most, float), count).copy(),
    )


def between(known: System, *targets) -> list[tuple[float, float]]:
    low, high = bounds(known, members([list(one) for one in targets], len(known.least)))
    return [(round(a, 6), round(b, 6)) for a, b in zip(low, high, strict=True)]


@st.composite
def published(draw, *, most=3, ways=3):
    """A small table by one, two or three names, some sums of it with some slack, and the truth."""
    sides = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    assume(np.prod(sides) <= 8)
    places = list(itertools.product(*(range(side) for side in sides)))
    truth = draw(st.lists(st.integers(0, most), min_size=len(places), max_size=len(places)))
    lines = [list(range(len(places)))]
    for axis, side in enumerate(sides[:ways]):
        lines += [[at for at, place in enumerate(places) if place[axis] == x] for x in range(side)]
    shown = [line for line in lines if draw(st.booleans())] or lines[:1]
    slack = draw(st.lists(st.integers(0, 2), min_size=len(shown), max_size=len(shown)))
    sums = [sum(truth[at] for at in line) for line in shown]
    known = system(shown, sums, most=most, slack=slack, unknowns=len(places))
    return known, np.array(truth, float), lines


def by_trying_all(known: System, targets, most=3) -> list[tuple[int, int]]:
    every = np.array(list(itertools.product(range(most + 1), repeat=len(known.least))))
    sums = every @ known.rows.toarray().T
    fits = ((sums >= known.low) & (sums <= known.high)).all(axis=1)
    reached = [every[fits][:, list(one)].sum(axis=1) for one in targets]
    return [(int(one.min()), int(one.max())) for one in reached]


@settings(max_examples=60, deadline=None)
@given(published(ways=2))
def test_bounds_are_those_of_trying_every_table(case):
    low, high, tried = bounds_and_tried(case)
    assert np.allclose(low, tried[:, 0], atol=1e-6)
    assert np.allclose(high, tried[:, 1], atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(published())
def test_no_table_lies_outside_the_bounds(case):
    # With three crossing lists a linear program may miss that pupils are whole, and be wider.
    low, high, tried = bounds_and_tried(case)
    assert (low <= tried[:, 0] + 1e-6).all()
    assert (high >= tried[:, 1] - 1e-6).all()


def bounds_and_tried(case):
    known, _, lines = case
    targets = [*lines, *([at] for at in range(len(known.least)))]
    low, high = bounds(known, members(targets, len(known.least)))
    return low, high, np.array(by_trying_all(known, targets))


@settings(max_examples=60, deadline=None)
@given(published(), st.randoms(use_true_random=False))
def test_names_and_order_make_no_difference(case, random):
    known, _, lines = case
    targets = members(lines, len(known.least))
    columns, rows = list(range(len(known.least))), list(range(len(known.low)))
    random.shuffle(columns)
    random.shuffle(rows)
    renamed = System(
        rows=sparse.csr_array(known.rows[rows][:, columns]),
        low=known.low[rows],
        high=known.high[rows],
        least=known.least[columns],
        most=known.most[columns],
    )
    there = bounds(renamed, sparse.csr_array(targets[:, columns]))
    assert np.allclose(there, bounds(known, targets), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(published(), st.data())
def test_another_published_line_never_widens_what_can_be(case, data):
    known, truth, lines = case
    line = data.draw(st.sampled_from(lines))
    value = truth[line].sum()
    more = replace(
        known,
        rows=sparse.csr_array(sparse.vstack([known.rows, members([line], len(truth))])),
        low=np.append(known.low, value),
        high=np.append(known.high, value),
    )
    targets = members(lines, len(truth))
    before, after = bounds(known, targets), bounds(more, targets)
    assert (after[0] >= before[0] - 1e-6).all()
    assert (after[1] <= before[1] + 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(published())
def test_what_moves_without_a_linear_program_moves_with_one(case):
    known, truth, lines = case
    targets = members([*lines, [0]], len(truth))
    low, high = bounds(known, targets)
    assert (sure_width(known, targets, truth) <= high - low + 1e-6).all()


@settings(max_examples=40, deadline=None)
@given(published(ways=1))
def test_nested_sums_need_no_linear_program(case):
    known, _, _ = case
    found = bounds_of_rows(known)
    assert found is not None
    tried = by_trying_all(known, [row.nonzero()[0] for row in known.rows.toarray()])
    assert list(zip(*found, strict=True)) == tried


def test_two_crossing_lists_are_not_nested():
    assert bounds_of_rows(system([[0, 1], [0, 2]], [3, 3], unknowns=4)) is None


def test_a_single_hidden_cell_of_a_line_is_what_the_others_leave():
    known = system([[0, 1, 2], [1], [2]], [20, 9, 8])
    assert between(known, [0]) == [(3, 3)]


def test_four_hidden_cells_in_a_square_may_be_moved_around():
    known = system([[0, 1], [2, 3], [0, 2], [1, 3]], [7, 9, 6, 10])
    assert between(known, [0], [3]) == [(0, 6), (3, 9)]


def test_two_hidden_cells_a_line_may_still_be_worked_out():
    # Each line and each column hides two, yet the left upper corner alone ties the two halves.
    sets = [[0, 1], [1, 2], [0, 2]]
    assert between(system(sets, [5, 7, 6]), [0], [1], [2]) == [(2, 2), (3, 3), (4, 4)]


def test_rounding_leaves_the_slack_of_every_line():
    known = system([[0, 1, 2], [1], [2]], [20, 10, 10], slack=2)
    assert between(known, [0]) == [(0, 6)]


def test_a_second_edition_with_one_pupil_less_gives_that_pupil_away():
    first = system([[0, 1, 2]], [8], most=[30, 30, 1])
    both = system([[0, 1, 2], [0, 1]], [8, 7], most=[30, 30, 1])
    assert between(first, [2]) == [(0, 1)]
    assert between(both, [2]) == [(1, 1)]


def test_half_a_year_that_is_hidden_stands_in_the_year_and_the_other_half():
    # Groups 0-2 in the first half, 3-5 in the second: the first hid 0 and 1 of a total that it
    # showed; a year's table that does not know of it hides other groups.
    first, later = ([[0, 1, 2], [2]], [20, 6]), ([[0, 3], [3]], [14, 9])
    unaware = system(first[0] + later[0], first[1] + later[1])
    aware = system([*first[0], [1, 4], [2, 5]], [*first[1], 17, 15])
    assert between(unaware, [0], [1]) == [(5, 5), (9, 9)]
    assert all(high - low >= 5 for low, high in between(aware, [0], [1]))


def test_pieces_that_share_no_line_do_not_meet():
    known = system([[0, 1], [2, 3]], [4, 6])
    assert between(known, [0, 2], [0, 1, 2, 3]) == [(0, 10), (10, 10)]


def test_what_contradicts_itself_is_an_error():
    for known in (
        system([[0, 1], [0], [1]], [3, 2, 2]),
        system([[0, 1], [1, 2], [0, 2]], [9, 1, 1]),
    ):
        with pytest.raises(AttackError, match=r"no numbers fit|not solved"):
            bounds(known, members([[0]], len(known.least)))


def test_a_figure_without_a_limit_is_an_error():
    with pytest.raises(AttackError, match="no limit"):
        bounds(system([[0, 1]], [4], unknowns=3), members([[2]], 3))


def test_a_linear_program_that_gets_no_time_is_an_error():
    sets = [[0, 1], [2, 3], [0, 2], [1, 3]]
    known = system(sets, [7, 9, 6, 10], slack=1)
    with pytest.raises(AttackError, match="not solved"):
        bounds(known, members([[0]], 4), seconds=0.0)


def test_true_numbers_that_do_not_fit_the_print_are_an_error():
    known = system([[0, 1]], [4])
    with pytest.raises(AttackError, match="do not fit"):
        sure_width(known, members([[0]], 2), np.array([3.0, 3.0]))


def test_verdicts():
    low, high = np.array([3, 0, 0, 2.1, 2.5]), np.array([3, 4, 5, 3.9, 9.5])
    wanted = np.full(5, 5.0)
    assert list(verdicts(low, high, wanted, whole=True)) == [
        Verdict.PINNED,
        Verdict.NARROWED,
        Verdict.OPEN,
        Verdict.PINNED,  # three is the only whole number between
        Verdict.OPEN,
    ]
    assert verdicts(low, high, wanted, whole=False)[3] == Verdict.NARROWED
