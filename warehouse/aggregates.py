"""True counts for the analysts' file, read from the restricted warehouse.

What comes out of here has not passed the disclosure gate: it goes to transforms/disclosure/ and
nowhere else. Totals are whole numbers, so no order of summation changes a digit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.indicator import Figure, ItemCondition
from schemas.instrument import LOWEST_OPTION
from schemas.publication import publication_plan
from schemas.rule import ClassRule, PupilRule
from transforms.disclosure import CELLS, SCORE_UNIT, schools_and_grades_hang_together
from warehouse.asked import ASKED_CLASS_SQL
from warehouse.counted import PLACES, Counted
from warehouse.instruments import answer_table, given_score_table

GENDERS = ("girl", "boy", "other", "not_stated")

# Grades of schools are proven one by one, over all that they have in common with others. Of more
# than these, which no municipality has by far, none is published.
MOST_SCHOOL_GRADES = 2_500


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: waves, and every school that has a row in each table, pupils or not."""

    waves: tuple[str, ...]
    schools: tuple[str, ...]
    grades_of_schools: bool = False


def count_indicators(
    con: duckdb.DuckDBPyConnection, figures: Iterable[Figure], scope: Scope
) -> Counted:
    """One row a figure, wave and place, with the columns of CELLS, PLACES, indicator, statistic."""
    asked = [figure for figure in figures if _is_answered(con, figure.instrument)]
    if not asked:
        return Counted(_no_cells())
    _number_groups(con, scope)
    groups = _measure(con, asked)
    cells = pa.concat_tables(_count_places(groups, asked, scope))
    con.execute("drop table temp.pupil_group").fetchall()
    con.execute("drop table temp.form_group").fetchall()
    return Counted(cells, groups, tuple(figure.id for figure in asked))


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


_RESPONSES_SQL = f"""
with listed as ({ASKED_CLASS_SQL}),
answered as (
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
    select wave_id, list(distinct grade) as grades
    from core.response where list_contains($waves, wave_id) group by all
),
per_class as (
    select asked.wave_id, listed.school_id, listed.enrolled as n,
        least(coalesce(answered_class.forms, 0), listed.enrolled) as total
    from listed
    join asked on asked.wave_id = listed.wave_id and list_has_any(asked.grades, listed.grades)
    left join answered_class
        on answered_class.wave_id = asked.wave_id
        and answered_class.school_id = listed.school_id
        and answered_class.class_group = listed.class_group
    where listed.enrolled is not null
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
per_survey as (
    select wave_id, school_id, survey_id, class_group, count(pupil) as pupils
    from core.response where list_contains($waves, wave_id) group by all
),
-- A pupil has one form in a survey. Only where a school has answered two does it take the codes.
one_survey as (
    select wave_id, school_id, sum(pupils)::bigint as pupils
    from per_survey group by all having count(distinct survey_id) = 1
),
asked as (
    select wave_id, school_id, one_survey.pupils, count(*) as classes
    from per_survey join one_survey using (wave_id, school_id) group by all
    union all by name
    select wave_id, school_id,
        count(distinct pupil) as pupils, count(distinct class_group) as classes
    from core.response anti join one_survey using (wave_id, school_id)
    where list_contains($waves, wave_id) group by all
    union all by name
    select wave_id, school_id, 0 as pupils, 0 as classes
    from unnest($schools) as s(school_id), unnest($waves) as w(wave_id)
    where (wave_id, school_id) not in (select (wave_id, school_id) from per_survey)
),
-- Two rules of one situation may flag the same pupil, who counts once.
flagged_once as (
    select distinct wave_id, school_id, target, situation, level as flag_level,
        case target when 'pupil' then pupil else class_group end as who
    from core.flag
    where list_contains($waves, wave_id) and status <> 'withdrawn' and route = 'health_service'
),
flagged as (
    select * exclude (who), count(*) as total from flagged_once group by all
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
        select r.response_id, r.grade, g.group_no
        from core.response r join pupil_group g
            on g.wave_id = r.wave_id and g.school_id = r.school_id
            and g.class_group = r.class_group and g.grade = r.grade
            and g.gender is not distinct from r.gender
    """).fetchall()


def _measure(con: duckdb.DuckDBPyConnection, figures: Sequence[Figure]) -> pl.DataFrame:
    """Pupil groups: how many of each count for figure i (n_i), and their whole-number sum (t_i)."""
    groups = con.sql("""
        select * replace (coalesce(gender, 'not_stated') as gender) from pupil_group
        order by group_no
    """).to_arrow_table()
    columns = {name: groups.column(name) for name in groups.column_names}
    for instrument in dict.fromkeys(figure.instrument for figure in figures):
        sums = con.sql(_sums_sql(instrument, figures)).to_arrow_table()
        place = sums.column("group_no").to_numpy() - 1
        for name in sums.column_names[1:]:
            whole = np.zeros(groups.num_rows, np.int64)
            whole[place] = sums.column(name).to_numpy()
            columns[name] = pa.chunked_array([whole])
    return pl.DataFrame(pa.table(columns))


