"""What is in a home after a run: tables without their numbers, folders, and notes."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from flows.home import OUTCOMES, Home

_HEAD = re.compile(rb'<p class="trace">[^<]*: [0-9a-f]{64}</p>(?=</footer>)')

# Numbers that are given in the order of loading, and so depend on it.
_NUMBERS = (
    "response_id",
    "delivery_no",
    "quarantine_id",
    "row_no",
    "kept_id",
    "listed_by",
    "unlisted_by",
    "other_no",
)

# What came, row by row: told of every file, whether it changed anything or not.
LEDGER = ("core.delivery", "core.form_number")

Tables = dict[str, list[tuple[object, ...]]]

# What the result of a run and the note on a file both tell.
IN_NOTE = ("outcome", "reason", "delivered", "accepted", "quarantined", "dropped", "reasons")


@contextmanager
def warehouse_of(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The restricted warehouse with its vault, to look at."""
    with duckdb.connect(str(home.restricted / "warehouse.duckdb"), read_only=True) as con:
        vault = home.restricted / "vault" / "vault.duckdb"
        con.execute(f"attach '{vault}' as vault (read_only)").fetchall()
        con.execute("set timezone = 'UTC'").fetchall()
        yield con


def contents(home: Home, *, without: Sequence[str] = (), times: bool = True) -> Tables:
    """Every table that tells something of pupils, sorted, without the numbers of loading.

    Without `times` two homes can be compared of which one was filled later in the day.
    The wide answer tables are there as the long view: without numbers their rows belong to nobody.
    """
    with warehouse_of(home) as con:
        names = [
            name
            for (name,) in con.execute("""
                select schema_name || '.' || table_name from duckdb_tables()
                where schema_name in ('core', 'quarantine')
            """).fetchall()
            if not name.startswith(("core.answer_", "core.score_"))
        ]
        found = {
            name: _sorted_rows(con, name, times=times)
            for name in [*names, "core.answer", "core.score"]
        }
        found["vault.code"] = con.execute("from vault.code order by all").fetchall()
    return {name: rows for name, rows in sorted(found.items()) if name not in without}


# Of reports, whose last line is the head of the log: see `reports_below`.
_TELL_THE_HEAD = {("core.report_file", "digest"), ("core.report_file", "sha256")}


def _sorted_rows(
    con: duckdb.DuckDBPyConnection, table: str, *, times: bool
) -> list[tuple[object, ...]]:
    columns = [
        column
        for column, kind, *_ in con.execute(f"describe {table}").fetchall()
        if (times or not kind.startswith("TIMESTAMP")) and (table, column) not in _TELL_THE_HEAD
    ]
    # Files of one run are told apart by microseconds, and a killed run takes them in other runs.
    at = "date_trunc('second', received_at) as received_at"
    kept = ", ".join(
        at if column == "received_at" else f'"{column}"'
        for column in columns
        if column not in _NUMBERS
    )
    # Of a table of numbers alone it can be told how many there are.
    query = f"select {kept or 1} from {table} order by all"  # noqa: S608 - names of our own tables
    return con.execute(query).fetchall()


def hashes(home: Home) -> dict[str, str]:
    """One word for all that each table holds, numbers and times included."""
    with warehouse_of(home) as con:
        tables = con.execute("""
            select concat_ws('.', database_name, schema_name, table_name) as name
            from duckdb_tables() where schema_name <> 'audit' order by name
        """).fetchall()
        return {
            name: hashlib.sha256(
                repr(con.execute(f"from {name} order by all").fetchall()).encode()
            ).hexdigest()
            for (name,) in tables
        }


def ledger_of(home: Home) -> dict[str, tuple[Any, ...]]:
    """Outcome, reason, delivered, accepted, quarantined and dropped by delivery id."""
    with warehouse_of(home) as con:
        found = con.execute("""
            select delivery_id, outcome, reason_code, delivered, accepted, quarantined, dropped
            from core.delivery
        """).fetchall()
    return {delivery_id: tuple(rest) for delivery_id, *rest in found}


NOTE_ENDINGS = (".json", ".txt", ".decision.toml")


def filed(home: Home) -> dict[str, str]:
    """The files in the outcome folders, without their notes: plain name -> outcome."""
    return {path.name: outcome for outcome in OUTCOMES for path in _files(home, outcome)}


def _files(home: Home, outcome: str) -> list[Path]:
    every = {path.name for path in (home.outcome / outcome).iterdir()}
    notes = {f"{name}{ending}" for name in every for ending in NOTE_ENDINGS}
    return [home.outcome / outcome / name for name in sorted(every - notes)]


def note_of(home: Home, name: str) -> dict[str, Any]:
    """What the machine's note says of a filed file."""
    path = home.outcome / filed(home)[name] / f"{name}.json"
    note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return note


def words_on(home: Home, name: str) -> str:
    """What the person's note says of a filed file."""
    return (home.outcome / filed(home)[name] / f"{name}.txt").read_text(encoding="utf-8")


def written_at(folder: Path) -> dict[str, int]:
    """When each file below a folder was last written, to the nanosecond."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def bytes_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def reports_below(home: Home) -> dict[str, bytes]:
    """The reports, but for the head of the log: like the day, it tells when they were written."""
    return {name: _HEAD.sub(b"", page) for name, page in bytes_below(home.health).items()}
