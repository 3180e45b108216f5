"""Makes a backup: both databases copied whole, the files that belong to them, and a manifest.

The files of a database that is in use may not be copied one by one: what stands in a log beside
them would be missing. So DuckDB writes new files, under the writer's lock, and they are opened
again and held against the old ones, row for row, before the backup gets its name.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import duckdb

from schemas.speakable import SpeakableError
from transforms.pseudonym import PseudonymKey
from warehouse.damage import NoRoomError, told_in_words
from warehouse.failpoint import reach
from warehouse.manifest import (
    FORMAT,
    MANIFEST,
    VAULT,
    WAREHOUSE,
    Manifest,
    Sums,
    file_sum,
    files_below,
    key_check,
    read_manifest,
    sealed,
    sums_of,
)
from warehouse.store import quoted_path
from warehouse.swap import fsync, sha256_of, whole
from warehouse.witness import NOTE

BACKUP, REPLACED = "backup", "replaced"
_ROOM_TO_SPARE = 1.2


class BackupPlaceError(SpeakableError):
    """A backup cannot be made at this place, or was not the same when it was read again."""


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup."""

    path: Path
    manifest: Manifest
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A backup, or what a restore moved aside, as the register has it."""

    path: Path
    kind: str
    made_at: datetime
    is_finished: bool
    with_key: bool


def free_place(dest: Path, root: Path, *, now: datetime) -> Path:
    """The folder for a new backup in `dest`; BackupPlaceError where it may not lie there."""
    dest, root = dest.resolve(), root.resolve()
    if dest.is_relative_to(root):
        raise BackupPlaceError("a backup inside the home is lost with it: name another disk")
    if dest.exists() and not dest.is_dir():
        raise BackupPlaceError("what you named is a file: name a folder")
    place = dest / f"klassepuls-{now:%Y%m%dT%H%M%SZ}"
    if place.exists():
        raise BackupPlaceError("a backup of this very second is there already: run again")
    return place


def begun(path: Path) -> Path:
    """Where a backup lies until it is whole."""
    return path.with_name(f".{path.name}.partial")


def copy_home(
    root: Path,
    place: Path,
    files: Sequence[Path],
    *,
    key: PseudonymKey,
    with_key: bool,
    now: datetime,
) -> Made:
    """Copy the databases and `files` (paths from `root` on) to `place`, whole or not at all.

    The caller holds the writer's lock, and nobody has the warehouse open.
    """
    partial = begun(place)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _require_room(root, place.parent, files)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    try:
        tables = _copy_databases(root, partial)
        for file in files:
            _copy_file(root / file, partial / file)
        steps = _steps(partial)
        (partial / "restricted" / NOTE).write_text(json.dumps(steps) + "\n", encoding="utf-8")
        reach("backup-before-manifest")
        manifest = Manifest(
            format=FORMAT,
            made_at=now.isoformat(),
            municipality=key.municipality,
            key_check=key_check(key),
            with_key=with_key,
            versions={name: version(name) for name in ("klassepuls", "duckdb")},
            migrations=_migrations(partial),
            steps=steps,
            tables=tables,
            files={str(file): file_sum(partial / file) for file in files_below(partial)},
        )
        (partial / MANIFEST).write_text(sealed(manifest, key), encoding="utf-8")
        _close(partial)
        digest = sha256_of(partial / MANIFEST)
        reach("backup-before-name")
        partial.rename(place)
        fsync(place.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Made(place, manifest, digest)


def seal_anew(place: Path, key: PseudonymKey, *, but: Path) -> str:
    """Make the manifest of a backup again whose content was changed on purpose.

    Returns its digest. `but`: a file of ours in it that is about to go.
    """
    told, _ = read_manifest(place)
    _close(place)
    steps = _steps(place)
    (place / "restricted" / NOTE).write_text(json.dumps(steps) + "\n", encoding="utf-8")
    kept = [file for file in files_below(place) if place / file not in (place / MANIFEST, but)]
    manifest = told.model_copy(
        update={
            "migrations": _migrations(place),
            "steps": steps,
            "tables": sums_of(place),
            "files": {str(file): file_sum(place / file) for file in kept},
        }
    )
    with whole(str(place / MANIFEST), mode=0o600, durable=True) as file:
        file.write(sealed(manifest, key))
    fsync(place)
    return sha256_of(place / MANIFEST)


def _require_room(root: Path, dest: Path, files: Sequence[Path]) -> None:
    needed = sum((root / file).stat().st_size for file in (WAREHOUSE, VAULT, *files))
    if shutil.disk_usage(dest).free < needed * _ROOM_TO_SPARE:
        raise NoRoomError(
            f"a backup needs {needed * _ROOM_TO_SPARE / 1e6:.0f} MB there: make room, or name"
            " another disk"
        )


def _copy_databases(root: Path, partial: Path) -> Sums:
    """Copy both, open the copies anew, and hold them against what they were copied from."""
    spill = root / "restricted" / "spill"
    (partial / VAULT).parent.mkdir(parents=True, mode=0o700)
    with told_in_words(), duckdb.connect() as con:
        con.execute("set temp_directory = $spill", {"spill": str(spill)}).fetchall()
        for file in (WAREHOUSE, VAULT):
            con.execute(f"attach {quoted_path(root / file)} as home (read_only)").fetchall()
            con.execute(f"attach {quoted_path(partial / file)} as made").fetchall()
            con.execute("copy from database home to made").fetchall()
            for name in ("made", "home"):
                con.execute(f"detach {name}").fetchall()
            reach("backup-after-database")
    expected, found = sums_of(root, spill=spill), sums_of(partial, spill=spill)
    if expected != found:
        raise BackupPlaceError("the backup reads otherwise than the warehouse: no backup was made")
    return found


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as old, target.open("xb") as new:
        shutil.copyfileobj(old, new)


def _steps(root: Path) -> dict[str, int]:
    found = {}
    with told_in_words(), duckdb.connect() as con:
        for name, file in (("warehouse", WAREHOUSE), ("vault", VAULT)):
            con.execute(f"attach {quoted_path(root / file)} as {name} (read_only)").fetchall()
            [(found[name],)] = con.execute(
                f"select coalesce(max(taken), 0) from {name}.audit.step"
            ).fetchall()
    return found


def _migrations(root: Path) -> dict[str, str]:
    with told_in_words(), duckdb.connect(str(root / WAREHOUSE), read_only=True) as con:
        return dict(con.execute("select name, sha256 from audit.migration").fetchall())


def _close(partial: Path) -> None:
    """For our eyes only, and all of it on disk."""
    for path in sorted(partial.rglob("*"), reverse=True):
        path.chmod(0o700 if path.is_dir() else 0o600)
        fsync(path)
    fsync(partial)


def register(
    con: duckdb.DuckDBPyConnection, path: Path, *, kind: str, with_key: bool, now: datetime
) -> None:
    """Say that a copy is about to be made: an erasure must find it, finished or not."""
    con.execute(
        """
        insert or replace into audit.backup (path, kind, made_at, with_key)
        values ($path, $kind, $now, $with_key)
        """,
        {"path": str(path), "kind": kind, "now": now, "with_key": with_key},
    ).fetchall()


def finished(con: duckdb.DuckDBPyConnection, path: Path, digest: str, *, now: datetime) -> None:
    """Say that a registered copy is whole."""
    con.execute(
        """
        update audit.backup set finished_at = $now, manifest_sha256 = $digest where path = $path
        """,
        {"path": str(path), "now": now, "digest": digest},
    ).fetchall()


def copies(con: duckdb.DuckDBPyConnection) -> list[Copy]:
    """Every copy of the restricted data that was ever begun, the oldest first.

    One that is not finished may lie at `begun(path)` instead of at its path.
    """
    found = con.execute("""
        select path, kind, made_at, finished_at is not null, with_key
        from audit.backup order by made_at, path
    """).fetchall()
    return [Copy(Path(path), *rest) for path, *rest in found]
