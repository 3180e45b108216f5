"""Since when the pupils behind a wave's flags are known to ask: no clock starts anew at a mending.

A pupil may first have been heard in a form that waited. The flag is raised when the form has come
mended, or is read again, and its deadline counts from the day on which the form was first held.
"""

from datetime import date

import duckdb
import pyarrow as pa

from transforms.working_days import add_working_days
from warehouse.requests import HEARD, RAISED


def find_heard(con: duckdb.DuckDBPyConnection, *, working_days: int) -> None:
    """The temporary table `heard`: flags of `found` whose pupil was heard before, and their `due`.

    `due` is so many working days after the day on which the pupil was first heard.
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
    with prompt as (
        select flag_id, survey_id, wave_id, school_id, pupil, rule_id from found
        where target = 'pupil' and level = 'prompt'
    ),
    told as (
        select subject as delivery_id, min(happened_at) as heard_at
        from audit.event where action = $raised group by all
    ),
    read_again as (
        select delivery_no, heard_at from core.delivery join told using (delivery_id)
        where heard_at::date < coalesce(filed_at::date, 'infinity'::date)
    )
    select flag_id, min(heard_at)::date as since
    from (
        select flag_id, held_at as heard_at
        from prompt p join quarantine.asking a using (survey_id, pupil, rule_id)
        where a.told_in = p.wave_id and coalesce(a.school_id, p.school_id) = p.school_id
            and {HEARD}
        union all
        select flag_id, heard_at
        from prompt join core.response using (survey_id, wave_id, school_id, pupil)
            join read_again using (delivery_no)
    )
    group by all
"""


def _count_days(con: duckdb.DuckDBPyConnection, working_days: int) -> None:
    """Deadlines skip holidays, so they are counted here, a few days in all."""
    days: list[date] = [
        day for (day,) in con.execute("select distinct since from heard_since").fetchall()
    ]
    due = [add_working_days(day, working_days) for day in days]
    con.register(
        "counted",
        pa.table({"since": pa.array(days, pa.date32()), "due": pa.array(due, pa.date32())}),
    )
    con.execute("create or replace temp table heard_on as from counted").fetchall()
    con.unregister("counted")
    con.execute("""
        insert into heard select flag_id, due from heard_since join heard_on using (since)
    """).fetchall()
