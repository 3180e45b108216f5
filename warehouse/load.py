"""Loads deliveries: their rows and their ledger entries in one transaction, or nothing.

The promise kept here: accepted + quarantined + dropped = delivered, for every file.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from schemas.instrument import Instrument
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.choices import take_choices
from transforms.gate import Person
from transforms.held import HeldRow
from transforms.left_blank import LeftBlank
from transforms.pseudonym import (
    PseudonymKey,
    keyed_digest,
    pseudonym_sql,
    pupil_pseudonym,
    pupil_sql,
)
from transforms.stops import FilesStopped, Strangers
from transforms.validate import Validated
from warehouse.alikeness import measure_files
from warehouse.blank_forms import find_blank_forms
from warehouse.choice_zeros import resolve_choices
from warehouse.come_again import strike_given_up
from warehouse.contexts import settle_contexts
from warehouse.doubles import complete_kept, decide
from warehouse.entries import Incoming, Loaded, read_ledger, write_ledger
from warehouse.erased import (
    Gathered,
    count_erased,
    note_erased,
    without_erased_choices,
    without_erased_rows,
)
from warehouse.failpoint import reach
from warehouse.form_numbers import find_changed_forms, note_numbers
from warehouse.gone import find_gone
from warehouse.held_places import note_places
from warehouse.instruments import answer_table
from warehouse.left_blank import write_left_blank
from warehouse.lost_zeros import find_lost_zeros, judge_lost_zeros, settle_lost_zeros
from warehouse.mended import settle_mended
from warehouse.nominations import choices_arrive, count_choices, insert_choices
from warehouse.requests import Listening, find_requests
from warehouse.rulings import reopen
from warehouse.store import transaction
from warehouse.unload import leave_out_ruled, unload
from warehouse.vault import remember_codes
from warehouse.why_waiting import tell_why
from warehouse.years import year_sql, years_of_waves

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


def load_answers(
    con: duckdb.DuckDBPyConnection,
    blocks: Iterable[Validated],
    *,
    incoming: Sequence[Incoming],
    survey: Survey,
    listening: Listening,
    key: PseudonymKey,
    now: datetime,
) -> list[Loaded]:
    """Load the blocks of one survey's files; `file_no` in a block is the place in `incoming`.

    Raises FilesStopped, and stores nothing, where any of the files must not be stored.

    A content that the ledger knows already is loaded anew in its own place. The rules that listen
    say which of the forms that must wait ask for help.
    """
    came = without_erased_rows(con, _gather(blocks, len(incoming)), key=key)
    if survey.linkage == "pseudonymous":
        # Committed before the rows are: a code without rows harms nobody, and a flag whose pupil
        # nobody can find would.
        remember_codes(con, came[0].accepted.select(["pupil_code", "school_id"]))
    reach("after-vault")
    with transaction(con):
        loaded = _load(con, came, incoming, survey, listening, key=key, now=now)
        reach("before-load-commit")
    con.unregister("arrived")
    return loaded


class _TakenBackError(Exception):
    """Nothing of the transaction is to stay."""


def judge_copies(
    con: duckdb.DuckDBPyConnection,
    blocks: Iterable[Validated],
    *,
    incoming: Sequence[Incoming],
    survey: Survey,
    listening: Listening,
    key: PseudonymKey,
    now: datetime,
) -> list[Loaded]:
    """What would become of contents that are known already under another name; stores nothing."""
    came = without_erased_rows(con, _gather(blocks, len(incoming)), key=key)
    loaded: list[Loaded] = []
    with suppress(_TakenBackError), transaction(con):
        loaded = _load(con, came, incoming, survey, listening, key=key, now=now)
        raise _TakenBackError
    con.unregister("arrived")
    return loaded


def _load(
    con: duckdb.DuckDBPyConnection,
    came: tuple[Gathered, pa.Table],
    incoming: Sequence[Incoming],
    survey: Survey,
    listening: Listening,
    *,
    key: PseudonymKey,
    now: datetime,
) -> list[Loaded]:
    """All that a load writes; part of the transaction of whoever calls.

    `came`: what is taken, and the places of rows of erased pupils.
    """
    arrived, erased = came
    instruments, accepted = listening.instruments, arrived.accepted
    first_no = _reserve(con, "core.delivery_no", len(incoming))
    measure_files(con, accepted, first_no=first_no)
    unload(con, [file.delivery_id for file in incoming], survey, first_no=first_no)
    accepted, choices = take_choices(leave_out_ruled(con, accepted, first_no=first_no), survey)
    note_erased(con, erased, first_no=first_no)
    choices, blanked = without_erased_choices(con, choices, accepted, key=key)
    first_id = _arrive(con, accepted, survey, key=key, first_no=first_no)
    codes = accepted.select(["pupil_code"])
    choices_arrive(con, choices, codes, key=key, first_id=first_id)
    find_blank_forms(con, survey, instruments, key=key, now=now)
    find_lost_zeros(con, codes, survey, key=key, first_id=first_id, now=now)
    decide(con, survey=survey, instruments=instruments)
    judge_lost_zeros(con, survey)
    if survey.linkage == "pseudonymous":
        note_numbers(con, survey, instruments)
        find_changed_forms(con, survey, first_no=first_no)
    strike_given_up(con, survey)
    _insert_forms(con, survey, instruments)
    complete_kept(con)
    insert_choices(con)
    _hold_rows(con, arrived.held, survey, key=key, first_no=first_no, now=now)
    note_places(con, arrived.readable, first_no=first_no)
    _withdraw_contradicted(con, survey, now=now)
    resolve_choices(con)
    count_choices(con, survey)
    settle_lost_zeros(con, survey, instruments, key=key, now=now)
    find_gone(con, survey)
    write_ledger(con, incoming, arrived.delivered, survey, first_no=first_no, now=now)
    moved = settle_contexts(con)
    count_erased(con, erased, blanked, first_no=first_no)
    write_left_blank(con, arrived.left_blank, first_no=first_no)
    settle_mended(con, survey, instruments, key=key, now=now, first_no=first_no)
    find_requests(con, arrived.readable, survey, listening, key=key, first_no=first_no, now=now)
    return read_ledger(con, first_no, moved)


def _gather(blocks: Iterable[Validated], files: int) -> Gathered:
    accepted: list[pa.Table] = []
    readable: list[pa.Table] = []
    left_blank: list[LeftBlank] = []
    held: list[HeldRow] = []
    persons: list[Person] = []
    strangers: dict[int, Strangers] = {}
    named: set[int] = set()
    delivered = np.zeros(files, np.int64)
    for block in blocks:
        persons += block.persons
        strangers |= block.strangers
        named |= set(block.named)
        accepted.append(block.accepted)
        readable.append(block.readable)
        left_blank += block.left_blank
        held += block.held
        delivered += np.bincount(block.accepted.column("file_no").to_numpy(), minlength=files)
        delivered += np.bincount([row.file_no for row in block.held], minlength=files)
    if persons or strangers or named:
        raise FilesStopped(persons, strangers, named)
    whole, unread = pa.concat_tables(accepted), pa.concat_tables(readable)
    return Gathered(whole, held, delivered, unread, left_blank)


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
) -> int:
    """Register the rows as `arrived`, with their ids, and with pseudonyms in the codes' place.

    Returns the first of the ids; they run in the order of the rows.
    """
    first_id = _reserve(con, "core.response_id", accepted.num_rows)
    con.register("coded", accepted)
    turned = con.sql(
        f"""
        select {pupil_sql("pupil_code", key=key, year=year_sql(con, "wave_id", key))} as pupil,
            {pseudonym_sql("submission", key=key, domain=f"submission|{survey.id}")} as submission,
            ($first_no + file_no)::integer as delivery_no
        from coded
        """,
        params={**key.parameters(), **key.pupil_parameters(), "first_no": first_no},
    ).to_arrow_table()
    con.unregister("coded")
    arrived = accepted.drop_columns(["pupil_code", "submission", "file_no"]).append_column(
        "response_id", pa.array(np.arange(first_id, first_id + accepted.num_rows))
    )
    for name in turned.column_names:
        arrived = arrived.append_column(name, turned.column(name))
    con.register("arrived", arrived)
    return first_id


def _insert_forms(
    con: duckdb.DuckDBPyConnection, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    """New forms into the answers, contradicted ones into quarantine, equal copies nowhere."""
    con.execute("""
        create or replace temp view waits as
        select response_id from verdict where kind in ('conflict', 'question')
    """).fetchall()
    for table, wanted in (
        ("core.response", "response_id not in (from verdict select response_id)"),
        (
            "quarantine.response",
            "response_id in (from waits)",
        ),
        (
            "quarantine.set_aside",
            "response_id in (from verdict select response_id where kind = 'beside')",
        ),
    ):
        con.execute(
            f"""
            insert into {table}
            select response_id, delivery_no, row_no, $survey, wave_id, school_id, class_group,
                grade, gender, pupil, submission, submitted_on, enrolled_on, answer_time_ms,
                had_text
            from arrived where {wanted}
            """,
            {"survey": survey.id},
        ).fetchall()
    for key in survey.instruments:
        answers = ", ".join(f'"{key}.{name}"' for name in instruments[key].columns)
        con.execute(f"""
            insert into {answer_table(key)} select response_id, {answers} from arrived
            where response_id not in (from verdict select response_id where kind = 'duplicate')
        """).fetchall()


_NUMBER_HELD = """
    create or replace temp table held as
    with numbered as (
        select *,
            row_number() over (partition by delivery_no, digest order by row_no) as occurrence
        from block
    )
    select *, (digest, occurrence) in (
            select (digest, occurrence) from quarantine.row where survey_id = $survey
            union all
            select (digest, occurrence) from quarantine.decided
            where survey_id = $survey and decision = 'rejected'
        ) or (delivery_no, row_no) in (select (delivery_no, row_no) from ruled)
        or delivery_no > min(delivery_no) over (partition by digest, occurrence) as is_known
    from numbered
