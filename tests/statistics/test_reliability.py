"""Reliability: alpha and omega against algebra and a fitted model, floor and ceiling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from transforms.statistics.reliability import (
    cronbach_alpha,
    floor_and_ceiling,
    mcdonald_omega,
    one_factor,
)


def forms_with(covariance, forms=50):
    """Forms whose sample covariance is exactly the one given."""
    random = np.random.default_rng(1)
    items = len(covariance)
    raw = random.normal(size=(forms, items))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw, rowvar=False)).T)
    return white @ np.linalg.cholesky(covariance).T


def one_factor_correlation(loading):
    correlation = np.outer(loading, loading)
    np.fill_diagonal(correlation, 1)
    return correlation


def test_alpha_by_hand():
    # item variances 1 and 1, sum 2, 4, 6 with variance 4: 2 * (1 - 2 / 4)
    assert cronbach_alpha(np.array([[1, 1], [2, 2], [3, 3]])) == pytest.approx(1)
    # variances 1 and 1, sums 3, 3, 6 with variance 3: 2 * (1 - 2 / 3)
    assert cronbach_alpha(np.array([[1, 2], [2, 1], [3, 3]])) == pytest.approx(2 / 3)


def test_items_that_go_apart_have_an_alpha_below_0():
    assert cronbach_alpha(np.array([[1, 3], [2, 2], [3, 1], [3, 2]])) < 0


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((0, 3)),
        np.ones((1, 3)),
        np.array([[1], [2], [3]]),
        np.ones((9, 3)),
        np.array([[1, 2], [2, 1]]),
    ],
    ids=["nobody", "one form", "one item", "all alike", "equal sums"],
)
def test_where_nothing_varies_there_is_no_alpha(codes):
    assert cronbach_alpha(codes) is None


def test_two_forms_and_two_items_are_enough_for_alpha():
    assert cronbach_alpha(np.array([[1, 1], [2, 2]])) == pytest.approx(1)


def test_equal_loadings_give_omega_and_alpha_alike():
    codes = forms_with(one_factor_correlation(np.full(5, 0.7)))

    # omega (5 * .7)^2 / ((5 * .7)^2 + 5 * (1 - .49))
    assert mcdonald_omega(codes) == pytest.approx(12.25 / (12.25 + 2.55))
    assert cronbach_alpha(codes) == pytest.approx(12.25 / (12.25 + 2.55))


def test_omega_counts_items_in_their_own_units():
    loading, spread = np.array([0.9, 0.8, 0.5, 0.4]), np.array([1.0, 2.0, 3.0, 0.5])
    codes = forms_with(one_factor_correlation(loading)) * spread

    common = (loading * spread).sum() ** 2
    expected = common / (common + ((1 - loading**2) * spread**2).sum())

    assert mcdonald_omega(codes) == pytest.approx(expected)
    assert cronbach_alpha(codes) < expected  # alpha is the lower bound


def test_three_loadings_are_those_of_algebra():
    # r12 = ab, r13 = ac, r23 = bc, so a^2 = r12 * r13 / r23
    a, b, c = 0.9, 0.6, 0.5
    found = one_factor(one_factor_correlation(np.array([a, b, c])))
    assert found == pytest.approx([a, b, c])


def test_weak_loadings_are_positive_too():
    found = one_factor(one_factor_correlation(np.array([0.3, 0.3, 0.3])))
    assert found == pytest.approx([0.3] * 3)


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((0, 4)),
        np.array([[2, 1, 1, 3], [2, 1, 4, 5], [5, 3, 3, 5], [3, 1, 2, 5]]),
        np.array([[1, 2], [2, 3], [3, 1], [2, 2]]),
        np.array([[1, 2, 5], [2, 3, 5], [3, 1, 5], [2, 2, 5]]),
    ],
    ids=["nobody", "as many items as forms", "two items", "an item all answer alike"],
)
def test_where_no_factor_can_be_fitted_there_is_no_omega(codes):
    assert mcdonald_omega(codes) is None


def test_one_form_more_than_items_is_enough():
    codes = forms_with(one_factor_correlation(np.full(3, 0.7)), forms=4)
    assert mcdonald_omega(codes) == pytest.approx(2.1**2 / (2.1**2 + 3 * 0.51))


def test_a_fit_that_leaves_an_item_no_error_is_refused():
    # r12 * r13 / r23 = .81 * .81 / .5 > 1
    heywood = np.array([[1, 0.81, 0.81], [0.81, 1, 0.5], [0.81, 0.5, 1]])
    assert one_factor(heywood) is None
    assert mcdonald_omega(forms_with(heywood)) is None


@settings(max_examples=25, deadline=None)
@given(
    loading=st.lists(st.floats(0.3, 0.85), min_size=4, max_size=7),
    seed=st.integers(0, 99),
)
def test_loadings_are_those_of_a_least_squares_search(loading, seed):
    true = np.array(loading)
    random = np.random.default_rng(seed)
    noise = random.normal(0, 0.03, (len(true), len(true)))
    correlation = one_factor_correlation(true) + (noise + noise.T) / 2
    np.fill_diagonal(correlation, 1)
    off = ~np.eye(len(true), dtype=bool)

    found = one_factor(correlation)

    fitted = optimize.least_squares(
        lambda x: (np.outer(x, x) - correlation)[off], true, bounds=(-0.999999, 0.999999)
    )
    if found is None:  # the search stops at its bound
        assert np.abs(fitted.x).max() > 0.98
    else:
        assert found == pytest.approx(fitted.x, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), shift=st.integers(-3, 3), scale=st.floats(0.5, 4))
def test_reliability_depends_on_neither_unit_nor_order(seed, shift, scale):
    random = np.random.default_rng(seed)
    codes = np.round(random.normal(3, 1, (40, 1)) + random.normal(0, 0.7, (40, 5)))
    moved = random.permutation(codes)[:, random.permutation(5)] * scale + shift

    assert cronbach_alpha(moved) == pytest.approx(cronbach_alpha(codes))
    assert mcdonald_omega(moved) == pytest.approx(mcdonald_omega(codes), abs=1e-6)


@pytest.mark.parametrize(
    ("scores", "shares"),
    [
        ([], None),
        ([0], (1, 0)),
        ([100], (0, 1)),
        ([0, 0, 50, 100], (0.5, 0.25)),
        ([1, 99], (0, 0)),
    ],
)
def test_floor_and_ceiling(scores, shares):
    assert floor_and_ceiling(scores, minimum=0, maximum=100) == shares
