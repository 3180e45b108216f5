"""Elimination shows as much as it may, and no small cell follows from what it shows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.publish.random_towns import towns
from transforms.disclosure.elimination import shown_in_order
from transforms.disclosure.sums import sums_of

seeds = st.integers(0, 2**32 - 1)


def rank(rows: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(rows)) if len(rows) else 0


def follows(cell: np.ndarray, shown: np.ndarray) -> bool:
    return rank(np.vstack([shown, cell])) == rank(shown)


def worked(place, random):
    small = random.random(len(place.values)) < 0.3
    small &= place.members.any(axis=1)
    sums = sums_of(place.sparse, place.units, small)
    order = random.permutation(len(small))
    return small, *shown_in_order(sums, order, small)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_a_cell_is_hidden_only_where_a_small_one_would_follow_from_it(seed):
    random = np.random.default_rng(seed)
    for place in towns(seed, 5):
        small, hidden, _ = worked(place, random)
        shown = place.members[~hidden]
        assert not any(follows(cell, shown) for cell in place.members[small])
        for cell in np.flatnonzero(hidden & ~small):
            more = np.vstack([shown, place.members[[cell]]])
            assert any(follows(other, more) for other in place.members[small])


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_changes_are_all_that_leave_the_shown_cells_alone(seed):
    random = np.random.default_rng(seed)
    for place in towns(seed, 5):
        _, hidden, changes = worked(place, random)
        shown = place.members[~hidden]
        assert not (shown @ changes.T).any()
        assert rank(changes) == len(changes) == len(place.units) - rank(shown)
