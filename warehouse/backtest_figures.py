"""The figures of one backtest, rule by rule."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from schemas.rule import ClassRule, PupilRule
from transforms.backtest import (
    ONLY_LISTED,
    AfterGroups,
    Counted,
    Reach,
    TimeToFlag,
    after_groups,
    count,
    time_to_flag,
)
from transforms.synthetic.truth import PUPIL_TRUTH, class_truth
from warehouse.backtest import Backtest

_KEYS = ("wave", "unit")


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One rule in one world. `counted` has no truth where none is planted for the rule."""

    world: str
    rule_id: str
    target: str
    reach: Reach
    has_truth: bool
    counted: Counted
    time: TimeToFlag
    groups: AfterGroups | None


def figures(result: Backtest, rules: Sequence[PupilRule | ClassRule]) -> list[RuleFigures]:
    """Every rule at any level, and with a deadline where it has levels with and without one."""
    classes = _classes(result)
    found = []
    for rule in rules:
        units = _pupils_of(result, rule) if rule.target == "pupil" else _classes_of(classes, rule)
        flags = _flags_of(result, rule)
        for reach, seen in _reaches(rule, flags):
            found.append(
                RuleFigures(
                    world=result.world.name,
                    rule_id=rule.id,
                    target=rule.target,
                    reach=reach,
                    has_truth=rule.target == "class" or rule.id in PUPIL_TRUTH,
                    counted=count(units, seen),
                    time=time_to_flag(units, seen),
                    groups=_groups(result, rule, units, seen),
                )
            )
    return found


def _reaches(rule: PupilRule | ClassRule, flags: pl.DataFrame) -> list[tuple[Reach, pl.DataFrame]]:
    with_a_deadline = flags.filter(pl.col("level") != ONLY_LISTED)
    levels = {step.level for step in rule.steps} if rule.target == "pupil" else {"watch", "alert"}
    if levels == {ONLY_LISTED}:
        return [("any level", flags)]
    if ONLY_LISTED not in levels:
        return [("with a deadline", flags)]
    return [("any level", flags), ("with a deadline", with_a_deadline)]


def _groups(
    result: Backtest, rule: PupilRule | ClassRule, units: pl.DataFrame, flags: pl.DataFrame
) -> AfterGroups | None:
    if not result.world.groups or rule.target == "class":
        return None
    return after_groups(units, flags.filter(pl.col("level") != ONLY_LISTED))


def _flags_of(result: Backtest, rule: PupilRule | ClassRule) -> pl.DataFrame:
    ours = result.flags.filter(rule_id=rule.id)
    if rule.target == "pupil":
        return ours.select("wave", "level", unit="pupil")
    names = result.municipality.classes.select("wave", "school", "class_group", unit="cohort")
    return ours.join(names, on=["wave", "school", "class_group"]).select("wave", "level", "unit")


def _at(result: Backtest) -> pl.Expr:
    numbers = {wave.id: at for at, wave in enumerate(result.municipality.waves)}
    return pl.col("wave").replace_strict(numbers, return_dtype=pl.Int64)


def _pupils_of(result: Backtest, rule: PupilRule) -> pl.DataFrame:
    truth = PUPIL_TRUTH.get(rule.id, pl.lit(value=False))
    return result.municipality.pupils.select(
        "wave",
        "wellbeing",
        unit="pupil_code",
        at=_at(result),
        true=truth,
        reached="answered",
    )


def _classes(result: Backtest) -> pl.DataFrame:
    """Every class with how many of it answered."""
    place = ["wave", "school", "class_group"]
    answered = result.municipality.pupils.group_by(place).agg(pl.col("answered").sum())
    return result.municipality.classes.join(answered, on=place, how="left").with_columns(
        at=_at(result), unit="cohort"
    )


def _classes_of(classes: pl.DataFrame, rule: ClassRule) -> pl.DataFrame:
    n = pl.col("answered").fill_null(0)
    enough = (n >= rule.min_answered) & (n / pl.col("enrolled") >= rule.min_response)
    return classes.select(*_KEYS, "at", true=class_truth(rule), reached=enough)
