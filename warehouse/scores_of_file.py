"""Scores of one file's typed rows, in a database in memory: nothing is stored."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from schemas.instrument import DONT_KNOW, SKIPPED, Instrument, Scale
from transforms.scoring import score_sql


@dataclass(frozen=True, slots=True)
class ScaleCounts:
    """Rows by what became of one scale: scored or not, at its ends, and in its bands."""

    scale_id: str
    scored: int
    at_floor: int
    at_ceiling: int
    bands: dict[str, int]


def score_rows(instrument: Instrument, rows: pa.Table) -> pa.Table:
    """`row_no` and SCALE, SCALE_n, SCALE_band; none for pupils whom the instrument is not for.

    `rows`: accepted rows as the validator types them, with `instrument_key.item` columns.
    """
    columns = ", ".join(
        name for scale in instrument.scales for name in score_sql(instrument, scale)
    )
    answers = ", ".join(f'"{instrument.key}.{name}" as {name}' for name in instrument.columns)
    with duckdb.connect() as con:
        con.register("typed", rows)
        return con.sql(f"""
            with scored as (
                select row_no, {columns}
                from (
                    select row_no, {answers} from typed
                    where grade between {instrument.min_grade} and {instrument.max_grade}
                )
            )
            select * from (select row_no from typed) left join scored using (row_no) order by row_no
        """).to_arrow_table()


def missing_counts(instrument: Instrument, rows: pa.Table) -> dict[str, int]:
    """How many answers are missing, by kind: skipped, dont_know, not_asked."""
    columns = [f'"{instrument.key}.{name}"' for name in instrument.columns]
    kinds = {
        "skipped": "{} = " + str(SKIPPED),
        "dont_know": "{} = " + str(DONT_KNOW),
        "not_asked": "{} is null",
    }
    sums = [
        " + ".join(f"count(*) filter ({test.format(name)})" for name in columns)
        for test in kinds.values()
    ]
    with duckdb.connect() as con:
        con.register("typed", rows)
        [counts] = con.execute(f"select {', '.join(sums)} from typed").fetchall()
    return dict(zip(kinds, counts, strict=True))


def scale_counts(instrument: Instrument, scores: pa.Table) -> list[ScaleCounts]:
    """Counts of each scale over what `score_rows` gives."""
    with duckdb.connect() as con:
        con.register("scored", scores)
        return [_counts_of(con, scale) for scale in instrument.scales]


def _counts_of(con: duckdb.DuckDBPyConnection, scale: Scale) -> ScaleCounts:
    [(scored, at_floor, at_ceiling)] = con.execute(
        f"""
        select count({scale.id}), count(*) filter ({scale.id} = $low),
            count(*) filter ({scale.id} = $high)
        from scored
        """,
        {"low": scale.minimum, "high": scale.maximum},
    ).fetchall()
    banded = con.execute(f"""
        select {scale.id}_band, count(*) from scored where {scale.id}_band is not null group by all
    """).fetchall()
    found = dict(banded)
    bands = {band.id: found.get(band.id, 0) for band in scale.bands}
    return ScaleCounts(scale.id, scored, at_floor, at_ceiling, bands)
