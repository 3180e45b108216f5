"""Erases one pupil from the databases: every row that is about the pupil, in one transaction.

The vault is a file of its own and is cleared after it. What was deleted stays in the bytes of the
files until `warehouse/rebuild.py` has written them anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from schemas.reason import Reason
from warehouse import audit
from warehouse.audit import Hand
from warehouse.case_rows import case_deletions
from warehouse.erased import erased_digest, remember_erased
from warehouse.failpoint import reach
from warehouse.store import transaction
from warehouse.whom import FORMS, Who

ACTION, PROVEN = "erase.pupil", "erase.proven"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A delivered file that is rewritten: its content's name before and after, and struck rows."""

    was: str
    delivery_id: str
    size: int
    rows: Sequence[int]


def erase_rows(
    con: duckdb.DuckDBPyConnection,
    who: Who,
    rewritten: Sequence[Rewritten],
    *,
    by: Hand,
    for_good: bool,
    now: datetime,
) -> dict[str, int]:
    """Delete all rows of the pupil; returns how many of each table.

    The audit event, the list of who stays erased and the new names of rewritten files are part of
    the same transaction. Nothing found, and nothing new to remember: nothing is written.
    """
    with transaction(con):
        _find_rows(con, who, rewritten)
        _settle_waves(con)
        counts = delete_found(con, who.schools, is_all=not who.others)
        _rename(con, rewritten)
        digest = erased_digest(who.code, key=by.key)
        found = {table: rows for table, rows in counts.items() if rows}
        # One that was killed has remembered already, and knew of which schools.
        is_first = bool(found) or not is_unfinished(con, digest)
        if for_good or (is_first and (found or rewritten)):
            remember_erased(con, digest, who.schools, for_good=for_good, today=now.date())
        if is_first and (found or rewritten or for_good):
            told = {"tables": found, "files": len(rewritten), "for_good": for_good}
            note_erasure(con, "pupil", told, digest=digest, by=by, now=now)
        reach("before-erase-commit")
    reach("after-erase-commit")
    counts["vault.code"] = _clear_vault(con, who)
    reach("after-vault-erase")
    return {table: rows for table, rows in counts.items() if rows}


def note_erasure(
    con: duckdb.DuckDBPyConnection,
    what: str,
    detail: Mapping[str, object],
    *,
    by: Hand,
    now: datetime,
    digest: str | None = None,
) -> None:
    """Tell the log what was erased, in counts, and that the databases are to be written anew."""
    event = audit.append(con, by=by, action=f"erase.{what}", subject=what, detail=detail, now=now)
    con.execute(
        "insert into audit.erasure values ($event, $what, $digest, $now, null, null)",
        {"event": event, "what": what, "digest": digest, "now": now},
    ).fetchall()


def is_unfinished(con: duckdb.DuckDBPyConnection, digest: str | None) -> bool:
    """Whether an erasing of this pupil was begun, or with null of what is old, and not proven."""
    found = con.execute(
        """
        from audit.erasure where proven_at is null and digest is not distinct from $digest limit 1
        """,
        {"digest": digest},
    ).fetchall()
    return bool(found)


def unfinished(con: duckdb.DuckDBPyConnection) -> int:
    """How many erasings were begun and not proven: they were cut off, or something was found."""
    [(count,)] = con.execute(
        "select count(*) from audit.erasure where proven_at is null"
    ).fetchall()
    return int(count)


