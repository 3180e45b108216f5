"""What a restore does to databases: what is newer in the old one, and a copy that is made ready.

The copy is opened, proven and told that it was restored, before it takes the old one's place.

A database that has come less far than the witness says is refused. So the copy brings a witness of
its own, written from its own steps by the restore, which is the one command that may set it back.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from transforms.pseudonym import PseudonymKey
from warehouse import audit
from warehouse.backup import BACKUP, REPLACED, finished, register
from warehouse.failpoint import reach
from warehouse.keys import known_keys, require_right_keys
from warehouse.manifest import (
    MANIFEST,
    VAULT,
    WAREHOUSE,
    BackupRefusedError,
    Manifest,
    file_sum,
    sums_of,
)
from warehouse.mart import MartError, carry_over, workbench
from warehouse.store import open_warehouse, quoted_path, transaction
from warehouse.swap import sha256_of
from warehouse.vault import require_same_key
from warehouse.witness import bear_witness

RESTORED_EVENT = "backup.restored"


@dataclass(frozen=True, slots=True)
class Newer:
    """What a home has that a backup has not; `is_unknown` where its database cannot be read."""

    deliveries: int = 0
    events: int = 0
    is_unknown: bool = False

    def __bool__(self) -> bool:
        return bool(self.deliveries or self.events or self.is_unknown)


def what_is_newer(root: Path, backup: Path) -> Newer:
    """Deliveries and events of the home's database that are not in the backup's.

    An event that tells of a backup, made or restored, is nothing that would be missed.
    """
    if not (root / WAREHOUSE).exists():
        return Newer()
    try:
        with duckdb.connect() as con:
            for name, place in (("home", root), ("backup", backup)):
                con.execute(
                    f"attach {quoted_path(place / WAREHOUSE)} as {name} (read_only)"
                ).fetchall()
            [(deliveries, events)] = con.execute(
                """
                select
                    (select count(*) from home.core.delivery
                        anti join backup.core.delivery using (delivery_id)),
                    (select count(*)
                        from (from home.audit.event where not starts_with(action, $own))
                        anti join backup.audit.event using (sha256))
                """,
                {"own": "backup."},
            ).fetchall()
    except duckdb.Error:
        return Newer(is_unknown=True)
    return Newer(deliveries, events)


def copy_to(staged: Path, backup: Path, manifest: Manifest) -> None:
    """Copy a backup's files, and prove on the copy that they are what was written."""
    for name, told in manifest.files.items():
        target = staged / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(backup / name, target, follow_symlinks=False)
        target.chmod(0o600)
        if file_sum(target) != told:
            raise BackupRefusedError("a file of the backup changed while it was read: try again")
    reach("restore-after-copy")
    if sums_of(staged) != manifest.tables:
        raise BackupRefusedError("the backup's tables are not what was written: take another")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a restored database comes from, and where what it replaces will lie."""

    backup: Path
    aside: Path
    manifest: Manifest
    lost: Newer


@contextmanager
def told_of_restore(
    staged: Path, origin: Origin, *, by: audit.Hand, now: datetime
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the copy, brought up to this version's schema, and write down that it was restored.

    Every report is due again: those in the health folder may tell of what is no longer there.
    """
    restricted, analyst = staged / "restricted", staged / "analyst"
    for folder in (restricted / "spill", restricted / "quarantine", analyst):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_warehouse(restricted, analyst=analyst, now=now) as con:
        _require_sound(con, by.key)
        with transaction(con):
            _register_copies(con, origin, now=now)
            con.execute("delete from core.stage where stage = 'reported'").fetchall()
            audit.append(
                con,
                by=by,
                action=RESTORED_EVENT,
                subject=origin.backup.name,
                detail={
                    "manifest": sha256_of(origin.backup / MANIFEST),
                    "lost_deliveries": origin.lost.deliveries,
                    "lost_events": origin.lost.events,
                    "lost_unknown": origin.lost.is_unknown,
                },
                now=now,
            )
        yield con
        bear_witness(con, restricted)
    shutil.rmtree(restricted / "spill")


def _require_sound(con: duckdb.DuckDBPyConnection, key: PseudonymKey) -> None:
    require_same_key(con, key)
    require_right_keys(known_keys(con), key)
    if not audit.verify_chain(con, key=key).is_whole:
        raise BackupRefusedError("the log of decisions in the backup is not whole: take another")


def _register_copies(con: duckdb.DuckDBPyConnection, origin: Origin, *, now: datetime) -> None:
    """The backup itself, later ones beside it, and what is moved aside: an erasure must find all.

    The copy was made before its own row was finished, and knows of no later backup.
    """
    for path in sorted(origin.backup.parent.glob("klassepuls-*")):
        seen = _glance(path)
        if seen and seen["key_check"] == origin.manifest.key_check:
            made_at = datetime.fromisoformat(seen["made_at"])
            register(con, path, kind=BACKUP, with_key=bool(seen["with_key"]), now=made_at)
            finished(con, path, sha256_of(path / MANIFEST), now=made_at)
    register(con, origin.aside, kind=REPLACED, with_key=False, now=now)


def _glance(folder: Path) -> dict[str, str] | None:
    try:
        told: dict[str, str] = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    return told if {"key_check", "made_at", "with_key"} <= set(told) else None


def known_contents(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The contents that the ledger knows."""
    found = con.execute("select delivery_id from core.delivery").fetchall()
    return {delivery_id for (delivery_id,) in found}


def waves_out(published: Path) -> set[str] | None:
    """The waves in a published file; None where it is not there, or not one that we published."""
    try:
        with workbench() as mart:
            edition = carry_over(mart, published)
    except MartError:
        return None
    return set(edition.waves) if edition else None


def paths_of_databases() -> list[str]:
    """Both databases, each after its log: a log of the old one must not meet the new one."""
    return [f"{path}{ending}" for path in (WAREHOUSE, VAULT) for ending in (".wal", "")]
