"""What `klassepuls rules preview` and `backtest` print: counts and words, never a pupil."""

from collections.abc import Sequence
from dataclasses import asdict
from math import isnan
from typing import Any

from rich.table import Table

from flows.display import console
from flows.rules.backtest import Figures
from flows.rules.preview import Preview
from transforms.backtest import Counted
from transforms.class_worlds import CLASSES, DRAWS, NOBODY, ClassWaves
from transforms.preview import Line
from transforms.statistics.screening import Estimate
from transforms.synthetic.worlds import WORLDS
from warehouse.backtest_figures import RuleFigures

_SHARES = ("sensitivity", "sensitivity_of_reached", "specificity", "ppv", "per_100")


def show_preview(preview: Preview) -> None:
    """A table of all rules and waves, then grades and genders, and how to read it."""
    table = Table(
        "Wave", "Rule", "In force", "Previewed", "New", "Gone", "Other level", "Levels",
        "Per 100", "Expected", "By chance", "Phi", "On marked forms",
        title="What would have been flagged. Nothing was written.",
    )  # fmt: skip
    for line in preview.lines:
        table.add_row(*_preview_cells(line))
    console.print(table)
    for line in preview.lines:
        if line.parts and any(part.flags is not None for part in line.parts):
            told = ", ".join(
                f"{part.of} {part.which or 'not told'}: {_or_dash(part.flags)}"
                for part in line.parts
            )
            console.print(f"{line.wave} {_short(line.rule_id)}: {told}")
    console.print(_HOW_TO_READ)
    waiting = f"{preview.open_flags} open pupil flags with a deadline, {preview.overdue} overdue"
    console.print(f"In the home now: {waiting}. Previewed flags come on top of what is not closed.")
    if preview.pupil_flags_off:
        console.print("No routing decision in klassepuls.toml: pupil rules flag nobody.")


_HOW_TO_READ = """\
Pupils are counted to the nearest five; 1-4 and - are too few to tell, or would tell of others.
Expected: flags a wave, the mean of the waves here. By chance: signals if every class were like its
yardstick, the sum of P(X >= the smallest count that signals). Phi: how much more classes differ
than equal ones would; well above 1, expect more than by chance. Of pupil flags nobody can compute
how many are false, for nobody knows the truth; marked forms may have been filled in without
reading, and `klassepuls rules backtest` tells how often a rule is right about invented pupils."""


def _preview_cells(line: Line) -> list[str]:
    return [
        line.wave,
        _short(line.rule_id),
        str(line.in_force),
        str(line.previewed),
        str(line.new),
        str(line.gone),
        str(line.other_level),
        ", ".join(f"{level} {n}" for level, n in line.levels.items()) or "–",
        _or_dash(line.per_100),
        str(line.expected),
        "–" if line.by_chance is None else f"{line.by_chance:.1f}",
        "–" if line.phi is None else f"{line.phi:.1f}",
        str(line.on_marked) if line.target == "pupil" else "–",
    ]


def preview_as_dict(preview: Preview) -> dict[str, Any]:
    """The same for a program."""
    return {
        "waves": list(preview.waves),
        "open_flags": preview.open_flags,
        "overdue": preview.overdue,
        "pupil_flags_off": preview.pupil_flags_off,
        "lines": [asdict(line) for line in preview.lines],
    }


def show_backtest(figures: Figures) -> None:
    """The class tables, then each world."""
    console.print(_class_table(figures.classes))
    for world in dict.fromkeys(found.world for found in figures.worlds):
        console.print(_world_table(world, [it for it in figures.worlds if it.world == world]))
    console.print(_HOW_TO_READ_BACKTEST)


_HOW_TO_READ_BACKTEST = """\
Found: of the true ones, those flagged; in brackets of those who answered (of a class: enough).
Right: of the flags, those that are true. Spared: of the others, those not flagged. Brackets behind
a share are its 95 % interval (Wilson). First wave, later, never: when a true spell was flagged."""


