"""Puts a restored home in the old one's place, so that a kill leaves one of the two and no mixture.

All that is to be put there lies ready in `restricted/restore/new`, and gets that name in one step:
before it the old home counts, from then on the restored one. What is left is moving, which whoever
opens the home next takes up where it stopped. The old files are moved aside and not deleted.
"""

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from warehouse.failpoint import reach
from warehouse.swap import fsync

READY, STAGING = "restore", ".restore.partial"
_PLAN, _NEW = "plan.json", "new"


class _Plan(TypedDict):
    """Each part and whether the restored home has it; and where the old ones go."""

    parts: dict[str, bool]
    aside: str


@contextmanager
def staging(restricted: Path) -> Iterator[Path]:
    """An empty folder to make the restored home in, laid out as a home is; gone afterwards."""
    partial = restricted / STAGING
    shutil.rmtree(partial, ignore_errors=True)
    (partial / _NEW).mkdir(parents=True, mode=0o700)
    try:
        yield partial / _NEW
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def commit(restricted: Path, parts: list[str], *, aside: Path) -> None:
    """From here on the restored home counts. `parts` are paths from the home on, in their order.

    A part that was not made in the staging folder is one that the restored home does not have.
    """
    partial = restricted / STAGING
    made = [part for part in parts if (partial / _NEW / part).exists()]
    plan: _Plan = {"parts": {part: part in made for part in parts}, "aside": str(aside)}
    (partial / _PLAN).write_text(json.dumps(plan), encoding="utf-8")
    for path in (*partial.rglob("*"), partial):
        fsync(path)
    reach("restore-before-commit")
    partial.rename(restricted / READY)
    fsync(restricted)
    reach("restore-after-commit")


def finish(restricted: Path) -> None:
    """Move what a committed restore has not moved yet; the caller holds the writer's lock.

    What one left that was cut off before it was committed is a copy of pupils' rows, and goes.
    """
    ready, done = restricted / READY, restricted / STAGING
    if done.is_dir():
        shutil.rmtree(done)
    if not ready.is_dir():
        return
    plan: _Plan = json.loads((ready / _PLAN).read_bytes())
    for source, target in _moves(restricted.parent, ready / _NEW, plan):
        _move(source, target)
        reach("restore-between-moves")
    ready.rename(done)
    fsync(restricted)
    shutil.rmtree(done)


def is_pending(restricted: Path) -> bool:
    """Whether a restore was cut off after it was committed."""
    return (restricted / READY).is_dir()


def _moves(root: Path, new: Path, plan: _Plan) -> Iterator[tuple[Path, Path]]:
    """What is still to be moved, looked up move by move: some may have been made already."""
    aside = Path(plan["aside"])
    for part, is_made in plan["parts"].items():
        if is_made and not os.path.lexists(new / part):
            continue  # it is in its place
        if os.path.lexists(root / part) and not os.path.lexists(aside / part):
            yield root / part, aside / part
        if is_made:
            yield new / part, root / part


def _move(source: Path, target: Path) -> None:
    """Rename; where a folder is a disk of its own, or gives its group to files, copy and rename."""
    for folder in reversed(target.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700)
    if target.is_dir():
        shutil.rmtree(target)  # it lies aside already, and a kill came before it was removed here
    if target.parent.stat().st_mode & stat.S_ISGID:
        _copy_and_remove(source, target)  # a file that is moved keeps the group that it had
    else:
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_and_remove(source, target)
    fsync(target.parent)
    fsync(source.parent)


def _copy_and_remove(source: Path, target: Path) -> None:
    partial = target.with_name(f".{target.name}.partial")
    if source.is_dir():
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial)
    else:
        shutil.copy2(source, partial)
    for path in (*partial.rglob("*"), partial):
        fsync(path)
    partial.rename(target)
    if source.is_dir():
        shutil.rmtree(source)
    else:
        source.unlink()