def is_due(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether rows were deleted whose bytes are in the databases still."""
    return bool(con.execute("from audit.erasure where rebuilt_at is null limit 1").fetchall())


def mark_rebuilt(con: duckdb.DuckDBPyConnection, *, now: datetime) -> None:
    """Note in the databases that are about to be copied that the copies are the new ones."""
    con.execute(
        "update audit.erasure set rebuilt_at = $now where rebuilt_at is null", {"now": now}
    ).fetchall()


def write_proof(
    con: duckdb.DuckDBPyConnection,
    detail: Mapping[str, object],
    *,
    digest: str | None,
    is_clean: bool,
    by: Hand,
    now: datetime,
) -> int:
    """The event that says what was looked through and what was found; returns its number."""
    with transaction(con):
        event = audit.append(con, by=by, action=PROVEN, subject="home", detail=detail, now=now)
        if is_clean:
            con.execute(
                """
                update audit.erasure set proven_at = $now
                where proven_at is null and digest is not distinct from $digest
                """,
                {"now": now, "digest": digest},
            ).fetchall()
    return event


def name_pupils(con: duckdb.DuckDBPyConnection, pupils: Sequence[str]) -> None:
    """Fill the temporary tables `gone_pupil` and `gone_person` with who is to go."""
    con.register("named", pa.table({"pupil": pa.array(pupils, pa.string())}))
    con.execute("create or replace temp table gone_pupil as select pupil from named").fetchall()
    con.unregister("named")
    con.execute("""
        create or replace temp table gone_person as
        from gone_pupil
        union
        select person from core.roster_user where pupil in (from gone_pupil)
    """).fetchall()


def _find_rows(con: duckdb.DuckDBPyConnection, who: Who, rewritten: Sequence[Rewritten]) -> None:
    """The temporary tables `gone_form`, `gone_place` and `gone_row`: what is about the pupil."""
    name_pupils(con, who.pupils)
    con.execute(
        f"""
        create or replace temp table gone_form as
        select response_id, delivery_no, row_no, wave_id, place from {FORMS}
        where pupil in (from gone_pupil) and list_contains($schools, school_id)
        """,
        {"schools": list(who.schools)},
    ).fetchall()
    struck = [(file.was, row) for file in rewritten for row in file.rows]
    places = pa.table(
        {
            "delivery_id": pa.array([was for was, _ in struck], pa.string()),
            "row_no": pa.array([row for _, row in struck], pa.int32()),
        }
    )
    con.register("struck_row", places)
    con.execute("""
        create or replace temp table gone_place as
        select delivery_no, row_no from gone_form
        union
        select delivery_no, row_no from struck_row join core.delivery using (delivery_id)
    """).fetchall()
    con.unregister("struck_row")
    find_waiting(con, who.schools, is_all=not who.others)


def find_waiting(con: duckdb.DuckDBPyConnection, schools: Sequence[str], *, is_all: bool) -> None:
    """The temporary table `gone_row`: what waits in those places, or is known as those pupils'."""
    con.execute(
        """
        create or replace temp table gone_row as
        select quarantine_id, delivery_no from quarantine.row
        where (delivery_no, row_no) in (from gone_place) or quarantine_id in (
            select quarantine_id from quarantine.trace where pupil in (from gone_pupil) and $all
            union all
            select quarantine_id from quarantine.request
            where pupil in (from gone_pupil) and ($all or list_contains($schools, school_id))
        )
        """,
        {"schools": list(schools), "all": is_all},
    ).fetchall()


_BY_FORM = "response_id in (select response_id from gone_form)"
_BY_ROW = "quarantine_id in (select quarantine_id from gone_row)"
_THEIRS = "pupil in (from gone_pupil)"
_HERE = "($all or list_contains($schools, school_id))"

# In an order in which nothing is needed any more that is already gone.
_DELETIONS = {
    "core.nomination": f"{_BY_FORM} or (chosen in (from gone_pupil) and ($all or response_id in ("
    f"select response_id from {FORMS} where list_contains($schools, school_id))))",
    "core.form_network": _BY_FORM,
    **case_deletions(_THEIRS, _HERE),
    "core.flag_evidence": f"flag_id in (select flag_id from core.flag where {_THEIRS} and {_HERE})",
    "core.flag": f"{_THEIRS} and {_HERE}",
    "core.form_number": f"{_THEIRS} and {_HERE}",
    "quarantine.renumbered": f"({_THEIRS} and {_HERE}) or (other_pupil in (from gone_pupil)"
    " and ($all or list_contains($schools, other_school)))",
    "quarantine.one_form": f"{_THEIRS} and {_HERE}",
    "quarantine.request": f"{_BY_ROW} or ({_THEIRS} and {_HERE})",
    "quarantine.trace": f"{_BY_ROW} or ({_THEIRS} and $all)",
    "quarantine.row": _BY_ROW,
    "quarantine.fell_under": "(delivery_no, row_no) in (from gone_place)",
    "core.enrolment": f"({_THEIRS} or person in (from gone_person)) and {_HERE}",
    "core.roster_enrolment": f"pupil in (from gone_person) and {_HERE}",
    "core.roster_user": f"{_THEIRS} and $all",
    "core.same_pupil": f"{_THEIRS} or known_as in (from gone_pupil)",
    "core.response": _BY_FORM,
    "quarantine.response": _BY_FORM,
    "quarantine.set_aside": _BY_FORM,
}


def delete_found(
    con: duckdb.DuckDBPyConnection, schools: Sequence[str], *, is_all: bool
) -> dict[str, int]:
    """Delete what the temporary tables name; returns how many rows of each table."""
    _settle_ledger(con)
    named = {"schools": list(schools), "all": is_all}
    answers = con.execute("""
        select 'core.' || table_name from duckdb_tables()
        where schema_name = 'core' and starts_with(table_name, 'answer_')
            and database_name = current_database()
    """).fetchall()
    deletions = {table: _BY_FORM for (table,) in answers} | _DELETIONS
    counts = {"quarantine.decided": _empty_decisions(con)}
    for table, where in deletions.items():
        used = {name: value for name, value in named.items() if f"${name}" in where}
        [(counts[table],)] = con.execute(f"delete from {table} where {where}", used).fetchall()
    _rename_contradictions(con)
    return counts


def _settle_ledger(con: duckdb.DuckDBPyConnection) -> None:
    """What counted or waited was dropped: accepted + quarantined + dropped stay what they were."""
    con.execute(
        """
        update core.delivery d
        set accepted = accepted - g.counted, quarantined = quarantined - g.waited,
            dropped = dropped + g.counted + g.waited,
            outcome = if(outcome = 'quarantined' and reason_code is null
                and accepted = 0 and quarantined = g.waited, 'rejected', outcome),
            reason_code = if(outcome = 'quarantined' and reason_code is null
                and accepted = 0 and quarantined = g.waited, $erased, reason_code)
        from (
            select delivery_no, sum(counted) as counted, sum(waited) as waited
            from (
                select delivery_no, 1 as counted, 0 as waited from gone_form
                where place = 'core.response'
                union all
                select delivery_no, 0, 1 from gone_row
            ) group by all
        ) g
        where g.delivery_no = d.delivery_no
        """,
        {"erased": Reason.ERASED.value},
    ).fetchall()


def _settle_waves(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
        delete from core.stage
        where stage = 'flagged' and subject in (from gone_form select wave_id)
    """).fetchall()


def _empty_decisions(con: duckdb.DuckDBPyConnection) -> int:
    """Decisions on the pupil's rows stay, for the log tells of them; what a row said goes."""
    [(rows,)] = con.execute("""
        update quarantine.decided c set digest = 'erased', column_names = []
        from core.delivery d
        where d.delivery_id = c.delivery_id and c.digest <> 'erased' and (
            c.quarantine_id in (select quarantine_id from gone_row)
            or (d.delivery_no, c.row_no) in (from gone_place)
        )
    """).fetchall()
    return int(rows)


def _rename_contradictions(con: duckdb.DuckDBPyConnection) -> None:
    """A contradiction that bore the pupil's name bears one of those who are left in it."""
    con.execute("""
        update quarantine.one_form o set name = n.name
        from (select name as was, min(pupil) as name from quarantine.one_form group by all) n
        where n.was = o.name and o.name in (from gone_pupil)
    """).fetchall()


def _rename(con: duckdb.DuckDBPyConnection, rewritten: Sequence[Rewritten]) -> None:
    """Files are known by their content, and that is another now; what it was is written down."""
    names = pa.table(
        {
            "was": pa.array([file.was for file in rewritten], pa.string()),
            "delivery_id": pa.array([file.delivery_id for file in rewritten], pa.string()),
            "size_bytes": pa.array([file.size for file in rewritten], pa.int64()),
        }
    )
    con.register("renamed", names)
    con.execute("""
        insert into audit.rewritten
        select delivery_id, was from renamed r
        where was in (select delivery_id from core.delivery)
    """).fetchall()
    con.execute("""
        update quarantine.decided d set delivery_id = r.delivery_id
        from renamed r where r.was = d.delivery_id
    """).fetchall()
    con.execute("""
        update core.delivery d set delivery_id = r.delivery_id, size_bytes = r.size_bytes
        from renamed r where r.was = d.delivery_id
    """).fetchall()
    con.unregister("renamed")


def _clear_vault(con: duckdb.DuckDBPyConnection, who: Who) -> int:
    [(rows,)] = con.execute(
        """
        delete from vault.code where pupil_code = $code and list_contains($schools, school_id)
        """,
        {"code": who.code, "schools": list(who.schools)},
    ).fetchall()
    return int(rows)
