"""A person's decisions on what waits, and the clock's, each in one transaction with its event.

What a person lets count is in warehouse/release.py, and what is taken back in let_back.py.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from schemas.decision import Why
from schemas.reason import Reason
from schemas.speakable import SpeakableError
from warehouse import audit
from warehouse.audit import Hand
from warehouse.quarantine import (
    ALL_FORMS,
    NothingWaitsError,
    versions_of,
    waiting_contradictions,
)
from warehouse.rulings import Ruling, rule_rows, rule_versions
from warehouse.store import transaction

WHOLE_FILE = 0
BY_CLOCK = "klassepuls"


class CannotRejectError(SpeakableError):
    """What was asked for would take out more than was meant."""


def reject_contradiction(
    con: duckdb.DuckDBPyConnection, contradiction_id: str, *, by: Hand, why: Why, now: datetime
) -> int:
    """Let none of the versions count; returns how many there are.

    Not for a shared code where one of them has a code of its own by now: it would go as well.
    """
    versions = versions_of(con, contradiction_id)
    if why == Why.SHARED_CODE and _has_new_code(con, contradiction_id):
        raise CannotRejectError(
            "the tool has the form under another code by now, and it would be taken out as well:"
            " `klassepuls quarantine release --delivery ... --why shared_code`, with the delivery"
            " that brought the new codes, lets all of them count and none under the shared code"
        )
    with transaction(con):
        detail = {"versions": len(versions), "why": why.value}
        ruling = told(con, "rejected", contradiction_id, detail, by=by, why=why, now=now)
        _rule_all(con, [contradiction_id], "rejected", ruling)
    return len(versions)


def _has_new_code(con: duckdb.DuckDBPyConnection, contradiction_id: str) -> bool:
    """Whether forms of several pupils, or schools, are one form by the tool's number."""
    found = con.execute(
        f"""
        select 1 from {ALL_FORMS} where upper(contradiction_id) = upper($id)
        having count(distinct (school_id, pupil)) > 1
            and bool_and((survey_id, wave_id, school_id, pupil) in (
                select (survey_id, wave_id, school_id, pupil) from quarantine.one_form
            ))
        """,
        {"id": contradiction_id},
    ).fetchall()
    return bool(found)


def reject_delivery(
    con: duckdb.DuckDBPyConnection,
    delivery_id: str,
    rows: Sequence[int],
    *,
    by: Hand,
    why: Why,
    now: datetime,
) -> int:
    """Give up held rows of a delivery (all, where none is named), or a file that waits as a whole.

    Rows of contradictions stay: they are decided by `release` and by `reject C-...`. Forms whose
    codes lost their zeros go with the rows. Returns the number of rows.
    """
    held = con.execute(
        """
        select quarantine_id from quarantine.row join core.delivery using (delivery_no)
        where delivery_id = $id and digest <> 'conflict'
            and (len($rows) = 0 or list_contains($rows, row_no))
        """,
        {"id": delivery_id, "rows": list(rows)},
    ).fetchall()
    whole = [] if rows else _whole_files(con, "delivery_id = $id", {"id": delivery_id})
    bare = _without_zeros(con, delivery_id, rows)
    if not (held or whole or bare) or (rows and len(held) + len(bare) < len(set(rows))):
        raise NothingWaitsError(
            "no such row waits there, or it is part of a contradiction:"
            " `klassepuls quarantine show` tells which"
        )
    given_up = len(held) + len(bare) + _rows_of(con, whole)
    with transaction(con):
        detail = {"rows": len(held) + len(bare), "files": len(whole), "why": why.value}
        ruling = told(con, "rejected", delivery_id, detail, by=by, why=why, now=now)
        rule_rows(con, pa.array([number for (number,) in held], pa.int64()), "rejected", ruling)
        _rule_forms(con, bare, "rejected", ruling)
        _give_up_files(con, whole, Reason.DECIDED_NOT_TO_USE, "rejected", ruling)
    return given_up


def _without_zeros(
    con: duckdb.DuckDBPyConnection, delivery_id: str, rows: Sequence[int]
) -> list[int]:
    """Forms of a delivery that wait because their codes lost zeros."""
    found = con.execute(
        """
        select response_id
        from quarantine.response join quarantine.row using (delivery_no, row_no)
            join core.delivery using (delivery_no)
        where delivery_id = $id and digest = 'conflict' and list_contains(reason_codes, $zeros)
            and (len($rows) = 0 or list_contains($rows, row_no))
        """,
        {"id": delivery_id, "rows": list(rows), "zeros": Reason.CODE_WITHOUT_ZEROS.value},
    ).fetchall()
    return [response_id for (response_id,) in found]


