"""What is no number, or cannot be, is refused in counts and names, before any arithmetic."""

import numpy as np
import pytest

from transforms import sociometry
from transforms.statistics import (
    control_charts,
    empirical_bayes,
    false_discovery,
    funnel,
    overdispersion,
    proportions,
    reliability,
    reliable_change,
    screening,
)
from transforms.statistics.numbers import require_counts, z_of

NAN = float("nan")
NORM = reliable_change.Norm(60.0, 7.5)
PRIOR = empirical_bayes.BetaPrior(1.0, 9.0)


def table(*values):
    return np.array(values, np.float64)


WITHOUT_A_NUMBER = {
    "tail, observed": lambda: proportions.binomial_tail(NAN, 10, 0.1),
    "tail, n": lambda: proportions.binomial_tail(1, NAN, 0.1),
    "tail, share": lambda: proportions.binomial_tail(1, 10, NAN),
    "mid-p": lambda: proportions.binomial_mid_p(1, 10, NAN),
    "wilson": lambda: proportions.wilson_interval(NAN, 10),
    "exact interval": lambda: proportions.exact_interval(1, NAN),
    "false discovery": lambda: false_discovery.benjamini_hochberg(table(0.1, NAN)),
    "exact funnel": lambda: funnel.exact_limits([10], NAN),
    "exact funnel, tail": lambda: funnel.exact_limits([10], 0.1, tail=NAN),
    "drawn funnel": lambda: funnel.drawn_limits([NAN], 0.1),
    "drawn funnel, baseline": lambda: funnel.drawn_limits([10], NAN),
    "ratio funnel": lambda: funnel.ratio_limits([NAN]),
    "proportion z": lambda: overdispersion.proportion_z([1], [10], NAN),
    "proportion z, n": lambda: overdispersion.proportion_z([0], [NAN], 0.1),
    "ratio z, observed": lambda: overdispersion.ratio_z([NAN], [1]),
    "ratio z, expected": lambda: overdispersion.ratio_z([1], [NAN]),
    "phi": lambda: overdispersion.phi_of(table(NAN)),
    "dispersion": lambda: overdispersion.dispersion(table(*[NAN] * 12), np.ones(12)),
    "dispersion, error": lambda: overdispersion.dispersion(np.ones(12), table(*[NAN] * 12)),
    "moments": lambda: empirical_bayes.prior_by_moments(table(NAN), table(10)),
    "likelihood": lambda: empirical_bayes.prior_by_likelihood(table(NAN), table(10)),
    "posterior mean": lambda: empirical_bayes.posterior_mean(PRIOR, NAN, 10),
    "posterior above": lambda: empirical_bayes.posterior_above(PRIOR, NAN, 10, 0.1),
    "posterior above, limit": lambda: empirical_bayes.posterior_above(PRIOR, 1, 10, NAN),
    "shrink shares": lambda: empirical_bayes.shrink_shares(table(NAN), table(9), table(1)),
    "shrink means": lambda: empirical_bayes.shrink_means(table(NAN, 1), table(1, 1), table(9, 9)),
    "variances": lambda: empirical_bayes.shrink_means(table(2, 1), table(NAN, 1), table(9, 9)),
    "class sizes": lambda: empirical_bayes.shrink_means(table(2, 1), table(1, 1), table(NAN, 9)),
    "change, before": lambda: reliable_change.reliable_change(NAN, 1, sd=1, reliability=0.5),
    "change, after": lambda: reliable_change.reliable_change(1, NAN, sd=1, reliability=0.5),
    "change, sd": lambda: reliable_change.reliable_change(1, 1, sd=NAN, reliability=0.5),
    "change, reliability": lambda: reliable_change.difference_error(1, NAN),
    "beyond regression": lambda: reliable_change.change_beyond_regression(
        NAN, 1, norm=NORM, reliability=0.5
    ),
    "words": lambda: reliable_change.change_words([NAN], higher_is_better=True),
    "words, cut-off": lambda: reliable_change.change_words_with_cut_off(
        ([1], [2]), [0], cut_off=NAN, higher_is_better=True
    ),
    "words, score": lambda: reliable_change.change_words_with_cut_off(
        ([NAN], [2]), [0], cut_off=1, higher_is_better=True
    ),
    "words, later score": lambda: reliable_change.change_words_with_cut_off(
        ([1], [NAN]), [0], cut_off=1, higher_is_better=True
    ),
    "fall": lambda: reliable_change.fell([5, NAN], [3, 3], higher_is_better=True),
    "fall, after": lambda: reliable_change.fell([5, 5], [3, NAN], higher_is_better=True),
    "p-chart": lambda: control_charts.p_chart(table(NAN, 1), table(9, 9)),
    "xmr": lambda: control_charts.xmr_chart(table(1, NAN, 3)),
    "shift": lambda: control_charts.shifted(table(1, NAN), 1.0),
    "shift, centre": lambda: control_charts.shifted(table(1, 2), NAN),
    "prevalence": lambda: screening.ppv_at(NAN, 0.8, 0.9),
    "sensitivity": lambda: screening.flagged_share(0.1, NAN, 0.9),
    "specificity": lambda: screening.flagged_share(0.1, 0.9, NAN),
    "alpha": lambda: reliability.cronbach_alpha(np.array([[1, 2], [NAN, 3]])),
    "omega": lambda: reliability.mcdonald_omega(np.full((5, 3), NAN)),
    "floor": lambda: reliability.floor_and_ceiling([1, NAN], minimum=1, maximum=5),
    "few": lambda: sociometry.chosen_by_few(
        np.zeros((2, 2), np.bool_), np.ones(2, np.bool_), alpha=NAN
    ),
}


