"""The answers of a wave's classes, counted and scored for class rules.

A wave with one survey, as most have, is counted in one pass over its forms. With several, the forms
of each pupil are brought together first (transforms/class_forms.py).
"""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from schemas.rule import ClassRule
from transforms.class_forms import (
    Looked,
    chosen_sql,
    class_form_sql,
    class_part_sql,
    columns_of,
)
from transforms.class_rules import CLASS, EARLIER, ClassData
from transforms.flag_inputs import Inputs
from transforms.pupil_flags import condition_sql
from warehouse.asked import ASKED_CLASS_SQL

_NAMES = ", ".join(CLASS)
_ENROLLED = f"""
    left join ({ASKED_CLASS_SQL}) c
        on c.wave_id = p.wave_id and c.school_id = p.school_id and c.class_group = p.class_group
"""


def count_classes(
    con: duckdb.DuckDBPyConnection, rules: Sequence[ClassRule], inputs: Inputs
) -> ClassData:
    """Each class of `wave_form` once with each rule, as ClassData without earlier signals."""
    several_questions = [rule for rule in rules if len(rule.counted) > 1]
    surveys, asked_in = _asked_in(con, several_questions, inputs)
    if len(surveys) <= 1:
        return _of_one_survey(con, Looked(rules, inputs, surveys, asked_in))
    _, asked_in = _asked_in(con, rules, inputs)
    return _of_surveys(con, Looked(rules, inputs, surveys, asked_in))


def _asked_in(
    con: duckdb.DuckDBPyConnection, rules: Sequence[ClassRule], inputs: Inputs
) -> tuple[list[str], dict[str, frozenset[str]]]:
    """The surveys, and for each column that a rule looks at those in which anybody answered it."""
    columns = sorted({column for rule in rules for column in columns_of(rule, inputs)})
    asked = "".join(f", count({column}) > 0" for column in columns)
    query = f"select survey_id {asked} from wave_form group by all order by all"
    found = con.execute(query).fetchall()
    return [survey for survey, *_ in found], {
        column: frozenset(survey for survey, *is_asked in found if is_asked[at])
        for at, column in enumerate(columns)
    }


def _of_one_survey(con: duckdb.DuckDBPyConnection, looked: Looked) -> ClassData:
    told = {
        column: f"{column} is not null" if asked else "true"
        for column, asked in looked.asked_in.items()
    }
    con.execute(f"""
        create or replace temp table judged_class as
        select row_number() over (order by all_of_it) - 1 as class_no, * exclude (all_of_it)
        from (
            select p.*, c.enrolled,
                (p.wave_id, p.survey_id, p.school_id, p.class_group) as all_of_it
            from (
                select {_NAMES}, mode(grade order by grade) as grade {_counts(looked, told)}
                from wave_form group by {_NAMES}
            ) p {_ENROLLED}
        )
    """).fetchall()
    classes = con.sql("select * exclude (class_no) from judged_class order by class_no")
    scores = {}
    for scale, _ in _scales(looked):
        column = looked.inputs.column(scale)
        scores[scale] = con.sql(f"""
            select class_no, score, pupils
            from (
                select {_NAMES}, {column}::double as score, count(*)::integer as pupils
                from wave_form where {column} is not null group by all
            )
            join judged_class using ({_NAMES})
            order by all
        """).to_arrow_table()
    return ClassData(classes.to_arrow_table(), scores, EARLIER.empty_table())


def _of_surveys(con: duckdb.DuckDBPyConnection, looked: Looked) -> ClassData:
    [(has_loose,)] = con.execute("select count(*) > count(pupil) from wave_form").fetchall()
    told = {column: f"({column} is not null or not asked_{column})" for column in looked.asked_in}
    part = class_part_sql(looked, _counts(looked, told))
    for name, query in (
        ("class_form", class_form_sql(looked, with_parts=has_loose)),
        ("class_part", f"select p.*, c.enrolled from ({part}) p {_ENROLLED}"),
        (
            "judged_class",
            f"""
            select row_number() over (order by wave_id, school_id, class_group) - 1 as class_no, *
            from ({chosen_sql(looked)})
            """,
        ),
    ):
        con.execute(f"create or replace temp table {name} as {query}").fetchall()
    scores = {scale: _scores_of_part(con, looked, scale, i) for scale, i in _scales(looked)}
    judged = con.sql("from judged_class order by class_no").to_arrow_table()
    for table in ("class_form", "class_part"):
        con.execute(f"drop table temp.{table}").fetchall()
    surveys = judged.select([f"survey_{i}" for i in range(len(looked.rules))])
    return ClassData(judged, scores, EARLIER.empty_table(), surveys)


def _scores_of_part(con: duckdb.DuckDBPyConnection, looked: Looked, scale: str, i: int) -> pa.Table:
    column = looked.inputs.column(scale)
    return con.sql(f"""
        select class_no, {column}::double as score, count(*)::integer as pupils
        from class_form f join judged_class j
            on j.wave_id = f.wave_id and j.school_id = f.school_id
            and j.class_group = f.class_group and j.part_{i} = f.part
            and j.only_{i} = f.only_survey
        where {column} is not null group by all order by all
    """).to_arrow_table()


def _scales(looked: Looked) -> list[tuple[str, int]]:
    """Each scale, and the number of a rule that looks at it."""
    found = {rule.scale: i for i, rule in enumerate(looked.rules) if rule.scale}
    return sorted(found.items())


def _counts(looked: Looked, told: Mapping[str, str]) -> str:
    """Two columns for each rule that counts pupils; one pass over the rows for all.

    `told`: whether a row lacks no answer to what a column holds.
    """
    return "".join(
        f", count(*) filter ({_is_answered(rule, looked.inputs, told)})::integer as answered_{i}"
        f", count(*) filter ({_holds(rule, looked.inputs)})::integer as observed_{i}"
        for i, rule in enumerate(looked.rules)
        if rule.counted
    )


def _is_answered(rule: ClassRule, inputs: Inputs, told: Mapping[str, str]) -> str:
    """As in published figures, a question that was skipped is no "no": it may have been a "yes"."""
    columns = columns_of(rule, inputs)
    some = " or ".join(f"{column} is not null" for column in columns)
    if len(columns) == 1:
        return some
    every = " and ".join(told[column] for column in columns)
    return f"({_holds(rule, inputs)}) or (({some}) and {every})"


def _holds(rule: ClassRule, inputs: Inputs) -> str:
    return " or ".join(condition_sql(part, inputs) for part in rule.counted)
