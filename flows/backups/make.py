"""`klassepuls backup DEST`: which files of a home a backup holds, and the record that it was made.

In it is what nobody could make again: both databases, the remembered fixes, the declarations, the
published file (its waves are frozen), and the delivered files that something waits for, because the
warehouse holds no cell of those. Not in it: flag reports, which the next run writes from the
warehouse and which bear pupil codes; files that are loaded; the inbox, which nothing has been
promised for; and the pseudonym key, unless it is asked for.
"""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb

from flows.doctor.zones import require_closed_zones
from flows.hand import hand
from flows.home import Config, Home, HomeError, load_config
from flows.keys.files import key_files
from flows.outcome_note import DECISION_ENDING
from flows.quarantine.bring_back import SEARCHED, files_of
from flows.road import opened
from warehouse import audit
from warehouse.backup import BACKUP, Made, begun, copies, copy_home, finished, free_place, register
from warehouse.store import only_writer, transaction
from warehouse.witness import bear_witness

# Folders of the restricted zone that are copied whole, where they are there.
_RESTRICTED = ("restricted/quarantine", "restricted/raw")
DECLARED = ("klassepuls.toml", "rules.toml", "surveys", "instruments", "duties")
PUBLISHED = ("analyst/klassepuls.duckdb", "analyst/manifest.json")
NOTES = (".json", ".txt", DECISION_ENDING)
MADE_EVENT = "backup.made"


def backup(home: Home, dest: Path, *, with_key: bool, now: datetime) -> Made:
    """Make a backup of the home in a new folder below `dest`, or none at all."""
    config = load_config(home)
    require_closed_zones(home)
    place = free_place(dest, home.root, now=now)
    with only_writer(home.restricted):
        with opened(home, config, now=now) as con:
            for copy in copies(con):
                if copy.kind == BACKUP and not copy.is_finished:
                    shutil.rmtree(begun(copy.path), ignore_errors=True)
            register(con, place, kind=BACKUP, with_key=with_key, now=now)
            files = [*_files(home), *_waiting(con, home), *(_keys(home) if with_key else [])]
        made = copy_home(home.root, place, files, key=config.key, with_key=with_key, now=now)
        with opened(home, config, now=now) as con:
            _tell(con, home, config, made, now=now)
    return made


def _tell(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config, made: Made, *, now: datetime
) -> None:
    with transaction(con):
        finished(con, made.path, made.manifest_sha256, now=now)
        detail = {"manifest": made.manifest_sha256, "with_key": made.manifest.with_key}
        audit.append(
            con,
            by=hand(config),
            action=MADE_EVENT,
            subject=made.path.name,
            detail=detail,
            now=now,
        )
    bear_witness(con, home.restricted)


def _files(home: Home) -> Iterator[Path]:
    """What a backup holds besides the databases, as paths from the home on."""
    for name in (*_RESTRICTED, *DECLARED, *PUBLISHED):
        path = home.root / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file.relative_to(home.root) for file in found if _is_plain(file))


def _keys(home: Home) -> Iterator[Path]:
    for path in key_files(home.vault).values():
        if path.parent != home.vault:
            raise HomeError("--with-key: the keys are credentials of the service, not in the home")
        yield path.relative_to(home.root)


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.name.endswith(".partial")


def _waiting(con: duckdb.DuckDBPyConnection, home: Home) -> Iterator[Path]:
    """Delivered files that something waits for, each once, with their notes."""
    contents = con.execute("""
        select delivery_id from core.delivery where quarantined > 0 or outcome = 'quarantined'
    """).fetchall()
    wanted = {delivery_id for (delivery_id,) in contents}
    for folder in SEARCHED:
        for delivery_id, path in list(files_of(home, folder, wanted)):
            if delivery_id in wanted:
                wanted.remove(delivery_id)
                yield from _with_notes(home, path)


def _with_notes(home: Home, path: Path) -> Iterator[Path]:
    for ending in ("", *NOTES):
        file = path.with_name(path.name + ending)
        if os.path.lexists(file) and _is_plain(file):
            yield file.relative_to(home.root)
