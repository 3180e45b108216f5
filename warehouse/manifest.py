"""What a backup says of itself: every file by its SHA-256, every table by its rows, and a seal.

The seal is keyed, so only who holds the home's key can make a backup that a restore would take.
"""

import hashlib
import json
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.speakable import SpeakableError
from transforms.pseudonym import PseudonymKey, keyed_digest
from warehouse.damage import told_in_words
from warehouse.store import migrations, quoted_path
from warehouse.swap import sha256_of

MANIFEST = "manifest.json"
FORMAT = 1
WAREHOUSE, VAULT = Path("restricted/warehouse.duckdb"), Path("restricted/vault/vault.duckdb")
KEYS = Path("restricted/vault")
_READ_ONLY_HERE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


class BackupRefusedError(SpeakableError):
    """A backup that may not be restored here: damaged, another municipality's, or too new."""


class FileSum(BaseModel):
    """Size and SHA-256 of a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    bytes: int
    sha256: str


class TableSum(BaseModel):
    """How many rows a table has, and one word for all of them, in whatever order they lie."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: int
    sum: str


Sums = dict[str, dict[str, TableSum]]


class Manifest(BaseModel):
    """`manifest.json` of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int
    made_at: str
    municipality: str
    key_check: str
    with_key: bool
    versions: Mapping[str, str]
    migrations: Mapping[str, str]
    steps: Mapping[str, int]
    tables: Sums
    files: Mapping[str, FileSum]


def key_check(key: PseudonymKey) -> str:
    """A digest by which a key is known, as `vault.key_check` keeps it."""
    return keyed_digest(b"klassepuls", key=key)


def sealed(manifest: Manifest, key: PseudonymKey) -> str:
    """The manifest's text, with its seal."""
    told = manifest.model_dump(mode="json")
    return json.dumps({**told, "seal": _seal(told, key)}, indent=1, sort_keys=True) + "\n"


def _seal(told: Mapping[str, Any], key: PseudonymKey) -> str:
    return keyed_digest(b"backup:" + json.dumps(told, sort_keys=True).encode(), key=key)


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest of a backup and the seal on it; BackupRefusedError where it cannot be read."""
    try:
        told: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        seal = str(told.pop("seal"))
        made_as = told.get("format")
        if isinstance(made_as, int) and made_as > FORMAT:
            raise BackupRefusedError("a newer Klassepuls made this backup: restore with that one")
        return Manifest.model_validate(told), seal
    except FileNotFoundError:
        raise BackupRefusedError(
            "no manifest.json there: not a backup of Klassepuls, or one that was cut off. Name the"
            " folder klassepuls-<time> itself"
        ) from None
    except (ValueError, KeyError, AttributeError, ValidationError):
        raise BackupRefusedError("manifest.json of the backup is damaged: take another") from None


def require_known_schema(manifest: Manifest) -> None:
    """BackupRefusedError where a migration of the backup is not one of this version's."""
    known = {name: _digest(text) for name, text in migrations().items()}
    strange = [name for name, digest in manifest.migrations.items() if known.get(name) != digest]
    if strange:
        raise BackupRefusedError(
            f"the backup has {len(strange)} migration(s) that this version does not know: restore"
            " with the version that made it, or a newer one"
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def require_untouched(folder: Path, manifest: Manifest, seal: str, key: PseudonymKey) -> None:
    """BackupRefusedError unless the seal and every file are as when the backup was made."""
    if key_check(key) != manifest.key_check:
        raise BackupRefusedError(
            "the key is not the one that this backup's pseudonyms were made with (or it is another"
            " municipality's backup): put the right restricted/vault/*.key in their place, or"
            " name their folder with --key"
        )
    if _seal(manifest.model_dump(mode="json"), key) != seal:
        raise BackupRefusedError("somebody has changed the backup's manifest: take another backup")
    found = set(files_below(folder)) - {Path(MANIFEST)}
    named = {Path(name) for name in manifest.files}
    if found != named:
        raise BackupRefusedError(
            f"the backup is not whole: {len(named - found)} file(s) are missing and"
            f" {len(found - named)} do not belong there. Take another"
        )
    broken = sum(file_sum(folder / name) != told for name, told in manifest.files.items())
    if broken:
        raise BackupRefusedError(
            f"the backup is damaged: {broken} of {len(named)} files are not what was written."
            " Take another"
        )


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, from there on; a link or device is refused."""
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            yield path.relative_to(folder)
        elif not stat.S_ISDIR(mode):
            raise BackupRefusedError("there is a link or a device among the files: remove it")


def file_sum(path: Path) -> FileSum:
    """Size and SHA-256 of a file's bytes."""
    return FileSum(bytes=path.stat().st_size, sha256=sha256_of(path))


def sums_of(root: Path, *, spill: Path | None = None) -> Sums:
    """Rows and sums of every table of the two databases below a home or a backup, read anew."""
    with told_in_words(), duckdb.connect(config=_READ_ONLY_HERE) as con:
        con.execute("set timezone = 'UTC'").fetchall()
        if spill:
            con.execute("set temp_directory = $spill", {"spill": str(spill)}).fetchall()
        return {
            name: _sums(con, name, root / path)
            for name, path in (("warehouse", WAREHOUSE), ("vault", VAULT))
        }


def _sums(con: duckdb.DuckDBPyConnection, name: str, path: Path) -> dict[str, TableSum]:
    con.execute(f"attach {quoted_path(path)} as {name} (read_only)").fetchall()
    tables: Sequence[tuple[str, str]] = con.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = $name",
        {"name": name},
    ).fetchall()
    found = {
        f"{schema}.{table}": _table_sum(con, f'{name}."{schema}"."{table}"')
        for schema, table in sorted(tables)
    }
    con.execute(f"detach {name}").fetchall()
    return found


def _table_sum(con: duckdb.DuckDBPyConnection, table: str) -> TableSum:
    """MD5 is against accident here, and the same in every version of DuckDB; `hash` is not."""
    [(rows, upper, lower)] = con.execute(f"""
        select
            count(*),
            coalesce(sum(md5_number_upper(whole_row_::varchar)), 0),
            coalesce(sum(md5_number_lower(whole_row_::varchar)), 0)
        from {table} as whole_row_
    """).fetchall()
    return TableSum(rows=rows, sum=f"{upper:x}-{lower:x}")
