"""Cases: opened by a person, led on by actions, each one transaction with its audit event.

An event is only ever added. What `core.support_case` says of a case follows from its events and is
written with them; a test replays the events and compares.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb

from schemas.case_life import CaseLife
from schemas.speakable import SpeakableError
from transforms.case_life import (
    Asked,
    CaseFacts,
    CaseRefusedError,
    GroupSize,
    require_allowed,
    require_may,
)
from warehouse import audit
from warehouse.audit import Hand
from warehouse.case_flags import note_decision
from warehouse.case_seals import event_seal
from warehouse.failpoint import reach
from warehouse.store import transaction

# Without letters and digits that are taken for each other on paper.
_SIGNS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 8

Beside = Callable[[str, int], None]  # writes the rows beside an event: of which case, and step


class NoSuchCaseError(SpeakableError):
    """No case, flag or pupil is known under what was asked for."""


@dataclass(frozen=True, slots=True)
class Office:
    """What every action on a case goes by: the rules of it, who gives the command, and when."""

    life: CaseLife
    size: GroupSize
    by: Hand
    today: date
    now: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """Whom a case is about, and what it is opened for."""

    pupil: str = field(repr=False)
    school_id: str
    class_group: str
    route: str
    situation: str
    origin: str
    flag_ids: tuple[str, ...] = ()
    review_due: date | None = None


def open_case(
    con: duckdb.DuckDBPyConnection, office: Office, opening: Opening, asked: Asked
) -> str:
    """Open a case, within a transaction of the caller's; returns its id.

    CaseRefusedError where the pupil has an open case of that route at the school.
    """
    require_may(office.life, opening.route, asked, today=office.today)
    open_now = _open_case_of(con, office.life, opening)
    if open_now:
        raise CaseRefusedError(
            f"the pupil has an open case, {open_now}: note it there (`case link` for a new flag)",
            "open_already",
        )
    case_id = "K-" + "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    con.execute(
        """
        insert into core.support_case by name select
            $case_id as case_id, $pupil as pupil, $school_id as school_id,
            $class_group as class_group, $route as route, $opened_on::date as opened_on,
            $situation as situation, $origin as origin,
            $flag_ids::varchar[] as linked_flag_ids, 'opened' as status,
            $review_due::date as review_due
        """,
        {
            "case_id": case_id,
            "pupil": opening.pupil,
            "school_id": opening.school_id,
            "class_group": opening.class_group,
            "route": opening.route,
            "opened_on": asked.on,
            "situation": opening.situation,
            "origin": opening.origin,
            "flag_ids": list(opening.flag_ids),
            "review_due": opening.review_due,
        },
    ).fetchall()
    _note(con, office, case_id, asked, to="opened")
    return case_id


def act(
    con: duckdb.DuckDBPyConnection,
    office: Office,
    case_id: str,
    asked: Asked,
    *,
    beside: Beside | None = None,
) -> str:
    """Do one action in a case, in one transaction; returns the state that it leads to."""
    with transaction(con):
        return act_within(con, office, case_id, asked, beside=beside)


def act_within(
    con: duckdb.DuckDBPyConnection,
    office: Office,
    case_id: str,
    asked: Asked,
    *,
    beside: Beside | None = None,
) -> str:
    """The same within a transaction of the caller's."""
    facts = facts_of(con, case_id)
    require_allowed(office.life, facts, asked, today=office.today, size=office.size)
    action = office.life.action(asked.action)
    step = _next_step(con, case_id)
    if beside is not None:
        beside(case_id, step)
    if action.ends_group:
        con.execute(
            """
            update core.support_group set ended_on = $on
            where case_id = $case_id and ended_on is null
            """,
            {"on": asked.on, "case_id": case_id},
        ).fetchall()
    note_decision(con, case_id, asked)
    _note(con, office, case_id, asked, to=action.to or facts.status)
    return action.to or facts.status


def facts_of(con: duckdb.DuckDBPyConnection, case_id: str) -> CaseFacts:
    """What the conditions look at; NoSuchCaseError where there is no such case."""
    found = all_facts(con, [case_id])
    if not found:
        raise NoSuchCaseError("there is no case with that id: `klassepuls case list` has them all")
    return found[case_id]


def all_facts(con: duckdb.DuckDBPyConnection, case_ids: Sequence[str]) -> dict[str, CaseFacts]:
    """The same of many cases at once, by their ids."""
    found = con.execute(_FACTS, {"case_ids": list(case_ids)})
    names = [column[0] for column in found.description or []]
    told = (dict(zip(names, row, strict=True)) for row in found.fetchall())
    return {one.pop("case_id"): CaseFacts(**one) for one in told}