"""


_QUARANTINE = """
    insert into quarantine.row
    select nextval('quarantine.row_id'), delivery_no, row_no, $survey, reason_codes,
        column_names, digest, occurrence, coalesce(held_at, $now)
    from held left join since using (delivery_no, row_no) where not is_known
"""


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

    Equal rows of one file are numbered: two pupils without a code may well answer the same. One
    that came mended, or waited too long, and is delivered again as it was waits again: no person
    has judged it.
    """
    years = years_of_waves(con)
    rows = [
        {
            "delivery_no": first_no + row.file_no,
            "row_no": row.row_no,
            "reason_codes": [reason.value for reason in row.reasons],
            "column_names": list(row.columns),
            "digest": keyed_digest(row.content, key=key),
            **_trace_of(row, survey, key, years),
        }
        for row in held
    ]
    con.register("block", pa.Table.from_pylist(rows, HELD_SCHEMA))
    con.execute(
        _NUMBER_HELD,
        {"survey": survey.id},
    ).fetchall()
    con.unregister("block")
    con.execute(
        _QUARANTINE,
        {"survey": survey.id, "now": now},
    ).fetchall()
    con.execute("""
        insert into quarantine.trace
        select q.quarantine_id, h.pupil, h.wave_id, h.sound
        from held h join quarantine.row q using (delivery_no, row_no)
        where not is_known and h.pupil is not null and h.wave_id is not null
    """).fetchall()


