"""The command in a process of its own, and a small home for it."""

import contextlib
import ctypes
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from flows.home import Home
from tests.faults.one_run import run_at
from tests.support.home import AUTUMN, NOW, csv_bytes, drop, make_home, school_class

ROOT = Path(__file__).resolve().parents[2]
MOMENT = NOW.isoformat()
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 1, 2


def files(*, rows: int = 40, count: int = 12) -> dict[str, bytes]:
    """Class files with somebody to flag in each."""
    return {
        f"{number:02}.csv": csv_bytes(
            school_class(rows, prefix=f"F{number:02}-", changes={1: {"safety": "1"}})
        )
        for number in range(count)
    }


def home_with(root: Path, delivered: dict[str, bytes]) -> Home:
    """A home with these files in its inbox, at rest."""
    # What else should have answered by now would make each run end with 1.
    home = make_home(root, schools=("S01",), waves=(AUTUMN,))
    deliver(home, delivered)
    return home


def deliver(home: Home, delivered: dict[str, bytes]) -> None:
    for name, content in delivered.items():
        os.utime(drop(home, name, content), (0, 0))


def command(home: Home) -> list[str]:
    return [sys.executable, "-m", "tests.faults.one_run", str(home.root), MOMENT]


def run_command(home: Home, before: Callable[[], None] | None = None) -> tuple[int, str]:
    """Exit code and what was said on stderr; `before` runs in the child before the command."""
    done = subprocess.run(
        command(home),
        cwd=ROOT,
        preexec_fn=before,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def run_here(home: Home) -> tuple[int, str]:
    """The same in this process: a second sooner, where the process is not what is tried."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = run_at(NOW, home.root)
    assert "Traceback" not in said.getvalue()
    return code, said.getvalue()


def obey_permissions() -> None:
    """Let the command that is started next be bound by the modes of folders, though it is root."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "a capability could not be given up")
