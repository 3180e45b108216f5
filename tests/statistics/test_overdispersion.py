"""Over-dispersion: published phi, no widening by noise, planted variance found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.statistics.overdispersion import (
    Dispersion,
    dispersion,
    kept_of_truncated,
    phi_of,
    proportion_z,
    ratio_z,
    tau2_of,
    widened_limits,
    winsorised,
)

# nhs-r-community/FunnelPlotR, tests/testthat/test-classes_methods.R: six groups, phi 2.948033
OBSERVED, EXPECTED = (100, 150, 180, 80, 120, 225), (108, 112, 165, 95, 100, 220)


def test_phi_is_that_of_funnel_plot_r():
    z, _ = ratio_z(OBSERVED, EXPECTED)
    assert kept_of_truncated(z).all()  # six ranks in ten groups: none is outermost

    assert phi_of(z) == pytest.approx(2.948033, abs=5e-7)


def test_tau2_by_hand():
    # four classes of equal error 1: (4 * 3 - 3) / (4 - 1)
    assert tau2_of(3.0, np.ones(4)) == pytest.approx(3.0)
    # errors 1 and 1/2: weights 1 and 4, scale 5 - 17 / 5
    assert tau2_of(3.0, np.array([1.0, 0.5])) == pytest.approx((2 * 3 - 1) / (5 - 17 / 5))
    # errors 2: weights 1/4, scale 1/2 - 1/4
    assert tau2_of(3.0, np.array([2.0, 2.0])) == pytest.approx(20)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_classes_that_differ_less_than_chance_have_no_variance_between_them(phi):
    assert tau2_of(phi, np.ones(10)) == 0


def test_a_single_class_has_no_variance_between_classes():
    assert tau2_of(9.0, np.ones(1)) == 0


@pytest.mark.parametrize(("classes", "is_known"), [(0, False), (9, False), (10, True), (11, True)])
def test_with_fewer_than_ten_classes_nothing_is_widened(classes, is_known):
    z = np.linspace(-2, 2, classes)
    assert (dispersion(z, np.ones(classes)) is not None) == is_known


def test_ten_classes_lose_the_outermost_two_or_have_them_drawn_in():
    z = np.array([-9, -4, -3, -2, -1, 1, 2, 3, 4, 9.0])

    drawn, left = dispersion(z, np.ones(10)), dispersion(z, np.ones(10), truncate=True)

    # quantiles at 10 %: -4.5 and 4.5; squares 2 * (4.5^2 + 16 + 9 + 4 + 1)
    phi = 2 * (4.5**2 + 30) / 10
    assert drawn == Dispersion(pytest.approx(phi), pytest.approx((10 * phi - 9) / 9))
    # ranks 1 and 10 of 11 fall into the groups 0 and 9
    assert kept_of_truncated(z).tolist() == [False, *[True] * 8, False]
    assert left == Dispersion(pytest.approx(7.5), pytest.approx((8 * 7.5 - 7) / 7))


def test_a_value_on_the_edge_stays_on_either_side():
    # ranks 2 and 18 of 19 are exactly 1 and 9 tenths of the way
    assert kept_of_truncated(np.arange(19.0)).tolist() == [False, *[True] * 17, False]


def test_equal_values_stay_or_go_together():
    assert kept_of_truncated(np.zeros(30)).all()
    z = np.array([0.0, *range(1, 19), 20.0, 20.0])
    assert kept_of_truncated(z)[-2:].tolist() == [False, False]


def test_winsorised_values_keep_their_order_and_their_middle():
    z = np.arange(11.0)
    assert winsorised(z).tolist() == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert winsorised(z, share=0.2).tolist() == [2, 2, 2, 3, 4, 5, 6, 7, 8, 8, 8]


@pytest.mark.parametrize(
    ("x", "n", "z"), [(2, 10, 0.0), (10, 10, 0.8 / (0.4 / 10**0.5)), (0, 4, -1.0), (0, 1, -0.5)]
)
def test_distances_of_shares_by_hand(x, n, z):
    found, error = proportion_z([x], [n], 0.2)

    assert found[0] == pytest.approx(z)
    assert error[0] == pytest.approx(0.4 / n**0.5)


def test_distances_of_ratios_by_hand():
    z, error = ratio_z([100, 50], [100, 100])
    assert z == pytest.approx([0, -10 * np.log(2)])
    assert error == pytest.approx([0.1, 0.1])
    assert ratio_z([1, 0.5], [1, 0.5])[0].tolist() == [0, 0]


def test_limits_without_extra_variance_are_the_plain_ones():
    low, high = widened_limits(0.5, np.array([0.3, 0.4]), 0.0)
    assert low == pytest.approx(0.5 - 1.959964 * np.array([0.3, 0.4]), abs=1e-6)
    assert high == pytest.approx(0.5 + 1.959964 * np.array([0.3, 0.4]), abs=1e-6)


def test_extra_variance_adds_in_squares():
    _, high = widened_limits(0.0, np.array([3.0]), 16.0, confidence=0.998)
    assert high[0] == pytest.approx(5 * 3.0902323)


@pytest.mark.parametrize("share", [0.06, 0.3])
def test_equal_small_classes_have_phi_1_and_a_planted_variance_is_found(share):
    random = np.random.default_rng(4)
    n = random.integers(8, 29, 20_000)
    true = np.clip(random.normal(share, share / 3, 20_000), 0, 1)

    plain, planted = (phi_and_tau2(random.binomial(n, p), n, share) for p in (share, true))

    assert plain.phi == pytest.approx(1, abs=0.03)
    assert planted.phi > 1.03
    assert planted.tau2 == pytest.approx((share / 3) ** 2, rel=0.25)


def phi_and_tau2(x, n, share):
    z, error = proportion_z(x, n, share)
    phi = phi_of(z)
    return Dispersion(phi, tau2_of(phi, error))


@settings(max_examples=50, deadline=None)
@given(
    z=st.lists(st.floats(-5, 5), min_size=10, max_size=40),
    truncate=st.booleans(),
    random=st.randoms(),
)
def test_the_order_of_classes_and_the_side_change_nothing(z, truncate, random):
    order = list(range(len(z)))
    random.shuffle(order)
    values, error = np.array(z), np.linspace(0.1, 0.2, len(z))

    found = dispersion(values, error, truncate=truncate)
    again = dispersion(-values[order], error[order], truncate=truncate)

    assert found.tau2 >= 0
    assert (again.phi, again.tau2) == pytest.approx((found.phi, found.tau2))