_FACTS = """
    with latest as (
        select case_id, map_from_entries(list((action, day))) as latest
        from (
            select case_id, action, max(happened_on) as day from core.case_event
            where list_contains($case_ids, case_id) group by all
        ) group by all
    ),
    moved as (
        select case_id, max_by(happened_on, step) as moved_on from core.case_event
        where list_contains($case_ids, case_id) and contains(detail, '"moved_to"') group by all
    ),
    helping as (
        select g.case_id, count(*) as members
        from core.group_member join core.support_group g using (group_id)
        where g.ended_on is null and left_on is null group by all
    )
    select case_id, status, route, origin, opened_on, review_due, consent_guardian,
        case_id in (select case_id from core.support_group) as had_group,
        coalesce(members, 0)::integer as members, moved_on, latest
    from core.support_case left join latest using (case_id) left join moved using (case_id)
        left join helping using (case_id)
    where list_contains($case_ids, case_id)
"""


def _open_case_of(con: duckdb.DuckDBPyConnection, life: CaseLife, opening: Opening) -> str | None:
    found = con.execute(
        """
        select case_id from core.support_case
        where pupil = $pupil and school_id = $school and route = $route
            and list_contains($open, status)
        """,
        {
            "pupil": opening.pupil,
            "school": opening.school_id,
            "route": opening.route,
            "open": sorted(life.open_states()),
        },
    ).fetchall()
    return str(found[0][0]) if found else None


def _next_step(con: duckdb.DuckDBPyConnection, case_id: str) -> int:
    [(last,)] = con.execute(
        "select coalesce(max(step), 0) from core.case_event where case_id = $case_id",
        {"case_id": case_id},
    ).fetchall()
    return int(last) + 1


def _note(
    con: duckdb.DuckDBPyConnection, office: Office, case_id: str, asked: Asked, *, to: str
) -> None:
    """The event, the audit event that seals it, and what the case says of itself from now on."""
    action, step = office.life.action(asked.action), _next_step(con, case_id)
    told = {name: value for name, value in asked.detail.items() if value is not None}
    if action.to is not None:
        told["moved_to"] = action.to
    detail = json.dumps(told, sort_keys=True, ensure_ascii=False)
    row = (case_id, step, action.id, action.event, asked.on, asked.role, detail)
    reach("case-before-audit")
    number = audit.append(
        con,
        by=office.by,
        action=f"case.{action.id}",
        subject=case_id,
        detail={"step": step, "role": asked.role, "seal": event_seal(office.by.key, *row)},
        now=office.now,
    )
    con.execute(
        "insert into core.case_event values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [*row[:5], office.now, *row[5:], number],
    ).fetchall()
    _project(con, case_id, asked, to)
    reach("case-before-commit")


def _project(con: duckdb.DuckDBPyConnection, case_id: str, asked: Asked, to: str) -> None:
    columns = {"status": to, **_said_by(asked)}
    named = ", ".join(f"{column} = ${column}" for column in columns)
    con.execute(
        f"update core.support_case set {named} where case_id = $case_id",
        {**columns, "case_id": case_id},
    ).fetchall()


def _said_by(asked: Asked) -> Mapping[str, Any]:
    """The columns of a case that an action says something new of."""
    detail, on = asked.detail, asked.on
    over = {"closed_on": on, "close_reason": detail.get("why")}
    consents = {
        f"consent_{who}{suffix}": value
        for who in ("pupil", "guardian")
        if detail.get(who)
        for suffix, value in (("", detail[who]), ("_on", on))
    }
    if detail.get("informed"):
        consents["info_guardian_on"] = on
    said: Mapping[str, Mapping[str, Any]] = {
        "close": {**over, "outcome_level": detail.get("outcome")},
        "dismiss": over,
        "reopen": {
            "closed_on": None,
            "close_reason": None,
            "outcome_level": None,
            "review_due": None,
        },
        "escalate": {"escalated_on": on},
        "accepted": {"consent_pupil": "yes", "consent_pupil_on": on, **consents},
        "declined": {"consent_pupil": "no", "consent_pupil_on": on},
        "consent": consents,
    }
    return said.get(asked.action, {})


def known_pupils(con: duckdb.DuckDBPyConnection, pupils: Sequence[str], school_id: str) -> set[str]:
    """Those of some pseudonyms of whom the school has a form or a place on a class list."""
    found = con.execute(
        """
        select pupil from (
            select pupil, school_id from core.response
            union all select pupil, school_id from core.enrolment
            union all select pupil, school_id from core.flag
            union all select pupil, school_id from core.support_case
        )
        where school_id = $school and list_contains($pupils, pupil) group by pupil
        """,
        {"school": school_id, "pupils": list(pupils)},
    ).fetchall()
    return {pupil for (pupil,) in found}
