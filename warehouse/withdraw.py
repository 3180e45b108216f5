"""Takes out what counts: forms of a delivery, or a whole delivery, because a person says so.

A form that is taken out by its row stays out, in whatever file a copy of it comes, until it is
released. A file that is taken out as a whole is as if it had never come: its forms count again from
any file that holds them, this one too. In both cases the forms are kept as those are that a person
chose another version of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from schemas.decision import Why
from schemas.speakable import SpeakableError
from warehouse import audit
from warehouse.audit import Hand
from warehouse.contexts import settle_contexts
from warehouse.form_numbers import forget_numbers
from warehouse.ledger import READ_AGAIN, ask_again
from warehouse.rulings import Ruling, rule_versions
from warehouse.store import transaction

ACTION = "quarantine.withdrawn"
FORM, FILE = "withdrawn", "file_withdrawn"
FLAG_WHY = "form_taken_out"


class NothingCountsError(SpeakableError):
    """Nothing of what is to be taken out counts."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """How many forms count no more, how many rows of the delivery wait, and what is read again.

    `unread`: deliveries that may hold copies of what went with a whole file.
    """

    forms: int
    waiting: int
    unread: Sequence[str] = ()


def withdraw(
    con: duckdb.DuckDBPyConnection,
    delivery_id: str,
    rows: Sequence[int],
    *,
    by: Hand,
    why: Why,
    now: datetime,
) -> Withdrawn:
    """Take a delivery's forms out of all that counts: those in `rows`, or the file as a whole."""
    forms = _counting(con, delivery_id, rows)
    if not (forms or rows) and _is_out(con, delivery_id):
        # Given again, because it was cut off before the files were on their way.
        left = [entry for entry in _may_hold_copies(con, delivery_id) if entry[1] == READ_AGAIN]
        return Withdrawn(0, _waiting(con, delivery_id), [other for other, _ in left])
    if not forms or (rows and forms < len(set(rows))):
        raise NothingCountsError(
            "no form of that row counts from this file: it waits, or a file that came before"
            " brought it. `klassepuls quarantine show` tells what waits of a file"
        )
    unread = [] if rows else [other for other, _ in _may_hold_copies(con, delivery_id)]
    with transaction(con):
        detail = {"forms": forms, "whole_file": not rows, "why": why.value}
        event = audit.append(con, by=by, action=ACTION, subject=delivery_id, detail=detail, now=now)
        con.execute(
            _TAKEN_OUT, {"id": delivery_id, "rows": list(rows), "form": FORM, "file": FILE}
        ).fetchall()
        # Before the forms go: their file may be there again when the flags are looked at anew.
        con.execute(_MARK_FLAGS, {"why": FLAG_WHY}).fetchall()
        rule_versions(con, Ruling(by.actor, why, now, event))
        if not rows:
            _forget_file(con, delivery_id)
        ask_again(con, unread)
    return Withdrawn(forms, _waiting(con, delivery_id), unread)


# Of a whole file, what its copies say of class and gender goes as well.
_TAKEN_OUT = """
    create or replace temp table ruled_form as
    select response_id, if(len($rows) > 0, $form, $file) as decision
    from (
        select response_id, delivery_no, row_no from core.response
        union all
        select response_id, delivery_no, row_no from quarantine.set_aside
        where len($rows) = 0 and (delivery_no, row_no) not in (
            select (delivery_no, row_no) from quarantine.decided join core.delivery
                using (delivery_id)
        )
    ) join core.delivery using (delivery_no)
    where delivery_id = $id and (len($rows) = 0 or list_contains($rows, row_no))
"""

# Flags that may rest on what goes: where they are not found any more, it is for this.
_MARK_FLAGS = """
    update core.flag set withdrawn_why = $why
    where status <> 'withdrawn' and (wave_id, school_id, coalesce(pupil, class_group)) in (
        select (wave_id, school_id, whom)
        from (
            select wave_id, school_id, unnest([pupil, class_group]) as whom
            from core.response semi join ruled_form using (response_id)
        )
    )
"""


def _counting(con: duckdb.DuckDBPyConnection, delivery_id: str, rows: Sequence[int]) -> int:
    [(forms,)] = con.execute(
        """
        select count(*) from core.response join core.delivery using (delivery_no)
        where delivery_id = $id and (len($rows) = 0 or list_contains($rows, row_no))
        """,
        {"id": delivery_id, "rows": list(rows)},
    ).fetchall()
    return int(forms)


def _waiting(con: duckdb.DuckDBPyConnection, delivery_id: str) -> int:
    [(rows,)] = con.execute(
        "select quarantined from core.delivery where delivery_id = $id", {"id": delivery_id}
    ).fetchall()
    return int(rows)


def _is_out(con: duckdb.DuckDBPyConnection, delivery_id: str) -> bool:
    found = con.execute(
        """
        select 1 from quarantine.decided where delivery_id = $id and decision = $file limit 1
        """,
        {"id": delivery_id, "file": FILE},
    ).fetchall()
    return bool(found)


def _may_hold_copies(
    con: duckdb.DuckDBPyConnection, delivery_id: str
) -> list[tuple[str, str | None]]:
    """Deliveries of the survey that came later, and of which rows were there already.

    Each with the digest of the settings that it was read under.
    """
    found: list[tuple[str, str | None]] = con.execute(
        """
        select other.delivery_id, other.declared
        from core.delivery other join core.delivery d using (survey_id)
        where d.delivery_id = $id and other.delivery_id <> $id and other.kind = 'answers'
            and other.dropped > 0 and other.received_at >= d.received_at
        order by other.received_at
        """,
        {"id": delivery_id},
    ).fetchall()
    return found


def _forget_file(con: duckdb.DuckDBPyConnection, delivery_id: str) -> None:
    """What the file said of others' forms holds no more."""
    con.execute(
        "update core.delivery set content_digest = null where delivery_id = $id",
        {"id": delivery_id},
    ).fetchall()
    forget_numbers(con, delivery_id)
    settle_contexts(con)


def once_withdrawn(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Deliveries that were ever taken out: the notes beside their files may have to be renewed."""
    found = con.execute(
        """
        select distinct subject from audit.event semi join core.delivery on delivery_id = subject
        where action = $action order by subject
        """,
        {"action": ACTION},
    ).fetchall()
    return [delivery_id for (delivery_id,) in found]
