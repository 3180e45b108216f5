"""Empirical Bayes: published posteriors, the fall-backs, and what shrinking must never do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from tests.statistics.published import published
from transforms.statistics.empirical_bayes import (
    BetaPrior,
    posterior_above,
    posterior_mean,
    prior_by_likelihood,
    prior_by_moments,
    shrink_means,
    shrink_shares,
    variance_between,
)


def test_posterior_means_are_those_of_ebbr(shared):
    # dgrtwo/ebbr, README
    case = published(shared, "eb-beta-binomial-ebbr")
    x, n = np.array(case["input"]["x_n"]).T

    found = posterior_mean(BetaPrior(case["input"]["alpha"], case["input"]["beta"]), x, n)

    assert found == pytest.approx(case["expected"]["posterior_mean"], abs=case["tolerance"])


def differing(classes, alpha=3.0, beta=27.0, seed=2):
    random = np.random.default_rng(seed)
    n = random.integers(15, 29, classes)
    return random.binomial(n, random.beta(alpha, beta, classes)).astype(float), n.astype(float)


def test_moments_by_hand():
    # with 2 and 8: spread 1.8, rho = (1.8 - .25) / 2.25
    prior = prior_by_moments(np.array([2.0, 8]), np.array([10.0, 10]))
    certain = 2.25 / 1.55 - 1
    assert (prior.alpha, prior.beta) == pytest.approx((certain / 2, certain / 2))
    assert prior.mean == pytest.approx(0.5)


def test_moments_of_unequal_classes_by_hand():
    # 1 of 4, 6 of 8: mean 7/12, spread 4 * (1/3)^2 + 8 * (1/6)^2 = 2/3, room 12 - 80/12 - 1
    chance, room = 7 / 12 * 5 / 12, 12 - 80 / 12 - 1
    rho = (2 / 3 - chance) / (chance * room)

    prior = prior_by_moments(np.array([1.0, 6]), np.array([4.0, 8]))

    assert (prior.alpha, prior.beta) == pytest.approx(
        (7 / 12 * (1 / rho - 1), 5 / 12 * (1 / rho - 1))
    )


def test_moments_of_the_smallest_classes_by_hand():
    # 1 and 2 of 2: mean .75, spread .25, room 4 - 2 - 1, rho = (.25 - .1875) / .1875 = 1 / 3
    prior = prior_by_moments(np.array([1.0, 2]), np.array([2.0, 2]))
    assert (prior.alpha, prior.beta) == pytest.approx((1.5, 0.5))


def test_a_class_of_one_counts():
    with_it = prior_by_moments(np.array([2.0, 1, 8]), np.array([10.0, 1, 10]))
    assert with_it.mean == pytest.approx(11 / 21)


def test_where_one_class_says_all_and_the_others_none_each_keeps_its_share():
    # rho = (20/3 - 4/9) / (2/9 * 18) = 1.56: more than a prior can be
    x, n = np.array([0.0, 0, 10]), np.array([10.0, 10, 10])
    prior = prior_by_moments(x, n)

    assert prior.alpha + prior.beta == pytest.approx(0.01)
    found = shrink_shares(x, n, np.zeros(3))
    assert found.mean == pytest.approx([0, 0, 1], abs=1e-3)
    assert found.stands_out == pytest.approx([0, 0, 1], abs=1e-3)


def test_a_class_without_answers_is_no_class():
    with_it = prior_by_moments(np.array([2.0, 0, 8]), np.array([10.0, 0, 10]))
    assert with_it == prior_by_moments(np.array([2.0, 8]), np.array([10.0, 10]))


NO_PRIOR = {
    "no class": ([], []),
    "nobody answered": ([0, 0], [0, 0]),
    "one class": ([3], [10]),
    "all equal": ([2, 2, 2], [20, 20, 20]),
    "exactly as much as chance": ([3, 5], [8, 8]),
    "none at all": ([0, 0, 0], [20, 20, 20]),
    "all of them": ([20, 20], [20, 20]),
    "nearly all zero": ([0, 0, 1, 0, 0, 0], [20, 22, 25, 18, 24, 20]),
    "one answer a class": ([0, 1, 1], [1, 1, 1]),
}


@pytest.mark.parametrize(("x", "n"), NO_PRIOR.values(), ids=NO_PRIOR)
def test_where_classes_differ_no_more_than_chance_there_is_no_prior(x, n):
    assert prior_by_moments(np.array(x, float), np.array(n, float)) is None


@pytest.mark.parametrize("name", ["nobody answered", "all equal", "none at all", "all of them"])
def test_the_likeliest_prior_of_equal_classes_is_none(name):
    x, n = (np.array(values, float) for values in NO_PRIOR[name])
    assert prior_by_likelihood(x, n) is None


@pytest.mark.parametrize("fit", [prior_by_moments, prior_by_likelihood])
def test_a_planted_prior_is_found_again(fit):
    prior = fit(*differing(3000))

    assert prior.mean == pytest.approx(0.1, rel=0.05)
    assert prior.alpha + prior.beta == pytest.approx(30, rel=0.2)


def test_the_likeliest_prior_is_the_one_that_scipy_finds_by_another_way():
    x, n = differing(60)

    def minus_log(logs):
        return -stats.betabinom.logpmf(x, n, *np.exp(logs)).sum()

    found = prior_by_likelihood(x, n)

    oracle = np.exp(optimize.minimize(minus_log, [1.0, 3.0], method="Nelder-Mead").x)
    assert (found.alpha, found.beta) == pytest.approx(oracle, rel=0.01)


PRIORS = st.builds(BetaPrior, st.floats(0.2, 20), st.floats(0.2, 200))
COUNTS = st.integers(0, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(max_examples=60, deadline=None)
@given(prior=PRIORS, counts=COUNTS, limit=st.floats(0, 1))
def test_posteriors_are_those_of_scipy(prior, counts, limit):
    x, n = counts
    posterior = stats.beta(prior.alpha + x, prior.beta + n - x)

    assert posterior_mean(prior, x, n) == pytest.approx(posterior.mean())
    assert posterior_above(prior, x, n, limit) == pytest.approx(posterior.sf(limit), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(prior=PRIORS, counts=COUNTS)
def test_a_shrunk_share_lies_between_the_class_and_its_band(prior, counts):
    x, n = counts
    found = float(posterior_mean(prior, x, n))
    raw = x / n if n else prior.mean
    assert min(raw, prior.mean) - 1e-12 <= found <= max(raw, prior.mean) + 1e-12


def test_more_cases_stand_out_more_and_nobody_is_above_everything():
    prior = BetaPrior(3.0, 27.0)
    assert (np.diff(posterior_above(prior, np.arange(21), 20, 0.15)) > 0).all()
    assert posterior_above(prior, [0, 20], [20, 20], 1.0).tolist() == [0, 0]
    assert posterior_above(prior, [0, 20], [20, 20], 1.4).tolist() == [0, 0]
    assert posterior_above(prior, [0, 20], [20, 20], -0.1).tolist() == [1, 1]


def test_each_band_has_its_own_prior():
    low, high = differing(40, 2, 38, seed=3), differing(40, 8, 32, seed=4)
    x, n = (np.concatenate(pair) for pair in zip(low, high, strict=True))
    band = np.repeat(["8-10", "1-7"], 40)

    found = shrink_shares(x, n, band)

    assert not found.is_pooled.any()
    for name, own in (("8-10", low), ("1-7", high)):
        prior = prior_by_moments(*own)
        assert found.mean[band == name] == pytest.approx(posterior_mean(prior, *own))
        above = posterior_above(prior, *own, 1.5 * prior.mean)
        assert found.stands_out[band == name] == pytest.approx(above)
    doubled = shrink_shares(x, n, band, times=2.0)
    assert (doubled.stands_out < found.stands_out).all()


def test_a_band_of_equal_classes_falls_back_to_the_pooled_share_and_flags_nobody():
    x, n = np.array([1.0, 1, 1, 2]), np.array([20.0, 20, 20, 20])
    found = shrink_shares(x, n, np.array(["a", "a", "a", "a"]))

    assert found.is_pooled.all()
    assert found.mean == pytest.approx([5 / 80] * 4)
    assert (found.stands_out == 0).all()


def test_one_band_may_fall_back_while_the_other_does_not():
    x, n = differing(40)
    both = shrink_shares(
        np.append(x, [1.0, 1.0]), np.append(n, [20.0, 20.0]), np.array([0] * 40 + [1] * 2)
    )
    assert both.is_pooled.tolist() == [False] * 40 + [True] * 2
    assert both.mean[40:] == pytest.approx([0.05, 0.05])


def test_a_band_that_nobody_answered_has_no_share():
    found = shrink_shares(np.zeros(2), np.zeros(2), np.array([1, 1]))
    assert np.isnan(found.mean).all()
    assert (found.stands_out == 0).all()


def test_the_fit_may_be_chosen():
    x, n = differing(60)
    found = shrink_shares(x, n, np.zeros(60), fit=prior_by_likelihood)
    assert found.mean == pytest.approx(posterior_mean(prior_by_likelihood(x, n), x, n))


def test_variances_by_hand():
    # two classes of 10, means 0 and 4, variances 9 and 11: within 10, between 80, (80 - 10) / 10
    tau2, within = variance_between(np.array([0.0, 4]), np.array([9.0, 11]), np.array([10.0, 10]))
    assert (tau2, within) == pytest.approx((7, 10))
    # unequal: 4 and 12 pupils, grand mean 3, between 4 * 9 + 12 * 1, typical (16 - 160 / 16) / 1
    tau2, within = variance_between(np.array([0.0, 4]), np.array([2.0, 6]), np.array([4.0, 12]))
    assert (tau2, within) == pytest.approx(((48 - 72 / 14) / 6, 72 / 14))


@pytest.mark.parametrize(
    ("rows", "expected"), [([], (0, 0)), ([(3.0, 2.5, 9.0)], (0, 2.5))], ids=["none", "one"]
)
def test_with_fewer_than_two_classes_nothing_lies_between(rows, expected):
    means, variances, n = np.array(rows, float).reshape(-1, 3).T
    assert variance_between(means, variances, n) == expected


def test_a_shrunk_mean_by_hand():
    # tau2 7, s2 10, n 10: kept 7 / 8; grand mean 2; posterior variance 7 / 8
    found = shrink_means(np.array([0.0, 4]), np.array([9.0, 11]), np.array([10.0, 10]))

    assert found.mean == pytest.approx([2 - 2 * 7 / 8, 2 + 2 * 7 / 8])
    below = stats.norm(found.mean, np.sqrt(7 / 8)).cdf(2 - 0.5 * np.sqrt(7))
    assert found.stands_out == pytest.approx(below)
    assert not found.is_pooled.any()


@pytest.mark.parametrize(
    ("means", "variances"),
    [([3.0], [1.0]), ([3.0, 3.0], [1.0, 1.0]), ([3.0, 3.1], [4.0, 4.0]), ([3.0, 3.0], [0.0, 0.0])],
    ids=["one class", "equal", "differ less than chance", "nothing varies"],
)
def test_where_means_differ_no_more_than_chance_all_have_the_bands(means, variances):
    n = np.full(len(means), 20.0)
    found = shrink_means(np.array(means), np.array(variances), n)

    assert found.is_pooled.all()
    assert found.mean == pytest.approx([np.mean(means)] * len(means))
    assert (found.stands_out == 0).all()


def test_pooled_means_count_pupils_and_not_classes():
    found = shrink_means(np.array([3.0, 3.3]), np.array([4.0, 4.0]), np.array([10.0, 20]))
    assert found.mean == pytest.approx([3.2, 3.2])


def test_no_class_is_no_fault():
    none = np.array([])
    assert len(shrink_means(none, none, none).mean) == 0
    assert len(shrink_shares(none, none, none).mean) == 0


def test_where_pupils_of_a_class_answer_alike_nothing_is_unsure():
    found = shrink_means(np.array([0.0, 4, 2]), np.zeros(3), np.full(3, 10.0))

    assert found.mean == pytest.approx([0, 4, 2])
    assert found.stands_out.tolist() == [1, 0, 0]
    at_the_mean = shrink_means(np.array([0.0, 4, 2]), np.zeros(3), np.full(3, 10.0), below_by=0.0)
    assert at_the_mean.stands_out.tolist() == [1, 0, 0]


def test_the_distance_is_in_spreads_between_classes():
    means, variances, n = np.array([0.0, 4]), np.array([9.0, 11]), np.array([10.0, 10])
    at = shrink_means(means, variances, n, below_by=0.0).stands_out
    assert at[0] == pytest.approx(stats.norm.cdf((2 - 0.25) / np.sqrt(7 / 8)))


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.floats(1, 5), st.floats(0.1, 4), st.integers(2, 28)), min_size=2, max_size=12
    ),
    shift=st.floats(-3, 3),
)
def test_shrunk_means_lie_between_and_move_with_the_scale(rows, shift):
    means, variances, n = np.array(rows, float).T
    grand = (n * means).sum() / n.sum()

    found = shrink_means(means, variances, n)
    moved = shrink_means(means + shift, variances, n)

    low, high = np.minimum(means, grand), np.maximum(means, grand)
    assert ((found.mean >= low - 1e-9) & (found.mean <= high + 1e-9)).all()
    assert ((found.stands_out >= 0) & (found.stands_out <= 1)).all()
    assert moved.mean == pytest.approx(found.mean + shift, abs=1e-6)


def test_a_planted_spread_between_classes_is_found_again():
    random = np.random.default_rng(7)
    true = random.normal(3.5, 0.4, 2000)
    answers = random.normal(true[:, None], 1.0, (2000, 20))

    tau2, within = variance_between(
        answers.mean(axis=1), answers.var(axis=1, ddof=1), np.full(2000, 20.0)
    )
    assert np.sqrt([tau2, within]) == pytest.approx([0.4, 1.0], rel=0.05)
