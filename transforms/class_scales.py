"""Class rules on scales: a mean that lies low, and answers that lie far apart.

A class is compared with its own grade, for scales fall with age: a whole grade band would flag
grade 10 for being grade 10 (domain notes 0.7). Whole classes behind a gate are left out of the
comparison, as they are left out of the rule.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.rule import ClassRule, MeanOfScale
from transforms.statistics.empirical_bayes import shrink_means, variance_between
from transforms.statistics.numbers import Counts, Marks, Numbers
from transforms.statistics.spread import as_spread_by_chance, spread_of

# Scores are declared with two decimals at most, and whole numbers add up to the same in any order.
SCORE_UNIT = 100


@dataclass(frozen=True, slots=True)
class Scored:
    """One scale in the classes of a wave: a row a class, and each class's scores.

    `score` in whole units of 1 / SCORE_UNIT and `pupils` with that score, both of class `of`, an
    index into the rows; enrolled is nan where no class list has come.
    """

    grade: Counts
    enrolled: Numbers
    of: Counts
    score: Counts
    pupils: Counts

    @property
    def n(self) -> Counts:
        """Pupils with a score, for each class."""
        return self._sum(self.pupils)

    @property
    def total(self) -> Counts:
        """The sum of scores in units, for each class."""
        return self._sum(self.pupils * self.score)

    @property
    def squares(self) -> Counts:
        """The sum of squared scores in squared units, for each class."""
        return self._sum(self.pupils * self.score**2)

    def _sum(self, values: Counts) -> Counts:
        # Not bincount: its sums are floats, and a spread is compared to the last digit.
        sums = np.zeros(len(self.grade), np.int64)
        np.add.at(sums, self.of, values)
        return sums


def indicate_scale(classes: pa.Table, scores: pa.Table, rule: ClassRule, *, seed: str) -> pa.Table:
    """Judge one scale in every class of a wave.

    `classes` has one row a class: grade, enrolled, and whatever names the class; `scores` has
    `class_no` (a row of classes, from 0), `score` and `pupils` (how many have it). Returned are the
    columns of classes with those that `indicate` adds, and what a mean or a spread was made of:
    value (the class's own), bound, drawn (the mean as drawn in), between_sd, within_sd, compared
    (classes for a mean, pupils for a spread). Values are in scale units. `seed` names the draws.
    """
    scored = _scored(classes, scores)
    gate = _gates(scored, rule)
    found = _means(scored, gate, rule.mean) if rule.mean else _spreads(scored, gate, rule, seed)
    parts = {"answered": pa.array(scored.n, pa.int32())}
    parts["observed"] = pa.array(np.zeros(len(gate)), pa.int32())
    for name, column in {**parts, **found}.items():
        classes = classes.append_column(name, column)
    return classes


def _scored(classes: pa.Table, scores: pa.Table) -> Scored:
    units = np.rint(scores.column("score").cast(pa.float64()).to_numpy() * SCORE_UNIT)
    return Scored(
        grade=_whole(classes, "grade"),
        enrolled=classes.column("enrolled").cast(pa.float64()).to_numpy(),
        of=_whole(scores, "class_no"),
        score=units.astype(np.int64),
        pupils=_whole(scores, "pupils"),
    )


def _whole(table: pa.Table, name: str) -> Counts:
    numbers: Counts = table.column(name).cast(pa.int64()).to_numpy()
    return numbers


def _gates(scored: Scored, rule: ClassRule) -> npt.NDArray[np.str_]:
    n = scored.n
    return np.select(
        [n < rule.min_answered, n / scored.enrolled < rule.min_response],
        ["few_answers", "low_response"],
        default="tested",
    ).astype("<U12")


def _comparable(grade: Counts, is_in: Marks, of: MeanOfScale) -> Iterator[tuple[Marks, Marks, str]]:
    """Who is judged, against whom, and which group that is: the grade, else the grade's band."""
    for first, last in of.bands:
        band = is_in & (grade >= first) & (grade <= last)
        for one in np.unique(grade[band]):
            own = band & (grade == one)
            if own.sum() >= of.min_classes:
                yield own, own, "grade"
            elif band.sum() >= of.min_classes:
                yield own, band, "grade_band"


def _means(scored: Scored, gate: npt.NDArray[np.str_], of: MeanOfScale) -> dict[str, pa.Array]:
    sign = -1.0 if of.worse == "high" else 1.0
    is_in = gate == "tested"
    n = scored.n.astype(np.float64)
    sure = np.maximum(n, 2)
    mean = scored.total / np.maximum(n, 1) / SCORE_UNIT
    variance = (scored.squares / SCORE_UNIT**2 - n * mean**2) / (sure - 1)
    found = {name: np.full(len(n), np.nan) for name in ("baseline", *_DETAILS, "p_exact")}
    group = np.full(len(n), "few_classes", "<U12")
    for judged, others, name in _comparable(scored.grade, is_in, of):
        given = mean[others] * sign, np.maximum(variance[others], 0), n[others]
        shrunk = shrink_means(*given, below_by=of.by_sd)
        tau2, within = variance_between(*given)
        grand = float(np.sum(given[0] * given[2]) / given[2].sum())
        at = judged[others]
        group[judged] = name
        found["baseline"][judged] = sign * grand
        found["bound"][judged] = sign * (grand - of.by_sd * np.sqrt(tau2))
        found["drawn"][judged] = sign * shrunk.mean[at]
        found["p_exact"][judged] = 1 - shrunk.stands_out[at]
        found["between_sd"][judged] = np.sqrt(tau2)
        found["within_sd"][judged] = np.sqrt(within)
        found["compared"][judged] = others.sum()
    found["value"] = np.where(is_in, mean, np.nan)
    return _columns(found, gate, group)


_DETAILS = ("value", "bound", "drawn", "between_sd", "within_sd", "compared")


def _spreads(
    scored: Scored, gate: npt.NDArray[np.str_], rule: ClassRule, seed: str
) -> dict[str, pa.Array]:
    of = rule.spread
    assert of is not None  # noqa: S101 - for mypy: the caller asked
    n = scored.n
    found = {name: np.full(len(n), np.nan) for name in ("baseline", *_DETAILS, "p_exact")}
    group = np.full(len(n), "few_classes", "<U12")
    is_in = gate == "tested"
    for grade in np.unique(scored.grade[is_in]):
        own = is_in & (scored.grade == grade)
        if own.sum() < of.min_classes:
            continue
        pool = _pool(scored, own)
        p = as_spread_by_chance(
            spread_of(n[own], scored.total[own], scored.squares[own]),
            n[own],
            pool,
            draws=of.permutations,
            random=np.random.default_rng(_seed(seed, rule.id, int(grade))),
        )
        group[own], found["p_exact"][own] = "grade", p
        found["baseline"][own] = pool.std(ddof=1) / SCORE_UNIT
        found["compared"][own] = len(pool)
    spread = spread_of(n, scored.total, scored.squares)
    found["value"] = np.where(
        is_in, np.sqrt(spread / np.maximum(n * (n - 1), 1)) / SCORE_UNIT, np.nan
    )
    return {**_columns(found, gate, group), "p_mid": _or_null(found["p_exact"])}


def _pool(scored: Scored, own: Marks) -> Counts:
    """The scores of all pupils of the classes, ascending, so that draws depend on them only."""
    within = own[scored.of]
    return np.sort(np.repeat(scored.score[within], scored.pupils[within]))


def _seed(*parts: object) -> int:
    text = "|".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def _columns(
    found: dict[str, Numbers], gate: npt.NDArray[np.str_], group: npt.NDArray[np.str_]
) -> dict[str, pa.Array]:
    is_left_out = (gate == "tested") & (group == "few_classes")
    return {
        # Where nothing was compared there is no yardstick; the column of shares knows no null.
        "baseline": pa.array(np.nan_to_num(found["baseline"])),
        "baseline_from": pa.array(np.where(group == "few_classes", "none", group)),
        "p_exact": _or_null(found["p_exact"]),
        "p_mid": pa.nulls(len(gate), pa.float64()),
        "gate": pa.array(np.where(is_left_out, "few_classes", gate)),
        **{name: _or_null(found[name]) for name in _DETAILS},
    }


def _or_null(values: Numbers) -> pa.Array:
    return pa.array(values, pa.float64(), mask=np.isnan(values))