def _sums_sql(instrument: str, figures: Sequence[Figure]) -> str:
    """The sums of one instrument's figures, a row a pupil group that was asked.

    A form that does not count for a figure is null there: a FILTER on each sum would take twice
    the time.
    """
    own = [(i, figure) for i, figure in enumerate(figures) if figure.instrument == instrument]
    joins = ""
    if any(figure.scale for _, figure in own):
        joins += f" join {given_score_table(instrument)} as s on s.response_id = f.response_id"
    if any(not figure.scale for _, figure in own):
        joins += f" join {answer_table(instrument)} as a on a.response_id = f.response_id"
    adds = [f"{_score_sql(f) if f.scale else _answer_sql(f.any_of)} as x_{i}" for i, f in own]
    sums = [f"count(x_{i}) as n_{i}, coalesce(sum(x_{i}), 0)::bigint as t_{i}" for i, _ in own]
    return f"""
        select group_no, {", ".join(sums)}
        from (select f.group_no, {", ".join(adds)} from form_group as f {joins})
        group by group_no
    """


def _answer_sql(any_of: Sequence[ItemCondition]) -> str:
    """1 where a condition holds, 0 where none can hold, null where an answer is missing."""
    sign = {"at_least": ">=", "at_most": "<="}
    answered = [f"coalesce(a.{c.item} >= {LOWEST_OPTION}, false)" for c in any_of]
    met = [f"a.{c.item} {sign[c.op]} {c.threshold}" for c in any_of]
    pairs = zip(answered, met, strict=True)
    holds = " or ".join(f"({is_there} and {is_met})" for is_there, is_met in pairs)
    return f"case when {holds} then 1 when {' and '.join(answered)} then 0 end"


def _score_sql(figure: Figure) -> str:
    """What a form's score adds to the figure; null where there is none, or none for the grade."""
    score = f"case when f.grade between s.from_grade and s.to_grade then s.{figure.scale} end"
    if figure.band is None:
        return f"round({score} * {SCORE_UNIT})::bigint"
    is_in_band = f"s.{figure.scale}_band is not distinct from '{figure.band}'"
    return f"case when ({score}) is not null then ({is_in_band})::integer end"


def _count_places(groups: pl.DataFrame, figures: Sequence[Figure], scope: Scope) -> list[pa.Table]:
    """Sum classes up to places. A class that mixes grades is still one class."""
    places = [
        _sum_up(groups, ["wave_id"], [], figures),
        _sum_up(groups, ["wave_id", "school_id"], [], figures),
        _sum_up(groups, ["wave_id", "grade"], ["grade"], figures),
        _sum_up(groups, ["wave_id", "school_id", "grade"], ["grade"], figures),
        _sum_up(groups, ["wave_id", "gender"], ["gender"], figures),
        _without_forms(groups, "school_id", scope.schools, scope.waves),
        _without_forms(groups, "gender", GENDERS, scope.waves),
    ]
    found = pl.concat(places, how="diagonal").to_arrow(compat_level=pl.CompatLevel.oldest())
    names = {
        field.name: pa.string() for field in found.schema if pa.types.is_large_string(field.type)
    }
    all_places = found.cast(pa.schema({f.name: names.get(f.name, f.type) for f in found.schema}))
    return [_figure_cells(all_places, figure, i, scope) for i, figure in enumerate(figures)]


def _sum_up(
    groups: pl.DataFrame, place: list[str], within: list[str], figures: Sequence[Figure]
) -> pl.DataFrame:
    """The sums of each place, and c_i: its classes where figure i counts somebody.

    `within` are the names that divide a class into the parts that such a place is made of.
    """
    numbers = range(len(figures))
    sums = [f"{kind}_{i}" for i in numbers for kind in "nt"]
    classes = groups.group_by("wave_id", "school_id", "class_group", *within).agg(
        pl.col(sums).sum()
    )
    counted = [(pl.col(f"n_{i}") > 0).sum().cast(pl.Int64).alias(f"c_{i}") for i in numbers]
    return classes.group_by(place).agg(pl.col(sums).sum(), *counted)


def _without_forms(
    groups: pl.DataFrame, name: str, known: Sequence[str], waves: Sequence[str]
) -> pl.DataFrame:
    """The places of a kind that no form of a wave comes from."""
    every = pl.DataFrame({"wave_id": waves}).join(pl.DataFrame({name: known}), how="cross")
    return every.join(groups, on=["wave_id", name], how="anti")


def _figure_cells(places: pa.Table, figure: Figure, i: int, scope: Scope) -> pa.Table:
    """The cells of figure i: its three columns of `places`."""
    own = places.select([*PLACES, f"n_{i}", f"t_{i}", f"c_{i}"]).rename_columns(
        [*PLACES, "n", "total", "classes"]
    )
    taught = pc.and_(pc.is_valid(own.column("school_id")), pc.is_valid(own.column("grade")))
    in_plan = "school_grade" in [place.id for place in publication_plan().places]
    are_few = pc.sum(taught).as_py() <= MOST_SCHOOL_GRADES * len(scope.waves)
    is_wanted = scope.grades_of_schools and in_plan and are_few
    cells = own if is_wanted else own.filter(pc.invert(taught))
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
    if {"grade", "school_id"} <= set(places.column_names):
        both = pc.and_(pc.is_valid(places.column("grade")), pc.is_valid(places.column("school_id")))
        level = pc.if_else(both, "school_grade", level)
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
