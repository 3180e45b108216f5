"""Rows and forms that come again: whether they count, wait, or a person decided against them.

What was given up for its age alone nobody has judged, so it waits anew when it comes again. What a
person decided against stays out, and is told as that: "there already" would say that it counts.
"""

from collections.abc import Iterable

import duckdb

from schemas.reason import Reason
from schemas.survey import Survey
from warehouse.contexts import IDENTITY, SPARE
from warehouse.instruments import answer_table

# Whether a row of quarantine.set_aside, called `form`, was decided on in one of some ways.
_RULED = """
    exists (
        from quarantine.decided d join (
            select delivery_no, delivery_id from core.delivery
            union all
            select delivery_no, delivery_id from arriving
        ) n using (delivery_id)
        where n.delivery_no = form.delivery_no and d.row_no = form.row_no
            and d.decision in ({ways})
    )
"""
# By the clock; or a person took it out: by its row, or with its whole file.
GIVEN_UP = _RULED.format(ways="'expired'")
WITHDRAWN = _RULED.format(ways="'withdrawn'")
WITH_ITS_FILE = _RULED.format(ways="'file_withdrawn'")
TAKEN_OUT = _RULED.format(ways="'withdrawn', 'file_withdrawn'")

# Requests of what was given up and came again since: the row that came again asks in its place.
ASKED_AGAIN = """
    select d.quarantine_id
    from quarantine.decided d join core.delivery n using (delivery_id)
    where d.decision = 'expired' and if(d.digest = 'conflict',
        (n.delivery_no, d.row_no) not in (
            select (delivery_no, row_no) from quarantine.set_aside
        ),
        exists (
            from (
                select quarantine_id, survey_id, digest, occurrence from quarantine.row
                union all
                select quarantine_id, survey_id, digest, occurrence from quarantine.decided
            ) a
            where a.survey_id = d.survey_id and a.digest = d.digest
                and a.occurrence = d.occurrence and a.quarantine_id > d.quarantine_id
        )
    )
"""


def strike_given_up(con: duckdb.DuckDBPyConnection, survey: Survey) -> None:
    """Strike given-up forms that came again (`again` in `verdict`): the new copy waits for them.

    That they were given up stays on record, in quarantine.decided.
    """
    if not con.execute("select 1 from verdict where kind = 'again' limit 1").fetchall():
        return
    answers = (answer_table(key) for key in survey.instruments)
    for table in ("quarantine.set_aside", "core.nomination", *answers):
        con.execute(f"""
            delete from {table}
            where response_id in (select response_id from verdict where kind = 'again')
        """).fetchall()


def count_known(con: duckdb.DuckDBPyConnection) -> Iterable[tuple[int, str, int]]:
    """Rows of this load that were there already: delivery, how they stand now, and how many."""
    return [*_known_forms(con), *_known_rows(con)]


def _known_forms(con: duckdb.DuckDBPyConnection) -> list[tuple[int, str, int]]:
    some = con.execute("""
        select 1 from (
            select response_id from quarantine.response
            union all select response_id from quarantine.set_aside
        ) limit 1
    """).fetchall()
    plain = f"select delivery_no, {_IF_BLANK} '{Reason.DUPLICATE_ROW}') as reason {_FORMS}"
    stands = _FORM_STANDS if some else plain
    found: list[tuple[int, str, int]] = con.execute(
        f"select delivery_no, reason, count(*)::integer from ({stands}) group by all"
    ).fetchall()
    return found


_IF_BLANK = f"if(response_id in (select response_id from blank_form), '{Reason.BLANK_FORM}',"
_FORMS = "from verdict where kind in ('duplicate', 'beside')"
_FORM_STANDS = f"""
    with against as (
        select response_id from quarantine.set_aside form where not {SPARE}
    ),
    waiting as (
        select distinct survey_id, wave_id, {IDENTITY} as identity from quarantine.response
    ),
    known as (
        select response_id, v.delivery_no, kept_id, survey_id, wave_id, {IDENTITY} as identity
        from (select response_id, delivery_no, kept_id {_FORMS}) v
            join (select response_id, wave_id, pupil, submission from arrived) using (response_id)
            join (select delivery_no, survey_id from core.delivery) using (delivery_no)
    )
    select delivery_no, {_IF_BLANK} case
        when kept_id in (from against) then '{Reason.DECIDED_AGAINST}'
        when w.identity is not null then '{Reason.STILL_HELD}'
        else '{Reason.DUPLICATE_ROW}'
    end) as reason
    from known left join waiting w using (survey_id, wave_id, identity)
"""


def _known_rows(con: duckdb.DuckDBPyConnection) -> list[tuple[int, str, int]]:
    if not con.execute("select 1 from held where is_known limit 1").fetchall():
        return []
    found: list[tuple[int, str, int]] = con.execute(f"""
        select delivery_no, reason, count(*)::integer from ({_ROW_STANDS}) group by all
    """).fetchall()
    return found


_ROW_STANDS = f"""
    with known as (
        select delivery_no, row_no, survey_id, digest, occurrence
        from held join core.delivery using (delivery_no) where is_known
    ),
    against as (
        select survey_id, digest, occurrence from quarantine.decided where decision = 'rejected'
    )
    select delivery_no, case
        when (survey_id, digest, occurrence) in (
            select (survey_id, digest, occurrence) from quarantine.row
        ) then '{Reason.STILL_HELD}'
        when (survey_id, digest, occurrence) in (
            select (survey_id, digest, occurrence) from against
        ) or (delivery_no, row_no) in (
            select (delivery_no, row_no) from ruled where decision in ('rejected', 'not_chosen')
        ) then '{Reason.DECIDED_AGAINST}'
        else '{Reason.DUPLICATE_ROW}'
    end as reason
    from known
"""
