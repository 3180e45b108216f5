"""The figures of a preview, coarse enough to be read by people who may not see a pupil.

Pupils are counted to the nearest five, 1-4 has no figure, and by grade and gender the disclosure
rules of the published file decide. Classes are counted as they are: none has fewer than 8 answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.network_rule import UNCHOSEN_IN, NetworkRule
from schemas.rule import ClassRule
from schemas.rule_change import AnyRule
from schemas.settings import MIN_N_FLOOR
from transforms.disclosure import CELLS, SMALL_COUNT, suppress
from transforms.expected_flags import false_signals
from transforms.statistics.overdispersion import dispersion, proportion_z

FEW = "1-4"
UNDER_ONE = "<1"
Shown = int | str  # a rounded count, or FEW
_LEVELS = ("grade", "gender")
_CHOICES = UNCHOSEN_IN.partition(".")[0]  # who named others was asked for all that choices tell


@dataclass(frozen=True, slots=True)
class Part:
    """One grade or gender: what the rule would have flagged there; null where it is not shown."""

    of: str
    which: str
    flags: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """One rule in one wave. Pupils are rounded; `by_chance` is for class rules that test a share.

    `phi` too: how much more the classes differ than equal ones would, 1 for as much; None for fewer
    than ten classes.

    `expected`: the mean of the previewed flags over the waves that asked what the rule looks at,
    which is what the next such wave brings if it is like them. `per_100`: in so many forms that
    asked it. `on_marked`: flags on forms that may have been filled in without reading.
    """

    wave: str
    rule_id: str
    target: str
    in_force: Shown
    previewed: Shown
    new: Shown
    gone: Shown
    other_level: Shown
    levels: Mapping[str, Shown]
    per_100: float | None
    expected: Shown
    by_chance: float | None
    phi: float | None
    on_marked: Shown
    parts: Sequence[Part]


def shown(count: float) -> Shown:
    """A count of pupils for a reader: none, few, or the nearest five."""
    if 0 < count < SMALL_COUNT:
        return FEW
    return (round(count) + 2) // 5 * 5


def _classes(count: float) -> Shown:
    """A count of classes for a reader; a mean of less than half a class is not none."""
    return UNDER_ONE if 0 < count < 1 else round(count)


@dataclass(frozen=True, slots=True)
class Flags:
    """What was flagged by which rules, and what it is counted in (see `warehouse/preview.py`)."""

    waves: Sequence[str]
    flags: pl.DataFrame
    forms: pl.DataFrame
    indicators: pl.DataFrame
    asked: pl.DataFrame


def lines(seen: Flags, rules: Sequence[AnyRule], *, min_n: int = MIN_N_FLOOR) -> list[Line]:
    """Every rule in every wave, the oldest wave first."""
    return [_line(seen, rule, wave, min_n=min_n) for wave in seen.waves for rule in rules]


def changes(flags: pl.DataFrame) -> pl.DataFrame:
    """One row a flag of either set: flag_id, wave, rule_id, and its levels: was (in force), is."""
    keys = ["flag_id", "wave", "rule_id"]
    was, becomes = (
        flags.filter(rules=name).select(*keys, pl.col("level").alias(level))
        for name, level in (("in_force", "was"), ("previewed", "is"))
    )
    return was.join(becomes, on=keys, how="full", coalesce=True)


def _line(seen: Flags, rule: AnyRule, wave: str, *, min_n: int) -> Line:
    tell = shown if rule.target == "pupil" else _classes
    ours = seen.flags.filter(rule_id=rule.id)
    here = ours.filter(wave=wave)
    change = changes(here)
    was, becomes = change["was"], change["is"]
    then = here.filter(rules="previewed")
    surveys = _asking(rule, seen)
    forms = seen.forms.filter(wave=wave).join(surveys, on=["wave", "survey"], how="semi")
    return Line(
        wave=wave,
        rule_id=rule.id,
        target=rule.target,
        in_force=tell(int(was.is_not_null().sum())),
        previewed=tell(then.height),
        new=tell(int(was.is_null().sum())),
        gone=tell(int(becomes.is_null().sum())),
        other_level=tell(int((was != becomes).fill_null(value=False).sum())),
        levels={level: tell(n) for level, n in then["level"].value_counts().sort("level").rows()},
        per_100=_per_100(rule, shown(then.height), forms.height),
        expected=tell(_expected(rule, ours.filter(rules="previewed"), seen.waves, surveys)),
        by_chance=_by_chance(seen.indicators.filter(wave_id=wave), rule),
        phi=_phi(seen.indicators.filter(wave_id=wave), rule),
        on_marked=shown(int(then["marked"].sum())),
        parts=_parts(then, forms, min_n) if _may_be_parted(rule) else (),
    )


def _may_be_parted(rule: AnyRule) -> bool:
    """A flag that an adult at school has caused goes another way: only the whole is told of it."""
    return rule.target == "pupil" and rule.route == "health_service"


def _per_100(rule: AnyRule, flagged: Shown, forms: int) -> float | None:
    if rule.target == "class" or not forms or isinstance(flagged, str):
        return None
    return round(100 * flagged / forms, 1)


def _asking(rule: AnyRule, seen: Flags) -> pl.DataFrame:
    """The surveys of each wave (columns wave, survey) that ask what the rule is about.

    The register speaks of every pupil, whatever is asked.
    """
    inputs = _inputs(rule)
    asked = seen.asked.filter(pl.col("input").is_in(sorted(inputs))) if inputs else seen.forms
    return asked.select("wave", "survey").unique()


def _inputs(rule: AnyRule) -> set[str]:
    """What a rule is about: the first input that has to hold, or any that may."""
    if isinstance(rule, NetworkRule):
        return {_CHOICES}
    if isinstance(rule, ClassRule):
        return {rule.scale} if rule.scale else {one.input for one in rule.any_of}
    if any(not one.is_answered for step in rule.steps for one in step.all_of):
        return set()
    inputs = [
        condition.input
        for step in rule.steps
        for musts in [[one for one in step.all_of if one.is_answered]]
        for condition in (musts[:1] or [one for one in step.any_of if one.is_answered])
    ]
    return {_CHOICES if name.startswith(f"{_CHOICES}.") else name for name in inputs}


def _expected(
    rule: AnyRule, flags: pl.DataFrame, waves: Sequence[str], surveys: pl.DataFrame
) -> float:
    """Flags a wave that asks; a rule that looks back is not counted in the first of them."""
    waves = [wave for wave in waves if wave in surveys["wave"]] or waves
    looks_back = rule.target == "pupil" and any(
        condition.looks_back for step in rule.steps for condition in step.reasons
    )
    counted = waves[1:] if looks_back and len(waves) > 1 else waves
    return flags.filter(pl.col("wave").is_in(list(counted))).height / len(counted)


def _by_chance(indicators: pl.DataFrame, rule: AnyRule) -> float | None:
    if not isinstance(rule, ClassRule) or not rule.any_of:
        return None
    tested = _tested(indicators, rule)
    return false_signals(
        tested["answered"].to_numpy(),
        tested["baseline"].to_numpy(),
        watch_below=rule.watch_below,
        min_count=rule.min_count,
    )


def _phi(indicators: pl.DataFrame, rule: AnyRule) -> float | None:
    """Over-dispersion, with the outermost tenth drawn in (domain notes 6.2).

    Rules test without it: truly bad classes would widen the limits and hide themselves.
    """
    if not isinstance(rule, ClassRule) or not rule.any_of:
        return None
    tested = _tested(indicators, rule).filter(pl.col("baseline").is_between(0, 1, closed="none"))
    seen = (tested[name].to_numpy() for name in ("observed", "answered", "baseline"))
    found = dispersion(*proportion_z(*seen))
    return None if found is None else round(found.phi, 2)


def _tested(indicators: pl.DataFrame, rule: ClassRule) -> pl.DataFrame:
    return indicators.filter(
        pl.col("rule_id") == rule.id, pl.col("gate").is_in(["tested", "few_cases"])
    )


def _parts(flags: pl.DataFrame, forms: pl.DataFrame, min_n: int) -> list[Part]:
    """Flags by grade and by gender, protected against each other and against their sum."""
    cells = pl.concat([_cells(flags, forms, level) for level in ("municipality", *_LEVELS)])
    safe = suppress(_as_table(cells), min_n=min_n)
    values = safe.column("value").to_pylist()
    return [
        Part(level, which, None if value is None else int(value))
        for level, which, value in zip(cells["level"], cells["which"], values, strict=True)
        if level != "municipality"
    ]


def _cells(flags: pl.DataFrame, forms: pl.DataFrame, level: str) -> pl.DataFrame:
    which = pl.lit("") if level == "municipality" else pl.col(level).cast(pl.String)
    total = flags.group_by(which=which).agg(total=pl.len())
    return (
        forms.group_by(which=which)
        .agg(n=pl.len(), classes=pl.col("class_at").n_unique())
        .join(total, on="which", how="left")
        .select(
            "which",
            "n",
            "classes",
            level=pl.lit(level),
            total=pl.col("total").fill_null(0),
        )
        .sort(pl.col("which").str.zfill(2))
    )


def _as_table(cells: pl.DataFrame) -> pa.Table:
    rows = cells.height
    columns = {
        "table": ["flags"] * rows,
        "kind": ["count"] * rows,
        "level": cells["level"].to_list(),
        "n": cells["n"].to_numpy(),
        "total": cells["total"].to_numpy(),
        "lowest": np.zeros(rows, np.int64),
        "highest": np.ones(rows, np.int64),
        "classes": cells["classes"].to_numpy(),
        "one_piece": [True] * rows,
    }
    return pa.table(columns, schema=CELLS)
