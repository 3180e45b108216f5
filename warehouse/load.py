"""Loads deliveries: their rows and their ledger entries in one transaction, or nothing.

The promise kept here: accepted + quarantined + dropped = delivered, for every file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from schemas.instrument import Instrument
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.gate import Person
from transforms.held import HeldRow
from transforms.pseudonym import PseudonymKey, keyed_digest, pseudonym, pseudonym_sql
from transforms.stops import FilesStopped, Strangers
from transforms.validate import Validated
from warehouse.doubles import complete_dates, decide
from warehouse.failpoint import reach
from warehouse.instruments import answer_table
from warehouse.mended import settle_mended
from warehouse.rulings import reopen
from warehouse.store import transaction
from warehouse.unload import leave_out_ruled, unload
from warehouse.vault import remember_codes

HELD_SCHEMA = pa.schema(
    {
        "delivery_no": pa.int32(),
        "row_no": pa.int32(),
        "reason_codes": pa.list_(pa.string()),
        "column_names": pa.list_(pa.string()),
        "digest": pa.string(),
        "pupil": pa.string(),
        "wave_id": pa.string(),
        "sound": pa.string(),
    }
)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One file on its way in. `delivery_id` is the SHA-256 of its bytes.

    `declared` is a digest of the settings that its rows are held against.
    """

    delivery_id: str
    format: str
    size_bytes: int
    declared: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one file's rows. `reasons` counts rows by reason code."""

    delivery_id: str
    outcome: str
    delivered: int
    accepted: int
    quarantined: int
    dropped: int
    reasons: Mapping[str, int]


def load_answers(
    con: duckdb.DuckDBPyConnection,
    blocks: Iterable[Validated],
    *,
    incoming: Sequence[Incoming],
    survey: Survey,
    instruments: Mapping[str, Instrument],
    key: PseudonymKey,
    now: datetime,
) -> list[Loaded]:
    """Load the blocks of one survey's files; `file_no` in a block is the place in `incoming`.

    Raises FilesStopped, and stores nothing, where any of the files must not be stored.

    A content that the ledger knows already is loaded anew in its own place.
    """
    accepted, held, delivered = _gather(blocks, len(incoming))
    if survey.linkage == "pseudonymous":
        # Committed before the rows are: a code without rows harms nobody, and a flag whose pupil
        # nobody can find would.
        remember_codes(con, accepted.select(["pupil_code", "school_id"]))
    reach("after-vault")
    with transaction(con):
        first_no = _reserve(con, "core.delivery_no", len(incoming))
        unload(con, [file.delivery_id for file in incoming], survey, first_no=first_no)
        accepted = leave_out_ruled(con, accepted, first_no=first_no)
        _arrive(con, accepted, survey, key=key, first_no=first_no)
        decide(con, survey=survey, instruments=instruments)
        _insert_forms(con, survey, instruments)
        complete_dates(con)
        _hold_rows(con, held, survey, key=key, first_no=first_no, now=now)
        _withdraw_contradicted(con, survey, now=now)
        _write_ledger(con, incoming, delivered, survey, first_no=first_no, now=now)
        settle_mended(con, survey, instruments, key=key, now=now, first_no=first_no)
        loaded = _read_ledger(con, first_no)
        reach("before-load-commit")
    con.unregister("arrived")
    return loaded


