"""A pupil leaves the backups too, and what a restore once moved aside.

Each of them is laid out as a home is, so it is erased from as the home is, and its manifest is made
anew: the old one tells of other bytes. A mark lies in a backup while that goes on. So a killed
erasing is taken up again, and a backup that was damaged before is never sealed as if it were sound.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.erasure.expired import expire_under
from flows.erasure.pupil import Asked, erase_under
from flows.home import Config, Home, HomeError
from flows.road import opened
from schemas.speakable import SpeakableError
from warehouse.backup import Copy, begun, copies, finished, seal_anew
from warehouse.expired import kept_pupils, may_have_leavers
from warehouse.manifest import MANIFEST, BackupRefusedError, read_manifest, require_untouched
from warehouse.rebuild import databases_of
from warehouse.store import only_writer

_MARK = ".erasing"


def erase_from_copies(home: Home, config: Config, asked: Asked, *, now: datetime) -> dict[str, Any]:
    """Erase a pupil from every copy that can be reached.

    Returns how many were erased from, and the paths of those that are not there any more, or not
    now, and of those that are damaged: they are for a person.
    """

    def erase(copy: Home) -> None:
        erase_under(copy, config, asked, now=now)

    with only_writer(home.restricted), opened(home, config, now=now) as con:
        known = list(_reachable(copies(con)))
    return _through(known, home, config, erase, now=now)


def expire_in_copies(home: Home, config: Config, *, now: datetime) -> dict[str, Any]:
    """Delete the leavers whom the home has deleted from every copy that can be reached.

    A copy that has none is only read. Returns the same as `erase_from_copies`; `found` counts what
    the search of a copy found afterwards.
    """
    with only_writer(home.restricted), opened(home, config, now=now) as con:
        known, kept = list(_reachable(copies(con))), kept_pupils(con)
    years, timezone = config.settings.retention.pupil_years, config.settings.schedule.timezone
    found = 0

    def expire(copy: Home) -> None:
        nonlocal found
        proof = expire_under(copy, config, kept, now=now)
        found += proof["found"] if proof else 0

    def is_due(folder: Path) -> bool:
        if (folder / _MARK).exists():
            return True
        try:
            return may_have_leavers(folder, kept, years=years, timezone=timezone, now=now)
        except SpeakableError:
            return True  # which finds it damaged, and says so

    return {**_through(known, home, config, expire, is_due=is_due, now=now), "found": found}


def _through(
    known: Sequence[tuple[Path | None, Copy]],
    home: Home,
    config: Config,
    erase: Callable[[Home], object],
    *,
    is_due: Callable[[Path], bool] = lambda _folder: True,
    now: datetime,
) -> dict[str, Any]:
    """Erase from each copy that is due, and note the new seals; what became of the copies."""
    done: dict[str, Any] = {"erased_from": 0, "not_there": [], "damaged": []}
    sealed: list[tuple[Path, str]] = []
    for folder, copy in known:
        if folder is None:
            done["not_there"].append(str(copy.path))
        elif not is_due(folder):
            continue
        elif (digest := _erase_from(folder, config, erase)) is None:
            done["damaged"].append(str(folder))
        else:
            done["erased_from"] += 1
            sealed += [(copy.path, digest)] if digest else []
    with only_writer(home.restricted), opened(home, config, now=now) as con:
        for path, digest in sealed:
            finished(con, path, digest, now=now)
    return done


def _reachable(found: Sequence[Copy]) -> Iterator[tuple[Path | None, Copy]]:
    for copy in found:
        places = (copy.path, begun(copy.path))
        yield next((place for place in places if place.is_dir()), None), copy


def _erase_from(folder: Path, config: Config, erase: Callable[[Home], object]) -> str | None:
    """The new manifest's digest, '' where there is none; None where the copy is damaged."""
    copy = Home(folder)
    if not all(path.is_file() for path in databases_of(copy.restricted)):
        return None
    mark = folder / _MARK
    is_backup = (folder / MANIFEST).is_file()
    try:
        if is_backup and not mark.exists():
            require_untouched(folder, *read_manifest(folder), config.key)
            mark.touch(mode=0o600)
        erase(copy)
    except (BackupRefusedError, HomeError):
        return None
    digest = seal_anew(folder, config.key, but=mark) if is_backup else ""
    mark.unlink(missing_ok=True)
    return digest
