"""The zones of a home, proven by the modes of its folders; a run refuses a home that lies open.

What stands in `restricted/` is for the pipeline's user alone, reports for the health service's
group, delivered files for the people who deliver. None of them for everybody on the machine.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from flows.doctor.finding import Finding, all_fine, refused, to_mend
from flows.home import Home
from flows.keys.files import credentials, has_keys, key_files
from schemas.speakable import SpeakableError
from transforms.pseudonym import KEY_BYTES

GROUP_AND_OTHERS, OTHERS, WRITERS = 0o077, 0o007, 0o022
_KEY_MODES = (0o400, 0o600)


class ZonesOpenError(SpeakableError):
    """Somebody may read or change what is not for them; nothing is done until it is closed."""


def require_closed_zones(home: Home) -> None:
    """ZonesOpenError where a folder is open to people that it is not for."""
    wrong = list(open_zones(home))
    if wrong:
        raise ZonesOpenError("; ".join(f"{one.told}: {one.mend}" for one in wrong))


def open_zones(home: Home) -> Iterator[Finding]:
    """Folders that a run refuses."""
    closed = {
        home.restricted: (GROUP_AND_OTHERS, "700"),
        home.restricted / "vault": (GROUP_AND_OTHERS, "700"),
        home.restricted / "quarantine": (GROUP_AND_OTHERS, "700"),
        home.restricted / "spill": (GROUP_AND_OTHERS, "700"),
        home.restricted / "logs": (GROUP_AND_OTHERS, "700"),
        home.health: (OTHERS, "750"),
        home.outcome: (OTHERS, "750"),
        home.analyst: (WRITERS, "755"),
    }
    for folder, (forbidden, mode) in closed.items():
        if folder.is_dir() and folder.stat().st_mode & forbidden:
            name = folder.relative_to(home.root)
            may = "change" if forbidden == WRITERS else "read or enter"
            yield refused(
                "zones",
                f"{name}/ is open to people who may not {may} it"
                f" (mode {stat.S_IMODE(folder.stat().st_mode):o})",
                f"chmod {mode} {name}",
            )


def check_zones(home: Home) -> list[Finding]:
    """Modes, owner and links of the home, all of it."""
    wrong = [*open_zones(home), *_half_open(home), *_strange_owner(home), *_links(home)]
    told = "every folder is closed to those it is not for, and no link leads out of restricted/"
    return all_fine("zones", told, wrong)


def _half_open(home: Home) -> Iterator[Finding]:
    """What a run does not look at."""
    for folder, forbidden, mode in (
        (home.root, WRITERS, "711"),
        (home.inbox, OTHERS, "770"),
        (home.surveys, OTHERS | WRITERS, "750"),
        (home.instruments, OTHERS | WRITERS, "750"),
    ):
        if folder.is_dir() and folder.stat().st_mode & forbidden:
            name = "the home" if folder == home.root else f"{folder.relative_to(home.root)}/"
            now = stat.S_IMODE(folder.stat().st_mode)
            yield to_mend("zones", f"{name} has mode {now:o}", f"chmod {mode} it")
    files = [path for path in home.restricted.glob("**/*.duckdb") if path.stat().st_mode & OTHERS]
    if files:
        yield to_mend(
            "zones",
            f"{len(files)} database(s) in restricted/ may be read by everybody, were it not for the"
            " folder",
            "chmod 600 them",
        )
    deep = [
        path
        for path in home.restricted.glob("**/")
        if path.parent != home.restricted.parent and path.stat().st_mode & GROUP_AND_OTHERS
    ]
    known = {home.restricted / name for name in ("vault", "quarantine", "spill", "logs")}
    if set(deep) - known:
        yield to_mend(
            "zones",
            f"{len(set(deep) - known)} folder(s) deep in restricted/ are open to others",
            "chmod -R go= restricted",
        )


def _strange_owner(home: Home) -> Iterator[Finding]:
    user = os.geteuid()
    strange = [
        path
        for path in (home.restricted, *key_files(home.vault).values())
        if path.parent != credentials() and _owner(path) not in (user, None)
    ]
    if strange:
        yield to_mend(
            "zones",
            "restricted/ or the key belongs to another user than the one who asks",
            "run every command as the pipeline's user, or chown -R restricted to them",
        )


def _owner(path: Path) -> int | None:
    return path.stat().st_uid if path.exists() else None


def _links(home: Home) -> Iterator[Finding]:
    """A link inside is as good as a door: what it leads to has modes of its own."""
    found = [
        path
        for zone in (home.restricted, home.health, home.analyst)
        for path in (zone, *zone.rglob("*"))
        if path.is_symlink()
    ]
    if found:
        yield to_mend(
            "zones",
            f"{len(found)} link(s) in restricted/, health/ or analyst/, or in their place",
            "put the files there themselves; another disk is mounted, not linked to",
        )


def check_key(home: Home) -> list[Finding]:
    """The keys: there, whole, and for their owner alone."""
    if not has_keys(home.vault):
        return [
            refused(
                "key",
                "restricted/vault/pseudonym.key is missing",
                "put it back from where the municipality keeps it; a new one makes every pupil"
                " another",
            )
        ]
    files = key_files(home.vault)
    wrong = [one for path in files.values() for one in _wrong_key(path)]
    return all_fine("key", f"{len(files)} of {KEY_BYTES} bytes, for their owner alone", wrong)


def _wrong_key(path: Path) -> Iterator[Finding]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode not in _KEY_MODES and path.parent != credentials():
        yield refused("key", f"{path.name} has mode {mode:o}", "chmod 400 restricted/vault/*.key")
    if path.stat().st_size != KEY_BYTES:
        yield refused("key", f"{path.name} has not {KEY_BYTES} bytes", "it is damaged: put it back")
