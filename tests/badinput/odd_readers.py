"""Readers that go wrong in every way a reader may, for a child process of the tests.

`python -m flows.reading.desk tests.badinput.odd_readers ...` serves them beside the real ones.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa

from flows.reading import readers as reader_table
from flows.reading.post import Ask
from flows.reading.readers import Reader
from transforms.readers.reading import Reading

warm_up = reader_table.warm_up


def _always(act: Callable[[], object]) -> Reader:
    def read(content: bytes, ask: Ask) -> Reading:
        act()
        return reader_table.READERS["ndjson"](content, ask)

    return read


def _hang() -> None:
    while True:
        time.sleep(1)


def _spin() -> None:
    while True:
        pass


def _swallow_memory() -> None:
    kept = []
    while True:
        kept.append(bytearray(16 << 20))


def _swallow_memory_in_rust() -> None:
    pl.select(pl.repeat(1, 1 << 34, eager=False)).item(-1, 0)


def _panic() -> None:
    raise KeyboardInterrupt  # no Exception, like a panic in Rust


def _connect() -> None:
    with socket.socket():
        pass


def _table(**columns: pa.Array) -> Reader:
    """A reader whose reading is none that a reader may return."""
    rows = len(next(iter(columns.values())))
    numbers = pa.array(range(rows), pa.int32())
    return lambda _content, _ask: Reading(pa.table(columns), numbers, "odd")


READERS: Mapping[str, Reader] = {
    **reader_table.READERS,
    "hang": _always(_hang),
    "slow": _always(lambda: time.sleep(1)),
    "spin": _always(_spin),
    "memory": _always(_swallow_memory),
    "memory in rust": _always(_swallow_memory_in_rust),
    "segfault": _always(lambda: os.kill(os.getpid(), signal.SIGSEGV)),
    "exit": _always(lambda: os._exit(0)),
    "panic": _always(_panic),
    "network": _always(_connect),
    "open": _always(lambda: Path("/etc/passwd").read_bytes()),
    "write": _always(lambda: Path("/tmp/written").write_bytes(b"x")),  # noqa: S108
    "numbers": _table(a=pa.array([1, 2])),
}
