"""Puts a delivery that comes in pieces into the inbox, whole or not at all.

It is written under a hidden name in the inbox's own file system, which no run looks at, and takes
its name when it is complete and on disk. What was dropped there before is never written over.
"""

import hashlib
import os
import secrets
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from flows.inbox import UNFINISHED

HIDDEN = ".http-"
LONGEST_NAME = 150  # bytes
_KEPT = " ._-()"


class DropError(Exception):
    """A delivery is refused: the status that says so, and a sentence without a value."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(told)
        self.status, self.told = status, told


@dataclass(frozen=True, slots=True)
class Dropped:
    """What lies in the inbox now; `is_new` is false where it lay there already."""

    name: str
    sha256: str
    size: int
    is_new: bool


def safe_name(given: str) -> str:
    """The name without what a file system, a terminal or the inbox could stumble over.

    DropError 422 where nothing is left of it, or where it says that it is not complete.
    """
    readable = unicodedata.normalize("NFC", given)
    kept = "".join(sign if sign.isalnum() or sign in _KEPT else "_" for sign in readable)
    name = kept.strip(" .")
    if not name.strip("_"):
        raise DropError(422, "the name has neither a letter nor a digit")
    if name.lower().endswith(UNFINISHED) or name.lower() in ("thumbs.db", "desktop.ini"):
        raise DropError(422, "files of this name are not read: choose another")
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending[:15]) if dot else (ending, "")
    while len((stem + ending).encode()) > LONGEST_NAME:
        stem = stem[:-1]
    return stem + ending


async def drop(folder: Path, name: str, pieces: AsyncIterator[bytes], *, limit: int) -> Dropped:
    """Write the pieces, and give them their name in the folder; DropError where that cannot be."""
    partial = folder / f"{HIDDEN}{secrets.token_hex(8)}.partial"
    try:
        digest, size = await _write(partial, pieces, limit)
        return _name(partial, folder / name, digest, size)
    finally:
        partial.unlink(missing_ok=True)


async def _write(partial: Path, pieces: AsyncIterator[bytes], limit: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
    with os.fdopen(descriptor, "wb") as file:
        async for piece in pieces:
            size += len(piece)
            if size > limit:
                raise DropError(413, "the delivery is larger than [intake] max_megabytes")
            digest.update(piece)
            file.write(piece)
        if not size:
            raise DropError(422, "the delivery is empty")
        file.flush()
        os.fsync(descriptor)
    return digest.hexdigest(), size


def _name(partial: Path, target: Path, digest: str, size: int) -> Dropped:
    """Give it its name, where nothing has it; an empty file holds the name in between."""
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640))
    except FileExistsError:
        if _holds(target, digest, size):
            return Dropped(target.name, digest, size, is_new=False)
        raise DropError(409, "other content waits under this name: choose another") from None
    partial.replace(target)
    return Dropped(target.name, digest, size, is_new=True)


def _holds(path: Path, digest: str, size: int) -> bool:
    try:
        if path.is_symlink() or path.stat().st_size != size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False


def clear_partial(inbox: Path) -> int:
    """Remove what a service that was killed had not got whole; returns how many files."""
    left = [path for path in inbox.rglob(f"{HIDDEN}*.partial") if not path.is_symlink()]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