@pytest.mark.parametrize("call", WITHOUT_A_NUMBER.values(), ids=WITHOUT_A_NUMBER)
def test_what_is_no_number_is_refused(call):
    with pytest.raises(ValueError, match="no number"):
        call()


IMPOSSIBLE = {
    "share above 1": (lambda: proportions.binomial_tail(1, 10, 1.1), "share: 1 values"),
    "share below 0": (lambda: proportions.binomial_tail(1, 10, -0.1), "share: 1 values"),
    "n below 0": (lambda: proportions.binomial_tail(0, -1, 0.1), "n: 1 values"),
    "more than answered": (lambda: proportions.wilson_interval([3, 2], [2, 2]), "1 counts"),
    "exact, more than answered": (lambda: proportions.exact_interval(3, 2), "1 counts"),
    "fewer than none": (lambda: proportions.wilson_interval(-1, 2), "observed: 1 values"),
    "p above 1": (lambda: false_discovery.benjamini_hochberg(table(0.5, 1.5)), "p_values"),
    "baseline above 1": (lambda: funnel.exact_limits([5], 1.5), "baseline"),
    "drawn baseline": (lambda: funnel.drawn_limits([5], -0.5), "baseline"),
    "drawn baseline above 1": (lambda: funnel.drawn_limits([5], 1.5), "baseline"),
    "no point": (lambda: control_charts.p_chart(table(), table()), "needs points"),
    "drawn n": (lambda: funnel.drawn_limits([-5], 0.5), "n: 1"),
    "nothing expected": (lambda: funnel.ratio_limits([0.0, 2.0]), "above 0"),
    "no log of none": (lambda: overdispersion.ratio_z([0], [2]), "above 0"),
    "no log of one that is none": (lambda: overdispersion.ratio_z([0, 5], [2, 2]), "above 0"),
    "no log over one that is none": (lambda: overdispersion.ratio_z([2, 5], [0, 2]), "above 0"),
    "no log over none": (lambda: overdispersion.ratio_z([2], [0]), "above 0"),
    "z of nobody": (lambda: overdispersion.proportion_z([0], [0], 0.1), "n: 1"),
    "z of more": (lambda: overdispersion.proportion_z([3], [2], 0.1), "1 counts"),
    "no chance": (lambda: overdispersion.proportion_z([1], [2], 0.0), "no room"),
    "no chance for one": (
        lambda: overdispersion.proportion_z([1, 1], [2, 2], [0.5, 0.0]),
        "no room",
    ),
    "only chance": (lambda: overdispersion.proportion_z([1], [2], 1.0), "no room"),
    "z baseline": (lambda: overdispersion.proportion_z([1], [2], 1.1), "baseline"),
    "prior of more": (lambda: empirical_bayes.prior_by_moments(table(3), table(2)), "1 counts"),
    "fit of more": (lambda: empirical_bayes.prior_by_likelihood(table(3), table(2)), "1 counts"),
    "posterior of more": (lambda: empirical_bayes.posterior_mean(PRIOR, 3, 2), "1 counts"),
    "chance of more": (lambda: empirical_bayes.posterior_above(PRIOR, 3, 2, 0.1), "1 counts"),
    "band of more": (
        lambda: empirical_bayes.shrink_shares(table(3), table(2), table(1)),
        "1 counts",
    ),
    "one answer has no variance": (
        lambda: empirical_bayes.shrink_means(table(3, 2), table(1, 0), table(9, 1)),
        "n: 1",
    ),
    "variance below 0": (
        lambda: empirical_bayes.shrink_means(table(3, 2), table(1, -1), table(9, 9)),
        "variances: 1",
    ),
    "point without answers": (lambda: control_charts.p_chart(table(0, 1), table(0, 9)), "share"),
    "chart of more": (lambda: control_charts.p_chart(table(3, 1), table(2, 9)), "1 counts"),
    "one value has no range": (lambda: control_charts.xmr_chart(table(1)), "there are 1"),
    "spread below 0": (lambda: reliable_change.difference_error(-1, 0.5), "sd"),
    "reliability above 1": (lambda: reliable_change.difference_error(1, 1.5), "reliability"),
    "no error": (
        lambda: reliable_change.reliable_change(1, 2, sd=1, reliability=1),
        "no change can be judged",
    ),
    "no spread": (
        lambda: reliable_change.change_beyond_regression(
            1, 2, norm=reliable_change.Norm(1, 0), reliability=0.5
        ),
        "no change can be judged",
    ),
    "no spread, no cut-off": (
        lambda: reliable_change.cut_offs(
            clinical=reliable_change.Norm(1, 0),
            functional=reliable_change.Norm(2, 0),
            higher_is_better=True,
        ),
        "no cut-off",
    ),
    "fewer than none flagged": (lambda: screening.accuracy(tp=-1, fp=1, fn=1, tn=1), "tp: 1"),
    "prevalence above 1": (lambda: screening.ppv_at(1.5, 0.5, 0.5), "prevalence"),
    "certainty": (lambda: z_of(1.0), "between 0 and 1"),
    "no confidence": (lambda: z_of(0.0), "between 0 and 1"),
    "alpha above 1": (
        lambda: sociometry.chosen_by_few(
            np.zeros((2, 2), np.bool_), np.ones(2, np.bool_), alpha=1.5
        ),
        "alpha",
    ),
    "itself": (lambda: sociometry.matrix_of(np.array([1]), np.array([1]), 3), "1 to the pupil"),
    "a stranger": (lambda: sociometry.matrix_of(np.array([1]), np.array([3]), 3), "1 go outside"),
    "a number below 0": (
        lambda: sociometry.matrix_of(np.array([-1]), np.array([2]), 3),
        "1 go outside",
    ),
}


@pytest.mark.parametrize(("call", "said"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_is_refused_in_counts(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_a_refusal_says_how_many_and_no_value():
    with pytest.raises(ValueError, match="2 counts") as refused:
        require_counts(np.array([41, 42, 1]), np.array([5, 5, 5]))
    assert "4" not in str(refused.value)


def test_nothing_at_all_is_no_fault():
    none = table()
    require_counts(none, none)
    assert all(len(limits) == 0 for limits in funnel.exact_limits([], 0.1))
    assert all(len(bounds) == 0 for bounds in proportions.wilson_interval([], []))
