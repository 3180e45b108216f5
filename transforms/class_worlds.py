"""Equal classes, and some that are not: many waves of class tables through the class rules.

Counts are drawn straight from what is so, without pupils, so that hundreds of waves take a second.
Rules that look at a share take part; the others need forms, and are tried in whole worlds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.random import Generator, default_rng

from schemas.rule import ClassRule, PupilRule
from transforms.backtest import Counted
from transforms.class_flags import control, indicate

# Domain notes 6.4: 300 classes of 8-28 pupils, 85 % answer, 6 % is ordinary, 35 % is off.
CLASSES, SIZES, ANSWER, ORDINARY, OFF = 300, (8, 28), 0.85, 0.06, 0.35
_GRADES = (1, 7)  # one band: equal classes have an equal yardstick


@dataclass(frozen=True, slots=True)
class ClassWaves:
    """One rule over all waves: any signal and alerts, and false ones a wave."""

    rule_id: str
    waves: int
    signals: Counted
    alerts: Counted

    @property
    def false_signals(self) -> float:
        """Watches and alerts of classes that are like the others, a wave."""
        return (self.signals.flagged - self.signals.both) / self.waves

    @property
    def false_alerts(self) -> float:
        """Alerts of classes that are like the others, a wave."""
        return (self.alerts.flagged - self.alerts.both) / self.waves


def class_waves(
    rules: Sequence[PupilRule | ClassRule], *, share_off: float, waves: int, seed: int
) -> list[ClassWaves]:
    """Run waves of 300 classes, a share of which is off, through all rules that look at a share.

    Every rule is wrong about the same classes, and each has its own pupils in them.
    """
    tested = {rule.id: rule for rule in rules if rule.target == "class" and rule.any_of}
    sums = {rule_id: np.zeros((2, 5), np.int64) for rule_id in tested}
    rng = default_rng([seed, 300])
    for _ in range(waves if tested else 0):
        _add_wave(rng, tested, share_off, sums)
    return [
        ClassWaves(rule_id, waves, *(Counted(*row.tolist()) for row in rows))
        for rule_id, rows in sums.items()
    ]


def evaluate(counts: Mapping[str, pa.Table], rules: Mapping[str, ClassRule]) -> pa.Table:
    """The road's own evaluation of class tables, as `warehouse/flag.py` calls it."""
    tested = [
        indicate(table, rules[rule_id]).append_column("rule_id", pa.repeat(rule_id, table.num_rows))
        for rule_id, table in counts.items()
    ]
    return control(pa.concat_tables(tested), dict(rules))


def _add_wave(
    rng: Generator,
    rules: Mapping[str, ClassRule],
    share_off: float,
    sums: Mapping[str, np.ndarray],
) -> None:
    enrolled = rng.integers(SIZES[0], SIZES[1] + 1, CLASSES)
    answered = rng.binomial(enrolled, ANSWER)
    grade = rng.integers(_GRADES[0], _GRADES[1] + 1, CLASSES)
    is_off = rng.random(CLASSES) < share_off
    told = np.where(is_off, OFF, ORDINARY)
    counts = {
        rule_id: pa.table(
            {"grade": grade, "answered": answered, "observed": rng.binomial(answered, told)}
            | {"enrolled": enrolled}
        )
        for rule_id in rules
    }
    found = evaluate(counts, rules)
    level = np.array(found.column("level").fill_null("").to_pylist())
    of_rule = np.array(found.column("rule_id").to_pylist())
    for rule_id, rule in rules.items():
        enough = (answered >= rule.min_answered) & (answered / enrolled >= rule.min_response)
        said = level[of_rule == rule_id]
        sums[rule_id][:] += [
            _counted(is_off, flagged, is_off & enough) for flagged in (said != "", said == "alert")
        ]


def _counted(true: np.ndarray, flagged: np.ndarray, reached: np.ndarray) -> list[int]:
    return [len(true), *(int(it.sum()) for it in (true, flagged, true & flagged, reached))]
