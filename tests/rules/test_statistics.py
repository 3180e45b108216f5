"""Exact tails and false-discovery control, against scipy, fractions and published numbers."""

import json
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from transforms.statistics import benjamini_hochberg, binomial_mid_p, binomial_tail


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


@settings(max_examples=100, deadline=None)
@given(p=st.lists(st.floats(0, 1), max_size=40))
def test_false_discovery_control_is_that_of_scipy(p):
    expected = stats.false_discovery_control(p) if p else np.array([])

    assert benjamini_hochberg(np.array(p)) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=20), random=st.randoms())
def test_the_order_of_the_tests_changes_no_q_value(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    values = np.array(p)

    assert benjamini_hochberg(values[order]) == pytest.approx(benjamini_hochberg(values)[order])


def test_published_false_discovery_example(shared):
    # Benjamini & Hochberg 1995, as printed in scipy's documentation
    cases = json.loads((shared / "cases" / "statistics.json").read_text())["cases"]
    covered = [case for case in cases if case["topic"] in ("fdr", "binomial")]
    assert [case["id"] for case in covered] == ["fdr-bh-1995"]
    case = covered[0]

    q = benjamini_hochberg(np.array(case["input"]["p"]))

    assert q == pytest.approx(case["expected"]["adjusted"], abs=case["tolerance"])
    level = case["input"]["level"]
    assert (q < level).sum() == case["expected"]["rejected_bh"]
    bonferroni = np.array(case["input"]["p"]) < level / len(q)
    assert bonferroni.sum() == case["expected"]["rejected_bonferroni"]
