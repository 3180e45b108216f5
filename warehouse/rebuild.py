"""Writes the databases anew, so that what was deleted is no longer in their bytes.

DuckDB leaves deleted rows in its file: after DELETE and CHECKPOINT every deleted word can still be
read there (privacy notes, finding 7). So what is left is copied into a new file, and that takes the
old one's place. The counts of steps are copied too: `warehouse/witness.py` knows the new files.
"""

import os
from pathlib import Path

import duckdb

from warehouse.damage import told_in_words
from warehouse.failpoint import reach
from warehouse.swap import fsync


def databases_of(restricted: Path) -> tuple[Path, Path]:
    """The vault and the warehouse, in the order in which they are put in place."""
    return restricted / "vault" / "vault.duckdb", restricted / "warehouse.duckdb"


def rebuild(restricted: Path) -> None:
    """Replace both databases by copies that hold their rows and nothing else.

    Nobody else has them open: the caller holds the writer's lock, and has closed its connection.
    Killed anywhere, each file is the old one or the new one, and both hold the same rows.
    """
    for path in databases_of(restricted):
        with told_in_words():
            _copy(path)
    reach("before-swap")
    for path in databases_of(restricted):
        os.replace(_fresh(path), path)  # noqa: PTH105 - one step, as in warehouse/swap.py
        fsync(path.parent)
        reach("between-swaps")


def _fresh(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _log(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _copy(path: Path) -> None:
    """A new file beside the old one, with all that is in it; the old one's log is taken in."""
    fresh = _fresh(path)
    for left in (fresh, _log(fresh)):
        left.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute("set temp_directory = ''").fetchall()
        con.execute("checkpoint").fetchall()
        con.execute("attach $fresh as fresh".replace("$fresh", _quoted(fresh))).fetchall()
        [(name,)] = con.execute("select current_database()").fetchall()
        con.execute(f'copy from database "{name}" to fresh').fetchall()
        con.execute("detach fresh").fetchall()
    fresh.chmod(path.stat().st_mode & 0o777)
    fsync(fresh)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