def _gather(
    blocks: Iterable[Validated], files: int
) -> tuple[pa.Table, list[HeldRow], "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    """All accepted rows (a byte an answer: they fit), all held rows, and rows a file."""
    accepted: list[pa.Table] = []
    held: list[HeldRow] = []
    persons: list[Person] = []
    strangers: dict[int, Strangers] = {}
    delivered = np.zeros(files, np.int64)
    for block in blocks:
        persons += block.persons
        strangers |= block.strangers
        accepted.append(block.accepted)
        held += block.held
        delivered += np.bincount(block.accepted.column("file_no").to_numpy(), minlength=files)
        delivered += np.bincount([row.file_no for row in block.held], minlength=files)
    if persons or strangers:
        raise FilesStopped(persons, strangers)
    return pa.concat_tables(accepted), held, delivered


def _reserve(con: duckdb.DuckDBPyConnection, sequence: str, count: int) -> int:
    """The first of `count` numbers in a row; there is one writer, so nobody comes between."""
    reserved = con.execute(
        f"select min(nextval('{sequence}')) from range($count)", {"count": max(count, 1)}
    ).fetchall()
    return int(reserved[0][0])


def _arrive(
    con: duckdb.DuckDBPyConnection,
    accepted: pa.Table,
    survey: Survey,
    *,
    key: PseudonymKey,
    first_no: int,
) -> None:
    """Register the rows as `arrived`, with their ids, and with pseudonyms in the codes' place."""
    first_id = _reserve(con, "core.response_id", accepted.num_rows)
    con.register("coded", accepted)
    turned = con.sql(
        f"""
        select {pseudonym_sql("pupil_code", key=key, domain="pupil")} as pupil,
            {pseudonym_sql("submission", key=key, domain=f"submission|{survey.id}")} as submission,
            ($first_no + file_no)::integer as delivery_no
        from coded
        """,
        params={**key.parameters(), "first_no": first_no},
    ).to_arrow_table()
    con.unregister("coded")
    arrived = accepted.drop_columns(["pupil_code", "submission", "file_no"]).append_column(
        "response_id", pa.array(np.arange(first_id, first_id + accepted.num_rows))
    )
    for name in turned.column_names:
        arrived = arrived.append_column(name, turned.column(name))
    con.register("arrived", arrived)


def _insert_forms(
    con: duckdb.DuckDBPyConnection, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    """New forms into the answers, contradicted ones into quarantine, copies nowhere."""
    for table, wanted in (
        ("core.response", "response_id not in (from verdict select response_id)"),
        (
            "quarantine.response",
            "response_id in (from verdict select response_id where kind = 'conflict')",
        ),
    ):
        con.execute(
            f"""
            insert into {table}
            select response_id, delivery_no, row_no, $survey, wave_id, school_id, class_group,
                grade, gender, pupil, submission, submitted_on, enrolled_on
            from arrived where {wanted}
            """,
            {"survey": survey.id},
        ).fetchall()
    for key in survey.instruments:
        items = ", ".join(f'"{key}.{item.id}"' for item in instruments[key].items)
        con.execute(f"""
            insert into {answer_table(key)} select response_id, {items} from arrived
            where response_id not in (from verdict select response_id where kind = 'duplicate')
        """).fetchall()


def _hold_rows(
    con: duckdb.DuckDBPyConnection,
    held: Sequence[HeldRow],
    survey: Survey,
    *,
    key: PseudonymKey,
    first_no: int,
    now: datetime,
) -> None:
    """Quarantine what is held, but for rows that another delivery brought into quarantine.

    Equal rows of one file are numbered: two pupils without a code may well answer the same.
    """
    rows = [
        {
            "delivery_no": first_no + row.file_no,
            "row_no": row.row_no,
            "reason_codes": [reason.value for reason in row.reasons],
            "column_names": list(row.columns),
            "digest": keyed_digest(row.content, key=key),
            **_trace_of(row, survey, key),
        }
        for row in held
    ]
    con.register("block", pa.Table.from_pylist(rows, HELD_SCHEMA))
    con.execute(
        """
        create or replace temp table held as
        with numbered as (
            select *,
                row_number() over (partition by delivery_no, digest order by row_no) as occurrence
            from block
        )
        select *, (digest, occurrence) in (
                select (digest, occurrence) from quarantine.row where survey_id = $survey
                union all
                select (digest, occurrence) from quarantine.decided where survey_id = $survey
            ) or (delivery_no, row_no) in (select (delivery_no, row_no) from ruled)
            or delivery_no > min(delivery_no) over (partition by digest, occurrence) as is_known
        from numbered
        """,
        {"survey": survey.id},
    ).fetchall()
    con.unregister("block")
    con.execute(
        """
        insert into quarantine.row
        select nextval('quarantine.row_id'), delivery_no, row_no, $survey, reason_codes,
            column_names, digest, occurrence, coalesce(held_at, $now)
        from held left join since using (delivery_no, row_no) where not is_known
        """,
        {"survey": survey.id, "now": now},
    ).fetchall()
    con.execute("""
        insert into quarantine.trace
        select q.quarantine_id, h.pupil, h.wave_id, h.sound
        from held h join quarantine.row q using (delivery_no, row_no)
        where not is_known and h.pupil is not null and h.wave_id is not null
    """).fetchall()


def _trace_of(row: HeldRow, survey: Survey, key: PseudonymKey) -> dict[str, str | None]:
    """Whose the row is, and what is sound in it, for the day when it comes again mended."""
    if row.pupil_code is None or row.wave_id is None or survey.linkage == "none":
        return {}
    return {
        "pupil": pseudonym(row.pupil_code, key=key, domain="pupil"),
        "wave_id": row.wave_id,
        "sound": keyed_digest(row.sound.encode(), key=key),
    }


def _withdraw_contradicted(
    con: duckdb.DuckDBPyConnection, survey: Survey, *, now: datetime
) -> None:
    """Take stored forms that a new one contradicts out of the answers, and list every version."""
    con.execute(
        """
        insert into quarantine.row
        select nextval('quarantine.row_id'), v.delivery_no, r.row_no, $survey, [$reason], [],
            'conflict', 1, coalesce(held_at, $now)
        from verdict v join (
            select response_id, row_no from core.response
            union all
            select response_id, row_no from arrived
        ) r using (response_id) left join since using (delivery_no, row_no)
        where kind <> 'duplicate'
        """,
        {"survey": survey.id, "reason": Reason.CONFLICTING_ANSWERS.value, "now": now},
    ).fetchall()
    con.execute("""
        update core.delivery d
        set accepted = accepted - m.forms, quarantined = quarantined + m.forms
        from (
            select delivery_no, count(*) as forms from verdict where kind = 'moved' group by all
        ) m
        where d.delivery_no = m.delivery_no
    """).fetchall()
    if con.execute("select 1 from verdict where kind = 'moved' limit 1").fetchall():
        reopen(con)
        ids = "response_id in (from verdict select response_id where kind = 'moved')"
        con.execute(f"insert into quarantine.response from core.response where {ids}").fetchall()
        con.execute(f"delete from core.response where {ids}").fetchall()


def _write_ledger(
    con: duckdb.DuckDBPyConnection,
    incoming: Sequence[Incoming],
    delivered: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    survey: Survey,
    *,
    first_no: int,
    now: datetime,
) -> None:
    """One entry a file; the table's check holds the counts together."""
    files = pa.table(
        {
            "delivery_no": pa.array(range(first_no, first_no + len(incoming)), pa.int32()),
            "delivery_id": [file.delivery_id for file in incoming],
            "format": [file.format for file in incoming],
            "size_bytes": [file.size_bytes for file in incoming],
            "declared": [file.declared for file in incoming],
            "delivered": delivered,
        }
    )
    con.register("files", files)
    con.execute(
        """
        insert into core.delivery by name
        with fate as (
            select delivery_no, 'accepted' as fate
            from core.response where delivery_no >= $first_no
            union all
            select delivery_no, case kind when 'duplicate' then 'dropped' else 'held' end
            from verdict where delivery_no >= $first_no
            union all
            select delivery_no, case when is_known then 'dropped' else 'held' end from held
            union all
            select delivery_no, 'dropped' from left_out where decision <> 'released'
        ),
        counted as (
            select delivery_no,
                count(*) filter (fate = 'accepted') as accepted,
                count(*) filter (fate = 'held') as quarantined,
                count(*) filter (fate = 'dropped') as dropped
            from fate group by delivery_no
        )
        select files.*, 'answers' as kind, $survey as survey_id, accepted, quarantined, dropped,
            case
                when accepted > 0 then 'loaded'
                when quarantined > 0 then 'quarantined'
                else 'duplicate'
            end as outcome,
            case when outcome = 'duplicate' then $already end as reason_code,
            case when outcome <> 'duplicate' then digest end as content_digest,
            coalesce(received_at, $now) as received_at
        from files join counted using (delivery_no) left join file_digest using (delivery_no)
            join (select delivery_no, received_at from arriving) using (delivery_no)
        """,
        {
            "first_no": first_no,
            "survey": survey.id,
            "already": Reason.ALREADY_DELIVERED.value,
            "now": now,
        },
    ).fetchall()
    con.unregister("files")


def _read_ledger(con: duckdb.DuckDBPyConnection, first_no: int) -> list[Loaded]:
    """What became of the files that have just been entered."""
    reasons = _count_reasons(con)
    ledger = con.execute(
        """
        select delivery_no, delivery_id, outcome, delivered, accepted, quarantined, dropped
        from core.delivery where delivery_no >= $first_no order by delivery_no
        """,
        {"first_no": first_no},
    ).fetchall()
    return [
        Loaded(*entry, reasons=reasons.get(number, {}))  # type: ignore[misc]
        for number, *entry in ledger
    ]


def _count_reasons(con: duckdb.DuckDBPyConnection) -> dict[int, dict[str, int]]:
    """For each new delivery, how many rows have each reason code."""
    counted = con.execute(
        """
        select delivery_no, reason, count(*)::integer
        from (
            select delivery_no, unnest(reason_codes) as reason from held where not is_known
            union all
            select delivery_no, $duplicate from held where is_known
            union all
            select delivery_no, case kind when 'conflict' then $conflict else $duplicate end
            from verdict where kind <> 'moved'
        )
        group by all order by all
        """,
        {
            "duplicate": Reason.DUPLICATE_ROW.value,
            "conflict": Reason.CONFLICTING_ANSWERS.value,
        },
    ).fetchall()
    reasons: dict[int, dict[str, int]] = {}
    for delivery_no, reason, rows in counted:
        reasons.setdefault(delivery_no, {})[reason] = rows
    return reasons
