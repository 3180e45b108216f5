"""The inbox: takes what lies there, and files it where people find it again with a note.

Names are data. A file is opened without following links, read once, and known by the SHA-256 of its
bytes; nothing here hands a name to a reader.
"""

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import re
import stat
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from flows.home import Home
from flows.outcome import Outcome
from flows.outcome_note import DECISION_ENDING, machine_note, person_note
from schemas.reason import Reason
from transforms.identifiers import find_identifiers
from warehouse.failpoint import reach
from warehouse.swap import whole

log = logging.getLogger(__name__)

MAX_BYTES = 1 << 30
MAX_NAME_BYTES = 180
SETTLE_SECONDS = 2.0
# Where nobody can say whether a writer has a file open, it has to lie still for so much longer.
PATIENCE = 30

# What browsers and copying programs call a file until it is complete.
UNFINISHED = (
    ".part", ".partial", ".filepart", ".tmp", ".crdownload", ".download", ".opdownload",
    ".incomplete", ".uploading", "~",
)  # fmt: skip
UNFINISHED_FOR = 86_400.0

# What opening an entry may answer, and what that says of the entry. A file that we may not read
# must not keep the others waiting.
_NOT_READ = {
    errno.ELOOP: Reason.NOT_A_FILE,
    errno.ENXIO: Reason.NOT_A_FILE,
    errno.EACCES: Reason.UNREADABLE,
    errno.EPERM: Reason.UNREADABLE,
}


_MAY_NAME_SOMEBODY = re.compile(r"[0-9]{6}|(?:[0-9][ .+-]?){8}|@")
_NUMBERED = re.compile(r"submission-[0-9]+\.json")  # Nettskjema's own name of a whole submission
# How every note begins.
_NOTED = re.compile(rb'\{"delivery_id": "([0-9a-f]{64})"')
_SIZED = re.compile(rb'\{"delivery_id": "[0-9a-f]{64}", "size": ([0-9]{1,12}),')


@dataclass(frozen=True, slots=True)
class Arrival:
    """One entry of the inbox. `content` is None where it is no file that can be read.

    `seen` is how the file looked when it was read.
    """

    path: Path
    delivery_id: str
    content: bytes | None
    problem: Reason | None = None
    seen: os.stat_result | None = field(default=None, repr=False)


def waiting(home: Home, *, settle: float = SETTLE_SECONDS) -> list[Path]:
    """What lies in the inbox and its folders and has come to rest, in the order of names.

    A file that was written to less than `settle` seconds ago may still be on its way: it is looked
    at again when it is that old, and left for the next run if it has changed meanwhile.
    """
    now = time.time()
    entries = {
        path: seen for path, seen in _entries(home.inbox) if not _is_unfinished(path, seen, now)
    }
    # A clock that is ahead elsewhere must not let a file pass as old.
    youngest = min((max(now - seen.st_mtime, 0.0) for seen in entries.values()), default=settle)
    if youngest < settle:
        time.sleep(settle - youngest)
    return sorted(Path(path) for path, before in entries.items() if _is_at_rest(path, before))


def count_left(home: Home) -> int:
    """How many files still lie in the inbox after a run: they may not be complete yet."""
    return sum(1 for _ in _entries(home.inbox))


def _is_nobodys(name: str) -> bool:
    """Hidden entries, and what Windows and Office leave in every folder: nobody delivers these."""
    return name.startswith((".", "~$")) or name.lower() in ("thumbs.db", "desktop.ini")


def _is_unfinished(path: str, seen: os.stat_result, now: float) -> bool:
    """Whether its name says that a program is still fetching it; a day later that is its name."""
    return path.lower().endswith(UNFINISHED) and now - seen.st_mtime < UNFINISHED_FOR


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every entry that is no folder, below folders that people dropped too; hidden ones are not."""
    try:
        with os.scandir(folder) as scanned:
            entries = [entry for entry in scanned if not _is_nobodys(entry.name)]
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
    return _is_same(now, before)


def _is_same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether it is the same file, and nobody has written to it in between."""
    return (one.st_ino, one.st_size, one.st_mtime_ns) == (
        other.st_ino,
        other.st_size,
        other.st_mtime_ns,
    )


def take(paths: Sequence[Path], *, settle: float = 0.0) -> Iterator[Arrival]:
    """Read files one by one. Links, devices, pipes and giants are told, not read.

    A file that somebody has open to write to is left out: it waits for the next run.
    """
    for path in paths:
        try:
            if (arrival := _read(path, settle)) is not None:
                yield arrival
        except OSError as error:
            if error.errno not in _NOT_READ and error.errno != errno.ENOENT:
                raise
            if error.errno != errno.ENOENT:
                yield Arrival(path, _name_digest(path), None, _NOT_READ[error.errno])


def _read(path: Path, settle: float) -> Arrival | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            return Arrival(path, _name_digest(path), None, Reason.NOT_A_FILE)
        if status.st_size > MAX_BYTES:
            return Arrival(path, _name_digest(path), None, Reason.TOO_LARGE)
        if _may_be_written_to(descriptor, status, settle):
            return None
        content = file.read()
        if not _is_same(os.fstat(descriptor), status):
            return None
    return Arrival(path, hashlib.sha256(content).hexdigest(), content, seen=status)


