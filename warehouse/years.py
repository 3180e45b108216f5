"""The school year of each wave: which of a home's keys a pupil is turned with.

As an expression over a column of wave ids, and not as a join: rows must keep their order.
"""

from datetime import datetime

import duckdb

from transforms.pseudonym import PseudonymKey


def years_of_waves(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The school year of each wave that the home knows or has known."""
    return dict(con.execute("select wave_id, school_year from core.dim_wave").fetchall())


def year_sql(con: duckdb.DuckDBPyConnection, column: str, key: PseudonymKey) -> str:
    """A query expression: the school year of the wave in `column`; null where it is no wave."""
    if len(key.versions) == 1:
        return "''"  # one key is for all years
    told = " ".join(
        f"when {_text(wave_id)} then {_text(year)}" for wave_id, year in years_of_waves(con).items()
    )
    return f"(case {column}::varchar {told} end)" if told else "null::varchar"


def year_or_newest_sql(
    con: duckdb.DuckDBPyConnection, column: str, key: PseudonymKey, *, now: datetime
) -> str:
    """The same; where no wave can be read, the school year of the newest wave that has opened."""
    [(newest,)] = con.execute(
        "select arg_max(school_year, opens) from core.dim_wave where opens <= $now::date",
        {"now": now},
    ).fetchall()
    return f"coalesce({year_sql(con, column, key)}, {_text(newest or '')})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
