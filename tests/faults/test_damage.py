"""A warehouse that is damaged or has lost commits is refused, and never taken for a new one."""

import random
import shutil
from pathlib import Path

import duckdb
import pytest

from flows.home import Home
from tests.faults.compare import differences
from tests.faults.machine import deliver, files, home_with, run_command, run_here
from warehouse.failpoint import VARIABLE

EARLIER, LATER = files(rows=10, count=3), {"later.csv": files(rows=8, count=9)["08.csv"]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose run came to its end: all is in the database files, no log beside them."""
    home = home_with(tmp_path_factory.mktemp("whole") / "home", EARLIER)
    assert run_here(home) == (0, "")
    return home


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose run was killed when the first file lay in its folder: all is in the logs."""
    home = home_with(tmp_path_factory.mktemp("killed") / "home", EARLIER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "after-move")
        assert run_command(home)[0] == -9
    return home


def copy_of(home: Home, place: Path) -> Home:
    shutil.copytree(home.root, place)
    return Home(place)


def require_refused(home: Home) -> None:
    """Twice: what was refused once must not pass as a new warehouse the next night."""
    waiting = sorted(path.name for path in home.inbox.iterdir())
    for _ in range(2):
        code, words = run_here(home)
        assert (code, "restore restricted/" in words) == (5, True), words
    assert sorted(path.name for path in home.inbox.iterdir()) == waiting


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_off_a_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_in_the_middle(path: Path) -> None:
    flip(path, path.stat().st_size // 2)


def flip_at_the_start(path: Path) -> None:
    flip(path, 12)


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("log", ["warehouse.duckdb.wal", "vault/vault.duckdb.wal"])
@pytest.mark.parametrize(
    "damage", [Path.unlink, empty, halve, cut_off_a_byte, flip_in_the_middle, flip_at_the_start]
)
def test_log_that_lost_what_people_were_told_is_loaded_is_refused(killed, tmp_path, log, damage):
    home = copy_of(killed, tmp_path / "home")
    damage(home.restricted / log)
    require_refused(home)


@pytest.mark.parametrize("database", ["warehouse.duckdb", "vault/vault.duckdb"])
@pytest.mark.parametrize("damage", [Path.unlink, empty, halve, flip_at_the_start])
def test_database_that_is_gone_or_broken_is_refused(whole, tmp_path, database, damage):
    home = copy_of(whole, tmp_path / "home")
    damage(home.restricted / database)
    deliver(home, LATER)
    require_refused(home)


def test_broken_note_on_how_far_the_database_had_come_is_refused(whole, tmp_path):
    home = copy_of(whole, tmp_path / "home")
    empty(home.restricted / "witness.json")
    require_refused(home)


def silent_differences(home: Home, sound: Home) -> list[str]:
    """A block that the run had no need to read is refused by whoever reads it, as we do here."""
    try:
        return differences(home, sound)
    except duckdb.Error as error:
        assert "Corrupt" in str(error)  # noqa: PT017 - the other end is fine too
        return []


def test_flipped_byte_is_refused_or_was_nobodys(whole, tmp_path):
    sound = copy_of(whole, tmp_path / "sound")
    deliver(sound, LATER)
    assert run_here(sound) == (0, "")
    size = (whole.restricted / "warehouse.duckdb").stat().st_size
    rng = random.Random(7)  # noqa: S311 - no secret is made with it
    refused = 0
    for number in range(8):
        home = copy_of(whole, tmp_path / f"{number}")
        flip(home.restricted / "warehouse.duckdb", rng.randrange(size))
        deliver(home, LATER)
        code, words = run_here(home)
        assert code in (0, 5)
        if code == 5:
            assert "restore restricted/" in words
            assert (home.inbox / "later.csv").is_file() or (
                home.outcome / "loaded" / "later.csv"
            ).is_file()
            refused += 1
        else:
            assert silent_differences(home, sound) == []
    assert refused > 0


def test_run_goes_on_from_a_restored_folder_and_files_that_come_again(whole, tmp_path):
    home = copy_of(whole, tmp_path / "home")
    backup = tmp_path / "backup"
    shutil.copytree(home.restricted, backup)
    deliver(home, LATER)
    assert run_here(home) == (0, "")
    expected = copy_of(home, tmp_path / "expected")
    halve(home.restricted / "warehouse.duckdb")
    require_refused(home)
    shutil.rmtree(home.restricted)
    shutil.copytree(backup, home.restricted)
    for path in (home.outcome / "loaded").glob("later.csv*"):
        path.unlink()
    deliver(home, LATER)
    assert run_here(home) == (0, "")
    assert differences(home, expected) == []
