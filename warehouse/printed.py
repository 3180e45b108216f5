"""The publication ledger: everything that is out, kept where no analyst reaches it.

It is the published file once more, in the restricted folder, put there before the analysts' own. A
wave that stands in it is never counted again, whatever has come late, was erased or has happened to
the analysts' file since: two editions that differ by one pupil would give that pupil away.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.mart import Edition, MartError, carry_over, edition_of, write_file
from warehouse.swap import beside, sha256_of, swap_in, write_json

MANIFEST = "manifest.json"
_FOR_US_ALONE = 0o400


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything that is out is kept, and where analysts find it."""

    ledger: Path
    target: Path


def carry_over_printed(mart: duckdb.DuckDBPyConnection, places: Places) -> Edition | None:
    """Copy what is out already into the workbench, row for row; None where nothing is out.

    That is what the ledger says. The analysts' file counts where there is no ledger yet, or where
    it has waves that the ledger lacks: then the home was restored from before they came out. Else
    it may be damaged or gone: it is put in place again.

    MartError where the ledger is damaged, or the two have waves that the other does not.
    """
    ledger, target = places.ledger, places.target
    if not ledger.exists():
        return carry_over(mart, target)
    known, shown = set(edition_of(mart, ledger).waves), _waves_shown(mart, target)
    if shown <= known:
        return carry_over(mart, ledger)
    if known < shown:
        return carry_over(mart, target)
    raise MartError(
        f"{target.name} and {ledger.name} have each published waves that the other has not;"
        " put both back from the same backup"
    )


def _waves_shown(mart: duckdb.DuckDBPyConnection, target: Path) -> set[str]:
    """The waves of the analysts' file; none where it is gone, or nobody can read it."""
    try:
        return set(edition_of(mart, target).waves) if target.exists() else set()
    except MartError:
        return set()


def put_in_place(
    mart: duckdb.DuckDBPyConnection, places: Places, edition: Edition, rows: Mapping[str, int]
) -> bool:
    """Enter the workbench in the ledger and put the analysts' file beside its manifest.

    A file that says what it is to say is left as it is. Returns whether the analysts' was not so.
    """
    ledger, target = places.ledger, places.target
    manifest = target.with_name(MANIFEST)
    ledger.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.parent.mkdir(parents=True, exist_ok=True)
    with beside(ledger) as [fresh]:
        if not _is_edition(mart, ledger, edition):
            if _is_edition(mart, target, edition):  # out before there was a ledger, or this one
                shutil.copyfile(target, fresh)
            else:
                write_file(mart, fresh)
            swap_in([fresh], [ledger], mode=_FOR_US_ALONE)
    with beside(target, manifest) as (fresh, fresh_manifest):
        is_changed = not target.exists() or sha256_of(target) != sha256_of(ledger)
        if is_changed:
            shutil.copyfile(ledger, fresh)
            write_json(fresh_manifest, _manifest(fresh, target.name, edition, rows))
            swap_in([fresh, fresh_manifest], [target, manifest])
        elif not _describes(manifest, target):
            # A run was stopped between the two moves: the file is right, its manifest is not.
            write_json(fresh_manifest, _manifest(target, target.name, edition, rows))
            swap_in([fresh_manifest], [manifest])
    return is_changed


def _is_edition(mart: duckdb.DuckDBPyConnection, path: Path, edition: Edition) -> bool:
    try:
        return path.exists() and edition_of(mart, path) == edition
    except MartError:
        return False


def _manifest(
    path: Path, name: str, edition: Edition, rows: Mapping[str, int]
) -> dict[str, object]:
    return {
        "file": name,
        "sha256": sha256_of(path),
        "size_bytes": path.stat().st_size,
        "publication_id": edition.publication_id,
        "published_at": edition.published_at.isoformat(),
        "waves": list(edition.waves),
        "tables": dict(rows),
    }


def _describes(manifest: Path, target: Path) -> bool:
    try:
        said = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and said.get("sha256") == sha256_of(target)