def _class_table(classes: dict[str, list[ClassWaves]]) -> Table:
    waves = max((it.waves for found in classes.values() for it in found), default=0)
    table = Table(
        "Off", "Rule", "False a wave", "False alerts", "Found", "Right", "Alerts found",
        "Alerts right",
        title=f"{CLASSES} classes, {waves} waves, all class rules together ({DRAWS} draws)",
    )  # fmt: skip
    for off, found in classes.items():
        for rule in found:
            table.add_row(
                off,
                _short(rule.rule_id),
                f"{rule.false_signals:.2f}",
                f"{rule.false_alerts:.2f}",
                _found(rule.signals),
                _told(rule.signals.ppv) if off != NOBODY else "–",
                _found(rule.alerts),
                _told(rule.alerts.ppv) if off != NOBODY else "–",
            )
    return table


def _world_table(world: str, found: Sequence[RuleFigures]) -> Table:
    columns = ["Rule", "Reach", "Per 100", "Found", "Right", "Spared", "First wave, later, never"]
    has_groups = WORLDS[world].groups
    table = Table(
        *columns,
        *(["Flag gone after a group", "Truly better by"] if has_groups else []),
        title=f"{world}: {WORLDS[world].about}",
    )
    for one in found:
        table.add_row(*_world_cells(one), *(_group_cells(one) if has_groups else []))
    return table


def _world_cells(one: RuleFigures) -> list[str]:
    cells = [_short(one.rule_id), one.reach, _per_100(one.counted.per_100)]
    if not one.has_truth:
        return [*cells, "–", "–", "–", "–"]
    time = one.time
    return [
        *cells,
        _found(one.counted),
        _told(one.counted.ppv),
        _told(one.counted.specificity),
        f"{time.at_once}, {time.later}, {time.never}" if time.spells else "–",
    ]


def _group_cells(one: RuleFigures) -> list[str]:
    if one.groups is None or not one.groups.followed:
        return ["–", "–"]
    return [_told(one.groups.share_gone), f"{one.groups.better:+.1f} points"]


def _found(counted: Counted) -> str:
    if not counted.true:
        return "–"
    return f"{counted.sensitivity.value:.0%} ({_told(counted.sensitivity_of_reached)})"


def _told(estimate: Estimate) -> str:
    if isnan(estimate.value):
        return "–"
    return f"{estimate.value:.0%} [{estimate.low:.0%}-{estimate.high:.0%}]"


def _per_100(estimate: Estimate) -> str:
    return f"{estimate.value:.1f} [{estimate.low:.1f}-{estimate.high:.1f}]"


def backtest_as_dict(figures: Figures) -> dict[str, Any]:
    """The same for a program; a figure that cannot be computed is null."""
    return {
        "classes": [
            {"off": off, "rule_id": it.rule_id, "waves": it.waves}
            | {"false_signals": it.false_signals, "false_alerts": it.false_alerts}
            | {"signals": _as_dict(it.signals), "alerts": _as_dict(it.alerts)}
            for off, found in figures.classes.items()
            for it in found
        ],
        "worlds": [
            {"world": it.world, "rule_id": it.rule_id, "target": it.target, "reach": it.reach}
            | {"has_truth": it.has_truth, **_as_dict(it.counted)}
            | {"time_to_flag": _numbers(asdict(it.time) | {"never": it.time.never})}
            | {"after_groups": it.groups and _numbers(asdict(it.groups))}
            for it in figures.worlds
        ],
    }


def _as_dict(counted: Counted) -> dict[str, Any]:
    shares = {name: _numbers(asdict(getattr(counted, name))) for name in _SHARES}
    return asdict(counted) | shares


def _numbers(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and isnan(value) else value
        for name, value in figures.items()
    }


def _short(rule_id: str) -> str:
    return rule_id.removeprefix("rule.")


def _or_dash(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:g}"
