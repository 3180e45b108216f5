"""Locks, closed folders, signals: the exit code of the contract, and nothing lost."""

import os
import signal
import subprocess
import time
from pathlib import Path

import duckdb
import pytest

from flows.home import Home
from tests.faults.compare import differences, lost_or_torn, same_key
from tests.faults.machine import (
    ROOT,
    command,
    files,
    home_with,
    obey_permissions,
    run_command,
    run_here,
)
from warehouse.store import only_writer

FILES = files(rows=10, count=3)


@pytest.fixture(scope="module")
def peaceful(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = home_with(tmp_path_factory.mktemp("peaceful") / "home", FILES)
    assert run_here(home) == (0, "")
    return home


@pytest.fixture
def home(tmp_path: Path, peaceful: Home) -> Home:
    made = home_with(tmp_path / "home", FILES)
    same_key(peaceful, made)
    return made


def require_next_run_goes_on(home: Home, peaceful: Home) -> None:
    assert run_here(home) == (0, "")
    assert lost_or_torn(home, FILES) == []
    assert differences(home, peaceful) == []


# Locks


def test_lock_that_another_run_holds_ends_the_run_with_3(home, peaceful):
    with only_writer(home.restricted):
        code, words = run_here(home)
    assert (code, "nothing done" in words) == (3, True)
    assert len(list(home.inbox.iterdir())) == len(FILES)
    require_next_run_goes_on(home, peaceful)


def test_warehouse_that_another_program_has_open_ends_the_run_with_3(home, peaceful):
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")):
        code, words = run_command(home)
    assert (code, "another program" in words) == (3, True)
    require_next_run_goes_on(home, peaceful)


# Folders


@pytest.mark.parametrize(
    "closed",
    ["inbox", "outcome/loaded", "restricted", "restricted/vault", "health", "analyst"],
)
def test_folder_that_may_not_be_written_to_ends_the_run_with_5(home, peaceful, closed):
    folder = home.root / closed
    mode = folder.stat().st_mode
    folder.chmod(0o500)
    code, words = run_command(home, obey_permissions)
    folder.chmod(mode)
    assert (code, "Permission denied" in words or "may not be written" in words) == (5, True)
    require_next_run_goes_on(home, peaceful)


# Signals


def start_and_wait_until_it_works(home: Home) -> subprocess.Popen[str]:
    """A run that is past its imports: it holds the lock, and makes the databases of a new home."""
    for database in ("warehouse.duckdb", "vault/vault.duckdb"):
        (home.restricted / database).unlink()
    started = subprocess.Popen(command(home), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not (home.restricted / "vault" / "vault.duckdb").exists():
        assert started.poll() is None
        time.sleep(0.002)
    return started


@pytest.mark.parametrize("wait", [0.0, 0.1, 0.3])
def test_sigterm_ends_a_run_within_ten_seconds_and_the_next_one_goes_on(home, peaceful, wait):
    with start_and_wait_until_it_works(home) as started:
        time.sleep(wait)
        started.terminate()
        _, words = started.communicate(timeout=10)
    assert (started.returncode, words) == (-signal.SIGTERM, "")
    require_next_run_goes_on(home, peaceful)


@pytest.mark.parametrize("wait", [0.0, 0.2])
def test_ctrl_c_ends_a_run_with_130_and_without_a_trace(home, peaceful, wait):
    with start_and_wait_until_it_works(home) as started:
        time.sleep(wait)
        os.kill(started.pid, signal.SIGINT)
        _, words = started.communicate(timeout=10)
    assert started.returncode == 130, words
    assert words.startswith("stopped. Nothing is lost")
    require_next_run_goes_on(home, peaceful)
