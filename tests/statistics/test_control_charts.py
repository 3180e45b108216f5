"""Control charts: limits by hand, runs, and signals that last."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.statistics.control_charts import (
    moving_ranges,
    p_chart,
    persistent,
    range_limit,
    shifted,
    xmr_chart,
)


def test_a_p_chart_by_hand():
    # 30 of 300 in all: centre .1; three sigma at n = 100: .09, at n = 25: .18
    chart = p_chart(np.array([10, 10, 2, 8]), np.array([100, 100, 25, 75]))

    assert chart.centre == pytest.approx(0.1)
    assert chart.points == pytest.approx([0.1, 0.1, 0.08, 8 / 75])
    assert chart.low[:3] == pytest.approx([0.01, 0.01, 0])
    assert chart.high[:3] == pytest.approx([0.19, 0.19, 0.28])
    assert not chart.outside.any()


def test_a_point_outside_its_own_limits_is_marked():
    chart = p_chart(np.array([10, 30, 0, 8]), np.array([100, 100, 100, 100]))

    assert chart.centre == pytest.approx(0.12)
    assert chart.outside.tolist() == [False, True, True, False]


@pytest.mark.parametrize("share", [0, 1])
def test_where_nobody_or_everybody_is_concerned_nothing_stands_out(share):
    n = np.array([5, 6, 7])
    chart = p_chart(n * share, n)

    assert chart.centre == share
    assert chart.low.tolist() == chart.high.tolist() == [share] * 3
    assert not chart.outside.any()


def test_one_answer_is_a_point():
    assert p_chart(np.array([0, 1]), np.array([1, 3])).centre == 0.25


def test_limits_stay_shares():
    chart = p_chart(np.array([1, 1]), np.array([2, 2]))
    assert (chart.low.tolist(), chart.high.tolist()) == ([0, 0], [1, 1])


def test_an_xmr_chart_by_hand():
    values = np.array([10.0, 12, 9, 13, 11])  # ranges 2 3 4 2, mean 2.75

    chart = xmr_chart(values)

    assert moving_ranges(values).tolist() == [2, 3, 4, 2]
    assert chart.centre == 11
    assert chart.low == pytest.approx([11 - 2.66 * 2.75] * 5)
    assert chart.high == pytest.approx([11 + 2.66 * 2.75] * 5)
    assert range_limit(values) == pytest.approx(3.267 * 2.75)
    assert not chart.outside.any()


def test_two_values_are_enough_for_a_range():
    assert moving_ranges(np.array([3.0, 1.0])).tolist() == [2]


def test_equal_values_stand_out_nowhere():
    assert not xmr_chart(np.full(9, 4.0)).outside.any()


def test_a_leap_stands_out_on_either_side():
    values = np.array([5.0] * 12 + [50.0])
    assert xmr_chart(values).outside.tolist() == [False] * 12 + [True]
    assert xmr_chart(-values).outside.tolist() == [False] * 12 + [True]


RUNS = [
    ("six are no shift", "++++++", "......"),
    ("seven are", "+++++++", "xxxxxxx"),
    ("eight are", "--------", "xxxxxxxx"),
    ("one on the line breaks a run", "+++0++++", "........"),
    ("the other side ends a run", "+++++++-", "xxxxxxx."),
    ("a run on the line is none", "0000000", "......."),
    ("two runs", "+++++++-------", "xxxxxxxxxxxxxx"),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("sides", "marks"), [row[1:] for row in RUNS], ids=[r[0] for r in RUNS])
def test_a_shift_is_seven_points_on_one_side(sides, marks):
    values = np.array([{"+": 9.0, "0": 4.0, "-": 1.0}[side] for side in sides])

    assert shifted(values, 4.0).tolist() == [mark == "x" for mark in marks]


@settings(max_examples=80, deadline=None)
@given(values=st.lists(st.integers(-2, 2), max_size=30), length=st.integers(1, 8))
def test_runs_are_those_that_counting_finds(values, length):
    found = []
    for side, run in itertools.groupby(np.sign(values)):
        size = len(list(run))
        found += [side != 0 and size >= length] * size

    assert shifted(np.array(values, np.float64), 0.0, length=length).tolist() == found


LASTING = [
    ("", ""),
    ("x", "."),
    ("xx", ".x"),
    ("x.x", "..x"),
    ("x..x", "...."),
    ("xx..", ".xx."),
    ("xxxx", ".xxx"),
    ("..xx", "...x"),
]


@pytest.mark.parametrize(("signals", "lasts"), LASTING)
def test_a_signal_lasts_that_comes_in_two_of_three_waves(signals, lasts):
    one_class = np.array([[mark == "x"] for mark in signals], np.bool_).reshape(-1, 1)

    assert persistent(one_class)[:, 0].tolist() == [mark == "x" for mark in lasts]


@settings(max_examples=60, deadline=None)
@given(
    waves=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=8),
    at_least=st.integers(1, 3),
    of=st.integers(1, 4),
)
def test_classes_do_not_touch_each_other_and_counting_finds_the_same(waves, at_least, of):
    signals = np.array(waves)

    found = persistent(signals, at_least=at_least, of=of)

    for w, c in itertools.product(*map(range, signals.shape)):
        assert found[w, c] == (sum(signals[max(0, w - of + 1) : w + 1, c]) >= at_least)
