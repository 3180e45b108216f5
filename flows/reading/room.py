"""Where untrusted files are parsed: in a child process with limits, which serves one after another.

A crash, an endless loop or too great a hunger there is a refused file here. The child is started
when the first file needs it, never forked (this process has threads), and replaced when it is gone
or has served its number of files. What it may and may not do is in `desk`.
"""

import atexit
import logging
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from flows.reading.post import (
    HEAD,
    MAX_REPLY,
    READY,
    Ask,
    Buffer,
    PostError,
    Refused,
    Stumbled,
    open_reply,
    pack_request,
)
from schemas.reason import Reason
from schemas.speakable import SpeakableError
from transforms.readers.reading import Codebook, FileProblem, Reading

log = logging.getLogger(__name__)

_MIB = 1 << 20
_KIB = 1 << 10
_START_SECONDS = 60.0
_LAST_WORDS = 65_536
_ERROR_NAME = re.compile(r"[A-Z][A-Za-z]{2,40}(Error|Exception|Invalid)")
_OUT_OF_MEMORY = re.compile(rb"memory allocation of \d+ bytes failed|bad_alloc|MemoryError")
_KEPT = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
# One thread each: the child reads one file at a time, and every thread costs memory.
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}


class ReadingRoomError(SpeakableError):
    """The child that reads files cannot be started: a fault of this machine, and of no file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost.

    `memory` is what the child may allocate, in bytes; the libraries that it maps add some 100 MiB.
    `cpu` and `wall` are seconds. `content` is the largest file that is handed over, and `files` how
    many a child serves before a fresh one takes its place.
    """

    memory: int = 896 * _MIB
    cpu: int = 30
    wall: float = 35.0
    content: int = 256 * _MIB
    files: int = 500


class _GoneError(Exception):
    """The child has ended; why is found out when it is buried."""


class _LateError(Exception):
    """The child has used up its time."""


@dataclass(slots=True)
class _Child:
    process: "subprocess.Popen[bytes]"
    ask: int  # the pipe that it hears
    hear: int  # the pipe that it answers on
    last: int  # the pipe of its standard error
    served: int = 0


class ReadingRoom:
    """One child at a time and one file at a time; threads wait for each other."""

    def __init__(self, limits: Limits | None = None, table: str = "flows.reading.readers") -> None:
        self.limits = limits or Limits()
        self.peak = 0  # bytes: the most memory that a child had which did not end by itself
        self._table = table
        self._child: _Child | None = None
        self._lock = Lock()

    @property
    def pid(self) -> int | None:
        """The process that reads, if there is one."""
        return self._child.process.pid if self._child else None

    def read(self, reader: str, content: bytes, ask: Ask) -> Reading:
        """The reading of a file by the reader of that name in the table.

        Raises `FileProblem`: what the reader raises, TOO_LARGE for more bytes than the limit,
        TOO_COSTLY where it took too much memory or time, UNREADABLE where the reader crashed.
        `ReadingRoomError` where no child can be started.
        """
        if len(content) > self.limits.content:
            raise FileProblem(Reason.TOO_LARGE)
        request = pack_request(reader, content, ask)
        with self._lock:
            reply = self._reply(request)
        if isinstance(reply, Reading):
            return reply
        problem = FileProblem(reply.reason, column=reply.column, line=reply.line)
        raise problem.with_sheet(reply.sheet)

    def close(self) -> None:
        """End the child, if there is one; the next file gets another."""
        with self._lock:
            if self._child:
                self._bury(self._child)

    def forget(self) -> None:
        """Let go of the child without ending it: for a forked copy of the process that has it."""
        child, self._child, self._lock = self._child, None, Lock()
        if child:
            for descriptor in (child.ask, child.hear, child.last):
                os.close(descriptor)
            child.process.returncode = 0  # not ours to wait for

    def _reply(self, request: Sequence[Buffer]) -> Reading | Refused:
        child = self._at_work()  # the time that it takes to start is not the file's
        until = time.monotonic() + self.limits.wall
        reply = self._served(child, request, until)
        if reply is None:
            # The cause of a crash may be an earlier file, or outside: a fresh child will tell.
            left = until - time.monotonic()
            child = self._at_work()
            reply = self._served(child, request, time.monotonic() + left)
        return reply or Refused(Reason.UNREADABLE, None, None)

    def _served(
        self, child: _Child, request: Sequence[Buffer], until: float
    ) -> Reading | Refused | None:
        """The reply of a child to one request; None where it crashed or talked nonsense."""
        try:
            reply = open_reply(*_exchange(child, request, until))
        except _LateError:
            self._bury(child)
            return Refused(Reason.TOO_COSTLY, None, None)
        except (_GoneError, PostError):
            return self._bury(child)
        child.served += 1
        is_shaken = isinstance(reply, Stumbled) or reply == Refused(Reason.TOO_COSTLY, None, None)
        if is_shaken or child.served >= self.limits.files:
            self._bury(child)
        if isinstance(reply, Stumbled):
            # A child that hostile bytes have taken over may say anything, and not into our log.
            named = _ERROR_NAME.fullmatch(reply.error)
            log.warning("a reader stopped with %s", reply.error if named else "an odd error")
            return Refused(Reason.UNREADABLE, None, None)
        return reply

    def _at_work(self) -> _Child:
        if self._child is None:
            self._child = _start(self._table, self.limits)
            try:
                _receive(self._child, len(READY), time.monotonic() + _START_SECONDS)
            except (_GoneError, _LateError):
                self._bury(self._child)
                raise ReadingRoomError(
                    "the process that reads files does not start; is there memory for it?"
                ) from None
        return self._child

    def _bury(self, child: _Child) -> Refused | None:
        """End the child and learn how it ended: a reason if it was at a limit, else None."""
        self._child = None
        self.peak = max(self.peak, _peak_of(child.process.pid))
        with suppress(ProcessLookupError):  # somebody else has waited for it
            os.kill(child.process.pid, signal.SIGKILL)  # does nothing to one that has ended
        ended = child.process.wait()
        last_words = _last_words(child)
        for descriptor in (child.ask, child.hear, child.last):
            os.close(descriptor)
        if ended == -signal.SIGXCPU or _OUT_OF_MEMORY.search(last_words):
            return Refused(Reason.TOO_COSTLY, None, None)
        return None


