"""One process that `serve` has started, and all that this one starts itself."""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from flows.serve.processes import Command

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # Linux, prctl(2)


class Child:
    """A running process in a group of its own, whose lines go to whoever takes them."""

    def __init__(
        self,
        command: Command,
        *,
        environment: Mapping[str, str],
        folder: Path,
        hear: Callable[[str], None],
    ) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - words of our own table
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us, and we end them in order
            preexec_fn=_end_with_us,  # noqa: PLW1509 - one call into libc, which is loaded by now
        )
        self._reader = threading.Thread(target=self._read, args=(hear,), daemon=True)
        self._reader.start()

    def _read(self, hear: Callable[[str], None]) -> None:
        assert self.process.stdout is not None  # noqa: S101 - for the type checker
        with self.process.stdout as lines:
            for line in lines:
                hear(line.decode("utf-8", "replace"))

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    @property
    def seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self.began

    def ended(self) -> int | None:
        """Its exit code, negative where a signal ended it; None while it runs."""
        return self.process.poll()

    def stop(self, *, patience: float) -> int:
        """Ask it to end, wait so many seconds, then end it and what it started; its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
        self.kill()
        return self.process.wait()

    def kill(self) -> None:
        """End it and everything that it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def _end_with_us() -> None:
    """Let the kernel end the process where we are killed and can end nothing any more."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def adopt() -> None:
    """Become the parent of whatever our processes leave behind.

    Prefect puts each run in a group of its own, so the end of the worker's group is not theirs.
    """
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_orphans(known: Collection[int]) -> int:
    """End at once what our processes have left behind; `known` are our own. Returns how many."""
    left = [pid for pid in _children() if pid not in known]
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
    return len(left)


def _children() -> list[int]:
    """The processes whose parent we are, as /proc has it."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in brackets, may hold anything; what follows it is the state and the parent.
            after_name = stat.read_text(encoding="latin-1").rpartition(")")[2].split()
            if int(after_name[1]) == os.getpid():
                found.append(int(stat.parent.name))
    return found
