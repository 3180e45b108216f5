"""True counts for the analysts' file, read from the restricted warehouse.

What comes out of here has not passed the disclosure gate: it goes to transforms/disclosure.py and
nowhere else. Totals are whole numbers, so no order of summation changes a digit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.indicator import Figure, ItemCondition
from schemas.instrument import LOWEST_OPTION
from schemas.rule import ClassRule, PupilRule
from transforms.disclosure import CELLS, SCORE_UNIT, schools_and_grades_hang_together
from warehouse.instruments import answer_table, score_table

GENDERS = ("girl", "boy", "other", "not_stated")
PLACES = ("wave_id", "school_id", "grade", "gender")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: waves, and every school that has a row in each table, pupils or not."""

    waves: tuple[str, ...]
    schools: tuple[str, ...]


def indicator_cells(
    con: duckdb.DuckDBPyConnection, figures: Iterable[Figure], scope: Scope
) -> pa.Table:
    """One row a figure, wave and place, with the columns of CELLS, PLACES, indicator, statistic."""
    asked = [figure for figure in figures if _is_answered(con, figure.instrument)]
    if not asked:
        return _no_cells()
    _number_groups(con, scope)
    cells = _count_places(con, _measured_sql(asked), asked, scope)
    con.execute("drop table temp.pupil_group").fetchall()
    con.execute("drop table temp.form_group").fetchall()
    return pa.concat_tables(cells)


def response_cells(con: duckdb.DuckDBPyConnection, scope: Scope) -> pa.Table:
    """One row a wave and school, and the whole: pupils on the class lists, and of them answered."""
    places = _fetch(con, _RESPONSES_SQL, scope)
    table = pc.binary_join_element_wise(places.column("wave_id"), "response_rate", "|")
    return _drop_empty_tables(_as_cells(places, table=table, kind="share"))


def flag_cells(
    con: duckdb.DuckDBPyConnection, rules: Sequence[PupilRule | ClassRule], scope: Scope
) -> pa.Table:
    """One row a wave, school (and the whole), target, situation and level: how many are flagged.

    The situations and levels are those that the rules can raise, flagged or not, so that the mere
    presence of a row says nothing.
    """
    kinds = sorted({kind for rule in rules for kind in _raised_by(rule)})
    targets, situations, levels = zip(*kinds, strict=True) if kinds else ((), (), ())
    named = {"targets": list(targets), "situations": list(situations), "levels": list(levels)}
    places = _fetch(con, _FLAGS_SQL, scope, **named)
    parts = [places.column(name) for name in ("wave_id", "target", "situation", "flag_level")]
    table = pc.binary_join_element_wise(*parts, "|")
    return _drop_empty_tables(_as_cells(places, table=table, kind="count"))


_RESPONSES_SQL = """
with answered as (
    select wave_id, school_id, class_group, survey_id, count(*) as forms
    from core.response
    where list_contains($waves, wave_id)
    group by all
),
-- A pupil may answer more than one survey of a wave: the fullest survey counts.
answered_class as (
    select wave_id, school_id, class_group, max(forms) as forms from answered group by all
),
asked as (
    select distinct wave_id, grade from core.response where list_contains($waves, wave_id)
),
per_class as (
    select asked.wave_id, listed.school_id, listed.enrolled as n,
        least(coalesce(answered_class.forms, 0), listed.enrolled) as total
    from core.dim_class_group as listed
    join core.dim_wave as wave using (school_year)
    join asked on asked.wave_id = wave.wave_id and asked.grade = listed.grade
    left join answered_class
        on answered_class.wave_id = asked.wave_id
        and answered_class.school_id = listed.school_id
        and answered_class.class_group = listed.class_group
)
select wave_id, school_id, sum(n)::bigint as n, sum(total)::bigint as total,
    count(*) as classes
from per_class
group by grouping sets ((wave_id), (wave_id, school_id))
union all by name
select wave_id, school_id
from unnest($schools) as s(school_id), unnest($waves) as w(wave_id)
where (wave_id, school_id) not in (select (wave_id, school_id) from per_class)
"""

_FLAGS_SQL = """
with kind as (
    select unnest($targets::varchar[]) as target, unnest($situations::varchar[]) as situation,
        unnest($levels::varchar[]) as flag_level
),
asked as (
    select wave_id, school_id,
        count(distinct pupil) as pupils, count(distinct class_group) as classes
    from core.response where list_contains($waves, wave_id) group by all
    union all by name
    select wave_id, school_id, 0 as pupils, 0 as classes
    from unnest($schools) as s(school_id), unnest($waves) as w(wave_id)
    where (wave_id, school_id) not in (select (wave_id, school_id) from core.response)
),
flagged as (
    select wave_id, school_id, target, situation, level as flag_level,
        count(distinct case target when 'pupil' then pupil else class_group end) as total
    from core.flag
    where list_contains($waves, wave_id) and status <> 'withdrawn' and route = 'health_service'
    group by all
),
per_school as (
    select asked.wave_id, asked.school_id, target, situation, flag_level, asked.classes,
        case target when 'pupil' then asked.pupils else asked.classes end as n,
        coalesce(flagged.total, 0) as total
    from asked cross join kind
    left join flagged using (wave_id, school_id, target, situation, flag_level)
)
select wave_id, school_id, target, situation, flag_level, sum(n)::bigint as n,
    sum(least(total, n))::bigint as total, sum(classes)::bigint as classes
from per_school
group by grouping sets (
    (wave_id, target, situation, flag_level),
    (wave_id, school_id, target, situation, flag_level)
)
"""


