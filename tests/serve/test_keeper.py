"""The keeper with real processes, small ones: a shell each."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.serve.keeper import CannotServeError, Keeper
from flows.serve.log import Log
from flows.serve.processes import Kept
from flows.serve.serve import require_free_port
from tests.support.ports import free_port

FOREVER = ("sh", "-c", "echo here; exec sleep 600")


def until(found: Callable[[], object], keeper: Keeper) -> None:
    """Let the keeper look until something is so."""
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline
        keeper.look()
        time.sleep(0.02)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def keeper(tmp_path: Path, said: list[str]) -> Iterator[Keeper]:
    log = Log(tmp_path / "log.jsonl")
    keeper = Keeper(dict(os.environ), tmp_path, log, said.append, threading.Event())
    yield keeper
    keeper.end()


def pid_of(keeper: Keeper, name: str) -> int:
    [child] = [life.child for life in keeper.lives if life.kept.name == name]
    return child.pid if child else 0


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_process_that_dies_is_started_again_and_said_so(keeper: Keeper, said: list[str]) -> None:
    keeper.start(Kept("worker", "", FOREVER, before=("touch", "was_before")))
    first = pid_of(keeper, "worker")
    assert not (keeper.folder / "was_before").exists()
    os.kill(first, signal.SIGKILL)
    until(lambda: pid_of(keeper, "worker") not in (0, first), keeper)
    assert (keeper.folder / "was_before").exists()
    assert said == ["worker ended by itself (SIGKILL): again in 1 s", "worker was started again"]


def test_each_wait_is_twice_as_long_as_the_one_before(keeper: Keeper, said: list[str]) -> None:
    keeper.start(Kept("worker", "", ("sh", "-c", "exit 7")))
    until(lambda: sum("by itself" in line for line in said) == 2, keeper)
    assert [line for line in said if "by itself" in line] == [
        "worker ended by itself (exit code 7): again in 1 s",
        "worker ended by itself (exit code 7): again in 2 s",
    ]


def test_what_a_dead_process_leaves_behind_is_ended_too(keeper: Keeper) -> None:
    """As Prefect's worker does: each of its runs is in a session of its own."""
    script = keeper.folder / "run.py"
    script.write_text(
        "import os, time; os.setsid(); open('run', 'w').write(str(os.getpid())); time.sleep(600)",
        encoding="utf-8",
    )
    run = f"{sys.executable} {script}"
    keeper.start(Kept("worker", "", ("sh", "-c", f"{run} & wait")))
    note = keeper.folder / "run"
    until(lambda: note.exists() and note.read_text(), keeper)
    run_pid = int(note.read_text())
    os.kill(pid_of(keeper, "worker"), signal.SIGKILL)
    until(lambda: not is_there(run_pid), keeper)


def test_all_are_ended_the_last_one_first(keeper: Keeper, said: list[str]) -> None:
    for name in ("server", "worker", "watcher"):
        keeper.start(Kept(name, "", FOREVER))
    pids = [pid_of(keeper, name) for name in ("server", "worker", "watcher")]
    keeper.end()
    assert said == ["watcher has ended", "worker has ended", "server has ended"]
    assert not any(map(is_there, pids))


SERVE = (sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1")


def test_next_one_starts_when_the_first_answers(keeper: Keeper) -> None:
    port = free_port()
    keeper.start(Kept("server", "", (*SERVE, str(port)), answers=f"http://127.0.0.1:{port}/"))
    with socket.create_connection(("127.0.0.1", port)):
        pass  # it listens, or there would be an error


def test_server_that_dies_at_once_is_told_with_the_place_of_its_words(keeper: Keeper) -> None:
    dies = ("sh", "-c", "echo the reason; exit 3")
    with pytest.raises(CannotServeError, match=r"the server did not start: .*log\.jsonl says why"):
        keeper.start(Kept("server", "", dies, answers=f"http://127.0.0.1:{free_port()}/"))
    keeper.end()
    until(lambda: "the reason" in keeper.log.path.read_text(), keeper)


def test_being_told_to_stop_ends_the_wait(keeper: Keeper) -> None:
    keeper.stop.set()
    keeper.start(Kept("server", "", FOREVER, answers=f"http://127.0.0.1:{free_port()}/"))
    assert keeper.do("prepare", FOREVER) != 0


def test_taken_port_is_told() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(CannotServeError, match=f"port {port} of 127.0.0.1 is taken"):
            require_free_port(port)
    require_free_port(port)
