"""What a print can stand for: all that may be shown and is printed alike, and nothing else."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.publish.figures import cells
from transforms.attack.printed import (
    band_limits,
    count_limits,
    mean_limits,
    share_limits,
    size_limits,
)
from transforms.attack.system import AttackError
from transforms.disclosure import SCORE_UNIT, suppress


def printed(kind: str, pairs, *, highest=1) -> pa.Table:
    """The suppressor's print of many figures, each the only line of its table; null if hidden."""
    rows = [("municipality", f"{n} {total}", n, total) for n, total in pairs]
    table = cells(rows, kind=kind, highest=highest)
    names = pa.array([str(at) for at in range(len(rows))])
    return suppress(table.set_column(0, "table", names), min_n=5)


def shown_of(n: int) -> list[tuple[int, float]]:
    table = printed("share", [(n, total) for total in range(n + 1)])
    pairs = enumerate(table["value"].to_pylist())
    return [(total, value) for total, value in pairs if value is not None]


@settings(max_examples=30, deadline=None)
@given(st.integers(10, 130))
def test_a_share_stands_for_all_counts_that_are_printed_alike(n):
    shown = shown_of(n)
    values = np.array([value for _, value in shown])
    low, high = share_limits(values, np.full(len(values), n))
    for at, (_, value) in enumerate(shown):
        alike = [total for total, other in shown if other == value]
        assert (low[at], high[at]) == (min(alike), max(alike))


def test_nobody_of_twenty_is_nobody():
    assert share_limits(np.array([0.0]), np.array([23]))[1] == 0
    assert share_limits(np.array([1.0]), np.array([23]))[0] == 23


@settings(max_examples=40, deadline=None)
@given(st.integers(10, 60), st.integers(0, 400))
def test_a_mean_stands_for_all_sums_that_are_printed_alike(n, tenths_of_points):
    total = min(round(tenths_of_points / 100 * n * SCORE_UNIT), n * 4 * SCORE_UNIT)
    [value] = printed("mean", [(n, total)], highest=4 * SCORE_UNIT)["value"].to_pylist()
    if value is not None:
        low, high = mean_limits(np.array([value]), np.array([n]))
        assert low[0] <= total / SCORE_UNIT <= high[0]
        assert high[0] - low[0] == pytest.approx(n / 10)


def test_a_band_stands_for_the_counts_that_round_into_it():
    labels = np.array(["5-9", "10-19", "500+", "0"], object)
    low, high = band_limits(labels)
    assert list(low) == [3, 8, 498, 0]
    assert list(high) == [7, 17, np.inf, 2]


def test_a_shown_count_is_five_or_more_and_leaves_out_five_or_more():
    low, high = count_limits(np.array(["5-9", "10-19"], object), np.array([40, 18]))
    assert (list(low), list(high)) == ([5, 8], [7, 13])


@settings(max_examples=60, deadline=None)
@given(st.integers(10, 300), st.floats(0, 1))
def test_a_share_and_its_band_say_how_many_pupils_there_can_be(n, part):
    [row] = printed("share", [(n, round(n * part))]).to_pylist()
    if not row["suppressed"]:
        band = np.array([row["n_band"]], object)
        low, high = size_limits(band, np.array([row["value"]]), share=True)
        widest = band_limits(band)
        assert widest[0] <= low <= n <= high <= widest[1]


def test_a_share_that_no_pupils_can_give_is_an_error():
    with pytest.raises(AttackError, match="no numbers"):
        size_limits(np.array(["10-19"], object), np.array([0.07]), share=True)
