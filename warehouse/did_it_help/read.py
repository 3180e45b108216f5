"""Cases and the answers of two waves, as `transforms/did_it_help` takes them.

Only the route of the health service: cases about adults at school are few, and never counted with
the others.
"""

from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from schemas.instrument import LOWEST_OPTION, Instrument
from transforms.did_it_help.arms import Between
from transforms.did_it_help.programme import CaseTables
from warehouse.instruments import answer_table, score_table

ROUTE = "health_service"

_FLAGS = f"""
    select flag_id, wave_id, school_id, class_group, pupil, review_due, reviewed_on,
        (raised_at at time zone $timezone)::date as raised_on
    from core.flag
    where target = 'pupil' and status <> 'withdrawn' and route = '{ROUTE}'
"""

# A case is of the wave of its earliest flag; one that no flag began, of the wave that had opened.
_CASES = f"""
    with flagged as (
        select case_id, arg_min(f.wave_id, (w.opens, f.wave_id)) as wave_id
        from (select case_id, unnest(linked_flag_ids) as flag_id from core.support_case)
            join core.flag f using (flag_id) join core.dim_wave w using (wave_id)
        group by all
    ),
    opened as (
        select case_id, arg_max(w.wave_id, (w.opens, w.wave_id)) as wave_id
        from core.support_case c join core.dim_wave w on w.opens <= c.opened_on
        group by all
    )
    select c.case_id, coalesce(f.wave_id, o.wave_id) as wave_id, c.school_id, c.class_group,
        c.pupil, c.situation, c.origin, c.linked_flag_ids as flag_ids, c.opened_on, c.status,
        c.closed_on, c.outcome_level
    from core.support_case c left join flagged f using (case_id) left join opened o using (case_id)
    where c.route = '{ROUTE}' and coalesce(f.wave_id, o.wave_id) is not null
"""
_OF_CASES = {
    "events": """
        select case_id, step::bigint as step, action, happened_on, detail ->> 'why' as why
        from core.case_event
    """,
    "groups": "select case_id, formed_on, size::bigint as size, ended_on from core.support_group",
    "meetings": "select case_id, kind, held_on from core.meeting",
    "ratings": """
        select case_id, step::bigint as step, question, value::bigint as value
        from core.scale_rating
    """,
}


def case_tables(con: duckdb.DuckDBPyConnection, timezone: str) -> CaseTables:
    """All cases with what stands beside them; `timezone` is that of the municipality's days."""
    cases = _fetch(con, _CASES)
    own = cases.select("case_id")
    beside = {
        name: _fetch(con, query).join(own, on="case_id", how="semi")
        for name, query in _OF_CASES.items()
    }
    return CaseTables(_fetch(con, _FLAGS, timezone=timezone), cases, **beside)


def waves_after(con: duckdb.DuckDBPyConnection, wave_id: str, days: int) -> list[str]:
    """The waves that somebody answered and that opened after one, within so many days; in order."""
    rows = con.execute(
        """
        select w.wave_id
        from core.dim_wave w join core.dim_wave one on one.wave_id = $wave and w.opens > one.opens
        where w.opens <= one.opens + $days::integer
            and w.wave_id in (select wave_id from core.response)
        order by w.opens, w.wave_id
        """,
        {"wave": wave_id, "days": days},
    ).fetchall()
    return [wave for (wave,) in rows]


def between(con: duckdb.DuckDBPyConnection, wave_id: str, next_wave: str) -> Between:
    """The days from the opening of a wave up to that of the next."""
    days = dict(con.execute("select wave_id, opens from core.dim_wave").fetchall())
    return Between(days[wave_id], days[next_wave])


def asked_in(con: duckdb.DuckDBPyConnection, name: str, wave_ids: Sequence[str]) -> list[str]:
    """Those of the waves in which somebody has a value of `instrument.scale` or `.item`."""
    if not _is_known(con, name):
        return []
    rows = con.execute(
        f"""
        select distinct wave_id from core.response join ({_values(con, name)}) using (response_id)
        where list_contains($waves, wave_id)
        """,
        {"waves": list(wave_ids)},
    ).fetchall()
    return [wave for (wave,) in rows]


