"""Class lists: a list, its held rows and its ledger entry are loaded in one transaction.

The last list that has come decides. What an earlier one said is closed and not struck, so that a
wave keeps the list that it was held by (`core.class_list_of_wave`).
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import duckdb
import pyarrow as pa

from schemas.reason import Reason
from transforms.held import HeldRow
from transforms.listed import Listed
from transforms.pseudonym import PseudonymKey, keyed_digest, pupil_sql
from transforms.readers.reading import FileProblem
from warehouse.choice_zeros import resolve_by_list
from warehouse.contexts import settle_contexts
from warehouse.entries import Incoming, Loaded
from warehouse.erased import tell_erased, without_erased_pupils
from warehouse.load import HELD_SCHEMA
from warehouse.store import transaction

_CLASS = ("school_id", "school_year", "class_group", "grade", "grades", "enrolled")
_ENROLMENT = (
    "person",
    "pupil",
    "school_id",
    "school_year",
    "class_group",
    "grade",
    "enrolled_on",
    "left_on",
)


def load_class_list(
    con: duckdb.DuckDBPyConnection,
    listed: Listed,
    *,
    incoming: Incoming,
    key: PseudonymKey,
    now: datetime,
) -> Loaded:
    """Load a list whose `person` and `pupil` are pupil codes, or one without pupils."""
    pupils = without_erased_pupils(con, listed.pupils, key=key)
    erased = listed.pupils.num_rows - pupils.num_rows
    con.register("coded", pupils)
    turned = con.sql(
        f"""
        select * replace (
            {pupil_sql("person", key=key, year="school_year")} as person,
            {pupil_sql("pupil", key=key, year="school_year")} as pupil)
        from coded
        """,
        params=key.pupil_parameters(),
    ).to_arrow_table()
    con.unregister("coded")
    # What waits is part of what the list says: one that is sound but for new rows is no copy.
    waiting = pa.table({"held": [keyed_digest(row.content, key=key) for row in listed.held]})
    kind = "whole" if listed.is_whole else "counts"
    digest = content_digest(con, kind, listed.classes, turned, waiting)
    listed = replace(listed, accepted=listed.accepted - erased)
    with transaction(con):
        strike(con, incoming)
        if is_in_force(con, digest, listed.scope):
            entered = enter_copy(con, incoming, listed.delivered, now=now)
        else:
            entered = enter(
                con, listed, pupils=turned, incoming=incoming, key=key, digest=digest, now=now
            )
            resolve_by_list(con, pupils.column("pupil").cast(pa.string()), key=key)
        return tell_erased(con, entered, erased)


def content_digest(con: duckdb.DuckDBPyConnection, kind: str, *tables: pa.Table) -> str:
    """One word for the rows of some tables, in whatever order they stand."""
    words = [kind]
    for table in tables:
        con.register("content", table)
        [(word,)] = con.execute(
            "select sha256(string_agg(line, chr(10) order by line))"
            " from (select to_json(content)::varchar as line from content)"
        ).fetchall()
        con.unregister("content")
        words.append(word or "")
    return hashlib.sha256("|".join(words).encode()).hexdigest()


def is_entered(con: duckdb.DuckDBPyConnection, incoming: Incoming) -> bool:
    """Whether this very file has been loaded as a list before, whatever of it waits."""
    found = con.execute(
        "select 1 from core.delivery where delivery_id = $id and content_digest is not null",
        {"id": incoming.delivery_id},
    ).fetchall()
    return bool(found)


def strike(con: duckdb.DuckDBPyConnection, incoming: Incoming) -> None:
    """Take out the ledger entry of a file that is read again, and its waiting rows.

    What it listed stays: the new reading closes that, as far as it says otherwise.
    """
    named = {"id": incoming.delivery_id}
    con.execute(
        """
        delete from quarantine.row
        where delivery_no in (select delivery_no from core.delivery where delivery_id = $id)
        """,
        named,
    ).fetchall()
    con.execute("delete from core.delivery where delivery_id = $id", named).fetchall()


def is_in_force(con: duckdb.DuckDBPyConnection, digest: str, scope: pa.Table) -> bool:
    """Whether the same rows have come before, and no other list of these schools has come since.

    A register may well go back to what it was: the list is news then.
    """
    con.register("scope", scope)
    [(answer,)] = con.execute(
        """
        with same as (
            select max(delivery_no) as delivery_no from core.delivery where content_digest = $digest
        )
        select delivery_no is not null and not exists (
            select 1 from core.class_list l semi join scope using (school_id, school_year)
            where l.delivery_no > same.delivery_no
        )
        from same
        """,
        {"digest": digest},
    ).fetchall()
    con.unregister("scope")
    return bool(answer)


def require_none_listed(con: duckdb.DuckDBPyConnection, scope: pa.Table) -> None:
    """Raise NO_ROWS where classes of these schools have pupils today: none would have any left."""
    con.register("scope", scope)
    [(classes,)] = con.execute("""
        select count(*) from core.dim_class_group semi join scope using (school_id, school_year)
    """).fetchall()
    con.unregister("scope")
    if classes:
        raise FileProblem(Reason.NO_ROWS)


def take_over(con: duckdb.DuckDBPyConnection, digest: str, incoming: Incoming) -> int:
    """Take over the waiting rows of files that say the same, if they were held by other settings.

    From then on they are that file's no more: it counts them as dropped. Returns how many.
    """
    named = {"digest": digest, "declared": incoming.declared}
    [(rows,)] = con.execute(
        """
        select coalesce(sum(quarantined), 0) from core.delivery
        where content_digest = $digest and declared is distinct from $declared
        """,
        named,
    ).fetchall()
    con.execute(
        """
        delete from quarantine.row where delivery_no in (
            select delivery_no from core.delivery
            where content_digest = $digest and declared is distinct from $declared
        )
        """,
        named,
    ).fetchall()
    con.execute(
        """
        update core.delivery set dropped = dropped + quarantined, quarantined = 0
        where content_digest = $digest and declared is distinct from $declared
        """,
        named,
    ).fetchall()
    return int(rows)


def settled_by_others(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Columns school_id and school_year: where the last list that came was no register's."""
    return con.sql("""
        select school_id, school_year
        from core.class_list l left join core.delivery d using (delivery_no)
        group by all having arg_max(coalesce(d.format, 'oneroster'), l.delivery_no) <> 'oneroster'
    """).to_arrow_table()


