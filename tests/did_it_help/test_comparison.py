"""The adjusted difference against a plain least-squares fit, a loop over classes, and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from schemas.outcome import outcome_plan
from transforms.did_it_help.comparison import Arms, adjusted_difference
from transforms.did_it_help.verdict import judge

LIMITS = outcome_plan().limits


def arms(before, after, followed, class_no=None, grade=None, signals=None) -> Arms:
    count = len(before)
    return Arms(
        np.asarray(before, float),
        np.asarray(after, float),
        np.asarray(followed, bool),
        np.zeros(count, int) if grade is None else np.asarray(grade),
        np.arange(count) if class_no is None else np.asarray(class_no),
        np.zeros(count, int) if signals is None else np.asarray(signals),
    )


def naive(of: Arms, confidence: float):
    """The same by lstsq, leaving out one class after the other."""

    def fit(keep):
        marks = [
            (column == value) * 1.0
            for column in (of.grade, of.signals)
            for value in np.unique(column)[1:]
        ]
        design = np.column_stack([np.ones(len(of.before)), of.followed, of.before, *marks])
        return np.linalg.lstsq(design[keep], of.after[keep], rcond=None)[0][1]

    whole = fit(np.ones(len(of.before), bool))
    left = np.array([fit(of.class_no != one) for one in np.unique(of.class_no)])
    error = np.sqrt((len(left) - 1) / len(left) * np.sum((left - whole) ** 2))
    fewest = min(len(np.unique(of.class_no[of.followed == arm])) for arm in (True, False))
    reach = stats.t.ppf((1 + confidence) / 2, fewest - 1) * error
    return whole, error, whole - reach, whole + reach


@given(
    seed=st.integers(0, 10_000),
    classes=st.integers(6, 15),
    grades=st.integers(1, 3),
    confidence=st.sampled_from([0.95, 0.99]),
)
@settings(max_examples=25, deadline=None)
def test_same_as_plain_least_squares_and_a_loop_over_classes(seed, classes, grades, confidence):
    rng = np.random.default_rng(seed)
    count = classes * 6
    class_no = np.arange(count) % classes
    of = arms(
        rng.integers(0, 26, count) * 4,
        rng.integers(0, 26, count) * 4,
        rng.random(count) < 0.5,
        class_no,
        class_no % grades,
        rng.integers(1, 3, count),
    )
    found = adjusted_difference(of, confidence=confidence)
    assert (found.value, found.error, found.low, found.high) == pytest.approx(naive(of, confidence))


def test_difference_by_hand():
    """after = before + 3 if followed, and ±1 that cancels: the difference is 3."""
    before = [10, 10, 20, 20, 10, 10, 20, 20]  # two answers: a column each, as of one item
    after = [14, 12, 24, 22, 11, 9, 21, 19]
    found = adjusted_difference(arms(before, after, [1] * 4 + [0] * 4), confidence=0.95)
    assert found.value == pytest.approx(3)


def test_one_pupil_a_class_is_hc3():
    """MacKinnon & White 1985: residuals over 1 - leverage, but for the jackknife's (n - 1) / n."""
    rng = np.random.default_rng(3)
    before, followed = rng.normal(60, 15, 40), np.arange(40) % 2
    after = before + rng.normal(0, 8, 40) * (1 + followed)
    design = np.column_stack([np.ones(40), followed, before - before.mean()])
    inverse = np.linalg.inv(design.T @ design)
    left = after - design @ (inverse @ design.T @ after)
    weight = (left / (1 - np.einsum("ij,jk,ik->i", design, inverse, design))) ** 2
    hc3 = inverse @ (design.T * weight) @ design @ inverse
    found = adjusted_difference(arms(before, after, followed), confidence=0.95)
    assert found.error**2 == pytest.approx(39 / 40 * hc3[1, 1])


# fmt: off
CANNOT_TELL = [
    # followed | waiting | classes | why
    (0,          30,       10,       "nobody_followed"),
    (1,          30,       10,       "too_few"),
    (9,          30,       10,       "too_few"),
    (30,         9,        10,       "too_few"),
    (30,         30,       2,        "too_few"),
    (30,         0,        10,       "no_comparison"),
]
# fmt: on


@pytest.mark.parametrize(("followed", "waiting", "classes", "why"), CANNOT_TELL)
def test_too_few_to_tell_and_no_figure_at_all(followed, waiting, classes, why):
    rng = np.random.default_rng(5)
    count = followed + waiting
    of = arms(
        rng.normal(50, 5, count),
        rng.normal(50, 5, count) + 90 * (np.arange(count) < followed),
        np.arange(count) < followed,
        np.arange(count) % classes,
    )
    found = judge(of, LIMITS, spread=19)
    assert (found.word, found.reason, found.difference) == ("cannot_tell", why, None)


def same_size(shift: float) -> Arms:
    rng = np.random.default_rng(8)
    followed = np.arange(80) % 2 == 0
    after = 50 + rng.normal(0, 5, 80) + shift * followed
    return arms(rng.normal(40, 5, 80), after, followed, np.arange(80) // 4)


@pytest.mark.parametrize(
    ("shift", "word"), [(12, "helped"), (0, "cannot_tell"), (-7, "cannot_tell"), (-30, "worse")]
)
def test_word_by_where_the_interval_lies(shift, word):
    assert judge(same_size(shift), LIMITS, spread=19).word == word


def test_all_alike_are_not_told_apart():
    of = same_size(0)
    flat = replace(of, after=np.full(80, 50.0), before=np.full(80, 40.0))
    assert judge(flat, LIMITS, spread=19).reason == "not_apart"


def test_a_value_that_is_no_number_is_refused():
    of = same_size(0)
    with pytest.raises(ValueError, match="1 values are no number"):
        adjusted_difference(
            replace(of, after=np.where(np.arange(80) == 3, np.nan, of.after)), confidence=0.95
        )
