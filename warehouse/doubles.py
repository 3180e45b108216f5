"""Decides what becomes of forms that are there more than once.

A pupil (or, without pupil codes, a numbered submission) has one form in a wave. Equal answers from
one school are one version, whatever else the forms say: it counts once, and what a later copy says
of class, grade and gender is kept beside it (warehouse/contexts.py). Different versions all wait in
quarantine, the one that was accepted earlier too, so that the end state is the same whichever came
first. Where a person has decided, copies of any version change nothing, and a further version makes
it wait again. What was only given up for its age is as if it had not come: a copy waits anew. What
a person took out contradicts nothing, and copies of it stay out. The
new forms are the rows of `arrived`; each decision is a row of the temporary table `verdict`:
`duplicate`, `beside`, `conflict` and `question` are new forms; stored ones are `moved` where a new
form contradicts them, and `again` where a new copy takes the place of what was given up.
"""

from collections.abc import Mapping

import duckdb

from schemas.instrument import Instrument
from schemas.survey import Survey
from warehouse.come_again import GIVEN_UP, WITH_ITS_FILE, WITHDRAWN
from warehouse.contexts import IDENTITY, SPARE
from warehouse.instruments import answer_table
from warehouse.nominations import told_choices_sql
from warehouse.unnamed import find_earlier_exports, find_known_files


