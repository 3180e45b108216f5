"""Screening accuracy: a published table, Bayes' arithmetic, and empty cells."""

from math import inf, isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.statistics.published import published
from transforms.statistics.screening import accuracy, flagged_share, ppv_at


def test_a_published_table_gives_the_published_figures(shared):
    # Scott et al. 2008, Table 1, as in epiR's epi.tests
    case = published(shared, "diagnostic-2x2-scott2008")
    expected, within = case["expected"], case["tolerance"]

    found = accuracy(**case["input"])

    for name in ("sensitivity", "specificity", "lr_positive"):
        estimate = getattr(found, name)
        assert estimate.value == pytest.approx(expected[name], abs=within)
        assert (estimate.low, estimate.high) == pytest.approx(expected[f"{name}_ci95"], abs=within)
    needed = found.number_needed_to_diagnose
    assert needed.value == pytest.approx(expected["number_needed_to_diagnose"], abs=within)
    assert needed.low < needed.value < needed.high


def test_the_other_figures_of_that_table_by_hand():
    found = accuracy(tp=670, fp=202, fn=74, tn=640)

    assert found.ppv.value == pytest.approx(670 / 872)
    assert found.npv.value == pytest.approx(640 / 714)
    se, sp = 670 / 744, 640 / 842
    assert found.number_needed_to_diagnose.value == pytest.approx(1 / (se + sp - 1))
    high = found.sensitivity.high + found.specificity.high - 1
    low = found.sensitivity.low + found.specificity.low - 1
    needed = found.number_needed_to_diagnose
    assert (needed.low, needed.high) == pytest.approx((1 / high, 1 / low))


def test_a_wider_confidence_widens_every_interval():
    narrow, wide = (accuracy(tp=67, fp=20, fn=7, tn=64, confidence=c) for c in (0.8, 0.95))
    for name in ("sensitivity", "specificity", "ppv", "npv", "lr_positive"):
        inner, outer = getattr(narrow, name), getattr(wide, name)
        assert outer.low < inner.low < inner.value < inner.high < outer.high


def test_a_likelihood_ratio_of_small_counts_by_hand():
    # (6 / 8) / (2 / 10) = 3.75; log error sqrt(1/6 - 1/8 + 1/2 - 1/10)
    found = accuracy(tp=6, fp=2, fn=2, tn=8).lr_positive

    half = 1.959964 * (1 / 6 - 1 / 8 + 1 / 2 - 1 / 10) ** 0.5
    assert found.value == pytest.approx(3.75)
    assert (found.low, found.high) == pytest.approx((3.75 * np.exp(-half), 3.75 * np.exp(half)))


EMPTY = [
    # tp fp fn tn    lr  (nan: nothing to compute it from)
    (0, 0, 0, 0, None),
    (5, 0, 0, 0, None),
    (0, 5, 0, 5, None),
    (0, 0, 5, 5, None),
    (5, 0, 5, 9, inf),
    (0, 2, 5, 9, 0),
]


@pytest.mark.parametrize(("tp", "fp", "fn", "tn", "ratio"), EMPTY)
def test_where_a_cell_is_empty_the_interval_says_that_nothing_is_known(tp, fp, fn, tn, ratio):
    found = accuracy(tp=tp, fp=fp, fn=fn, tn=tn).lr_positive

    assert isnan(found.value) if ratio is None else found.value == ratio
    assert (found.low, found.high) == (0, inf)


def test_a_share_of_nobody_is_unknown():
    found = accuracy(tp=0, fp=0, fn=0, tn=0)
    for name in ("sensitivity", "specificity", "ppv", "npv"):
        estimate = getattr(found, name)
        assert isnan(estimate.value)
        assert (estimate.low, estimate.high) == (0, 1)
    assert isnan(found.number_needed_to_diagnose.value)


def test_a_signal_no_better_than_a_coin_never_diagnoses():
    found = accuracy(tp=5, fp=5, fn=5, tn=5).number_needed_to_diagnose
    assert (found.value, found.high) == (inf, inf)


# Domain notes 6.6, at a prevalence of 6 %.
@pytest.mark.parametrize(
    ("se", "sp", "ppv", "flagged"),
    [(0.90, 0.76, 0.19, 0.28), (0.80, 0.90, 0.34, 0.14), (0.70, 0.95, 0.47, 0.09)],
)
def test_how_many_flags_are_right_at_six_percent(se, sp, ppv, flagged):
    assert ppv_at(0.06, se, sp) == pytest.approx(ppv, abs=0.005)
    assert flagged_share(0.06, se, sp) == pytest.approx(flagged, abs=0.005)


def test_the_same_answer_in_two_waves_is_right_more_often_and_finds_fewer():
    # Domain notes 6.6: se .8, sp .985, prevalence .05, independent errors
    assert ppv_at(0.05, 0.8, 0.985) == pytest.approx(0.74, abs=0.005)
    assert ppv_at(0.05, 0.8**2, 1 - (1 - 0.985) ** 2) == pytest.approx(0.99, abs=0.005)


@pytest.mark.parametrize(
    ("prevalence", "se", "sp", "ppv"),
    [(0, 0.9, 0.9, 0.0), (1, 0.9, 0.9, 1.0), (0.5, 0.5, 0.5, 0.5), (0.5, 0.0, 0.9, 0.0)],
)
def test_flags_at_the_ends(prevalence, se, sp, ppv):
    assert ppv_at(prevalence, se, sp) == pytest.approx(ppv)


def test_where_nobody_is_flagged_no_flag_is_right_or_wrong():
    assert np.isnan(ppv_at([0.0, 0.06], 0.9, 1.0)).tolist() == [True, False]


CELLS = st.integers(1, 200)


@settings(max_examples=60, deadline=None)
@given(tp=CELLS, fp=CELLS, fn=CELLS, tn=CELLS)
def test_bayes_gives_the_ppv_of_the_table(tp, fp, fn, tn):
    found = accuracy(tp=tp, fp=fp, fn=fn, tn=tn)
    prevalence = (tp + fn) / (tp + fp + fn + tn)

    assert ppv_at(prevalence, found.sensitivity.value, found.specificity.value) == pytest.approx(
        found.ppv.value
    )
    for name in ("sensitivity", "specificity", "ppv", "npv", "lr_positive"):
        estimate = getattr(found, name)
        assert estimate.low <= estimate.value <= estimate.high
    swapped = accuracy(tp=tn, fp=fn, fn=fp, tn=tp)
    assert (swapped.sensitivity, swapped.ppv) == (found.specificity, found.npv)