def enter_copy(
    con: duckdb.DuckDBPyConnection, incoming: Incoming, delivered: int, *, now: datetime
) -> Loaded:
    """Enter a list that says what is in force already."""
    number = _next_number(con)
    return _write_ledger(con, incoming, number, (delivered, 0, 0), {}, digest=None, now=now)


def enter(
    con: duckdb.DuckDBPyConnection,
    listed: Listed,
    *,
    pupils: pa.Table,
    incoming: Incoming,
    key: PseudonymKey,
    digest: str,
    now: datetime,
) -> Loaded:
    """Put a list in force, hold what it cannot say, and enter it; within a transaction."""
    number = _next_number(con)
    for name, table in (
        ("coming_class", listed.classes),
        ("coming_pupil", pupils),
        ("scope", listed.scope),
        ("not_listed", listed.not_listed),
    ):
        con.register(name, table)
    _put_in_force(con, number, is_whole=listed.is_whole, now=now)
    _count_classes(con, now=now)
    settle_contexts(con)
    for name in ("coming_class", "coming_pupil", "scope", "not_listed"):
        con.unregister(name)
    held = _hold_rows(con, listed.held, number, key=key, now=now)
    counts = (listed.delivered, listed.accepted, held.total())
    reasons = dict(Counter(listed.warned) + held)
    return _write_ledger(con, incoming, number, counts, reasons, digest=digest, now=now)


def _next_number(con: duckdb.DuckDBPyConnection) -> int:
    return int(con.execute("select nextval('core.delivery_no')").fetchall()[0][0])


def _put_in_force(
    con: duckdb.DuckDBPyConnection, number: int, *, is_whole: bool, now: datetime
) -> None:
    """Close the rows in force that the list replaces and open those that are new."""
    con.execute(
        """
        insert into core.class_list
        select $no, school_id, school_year, $now::date from (select distinct * from scope)
        """,
        {"no": number, "now": now},
    ).fetchall()
    replaced = "(school_id, school_year) in (select (school_id, school_year) from scope)"
    if not is_whole:
        named = ("school_id", "school_year", "class_group")
        replaced = f"({', '.join(named)}) in (select ({', '.join(named)}) from coming_class)"
    else:
        # A class that the list names and cannot tell keeps the number that was given by hand.
        con.execute("""
            create or replace temp table by_hand as
            select c.* from core.listed_class c semi join not_listed using (school_id, class_group)
            where c.unlisted_by is null and c.enrolled is not null
        """).fetchall()
        replaced += """
            and (school_id, school_year, class_group) not in (
                select (school_id, school_year, class_group) from by_hand)
        """
        _replace(con, "core.enrolment", "coming_pupil", _ENROLMENT, replaced, number)
    _replace(con, "core.listed_class", "coming_class", _CLASS, replaced, number)
    con.execute("drop table if exists temp.by_hand").fetchall()


