"""Rows that count as they stand and that somebody should look at: what the note of a file tells.

A grade that the class's name contradicts, or a day outside the wave that the row names, is more
often a slip in one column than another pupil's form. Holding the row would hide what a child says.
A code that is a word may be a name. No list of names says so with any certainty, so it is told and
nothing more, and not where it may be drawn by lot as the others are (`transforms/code_names.py`).
"""

from collections.abc import Sequence

import duckdb
import polars as pl
import pyarrow as pa

from schemas.reason import Reason
from transforms.bare_codes import bare_codes
from transforms.code_names import codes_to_tell
from transforms.listed import is_unlike_class
from transforms.pseudonym import PseudonymKey, names_sql

TOLD = (Reason.GRADE_NOT_AS_CLASS, Reason.DATE_OUTSIDE_WAVE, Reason.CODE_OF_LETTERS)


def unlikely_in(
    con: duckdb.DuckDBPyConnection,
    delivery_ids: Sequence[str],
    *,
    key: PseudonymKey,
    are_codes: bool = False,
) -> dict[str, dict[str, int]]:
    """For each of these deliveries that has such rows among those that count: how many, by code.

    `are_codes`: somebody has said that codes of letters are codes here; then none is told.
    """
    con.register("asked", pa.table({"delivery_id": pa.array(delivery_ids, pa.string())}))
    counted = con.sql("""
        select delivery_id, class_group, grade, count(*) as rows, count(*) filter (
            not submitted_on between opens and closes
        ) as outside
        from core.response join core.delivery using (delivery_no)
        semi join asked using (delivery_id)
        left join core.dim_wave using (wave_id)
        group by all
    """).to_arrow_table()
    letters = {} if are_codes else _of_letters(con, key)
    con.unregister("asked")
    unlike = pl.when(is_unlike_class("grade")).then("rows").otherwise(0).sum()
    by_file = pl.DataFrame(counted).group_by("delivery_id").agg(unlike, pl.col("outside").sum())
    found = {}
    for delivery_id, *counts in by_file.iter_rows():
        told = zip(TOLD, (*counts, letters.get(delivery_id, 0)), strict=True)
        if rows := {code.value: count for code, count in told if count}:
            found[delivery_id] = rows
    return found


def _of_letters(con: duckdb.DuckDBPyConnection, key: PseudonymKey) -> dict[str, int]:
    """For each of the deliveries `asked` that has any: how many of its rows have words for codes.

    Codes are turned only of schools that have two letters side by side in one, the school's own
    left out: in a whole country's wave of `S0412-140891` that is none.
    """
    names = names_sql("pupil_code", key=key).values()
    found = con.sql(
        f"""
        with turned as (
            select school_id, pupil_code,
                unnest([{", ".join(names)}]) as pupil
            from vault.code
            where school_id in (
                select school_id from vault.code
                where regexp_matches(
                    replace(upper(pupil_code), upper(school_id), ''), '\\pL{{2}}'
                )
            )
        )
        select delivery_id, school_id as school, class_group, grade, pupil_code as code,
            left(school_year, 4)::integer as year
        from turned join core.response using (school_id, pupil)
        join core.delivery using (delivery_no) semi join asked using (delivery_id)
        left join core.dim_wave using (wave_id)
        """,
        params=key.pupil_parameters(),
    ).to_arrow_table()
    number = pl.col("delivery_id").rank("dense") - 1
    told = pl.DataFrame(found).with_columns(number.alias("file_no"))
    if told.is_empty():
        return {}
    words = codes_to_tell(bare_codes(told))
    counted = told.with_columns(pl.col("code").str.to_uppercase()).join(
        words, on=["file_no", "code"], how="semi"
    )
    return dict(counted.group_by("delivery_id").len().iter_rows())
