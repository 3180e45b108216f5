"""A backup is whole and equal, or it is not there; each one that was ever begun is registered."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from flows.backups.make import backup
from flows.home import Home
from tests.faults.compare import differences
from tests.faults.machine import ROOT, deliver, files, home_with, run_here
from tests.faults.test_damage import copy_of
from tests.support.home import NOW, csv_bytes, form
from tests.support.state import contents, filed, hashes, warehouse_of
from warehouse.backup import BackupPlaceError
from warehouse.failpoint import BACKUP_POINTS, VARIABLE
from warehouse.manifest import KEYS, sums_of

HELD = {"held.csv": csv_bytes([form("P900", safety="9"), form("P901")])}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = home_with(tmp_path_factory.mktemp("whole") / "home", files(rows=8, count=2) | HELD)
    assert run_here(home)[0] == 1
    return home


@pytest.fixture
def home(whole: Home, tmp_path: Path) -> Home:
    return copy_of(whole, tmp_path / "home")


def registered(home: Home) -> list[tuple[object, ...]]:
    with warehouse_of(home) as con:
        return con.execute("""
            select path, kind, finished_at is not null, with_key from audit.backup order by path
        """).fetchall()


def test_backup_has_the_layout_and_every_row_of_the_home(home, tmp_path):
    before = contents(home)
    (home.root / "duties" / "nb").mkdir(parents=True)
    (home.root / "duties" / "nb" / "dpia.md").write_text("what a person wrote", encoding="utf-8")
    made = backup(home, tmp_path / "dest", with_key=False, now=NOW)
    copy = Home(made.path)
    assert contents(copy) == before == contents(home)
    assert {name: hashes(copy)[name] for name in hashes(home)} == hashes(home)
    for name in (
        "klassepuls.toml",
        "surveys/klassepuls.toml",
        "duties/nb/dpia.md",
        "analyst/klassepuls.duckdb",
    ):
        assert (copy.root / name).read_bytes() == (home.root / name).read_bytes()
    assert not any((copy.root / name).exists() for name in ("health", "inbox"))


def test_file_that_something_waits_for_is_in_the_backup_and_a_loaded_one_is_not(home, tmp_path):
    made = backup(home, tmp_path / "dest", with_key=False, now=NOW)
    kept = sorted(path.name for path in (made.path / "outcome").rglob("*") if path.is_file())
    assert kept == ["held.csv", "held.csv.json", "held.csv.txt"]


def test_backup_is_for_the_user_who_made_it_alone(home, tmp_path):
    made = backup(home, tmp_path / "dest", with_key=False, now=NOW)
    modes = {
        (path.is_dir(), stat.S_IMODE(path.stat().st_mode))
        for path in (made.path, *made.path.rglob("*"))
    }
    assert modes == {(True, 0o700), (False, 0o600)}


def test_key_is_in_a_backup_only_where_it_is_asked_for(home, tmp_path):
    secret = home.key_file.read_bytes()
    without = backup(home, tmp_path / "a", with_key=False, now=NOW)
    assert not any(secret in path.read_bytes() for path in without.path.rglob("*.*"))
    with_it = backup(home, tmp_path / "b", with_key=True, now=NOW)
    assert (with_it.path / KEYS / home.key_file.name).read_bytes() == secret
    assert [row[3] for row in registered(home)] == [False, True]


def test_backup_is_in_the_register_and_in_the_log(home, tmp_path):
    made = backup(home, tmp_path / "dest", with_key=False, now=NOW)
    assert registered(home) == [(str(made.path), "backup", True, False)]
    with warehouse_of(home) as con:
        told = con.execute("select action, subject from audit.event order by event_no").fetchall()
    assert told[-1] == ("backup.made", made.path.name)


def test_backup_changes_nothing_of_the_home(home, whole, tmp_path):
    backup(home, tmp_path / "dest", with_key=False, now=NOW)
    assert differences(home, whole) == []


@pytest.mark.parametrize("place", [".", "restricted", "backups"])
def test_backup_into_the_home_is_refused(home, place):
    with pytest.raises(BackupPlaceError, match="inside the home"):
        backup(home, home.root / place, with_key=False, now=NOW)


def test_backup_into_the_home_by_a_link_is_refused(home, tmp_path):
    (tmp_path / "link").symlink_to(home.root / "restricted")
    with pytest.raises(BackupPlaceError, match="inside the home"):
        backup(home, tmp_path / "link", with_key=False, now=NOW)


def test_copy_that_reads_otherwise_is_no_backup(home, tmp_path, monkeypatch):
    def lossy(root: Path, **named: object) -> object:
        found = sums_of(root)
        if root != home.root:
            found["warehouse"].pop("core.response")
        return found

    monkeypatch.setattr("warehouse.backup.sums_of", lossy)
    with pytest.raises(BackupPlaceError, match="reads otherwise"):
        backup(home, tmp_path / "dest", with_key=False, now=NOW)
    assert list((tmp_path / "dest").iterdir()) == []


def test_one_changed_cell_changes_the_sum_of_its_table_and_of_no_other(home):
    before = sums_of(home.root)
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        con.execute("update core.response set grade = 8 where response_id = 1").fetchall()
    after = sums_of(home.root)
    changed = [
        name
        for name in before["warehouse"]
        if before["warehouse"][name] != after["warehouse"][name]
    ]
    assert changed == ["core.response"]
    assert before["vault"] == after["vault"]


@pytest.mark.parametrize("point", BACKUP_POINTS)
def test_killed_backup_never_looks_whole_and_the_next_one_clears_it_away(home, tmp_path, point):
    dest = tmp_path / "dest"
    killed = subprocess.run(
        [sys.executable, "-m", "flows.cli", "backup", str(dest), "--home", str(home.root)],
        cwd=ROOT,
        env={**os.environ, VARIABLE: point},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -9
    [left] = dest.iterdir()
    assert left.name.startswith(".")
    assert left.name.endswith(".partial")
    [(path, _, is_finished, _)] = registered(home)
    assert (Path(str(path)).parent, is_finished) == (dest, False)
    made = backup(home, dest, with_key=False, now=NOW)
    assert list(dest.iterdir()) == [made.path]


def test_run_after_a_backup_goes_on(home, tmp_path):
    backup(home, tmp_path / "dest", with_key=False, now=NOW)
    deliver(home, {"later.csv": files(rows=6, count=9)["08.csv"]})
    assert run_here(home) == (0, "")
    assert filed(home)["later.csv"] == "loaded"
