"""Since when the pupils behind a wave's flags are known to ask: no clock starts anew at a mending.

A pupil may first have been heard in a form that waited. The flag is raised when the form has come
mended, or is read again, and its deadline counts from the day on which the form was first held.
"""

from collections.abc import Mapping
from datetime import date

import duckdb
import pyarrow as pa

from transforms.requests import AT_FLAG
from transforms.working_days import add_working_days
from warehouse.requests import HEARD, RAISED


def find_heard(con: duckdb.DuckDBPyConnection, *, working_days: Mapping[str, int]) -> None:
    """The temporary table `heard`: flags of `found` whose pupil was heard before, and their `due`.

    `due` is so many working days of the flag's level after the day on which the pupil was first
    heard.
    """
    con.execute("create or replace temp table heard (flag_id varchar, due date)").fetchall()
    some = con.execute(
        """
        select 1 where exists (from quarantine.request)
            or exists (from audit.event where action = $raised)
        """,
        {"raised": RAISED},
    ).fetchall()
    if not some:
        return
    con.execute(_SINCE, {"raised": RAISED}).fetchall()
    _count_days(con, working_days)
    for table in ("heard_since", "heard_on"):
        con.execute(f"drop table temp.{table}").fetchall()


# What asked in a file that was read again is struck with its place. That somebody did ask in the
# file, and when, stays in the log; a form that it gives a flag to only now has waited since then.
_SINCE = f"""
    create or replace temp table heard_since as
    with dated as (
        select flag_id, survey_id, wave_id, school_id, pupil, rule_id, level from found
        where target = 'pupil' and level in ('prompt', 'flag')
    ),
    told as (
        select subject as delivery_id, min(happened_at) as heard_at
        from audit.event where action = $raised group by all
    ),
    read_again as (
        select delivery_no, heard_at from core.delivery join told using (delivery_id)
        where heard_at::date < coalesce(filed_at::date, 'infinity'::date)
    )
    select flag_id, level, min(heard_at)::date as since
    from (
        select flag_id, level, held_at as heard_at
        from dated p join quarantine.asking a using (survey_id, pupil)
        where a.told_in = p.wave_id and coalesce(a.school_id, p.school_id) = p.school_id
            and {HEARD} and (a.rule_id = p.rule_id
                or level = 'flag' and a.rule_id = p.rule_id || '{AT_FLAG}')
        union all
        select flag_id, level, heard_at
        from dated join core.response using (survey_id, wave_id, school_id, pupil)
            join read_again using (delivery_no)
        where level = 'prompt'
    )
    group by all
"""


def _count_days(con: duckdb.DuckDBPyConnection, working_days: Mapping[str, int]) -> None:
    """Deadlines skip holidays, so they are counted here, a few days in all."""
    heard: list[tuple[date, str]] = con.execute(
        "select distinct since, level from heard_since"
    ).fetchall()
    due = [add_working_days(day, working_days[level]) for day, level in heard]
    counted = {
        "since": pa.array([day for day, _ in heard], pa.date32()),
        "level": pa.array([level for _, level in heard], pa.string()),
        "due": pa.array(due, pa.date32()),
    }
    con.register("counted", pa.table(counted))
    con.execute("create or replace temp table heard_on as from counted").fetchall()
    con.unregister("counted")
    con.execute("""
        insert into heard select flag_id, due from heard_since join heard_on using (since, level)
    """).fetchall()
