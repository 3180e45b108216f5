"""The one class of a pupil whose surveys of a wave name two.

A pupil moves between two surveys, or one of the forms has it wrong. The forms are kept as they came
and say what they say; flags and reports go by one class of each pupil at a school.
"""

import duckdb

from warehouse.contexts import LISTED_SQL

# School, pupil, class and grade of those alone whose forms differ. The class list that the wave
# goes by says which class it is, if it names the pupil; else the latest answer, and of several of
# one day or of none the survey that is last by name.
ONE_CLASS_SQL = f"""
    with torn as (
        select school_id, pupil,
            max_by((class_group, grade), (
                coalesce(submitted_on, date '0001-01-01'), survey_id, response_id
            )) as said
        from core.response where wave_id = $wave and pupil is not null
        group by all having min(class_group) <> max(class_group)
    )
    select school_id, pupil, coalesce(place[1], said[1]) as class_group,
        coalesce(place[2], said[2]) as grade
    from torn left join (
        from ({LISTED_SQL}) where wave_id = $wave and pupil in (select pupil from torn)
    ) using (school_id, pupil)
"""


def place_pupils(con: duckdb.DuckDBPyConnection, wave_id: str) -> None:
    """Let the forms of `wave_form` name one class of each pupil."""
    con.execute(
        f"create or replace temp table one_class as {ONE_CLASS_SQL}", {"wave": wave_id}
    ).fetchall()
    con.execute("""
        update wave_form f set class_group = o.class_group, grade = o.grade
        from one_class o where o.school_id = f.school_id and o.pupil = f.pupil
    """).fetchall()
    con.execute("drop table temp.one_class").fetchall()


def one_class_input(con: duckdb.DuckDBPyConnection, wave_id: str) -> list[tuple[object, ...]]:
    """What a wave's flags depend on here besides its forms: where the list has those pupils."""
    found: list[tuple[object, ...]] = con.execute(
        f"""
        select school_id, class_group, grade, bit_xor(hash(pupil))::varchar
        from ({ONE_CLASS_SQL}) group by all order by all
        """,
        {"wave": wave_id},
    ).fetchall()
    return found
