"""Runs that are killed, over and over: `python -m tests.faults.killing HOME NIGHTS KILLS SEED`.

NIGHTS has a folder a night, named by its moment, and in it a file for the inbox each. The files of
a night come one by one. After each, `klassepuls run` is started and killed: at a named point, or at
a random time of its usual length. The last runs of a night are killed until one comes to its end.

Starting Python takes longer than the run does, so each process is forked from one that has imported
everything and runs nothing; what is forked is the command, and what kills it is SIGKILL. With KILLS
= 0 nobody is killed: that is what the other home is held against.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from itertools import chain, cycle
from pathlib import Path

from tests.faults.one_run import run_at
from warehouse.failpoint import POINTS, VARIABLE

# Whatever a run imports when it comes to it.
MODULES = ("flows.road", "flows.display", "reports.school_report", "scipy.special",
           "holidays.countries.norway", "polars", "pandera.polars")  # fmt: skip
PUBLISHING = [point for point in POINTS if "publish" in point]
LOADING = [point for point in POINTS if "publish" not in point]


@dataclass
class Loop:
    """One home that runs are killed over, and what has been done to it."""

    home: Path
    rng: random.Random
    usual: float = 1.0  # seconds that a run takes which is left in peace
    killed: Counter[str] = field(default_factory=Counter)
    beside_files: int = 0  # how many of them while files came
    delivered: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def finish(self, moment: datetime) -> None:
        """A run that is left in peace."""
        started = time.monotonic()
        self._ended(os.waitpid(self._start(moment, None), 0)[1])
        self.usual = time.monotonic() - started

    def kill(self, moment: datetime, point: str | None) -> bool:
        """Start a run and kill it at the point, or at a random time; False where it was faster."""
        child = self._start(moment, point)
        if point is None:
            time.sleep(self.usual * self.rng.uniform(0.0, 1.0))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            self.killed[point or "random"] += 1
        else:
            self._ended(status)
        self._count_files()
        return os.WIFSIGNALED(status)

    def _start(self, moment: datetime, point: str | None) -> int:
        child = os.fork()
        if child == 0:
            status = 70
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                if point:
                    os.environ[VARIABLE] = point
                status = run_at(moment, self.home)
            finally:
                os._exit(status)
        return child

    def _ended(self, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, 1):
            self.failed.append(f"a run ended with {code}")

    def _count_files(self) -> None:
        """Whatever has happened, each file lies in one place."""
        places = [self.home / "inbox", *(self.home / "outcome").iterdir()]
        found = Counter(path.name for place in places for path in place.iterdir())
        lost = [name for name in self.delivered if found[name] != 1]
        if lost:
            self.failed.append(f"{len(lost)} of {len(self.delivered)} files lost, or there twice")

    def drop(self, file: Path) -> None:
        """Put a file into the inbox that looks as if it had lain there for a while."""
        hidden = self.home / "inbox" / f".{file.name}"
        shutil.copyfile(file, hidden)
        os.utime(hidden, (0, 0))
        hidden.rename(hidden.with_name(file.name))
        self.delivered.append(file.name)


def points(names: list[str]) -> Iterator[str | None]:
    """A random time after every two named points."""
    for number, name in enumerate(cycle(names)):
        yield name
        if number % 2:
            yield None


def deliver_night(
    loop: Loop, folder: Path, plan: Iterator[str | None], share: float
) -> Iterator[str | None]:
    """A file at a time; after each, as many kills as bring the loop to `share` a file.

    Returns the rest of the plan, with the point first that no run of this night came to.
    """
    moment = moment_of(folder)
    point = next(plan)
    for number, file in enumerate(sorted(folder.iterdir())):
        loop.drop(file)
        if number == 0:
            loop.finish(moment)
        while loop.beside_files < share * len(loop.delivered):
            if loop.kill(moment, point):
                loop.beside_files += 1
                point = next(plan)
            elif point is None:
                loop.usual *= 0.9  # it was faster than we thought
            else:
                break  # this file does not bring it there; the next one may
    loop.finish(moment)
    return chain([point], plan)


def publish_night(loop: Loop, folder: Path, plan: Iterator[str | None], share: float) -> None:
    """No file comes; a run is killed until one has come to its end."""
    while share and loop.kill(moment_of(folder), next(plan)):
        pass
    loop.finish(moment_of(folder))


def moment_of(folder: Path) -> datetime:
    return datetime.fromisoformat(folder.name.replace("_", ":"))


def main(home: Path, nights: Path, kills: int, seed: int) -> int:
    """Prints what was killed where; 1 where a run ended by itself and badly, or a file was lost."""
    for module in MODULES:
        import_module(module)
    loop = Loop(home, random.Random(seed))  # noqa: S311 - no secret is made with it
    folders = sorted(nights.iterdir())
    share = kills / sum(len(list(folder.iterdir())) for folder in folders)
    loading, publishing = points(LOADING), points(PUBLISHING)
    for folder in folders:
        if any(folder.iterdir()):
            loading = deliver_night(loop, folder, loading, share)
        else:
            publish_night(loop, folder, publishing, share)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"killed": loop.killed, "failed": loop.failed}) + "\n")
    return int(bool(loop.failed))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