def pairs(con: duckdb.DuckDBPyConnection, name: str, wave_id: str, next_wave: str) -> pl.DataFrame:
    """Pupils with a value in both waves, at the school and in the class and grade of the first.

    A pupil of an older key is the same where that was decided (`core.same_pupil`), and is called
    what the first wave calls them. Of several forms of a wave the one read last counts.
    """
    return _fetch(
        con,
        f"""
        with value as ({_values(con, name)}),
        form as (
            select r.* from core.response r join value using (response_id)
            where pupil is not null and wave_id in ($first, $second)
            qualify row_number() over (
                partition by wave_id, school_id, pupil order by response_id desc
            ) = 1
        ),
        named as (
            select pupil, pupil as known_as from form union select * from core.same_pupil
        )
        select a.school_id, a.pupil, a.class_group, a.grade,
            x.amount as before, y.amount as after
        from form a join named n on n.pupil = a.pupil
            join form b on b.pupil = n.known_as and b.wave_id = $second
            join value x on x.response_id = a.response_id
            join value y on y.response_id = b.response_id
        where a.wave_id = $first
        qualify row_number() over (
            partition by a.school_id, a.pupil order by b.response_id desc
        ) = 1
        order by a.school_id, a.pupil
        """,
        first=wave_id,
        second=next_wave,
    )


def flags_of(con: duckdb.DuckDBPyConnection, wave_id: str) -> pl.DataFrame:
    """Pupils with a flag of the wave: school_id, pupil, level, situation, rule_id."""
    return _fetch(
        con,
        f"""
        select distinct school_id, pupil, level, situation, rule_id from core.flag
        where wave_id = $wave and target = 'pupil' and status <> 'withdrawn' and route = '{ROUTE}'
        """,
        wave=wave_id,
    )


def groups_of(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every group: school_id, class_group, formed_on, and pupil under each name of theirs."""
    return _fetch(
        con,
        f"""
        with formed as (
            select school_id, class_group, pupil, formed_on
            from core.support_group join core.support_case using (case_id) where route = '{ROUTE}'
        )
        from formed union select school_id, class_group, s.pupil, formed_on
        from formed join core.same_pupil s on s.known_as = formed.pupil
        """,
    )


def spread_of(con: duckdb.DuckDBPyConnection, name: str, wave_id: str) -> float:
    """The standard deviation within grades of everybody who answered, whether linked or not."""
    [(spread,)] = con.execute(
        f"""
        with grade as (
            select count(*) - 1 as free, var_samp(amount) as v
            from core.response join ({_values(con, name)}) using (response_id)
            where wave_id = $wave group by grade having count(*) > 1
        )
        select sqrt(sum(free * v) / nullif(sum(free), 0)) from grade
        """,
        {"wave": wave_id},
    ).fetchall()
    return float(spread or 0)


def primary_reliability(instruments: Mapping[str, Instrument], name: str) -> float | None:
    """The lowest reliability that is declared for a scale; None for an item, or where none is."""
    key, _, part = name.partition(".")
    scales = instruments[key].scales if key in instruments else ()
    values = [said.value for scale in scales if scale.id == part for said in scale.reliability]
    return min(values, default=None)


def _is_known(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    return bool(_places(con, name))


def _places(con: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """The tables that hold the answers to an item, or the scores of a scale."""
    key, _, part = name.partition(".")
    rows = con.execute(
        """
        select table_name from information_schema.columns where table_schema = 'core'
            and table_name in ('answer_' || $key, 'score_' || $key) and column_name = $part
        order by table_name desc
        """,
        {"key": key, "part": part},
    ).fetchall()
    return [table for (table,) in rows]


def _values(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """response_id and amount of every form that has the scale's score, or an answer to the item."""
    key, _, part = name.partition(".")
    if score_table(key).removeprefix("core.") in _places(con, name):
        return f"""
            select response_id, {part}::double as amount from {score_table(key)}
            where {part} is not null
        """
    return f"""
        select response_id, {part}::double as amount from {answer_table(key)}
        where {part} >= {LOWEST_OPTION}
    """


def _fetch(con: duckdb.DuckDBPyConnection, query: str, **named: object) -> pl.DataFrame:
    return pl.DataFrame(con.sql(query, params=named or None).to_arrow_table())
