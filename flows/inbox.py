"""The inbox: takes what lies there, and files it where people find it again with a note.

Names are data. A file is opened without following links, read once, and known by the SHA-256 of its
bytes; nothing here hands a name to a reader.
"""

import contextlib
import errno
import hashlib
import logging
import os
import re
import stat
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.home import Home
from flows.outcome import Outcome
from flows.outcome_note import DECISION_ENDING, machine_note, person_note
from schemas.reason import Reason
from warehouse.failpoint import reach

log = logging.getLogger(__name__)

MAX_BYTES = 1 << 30
MAX_NAME_BYTES = 180
SETTLE_SECONDS = 2.0


# What opening an entry may answer, and what that says of the entry. A file that we may not read
# must not keep the others waiting.
_NOT_READ = {
    errno.ELOOP: Reason.NOT_A_FILE,
    errno.ENXIO: Reason.NOT_A_FILE,
    errno.EACCES: Reason.UNREADABLE,
    errno.EPERM: Reason.UNREADABLE,
}


_NOTED = re.compile(rb'\{"delivery_id": "([0-9a-f]{64})"')  # how every note begins


@dataclass(frozen=True, slots=True)
class Arrival:
    """One entry of the inbox. `content` is None where it is no file that can be read."""

    path: Path
    delivery_id: str
    content: bytes | None
    problem: Reason | None = None


def waiting(home: Home, *, settle: float = SETTLE_SECONDS) -> list[Path]:
    """What lies in the inbox and its folders and has come to rest, in the order of names.

    A file that was written to less than `settle` seconds ago may still be on its way: it is looked
    at again when it is that old, and left for the next run if it has changed meanwhile.
    """
    entries = dict(_entries(home.inbox))
    now = time.time()
    # A clock that is ahead elsewhere must not let a file pass as old.
    youngest = min((max(now - seen.st_mtime, 0.0) for seen in entries.values()), default=settle)
    if youngest < settle:
        time.sleep(settle - youngest)
    return sorted(Path(path) for path, before in entries.items() if _is_at_rest(path, before))


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every entry that is no folder, below folders that people dropped too; hidden ones are not."""
    try:
        with os.scandir(folder) as scanned:
            entries = [entry for entry in scanned if not entry.name.startswith(".")]
    except PermissionError:
        # Somebody's folder with files that only they may read must not keep the others waiting.
        log.warning("a folder in the inbox cannot be read, and waits: give the pipeline access")
        return
    for entry in entries:
        # Meanwhile it may have been taken back, or renamed because it is complete now.
        with contextlib.suppress(FileNotFoundError):
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(Path(entry.path))
            else:
                yield entry.path, entry.stat(follow_symlinks=False)


def clear_folders(home: Home) -> None:
    """Remove folders of the inbox that nothing lies in any more."""
    for folder, _, _ in os.walk(home.inbox, topdown=False):
        if Path(folder) != home.inbox:
            with contextlib.suppress(OSError):
                Path(folder).rmdir()


def _is_at_rest(path: str, before: os.stat_result) -> bool:
    try:
        now = os.lstat(path)
    except FileNotFoundError:
        return False
    return (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def take(paths: Sequence[Path]) -> Iterator[Arrival]:
    """Read files one by one. Links, devices, pipes and giants are told, not read."""
    for path in paths:
        try:
            yield _read(path)
        except OSError as error:
            if error.errno not in _NOT_READ and error.errno != errno.ENOENT:
                raise
            if error.errno != errno.ENOENT:
                yield Arrival(path, _name_digest(path), None, _NOT_READ[error.errno])


def _read(path: Path) -> Arrival:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            return Arrival(path, _name_digest(path), None, Reason.NOT_A_FILE)
        if status.st_size > MAX_BYTES:
            return Arrival(path, _name_digest(path), None, Reason.TOO_LARGE)
        content = file.read()
    return Arrival(path, hashlib.sha256(content).hexdigest(), content)


def _name_digest(path: Path) -> str:
    """What stands for the content of an entry that is not read."""
    return hashlib.sha256(b"not read:" + os.fsencode(path.name)).hexdigest()


def file_away(home: Home, path: Path, outcome: Outcome) -> Path:
    """Move a file to its outcome folder and write the notes beside it; returns its new place."""
    # Paths as texts from here on: with 900 class files, making Path objects was half of the work.
    folder = str(home.outcome / outcome.outcome)
    name = _free_name(folder, _plain_name(path.name), outcome.delivery_id)
    _write_whole(folder, f"{name}.json", machine_note(outcome))
    _write_whole(folder, f"{name}.txt", person_note(outcome))
    if outcome.decision:
        _write_whole(folder, f"{name}{DECISION_ENDING}", outcome.decision)
    reach("between-notes-and-move")
    os.rename(path, f"{folder}/{name}")
    reach("after-move")
    return Path(folder, name)


def lying_in(home: Home, outcome: str) -> set[str]:
    """The contents of which a file with its note lies in one outcome folder."""
    folder = home.outcome / outcome
    names = set(os.listdir(folder))
    notes = (name for name in names if name.endswith(".json") and name[:-5] in names)
    found = (_NOTED.match(_head_of(f"{folder}/{name}")) for name in notes)
    return {noted[1].decode() for noted in found if noted}


def _head_of(path: str) -> bytes:
    if os.path.islink(path) or not os.path.isfile(path):
        return b""
    with open(path, "rb") as file:
        return file.read(100)


def _write_whole(folder: str, name: str, note: str) -> None:
    partial = f"{folder}/.{name}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(note)
    os.replace(partial, f"{folder}/{name}")


def _plain_name(name: str) -> str:
    """The name without what a terminal, a page or a file system could stumble over."""
    readable = unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))
    kept = "".join(sign if sign.isalnum() or sign in " ._-()" else "_" for sign in readable)
    if len(kept.encode()) <= MAX_NAME_BYTES:
        return kept
    stem, ending = _split_name(kept)
    while len((stem + ending[:20]).encode()) > MAX_NAME_BYTES:
        stem = stem[:-1]
    return stem + ending[:20]


def _split_name(name: str) -> tuple[str, str]:
    """The name before its last full stop, and the ending with it."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if dot else (ending, "")


def _free_name(folder: str, name: str, delivery_id: str) -> str:
    """The name, marked with the content's digest and a number where the folder has it already."""
    if _is_free(folder, name, delivery_id):
        return name
    stem, suffix = _split_name(name)
    number = 1
    while True:
        mark = delivery_id[:8] if number == 1 else f"{delivery_id[:8]}-{number}"
        candidate = f"{stem}~{mark}{suffix}"
        if _is_free(folder, candidate, delivery_id):
            return candidate
        number += 1


def _is_free(folder: str, name: str, delivery_id: str) -> bool:
    """Whether neither the file nor a note would take another's place.

    The notes may be there without the file, from a run that was stopped before it moved the file.
    """
    file, machine, person, decision = (
        f"{folder}/{name}{ending}" for ending in ("", ".json", ".txt", DECISION_ENDING)
    )
    if os.path.lexists(file):
        return False
    if os.path.lexists(machine):
        return _is_note_on(machine, delivery_id)
    return not os.path.lexists(person) and not os.path.lexists(decision)


def _is_note_on(path: str, delivery_id: str) -> bool:
    noted = _NOTED.match(_head_of(path))
    return noted is not None and noted[1].decode() == delivery_id
