"""False-discovery control: Benjamini & Hochberg's example, scipy as oracle, small families."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.statistics.published import published
from transforms.statistics import benjamini_hochberg


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
    case = published(shared, "fdr-bh-1995")

    q = benjamini_hochberg(np.array(case["input"]["p"]))

    assert q == pytest.approx(case["expected"]["adjusted"], abs=case["tolerance"])
    level = case["input"]["level"]
    assert (q < level).sum() == case["expected"]["rejected_bh"]
    bonferroni = np.array(case["input"]["p"]) < level / len(q)
    assert bonferroni.sum() == case["expected"]["rejected_bonferroni"]


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ([], []),
        ([0.3], [0.3]),
        ([0.0, 1.0], [0.0, 1.0]),
        ([0.2, 0.2, 0.2], [0.2, 0.2, 0.2]),
        ([0.01, 0.04, 0.03], [0.03, 0.04, 0.04]),
    ],
    ids=["no test", "one test", "the ends", "all equal", "three"],
)
def test_small_families(p, q):
    assert benjamini_hochberg(np.array(p)) == pytest.approx(np.array(q))


@settings(max_examples=50, deadline=None)
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_q_value_is_never_below_its_p_value_and_never_above_1(p):
    q = benjamini_hochberg(np.array(p))

    assert (q >= np.array(p) - 1e-15).all()
    assert (q <= 1).all()
