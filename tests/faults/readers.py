"""Publications and erasings that are killed while an analyst reads, over and over.

`python -m tests.faults.readers HOME KIND MOMENT KILLS SEED`; KIND is `publish` or a pupil's code to
erase. HOME is a home in which that is due. Each time a copy of it is worked on: a reader opens the
published file as fast as it can, the work is killed at a named point or at a random time, and is
then given again and left in peace. What the reader saw, and how the copy ended, is told as JSON.

As in the kill loop of the road, processes are forked from one that has imported everything and has
opened nothing.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from itertools import cycle
from pathlib import Path

import duckdb

from flows.erasure.pupil import Asked, erase_pupil
from flows.home import Home, open_home
from tests.erase.tokens import files_with
from tests.faults.compare import published
from tests.faults.killing import MODULES, PUBLISHING
from tests.faults.one_run import run_at
from warehouse.failpoint import ERASE_POINTS, VARIABLE

_TORN = "torn"


@dataclass
class Told:
    """What all the copies together have shown."""

    killed: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)  # fingerprints of whole published files
    ended: set[str] = field(default_factory=set)
    reads: int = 0
    left: int = 0  # files that a token of the erased pupil was found in


def version(home: Home) -> str:
    """One word for all that the analysts' file says."""
    return hashlib.sha256(repr(published(home)).encode()).hexdigest()


def forked(work: Callable[[], object]) -> int:
    """A child that does the work and ends with 0; its number."""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def reading(home: Home, stop: Path, says: Path) -> None:
    """Open the file until somebody says stop; what was seen is written down then."""
    seen: Counter[str] = Counter()
    while not stop.exists() or not seen:
        try:
            seen[version(home) if home.published.exists() else "gone"] += 1
        except (duckdb.Error, OSError):
            seen[_TORN] += 1
    says.write_text(json.dumps(seen), encoding="utf-8")


def kill_while_read(
    template: Home, work: Callable[[Home], object], point: str | None, told: Told, wait: float
) -> tuple[Home, float]:
    """One copy: read, kill, and do it again in peace; the copy, and how long the peace took."""
    place = template.root.with_name("copy")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template.root, place)
    home = open_home(place)
    stop, says = (place.with_name(name) for name in ("stop", "says"))
    for path in (stop, says):
        path.unlink(missing_ok=True)
    reader = forked(lambda: reading(home, stop, says))
    if point:
        os.environ[VARIABLE] = point
    child = forked(lambda: work(home))
    os.environ.pop(VARIABLE, None)
    if point is None:
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
    if os.WIFSIGNALED(os.waitpid(child, 0)[1]):
        told.killed[point or "random"] += 1
    started = time.monotonic()
    _, status = os.waitpid(forked(lambda: work(home)), 0)
    took = time.monotonic() - started
    stop.touch()
    os.waitpid(reader, 0)
    seen = json.loads(says.read_text(encoding="utf-8"))
    told.seen |= set(seen)
    told.reads += sum(seen.values())
    told.ended.add("failed" if status else "done")
    return home, took


def look(home: Home, kind: str, told: Told) -> None:
    """How the copy ended; looked at in a child, for nothing may be open when the next is forked."""
    says = home.root.with_name("says")

    def write() -> None:
        left = [] if kind == "publish" else files_with(home, kind)
        says.write_text(json.dumps([version(home), len(left)]), encoding="utf-8")

    os.waitpid(forked(write), 0)
    ended, left = json.loads(says.read_text(encoding="utf-8"))
    told.ended.add(ended)
    told.left += left


def plan(points: list[str]) -> Iterator[str | None]:
    """Each named point, and a random time after it."""
    for point in cycle(points):
        yield point
        yield None


def main(home: Path, kind: str, moment: str, kills: int, seed: int) -> int:
    """Prints what was killed where, which versions were seen, and how the copies ended."""
    for module in (*MODULES, "warehouse.erase", "warehouse.rebuild"):
        import_module(module)
    now, rng = datetime.fromisoformat(moment), random.Random(seed)  # noqa: S311 - no secret
    told, usual, template = Told(), 0.5, open_home(home)

    def work(copy: Home) -> None:
        if kind != "publish":
            erase_pupil(copy, Asked(kind), now=now)
        elif run_at(now, copy.root) not in (0, 1):
            raise SystemExit(1)

    asked = plan(list(PUBLISHING if kind == "publish" else ERASE_POINTS))
    while sum(told.killed.values()) < kills:
        wait = usual * rng.uniform(0.0, 1.2)
        copy, usual = kill_while_read(template, work, next(asked), told, wait)
        look(copy, kind, told)
    answer = {
        "killed": told.killed,
        "seen": sorted(told.seen),
        "ended": sorted(told.ended),
        "reads": told.reads,
        "left": told.left,
    }
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
