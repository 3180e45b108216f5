"""What `serve` keeps in writing: JSON lines in `restricted/logs`, of which the old ones go.

What the processes say comes from Prefect and from us, and no value passes the wall in front of
Prefect (`flows/boundary.py`); so none stands here.
"""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

MOST_BYTES, OLD_FILES = 5_000_000, 5
LONGEST = 2_000


class Log:
    """Appends lines, from any thread. The file is opened for each: an erasure may replace it."""

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self.most_bytes = most_bytes
        self._lock = threading.Lock()

    def tell(self, process: str, **what: str | int | float) -> None:
        """Write one line: when, of which process, and what."""
        told = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "process": process}
        line = json.dumps(told | what, ensure_ascii=False)
        with self._lock:
            self._rotate()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    def said(self, process: str, text: str) -> None:
        """Write what a process has said, if it said anything."""
        if text.strip():
            self.tell(process, said=text.rstrip()[:LONGEST])

    def _rotate(self) -> None:
        try:
            if self.path.stat().st_size < self.most_bytes:
                return
        except FileNotFoundError:
            return
        for number in range(OLD_FILES, 0, -1):
            old = self._old(number - 1)
            if old.is_file():
                old.replace(self._old(number))

    def _old(self, number: int) -> Path:
        return self.path if number == 0 else self.path.with_name(f"{self.path.name}.{number}")