def _may_be_written_to(descriptor: int, status: os.stat_result, settle: float) -> bool:
    """Whether a program has the file open to write to, as one does that is uploading it slowly.

    Linux grants a read lease only while nobody does. Where it may not say, because the file is
    another user's or lies on another machine, a file is taken to be complete when it has lain still
    for long.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        # A clock that is ahead elsewhere must not let a file pass as old.
        return max(time.time() - status.st_mtime, 0.0) < PATIENCE * settle
    return False


def _name_digest(path: Path) -> str:
    """What stands for the content of an entry that is not read."""
    return hashlib.sha256(b"not read:" + os.fsencode(path.name)).hexdigest()


def file_away(home: Home, arrival: Arrival, outcome: Outcome) -> Path:
    """Move a file to its outcome folder and write the notes beside it; returns its new place.

    Where it is another file by now than the one that was read, what was read is put there, and what
    lies in the inbox is left for the next run.
    """
    # Paths as texts from here on: with 900 class files, making Path objects was half of the work.
    folder = str(home.outcome / outcome.outcome)
    name = _free_name(folder, _shown_name(arrival), outcome.delivery_id)
    size = len(arrival.content or b"")
    _write_note(f"{folder}/{name}.json", machine_note(outcome, size=size))
    _write_note(f"{folder}/{name}.txt", person_note(outcome))
    if outcome.decision:
        _write_note(f"{folder}/{name}{DECISION_ENDING}", outcome.decision)
    reach("between-notes-and-move")
    if not _move(arrival, f"{folder}/{name}") and arrival.content is not None:
        _keep(Path(folder, name), arrival.content)
    reach("after-move")
    return Path(folder, name)


def take_back(home: Home, folder: str) -> int:
    """Move files that have grown since they were put away back to the inbox; returns how many.

    Whoever uploaded them was not done. What they held by then has been loaded, and is known again.
    One that was changed in any other way stays: somebody has opened it to look, and saved it.
    """
    found = 0
    for place in sorted(_written_to_since(f"{home.outcome / folder}")):
        name = os.path.basename(place)
        if not os.path.lexists(home.inbox / name):
            os.rename(place, home.inbox / name)
            found += 1
    if found:
        log.warning("%d file(s) had grown since they were put away, and are read again", found)
    return found


def count_changed(home: Home) -> int:
    """Loaded files that somebody has changed since: they are not what counts."""
    return sum(
        not _is_note_on(note, hashlib.sha256(Path(path).read_bytes()).hexdigest())
        for path, note in _younger_than_note(f"{home.outcome / 'loaded'}")
    )


def _written_to_since(folder: str) -> Iterator[str]:
    """Files that are younger than their note, and begin with what the note is on."""
    for path, note in _younger_than_note(folder):
        content, size = Path(path).read_bytes(), _size_read(note)
        begins = hashlib.sha256(content[:size]).hexdigest()
        if 0 < size < len(content) and _is_note_on(note, begins):
            yield path


def _younger_than_note(folder: str) -> Iterator[tuple[str, str]]:
    """Files with the note on them, of which the file is the younger."""
    with os.scandir(folder) as scanned:
        entries = {entry.name: entry for entry in scanned}
    for name, entry in entries.items():
        note = entries.get(f"{name}.json")
        if note is None or not entry.is_file(follow_symlinks=False):
            continue
        if entry.stat().st_mtime_ns > note.stat().st_mtime_ns:
            yield entry.path, note.path


def _size_read(note: str) -> int:
    """How many bytes the note is on; 0 where it does not say."""
    found = _SIZED.match(_head_of(note))
    return int(found[1]) if found else 0


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
        return file.read(120)


def _write_note(path: str, note: str) -> None:
    with whole(path, mode=0o640) as file:
        file.write(note)


def _move(arrival: Arrival, place: str) -> bool:
    """Move what was read; false where something else lies there by now, or nothing."""
    with contextlib.suppress(FileNotFoundError):
        if arrival.seen is None or _is_same(os.lstat(arrival.path), arrival.seen):
            os.rename(arrival.path, place)
            return True
    return False


def _keep(path: Path, content: bytes) -> None:
    """Put there what was read, of which nobody has another copy."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _shown_name(arrival: Arrival) -> str:
    """Its plain name; where somebody's number or address stands in that, the content's digest."""
    name = _plain_name(arrival.path.name)
    told = arrival.path.name
    if _NUMBERED.fullmatch(told):
        return name
    if _MAY_NAME_SOMEBODY.search(told) and find_identifiers(pl.Series([_bare(told)])):
        return arrival.delivery_id[:16] + _split_name(name)[1][:20]
    return name


def _bare(name: str) -> str:
    """The name in which letters and underscores do not hide a number."""
    return re.sub(r"[^0-9@.+-]+", " ", name) if "@" not in name else name


def _plain_name(name: str) -> str:
    """The name without what a terminal, a page or a file system could stumble over."""
    readable = unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))
    kept = "".join(sign if sign.isalnum() or sign in " ._-()~" else "_" for sign in readable)
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
