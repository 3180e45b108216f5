"""The same signal again: school years of three waves of the same classes, through all class rules.

Classes keep their pupils from wave to wave, so what chance put together in the autumn is partly
still there in the spring: a second signal is less than a second opinion. `stays` is the share of
answers that say the same as in the wave before without being drawn anew. At 0 the waves know
nothing of each other, at 1 they are one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numpy.random import Generator, default_rng

from schemas.rule import ClassRule, PupilRule
from transforms.class_rules import EARLIER, ClassData, judge
from transforms.class_worlds import (
    ANSWER,
    CLASSES,
    GRADES,
    MEAN,
    OFF,
    SD,
    SHARE_OFF,
    SIZES,
    STEP,
    Marks,
    is_planted,
    ordinary_share,
    tested_rules,
)

WAVES_OF_A_YEAR = 3
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class YearWave:
    """One wave of the year over all years, all class rules added up.

    `alerts` of which `repeated` would be none without the earlier waves; of the classes that are
    off in bullying, `reached` have enough answers, and `alerted` of them are an alert.
    """

    number: int
    years: int
    false_signals: float
    false_alerts: float
    repeated: float
    reached: int
    alerted: int


def class_years(
    rules: Sequence[PupilRule | ClassRule], *, off: str, stays: float, years: int, seed: int
) -> list[YearWave]:
    """Run years of three waves of 300 classes, of which 6 % are off in `off` all year."""
    tested = tested_rules(rules)
    rng = default_rng([seed, CLASSES, round(100 * stays)])
    counted = sum(_year(rng, tested, off, stays, f"{year}") for year in range(years))
    rows = np.asarray(counted).tolist()
    return [
        YearWave(number, years, signals / years, alerts / years, repeated / years, reached, alerted)
        for number, (signals, alerts, repeated, reached, alerted) in enumerate(rows, start=1)
    ]


def _year(rng: Generator, rules: Sequence[ClassRule], off: str, stays: float, name: str) -> Numbers:
    """False signals, false alerts, repeated false alerts, reached and alerted, of each wave."""
    enrolled = rng.integers(SIZES[0], SIZES[1] + 1, CLASSES)
    answered = rng.binomial(enrolled, ANSWER)
    grade = np.sort(rng.integers(GRADES[0], GRADES[1] + 1, CLASSES))
    is_off = rng.random(CLASSES) < SHARE_OFF
    forms, earlier, rows = _Forms(rng, rules, answered, is_off, off), EARLIER.empty_table(), []
    enough = (answered >= rules[0].min_answered) & (answered / enrolled >= rules[0].min_response)
    true = np.array([is_planted(rule, off) for rule in rules])[:, np.newaxis] & is_off
    for number in range(WAVES_OF_A_YEAR):
        if number:
            forms.answer_again(stays)
        data = ClassData(_table(grade, enrolled, forms), forms.scores(), earlier)
        found = judge(rules, data, seed=f"{name} {number}")
        level = np.array(found.column("level").fill_null("").to_pylist()).reshape(-1, CLASSES)
        alert = level == "alert"
        rows.append(
            [
                ((level != "") & ~true).sum(),
                (alert & ~true).sum(),
                (alert & ~true & ~_alone(rules, data, name, number)).sum(),
                (true & enough).sum(),
                (true & enough & alert).sum(),
            ]
        )
        earlier = _with_this(earlier, found)
    return np.array(rows, np.int64)


def _alone(rules: Sequence[ClassRule], data: ClassData, name: str, number: int) -> Marks:
    """Which would be an alert if no wave had gone before."""
    alone = ClassData(data.classes, data.scores, EARLIER.empty_table())
    found = judge(rules, alone, seed=f"{name} {number}").column("level").fill_null("")
    return np.asarray(np.array(found.to_pylist()).reshape(-1, CLASSES) == "alert")


def _table(grade: Numbers, enrolled: Numbers, forms: "_Forms") -> pa.Table:
    classes = {key: ["0"] * CLASSES for key in ("wave_id", "survey_id", "school_id")}
    names = {"class_group": [str(number) for number in range(CLASSES)]}
    return pa.table(classes | names | {"grade": grade, "enrolled": enrolled} | forms.counts())


def _with_this(earlier: pa.Table, found: pa.Table) -> pa.Table:
    signals = found.filter(found.column("level").is_valid())
    now = signals.select(EARLIER.names[:-1]).append_column(
        "waves_ago", pa.repeat(pa.scalar(0, pa.int8()), signals.num_rows)
    )
    both = pa.concat_tables([earlier, now.cast(EARLIER)])
    ago = pa.array(both.column("waves_ago").to_numpy() + 1, pa.int8())
    return both.set_column(both.column_names.index("waves_ago"), "waves_ago", ago)


class _Forms:
    """The answers of one year's classes; counts of pupils, and hidden scores of each."""

    def __init__(
        self, rng: Generator, rules: Sequence[ClassRule], answered: Numbers, is_off: Marks, off: str
    ) -> None:
        self._rng, self._answered = rng, answered
        self._share = {
            i: np.where(is_off & is_planted(rule, off), OFF, ordinary_share(rule))
            for i, rule in enumerate(rules)
            if rule.counted
        }
        self._told = {i: rng.binomial(answered, share) for i, share in self._share.items()}
        self._of = np.repeat(np.arange(CLASSES), answered)
        self._high = {rule.mean.scale for rule in rules if rule.mean and rule.mean.worse == "high"}
        scales = sorted({rule.scale for rule in rules if rule.scale})
        self._well = {scale: rng.standard_normal(len(self._of)) for scale in scales}

    def answer_again(self, stays: float) -> None:
        """The next wave: some say what they said, the others are drawn anew."""
        for i, told in self._told.items():
            kept, kept_not = (self._rng.binomial(n, stays) for n in (told, self._answered - told))
            anew = self._rng.binomial(self._answered - kept - kept_not, self._share[i])
            self._told[i] = kept + anew
        for scale, well in self._well.items():
            other = self._rng.standard_normal(len(well))
            self._well[scale] = stays * well + np.sqrt(1 - stays**2) * other

    def counts(self) -> dict[str, pa.Array]:
        """Columns answered_i and observed_i."""
        columns = {}
        for i, told in self._told.items():
            columns[f"answered_{i}"] = pa.array(self._answered, pa.int32())
            columns[f"observed_{i}"] = pa.array(told, pa.int32())
        return columns

    def scores(self) -> Mapping[str, pa.Table]:
        """A row a pupil, as scales of 0 to 100 in steps."""
        found = {}
        for scale, well in self._well.items():
            score = np.clip(np.rint((MEAN + SD * well) / STEP) * STEP, 0, 100)
            found[scale] = pa.table(
                {
                    "class_no": self._of,
                    "score": 100 - score if scale in self._high else score,
                    "pupils": np.ones(len(score), np.int64),
                }
            )
        return found
