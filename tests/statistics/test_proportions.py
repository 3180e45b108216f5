"""Exact tails and intervals of a share, against scipy, fractions and published numbers."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.statistics.published import published
from transforms.statistics.numbers import z_of
from transforms.statistics.proportions import (
    binomial_mid_p,
    binomial_tail,
    exact_interval,
    wilson_interval,
)


def tail(observed, n, share):
    return binomial_tail(np.array([observed]), np.array([n]), np.array([share]))[0]


def mid_p(observed, n, share):
    return binomial_mid_p(np.array([observed]), np.array([n]), np.array([share]))[0]


def exact_tail(observed, n, share):
    share = Fraction(str(share))
    return sum(
        comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(max(observed, 0), n + 1)
    )


# How many of a class are more than chance explains, at a share of 6 % (domain notes 6.2).
CLASS_TAILS = [
    # n   observed  P(X >= observed)   below .025
    (18, 3, 0.0898, False),
    (18, 4, 0.0201, True),
    (22, 4, 0.040, False),
    (22, 5, 0.0087, True),
    (28, 4, 0.0841, False),
    (28, 5, 0.0240, True),
]


@pytest.mark.parametrize(("n", "observed", "p", "is_watch"), CLASS_TAILS)
def test_how_many_of_a_class_are_more_than_chance_explains(n, observed, p, is_watch):
    assert tail(observed, n, 0.06) == pytest.approx(p, abs=5e-4 if p == 0.04 else 5e-5)
    assert (tail(observed, n, 0.06) < 0.025) == is_watch


@pytest.mark.parametrize("n", [8, 18, 22, 28])
def test_one_or_two_pupils_are_never_more_than_chance_explains(n):
    assert tail(2, n, 0.06) >= 0.025


@pytest.mark.parametrize(
    ("observed", "n", "share", "p", "mid"),
    [
        (0, 10, 0.1, 1, 1 - 0.5 * 0.9**10),
        (10, 10, 0.5, 0.5**10, 0.5**11),
        (0, 0, 0.1, 1, 0.5),
        (1, 1, 0.25, 0.25, 0.125),
        (3, 10, 0.0, 0, 0),
    ],
)
def test_the_ends_of_the_distribution(observed, n, share, p, mid):
    assert tail(observed, n, share) == pytest.approx(p)
    assert mid_p(observed, n, share) == pytest.approx(mid)


COUNTS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(max_examples=200, deadline=None)
@given(counts=COUNTS, thousandths=st.integers(1, 999))
def test_tails_are_those_of_exact_fractions_and_of_scipy(counts, thousandths):
    (observed, n), share = counts, thousandths / 1000

    expected = exact_tail(observed, n, share)

    assert tail(observed, n, share) == pytest.approx(float(expected), rel=1e-9)
    assert tail(observed, n, share) == pytest.approx(stats.binom.sf(observed - 1, n, share))
    half = (expected + exact_tail(observed + 1, n, share)) / 2
    assert mid_p(observed, n, share) == pytest.approx(float(half), rel=1e-9)


def test_a_tail_grows_with_the_share_and_falls_with_the_count():
    assert (np.diff(binomial_tail(np.arange(12), 10, 0.3)) <= 0).all()
    assert (np.diff(binomial_tail(3, 10, np.linspace(0, 1, 21))) >= 0).all()


@pytest.mark.parametrize("observed", [-1, 0])
def test_at_least_none_is_certain(observed):
    assert tail(observed, 10, 0.0) == 1


def test_more_than_there_are_is_impossible():
    assert binomial_tail(np.array([11, 12]), 10, 1.0).tolist() == [0, 0]
    assert binomial_tail(10, 10, 1.0) == 1


def test_wilson_intervals_are_those_that_ukhsa_publishes(shared):
    # UKHSA PHEindicatormethods, testdata_Byars_Wilson.xlsx and testdata_Proportion.xlsx
    case = published(shared, "wilson-ukhsa")

    for asked, expected in zip(case["input"], case["expected"], strict=True):
        low, high = wilson_interval(asked["x"], asked["n"], confidence=asked["confidence"])

        assert low == pytest.approx(expected["lower"], abs=case["tolerance"])
        assert high == pytest.approx(expected["upper"], abs=case["tolerance"])


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_those_of_newcombe_1998_table_i(x, n, low, high):
    assert wilson_interval(x, n) == pytest.approx((low, high), abs=5e-5)


# Clopper-Pearson: with none of n, the upper bound u solves (1 - u)^n = .025.
ENDS = [
    # x  n   Wilson low high            exact low high
    (0, 0, 0.0, 1.0, 0.0, 1.0),
    (0, 1, 0.0, 0.7934507, 0.0, 0.975),
    (1, 1, 0.2065493, 1.0, 0.025, 1.0),
    (0, 20, 0.0, 0.1611252, 0.0, 1 - 0.025 ** (1 / 20)),
    (20, 20, 0.8388748, 1.0, 0.025 ** (1 / 20), 1.0),
]


@pytest.mark.parametrize(("x", "n", "low", "high", "exact_low", "exact_high"), ENDS)
def test_intervals_of_none_of_all_and_of_nobody(x, n, low, high, exact_low, exact_high):
    assert wilson_interval(x, n) == pytest.approx((low, high), abs=1e-7)
    assert exact_interval(x, n) == pytest.approx((exact_low, exact_high), abs=1e-7)


@settings(max_examples=100, deadline=None)
@given(counts=COUNTS, confidence=st.sampled_from([0.8, 0.95, 0.998]))
def test_intervals_are_those_of_scipy(counts, confidence):
    x, n = counts
    oracle = stats.binomtest(x, n)

    for ours, method in ((wilson_interval, "wilson"), (exact_interval, "exact")):
        expected = oracle.proportion_ci(confidence, method=method)
        assert ours(x, n, confidence=confidence) == pytest.approx(tuple(expected), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(counts=COUNTS)
def test_wilson_bounds_are_where_the_score_test_just_rejects(counts):
    x, n = counts
    for bound in wilson_interval(x, n):
        distance = abs(x / n - bound)
        assert distance == pytest.approx(z_of(0.95) * (bound * (1 - bound) / n) ** 0.5, abs=1e-7)


@settings(max_examples=50, deadline=None)
@given(counts=COUNTS)
def test_an_interval_holds_the_share_and_mirrors_its_counterpart(counts):
    x, n = counts
    for interval in (wilson_interval, exact_interval):
        low, high = interval(x, n)
        assert 0 <= low <= x / n <= high <= 1
        assert interval(n - x, n) == pytest.approx((1 - high, 1 - low))


def test_intervals_of_many_classes_are_those_of_each():
    x, n = np.array([0, 2, 5]), np.array([0, 20, 5])
    for interval in (wilson_interval, exact_interval):
        each = [interval(*pair) for pair in zip(x, n, strict=True)]
        assert np.stack(interval(x, n), axis=1) == pytest.approx(np.array(each))


def test_the_share_of_cases_in_which_bullying_stopped_has_its_interval(shared):
    # German No Blame evaluation 2007/08: by the adults' own report, without a control group
    case = published(shared, "no-blame-evaluation-2008")
    stopped, n = case["expected"]["stopped"], case["input"]["cases"]

    assert 100 * stopped / n == pytest.approx(case["expected"]["percent"], abs=case["tolerance"])
    low, high = wilson_interval(stopped, n)
    assert (round(float(low), 3), round(float(high), 3)) == (0.822, 0.91)
