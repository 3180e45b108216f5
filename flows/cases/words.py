"""Cases in words on a terminal, for the school health service: tables and a history."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from flows.display import console
from schemas.case_life import case_life

Rows = Sequence[Mapping[str, Any]]


def show_cases(cases: Rows) -> None:
    """One line a case."""
    labels = {state.id: state.label.en for state in case_life().states}
    table = Table("case", "school", "class", "pupil code", "state", "situation", "opened", "over")
    for case in cases:
        state = labels[case["status"]]
        table.add_row(
            case["case_id"],
            case["school_id"],
            case["class_group"],
            case["pupil_code"] or "–",
            f"{state}, escalated" if case["escalated_on"] else state,
            case["situation"],
            case["opened_on"],
            case["closed_on"] or "",
        )
    console.print(table if cases else "No case.")


def show_due(rows: Rows) -> None:
    """One line a flag or case, the most urgent first."""
    labels = {clock.id: clock.label.en for clock in case_life().clocks}
    table = Table("due", "what", "case or flag", "school", "class", "pupil code")
    for row in rows:
        when = f"{row['due_on']} overdue" if row["is_overdue"] else row["due_on"]
        if row["earliest"]:
            when = f"{row['earliest']} to {when}"
        table.add_row(
            when,
            labels[row["clock"]],
            row.get("case") or row.get("flag"),
            row["school_id"],
            row["class_group"],
            row["pupil_code"] or "–",
        )
    console.print(table if rows else "Nothing is overdue or due soon.")


def show_due_counts(rows: Rows) -> None:
    """Counts by school and clock."""
    labels = {clock.id: clock.label.en for clock in case_life().clocks}
    table = Table("school", "what", "state", "how many")
    for row in rows:
        state = "overdue" if row["is_overdue"] else "due soon"
        table.add_row(row["school_id"], labels[row["clock"]], state, str(row["rows"]))
    console.print(table if rows else "Nothing is overdue or due soon.")


def show_history(case: Mapping[str, Any]) -> None:
    """All of one case, section by section; what a person wrote comes out as text."""
    life = case_life()
    labels = {action.id: action.label.en for action in life.actions}
    whose = f"pupil {case['pupil_code'] or 'without a code that is kept'}, {case['school_id']}"
    began = f"{case['situation']}; opened {case['opened_on']} ({case['origin']})"
    lines = [
        f"Case {case['case_id']}: {life.state(case['status']).label.en}",
        f"  {whose} {case['class_group']}, {began}",
        *_said(case, ("close_reason", "outcome_level", "escalated_on")),
        *_said(case, ("consent_pupil", "consent_guardian", "info_guardian_on")),
        "History:",
    ]
    for event in case["events"]:
        told = {name: value for name, value in event["detail"].items() if name != "moved_to"}
        codes = "".join(f"; {name} {value}" for name, value in told.items())
        lines.append(
            f"  {event['happened_on']} {labels[event['action']]} ({event['actor_role']}{codes})"
        )
    for group in case["groups"]:
        lines.append(f"Group of {group['formed_on']}, picked by {group['picked_by']}:")
        lines += [f"  {_helper(helper)}" for helper in group["helpers"]]
    lines += [
        f"Rating {one['rated_on']}: {one['question']} {one['value']}" for one in case["ratings"]
    ]
    for plan in case["plans"]:
        lines.append(f"Plan, edition {plan['edition']}, {plan['written_on']}:")
        lines += [f"  {name}: {plan[name]}" for name in _PLAN]
    console.print("\n".join(lines))


_PLAN = ("problem", "measures", "carried_out_when", "carried_out_by", "evaluated_when")


def _said(case: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    told = [f"{name.replace('_', ' ')} {case[name]}" for name in names if case[name]]
    return [f"  {', '.join(told)}"] if told else []


def _helper(helper: Mapping[str, Any]) -> str:
    left = f", left {helper['left_on']} ({helper['left_reason']})" if helper["left_on"] else ""
    return f"{helper['pupil_code'] or '–'} since {helper['joined_on']}{left}"
