"""Rows that count as they stand and that somebody should look at: what the note of a file tells.

A grade that the class's name contradicts, or a day outside the wave that the row names, is more
often a slip in one column than another pupil's form. Holding the row would hide what a child says.
A code without a digit may be a name. No list of names says so with any certainty, so it is told and
nothing more, and only where nearly all others of the file have one: a tool that draws letters and
digits by lot draws some of letters alone.
"""

from collections.abc import Sequence

import duckdb
import polars as pl
import pyarrow as pa

from schemas.reason import Reason
from transforms.listed import is_unlike_class
from transforms.pseudonym import PseudonymKey, names_sql

_ONE_IN = 10  # codes of letters are odd where they are no more than one in so many
TOLD = (Reason.GRADE_NOT_AS_CLASS, Reason.DATE_OUTSIDE_WAVE, Reason.CODE_OF_LETTERS)


def unlikely_in(
    con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str], *, key: PseudonymKey
) -> dict[str, dict[str, int]]:
    """For each of these deliveries that has such rows among those that count: how many, by code."""
    names = names_sql("pupil_code", key=key).values()
    con.register("asked", pa.table({"delivery_id": pa.array(delivery_ids, pa.string())}))
    counted = con.sql(
        f"""
        with of_letters as (
            select distinct unnest([{", ".join(names)}]) as pupil
            from vault.code where not regexp_matches(pupil_code, '[0-9]')
        )
        select delivery_id, class_group, grade, count(*) as rows, count(*) filter (
            not submitted_on between opens and closes
        ) as outside, count(of_letters.pupil) as letters
        from core.response join core.delivery using (delivery_no)
        semi join asked using (delivery_id)
        left join core.dim_wave using (wave_id)
        left join of_letters using (pupil)
        group by all
        """,
        params=key.pupil_parameters(),
    ).to_arrow_table()
    con.unregister("asked")
    rows = pl.DataFrame(counted)
    unlike = pl.when(is_unlike_class("grade")).then("rows").otherwise(0).sum()
    letters = pl.col("letters").sum()
    is_odd = letters * _ONE_IN <= pl.col("rows").sum()
    by_file = rows.group_by("delivery_id").agg(
        unlike.alias("unlike"),
        pl.col("outside").sum(),
        pl.when(is_odd).then(letters).otherwise(0).alias("letters"),
    )
    return {
        delivery_id: {code.value: count for code, count in zip(TOLD, counts, strict=True) if count}
        for delivery_id, *counts in by_file.iter_rows()
        if any(counts)
    }