def _rule_forms(
    con: duckdb.DuckDBPyConnection, forms: Sequence[int], decision: str, ruling: Ruling
) -> None:
    """The same decision on all of these forms."""
    if not forms:
        return
    con.execute(
        """
        create or replace temp table ruled_form as
        select unnest($forms::bigint[]) as response_id, $decision as decision
        """,
        {"forms": list(forms), "decision": decision},
    ).fetchall()
    rule_versions(con, ruling)


def _rows_of(con: duckdb.DuckDBPyConnection, whole: Sequence[str]) -> int:
    """How many rows wait in files that wait as a whole."""
    [(rows,)] = con.execute(
        """
        select coalesce(sum(quarantined), 0) from core.delivery
        where list_contains($ids, delivery_id)
        """,
        {"ids": list(whole)},
    ).fetchall()
    return int(rows)


def expire(
    con: duckdb.DuckDBPyConnection, *, by: Hand, keep: timedelta, now: datetime
) -> Mapping[str, int]:
    """Give up all that has waited for `keep`; returns counts of rows, contradictions and files.

    A contradiction waits from its newest version on. Where the clock stands before the last event
    of the log it cannot be trusted, and nothing expires.
    """
    nothing = {"rows": 0, "contradictions": 0, "files": 0}
    limit = {"limit": now - keep}
    if con.execute(
        "select 1 from audit.event where happened_at > $now limit 1", {"now": now}
    ).fetchall():
        return nothing
    rows = con.execute(
        "select quarantine_id from quarantine.row where digest <> 'conflict' and held_at <= $limit",
        limit,
    ).fetchall()
    old = [
        entry.contradiction_id
        for entry in waiting_contradictions(con)
        if entry.since <= limit["limit"]
    ]
    files = _whole_files(con, "received_at <= $limit", limit)
    counts = {"rows": len(rows), "contradictions": len(old), "files": len(files)}
    if not any(counts.values()):
        return nothing
    with transaction(con):
        why = Why.KEPT_TOO_LONG
        ruling = told(con, "expired", "quarantine", counts, by=by, why=why, now=now)
        rule_rows(con, pa.array([number for (number,) in rows], pa.int64()), "expired", ruling)
        _rule_all(con, old, "expired", ruling)
        _give_up_files(con, files, Reason.WAITED_TOO_LONG, "expired", ruling)
    return counts


def _rule_all(
    con: duckdb.DuckDBPyConnection,
    contradiction_ids: Sequence[str],
    decision: str,
    ruling: Ruling,
) -> None:
    """None of the versions counts."""
    if not contradiction_ids:
        return
    con.execute(
        f"""
        create or replace temp table ruled_form as
        select response_id, $decision as decision from {ALL_FORMS}
        where list_contains($ids, contradiction_id)
        """,
        {"decision": decision, "ids": [f"C-{name[2:].lower()}" for name in contradiction_ids]},
    ).fetchall()
    rule_versions(con, ruling)


def _whole_files(
    con: duckdb.DuckDBPyConnection, where: str, named: Mapping[str, object]
) -> list[str]:
    found = con.execute(
        f"""
        select delivery_id from core.delivery
        where outcome = 'quarantined' and reason_code is not null and {where}
        """,
        named,
    ).fetchall()
    return [delivery_id for (delivery_id,) in found]


def _give_up_files(
    con: duckdb.DuckDBPyConnection,
    delivery_ids: Sequence[str],
    reason: Reason,
    decision: str,
    ruling: Ruling,
) -> None:
    """Files that waited as a whole are rejected, and their rows dropped."""
    named = {"ids": list(delivery_ids)}
    con.execute(
        """
        insert into quarantine.decided
        select nextval('quarantine.row_id'), delivery_id, $whole, survey_id, [reason_code], [], '',
            1, received_at, $decision, $why, $by, $at, $event
        from core.delivery where list_contains($ids, delivery_id)
        """,
        {**named, "whole": WHOLE_FILE, "decision": decision, **ruling.parameters()},
    ).fetchall()
    con.execute(
        """
        update core.delivery
        set outcome = 'rejected', reason_code = $reason, dropped = dropped + quarantined,
            quarantined = 0
        where list_contains($ids, delivery_id)
        """,
        {**named, "reason": reason.value},
    ).fetchall()


def told(
    con: duckdb.DuckDBPyConnection,
    what: str,
    subject: str,
    detail: Mapping[str, object],
    *,
    by: Hand,
    why: Why,
    now: datetime,
) -> Ruling:
    """Put a decision on record; part of the transaction that carries it out."""
    action = f"quarantine.{what}"
    event = audit.append(con, by=by, action=action, subject=subject, detail=detail, now=now)
    return Ruling(by.actor, why, now, event)
