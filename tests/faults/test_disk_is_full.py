"""A disk that is full: exit code 5, nothing lost, and the next run goes on.

Twice: on a real full disk, which takes the right to mount one (root, or user namespaces), and with
a limit on the size of files, which everybody may set. The first is skipped by name where it cannot
be, and fails instead where KLASSEPULS_FAULTS=full asks for it.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from flows.home import Home
from tests.faults.compare import differences, lost_or_torn, same_key
from tests.faults.machine import MOMENT, ROOT, files, home_with, run_command, run_here

NAMESPACES = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])


@pytest.fixture
def peaceful(tmp_path: Path) -> Home:
    home = home_with(tmp_path / "peaceful", files())
    assert run_here(home) == (0, "")
    return home


def require_nothing_lost(home: Home, peaceful: Home) -> None:
    assert lost_or_torn(home, files()) == []
    assert differences(home, peaceful) == []


def own_namespace() -> list[str]:
    """How this machine lets us mount something that goes with the process."""
    for command in NAMESPACES:
        probe = [*command, "mount", "-t", "tmpfs", "none", "/mnt"]
        if not shutil.which("unshare"):
            break
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return command
    if os.environ.get("KLASSEPULS_FAULTS") == "full":
        pytest.fail("a full disk was asked for, and this machine lets nobody mount one")
    pytest.skip("no right to mount a small disk here; the limit on files stands in for it")


def test_full_disk_ends_the_run_with_5_and_the_next_run_goes_on(tmp_path, peaceful):
    namespace = own_namespace()
    home = home_with(tmp_path / "home", files())
    same_key(peaceful, home)
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        [
            *(*namespace, sys.executable, "-m", "tests.faults.disk"),
            *(str(home.root), str(tmp_path / "disk"), MOMENT),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr[:400]) == (0, "")
    told = json.loads(done.stdout)
    codes = [code for code, _ in told]
    assert codes[-1] == 0
    assert set(codes[:-1]) == {5}, told
    assert len(codes) > 4
    for _, words in told[:-1]:
        assert "disk is full" in words or "No space left" in words
    require_nothing_lost(home, peaceful)


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_file_that_may_not_grow_ends_the_run_with_5_and_the_next_run_goes_on(tmp_path, peaceful):
    home = home_with(tmp_path / "home", files())
    same_key(peaceful, home)
    codes = []
    for size in (1 << 10, 1 << 14, 1 << 16, 1 << 18, 1 << 20):
        code, words = run_command(home, partial(limit_files, size))
        assert code == 0 or "disk is full" in words or "File too large" in words
        codes.append(code)
    assert set(codes) <= {0, 5}
    assert codes.count(5) > 2
    assert run_here(home) == (0, "")
    require_nothing_lost(home, peaceful)