def _replace(
    con: duckdb.DuckDBPyConnection,
    table: str,
    coming: str,
    columns: Sequence[str],
    replaced: str,
    number: int,
) -> None:
    same = " and ".join(f"t.{name} is not distinct from c.{name}" for name in columns)
    con.execute(
        f"""
        update {table} t set unlisted_by = $no
        where unlisted_by is null and {replaced}
            and not exists (select 1 from {coming} c where {same})
        """,
        {"no": number},
    ).fetchall()
    con.execute(
        f"""
        insert into {table}
        select {", ".join(columns)}, $no, null from {coming} c
        where not exists (select 1 from {table} t where t.unlisted_by is null and {same})
        """,
        {"no": number},
    ).fetchall()


def _count_classes(con: duckdb.DuckDBPyConnection, *, now: datetime) -> None:
    """The classes of `scope` as they are today, in core.dim_class_group."""
    con.execute("""
        delete from core.dim_class_group
        where (school_id, school_year) in (select (school_id, school_year) from scope)
    """).fetchall()
    con.execute(
        """
        insert into core.dim_class_group by name
        with dated as (
            select *, make_date(left(school_year, 4)::integer, 8, 1) as first_day,
                greatest(first_day, least($now::date, first_day + 364)) as today
            from core.enrolment semi join scope using (school_id, school_year)
            where unlisted_by is null
        ),
        counted as (
            select school_id, school_year, class_group, count(distinct person)::integer as pupils
            from dated
            where coalesce(enrolled_on <= today, true) and coalesce(left_on >= today, true)
            group by all
        )
        select c.school_id, c.class_group, c.school_year, c.grade,
            coalesce(c.enrolled, n.pupils) as enrolled
        from core.listed_class c semi join scope using (school_id, school_year)
            left join counted n using (school_id, school_year, class_group)
        where c.unlisted_by is null and coalesce(c.enrolled, n.pupils) > 0
        """,
        {"now": now},
    ).fetchall()


def _hold_rows(
    con: duckdb.DuckDBPyConnection,
    held: Sequence[HeldRow],
    number: int,
    *,
    key: PseudonymKey,
    now: datetime,
) -> Counter[str]:
    """Quarantine what is held, but for rows that another list brought; counts them by reason."""
    rows = [
        {
            "delivery_no": number,
            "row_no": row.row_no,
            "reason_codes": [reason.value for reason in row.reasons],
            "column_names": list(row.columns),
            "digest": keyed_digest(row.content, key=key),
        }
        for row in held
    ]
    con.register("held_rows", pa.Table.from_pylist(rows, HELD_SCHEMA))
    inserted = con.execute(
        """
        insert into quarantine.row
        with numbered as (
            select *, row_number() over (partition by digest order by row_no) as occurrence
            from held_rows
        )
        select nextval('quarantine.row_id'), delivery_no, row_no, null, reason_codes,
            column_names, digest, occurrence, $now
        from numbered
        where (digest, occurrence) not in (
            select (digest, occurrence) from quarantine.row where survey_id is null
        )
        returning reason_codes[1]
        """,
        {"now": now},
    ).fetchall()
    con.unregister("held_rows")
    return Counter(reason for (reason,) in inserted)


def _write_ledger(
    con: duckdb.DuckDBPyConnection,
    incoming: Incoming,
    number: int,
    counts: tuple[int, int, int],
    reasons: dict[str, int],
    *,
    digest: str | None,
    now: datetime,
) -> Loaded:
    """One entry; of the delivered rows, those neither accepted nor held said nothing new."""
    delivered, accepted, held = counts
    dropped = delivered - accepted - held
    outcome = "loaded" if accepted or not delivered else "quarantined" if held else "duplicate"
    if digest is None:
        outcome = "duplicate"
    con.execute(
        """
        insert into core.delivery by name
        select $id as delivery_id, $no as delivery_no, 'class_list' as kind, $format as format,
            $outcome as outcome, $reason as reason_code, $size as size_bytes,
            $delivered as delivered, $accepted as accepted, $held as quarantined,
            $dropped as dropped, $declared as declared, $digest as content_digest,
            $now as received_at
        """,
        {
            "id": incoming.delivery_id,
            "no": number,
            "format": incoming.format,
            "outcome": outcome,
            "reason": Reason.ALREADY_DELIVERED.value if outcome == "duplicate" else None,
            "size": incoming.size_bytes,
            "delivered": delivered,
            "accepted": accepted,
            "held": held,
            "dropped": dropped,
            "declared": incoming.declared,
            "digest": digest,
            "now": now,
        },
    ).fetchall()
    return Loaded(incoming.delivery_id, outcome, delivered, accepted, held, dropped, reasons)
