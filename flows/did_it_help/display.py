"""The answer for a terminal: counts in a table, and each comparison in words."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from flows.display import console
from schemas.case_life import case_life
from schemas.outcome import outcome_plan

HIDDEN = "fewer than 5"


def show_outcome(told: Mapping[str, Any]) -> None:
    """Print every wave; figures of fewer than five are told as that."""
    if not told["waves"]:
        console.print("No wave has answers yet.")
    for wave in told["waves"]:
        where = f", {told['school']}" if told["school"] else ""
        _show_measures(f"{wave['wave']}{where}", wave["measures"])
        for change in wave["changes"]:
            _show_change(change)


def _show_measures(title: str, rows: list[dict[str, Any]]) -> None:
    plan = outcome_plan()
    if not rows:
        console.print(f"{title}: nobody has been followed up, and no signal has a deadline.")
        return
    table = Table("What", "How many", "Of whom", title=title)
    for row in rows:
        if row["n"] == 0:
            continue
        category = f": {_word(row['category'])}" if row["category"] else ""
        table.add_row(f"{plan.measure(row['measure']).label.en}{category}", _figure(row), _of(row))
    console.print(table)


def _figure(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return HIDDEN
    if row["statistic"] == "median":
        return f"{row['value']:g}"
    return f"{row['total']} ({row['value']:.0%})"


def _of(row: Mapping[str, Any]) -> str:
    return row["of"] if row["n"] is None else f"{row['n']} {row['of']}"


def _word(category: str) -> str:
    plan, life = outcome_plan(), case_life()
    if category in plan.questions:
        return plan.questions[category].en
    if category in life.codes_of("outcome"):
        return life.code("outcome", category).label.en
    return category.replace("_", " ")


def _show_change(change: Mapping[str, Any]) -> None:
    plan = outcome_plan()
    names = {claim.id: claim.label.en for claim in plan.claims}
    verdict = plan.verdicts[change["verdict"]].en
    what = names.get(change["outcome"], "Did it help")
    console.print(f"{what}: {verdict}. {plan.reasons[change['reason']].en}", style="bold")
    if "difference" in change:
        low, high = change["interval"]
        pupils, scale = change["pupils"], change["scale"]
        console.print(
            f"  {scale} in {change['next_wave']}: {change['difference']:+g}"
            f" ({low:+g} to {high:+g}, {plan.limits.confidence:.0%} interval) beside those who"
            f" waited, for the same first answer and grade; {pupils['followed']} followed,"
            f" {pupils['waited']} waited"
        )
    if "before" in change:
        low, high = change["beyond_interval"]
        console.print(
            f"  Those who had a group: {change['before']:g} to {change['after']:g}; by itself"
            f" {change['expected_by_itself']:g} was to be expected, so {change['beyond']:+g}"
            f" ({low:+g} to {high:+g}) beyond that. This alone says nothing of the group."
        )
