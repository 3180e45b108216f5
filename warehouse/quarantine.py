"""What waits in quarantine: places, codes and dates, never a cell, an answer or a pupil."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from schemas.reason import Reason
from schemas.speakable import SpeakableError

# A contradiction is named by a digest of whose it is, so that the name outlives a file that is read
# again, and tells nobody whose it is. A form without any number stands alone.
CONTRADICTION = """
    'C-' || left(sha256(concat_ws('|', survey_id, wave_id,
        coalesce(name, pupil, submission, 'form ' || response_id))), 10)
"""
# Every stored form, with its place: response_id, delivery_no, row_no, state and contradiction_id.
ALL_FORMS = f"""(
    select response_id, delivery_no, row_no, survey_id, wave_id, school_id, pupil, submission,
        state,
        {CONTRADICTION} as contradiction_id
    from (
        select *, 'counts' as state from core.response
        union all
        select *, 'waits' from quarantine.response
        union all
        select *, 'not used' from quarantine.set_aside
    ) left join quarantine.one_form using (survey_id, wave_id, submission, school_id, pupil)
)"""
STORED_FORMS = """(
    from core.response union all from quarantine.response union all from quarantine.set_aside
)"""
MIN_SHORT_ID = 6

State = Literal["counts", "waits", "not used"]


class NothingWaitsError(SpeakableError):
    """Nothing waits in quarantine under what was asked for."""


@dataclass(frozen=True, slots=True)
class WaitingDelivery:
    """A delivery of which something waits. `reasons` counts rows by reason code."""

    delivery_id: str
    survey_id: str | None
    reasons: Mapping[str, int]
    rows: int
    since: datetime
    is_whole_file: bool


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Forms of one pupil in one wave that differ; `since` is when the newest of them came."""

    contradiction_id: str
    survey_id: str
    wave_id: str
    versions: int
    since: datetime


@dataclass(frozen=True, slots=True)
class HeldPlace:
    """Where a row waits, and why."""

    row_no: int
    reasons: Sequence[str]
    columns: Sequence[str]
    since: datetime
    contradiction_id: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """One of the forms of a contradiction: where it stands, when it came, and what it is now.

    And of which school it is said to be.
    """

    response_id: int
    delivery_id: str
    row_no: int
    received_at: datetime
    state: State
    school_id: str


@dataclass(frozen=True, slots=True)
class Ruled:
    """A row that is not used, or was chosen, by a decision, and where what was decided on stands.

    That is the row itself, or the row of an earlier file that it is a copy of.
    """

    row_no: int
    decision: str
    why: str
    decided_at: datetime
    delivery_id: str
    decided_row: int


@dataclass(frozen=True, slots=True)
class Decided:
    """How many rows of a delivery were decided on in which way, and when the last was.

    A decision on a file as a whole is no row.
    """

    rows: Mapping[str, int]
    last: datetime


def last_decided(con: duckdb.DuckDBPyConnection) -> int:
    """The number of the newest event that decided on something that waited; 0 for none."""
    [(event_no,)] = con.execute(
        "select coalesce(max(event_no), 0) from quarantine.decided"
    ).fetchall()
    return int(event_no)


def decided_after(con: duckdb.DuckDBPyConnection, event_no: int) -> dict[str, Decided]:
    """All that was ever decided on deliveries that an event after this one decided on."""
    found = con.execute(
        """
        with counted as (
            select delivery_id, decision, count(*) filter (row_no > 0)::integer as rows,
                max(decided_at) as last, max(event_no) as event_no
            from quarantine.decided group by all
        )
        select delivery_id,
            coalesce(map_from_entries(list((decision, rows) order by decision)
                filter (rows > 0)), map {}),
            max(last)
        from counted group by all having max(event_no) > $event_no
        """,
        {"event_no": event_no},
    ).fetchall()
    return {delivery_id: Decided(rows, last) for delivery_id, rows, last in found}