def decide(
    con: duckdb.DuckDBPyConnection, *, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    """Fill the temporary tables `verdict`, `file_digest` and `gone` for the forms in `arrived`.

    `gone`: how many earlier forms a later export no longer has.
    """
    con.execute("""
        create or replace temp table verdict
            (response_id bigint, delivery_no integer, kind varchar, kept_id bigint)
    """).fetchall()
    con.execute("""
        insert into verdict select response_id, delivery_no, 'duplicate', null from blank_form
    """).fetchall()
    con.execute("""
        create or replace temp table file_digest (delivery_no integer, digest varchar)
    """).fetchall()
    con.execute("create or replace temp table gone (delivery_no integer, forms integer)").fetchall()
    _find_contested(con, survey)
    if con.execute("select count(*) from contested").fetchall() != [(0,)]:
        _compare_versions(con, survey, instruments)
    if survey.linkage == "none":
        find_known_files(con, survey, instruments)
        find_earlier_exports(con, survey, instruments)
    con.execute("drop table temp.contested").fetchall()


def _find_contested(con: duckdb.DuckDBPyConnection, survey: Survey) -> None:
    """Identities that stand twice among the new forms, or are stored already."""
    con.execute(
        f"""
        create or replace temp table contested as
        with arriving as (
            select wave_id, {IDENTITY} as identity from arrived where {IDENTITY} is not null
        ),
        stored as (
            select wave_id, {IDENTITY} as identity from core.response where survey_id = $survey
            union all
            select wave_id, {IDENTITY} from quarantine.response where survey_id = $survey
            union all
            select wave_id, {IDENTITY} from quarantine.set_aside where survey_id = $survey
        )
        select wave_id, identity from arriving group by all having count(*) > 1
        union
        select wave_id, identity from arriving semi join stored using (wave_id, identity)
        """,
        {"survey": survey.id},
    ).fetchall()


# What copies of a version may differ in; the answers themselves are compared.
_SAID = "{'class_group': class_group, 'grade': grade, 'gender': gender}"
_A_VERSION = "partition by wave_id, identity, version_no"
_RECEIPT = "received_at, delivery_no, row_no"
_AS_RECEIVED = f"{_A_VERSION} order by {_RECEIPT}"
_STATE_ORDER = """
    list_position(
        ['counts', 'waits', 'withdrawn', 'spare', 'decided', 'new', 'given up'], state
    )
"""

_VERDICT = f"""
    insert into verdict
    with receipt as (
        select delivery_no, received_at from core.delivery
        union all
        select delivery_no, coalesce(received_at, 'infinity') from arriving
    ),
    numbered as (
        select *, dense_rank() over (partition by wave_id, identity order by compared) as version_no
        from version join receipt using (delivery_no)
    ),
    told as (
        select *, said is distinct from lag(said) over as_received
            or lag(said) over as_received is null as is_change
        from numbered
        window as_received as ({_AS_RECEIVED})
    ),
    -- What says the same as the copy that came before it tells nothing new.
    telling as (
        select *, count(*) filter (is_change) over ({_AS_RECEIVED}) as telling_no from told
    ),
    counted as (
        select *,
            row_number() over copies as copy,
            first_value(response_id) over copies as kept_id,
            row_number() over ({_A_VERSION} order by state <> 'new', {_RECEIPT}) as place,
            bool_and(state in ('new', 'spare', 'given up')) over ({_A_VERSION}) as is_news,
            bool_or(state = 'new') over ({_A_VERSION}) as is_told,
            bool_or(state in ('counts', 'waits')) over ({_A_VERSION}) as is_alive,
            bool_or(state = 'withdrawn') over ({_A_VERSION}) as is_out
        from telling
        window copies as ({_A_VERSION}, telling_no order by {_STATE_ORDER}, {_RECEIPT})
    ),
    known as (
        select *, bool_or(is_news and state = 'new') over (partition by wave_id, identity)
            as has_news,
            -- What a person took out contradicts nothing: it is as if it had not come.
            count(distinct version_no) filter (not is_out) over (partition by wave_id, identity)
                as versions
        from counted
    ),
    judged as (
        select response_id, delivery_no, kept_id,
            case
                when state = 'counts' then if(has_news, 'moved', null)
                when state = 'given up' then if(is_news and is_told, 'again', null)
                when state <> 'new' then null
                when is_news and place = 1 then if(versions > 1, 'conflict', null)
                when (is_news or is_alive)
                    and (copy = 1 or (delivery_no, row_no) in (from was_beside)) then 'beside'
                else 'duplicate'
            end as kind
        from known
    )
    select response_id, delivery_no, kind, if(kind = 'duplicate', kept_id, null)
    from judged where kind is not null
"""


def _compare_versions(
    con: duckdb.DuckDBPyConnection, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    items = ", ".join(f'"{name}"' for name in _items(survey, instruments))
    stored = " union all ".join(
        _stored(table, survey, instruments, state=state) for table, state in _STATES.items()
    )
    con.execute(
        f"""
        create or replace temp table version as
        select * exclude (school_id, {items}, choices), row(school_id, {items}, choices) as compared
        from (
            select response_id, delivery_no, row_no, 'new' as state, wave_id,
                {IDENTITY} as identity, {_SAID} as said, school_id, {items}, choices
            from arrived left join ({told_choices_sql("arrived_choice")}) using (response_id)
            where response_id not in (select response_id from blank_form)
            union all
            {stored}
        ) semi join contested using (wave_id, identity)
        where state <> 'gone'
        """,
        {"survey": survey.id},
    ).fetchall()
    con.execute(_VERDICT).fetchall()
    con.execute("drop table version").fetchall()


_STATES = {
    "core.response": "'counts'",
    "quarantine.response": "'waits'",
    "quarantine.set_aside": (
        f"case when {SPARE} then 'spare' when {GIVEN_UP} then 'given up'"
        f" when {WITHDRAWN} then 'withdrawn' when {WITH_ITS_FILE} then 'gone' else 'decided' end"
    ),
}


def complete_kept(con: duckdb.DuckDBPyConnection) -> None:
    """Give a kept form what any of its copies states: the earliest dates, the time, the text.

    One export says when a pupil started and the next does not: which came first must not matter.
    """
    for table in ("core.response", "quarantine.response", "quarantine.set_aside"):
        con.execute(f"""
            update {table} r
            set enrolled_on = least(r.enrolled_on, said.enrolled_on),
                submitted_on = least(r.submitted_on, said.submitted_on),
                answer_time_ms = least(r.answer_time_ms, said.answer_time_ms),
                had_text = coalesce(r.had_text or said.had_text, r.had_text, said.had_text)
            from (
                select kept_id, min(a.enrolled_on) as enrolled_on,
                    min(a.submitted_on) as submitted_on, min(a.answer_time_ms) as answer_time_ms,
                    bool_or(a.had_text) as had_text
                from verdict v join arrived a using (response_id)
                where v.kept_id is not null group by kept_id
            ) said
            where r.response_id = said.kept_id
        """).fetchall()


def _items(survey: Survey, instruments: Mapping[str, Instrument]) -> list[str]:
    return [f"{key}.{name}" for key in survey.instruments for name in instruments[key].columns]


def _stored(
    table: str, survey: Survey, instruments: Mapping[str, Instrument], *, state: str
) -> str:
    """The survey's stored forms with their answers, in the columns of `version`."""
    # A form from before the survey got another instrument has no row in that one's table.
    joins = " ".join(
        f"left join {answer_table(key)} {key} using (response_id)" for key in survey.instruments
    )
    joins += f" left join ({told_choices_sql('core.nomination')}) using (response_id)"
    columns = ", ".join(("school_id", *_items(survey, instruments), "choices"))
    return f"""
        select response_id, delivery_no, row_no, {state}, wave_id, {IDENTITY}, {_SAID}, {columns}
        from {table} form {joins} where survey_id = $survey
    """
