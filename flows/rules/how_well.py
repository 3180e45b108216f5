"""Writes the tables of `docs/explanation/how-well-the-rules-do.md` from a backtest.

`python -m flows.rules.how_well docs/explanation/how-well-the-rules-do.md`
"""

import sys
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path

from flows.rules.backtest import CLASS_WAVES, Figures, run_backtest
from schemas.network_rule import network_rule
from schemas.rule import shipped_rules
from transforms.backtest import share
from transforms.choice_worlds import choice_waves
from transforms.class_worlds import CLASSES, DRAWS, NOBODY, ONE_THEME, ClassWaves
from transforms.class_years import YearWave, class_years
from transforms.statistics.screening import Estimate
from transforms.synthetic.worlds import WORLDS
from warehouse.backtest_figures import RuleFigures

SCHOOLS, WAVES, SEED = 20, 4, 1
CHOICE_WAVES = 20
YEARS = 67  # of three waves each: 201
# What is off, and how many answers of a wave say the same in the next without being drawn anew.
YEAR_WORLDS = ((NOBODY, 0.0), (NOBODY, 0.5), (NOBODY, 0.8), (ONE_THEME, 0.5))
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
YearTable = tuple[tuple[str, float], Sequence[YearWave]]
_CLASS_WORLDS = ("null", "sparse", "clustered", "drifting")


