"""A note outside the databases of how far they had come, so that lost commits are found out.

DuckDB takes a log that breaks off, or is gone, for one that a crash cut short, and a database file
that is gone for a new one: both open without a word, and rows are missing. So both databases count
their steps, and the count is written down beside them before a file leaves the inbox. A database
that has come less far than the note says has lost what we told people was loaded.
"""

import json
from pathlib import Path

import duckdb

from warehouse.damage import DAMAGED, WarehouseDamagedError
from warehouse.swap import whole

NOTE = "witness.json"
COUNTERS = {"warehouse": "audit.step", "vault": "vault.audit.step"}


def require_whole(con: duckdb.DuckDBPyConnection, restricted: Path) -> None:
    """WarehouseDamagedError where a database has come less far than the note says."""
    noted = _noted(restricted)
    if any(taken < noted.get(name, 0) for name, taken in _steps(con).items()):
        raise WarehouseDamagedError(DAMAGED)


def is_behind(con: duckdb.DuckDBPyConnection, restricted: Path) -> bool:
    """The same of databases that are open to look at only."""
    noted = _noted(restricted)
    return any(_seen(con, COUNTERS[name]) < steps for name, steps in noted.items())


def _seen(con: duckdb.DuckDBPyConnection, counter: str) -> int:
    try:
        found = con.execute(f"from {counter}").fetchall()
    except duckdb.CatalogException:
        return 0
    return int(found[0][0]) if found else 0


def bear_witness(con: duckdb.DuckDBPyConnection, restricted: Path) -> None:
    """Write down that all that has been committed until now was committed."""
    for counter in COUNTERS.values():
        con.execute(f"update {counter} set taken = taken + 1").fetchall()
    with whole(str(restricted / NOTE), mode=0o600, durable=True) as file:
        file.write(json.dumps(_steps(con)) + "\n")


def _noted(restricted: Path) -> dict[str, int]:
    try:
        noted: dict[str, int] = json.loads((restricted / NOTE).read_bytes())
    except FileNotFoundError:
        return {}  # a new home, or one from before there was a note
    except ValueError:
        raise WarehouseDamagedError(DAMAGED) from None
    return noted


def _steps(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return {name: _taken(con, counter) for name, counter in COUNTERS.items()}


def _taken(con: duckdb.DuckDBPyConnection, counter: str) -> int:
    schema = counter.rpartition(".")[0]
    con.execute(f"create schema if not exists {schema}").fetchall()
    con.execute(f"create table if not exists {counter} (taken bigint not null)").fetchall()
    found = con.execute(f"from {counter}").fetchall()
    if not found:
        con.execute(f"insert into {counter} values (0)").fetchall()
    return int(found[0][0]) if found else 0