def contradicted_deliveries(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Deliveries with forms that another one contradicts: a later file may have taken them out."""
    found = con.execute("""
        select distinct delivery_id
        from quarantine.row join core.delivery using (delivery_no)
        where digest = 'conflict' order by delivery_id
    """).fetchall()
    return [delivery_id for (delivery_id,) in found]


def waiting_deliveries(con: duckdb.DuckDBPyConnection) -> list[WaitingDelivery]:
    """Deliveries of which rows wait, and files that wait as a whole; the longest waiting first."""
    found = con.execute("""
        with counted as (
            select delivery_no, map_from_entries(list((reason, rows) order by reason)) as reasons
            from (
                select delivery_no, reason, count(*) as rows
                from (select delivery_no, unnest(reason_codes) as reason from quarantine.row)
                group by all
            ) group by all
        ),
        waiting as (
            select delivery_no, count(*) as rows, min(held_at) as since
            from quarantine.row group by all
        )
        select delivery_id, survey_id, reasons, rows, since, false
        from waiting join counted using (delivery_no) join core.delivery using (delivery_no)
        union all
        select delivery_id, survey_id, map {reason_code: quarantined}, quarantined, received_at,
            true
        from core.delivery where outcome = 'quarantined' and reason_code is not null
        order by since, delivery_id
    """).fetchall()
    return [WaitingDelivery(*entry) for entry in found]


def refused_for_persons(con: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """Deliveries that were refused for personal data, and when; the oldest first."""
    found = con.execute(
        """
        select delivery_id, received_at from core.delivery
        where outcome = 'rejected' and reason_code = $reason order by received_at, delivery_id
        """,
        {"reason": Reason.PERSONAL_DATA.value},
    ).fetchall()
    return dict(found)


def waiting_contradictions(con: duckdb.DuckDBPyConnection) -> list[Contradiction]:
    """Every contradiction that a person has to decide on, the longest waiting first."""
    found = con.execute(f"""
        select contradiction_id, survey_id, wave_id, count(*), max(held_at) as since
        from {ALL_FORMS} f join (
            select delivery_no, row_no, digest, held_at from quarantine.row
        ) q using (delivery_no, row_no)
        where state = 'waits' and q.digest = 'conflict'
        group by all order by since, contradiction_id
    """).fetchall()
    return [Contradiction(*entry) for entry in found]


def delivery_named(con: duckdb.DuckDBPyConnection, short_id: str) -> str:
    """The delivery that a person means by the beginning of its id."""
    wanted = short_id.lower()
    found = []
    if len(wanted) >= MIN_SHORT_ID:
        found = con.execute(
            "select delivery_id from core.delivery where starts_with(delivery_id, $id) limit 2",
            {"id": wanted},
        ).fetchall()
    if len(found) != 1:
        raise NothingWaitsError(
            "no delivery, or more than one, begins with that id:"
            " `klassepuls quarantine list` shows what waits"
        )
    return str(found[0][0])


def held_places(con: duckdb.DuckDBPyConnection, delivery_id: str) -> list[HeldPlace]:
    """The waiting rows of one delivery."""
    found = con.execute(
        f"""
        select row_no, reason_codes, column_names, held_at,
            case when q.digest = 'conflict' then contradiction_id end
        from quarantine.row q join core.delivery using (delivery_no)
            left join (
                select delivery_no, row_no, contradiction_id from {ALL_FORMS} where state = 'waits'
            ) using (delivery_no, row_no)
        where delivery_id = $id order by row_no
        """,
        {"id": delivery_id},
    ).fetchall()
    return [HeldPlace(*entry) for entry in found]


def ruled_rows(con: duckdb.DuckDBPyConnection, delivery_id: str) -> list[Ruled]:
    """The rows of one delivery that somebody has decided on, or decided on in an earlier file."""
    rows = con.execute(
        """
        with own as (
            select row_no, quarantine_id from quarantine.decided
            where delivery_id = $id and row_no > 0
        ),
        here as (
            from own
            union
            select f.row_no, f.quarantine_id
            from quarantine.fell_under f join core.delivery using (delivery_no)
            where delivery_id = $id and f.row_no not in (select row_no from own)
        )
        select here.row_no, decision, why, decided_at, delivery_id, d.row_no
        from here join quarantine.decided d using (quarantine_id) order by all
        """,
        {"id": delivery_id},
    ).fetchall()
    return [Ruled(*row) for row in rows]


def versions_of(con: duckdb.DuckDBPyConnection, contradiction_id: str) -> list[Version]:
    """All forms of one contradiction, in the order in which they came."""
    found = con.execute(
        f"""
        select response_id, delivery_id, row_no, received_at, state, school_id
        from {ALL_FORMS} join core.delivery using (delivery_no)
        where upper(contradiction_id) = upper($id)
        order by received_at, delivery_no, row_no
        """,
        {"id": contradiction_id},
    ).fetchall()
    # One form contradicts nobody, unless it waits because nobody can tell whose it is.
    if not found or (len(found) == 1 and found[0][-1] == "counts"):
        raise NothingWaitsError(
            "there is no such contradiction: `klassepuls quarantine list` shows what waits"
        )
    return [Version(*entry) for entry in found]


def given_up_files(con: duckdb.DuckDBPyConnection, *, before: datetime) -> list[str]:
    """Deliveries of which nothing counts or waits, with the last decision before a moment."""
    found = con.execute(
        """
        select delivery_id from core.delivery d
        where outcome in ('quarantined', 'rejected') and accepted = 0 and quarantined = 0
            and $before >= (
                select max(decided_at) from quarantine.decided c
                where c.delivery_id = d.delivery_id
            )
        order by delivery_no
        """,
        {"before": before},
    ).fetchall()
    return [delivery_id for (delivery_id,) in found]


def deliveries_waiting_for(
    con: duckdb.DuckDBPyConnection, survey_id: str, column: str, *, declared: str
) -> list[str]:
    """Deliveries of a survey with a row that waits, or does without a cell, for this column.

    And those with a row that was struck off as mended without a cell of this column being read.
    Left out are those that have been read under the settings whose digest is `declared`.
    """
    found = con.execute(
        """
        with unread as (
            select delivery_no, unnest(column_names) as column_name from quarantine.row
            union
            select delivery_no, column_name from core.left_blank
            union
            select delivery_no, unnest(column_names)
            from quarantine.decided join (select delivery_no, delivery_id from core.delivery)
                using (delivery_id)
            where decision = 'mended'
        )
        select distinct delivery_id
        from unread join core.delivery using (delivery_no)
        where survey_id = $survey and column_name = $column
            and declared is distinct from $declared
        order by delivery_id
        """,
        {"survey": survey_id, "column": column, "declared": declared},
    ).fetchall()
    return [delivery_id for (delivery_id,) in found]


def deliveries_of_class(
    con: duckdb.DuckDBPyConnection, survey_id: str, class_group: str, *, declared: str
) -> list[str]:
    """Deliveries of a survey with a form of this class, and those with a copy of such a form.

    Left out are those that have been read under the settings whose digest is `declared`.
    """
    found = con.execute(
        f"""
        with form as (
            select delivery_no, survey_id, wave_id, school_id, pupil
            from {STORED_FORMS} where survey_id = $survey and class_group = $class
        ),
        has_one as (
            select delivery_no from form
            union
            select n.delivery_no from core.form_number n
            semi join form using (survey_id, wave_id, school_id, pupil)
        )
        select delivery_id from has_one join core.delivery using (delivery_no)
        where declared is distinct from $declared
        order by delivery_id
        """,
        {"survey": survey_id, "class": class_group, "declared": declared},
    ).fetchall()
    return [delivery_id for (delivery_id,) in found]


def deliveries_read_since(
    con: duckdb.DuckDBPyConnection, survey_id: str, moment: datetime
) -> list[str]:
    """Deliveries of a survey that have been read since a moment."""
    found = con.execute(
        """
        select delivery_id from core.delivery
        where survey_id = $survey and coalesce(filed_at, $moment) >= $moment
        order by delivery_id
        """,
        {"survey": survey_id, "moment": moment},
    ).fetchall()
    return [delivery_id for (delivery_id,) in found]
