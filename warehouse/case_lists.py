"""What the school health service reads of cases: lists, one case's history, what is due.

Codes come from the vault, turned forward and matched as for reports; where a code is not kept the
pupil is told without one.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb

from schemas.case_life import CaseLife
from transforms.case_life import deadline
from transforms.pseudonym import PseudonymKey, under_each_key_sql
from warehouse.cases import all_facts

Rows = list[dict[str, Any]]


def cases_of(
    con: duckdb.DuckDBPyConnection,
    *,
    key: PseudonymKey,
    route: str,
    school: str | None = None,
    states: Sequence[str] | None = None,
) -> Rows:
    """The cases of a route, with pupil codes, the oldest first."""
    return _rows(
        con,
        f"""
        with turned as ({_turned(key)})
        select c.case_id, c.school_id, c.class_group, t.pupil_code, c.status, c.situation, c.origin,
            c.opened_on, c.closed_on, c.close_reason, c.outcome_level, c.escalated_on
        from core.support_case c left join turned t using (school_id, pupil)
        where c.route = $route and ($school is null or c.school_id = $school)
            and ($states is null or list_contains($states, c.status))
        order by c.opened_on, c.case_id
        """,
        {
            "route": route,
            "school": school,
            "states": None if states is None else list(states),
            **key.pupil_parameters(),
        },
    )


def case_with_history(
    con: duckdb.DuckDBPyConnection, case_id: str, *, key: PseudonymKey
) -> dict[str, Any]:
    """One case with all that is held on it: events, group and helpers, meetings, ratings, plans."""
    named = {"case_id": case_id}
    [case] = _rows(
        con,
        f"""
        with turned as ({_turned(key)})
        select c.* exclude (pupil), t.pupil_code
        from core.support_case c left join turned t using (school_id, pupil)
        where case_id = $case_id
        """,
        {**named, **key.pupil_parameters()},
    )
    helpers = _rows(
        con,
        f"""
        with turned as ({_turned(key)})
        select m.group_id, t.pupil_code, joined_on, left_on, left_reason
        from core.group_member m join core.support_group g using (group_id)
            left join turned t on t.school_id = m.school_id and t.pupil = m.pupil
        where g.case_id = $case_id order by joined_on, t.pupil_code
        """,
        {**named, **key.pupil_parameters()},
    )
    case["events"] = [
        event | {"detail": json.loads(event["detail"])}
        for event in _of_case(con, "core.case_event", "step", case_id, without="case_id")
    ]
    case["groups"] = _of_case(con, "core.support_group", "formed_on", case_id, without="case_id")
    for group in case["groups"]:
        own = [helper for helper in helpers if helper["group_id"] == group["group_id"]]
        group["helpers"] = [
            {name: value for name, value in helper.items() if name != "group_id"} for helper in own
        ]
    for name, table in (
        ("meetings", "core.meeting"),
        ("ratings", "core.scale_rating"),
        ("plans", "core.support_plan"),
    ):
        case[name] = _of_case(con, table, "step", case_id, without="case_id")
    return case


def _of_case(
    con: duckdb.DuckDBPyConnection, table: str, order: str, case_id: str, *, without: str
) -> Rows:
    return _rows(
        con,
        f"select * exclude ({without}) from {table} where case_id = $case_id order by {order}",
        {"case_id": case_id},
    )


def due_cases(
    con: duckdb.DuckDBPyConnection,
    life: CaseLife,
    *,
    key: PseudonymKey,
    route: str,
    school: str | None,
    today: date,
) -> Rows:
    """Each open case with its clock: `due_on`, `earliest`, and whether it is overdue."""
    found = []
    cases = cases_of(con, key=key, route=route, school=school, states=sorted(life.open_states()))
    facts = all_facts(con, [case["case_id"] for case in cases])
    for case in cases:
        due = deadline(life, facts[case["case_id"]])
        if due is not None:
            found.append(
                {
                    "school_id": case["school_id"],
                    "class_group": case["class_group"],
                    "pupil_code": case["pupil_code"],
                    "case": case["case_id"],
                    "clock": due.clock,
                    "earliest": due.earliest,
                    "due_on": due.due_on,
                    "is_overdue": due.due_on < today,
                }
            )
    return found


def due_flags(
    con: duckdb.DuckDBPyConnection,
    *,
    key: PseudonymKey,
    route: str,
    school: str | None,
    today: date,
) -> Rows:
    """Open flags with a deadline, of pupils and of classes, that nobody has taken up.

    One that a case was opened for is told with the case.
    """
    return _rows(
        con,
        f"""
        with turned as ({_turned(key)})
        select f.school_id, f.class_group, t.pupil_code, left(f.flag_id, 8) as flag,
            'review' as clock, null::date as earliest, f.review_due as due_on,
            f.review_due < $today::date as is_overdue
        from core.flag f left join turned t using (school_id, pupil)
        where f.status = 'open' and f.review is null and f.review_due is not null
            and f.route = $route and ($school is null or f.school_id = $school)
            and f.flag_id not in (
                select unnest(linked_flag_ids) from core.support_case where closed_on is null
            )
        order by f.review_due, f.flag_id
        """,
        {"today": today, "route": route, "school": school, **key.pupil_parameters()},
    )


def _turned(key: PseudonymKey) -> str:
    """pupil_code, school_id and pupil, under each key, of every code that is kept."""
    names = under_each_key_sql({"pupil": "pupil_code"}, key=key)
    return f"select pupil_code, school_id, {names} from vault.code"


def _rows(con: duckdb.DuckDBPyConnection, query: str, named: dict[str, Any]) -> Rows:
    found = con.execute(query, named)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
