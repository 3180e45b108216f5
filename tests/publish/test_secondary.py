"""Sums of any shape: what is small cannot be worked out from what is shown."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tests.publish.random_towns import Town, towns
from tests.publish.readers_sums import Read, pinned, spans
from tests.support.examples import examples
from transforms.disclosure.secondary import Protected, protect
from transforms.disclosure.small_sums import all_but_few, few, few_contributors
from transforms.disclosure.sums import sums_of

TABLES = 50  # a seed; all tests together work two thousand tables a run
seeds = st.integers(0, 2**32 - 1)


def hide(place: Town, *, zeros: bool, width: int = 1, together: bool = False) -> Protected:
    """Counts of 1-4 are small; of none, too, where zeros are not always shown."""
    small = few(place.values, 4, zeros=zeros)
    sums = sums_of(place.sparse, place.units, small, zeros_shown=not zeros)
    return protect(sums, width=width, equals_together=together)


def as_read(place: Town, done: Protected, *, zeros: bool) -> Read:
    return Read(place.members, place.values, done.hidden, 0 if zeros else 1)


@settings(max_examples=examples(20, deep=200), deadline=None)
@given(seeds, st.booleans(), st.booleans())
@example(seed=816574394, zeros=False, together=False)  # hid three fives beside a zero, all in vain
def test_no_hidden_cell_of_a_random_town_can_be_worked_out(seed, zeros, together):
    places = towns(seed, TABLES)
    done = [hide(place, zeros=zeros, together=together) for place in places]
    found = spans([as_read(*one, zeros=zeros) for one in zip(places, done, strict=True)])
    for place, one, width in zip(places, done, found, strict=True):
        assert not one.exposed.any()
        assert one.hidden[few(place.values, 4, zeros=zeros)].all()
        assert (width > 1 - 1e-6).all()


@settings(max_examples=examples(8, deep=100), deadline=None)
@given(seeds, st.booleans())
def test_small_counts_are_left_uncertain_by_the_width_asked_for(seed, zeros):
    places = towns(seed, TABLES)
    done = [hide(place, zeros=zeros, width=5) for place in places]
    found = spans([as_read(*one, zeros=zeros) for one in zip(places, done, strict=True)])
    for place, one, width in zip(places, done, found, strict=True):
        small = few(place.values, 4, zeros=zeros)[one.hidden]
        assert not one.exposed.any()
        assert (width[small] > 5 - 1e-6).all()
        proven = np.minimum(one.width[one.hidden], 100)
        assert (width > proven - 1e-6).all()


@settings(max_examples=examples(20, deep=100), deadline=None)
@given(seeds)
def test_order_and_names_of_cells_and_units_do_not_matter(seed):
    random = np.random.default_rng(seed)
    for place in towns(seed, 20):
        cells, units = (random.permutation(size) for size in place.members.shape)
        renamed = Town(place.members[cells][:, units], place.units[units])
        before, after = (hide(town, zeros=False, together=True) for town in (place, renamed))
        assert (after.hidden == before.hidden[cells]).all()


@settings(max_examples=examples(4, deep=40), deadline=None)
@given(seeds, st.sampled_from([1, -1]))
def test_one_pupil_more_or_less_opens_no_new_edition(seed, step):
    """What is out is known: the next edition may not say who came or left."""
    random = np.random.default_rng(seed)
    read = []
    for place in towns(seed, 10):
        first = hide(place, zeros=True)
        unit = random.choice(np.flatnonzero(place.units + step >= 0))
        done = protect(two_editions(place, first, unit, step))
        assert not done.exposed.any()
        read.append(two_read(place, first, done, unit, step))
    assert pinned(*read) == 0


def two_editions(place: Town, first: Protected, unit: int, step: int):
    """The old edition's cells, the new one's, and what their difference would say of newcomers.

    Whoever left is counted in the old edition alone, so both are sums of those who stayed and those
    who changed.
    """
    members, units = joined(place, unit, step)
    values = members @ units
    count = len(place.values)
    old, new = np.arange(3 * count) < count, np.arange(3 * count) // count == 1
    return sums_of(
        csr_array(members),
        units,
        few(values, 4, zeros=True) & ~(old & ~np.tile(first.hidden, 3)),
        out=old & ~np.tile(first.hidden, 3),
        virtual=~old & ~new,
    )


def joined(place: Town, unit: int, step: int):
    stayed = place.units - (step < 0) * (np.arange(len(place.units)) == unit)
    changed = (np.arange(len(place.units)) == unit).astype(np.int64)
    nobody = np.zeros_like(place.members)
    before = np.hstack([place.members, place.members if step < 0 else nobody])
    after = np.hstack([place.members, place.members if step > 0 else nobody])
    change = np.hstack([nobody, place.members])
    return np.vstack([before, after, change]), np.concatenate([stayed, changed])


def two_read(place: Town, first: Protected, done: Protected, unit: int, step: int) -> Read:
    members, units = joined(place, unit, step)
    count = len(place.values)
    hidden = np.concatenate([first.hidden, done.hidden[count : 2 * count], np.ones(count, bool)])
    return Read(members, members @ units, hidden)


@settings(max_examples=examples(5, deep=50), deadline=None)
@given(seeds)
def test_merging_two_classes_never_tells_what_was_hidden(seed):
    """The merged table is published instead; what was small in the finer one stays unknown."""
    random = np.random.default_rng(seed)
    read = []
    for place in towns(seed, 20):
        merged = merge(place, *random.choice(len(place.units), 2, replace=False))
        done = hide(merged, zeros=True)
        small = few(place.values, 4, zeros=True)
        finer = np.vstack([merged.members, place.members[small]])
        hidden = np.concatenate([done.hidden, np.ones(small.sum(), bool)])
        read.append(Read(finer, finer @ place.units, hidden))
    assert pinned(*read) == 0


def merge(place: Town, one: int, other: int) -> Town:
    """The same town where two units are one: cells that had either now have both."""
    members = place.members.copy()
    either = members[:, one] | members[:, other]
    members[:, one] = members[:, other] = either
    return Town(np.unique(members, axis=0), place.units)


def small_table(rows, units, small, **known) -> Protected:
    members = csr_array(np.array(rows, np.int64))
    return protect(sums_of(members, np.array(units), np.array(small, bool), **known))


THREE = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]


def test_two_ones_behind_shown_zeros_take_a_third_with_them():
    assert list(small_table(THREE, [1, 2, 1], [1, 0, 1, 0]).hidden) == [True, False, True, False]
    known = small_table(THREE, [1, 2, 1], [1, 0, 1, 0], zeros_shown=True)
    assert list(known.hidden) == [True, True, True, False]


def test_two_zeros_take_a_third_with_them_that_is_none():
    assert list(small_table(THREE, [0, 9, 0], [1, 0, 1, 0]).hidden) == [True, True, True, False]


def test_smallest_is_hidden_for_another_unless_it_is_worth_more():
    units, small = [2, 9, 30], [1, 0, 0, 0]
    assert list(small_table(THREE, units, small).hidden) == [True, True, False, False]
    worth = np.array([2, 90, 30, 41])
    assert list(small_table(THREE, units, small, worth=worth).hidden) == [True, False, True, False]


def test_equals_are_hidden_together_where_that_is_asked():
    rows = [*np.eye(4, dtype=np.int64), [1, 1, 1, 1]]
    sums = sums_of(csr_array(np.array(rows)), np.array([2, 9, 9, 30]), np.arange(5) == 0)
    assert protect(sums).hidden.sum() == 2
    assert list(protect(sums, equals_together=True).hidden) == [True, True, True, False, False]


def test_difference_that_nobody_prints_is_protected_like_a_cell():
    rows = [[1, 1], [1, 0], [0, 1]]  # everyone, boys, and girls who are in no table
    of_girls = {"virtual": np.array([False, False, True])}
    assert list(small_table(rows, [40, 2], [0, 0, 1], **of_girls).hidden) == [False, True, False]


def test_what_is_out_stays_out_and_a_table_that_cannot_be_saved_says_so():
    out = np.array([False, True, True, True])
    done = small_table(THREE, [2, 9, 30], [1, 0, 0, 0], out=out)
    assert list(done.hidden) == [True, False, False, False]
    assert list(done.exposed) == [True, False, False, False]


def test_cap_of_a_hidden_cell_counts_as_known():
    rows, units, small = [[1, 0], [0, 1], [1, 1]], [5, 5], [1, 0, 0]
    assert list(small_table(rows, units, small).hidden) == [True, True, False]
    cap, floor = np.array([5, 5, 99]), np.array([0, 5, 0])  # then the total says that both are full
    done = small_table(rows, units, small, cap=cap, floor=floor)
    assert done.hidden[2]


def test_large_magnitudes_are_proven_to_the_unit():
    units = np.array([3_000_000_001, 7, 9_000_000_000, 12_345_678_901])
    rows = np.vstack([np.eye(4, dtype=np.int64), [[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]]])
    done = protect(sums_of(csr_array(rows), units, np.arange(7) == 1), width=2_000_000_000)
    assert done.width[1] >= 2_000_000_000
    widths = spans([Read(rows, rows @ units, done.hidden)])[0]
    assert (widths > 1).all()


def test_sums_that_contradict_what_is_known_are_refused():
    for known in ({"least": np.array([3, 0, 0])}, {"cap": np.array([9, 8, 9, 99])}):
        with pytest.raises(ValueError, match="less or more"):
            small_table(THREE, [2, 9, 9], [0, 0, 0, 0], **known)
    with pytest.raises(ValueError, match="always shown"):
        small_table(THREE, [0, 9, 9], [1, 0, 0, 0], zeros_shown=True)
    with pytest.raises(ValueError, match="3 units"):
        small_table(THREE, [0, 9], [1, 0, 0, 0])


def test_rules_of_small_sums():
    values = np.array([0, 1, 4, 5])
    assert list(few(values, 4, zeros=False)) == [False, True, True, False]
    assert list(few(values, 4, zeros=True)) == [True, True, True, False]
    members = csr_array(np.array([[1, 1, 0], [1, 0, 1], [0, 0, 0]]))
    assert list(few_contributors(members, np.array([7, 7, 2]), 1)) == [True, False, False]
    cells = csr_array(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]))
    assert list(all_but_few(cells, np.array([8, 1, 0, 9]), 0)) == [False] * 4
    assert list(all_but_few(cells, np.array([8, 1, 0, 9]), 1)) == [True, False, False, False]
