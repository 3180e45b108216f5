"""Choices whose codes lost their leading zeros, and files of which most choices are of nobody.

A spreadsheet makes a number of a cell with one code and leaves a cell with several as it is: 0402
is saved as 402 in one row, and stays 0402;0403 in the next. So a choice of a code of digits that
nobody at the school has is of the class mate who has it but for zeros in front, if there is one. It
is looked up again whenever forms or a class list come, so which came first does not matter. Choices
are compared by their numbers too: a copy is a copy, whichever cells lost their zeros.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from schemas.network_rule import LEAST_ANSWERED
from transforms.pseudonym import PseudonymKey, under_each_key_sql

# So many zeros may have been lost in front of a code.
MOST_ZEROS = 6
_OF_DIGITS = "regexp_full_match(code, '[0-9]+') and ltrim(code, '0') <> ''"


def number_codes(
    con: duckdb.DuckDBPyConnection, codes: Sequence[pa.Array], *, key: PseudonymKey
) -> None:
    """Fill the temporary table `same_number`: `pupil` and `number`, all as pseudonyms.

    `codes`: arrays of codes that are coming. Those of digits stand there with all the zeros that
    they may have lost or kept, each with the one name (`number`) that all of them share under one
    key.
    """
    padded = "repeat('0', zeros::integer) || number"
    names = under_each_key_sql({"pupil": padded, "number": "number"}, key=key)
    con.register("coming_code", pa.table({"code": pa.chunked_array(codes, pa.string())}))
    con.execute(
        f"""
        create or replace temp table same_number as
        select {names}
        from (
            select distinct ltrim(code, '0') as number from coming_code where {_OF_DIGITS}
        ), range($most + 1) as zeros(zeros)
        """,
        {"most": MOST_ZEROS, **key.pupil_parameters()},
    ).fetchall()
    con.unregister("coming_code")


_FORMS = """
    select response_id, wave_id, school_id, class_group, pupil
    from (
        from core.response union all from quarantine.response union all from quarantine.set_aside
    )
"""
_ARRIVED = "select response_id, wave_id, school_id, class_group, pupil from arrived"


def resolve_choices(con: duckdb.DuckDBPyConnection) -> None:
    """Let stored choices, and those of the temporary table `arrived_choice`, be of class mates.

    Only of the numbers in `same_number`. Part of the load, once it is known which forms count.
    """
    _resolve(con, "core.nomination", _FORMS)
    _resolve(con, "arrived_choice", _ARRIVED)
    con.execute("""
        update arrived_choice c set is_own = true
        from arrived a where a.response_id = c.response_id and a.pupil = c.chosen
    """).fetchall()


def resolve_by_list(
    con: duckdb.DuckDBPyConnection, codes: pa.ChunkedArray, *, key: PseudonymKey
) -> None:
    """The same of stored choices, once a class list with these codes is in force."""
    if con.execute("select 1 from core.nomination limit 1").fetchall():
        number_codes(con, codes.chunks, key=key)
        _resolve(con, "core.nomination", _FORMS)


def _resolve(con: duckdb.DuckDBPyConnection, table: str, forms: str) -> None:
    con.execute(f"""
        update {table} n set chosen = found.pupil
        from (
            select c.response_id, c.chosen, any_value(m.pupil) as pupil
            from {table} c
                join same_number s on s.pupil = c.chosen
                join ({forms}) f using (response_id)
                join same_number t on t.number = s.number
                join core.class_member m on m.wave_id = f.wave_id and m.school_id = f.school_id
                    and m.class_group = f.class_group and m.pupil = t.pupil
            where (f.school_id, c.chosen) not in (
                select (school_id, pupil) from core.response where pupil is not null
                union all
                select (school_id, pupil) from core.enrolment
                where pupil is not null and unlisted_by is null
            )
            group by all having count(distinct m.pupil) = 1
        ) found
        where found.response_id = n.response_id and found.chosen = n.chosen
    """).fetchall()


def choices_of_nobody(
    con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str]
) -> dict[str, int]:
    """For each of these files that needs a look: how many forms chose codes that nobody has.

    Told of a class, or of the file, in which so many chose that something could be said of it, and
    most of the choices are of codes that nobody at the school has a form or a place on a list by.
    """
    con.register("looked_at", pa.table({"delivery_id": pa.array(delivery_ids, pa.string())}))
    found = con.execute(
        """
        with known as (
            select school_id, pupil from (
                from core.response union all from quarantine.response
                union all from quarantine.set_aside
            )
            union
            select school_id, pupil from core.enrolment where unlisted_by is null
        ),
        form as (
            select delivery_id, wave_id, r.school_id, class_group, response_id,
                count(*) as made, count(*) filter (known.pupil is null) as of_nobody
            from core.nomination n join core.response r using (response_id)
                join core.delivery using (delivery_no) semi join looked_at using (delivery_id)
                left join known on known.school_id = r.school_id and known.pupil = n.chosen
            group by all
        ),
        judged as (
            select delivery_id, wave_id, school_id, class_group,
                grouping(class_group) = 1 as is_file, count(*) filter (of_nobody > 0) as forms
            from form
            group by grouping sets ((delivery_id),
                (delivery_id, wave_id, school_id, class_group))
            having count(*) >= $least and 2 * sum(of_nobody) > sum(made)
        )
        select delivery_id,
            coalesce(max(forms) filter (is_file), sum(forms) filter (not is_file))::integer
        from judged group by all
        """,
        {"least": LEAST_ANSWERED},
    ).fetchall()
    con.unregister("looked_at")
    return dict(found)
