"""The restricted warehouse's file: one writer at a time, migrations, and no way out of its folders.

DuckDB lets one process write. A lock file says so before DuckDB does, so that a second run ends
with a sentence and not with a trace.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import duckdb

from warehouse.damage import WarehouseBusyError, WarehouseNewerError, told_in_words
from warehouse.swap import beside
from warehouse.swap_home import finish
from warehouse.witness import require_whole

MEMORY_LIMIT = "300MB"
CHECKPOINT_FROM = "1GB"


@contextmanager
def only_writer(restricted: Path) -> Iterator[None]:
    """Hold the writer's lock; WarehouseBusyError at once where another process holds it.

    A restore that was cut off after it had been decided is finished first.
    """
    descriptor = os.open(restricted / "writer.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WarehouseBusyError("another run holds the warehouse") from None
        finish(restricted)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def open_warehouse(
    restricted: Path, *, analyst: Path, now: datetime
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, migrated, with the vault attached as `vault`.

    The connection reaches the restricted and the analyst folder and nothing else, and this cannot
    be switched back on by a statement that comes later. A database that is damaged or has lost
    commits is refused (see `warehouse/damage.py`).
    """
    main, vault = restricted / "warehouse.duckdb", restricted / "vault" / "vault.duckdb"
    with told_in_words(), closing(_connect(main, vault)) as con:
        spill = restricted / "spill"
        con.execute("set memory_limit = $limit", {"limit": MEMORY_LIMIT}).fetchall()
        con.execute("set temp_directory = $spill", {"spill": str(spill)}).fetchall()
        con.execute("set preserve_insertion_order = true").fetchall()
        # The file is written back once, when it is closed, and not after each large commit.
        con.execute("set checkpoint_threshold = $size", {"size": CHECKPOINT_FROM}).fetchall()
        con.execute("set timezone = 'UTC'").fetchall()
        con.execute(
            "set allowed_directories = $folders", {"folders": [str(restricted), str(analyst)]}
        ).fetchall()
        con.execute("set enable_external_access = false").fetchall()
        con.execute(f"attach {quoted_path(vault)} as vault").fetchall()
        con.execute("set lock_configuration = true").fetchall()
        require_whole(con, restricted)
        migrate(con, now=now)
        yield con


def _connect(main: Path, vault: Path) -> duckdb.DuckDBPyConnection:
    for path in (main, vault):
        if not path.exists():
            _make(path)
    return duckdb.connect(str(main))


def _make(path: Path) -> None:
    """Make an empty database beside its place: one that is cut short in its place is damage."""
    with beside(path) as [fresh]:
        duckdb.connect(str(fresh)).close()
        fresh.replace(path)


def quoted_path(path: Path) -> str:
    """A path as an SQL string, for the statements that take no parameter."""
    return "'" + str(path).replace("'", "''") + "'"


def migrate(con: duckdb.DuckDBPyConnection, *, now: datetime) -> list[str]:
    """Apply the migrations that the file has not seen, each in one transaction; returns them.

    WarehouseNewerError where the file has seen one that is not ours: writing what an older version
    thinks is right would break what the newer one relies on.
    """
    con.execute("create schema if not exists audit").fetchall()
    con.execute(
        "create table if not exists audit.migration"
        " (name varchar primary key, sha256 varchar not null, applied_at timestamptz not null)"
    ).fetchall()
    con.execute(
        "create table if not exists vault.code"
        " (pupil_code varchar not null, school_id varchar not null)"
    ).fetchall()
    con.execute("create table if not exists vault.key_check (digest varchar not null)").fetchall()
    seen = {name for (name,) in con.execute("select name from audit.migration").fetchall()}
    ours = migrations()
    if strange := seen - ours.keys():
        raise WarehouseNewerError(
            f"a newer Klassepuls has been here ({len(strange)} migration(s) that this one does not"
            " know): install that version again, or restore the backup from before the upgrade"
        )
    applied = []
    for name, text in ours.items():
        if name in seen:
            continue
        with transaction(con):
            for statement in text.split(";\n"):
                if statement.strip():
                    con.execute(statement).fetchall()
            digest = hashlib.sha256(text.encode()).hexdigest()
            con.execute(
                "insert into audit.migration values ($name, $digest, $now)",
                {"name": name, "digest": digest, "now": now},
            ).fetchall()
        applied.append(name)
    return applied


def migrations() -> dict[str, str]:
    """Name and text of every migration, in order."""
    folder = files("warehouse") / "migrations"
    found = sorted((file for file in folder.iterdir()), key=lambda file: file.name)
    return {
        file.name: file.read_text(encoding="utf-8") for file in found if file.name.endswith(".sql")
    }


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing: commit at the end, roll back on any error."""
    con.execute("begin").fetchall()
    try:
        yield
    except BaseException:
        # On a full disk the database has rolled back by itself: the first error is the one to tell.
        with suppress(duckdb.Error):
            con.execute("rollback").fetchall()
        raise
    con.execute("commit").fetchall()
