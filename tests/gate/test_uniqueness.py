"""How many pupils a few plain facts would give away."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.uniqueness import QUASI_IDENTIFIERS, measure_uniqueness

Fact = tuple[str, str, int, str | None]


def table(rows: list[Fact]) -> pa.Table:
    kinds = (pa.string(), pa.string(), pa.int8(), pa.string())
    columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
    arrays = [pa.array(list(cells), kind) for cells, kind in zip(columns, kinds, strict=True)]
    return pa.table(arrays, names=list(QUASI_IDENTIFIERS))


def test_only_boy_of_a_class_stands_alone():
    measured = measure_uniqueness(table([("s1", "7A", 7, "girl")] * 5 + [("s1", "7A", 7, "boy")]))

    assert (measured.rows, measured.groups, measured.smallest) == (6, 2, 1)
    assert (measured.small, measured.alone) == (1, 1)
    assert measured.share_small == pytest.approx(1 / 6)


def test_five_alike_are_enough_and_four_are_not():
    assert measure_uniqueness(table([("s1", "7A", 7, "girl")] * 5)).small == 0
    assert measure_uniqueness(table([("s1", "7A", 7, "girl")] * 4)).share_small == 1.0


def test_only_one_without_a_gender_stands_out_too():
    rows = [("s1", "7A", 7, "girl")] * 5 + [("s1", "7A", 7, None)]

    assert measure_uniqueness(table(rows)).alone == 1


def test_no_rows_give_nobody_away():
    measured = measure_uniqueness(table([]))

    assert (measured.rows, measured.groups, measured.smallest, measured.share_small) == (0, 0, 0, 0)


def test_missing_fact_is_refused_and_not_passed_over():
    with pytest.raises(ValueError, match="1 of 4 are missing"):
        measure_uniqueness(table([]).drop_columns(["gender"]))
    with pytest.raises(ValueError, match="0 of 0"):
        measure_uniqueness(table([]), by=[])


def test_dictionary_columns_are_counted_like_plain_ones():
    rows = table([("s1", "7A", 7, "girl"), ("s1", "7A", 7, None), ("s2", "7A", 7, "girl")])
    encoded = rows.set_column(0, "school_id", rows["school_id"].dictionary_encode())
    encoded = encoded.set_column(3, "gender", encoded["gender"].dictionary_encode())

    assert measure_uniqueness(encoded) == measure_uniqueness(rows)


facts = st.tuples(
    st.sampled_from(["s1", "s2"]),
    st.sampled_from(["7A", "7B"]),
    st.integers(1, 2),
    st.sampled_from(["girl", "boy", None]),
)


@given(st.lists(facts, max_size=40), st.integers(1, 8))
def test_counts_agree_with_the_plain_reading(rows, k):
    sizes = Counter(rows)
    measured = measure_uniqueness(table(rows), k=k)

    assert measured.groups == len(sizes)
    assert measured.smallest == min(sizes.values(), default=0)
    assert measured.small == sum(size for size in sizes.values() if size < k)
    assert measured.alone == sum(size == 1 for size in sizes.values())


@given(st.lists(facts, min_size=1, max_size=40))
def test_knowing_less_never_singles_out_more(rows):
    everything = measure_uniqueness(table(rows))
    less = measure_uniqueness(table(rows), by=["school_id", "grade"])

    assert less.small <= everything.small
    assert less.smallest >= everything.smallest
