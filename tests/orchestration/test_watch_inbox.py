"""The watcher, look by look."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.home import Home, init_home
from flows.watch_inbox import watch


class Looks(threading.Event):
    """Lets something happen before each look, and then tells the watcher to stop."""

    def __init__(self, *happenings: Callable[[], object]) -> None:
        super().__init__()
        self.happenings = list(happenings)

    def wait(self, timeout: float | None = None) -> bool:
        if not self.happenings:
            return True
        self.happenings.pop(0)()
        return False


def nothing() -> None:
    """A look at an inbox that nobody touched."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return init_home(tmp_path / "home")


def requests(home: Home, *happenings: Callable[[], object]) -> list[str]:
    """The keys that the watcher asks with while these things happen."""
    asked: list[str] = []
    watch(home, asked.append, every=0, stop=Looks(*happenings))
    return asked


def writes(home: Home, name: str, content: str) -> Callable[[], object]:
    return lambda: (home.inbox / name).write_text(content, encoding="utf-8")


def test_file_is_asked_for_when_it_is_the_same_in_two_looks(home: Home) -> None:
    assert len(requests(home, writes(home, "a.csv", "x"))) == 0
    assert len(requests(home, nothing, nothing)) == 1


def test_file_that_grows_is_left_until_it_rests(home: Home) -> None:
    growing = [writes(home, "a.csv", "x" * size) for size in (1, 2, 3)]
    assert not requests(home, *growing)
    assert len(requests(home, *growing, nothing)) == 1


def test_same_files_are_asked_for_once_and_by_a_new_watcher_with_the_same_key(home: Home) -> None:
    [key] = requests(home, writes(home, "a.csv", "x"), nothing, nothing, nothing)
    assert requests(home, nothing, nothing) == [key]


def test_file_that_a_run_takes_away_asks_for_nothing(home: Home) -> None:
    writes(home, "a.csv", "x")()
    writes(home, "b.csv", "y")()
    assert len(requests(home, nothing, nothing, (home.inbox / "a.csv").unlink, nothing)) == 1


def test_file_in_a_folder_that_was_dropped_is_asked_for(home: Home) -> None:
    (home.inbox / "skole").mkdir()
    assert len(requests(home, writes(home, "skole/a.csv", "x"), nothing)) == 1


def test_new_file_beside_one_that_stays_is_asked_for(home: Home) -> None:
    writes(home, "a.csv", "x")()
    keys = requests(home, nothing, nothing, writes(home, "b.csv", "y"), nothing)
    assert len(set(keys)) == 2


def test_file_that_is_put_back_is_asked_for_again(home: Home) -> None:
    file = home.inbox / "a.csv"
    [first] = requests(home, writes(home, "a.csv", "x"), nothing)
    before = file.stat()
    while file.stat().st_ctime_ns == before.st_ctime_ns:  # until the clock of the disk has moved
        file.rename(home.outcome / "a.csv").rename(file)
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    [second] = requests(home, nothing, nothing)
    assert second != first


def test_request_that_failed_is_made_again(home: Home) -> None:
    asked: list[str] = []

    def request(key: str) -> None:
        asked.append(key)
        if len(asked) == 1:
            raise ConnectionError("the server is away")

    happenings = [writes(home, "a.csv", "x"), *[nothing] * 4]
    watch(home, request, every=0, stop=Looks(*happenings))
    assert len(asked) == 2
    assert len(set(asked)) == 1


def test_inbox_that_is_away_for_a_while_stops_nobody(home: Home) -> None:
    writes(home, "a.csv", "x")()
    away = home.root / "away"
    happenings = [lambda: home.inbox.rename(away), nothing, lambda: away.rename(home.inbox)]
    assert len(requests(home, *happenings, nothing)) == 1
