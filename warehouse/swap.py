"""Puts finished files in their places in one step, so that nobody ever opens half a file.

One by one with `whole`, or several that belong together with `beside` and `swap_in`.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from warehouse.failpoint import reach

READ_ONLY = 0o440  # owner and group, and nobody may write
_SUFFIX = ".new"


def whole(path: str, *, mode: int, durable: bool = False) -> AbstractContextManager[TextIO]:
    """A text file to write: a reader sees the old one or the new one, never half of one.

    It is written under a hidden name beside its own, and left there when the writer is stopped: the
    next one writes it anew. `durable` has it on disk before it takes its name, for what nobody
    could make again. `path` is a text, for Path objects cost more than 900 small notes do.
    """
    return _whole(path, mode, "w", "utf-8", durable=durable)


def whole_bytes(path: str, *, mode: int) -> AbstractContextManager[BinaryIO]:
    """The same for bytes."""
    return _whole(path, mode, "wb", None)


@contextmanager
def _whole(
    path: str, mode: int, kind: str, encoding: str | None, *, durable: bool = False
) -> Iterator[Any]:
    folder, _, name = path.rpartition("/")
    partial = f"{folder}/.{name}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, kind, encoding=encoding) as file:
        yield file
        if durable:
            file.flush()
            os.fsync(descriptor)
    os.replace(partial, path)  # noqa: PTH105 - texts, as said


@contextmanager
def beside(*targets: Path) -> Iterator[list[Path]]:
    """Fresh paths beside the targets, cleared of what an interrupted run left, then and after."""
    fresh = [target.with_name(target.name + _SUFFIX) for target in targets]
    try:
        _clear(fresh)
        yield fresh
    finally:
        _clear(fresh)


def swap_in(fresh: Sequence[Path], targets: Sequence[Path], *, mode: int = READ_ONLY) -> None:
    """Make the fresh files durable and read-only, then give each the name of its target.

    All are on disk before the first is moved. The targets lie in one folder.
    """
    for path in fresh:
        path.chmod(mode)
        fsync(path)
    reach("before-publish-move")
    for path, target in zip(fresh, targets, strict=True):
        os.replace(path, target)  # noqa: PTH105 - the name under which people look for it
        reach("between-publish-moves")
    fsync(targets[0].parent)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, content: dict[str, object]) -> None:
    """Write a small JSON file in UTF-8."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _clear(fresh: Sequence[Path]) -> None:
    for path in fresh:
        path.unlink(missing_ok=True)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)


def fsync(path: Path) -> None:
    """Have a file, or what a folder lists, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
