"""Reliable change: published groups, the form that expects a rise, and categories."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.statistics.published import published
from transforms.statistics.reliable_change import (
    Norm,
    change_beyond_regression,
    change_words,
    change_words_with_cut_off,
    cut_off_a,
    cut_offs,
    difference_error,
    fell,
    reliable_change,
    smallest_reliable_change,
)


def pairs_of(case):
    _, before, after = np.array(case["input"]["pairs_id_pre_post"], np.float64).T
    return before, after


def tally(words):
    return dict(zip(*np.unique(words, return_counts=True), strict=True))


def named(counts):
    return {word: count for word, count in counts.items() if count and word != "n"}


def test_who5_changes_are_those_published(shared):
    # Claus et al. 2020 (osf.io/rc754), as in pedscience/clinicalsignificance; sample SD of 40
    case = published(shared, "rci-jt-who-claus2020")
    before, after = pairs_of(case)
    assert len(before) == case["expected"]["n"]

    index = reliable_change(
        before, after, sd=np.std(before, ddof=1), reliability=case["input"]["reliability"]
    )

    words = change_words(index, higher_is_better=True, critical=case["input"]["critical"])
    assert tally(words) == named(case["expected"])


def test_gds_changes_and_recoveries_are_those_published(shared):
    # Jacobson et al. 1989; Jacobson & Truax 1991, as in pedscience/clinicalsignificance
    case = published(shared, "rci-jt-gds-jacobson1989")
    before, after = pairs_of(case)
    clinical = Norm(float(before.mean()), float(np.std(before, ddof=1)))
    functional = Norm(30.0, 7.0)

    index = reliable_change(before, after, sd=clinical.sd, reliability=case["input"]["reliability"])

    first = [float(f"{value:.3g}") for value in index[:10]]
    assert first == case["expected"]["rci_first_10"]
    limits = {
        "cutoff_a": cut_off_a(clinical, higher_is_better=False),
        "cutoff_c_with_functional_mean30_sd7": cut_offs(
            clinical=clinical, functional=functional, higher_is_better=False
        ).c,
    }
    for name, limit in limits.items():
        words = change_words_with_cut_off(
            (before, after), index, cut_off=limit, higher_is_better=False
        )
        assert tally(words) == named(case["expected"][name])


def test_cut_offs_are_those_of_jacobson_and_truax(shared):
    # Jacobson & Truax 1991, example, by pedscience/clinicalsignificance test-calc_cutoff.R
    case = published(shared, "jt-cutoffs-abc")
    asked = case["input"]

    found = cut_offs(
        clinical=Norm(asked["mean_clinical"], asked["sd_clinical"]),
        functional=Norm(asked["mean_functional"], asked["sd_functional"]),
        higher_is_better=asked["higher_is_better"],
    )

    expected = tuple(case["expected"][name] for name in "abc")
    assert (found.a, found.b, found.c) == pytest.approx(expected, abs=case["tolerance"])


def test_cut_offs_of_unequal_spread_lie_nearer_the_narrow_population():
    # (10 * 70 + 5 * 40) / 15 where lower is better
    found = cut_offs(clinical=Norm(70, 5), functional=Norm(40, 10), higher_is_better=False)

    assert (found.a, found.b, found.c) == pytest.approx((60, 60, 60))
    other = cut_offs(clinical=Norm(40, 10), functional=Norm(70, 4), higher_is_better=True)
    assert (other.a, other.b, other.c) == pytest.approx((60, 62, (4 * 40 + 10 * 70) / 14))


# Domain notes 0.6: one pupil's smallest reliable change (95 %).
@pytest.mark.parametrize(
    ("sd", "reliability", "least"), [(19, 0.80, 23.6), (10, 0.82, 11.8), (10, 0.72, 14.7)]
)
def test_smallest_reliable_changes_of_who5_and_kidscreen(sd, reliability, least):
    assert smallest_reliable_change(sd, reliability) == pytest.approx(least, abs=0.05)


def test_errors_by_hand():
    assert difference_error(10, 0.5) == pytest.approx(10)  # sqrt 2 * 10 * sqrt .5
    assert difference_error(0, 0.5) == 0
    assert difference_error(10, 1) == 0
    assert smallest_reliable_change(10, 0.5, critical=2.0) == pytest.approx(20)


@pytest.mark.parametrize(
    ("before", "after", "index"),
    [
        (40, 40, (40 - 52) / 10 * np.sqrt(2)),  # expected .6 * (40 - 70) + 70 = 52
        (40, 52, 0.0),  # risen as far as the mean draws: no change
        (70, 80, np.sqrt(2)),
        (90, 82, 0.0),
    ],
)
def test_a_rise_that_the_mean_explains_is_no_change(before, after, index):
    norm = Norm(70, 10 / np.sqrt(0.8))  # error of a difference 10, of measurement 10 / sqrt 2

    found = change_beyond_regression(before, after, norm=norm, reliability=0.6)

    assert found == pytest.approx(index)


def test_half_of_flagged_pupils_gain_without_help_and_almost_nobody_beyond_regression():
    # Domain notes 0.5, simulated: WHO-5 (mean 68, SD 19, r .75), selected at <= 50, no intervention
    random = np.random.default_rng(5)
    true = random.normal(68, 19 * np.sqrt(0.75), 200_000)
    before, after = true + random.normal(0, 19 * np.sqrt(0.25), (2, 200_000))
    low = before <= 50

    index = reliable_change(before[low], after[low], sd=19, reliability=0.75)
    beyond = change_beyond_regression(before[low], after[low], norm=Norm(68, 19), reliability=0.75)

    assert np.mean(after[low] - before[low]) == pytest.approx(7.0, abs=0.5)
    assert np.mean(after[low] - before[low] >= 10) == pytest.approx(0.41, abs=0.02)
    assert np.mean(index > 1.96) == pytest.approx(0.064, abs=0.01)
    assert np.mean(beyond) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ("index", "higher_is_better", "word"),
    [
        (1.96, True, "unchanged"),
        (1.97, True, "improved"),
        (-1.96, True, "unchanged"),
        (-1.97, True, "deteriorated"),
        (0, True, "unchanged"),
        (1.97, False, "deteriorated"),
        (-1.97, False, "improved"),
    ],
)
def test_words_at_the_critical_value(index, higher_is_better, word):
    assert change_words([index], higher_is_better=higher_is_better).tolist() == [word]


CROSSINGS = [
    # before after index  word, where 50 and above is functional
    (40, 60, 3, "recovered"),
    (40, 50, 3, "recovered"),
    (40, 49, 3, "improved"),
    (50, 60, 3, "improved"),
    (40, 60, 1, "unchanged"),
    (60, 40, -3, "harmed"),
    (50, 49, -3, "harmed"),
    (60, 50, -3, "deteriorated"),
    (49, 40, -3, "deteriorated"),
    (60, 40, -1, "unchanged"),
]


@pytest.mark.parametrize(("before", "after", "index", "word"), CROSSINGS)
def test_words_with_a_cut_off(before, after, index, word):
    found = change_words_with_cut_off(
        ([before], [after]), [index], cut_off=50, higher_is_better=True
    )
    turned = change_words_with_cut_off(
        ([-before], [-after]), [-index], cut_off=-50, higher_is_better=False
    )

    assert found.tolist() == turned.tolist() == [word]


FALLS = [
    # before after higher_is_better fell
    (5, 3, True, True),
    (5, 4, True, False),
    (3, 3, True, False),
    (1, 5, True, False),
    (1, 3, False, True),
    (1, 2, False, False),
    (5, 1, False, False),
]


@pytest.mark.parametrize(("before", "after", "higher_is_better", "is_fall"), FALLS)
def test_a_single_item_falls_by_two_categories_or_more(before, after, higher_is_better, is_fall):
    assert fell([before], [after], higher_is_better=higher_is_better).tolist() == [is_fall]
    assert fell([5], [4], higher_is_better=True, steps=1).tolist() == [True]


SCORES = st.floats(0, 100)


@settings(max_examples=60, deadline=None)
@given(before=SCORES, after=SCORES, shift=st.floats(-50, 50), scale=st.floats(0.5, 20))
def test_the_index_does_not_depend_on_the_unit(before, after, shift, scale):
    norm, reliability = Norm(60.0, 15.0), 0.8
    moved = Norm(norm.mean * scale + shift, norm.sd * scale)
    x, y = before * scale + shift, after * scale + shift

    plain = reliable_change(before, after, sd=norm.sd, reliability=reliability)
    beyond = change_beyond_regression(before, after, norm=norm, reliability=reliability)

    assert reliable_change(x, y, sd=moved.sd, reliability=reliability) == pytest.approx(
        plain, abs=1e-6
    )
    assert change_beyond_regression(x, y, norm=moved, reliability=reliability) == pytest.approx(
        beyond, abs=1e-6
    )


@settings(max_examples=60, deadline=None)
@given(before=SCORES, after=SCORES)
def test_there_and_back_is_the_same_change_with_the_other_sign(before, after):
    there = reliable_change(before, after, sd=15, reliability=0.8)
    assert reliable_change(after, before, sd=15, reliability=0.8) == pytest.approx(-there)
