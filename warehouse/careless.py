"""Marks on stored forms that may have been filled in without reading: computed when asked for.

A mark depends on the rest of the class, which grows with every late form, so none is stored.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from schemas.instrument import Instrument
from transforms.careless import careless_marks
from warehouse.instruments import answer_table

# Told of a pupil, and not counted in a class: where all thrive, many forms are equal.
_BY_CHANCE = "identical"


@dataclass(frozen=True, slots=True)
class Marks:
    """`of_pupil`: the marks of (school, pupil); `in_class`: how many forms of (school, class)."""

    of_pupil: Mapping[tuple[str, str], tuple[str, ...]] = field(repr=False)
    in_class: Mapping[tuple[str, str], int]


def marks_in(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    school_ids: Sequence[str],
    instruments: Mapping[str, Instrument],
) -> Marks:
    """The marks of the schools' forms in a wave; each survey is looked at by itself."""
    of_pupil: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    in_class: defaultdict[tuple[str, str], int] = defaultdict(int)
    for survey_id in _surveys(con, wave_id, school_ids):
        forms = _forms(con, wave_id, school_ids, survey_id, instruments)
        marks = careless_marks(
            forms, list(instruments.values()), answer_time_ms=forms.column("answer_time_ms")
        )
        for name in marks.column_names:
            marked = forms.filter(pc.fill_null(marks.column(name), fill_value=False))
            for pair in marked.select(["school_id", "pupil_code"]).to_pylist():
                of_pupil[pair["school_id"], pair["pupil_code"]].add(name)
        counted = forms.filter(_any(marks.drop_columns([_BY_CHANCE])))
        per_class = counted.group_by(["school_id", "class_group"]).aggregate([([], "count_all")])
        for row in per_class.to_pylist():
            in_class[row["school_id"], row["class_group"]] += row["count_all"]
    return Marks({key: tuple(sorted(names)) for key, names in of_pupil.items()}, in_class)


def _surveys(con: duckdb.DuckDBPyConnection, wave_id: str, school_ids: Sequence[str]) -> list[str]:
    found = con.execute(
        """
        select distinct survey_id from core.response
        where wave_id = $wave and school_id in (select unnest($schools)) order by 1
        """,
        {"wave": wave_id, "schools": list(school_ids)},
    ).fetchall()
    return [survey_id for (survey_id,) in found]


def _forms(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    school_ids: Sequence[str],
    survey_id: str,
    instruments: Mapping[str, Instrument],
) -> pa.Table:
    """The forms with their answers, in the columns that `careless_marks` reads."""
    items = [
        f'{key}.{item.id} as "{key}.{item.id}"'
        for key, instrument in instruments.items()
        for item in instrument.items
    ]
    joins = [f"left join {answer_table(key)} {key} using (response_id)" for key in instruments]
    columns = ["r.wave_id, r.school_id, r.class_group, r.pupil as pupil_code, r.answer_time_ms"]
    return con.sql(
        f"""
        select {", ".join(columns + items)} from core.response r {" ".join(joins)}
        where r.wave_id = $wave and r.survey_id = $survey
            and r.school_id in (select unnest($schools))
        """,
        params={"wave": wave_id, "survey": survey_id, "schools": list(school_ids)},
    ).to_arrow_table()


def _any(marks: pa.Table) -> pa.ChunkedArray:
    found = pc.fill_null(marks.column(0), fill_value=False)
    for column in marks.columns[1:]:
        found = pc.or_(found, pc.fill_null(column, fill_value=False))
    return found
