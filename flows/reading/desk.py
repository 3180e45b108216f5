"""The child process in which untrusted files are parsed: `python -m flows.reading.desk TABLE ...`.

Before it sees the first untrusted byte it has given up memory beyond its limit, core dumps, writing
to files, and every further descriptor: it can open no file and no connection. It ends when its
parent does, for then its standard input ends, and when it has been idle for a while.
"""

import io
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import Mapping
from importlib import import_module

import pyarrow as pa

from flows.reading.post import (
    HEAD,
    READY,
    Ask,
    pack_problem,
    pack_reading,
    read_message,
    size_of,
    unpack_request,
    write_table,
)
from flows.reading.readers import Reader

IDLE_SECONDS = 60
NICE = 5

Messages = queue.SimpleQueue[tuple[bytes, bytes]]


def main(table: str, memory: int, cpu_seconds: int) -> None:
    """Serve one request after the other until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at a terminal it is meant for the parent
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    os.nice(NICE)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    served = import_module(table)
    served.warm_up()
    requests: Messages = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    answers.write(READY)
    answers.flush()
    _serve(served.READERS, requests, answers, cpu_seconds)


def _listen(requests: Messages) -> None:
    """Hear the parent at any time: when its end of the pipe closes, stop at once."""
    heard = io.BufferedReader(io.FileIO(0))
    while (message := read_message(heard)) is not None:
        requests.put(message)
        del message  # or it would be kept in memory until the next one
    os._exit(0)


def _serve(
    readers: Mapping[str, Reader],
    requests: Messages,
    answers: io.BufferedWriter,
    cpu_seconds: int,
) -> None:
    while True:
        try:
            name, content, ask = unpack_request(*requests.get(timeout=IDLE_SECONDS))
        except queue.Empty:
            return
        _allow(cpu_seconds)
        letter, table = _answer(readers[name], content, ask)
        answers.write(HEAD.pack(len(letter), size_of(table)))
        answers.write(letter)
        write_table(table, pa.PythonFile(answers, mode="w"))
        answers.flush()
        del name, content, ask, letter, table


def _allow(cpu_seconds: int) -> None:
    """So much processor time from now on; who uses more is ended by the system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


def _answer(read: Reader, content: bytes, ask: Ask) -> tuple[bytes, pa.Table | None]:
    """What the reader makes of the file."""
    try:
        return pack_reading(read(content, ask))
    except BaseException as problem:  # noqa: BLE001 - a panic in Rust is not an Exception
        return pack_problem(problem), None


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
