"""Puts finished reports in their places: sealed, where the home seals, and never both ways.

What age encrypts has other bytes each time. So whether a report has changed is told by a keyed
digest of its text, which the warehouse keeps; an unchanged report is not written anew.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from flows.home import Config, Home
from flows.sealing.age import ENDING, MAGIC, padded, seal
from flows.sealing.recipients import ADULT_ROUTE, Seal, seal_of
from transforms.pseudonym import keyed_digest
from warehouse.failpoint import reach
from warehouse.report_files import FiledReport, filed_reports, forget_schools, replace_filed
from warehouse.swap import sha256_of, whole_bytes

ADULT_FOLDER = "_adult_route"  # that no school's reader has


class Filing:
    """The reports of some schools of a wave, on their way into the health folder."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        config: Config,
        wave_id: str,
        school_ids: Sequence[str],
        *,
        now: datetime,
    ) -> None:
        self._con, self._config, self._now = con, config, now
        self._wave_id, self._school_ids = wave_id, list(school_ids)
        self._known = filed_reports(con, wave_id, school_ids)
        self._files: list[FiledReport] = []

    def file(self, path: Path, content: bytes, *, school_id: str, route: str) -> int:
        """Write one file of a report; returns how many were written: 0 where it lies there."""
        to = seal_of(self._config.settings, school_id, route)
        place = lies_at(path, to)
        digest, sealed_to = keyed_digest(content, key=self._config.key), to.digest if to else ""
        known = self._known.get((school_id, route, path.name))
        says_the_same = known and (known.digest, known.sealed_to) == (digest, sealed_to)
        if known and says_the_same and place.is_file() and sha256_of(place) == known.sha256:
            self._files.append(known)
            _remove_other(path, to)
            return 0
        written = seal(padded(content, path.name), to.keys) if to else content
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        _put(place, written)
        _remove_other(path, to)
        sha256 = hashlib.sha256(written).hexdigest()
        self._files.append(
            FiledReport(school_id, route, path.name, digest, sealed_to, sha256, self._now)
        )
        return 1

    def finish(self) -> None:
        """Write down what lies there now."""
        replace_filed(self._con, self._wave_id, self._school_ids, self._files)


def lies_at(path: Path, to: Seal | None) -> Path:
    """Where a report of this name lies: a sealed one has `.age` behind its name."""
    return path.with_name(path.name + ENDING) if to else path


def lies_there(path: Path, to: Seal | None) -> bool:
    """Whether it lies there as it must, and not the other way as well."""
    return lies_at(path, to).is_file() and not (to and path.exists())


def remove_report(path: Path) -> int:
    """Remove a report, sealed or not; how many files there were."""
    _partial(path).unlink(missing_ok=True)
    found = [one for one in (path, path.with_name(path.name + ENDING)) if one.is_file()]
    for one in found:
        one.unlink()
    return len(found)


def remove_sealed_of(con: duckdb.DuckDBPyConnection, home: Home, school_ids: Sequence[str]) -> int:
    """Remove every sealed report of some schools: nobody here can see whom they name.

    They are due again, and written anew from what is known then.
    """
    found = {school: list(_sealed_of(home, school)) for school in school_ids}
    for path in (path for paths in found.values() for path in paths):
        path.unlink()
    forget_schools(con, [school for school, paths in found.items() if paths])
    return sum(map(len, found.values()))


def _sealed_of(home: Home, school_id: str) -> Iterator[Path]:
    yield from (home.health / school_id).glob(f"*/*{ENDING}")
    yield from (home.health / ADULT_FOLDER).glob(f"*/{school_id}.*{ENDING}")


def is_sealed(path: Path) -> bool:
    """Whether this is a sealed file: in its bytes any three signs may stand by chance."""
    if not path.name.endswith(ENDING):
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def told_by_path(home: Home, path: Path) -> tuple[str, str, str] | None:
    """Wave, school and route by where a report lies; None where it lies elsewhere."""
    parts = path.relative_to(home.health).parts if path.is_relative_to(home.health) else ()
    if len(parts) != 3:  # noqa: PLR2004 - folder, wave, file
        return None
    if parts[0] == ADULT_FOLDER:
        return parts[1], parts[2].split(".")[0], ADULT_ROUTE
    return parts[1], parts[0], "health_service"


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _remove_other(path: Path, to: Seal | None) -> None:
    """A home that has begun to seal, or has stopped, keeps nothing of the other kind."""
    other = path if to else path.with_name(path.name + ENDING)
    other.unlink(missing_ok=True)
    if to:
        _partial(path).unlink(missing_ok=True)


def _put(place: Path, content: bytes) -> None:
    with whole_bytes(str(place), mode=0o640) as file:
        file.write(content)
        reach("mid-report")
