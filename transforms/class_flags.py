"""Class rules: one class's share against the rest of its grade band, with few false alarms.

A rate, a multiple of the mean or a lower limit alone flags dozens of equal classes (domain notes
0.3). So a class is tested only behind its gates, exactly, and an alert has to survive the control
of all class tests of the wave.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.rule import Baseline, ClassRule
from transforms.statistics import benjamini_hochberg, binomial_mid_p, binomial_tail

# The municipality's own band is the yardstick from this size on; below it, the published share.
OWN_BAND_CLASSES = 10
OWN_BAND_ANSWERS = 200

Numbers = npt.NDArray[np.float64]


def indicate(counts: pa.Table, rule: ClassRule) -> pa.Table:
    """Test every class of one wave and survey against its grade band.

    `counts` has one row a class: grade, answered, observed, enrolled (null where no class list has
    come), and whatever names the class. Returned are its columns with baseline, baseline_from,
    p_exact, p_mid and gate. The other classes of the band are the yardstick, not the class itself.
    """
    n, x = _numbers(counts, "answered"), _numbers(counts, "observed")
    baseline, is_own = _baselines(_numbers(counts, "grade"), n, x, rule.baselines)
    gate = _gates(counts, n, x, rule)
    tested = gate == "tested"
    whole_n, whole_x = n.astype(np.int64), x.astype(np.int64)
    return (
        counts.append_column("baseline", pa.array(baseline))
        .append_column("baseline_from", pa.array(np.where(is_own, "grade_band", "published")))
        .append_column("p_exact", _where(tested, binomial_tail(whole_x, whole_n, baseline)))
        .append_column("p_mid", _where(tested, binomial_mid_p(whole_x, whole_n, baseline)))
        .append_column("gate", pa.array(gate))
    )


def indicate_newcomers(counts: pa.Table, rule: ClassRule) -> pa.Table:
    """As `indicate`, for new pupils: nothing is tested, a class receives them or does not.

    A class of which more than half is new receives nobody: it began together.
    """
    n, x = _numbers(counts, "answered"), _numbers(counts, "observed")
    most = rule.newcomers.at_most_share if rule.newcomers else 0.0
    least = rule.newcomers.at_least if rule.newcomers else 0
    gate = np.select(
        [
            n < rule.min_answered,
            n / _numbers(counts, "enrolled") < rule.min_response,
            x < least,
            x > most * n,
        ],
        ["few_answers", "low_response", "few_cases", "whole_class"],
        default="tested",
    )
    none = pa.nulls(len(n), pa.float64())
    return (
        counts.append_column("baseline", pa.array(np.full(len(n), float(least))))
        .append_column("baseline_from", pa.array(np.full(len(n), "none")))
        .append_column("p_exact", none)
        .append_column("p_mid", none)
        .append_column("gate", pa.array(gate))
    )


def control(indicators: pa.Table, rules: Mapping[str, ClassRule]) -> pa.Table:
    """Add q_value over the wave's family, q_of_rule over one rule's part of it, and the level.

    The family is every class and tested rule of the wave. An alert needs q_value, a watch
    q_of_rule.

    Classes that a gate kept out because too few pupils report anything belong to the family too:
    the family is fixed before the data, so each counts as a test with p = 1. A mean has a posterior
    probability and no p-value, and new pupils are counted: neither is a test of the family.
    """
    gate = indicators.column("gate")
    is_judged = pc.equal(gate, "tested").to_numpy()
    is_test = _of_rules(indicators, [rule for rule in rules.values() if rule.measure in _TESTED])
    is_tested = is_test & is_judged
    in_family = is_test & (is_judged | pc.equal(gate, "few_cases").to_numpy())
    p_mid = indicators.column("p_mid").to_numpy()
    family = np.where(is_tested, p_mid, 1.0)
    q_value, q_of_rule = np.full((2, len(p_mid)), np.nan)
    q_value[in_family] = benjamini_hochberg(family[in_family])
    for rule in rules.values():
        own = in_family & _of_rules(indicators, [rule])
        q_of_rule[own] = benjamini_hochberg(family[own])
    return (
        indicators.append_column("q_value", _where(in_family, q_value))
        .append_column("q_of_rule", _where(in_family, q_of_rule))
        .append_column("level", _levels(indicators, q_value, q_of_rule, rules))
    )


_TESTED = ("share", "spread")


def _of_rules(indicators: pa.Table, rules: Iterable[ClassRule]) -> npt.NDArray[np.bool_]:
    ids = pa.array([rule.id for rule in rules], pa.string())
    found: npt.NDArray[np.bool_] = pc.is_in(indicators.column("rule_id"), ids).to_numpy()
    return found


def _levels(
    indicators: pa.Table, q_value: Numbers, q_of_rule: Numbers, rules: Mapping[str, ClassRule]
) -> pa.Array:
    # Null becomes nan, which is below and above nothing.
    p_exact, is_judged = (
        _numbers(indicators, "p_exact"),
        pc.equal(indicators.column("gate"), "tested"),
    )
    is_watch, is_alert = np.zeros((2, len(q_value)), np.bool_)
    for rule in rules.values():
        own = _of_rules(indicators, [rule]) & is_judged.to_numpy()
        if rule.mean:
            is_watch |= own & (1 - p_exact > rule.mean.watch_above)
            is_alert |= own & (1 - p_exact > rule.mean.alert_above)
        elif rule.newcomers:
            is_watch |= own
        else:
            # An alert is a watch that survives the stricter control: with a handful of tests the
            # control alone would let a class through that is not even a watch.
            held = own & (p_exact < rule.watch_below) & (q_of_rule < rule.watch_fdr)
            is_watch |= held
            is_alert |= held & (q_value < rule.alert_fdr) & rule.may_alert
    return pa.array(np.where(is_alert, "alert", "watch"), pa.string(), mask=~is_watch)


def _numbers(table: pa.Table, name: str) -> Numbers:
    numbers: Numbers = table.column(name).cast(pa.float64()).to_numpy()
    return numbers


def _baselines(
    grade: Numbers, n: Numbers, x: Numbers, published: tuple[Baseline, ...]
) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    baseline = np.zeros(len(grade))
    is_own = np.zeros(len(grade), np.bool_)
    for band in published:
        members = (grade >= band.grades[0]) & (grade <= band.grades[1])
        rest_n = n[members].sum() - n[members]
        rest_x = x[members].sum() - x[members]
        enough = (rest_n >= OWN_BAND_ANSWERS) & (members.sum() > OWN_BAND_CLASSES) & (rest_x > 0)
        own = rest_x / np.maximum(rest_n, 1)
        baseline[members] = np.where(enough, own, band.share)
        is_own[members] = enough
    return baseline, is_own


def _gates(counts: pa.Table, n: Numbers, x: Numbers, rule: ClassRule) -> npt.NDArray[np.str_]:
    enrolled = _numbers(counts, "enrolled")  # null becomes nan, and nan fails no gate
    return np.select(
        [n < rule.min_answered, n / enrolled < rule.min_response, x < rule.min_count],
        ["few_answers", "low_response", "few_cases"],
        default="tested",
    )


def _where(keep: npt.NDArray[np.bool_], values: Numbers) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~keep)
