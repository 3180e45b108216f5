"""What stands beside the events of a case: the group and its helpers, meetings, ratings, the plan.

Each function writes within the transaction of its event (see `warehouse/cases.py`). A helper has no
role: who was picked as a friend and who was not is a count of the group, never a word on one.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import date

import duckdb
import pyarrow as pa

from schemas.case_plan import CasePlan
from transforms.case_life import Asked, CaseRefusedError, Detail

RATINGS = ("school_now", "safety", "together")


def form_group(
    con: duckdb.DuckDBPyConnection, case_id: str, asked: Asked, helpers: Sequence[str]
) -> None:
    """A group of helpers (pseudonyms); CaseRefusedError where the pupil is one of them."""
    pupil, school_id = _whose(con, case_id)
    if pupil in helpers:
        raise CaseRefusedError(
            "the pupil whom the group is for is not one of its helpers", "own_helper"
        )
    if len(set(helpers)) < len(helpers):
        raise CaseRefusedError("a helper is named twice", "named_twice")
    group_id = f"G-{secrets.token_hex(6)}"
    told = asked.detail
    con.execute(
        "insert into core.support_group values (?, ?, ?, ?, ?, ?, ?, ?, null)",
        [
            group_id,
            case_id,
            asked.on,
            len(helpers),
            told.get("picked_by"),
            *(told.get(name) for name in ("friends", "around", "difficult")),
        ],
    ).fetchall()
    _add_members(con, group_id, school_id, helpers, asked.on)


def join_group(
    con: duckdb.DuckDBPyConnection, case_id: str, asked: Asked, helper: str, *, largest: int
) -> None:
    """A further helper; CaseRefusedError where there is no room, or the helper is there already."""
    pupil, school_id = _whose(con, case_id)
    group_id, members = _group_now(con, case_id)
    if helper in members or helper == pupil:
        raise CaseRefusedError("that pupil is in the group already", "named_twice")
    if len(members) >= largest:
        raise CaseRefusedError(
            f"the group has {len(members)} helpers, and at most {largest} ([cases] in"
            " klassepuls.toml)",
            "group",
        )
    _add_members(con, group_id, school_id, [helper], asked.on)


def leave_group(
    con: duckdb.DuckDBPyConnection, case_id: str, asked: Asked, names: Collection[str]
) -> None:
    """A helper leaves, which every helper may at any time; CaseRefusedError where not a member.

    `names`: what the helper is called under each key.
    """
    group_id, members = _group_now(con, case_id)
    if not members & set(names):
        raise CaseRefusedError("that pupil is not in the group now", "no_helper")
    con.execute(
        """
        update core.group_member set left_on = $on, left_reason = $why
        where group_id = $group_id and list_contains($names, pupil) and left_on is null
        """,
        {
            "on": asked.on,
            "why": asked.detail.get("why"),
            "group_id": group_id,
            "names": list(names),
        },
    ).fetchall()


def hold_meeting(
    con: duckdb.DuckDBPyConnection, case_id: str, step: int, asked: Asked, kind: str
) -> None:
    """A meeting of the group, or with one pupil of the last group that there was."""
    [(group_id,)] = con.execute(
        """
        select group_id from core.support_group where case_id = $case_id
        order by ended_on is null desc, formed_on desc limit 1
        """,
        {"case_id": case_id},
    ).fetchall()
    told = asked.detail
    con.execute(
        "insert into core.meeting values (?, ?, ?, ?, ?, ?, ?)",
        [case_id, group_id, step, kind, asked.on, told.get("attended"), told.get("agreed")],
    ).fetchall()


def rate_scales(
    con: duckdb.DuckDBPyConnection, case_id: str, step: int, on: date, ratings: Detail
) -> None:
    """What the pupil says, 0 to 10 for each question that was asked."""
    told = [
        (question, ratings[question]) for question in RATINGS if ratings.get(question) is not None
    ]
    con.execute(
        """
        insert into core.scale_rating
        select $case_id, $step, $on::date, question, value, 'pupil'
        from (select unnest($questions::varchar[]) as question, unnest($values::integer[]) as value)
        """,
        {
            "case_id": case_id,
            "step": step,
            "on": on,
            "questions": [question for question, _ in told],
            "values": [value for _, value in told],
        },
    ).fetchall()


def write_plan(
    con: duckdb.DuckDBPyConnection, case_id: str, step: int, on: date, plan: CasePlan
) -> None:
    """A new edition of the written plan; the earlier ones stay."""
    con.execute(
        """
        insert into core.support_plan
        select $case_id, coalesce(max(edition), 0) + 1, $step, $on::date, $problem, $measures,
            $when, $who, $evaluated
        from core.support_plan where case_id = $case_id
        """,
        {
            "case_id": case_id,
            "step": step,
            "on": on,
            "problem": plan.problem,
            "measures": plan.measures,
            "when": plan.carried_out_when,
            "who": plan.carried_out_by,
            "evaluated": plan.evaluated_when,
        },
    ).fetchall()


def _whose(con: duckdb.DuckDBPyConnection, case_id: str) -> tuple[str, str]:
    [(pupil, school_id)] = con.execute(
        "select pupil, school_id from core.support_case where case_id = $case_id",
        {"case_id": case_id},
    ).fetchall()
    return pupil, school_id


def _group_now(con: duckdb.DuckDBPyConnection, case_id: str) -> tuple[str, set[str]]:
    """The group that meets now, and its helpers; the state has said that there is one."""
    named: Mapping[str, object] = {"case_id": case_id}
    [(group_id,)] = con.execute(
        "select group_id from core.support_group where case_id = $case_id and ended_on is null",
        dict(named),
    ).fetchall()
    members = con.execute(
        "select pupil from core.group_member where group_id = $group_id and left_on is null",
        {"group_id": group_id},
    ).fetchall()
    return group_id, {pupil for (pupil,) in members}


def _add_members(
    con: duckdb.DuckDBPyConnection, group_id: str, school_id: str, helpers: Sequence[str], on: date
) -> None:
    con.register("helpers", pa.table({"pupil": pa.array(helpers, pa.string())}))
    con.execute(
        """
        insert into core.group_member
        select $group_id, $school_id, pupil, $on::date, null, null from helpers
        """,
        {"group_id": group_id, "school_id": school_id, "on": on},
    ).fetchall()
    con.unregister("helpers")
