"""Scales of classes against plain Python, and what a repeated signal and a witness rule ask for."""

import math
import statistics
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.rule import shipped_rules
from tests.rules.class_world import NO_SIGNALS, WORLD_RULES, town, wave
from transforms.class_rules import judge
from transforms.class_scales import indicate_scale
from transforms.statistics.spread import as_spread_by_chance, spread_of

RULES = {rule.id: rule for rule in shipped_rules()}
MEAN, SPREAD = RULES["rule.class_wellbeing"], RULES["rule.class_wellbeing_spread"]


def scaled(*classes, rule=MEAN, seed="w"):
    """Classes as (grade, enrolled, scores)."""
    named = pa.table(
        {
            "grade": pa.array([grade for grade, _, _ in classes], pa.int8()),
            "enrolled": pa.array([enrolled for _, enrolled, _ in classes], pa.int32()),
        }
    )
    each = [(at, score) for at, (_, _, scores) in enumerate(classes) for score in scores]
    scores = {
        "class_no": pa.array([at for at, _ in each], pa.int64()),
        "score": pa.array([score for _, score in each], pa.float64()),
        "pupils": pa.array([1] * len(each), pa.int64()),
    }
    return indicate_scale(named, pa.table(scores), rule, seed=seed).to_pylist()


SCORES = st.lists(st.integers(0, 25).map(lambda n: 4 * n), min_size=6, max_size=14)


@settings(max_examples=25, deadline=None)
@given(classes=st.lists(SCORES, min_size=10, max_size=14))
def test_a_mean_is_drawn_in_as_in_plain_python(classes):
    rows = scaled(*((7, None, scores) for scores in classes))
    kept = [scores for scores in classes if len(scores) >= 8]
    if len(kept) < 10:
        assert {row["gate"] for row in rows} <= {"few_classes", "few_answers"}
        return
    n = [len(scores) for scores in kept]
    means = [statistics.fmean(scores) for scores in kept]
    k, answers = len(kept), sum(n)
    within = sum((m - 1) * statistics.variance(s) for m, s in zip(n, kept, strict=True))
    within /= answers - k
    grand = sum(map(sum, kept)) / answers
    between = sum(m * (x - grand) ** 2 for m, x in zip(n, means, strict=True)) / (k - 1)
    tau2 = max(0.0, (between - within) / ((answers - sum(m * m for m in n) / answers) / (k - 1)))
    tested = [row for row in rows if row["gate"] == "tested"]
    for row, size, mean in zip(tested, n, means, strict=True):
        share = tau2 / (tau2 + within / size) if tau2 else 0.0
        drawn = grand + share * (mean - grand)
        bound = grand - 0.5 * math.sqrt(tau2)
        assert row["value"] == pytest.approx(mean)
        assert row["baseline"] == pytest.approx(grand)
        assert row["drawn"] == pytest.approx(drawn)
        assert row["bound"] == pytest.approx(bound, abs=1e-6)
        if tau2 > 1e-6 and share < 1:
            z = (bound - drawn) / math.sqrt(tau2 * (1 - share))
            sure = statistics.NormalDist().cdf(z)
            assert 1 - row["p_exact"] == pytest.approx(sure, abs=1e-6)


def low_high(grade, mean, size=20):
    return (grade, size, [mean + (16 if i % 2 else -16) for i in range(size)])


def test_a_grade_with_too_few_classes_is_compared_in_its_band_and_then_not_at_all():
    eighth, ninth = [low_high(8, 68)] * 6, [low_high(9, 60)] * 5
    assert {row["baseline_from"] for row in scaled(*eighth, *ninth)} == {"grade_band"}
    assert {row["gate"] for row in scaled(*eighth, *[low_high(7, 68)] * 6)} == {"few_classes"}
    own = scaled(*[low_high(8, 68)] * 10, *ninth)
    assert own[0]["baseline_from"] == "grade"
    assert own[0]["baseline"] == pytest.approx(68)
    assert own[-1]["baseline_from"] == "grade_band"
    assert own[-1]["baseline"] == pytest.approx((10 * 68 + 5 * 60) / 15)
    assert own[-1]["compared"] == 15


@settings(max_examples=20, deadline=None)
@given(pool=st.lists(st.integers(0, 9), min_size=6, max_size=9), size=st.integers(2, 4))
def test_chance_of_a_spread_is_that_of_every_sample_of_the_pool(pool, size):
    """Monte-Carlo against all samples there are, within four standard errors."""
    every = [statistics.pvariance(sample) for sample in combinations(sorted(pool), size)]
    own = sorted(pool)[:size]
    exact = sum(one >= statistics.pvariance(own) - 1e-9 for one in every) / len(every)
    given_own = np.array([size]), np.array([sum(own)]), np.array([sum(x * x for x in own)])
    random = np.random.default_rng(1)
    spread, n = spread_of(*given_own), np.array([size])
    (p,) = as_spread_by_chance(spread, n, np.sort(np.array(pool)), draws=2500, random=random)
    assert p == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 2500) + 1 / 2501)


def test_the_same_wave_draws_the_same_and_another_wave_others():
    classes = [low_high(7, 60 + i, size=12) for i in range(6)]
    first, again, other = (
        [row["p_exact"] for row in scaled(*classes, rule=SPREAD, seed=seed)] for seed in "aab"
    )
    assert first == again
    assert first != other


def test_the_spread_is_the_standard_deviation_of_the_class():
    classes = [low_high(7, 60 + i, size=12) for i in range(6)]
    rows = scaled(*classes, rule=SPREAD)
    assert rows[0]["value"] == pytest.approx(statistics.stdev(classes[0][2]))
    assert rows[0]["baseline"] == pytest.approx(
        statistics.stdev([score for _, _, scores in classes for score in scores])
    )
    assert rows[0]["compared"] == 72


# Worlds. What the numbers were when this was written stands in docs/explanation/why-these-flags.md.


def test_equal_classes_hardly_ever_make_a_signal():
    random = np.random.default_rng(20261123)
    levels = []
    for number in range(20):
        found = judge(WORLD_RULES, wave(random, town(random)), seed=str(number))
        levels += found.column("level").drop_null().to_pylist()
    assert levels.count("alert") / 20 <= 0.5
    assert 0.2 < levels.count("watch") / 20 <= 4


def test_a_signal_is_judged_the_same_twice():
    found = [
        judge(WORLD_RULES, wave(np.random.default_rng(5), town(np.random.default_rng(4))), seed="w")
        for _ in range(2)
    ]
    assert found[0].equals(found[1])


def test_a_rule_that_nobody_answered_has_no_row():
    place = town(np.random.default_rng(4), classes=12)
    data = wave(np.random.default_rng(5), {**place, "answered": np.zeros(12, np.int64)})
    assert judge(WORLD_RULES, data, seed="w").num_rows == 0
    assert judge([], data, seed="w").num_rows == 0
    assert NO_SIGNALS.num_rows == 0
