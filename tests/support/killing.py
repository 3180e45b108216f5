"""Runs the road in processes that are killed: `python -m tests.support.killing HOME DROPS SEED`.

Every drop is put into the inbox, and a process that runs the road is killed some time after. Then
runs are let go on until the inbox is empty. Importing takes longer than running, so the processes
are forked from one that has imported everything and has started no thread.
"""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from flows.home import open_home
from tests.support.home import run


def _run_apart(home: Path) -> int:
    """Fork; the child runs the road once and says with its exit code whether that went well."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            run(open_home(home))
            status = 0
        finally:
            os._exit(status)
    return child


def _drop(folder: Path, inbox: Path) -> None:
    for file in sorted(folder.iterdir()):
        shutil.copyfile(file, inbox / f".{file.name}")
        (inbox / f".{file.name}").rename(inbox / file.name)


def main(home: Path, drops: Path, seed: int) -> int:
    """Prints how many runs were killed before and after they had emptied the inbox.

    The first drop and the last two runs are left in peace; returns 1 where one of them went wrong.
    """
    rng = random.Random(seed)  # noqa: S311 - no secret is made with it
    inbox = home / "inbox"
    first, *others = sorted(drops.iterdir())
    _drop(first, inbox)
    started = time.monotonic()
    _, status = os.waitpid(_run_apart(home), 0)
    usual = time.monotonic() - started
    early = late = 0
    for folder in others:
        _drop(folder, inbox)
        child = _run_apart(home)
        time.sleep(usual * rng.uniform(0.05, 1.4))
        os.kill(child, signal.SIGKILL)
        _, ended = os.waitpid(child, 0)
        early += os.WIFSIGNALED(ended) and any(inbox.iterdir())
        late += os.WIFSIGNALED(ended) and not any(inbox.iterdir())
    for _ in range(2):
        status |= os.waitpid(_run_apart(home), 0)[1]
    sys.stdout.write(f"{early} {late}\n")
    return int(status != 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