def _raised_by(rule: PupilRule | ClassRule) -> list[tuple[str, str, str]]:
    levels = ["alert", "watch"] if rule.target == "class" else [step.level for step in rule.steps]
    return [(rule.target, rule.situation, level) for level in levels]


def _is_answered(con: duckdb.DuckDBPyConnection, instrument: str) -> bool:
    known = con.execute("select instrument_key from core.dim_instrument").fetchall()
    if (instrument,) not in known:
        return False
    return bool(con.execute(f"select 1 from {answer_table(instrument)} limit 1").fetchall())


def _number_groups(con: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    """Number the pupils of one class, grade and gender: every figure is then summed over numbers.

    Grouping all forms by five names anew for each instrument would take most of a publication.
    """
    con.execute(
        """
        create or replace temp table pupil_group as
        select row_number() over ()::integer as group_no, *
        from (
            select distinct wave_id, school_id, class_group, grade, gender
            from core.response where list_contains($waves, wave_id)
        )
        """,
        {"waves": list(scope.waves)},
    ).fetchall()
    con.execute("""
        create or replace temp table form_group as
        select r.response_id, g.group_no
        from core.response r join pupil_group g
            on g.wave_id = r.wave_id and g.school_id = r.school_id
            and g.class_group = r.class_group and g.grade = r.grade
            and g.gender is not distinct from r.gender
    """).fetchall()


def _measured_sql(figures: Sequence[Figure]) -> str:
    """Pupil groups: how many of each count for figure i (n_i), and their sum (t_i)."""
    instruments = dict.fromkeys(figure.instrument for figure in figures)
    sums = " ".join(
        f"left join ({_sums_sql(instrument, figures)}) using (group_no)"
        for instrument in instruments
    )
    return f"""
        select * replace (coalesce(gender, 'not_stated') as gender) from pupil_group {sums}
    """


def _sums_sql(instrument: str, figures: Sequence[Figure]) -> str:
    """The sums of one instrument's figures, a row a pupil group that was asked."""
    own = [(i, figure) for i, figure in enumerate(figures) if figure.instrument == instrument]
    joins = f"join {answer_table(instrument)} as a on a.response_id = f.response_id"
    if any(figure.scale for _, figure in own):
        joins += f" left join {score_table(instrument)} as s on s.response_id = f.response_id"
    terms = [(i, _score_terms(f) if f.scale else _answer_terms(f.any_of)) for i, f in own]
    columns = ",\n".join(
        f"count(*) filter (where {known}) as n_{i},"
        f" coalesce(sum({adds}) filter (where {known}), 0)::bigint as t_{i}"
        for i, (known, adds) in terms
    )
    return f"select f.group_no, {columns} from form_group as f {joins} group by f.group_no"


def _answer_terms(any_of: Sequence[ItemCondition]) -> tuple[str, str]:
    sign = {"at_least": ">=", "at_most": "<="}
    answered = [f"coalesce(a.{c.item} >= {LOWEST_OPTION}, false)" for c in any_of]
    met = [f"a.{c.item} {sign[c.op]} {c.threshold}" for c in any_of]
    pairs = zip(answered, met, strict=True)
    holds = " or ".join(f"({is_there} and {is_met})" for is_there, is_met in pairs)
    known = f"({holds} or ({' and '.join(answered)}))"
    return known, f"case when {holds} then 1 else 0 end"


def _score_terms(figure: Figure) -> tuple[str, str]:
    known = f"s.{figure.scale} is not null"
    if figure.band is None:
        return known, f"round(s.{figure.scale} * {SCORE_UNIT})::bigint"
    return known, f"case when s.{figure.scale}_band = '{figure.band}' then 1 else 0 end"


def _count_places(
    con: duckdb.DuckDBPyConnection, measured: str, figures: Sequence[Figure], scope: Scope
) -> list[pa.Table]:
    """Sum classes up to places. A class that mixes grades is still one class."""
    numbers = range(len(figures))
    sums = ", ".join(f"sum(n_{i})::bigint as n_{i}, sum(t_{i})::bigint as t_{i}" for i in numbers)
    counted = ", ".join(f"count(*) filter (where n_{i} > 0) as c_{i}" for i in numbers)
    query = f"""
        with measured as materialized ({measured}),
        of_class as materialized (
            select wave_id, school_id, class_group, grade, gender, {sums}
            from measured
            group by grouping sets (
                (wave_id, school_id, class_group),
                (wave_id, school_id, class_group, grade),
                (wave_id, school_id, class_group, gender)
            )
        )
        select wave_id, school_id, {sums}, {counted}
        from of_class where grade is null and gender is null
        group by grouping sets ((wave_id), (wave_id, school_id))
        union all by name
        select wave_id, school_id, grade, {sums}, {counted}
        from of_class where grade is not null
        group by grouping sets ((wave_id, grade), (wave_id, school_id, grade))
        union all by name
        select wave_id, gender, {sums}, {counted}
        from of_class where gender is not null
        group by wave_id, gender
        union all by name
        select wave_id, school_id
        from unnest($schools) as s(school_id), unnest($waves) as w(wave_id)
        where (wave_id, school_id) not in (select (wave_id, school_id) from of_class)
        union all by name
        select wave_id, gender from unnest($genders) as g(gender), unnest($waves) as w(wave_id)
        where (wave_id, gender) not in (select (wave_id, gender) from measured)
    """
    places = _fetch(con, query, scope, genders=list(GENDERS))
    return [_figure_cells(places, figure, i) for i, figure in enumerate(figures)]


def _figure_cells(places: pa.Table, figure: Figure, i: int) -> pa.Table:
    """The cells of figure i: its three columns of `places`, without the school-by-grade rows."""
    own = places.select([*PLACES, f"n_{i}", f"t_{i}", f"c_{i}"]).rename_columns(
        [*PLACES, "n", "total", "classes"]
    )
    taught = pc.and_(pc.is_valid(own.column("school_id")), pc.is_valid(own.column("grade")))
    cells = own.filter(pc.invert(taught))
    named = cells.append_column("indicator", _constant(figure.id, cells)).append_column(
        "statistic", _constant(figure.statistic, cells)
    )
    unit = SCORE_UNIT if figure.statistic == "mean" else 1
    return _drop_empty_tables(
        _as_cells(
            named,
            table=pc.binary_join_element_wise(cells.column("wave_id"), figure.id, "|"),
            kind=figure.statistic,
            reach=(round(figure.minimum * unit), round(figure.maximum * unit)),
            in_pieces=_waves_in_pieces(own.filter(pc.and_(taught, pc.greater(own.column("n"), 0)))),
        )
    )


def _waves_in_pieces(taught: pa.Table) -> list[str]:
    """The waves whose schools and grades do not hang together."""
    wave, school = (
        np.asarray(taught.column(name).to_numpy(), dtype=np.str_)
        for name in ("wave_id", "school_id")
    )
    grade = np.asarray(taught.column("grade").to_numpy(), dtype=np.int64)
    school_no = np.unique(school, return_inverse=True)[1]
    return [
        str(wave_id)
        for wave_id in np.unique(wave)
        if not schools_and_grades_hang_together(school_no[wave == wave_id], grade[wave == wave_id])
    ]


def _as_cells(
    places: pa.Table,
    *,
    table: pa.ChunkedArray,
    kind: str,
    reach: tuple[int, int] = (0, 1),
    in_pieces: Sequence[str] = (),
) -> pa.Table:
    """Add what the disclosure gate needs to know of each row; a place without pupils has zeros."""
    in_one_piece = pc.invert(pc.is_in(places.column("wave_id"), pa.array(in_pieces, pa.string())))
    columns = {
        "table": table,
        "kind": _constant(kind, places),
        "level": _level(places),
        "lowest": _constant(reach[0], places),
        "highest": _constant(reach[1], places),
        "one_piece": in_one_piece,
    }
    for name in ("n", "total", "classes"):
        columns[name] = pc.fill_null(places.column(name), 0)
    others = [name for name in places.column_names if name not in CELLS.names]
    cells = pa.table({name: columns[name] for name in CELLS.names}).cast(CELLS)
    for name in others:
        cells = cells.append_column(name, places.column(name))
    return cells


def _level(places: pa.Table) -> pa.ChunkedArray:
    level = _constant("municipality", places)
    for column, name in (("gender", "gender"), ("grade", "grade"), ("school_id", "school")):
        if column in places.column_names:
            level = pc.if_else(pc.is_valid(places.column(column)), name, level)
    return level


def _drop_empty_tables(cells: pa.Table) -> pa.Table:
    """Leave out the tables that nobody in the municipality is in: the question was not asked."""
    is_whole = pc.equal(cells.column("level"), "municipality")
    asked = cells.filter(pc.and_(is_whole, pc.greater(cells.column("n"), 0))).column("table")
    return cells.filter(pc.is_in(cells.column("table"), value_set=asked))


def _no_cells() -> pa.Table:
    texts = [pa.field(name, pa.string()) for name in ("indicator", "statistic")]
    places = [pa.field(name, pa.int8() if name == "grade" else pa.string()) for name in PLACES]
    return pa.schema([*CELLS, *places, *texts]).empty_table()


def _constant(value: str | int, rows: pa.Table) -> pa.Array:
    return pa.array([value]).take(pa.array(np.zeros(rows.num_rows, dtype=np.int64)))


def _fetch(
    con: duckdb.DuckDBPyConnection, query: str, scope: Scope, **named: list[str]
) -> pa.Table:
    bound = {"waves": list(scope.waves), "schools": list(scope.schools), **named}
    return con.sql(query, params=bound).to_arrow_table()
