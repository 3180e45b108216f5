"""Rules, tried on invented municipalities in which the truth is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.home import HomeError
from schemas.declared import DeclarationError
from schemas.instrument import shipped_instruments
from schemas.rule import ClassRule, PupilRule, shipped_rules
from schemas.rule_change import RuleChanges, amend
from transforms.class_worlds import ALL_THEMES, NOBODY, ONE_THEME, ClassWaves, class_waves
from transforms.synthetic.worlds import WORLDS
from warehouse.backtest import backtest
from warehouse.backtest_figures import RuleFigures, figures

CLASS_WAVES = 200
CLASS_WORLDS = (NOBODY, ONE_THEME, ALL_THEMES)


@dataclass(frozen=True, slots=True)
class Figures:
    """Class tables by what is off in some classes, and every rule in every world."""

    classes: dict[str, list[ClassWaves]]
    worlds: list[RuleFigures]


def run_backtest(
    worlds: Sequence[str],
    *,
    changes: Path | None,
    schools: int,
    waves: int,
    seed: int,
    tables: int = CLASS_WAVES,
) -> Figures:
    """The shipped rules, or those of a file of changes, in the named worlds.

    `tables`: how many waves of class tables are drawn for each part of the first figures.
    """
    if schools < 1 or waves < 1 or tables < 1:
        raise HomeError("a world needs at least one school and one wave")
    rules = _rules(changes)
    found: list[RuleFigures] = []
    for name in worlds:
        result = backtest(
            WORLDS[name], rules, shipped_instruments(), schools=schools, waves=waves, seed=seed
        )
        found += figures(result, rules)
    return Figures(class_figures(rules, waves=tables, seed=seed), found)


def class_figures(
    rules: Sequence[PupilRule | ClassRule], *, waves: int, seed: int
) -> dict[str, list[ClassWaves]]:
    """All class rules together, by what is off in the classes that are."""
    return {off: class_waves(rules, off=off, waves=waves, seed=seed) for off in CLASS_WORLDS}


def _rules(changes: Path | None) -> Sequence[PupilRule | ClassRule]:
    if changes is None:
        return shipped_rules()
    if not changes.is_file():
        raise HomeError("there is no file at --rules")
    decided = RuleChanges.from_file(changes)
    try:
        return amend(shipped_rules(), decided, shipped_instruments())
    except ValueError as error:
        raise DeclarationError(f"{changes.name}: {error}") from None