def written(
    page: str, figures: Figures, years: Sequence[YearTable], choices: Mapping[str, ClassWaves]
) -> str:
    """The page with its tables anew; ValueError where it has no place for them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} with {END} behind it")
    tables = [
        class_waves_table(figures.classes),
        years_table(years),
        choices_table(choices),
        _class_worlds_table(figures.worlds),
        _pupil_table([it for it in figures.worlds if it.world == "null"]),
        _groups_table(figures.worlds),
    ]
    return "\n\n".join([before + BEGIN, *tables, END + after])


def class_waves_table(classes: dict[str, list[ClassWaves]]) -> str:
    """The lines that the class rules must hold."""
    rows = [
        [
            off,
            _name(it.rule_id),
            f"{it.false_signals:.2f}",
            f"{it.false_alerts:.2f}",
            _told(it.signals.sensitivity_of_reached),
            _told(it.signals.sensitivity),
            _told(it.signals.ppv) if off != NOBODY else "–",
            _told(it.alerts.sensitivity_of_reached),
            _told(it.alerts.ppv) if off != NOBODY else "–",
        ]
        for off, found in classes.items()
        for it in found
    ]
    heading = (
        "off", "rule", "false signals a wave", "false alerts a wave", "found",
        "of all, too few answers included", "right", "alerts: found", "alerts: right",
    )  # fmt: skip
    told = (
        f"**{CLASSES} classes, {CLASS_WAVES} waves, seed {SEED}, all class rules together;"
        f" {DRAWS:,} draws for a spread**"
    )
    return f"{told}\n\n{_table(heading, rows)}"


def years_table(found: Sequence[YearTable]) -> str:
    """What the same signal in two of three waves adds: all class rules together."""
    rows = [
        [
            off,
            f"{100 * stays:.0f} %",
            f"{it.number}",
            f"{it.false_signals:.2f}",
            f"{it.false_alerts:.2f}",
            f"{it.repeated:.2f}",
            _told(share(it.alerted, it.reached)),
        ]
        for (off, stays), waves in found
        for it in waves
    ]
    heading = (
        "off", "answers that stay", "wave of the year", "false signals a wave",
        "false alerts a wave", "of them by repetition alone", "bullied classes that are an alert",
    )  # fmt: skip
    told = f"**The same {CLASSES} classes in three waves of a year, {YEARS} years, seed {SEED}**"
    return f"{told}\n\n{_table(heading, rows)}"


def choices_table(found: Mapping[str, ClassWaves]) -> str:
    """The class rule of choices, where classes choose at random and where some are in pieces."""
    rows = [
        [
            off,
            f"{it.false_signals:.2f}",
            _told(it.signals.sensitivity_of_reached),
            _told(it.signals.sensitivity),
            _told(it.signals.ppv) if it.signals.true else "–",
        ]
        for off, it in found.items()
    ]
    heading = (
        "in pieces", "false signals a wave", "found", "of all, too few answers included", "right"
    )  # fmt: skip
    told = (
        f"**class_network: {CLASSES} classes, {CHOICE_WAVES} waves, seed {SEED};"
        " everybody chooses three, at random**"
    )
    return f"{told}\n\n{_table(heading, rows)}"


def _class_worlds_table(found: Sequence[RuleFigures]) -> str:
    rows = [
        [
            it.world,
            _name(it.rule_id),
            it.reach,
            _in_100(it.counted.per_100),
            _told(it.counted.sensitivity_of_reached),
            _told(it.counted.ppv) if it.counted.true else "–",
            _told(it.counted.specificity),
            f"{it.time.at_once}, {it.time.later}, {it.time.never}" if it.time.spells else "–",
        ]
        for it in found
        if it.target == "class" and it.world in _CLASS_WORLDS
    ]
    heading = (
        "world", "rule", "reach", "signals in 100 classes", "found", "right", "spared",
        "first wave, later, never",
    )  # fmt: skip
    told = f"**Class rules in whole worlds: {SCHOOLS} schools, {WAVES} waves, seed {SEED}**"
    return f"{told}\n\n{_table(heading, rows)}"


def _pupil_table(found: Sequence[RuleFigures]) -> str:
    rows = [
        [
            _name(it.rule_id),
            it.reach,
            _in_100(it.counted.per_100),
            _told(it.counted.sensitivity),
            _told(it.counted.sensitivity_of_reached),
            _told(it.counted.ppv),
            _told(it.counted.specificity),
            f"{it.time.at_once}, {it.time.later}, {it.time.never}",
        ]
        if it.has_truth
        else [_name(it.rule_id), it.reach, _in_100(it.counted.per_100), *["–"] * 5]
        for it in found
        if it.target == "pupil"
    ]
    heading = (
        "rule", "reach", "flags in 100 pupils", "found", "of those who answered", "right",
        "spared", "first wave, later, never",
    )  # fmt: skip
    told = f"**Pupil rules in the null world: {SCHOOLS} schools, {WAVES} waves, seed {SEED}**"
    return f"{told}\n\n{_table(heading, rows)}"


def _groups_table(found: Sequence[RuleFigures]) -> str:
    by_world = {
        world: {it.rule_id: it.groups for it in found if it.world == world and it.groups}
        for world in ("no_effect", "works")
    }
    rows = []
    for rule_id, without in by_world["no_effect"].items():
        helped = by_world["works"][rule_id]
        if without.followed and helped.followed:
            shares = (_told(without.share_gone), _told(helped.share_gone))
            rows.append(
                [_name(rule_id), *shares, f"{without.better:+.1f}", f"{helped.better:+.1f}"]
            )
    heading = (
        "rule", "flag gone, groups do nothing", "flag gone, groups help",
        "truly better, do nothing", "truly better, help",
    )  # fmt: skip
    told = "**The next wave of pupils with a flag that had a deadline; points of 100 of WHO-5**"
    return f"{told}\n\n{_table(heading, rows)}"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _name(rule_id: str) -> str:
    return rule_id.removeprefix("rule.")


def _told(estimate: Estimate) -> str:
    if isnan(estimate.value):
        return "–"
    return f"{100 * estimate.value:.0f} % ({100 * estimate.low:.0f}–{100 * estimate.high:.0f})"


def _in_100(estimate: Estimate) -> str:
    return f"{estimate.value:.1f} ({estimate.low:.1f}–{estimate.high:.1f})"


def main(page: Path) -> None:
    """Run every world and write its figures into the page."""
    figures = run_backtest(list(WORLDS), changes=None, schools=SCHOOLS, waves=WAVES, seed=SEED)
    years = [
        (world, class_years(shipped_rules(), off=off, stays=stays, years=YEARS, seed=SEED))
        for world in YEAR_WORLDS
        for off, stays in [world]
    ]
    choices = {
        off: choice_waves(network_rule(), off=off, waves=CHOICE_WAVES, seed=SEED)
        for off in (NOBODY, "6 % of classes")
    }
    text = written(page.read_text(encoding="utf-8"), figures, years, choices)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
