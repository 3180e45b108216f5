"""Rows and forms that come again: whether they count, wait, or a person decided against them.

What was given up for its age alone nobody has judged, so it waits anew when it comes again. What a
person decided against stays out, and is told as that: "there already" would say that it counts.
"""

from collections.abc import Iterable

import duckdb

from schemas.decision import Why
from schemas.reason import Reason
from schemas.survey import Survey
from warehouse.contexts import IDENTITY
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
            and d.decision in ({ways}) {why}
    )
"""
# By the clock; or a person took it out: by its row, or with its whole file.
GIVEN_UP = _RULED.format(ways="'expired'", why="")
WITHDRAWN = _RULED.format(ways="'withdrawn'", why="")
WITH_ITS_FILE = _RULED.format(ways="'file_withdrawn'", why="")
TAKEN_OUT = _RULED.format(ways="'withdrawn', 'file_withdrawn'", why="")
# By a person, for the code is not one pupil's alone.
SHARED_CODE = _RULED.format(ways="'rejected'", why=f"and d.why = '{Why.SHARED_CODE}'")

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


def is_anything_out(con: duckdb.DuckDBPyConnection, survey_id: str) -> bool:
    """Whether anything of a survey waits, or was decided on: a copy's rows may stand as that."""
    found = con.execute(
        """
        select 1 from quarantine.row where survey_id = $survey
        union all
        select 1 from quarantine.decided where survey_id = $survey limit 1
        """,
        {"survey": survey_id},
    ).fetchall()
    return bool(found)


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
    """Rows of this load that were there already: delivery, how they stand now, and how many.

    Fills the temporary table `stands`, a row each, and notes which decision a row fell under.
    """
    con.execute("""
        create or replace temp table stands
            (delivery_no integer, row_no integer, reason varchar, quarantine_id bigint)
    """).fetchall()
    some = con.execute("""
        select 1 from (
            select response_id from quarantine.response
            union all select response_id from quarantine.set_aside
        ) limit 1
    """).fetchall()
    con.execute(f"insert into stands {_FORM_STANDS if some else _FORM_IS_THERE}").fetchall()
    if con.execute("select 1 from held where is_known limit 1").fetchall():
        con.execute(f"insert into stands {_ROW_STANDS}").fetchall()
    con.execute("""
        insert into quarantine.fell_under
        select delivery_no, row_no, quarantine_id from stands where quarantine_id is not null
    """).fetchall()
    found: list[tuple[int, str, int]] = con.execute(
        "select delivery_no, reason, count(*)::integer from stands group by all"
    ).fetchall()
    return found


def now_contradicted(con: duckdb.DuckDBPyConnection) -> dict[int, list[int]]:
    """Rows of each delivery that are like a form that waits because of a row of this load."""
    found = con.execute(
        "select delivery_no, list(row_no order by row_no) from stands"
        f" where reason = '{Reason.NOW_CONTRADICTED}' group by all"
    ).fetchall()
    return dict(found)


_IF_BLANK = f"if(response_id in (select response_id from blank_form), '{Reason.BLANK_FORM}',"
_FORMS = """
    from (select response_id, delivery_no, kept_id from verdict
        where kind in ('duplicate', 'beside'))
        join (select response_id, row_no, wave_id, pupil, submission from arrived)
            using (response_id)
"""
_FORM_IS_THERE = f"select delivery_no, row_no, {_IF_BLANK} '{Reason.DUPLICATE_ROW}'), null {_FORMS}"
_FORM_STANDS = f"""
    with against as (
        select form.response_id as kept_id, any_value(d.quarantine_id) as quarantine_id
        from quarantine.set_aside form join core.delivery n using (delivery_no)
            join quarantine.decided d on d.delivery_id = n.delivery_id and d.row_no = form.row_no
        group by all
    ),
    waiting as (
        select survey_id, wave_id, {IDENTITY} as identity, bool_and(response_id in (
            select response_id from verdict where kind in ('conflict', 'moved')
        )) as is_new
        from quarantine.response where {IDENTITY} is not null group by all
    ),
    known as (
        select response_id, delivery_no, row_no, kept_id, survey_id, wave_id,
            {IDENTITY} as identity
        {_FORMS} join (select delivery_no, survey_id from core.delivery) using (delivery_no)
    )
    select delivery_no, row_no, {_IF_BLANK} case
        when a.kept_id is not null then '{Reason.DECIDED_AGAINST}'
        when w.is_new then '{Reason.NOW_CONTRADICTED}'
        when w.identity is not null
            or kept_id in (select response_id from quarantine.response)
            then '{Reason.STILL_HELD}'
        else '{Reason.DUPLICATE_ROW}'
    end), a.quarantine_id
    from known left join waiting w using (survey_id, wave_id, identity)
        left join against a using (kept_id)
"""


_ROW_STANDS = f"""
    with known as (
        select delivery_no, row_no, survey_id, digest, occurrence
        from held join core.delivery using (delivery_no) where is_known
    ),
    against as (
        select survey_id, digest, occurrence, min(quarantine_id) as against_id
        from quarantine.decided where decision = 'rejected' group by all
    )
    select delivery_no, row_no, reason,
        if(reason = '{Reason.DECIDED_AGAINST}', against_id, null)
    from (
        select delivery_no, row_no, against_id, case
            when (survey_id, digest, occurrence) in (
                select (survey_id, digest, occurrence) from quarantine.row
            ) then '{Reason.STILL_HELD}'
            when against_id is not null or (delivery_no, row_no) in (
                select (delivery_no, row_no) from ruled where decision in ('rejected', 'not_chosen')
            ) then '{Reason.DECIDED_AGAINST}'
            else '{Reason.DUPLICATE_ROW}'
        end as reason
        from known left join against using (survey_id, digest, occurrence)
    )
"""
