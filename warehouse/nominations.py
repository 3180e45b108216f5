"""Whom pupils chose: loaded with their forms, as pseudonyms, and compared with them.

Every choice of somebody else is kept, for the class mate's form or the class list may come later,
and which file came first must not matter. It counts as a choice once both are known in one class.
"""

import duckdb
import pyarrow as pa

from schemas.survey import Survey
from transforms.pseudonym import PseudonymKey, pupil_sql
from warehouse.choice_zeros import number_codes
from warehouse.years import year_sql

_FORMS = "core.response union all from quarantine.response union all from quarantine.set_aside"


def choices_arrive(
    con: duckdb.DuckDBPyConnection,
    choices: pa.Table,
    codes: pa.Table,
    *,
    key: PseudonymKey,
    first_id: int,
) -> None:
    """The temporary table `arrived_choice`, with pseudonyms in the codes' place, each choice once.

    `choices` as `take_choices` returns them; `first_id` is the id of the first form of `arrived`,
    and `codes` has the pupil_code of each. Fills `same_number` with both.
    A pupil who chose itself has a row with `is_own`, which is counted and goes no further.
    """
    con.register("choice", choices)
    year = year_sql(con, "wave_id", key)
    con.execute(
        f"""
        create or replace temp table arrived_choice as
        select distinct response_id, situation, chosen, chosen = pupil as is_own
        from (
            select response_id, situation, pupil, {pupil_sql("chosen_code", key=key, year=year)}
                as chosen
            from (select $first_id + place as response_id, situation, chosen_code from choice)
                join (select response_id, pupil, wave_id from arrived) using (response_id)
        )
        """,
        {"first_id": first_id, **key.pupil_parameters()},
    ).fetchall()
    con.unregister("choice")
    said = choices.column("chosen_code")
    # Where nobody was ever asked there is nothing to look up.
    asked = bool(len(said)) or con.execute("select 1 from core.nomination limit 1").fetchall()
    pupils = [*said.chunks, *codes.column("pupil_code").cast(pa.string()).chunks] if asked else []
    number_codes(con, pupils, key=key)


def told_choices_sql(table: str) -> str:
    """A row a form that chose anybody: `response_id`, and its choices as one text to compare.

    By the numbers of the codes: whether one has lost its zeros makes no other version.
    """
    only = "where not is_own" if table == "arrived_choice" else ""
    return f"""
        select response_id, string_agg(situation || '=' || chosen, ' ' order by situation, chosen)
            as choices
        from (
            select distinct response_id, situation, coalesce(number, chosen) as chosen
            from {table} left join same_number on same_number.pupil = chosen {only}
        ) group by response_id
    """


def insert_choices(con: duckdb.DuckDBPyConnection) -> None:
    """The choices of all new forms but copies: part of the load, before the ledger is written."""
    con.execute("""
        insert into core.nomination
        select response_id, situation, chosen from arrived_choice
        where not is_own
            and response_id not in (select response_id from verdict where kind = 'duplicate')
    """).fetchall()


def count_choices(con: duckdb.DuckDBPyConnection, survey: Survey) -> None:
    """The temporary table `file_choices`, a row a file: own choices, and those outside the class.

    Counted over all sound rows of the file, once the forms of the load are in.
    """
    con.execute("""
        create or replace temp table file_choices
            (delivery_no integer, own_choices integer, outside_choices integer)
    """).fetchall()
    if not survey.nominations:
        return
    con.execute(f"""
        insert into file_choices
        with member as (
            from core.class_member
            union
            select wave_id, school_id, class_group, pupil from (from {_FORMS})
        )
        select a.delivery_no, count(*) filter (is_own)::integer,
            count(*) filter (not is_own and m.pupil is null)::integer
        from arrived_choice c join arrived a using (response_id)
            left join member m on m.wave_id = a.wave_id and m.school_id = a.school_id
                and m.class_group = a.class_group and m.pupil = c.chosen
        group by a.delivery_no
    """).fetchall()


def strike_choices(con: duckdb.DuckDBPyConnection) -> None:
    """Strike the choices of the forms in `struck_form`, and what followed from their waves."""
    con.execute("""
        delete from core.nomination where response_id in (from struck_form select response_id)
    """).fetchall()
    con.execute("""
        delete from core.form_network where wave_id in (from struck_form select wave_id)
    """).fetchall()
