"""Equal classes, and some that are not: many waves of class tables through all class rules.

Counts and scores are drawn straight from what is so, without pupils who answer, so that hundreds of
waves take seconds. They go through `judge` together, as a municipality's do: what one rule says
depends on the tests of all. Each wave stands alone; the years of `class_years` have the repeated
signal (C9).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numpy.random import Generator, default_rng

from schemas.rule import ClassRule, PupilRule
from transforms.backtest import Counted
from transforms.class_rules import EARLIER, ClassData, judge

# Domain notes 6.4: 300 classes of 8-28 pupils, 85 % answer, and 35 % is off.
CLASSES, SIZES, ANSWER, OFF, SHARE_OFF = 300, (8, 28), 0.85, 0.35, 0.06
GRADES = (1, 10)

# What is ordinary: domain notes 3.1 and 6.4; of safety and of what was seen, planning figures.
BULLIED = "rule.class_bullied"
_ORDINARY = {
    BULLIED: 0.06,
    "rule.class_unsafe": 0.04,
    "rule.class_nobody_in_breaks": 0.015,
    "rule.class_not_thriving": 0.027,
    "rule.class_witnessed": 0.10,
}
# Every scale as WHO-5: mean and standard deviation of pupils by domain notes 0.5, in steps of four.
MEAN, SD, STEP, _LOW = 68, 19, 4, 12  # _LOW: points that a class which is off lies lower
DRAWS = 1999  # of a spread, and not 4,999: with fewer, none could reach its limit

# What is off in the classes that are: nothing, one theme, or all that a share or a mean looks at.
NOBODY, ONE_THEME, ALL_THEMES = "none", "bullied", "all"
EVERY_RULE, EVERY_CLASS = "every rule", "every class"

Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClassWaves:
    """One rule over all waves: any signal and alerts, and false ones a wave.

    EVERY_RULE adds up all rules: what is counted is a class and rule. EVERY_CLASS counts classes
    with a signal of any rule, which is right where the class is off in anything.
    """

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
    rules: Sequence[PupilRule | ClassRule], *, off: str, waves: int, seed: int
) -> list[ClassWaves]:
    """Run waves of 300 classes, of which 6 % are off in `off`, through all class rules together.

    `off` is NOBODY, ONE_THEME or ALL_THEMES. In a class that is off, each rule has its own pupils.
    New pupils are left out: they are welcomed, and nothing is tested.
    """
    tested = tested_rules(rules)
    if not tested or not waves:
        return []
    rng = default_rng([seed, CLASSES])
    names = (*(rule.id for rule in tested), EVERY_RULE, EVERY_CLASS)
    counted = sum(_wave(rng, tested, off, str(number)) for number in range(waves))
    return [
        ClassWaves(name, waves, *(Counted(*row) for row in rows))
        for name, rows in zip(names, np.asarray(counted).tolist(), strict=True)
    ]


def tested_rules(rules: Sequence[PupilRule | ClassRule]) -> list[ClassRule]:
    """The class rules that test something, with fewer draws of a spread."""
    tested = [_with_fewer_draws(rule) for rule in rules if rule.target == "class"]
    return [rule for rule in tested if not rule.newcomers]


def _with_fewer_draws(rule: ClassRule) -> ClassRule:
    if not rule.spread:
        return rule
    return rule.model_copy(
        update={"spread": rule.spread.model_copy(update={"permutations": DRAWS})}
    )


def is_planted(rule: ClassRule, off: str) -> bool:
    """Whether what the rule looks at is off in the classes that are off in `off`."""
    if off == ONE_THEME:
        return rule.id == BULLIED
    return off == ALL_THEMES and not rule.spread


def _wave(rng: Generator, rules: Sequence[ClassRule], off: str, name: str) -> npt.NDArray[np.int64]:
    """Counts of one wave: rules, every rule and every class; signals and alerts; as in Counted."""
    enrolled = rng.integers(SIZES[0], SIZES[1] + 1, CLASSES)
    answered = rng.binomial(enrolled, ANSWER)
    grade = np.sort(rng.integers(GRADES[0], GRADES[1] + 1, CLASSES))
    is_off = (rng.random(CLASSES) < SHARE_OFF) & (off != NOBODY)
    classes = {key: ["0"] * CLASSES for key in ("wave_id", "survey_id", "school_id")}
    table = pa.table(
        classes
        | {"class_group": [str(number) for number in range(CLASSES)]}
        | {"grade": grade, "enrolled": enrolled}
        | _counts(rng, rules, answered, is_off, off)
    )
    low = is_off & (off == ALL_THEMES)
    data = ClassData(table, _scores(rng, rules, answered, low), EARLIER.empty_table())
    found = judge(rules, data, seed=name)
    level = np.array(found.column("level").fill_null("").to_pylist()).reshape(-1, CLASSES)
    return _counted(rules, off, is_off, np.array([answered, enrolled]), level)


def ordinary_share(rule: ClassRule) -> float:
    """The share of a class that is like the others."""
    return _ORDINARY.get(rule.id, rule.baselines[0].share)


def _counts(
    rng: Generator,
    rules: Sequence[ClassRule],
    answered: npt.NDArray[np.int64],
    is_off: Marks,
    off: str,
) -> dict[str, pa.Array]:
    counts = {}
    for i, rule in enumerate(rules):
        if rule.counted:
            ordinary = ordinary_share(rule)
            told = np.where(is_off & is_planted(rule, off), OFF, ordinary)
            counts[f"answered_{i}"] = pa.array(answered, pa.int32())
            counts[f"observed_{i}"] = pa.array(rng.binomial(answered, told), pa.int32())
    return counts


def _scores(
    rng: Generator, rules: Sequence[ClassRule], answered: npt.NDArray[np.int64], low: Marks
) -> Mapping[str, pa.Table]:
    of = np.repeat(np.arange(CLASSES), answered)
    is_high = {rule.mean.scale for rule in rules if rule.mean and rule.mean.worse == "high"}
    scores = {}
    for scale in sorted({rule.scale for rule in rules if rule.scale}):
        well = rng.normal(MEAN - _LOW * low[of], SD)
        score = np.clip(np.rint(well / STEP) * STEP, 0, 100)
        score = 100 - score if scale in is_high else score
        pupils = np.ones(len(of), np.int64)
        scores[scale] = pa.table({"class_no": of, "score": score, "pupils": pupils})
    return scores


def _counted(
    rules: Sequence[ClassRule],
    off: str,
    is_off: Marks,
    forms: npt.NDArray[np.int64],
    level: npt.NDArray[np.str_],
) -> npt.NDArray[np.int64]:
    answered, enrolled = forms
    planted = np.array([is_planted(rule, off) for rule in rules])
    true = planted[:, np.newaxis] & is_off
    enough = np.array(
        [(answered >= it.min_answered) & (answered / enrolled >= it.min_response) for it in rules]
    )
    by_level = []
    for flagged in (level != "", level == "alert"):
        of_rules = np.array([np.ones_like(true), true, flagged, true & flagged, true & enough])
        sums = of_rules.sum(axis=2)
        any_flag = flagged.any(axis=0)
        reached = (true & enough).any(axis=0)
        of_class = [CLASSES, *(it.sum() for it in (is_off, any_flag, is_off & any_flag, reached))]
        by_level.append(np.column_stack([sums, sums.sum(axis=1), of_class]).T)
    return np.stack(by_level, axis=1).astype(np.int64)
