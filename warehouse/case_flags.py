"""Flags and the decisions that people make on them: what a case is opened for, and what it says.

`status` of a flag is the machine's word (open, expired, withdrawn); `review` is a person's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from transforms.case_life import Asked

SHORTEST_REFERENCE = 8  # as a report prints it

_DECISIONS = {
    "accept": "accepted",
    "dismiss": "dismissed",
    "more_info": "more_info",
    "reopen": None,
}


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag, as far as a decision on it needs it."""

    flag_id: str
    target: str
    school_id: str
    class_group: str
    pupil: str | None = field(repr=False)
    route: str
    situation: str
    rule_id: str
    status: str
    review: str | None


def find_flags(con: duckdb.DuckDBPyConnection, reference: str) -> list[Flag]:
    """The flags whose id begins with a reference of at least eight signs, as a report prints it."""
    if len(reference) < SHORTEST_REFERENCE:
        return []
    found = con.execute(
        """
        select flag_id, target, school_id, class_group, pupil, route, situation, rule_id, status,
            review
        from core.flag where starts_with(flag_id, upper($reference)) and status <> 'withdrawn'
        """,
        {"reference": reference},
    ).fetchall()
    return [Flag(*row) for row in found]


def flags_beside(con: duckdb.DuckDBPyConnection, flag: Flag) -> tuple[list[str], date | None]:
    """The open flags of the same pupil that nobody has decided on, and their earliest deadline.

    One talk with the pupil answers them all; those of another route are none of this reader's.
    """
    found = con.execute(
        """
        select flag_id, review_due from core.flag
        where pupil = $pupil and school_id = $school and route = $route and target = 'pupil'
            and (flag_id = $flag_id or (status = 'open' and review is null))
        order by flag_id
        """,
        {
            "pupil": flag.pupil,
            "school": flag.school_id,
            "route": flag.route,
            "flag_id": flag.flag_id,
        },
    ).fetchall()
    due = [review_due for _, review_due in found if review_due is not None]
    return [flag_id for flag_id, _ in found], min(due, default=None)


def link_flag(con: duckdb.DuckDBPyConnection, case_id: str, flag_id: str, asked: Asked) -> None:
    """Let a further flag of the pupil belong to a case that follows the pupil up already."""
    con.execute(
        """
        update core.support_case
        set linked_flag_ids = list_distinct(list_append(linked_flag_ids, $flag_id))
        where case_id = $case_id
        """,
        {"case_id": case_id, "flag_id": flag_id},
    ).fetchall()
    decide_on(con, [flag_id], "accepted", asked)


def note_decision(con: duckdb.DuckDBPyConnection, case_id: str, asked: Asked) -> None:
    """Say of a case's flags what was decided; a case that is reopened takes that back."""
    if asked.action not in _DECISIONS:
        return
    [(linked,)] = con.execute(
        "select linked_flag_ids from core.support_case where case_id = $case_id",
        {"case_id": case_id},
    ).fetchall()
    decide_on(con, linked, _DECISIONS[asked.action], asked)


def decide_on(
    con: duckdb.DuckDBPyConnection, flag_ids: Sequence[str], review: str | None, asked: Asked
) -> None:
    """Write a decision on flags: accepted, dismissed or more_info; None takes it back."""
    con.execute(
        """
        update core.flag set review = $review, reviewed_on = $on, review_why = $why
        where list_contains($flag_ids, flag_id)
        """,
        {
            "flag_ids": list(flag_ids),
            "review": review,
            "on": asked.on if review else None,
            "why": asked.detail.get("why") if review else None,
        },
    ).fetchall()
