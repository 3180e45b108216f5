"""Decides what becomes of forms that are there more than once.

A pupil (or, without pupil codes, a numbered submission) has one form in a wave. Equal copies count
once. Different versions all wait in quarantine, the one that was accepted earlier too, so that the
end state is the same whichever came first. Where a person has decided, copies of any version change
nothing, and a further version makes it wait again. The new forms are the rows of `arrived`; each
decision is a row of the temporary table `verdict`: `duplicate` and `conflict` are new forms,
`moved` are stored ones that a new form contradicts.
"""

from collections.abc import Mapping

import duckdb

from schemas.instrument import Instrument
from schemas.survey import Survey
from warehouse.instruments import answer_table
from warehouse.unnamed import (
    COMPARED_CONTEXT,
    IDENTITY,
    find_earlier_exports,
    find_known_files,
)


def decide(
    con: duckdb.DuckDBPyConnection, *, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    """Fill the temporary tables `verdict` and `file_digest` for the survey's forms in `arrived`."""
    con.execute("""
        create or replace temp table verdict
            (response_id bigint, delivery_no integer, kind varchar, kept_id bigint)
    """).fetchall()
    con.execute("""
        create or replace temp table file_digest (delivery_no integer, digest varchar)
    """).fetchall()
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


def _compare_versions(
    con: duckdb.DuckDBPyConnection, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    compared = ", ".join(
        (*COMPARED_CONTEXT, *(f'"{name}"' for name in _items(survey, instruments)))
    )
    con.execute(
        f"""
        insert into verdict
        with version as (
            select response_id, delivery_no, row_no, true as is_new, false as is_waiting,
                wave_id, {IDENTITY} as identity, {compared}
            from arrived
            union all
            {_stored("core.response", survey, instruments, is_waiting="false")}
            union all
            {_stored("quarantine.response", survey, instruments, is_waiting="true")}
            union all
            {_stored("quarantine.set_aside", survey, instruments, is_waiting="true")}
        ),
        numbered as (
            select response_id, delivery_no, is_new, is_waiting, wave_id, identity,
                row_number() over copies as copy,
                first_value(response_id) over copies as kept_id,
                bool_and(is_new) over (partition by wave_id, identity, {compared}) as is_news,
                dense_rank() over (partition by wave_id, identity order by {compared}) as version_no
            from version semi join contested using (wave_id, identity)
            window copies as (
                partition by wave_id, identity, {compared}
                order by is_new, is_waiting, delivery_no, row_no
            )
        ),
        counted as (
            select *, max(version_no) over (partition by wave_id, identity) as versions,
                bool_or(is_news) over (partition by wave_id, identity) as has_news
            from numbered
        )
        select response_id, delivery_no,
            case
                when not is_new then 'moved'
                when copy > 1 then 'duplicate'
                else 'conflict'
            end,
            case when is_new and copy > 1 then kept_id end
        from counted
        where (is_new and (copy > 1 or versions > 1))
            or (not is_new and not is_waiting and has_news)
        """,
        {"survey": survey.id},
    ).fetchall()


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
    table: str, survey: Survey, instruments: Mapping[str, Instrument], *, is_waiting: str
) -> str:
    """The survey's stored forms with their answers, in the columns of `version`."""
    # A form from before the survey got another instrument has no row in that one's table.
    joins = " ".join(
        f"left join {answer_table(key)} {key} using (response_id)" for key in survey.instruments
    )
    columns = ", ".join((*COMPARED_CONTEXT, *_items(survey, instruments)))
    return f"""
        select response_id, delivery_no, row_no, false, {is_waiting}, wave_id, {IDENTITY}, {columns}
        from {table} {joins} where survey_id = $survey
    """
