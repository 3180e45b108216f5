"""Forms that a later export of the same survey no longer has, where forms are known by a number.

A form that was deleted in the tool goes on counting, for an export may well be of a part. So it is
told, and a person takes it out (warehouse/withdraw.py). Without any number, files are compared as a
whole (warehouse/unnamed.py).
"""

import duckdb

from schemas.survey import Survey
from warehouse.contexts import IDENTITY
from warehouse.unnamed import LEAST_ROWS


def find_gone(con: duckdb.DuckDBPyConnection, survey: Survey) -> None:
    """Add to `gone` how many counting forms of earlier files each new file no longer has.

    A new file is a later export of an earlier one that has two thirds of its forms, five at least.
    """
    con.execute(_GONE, {"survey": survey.id, "least": LEAST_ROWS}).fetchall()


_GONE = f"""
    insert into gone
    with here as (
        select delivery_no, wave_id, {IDENTITY} as identity from arrived
        where {IDENTITY} is not null
        union
        select delivery_no, wave_id, pupil from held where pupil is not null
    ),
    counting as (
        select delivery_no as old_no, wave_id, {IDENTITY} as identity from core.response
        where survey_id = $survey and {IDENTITY} is not null
    ),
    met as (
        select delivery_no, old_no, count(*) as forms
        from here join counting using (wave_id, identity)
        where old_no < delivery_no
        group by all having count(*) >= $least
    ),
    brought as (
        select old_no, count(*) as all_forms from counting
        where old_no in (select old_no from met) group by all
    )
    select delivery_no, sum(all_forms - forms)::integer
    from met join brought using (old_no)
    where forms < all_forms and 3 * forms >= 2 * all_forms
    group by delivery_no
"""
