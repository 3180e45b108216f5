"""Funnel limits: exact ones to flag by, closed ones to draw, and where the two disagree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.statistics.published import published
from transforms.statistics.funnel import drawn_limits, exact_limits, ratio_limits


def test_drawn_limits_are_those_that_ukhsa_publishes(shared):
    # UKHSA PHEindicatormethods, testdata_funnel_prop_outputs.csv
    case = published(shared, "funnel-prop-ukhsa")
    n, baseline = case["input"]["n"], case["input"]["baseline_proportion"]

    for confidence, name in ((0.95, "95"), (0.998, "998")):
        low, high = drawn_limits(n, baseline, confidence=confidence)

        expected = [[row[f"lower{name}"], row[f"upper{name}"]] for row in case["expected"]]
        found = 100 * np.stack([low, high], axis=1)
        assert found == pytest.approx(np.array(expected), abs=case["tolerance"])


def test_ratio_limits_are_those_of_funnel_plot_r(shared):
    # nhs-r-community/FunnelPlotR, tests/testthat/test-poisson_limits.R
    case = published(shared, "funnel-poisson-exact")

    for confidence, name in ((0.95, "95"), (0.998, "998")):
        low, high = ratio_limits(case["input"]["expected_events"], confidence=confidence)

        expected = [[row[f"ll{name}"], row[f"ul{name}"]] for row in case["expected"]]
        found = np.stack([low, high], axis=1)
        assert found == pytest.approx(np.array(expected), abs=case["tolerance"])


# Domain notes 6.2: how many of a class are too many at 6 %, by the exact test.
@pytest.mark.parametrize(("n", "too_many"), [(0, 1), (1, 2), (8, 3), (18, 4), (22, 5), (28, 5)])
def test_how_many_of_a_class_are_too_many(n, too_many):
    assert exact_limits(n, 0.06)[1] == too_many


def test_at_class_size_the_drawn_limit_calls_high_what_the_exact_one_does_not():
    # 4 of 22 at 6 %: the closed form's limit is 15.9 %, the exact probability .040
    assert drawn_limits(22, 0.06)[1] == pytest.approx(0.159, abs=5e-4)
    assert drawn_limits(22, 0.06)[1] < 4 / 22
    assert exact_limits(22, 0.06)[1] == 5


EDGES = [
    # n  baseline  too few  too many
    (0, 0.5, -1, 1),
    (5, 0.5, -1, 6),  # .5^5 = .031: not even all of five are too many
    (6, 0.5, 0, 6),  # .5^6 = .016
    (10, 0.0, -1, 1),
    (10, 1.0, 9, 11),
]


@pytest.mark.parametrize(("n", "baseline", "few", "many"), EDGES)
def test_limits_at_the_edges(n, baseline, few, many):
    found = exact_limits(n, baseline)

    assert (int(found[0]), int(found[1])) == (few, many)


def test_a_chance_of_exactly_the_tail_is_neither_too_few_nor_too_many():
    assert [int(limit) for limit in exact_limits(1, 0.5, tail=0.5)] == [-1, 2]


def test_a_drawn_limit_of_one_pupil_by_hand():
    half = 0.6744898 / 2  # z of 50 % times the standard error of one answer at .5
    found = drawn_limits([1, 4], 0.5, confidence=0.5)
    expected = [[0.5 - half, 0.5 - half / 2], [0.5 + half, 0.5 + half / 2]]
    assert np.stack(found) == pytest.approx(np.array(expected))


SIZES = st.integers(0, 40)


@settings(max_examples=60, deadline=None)
@given(n=SIZES, baseline=st.floats(0.01, 0.99), tail=st.sampled_from([0.001, 0.025, 0.1]))
def test_limits_are_the_first_counts_that_scipy_finds_too_rare(n, baseline, tail):
    counts = np.arange(n + 1)
    rare_high = counts[stats.binom.sf(counts - 1, n, baseline) < tail]
    rare_low = counts[stats.binom.cdf(counts, n, baseline) < tail]

    few, many = exact_limits(n, baseline, tail=tail)

    assert many == (rare_high[0] if len(rare_high) else n + 1)
    assert few == (rare_low[-1] if len(rare_low) else -1)


@settings(max_examples=40, deadline=None)
@given(n=st.lists(SIZES, min_size=1, max_size=5), baseline=st.floats(0.01, 0.99))
def test_limits_of_many_sizes_are_those_of_each(n, baseline):
    for limits in (exact_limits, drawn_limits):
        together = np.stack(limits(n, baseline))
        assert together == pytest.approx(np.array([limits(size, baseline) for size in n]).T)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 40), baseline=st.floats(0.01, 0.99))
def test_too_few_of_one_thing_is_too_many_of_the_other(n, baseline):
    few, many = exact_limits(n, baseline)
    other_few, other_many = exact_limits(n, 1 - baseline)

    assert (n - other_many, n - other_few) == (few, many)


@settings(max_examples=40, deadline=None)
@given(baseline=st.floats(0.01, 0.99), confidence=st.sampled_from([0.8, 0.95, 0.998]))
def test_drawn_limits_hold_the_baseline_and_close_in(baseline, confidence):
    low, high = drawn_limits(np.arange(60), baseline, confidence=confidence)

    assert (low[0], high[0]) == (0, 1)
    assert ((low >= 0) & (low <= baseline) & (baseline <= high) & (high <= 1)).all()
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) <= 0).all()


@settings(max_examples=40, deadline=None)
@given(expected=st.integers(1, 200))
def test_ratio_limits_are_the_exact_poisson_interval(expected):
    low, high = ratio_limits(expected)

    assert low * expected == pytest.approx(stats.chi2.ppf(0.025, 2 * expected) / 2)
    assert high * expected == pytest.approx(stats.chi2.ppf(0.975, 2 * expected + 2) / 2)
