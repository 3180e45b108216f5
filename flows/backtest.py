"""Rules, tried on invented municipalities in which the truth is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.home import HomeError
from schemas.declared import DeclarationError
from schemas.instrument import shipped_instruments
from schemas.rule import ClassRule, PupilRule, shipped_rules
from schemas.rule_change import RuleChanges, amend
from transforms.class_worlds import ClassWaves, class_waves
from transforms.synthetic.worlds import WORLDS
from warehouse.backtest import backtest
from warehouse.backtest_figures import RuleFigures, figures

CLASS_WAVES, SHARE_OFF = 200, 0.06


@dataclass(frozen=True, slots=True)
class Figures:
    """Class tables by the share of classes that are off, and every rule in every world."""

    classes: dict[float, list[ClassWaves]]
    worlds: list[RuleFigures]


def run_backtest(
    worlds: Sequence[str], *, changes: Path | None, schools: int, waves: int, seed: int
) -> Figures:
    """The shipped rules, or those of a file of changes, in the named worlds."""
    if schools < 1 or waves < 1:
        raise HomeError("a world needs at least one school and one wave")
    rules = _rules(changes)
    found: list[RuleFigures] = []
    for name in worlds:
        result = backtest(
            WORLDS[name], rules, shipped_instruments(), schools=schools, waves=waves, seed=seed
        )
        found += figures(result, rules)
    classes = {
        share: class_waves(rules, share_off=share, waves=CLASS_WAVES, seed=seed)
        for share in (0.0, SHARE_OFF)
    }
    return Figures(classes, found)


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