def _trace_of(
    row: HeldRow, survey: Survey, key: PseudonymKey, years: Mapping[str, str]
) -> dict[str, str | None]:
    """Whose the row is, and what is sound in it, for the day when it comes again mended."""
    if row.pupil_code is None or row.wave_id is None or survey.linkage == "none":
        return {}
    return {
        "pupil": pupil_pseudonym(row.pupil_code, key=key, year=years[row.wave_id]),
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
        select nextval('quarantine.row_id'), v.delivery_no, r.row_no, $survey,
            [case
                when response_id in (from lost_zeros) then $zeros
                when kind = 'question' then $may_be
                else $contradicts
            end], [], 'conflict', 1, coalesce(held_at, $now)
        from verdict v join (
            select response_id, row_no from core.response
            union all
            select response_id, row_no from arrived
        ) r using (response_id) left join since using (delivery_no, row_no)
        where kind in ('conflict', 'moved', 'question')
        """,
        {
            "survey": survey.id,
            "contradicts": Reason.CONFLICTING_ANSWERS.value,
            "may_be": Reason.MAY_BE_CORRECTED.value,
            "zeros": Reason.CODE_WITHOUT_ZEROS.value,
            "now": now,
        },
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
    # What two files prove of their numbers may say more of forms that have long waited.
    told_more = "select 1 from verdict where kind = 'conflict' union all select 1"
    if con.execute(f"{told_more} from quarantine.one_form limit 1").fetchall():
        tell_why(con, survey)