def _peak_of(pid: int) -> int:
    """The most memory that a process has had, in bytes; 0 where the system does not tell."""
    # What `wait4` tells would not do: it counts what this process had when it started the child.
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * _KIB if found else 0


def _last_words(child: _Child) -> bytes:
    """What it wrote to its standard error. It may quote the file: look, and never repeat it."""
    try:
        return os.read(child.last, _LAST_WORDS)
    except BlockingIOError:
        return b""


def _start(table: str, limits: Limits) -> _Child:
    # Nothing of this process's environment but what a reader needs: no key, no address.
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])
    command = ("flows.reading.desk", table, str(limits.memory), str(limits.cpu))
    theirs, ask = os.pipe()
    hear, answers = os.pipe()
    last, errors = os.pipe()
    # None of them may keep anybody waiting: not us, and not a child that complains at length.
    for descriptor in (ask, hear, last, errors):
        os.set_blocking(descriptor, False)
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module, by the interpreter we run in
            [sys.executable, "-P", "-m", *command],
            stdin=theirs,
            stdout=answers,
            stderr=errors,
            env={**kept, **_ENVIRONMENT, "PYTHONPATH": path},
            cwd="/",
        )
    except OSError as error:
        for descriptor in (ask, hear, last):
            os.close(descriptor)
        problem = os.strerror(error.errno or 0)
        raise ReadingRoomError(f"the process that reads files cannot start: {problem}") from None
    finally:
        for descriptor in (theirs, answers, errors):
            os.close(descriptor)
    return _Child(process, ask, hear, last)


def _exchange(
    child: _Child, request: Sequence[Buffer], until: float
) -> tuple[bytearray, bytearray]:
    for part in request:
        _send(child, memoryview(part), until)
    letter, body = HEAD.unpack(_receive(child, HEAD.size, until))
    if letter + body > MAX_REPLY:
        raise PostError("a reply beyond all measure")
    return _receive(child, letter, until), _receive(child, body, until)


def _send(child: _Child, view: memoryview, until: float) -> None:
    while view:
        _wait(child.ask, select.POLLOUT, until)
        try:
            view = view[os.write(child.ask, view[:_MIB]) :]
        except BrokenPipeError:
            raise _GoneError from None


def _receive(child: _Child, size: int, until: float) -> bytearray:
    received = bytearray(size)
    view = memoryview(received)
    while view:
        _wait(child.hear, select.POLLIN, until)
        count = os.readv(child.hear, [view])
        if not count:
            raise _GoneError
        view = view[count:]
    return received


def _wait(descriptor: int, event: int, until: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    left = until - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise _LateError


_ROOM = ReadingRoom()
atexit.register(_ROOM.close)
os.register_at_fork(after_in_child=_ROOM.forget)


def read(
    reader: str, content: bytes, *, codebook: Codebook | None = None, forms: Sequence[bytes] = ()
) -> Reading:
    """What `ReadingRoom.read` says, from this process's own room."""
    return _ROOM.read(reader, content, Ask(codebook, forms))
