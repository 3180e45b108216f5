"""What a fault below the database means for a person, and what to do.

DuckDB gives one kind of error for many faults, so its words decide; they are not told.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from schemas.speakable import SpeakableError


class WarehouseBusyError(SpeakableError):
    """Another run holds the warehouse."""


class WarehouseDamagedError(SpeakableError):
    """The database is broken, or lacks what it has held."""


class WarehouseNewerError(SpeakableError):
    """A newer Klassepuls has changed the tables, and this one does not know how."""


class NoRoomError(SpeakableError):
    """A file could not be written because the disk is full or may not grow."""


class ClosedFolderError(SpeakableError):
    """A folder of the home may not be written to."""


DAMAGED = (
    "the warehouse is damaged or has lost rows: restore restricted/ from the last backup"
    " (`klassepuls restore`), and deliver again what came after it. The inbox is untouched"
)
_MEANINGS: tuple[tuple[tuple[str, ...], type[SpeakableError], str], ...] = (
    (
        ("No space left", "quota exceeded", "File too large", "max_temp_directory_size"),
        NoRoomError,
        "the disk is full: make room and run again; what was begun was taken back",
    ),
    (
        ("Could not set lock",),
        WarehouseBusyError,
        "another program has warehouse.duckdb open",
    ),
    (
        ("Permission denied", "Read-only file system", "read-only mode"),
        ClosedFolderError,
        "a folder of the home may not be written to: give it back to the user who runs this",
    ),
    (
        (
            "Corrupt",
            "not a valid DuckDB",
            "Could not read enough bytes",
            "replaying WAL",
            "Serialization Error",
        ),
        WarehouseDamagedError,
        DAMAGED,
    ),
)


@contextmanager
def told_in_words() -> Iterator[None]:
    """Turn the database's errors about disk, folders and damage into ours."""
    try:
        yield
    except duckdb.Error as error:
        meant = _meaning(str(error))
        if meant is None:
            raise
    else:
        return
    # Outside the except block: the database's text may quote a cell, and must not travel along.
    raise meant


def _meaning(text: str) -> SpeakableError | None:
    for signs, kind, words in _MEANINGS:
        if any(sign in text for sign in signs):
            return kind(words)
    return None
