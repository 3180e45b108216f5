"""The restore drill, what a restore refuses, and what a kill in the middle of one leaves."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from flows.backups.make import backup
from flows.backups.restore import Asked, restore
from flows.doctor.zones import ZonesOpenError
from flows.home import Home, load_config, open_home
from flows.quarantine.desk import list_waiting
from flows.verify_audit import verify_audit
from tests.faults.compare import differences, same_key
from tests.faults.machine import ROOT, deliver, files, home_with, run_command, run_here
from tests.faults.test_damage import copy_of, empty, flip_in_the_middle
from tests.support.home import NOW, csv_bytes, form, make_home, write_settings
from tests.support.state import bytes_below, contents, filed, warehouse_of
from warehouse.failpoint import RESTORE_POINTS, VARIABLE
from warehouse.manifest import (
    MANIFEST,
    WAREHOUSE,
    BackupRefusedError,
    file_sum,
    read_manifest,
    sealed,
)
from warehouse.store import only_writer

EVERY = files(rows=10, count=5)
EARLIER = {name: EVERY[name] for name in ("00.csv", "01.csv", "02.csv")}
LATER = {name: EVERY[name] for name in ("03.csv", "04.csv")}
REPLACE = Asked(replace=True)


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Path, Home]:
    """A home that has gone on since its backup, the backup, and one that never was disturbed."""
    place = tmp_path_factory.mktemp("drill")
    home = home_with(place / "home", EARLIER)
    assert run_here(home) == (0, "")
    undisturbed = copy_of(home, place / "undisturbed")
    made = backup(home, place / "backups", with_key=False, now=NOW)
    for one in (home, undisturbed):
        deliver(one, LATER)
        assert run_here(one) == (0, "")
    return home, made.path, undisturbed


@pytest.fixture
def home(drill: tuple[Home, Path, Home], tmp_path: Path) -> Home:
    return copy_of(drill[0], tmp_path / "home")


@pytest.fixture
def backed_up(drill: tuple[Home, Path, Home], tmp_path: Path) -> Path:
    place = tmp_path / "backups" / drill[1].name
    shutil.copytree(drill[1], place)
    return place


@pytest.fixture
def undisturbed(drill: tuple[Home, Path, Home]) -> Home:
    return drill[2]


# The drill


def no_database(home: Home) -> None:
    (home.restricted / "warehouse.duckdb").unlink()


def no_vault(home: Home) -> None:
    (home.restricted / "vault" / "vault.duckdb").unlink()


def broken_database(home: Home) -> None:
    empty(home.restricted / "warehouse.duckdb")


def nothing(home: Home) -> None:
    """Somebody wants yesterday back."""


@pytest.mark.parametrize("destroy", [no_database, no_vault, broken_database, nothing])
def test_restored_home_that_gets_its_files_again_is_as_if_nothing_had_happened(
    home, backed_up, undisturbed, destroy
):
    destroy(home)
    restored = restore(home.root, backed_up, Asked(replace=True, redeliver=True), now=NOW)
    assert (dict(restored.later), restored.redelivered) == ({"loaded": 2}, 2)
    assert run_here(home) == (0, "")
    assert differences(home, undisturbed) == []


def test_home_of_which_nothing_is_left_but_the_key_comes_back(
    home, backed_up, undisturbed, tmp_path
):
    keys = tmp_path / "keys"
    shutil.copytree(home.vault, keys, ignore=shutil.ignore_patterns("*.duckdb"))
    shutil.rmtree(home.root)
    restored = restore(home.root, backed_up, Asked(key_file=keys), now=NOW)
    assert restored.settings_from_backup
    assert restored.aside is None
    deliver(home, LATER)
    assert run_here(home) == (0, "")
    for name in EARLIER:  # loaded files are no part of a backup
        for ending in ("", ".json", ".txt"):
            source = undisturbed.outcome / "loaded" / f"{name}{ending}"
            shutil.copyfile(source, home.outcome / "loaded" / f"{name}{ending}")
    assert differences(home, undisturbed) == []
    assert {folder: folder.stat().st_mode & 0o777 for folder in home.folders()} == home.folders()
    databases = [*home.restricted.rglob("*.duckdb")]
    modes = {path.name: path.stat().st_mode & 0o777 for path in databases}
    assert modes == {"warehouse.duckdb": 0o600, "vault.duckdb": 0o600, "published.duckdb": 0o400}
    assert home.key_file.stat().st_mode & 0o777 == 0o400
    assert home.published.stat().st_mode & 0o777 == 0o440


def test_what_came_after_the_backup_is_told_and_stays_where_it_lies(home, backed_up):
    before = filed(home)
    restored = restore(home.root, backed_up, REPLACE, now=NOW)
    assert dict(restored.later) == {"loaded": 2}
    assert filed(home) == before


def test_restored_home_tells_in_its_log_what_was_lost_and_the_log_is_whole(home, backed_up):
    restore(home.root, backed_up, REPLACE, now=NOW)
    with warehouse_of(home) as con:
        [(told,)] = con.execute(
            "select detail from audit.event where action = 'backup.restored'"
        ).fetchall()
        kinds = con.execute("select kind, path from audit.backup order by kind").fetchall()
    assert json.loads(told)["lost_deliveries"] == 2
    assert [kind for kind, _ in kinds][-1] == "replaced"
    assert ("backup", str(backed_up)) in kinds
    assert verify_audit(open_home(home.root), anchor=None, now=NOW)["is_whole"]


def test_report_that_tells_of_later_flags_is_written_anew(home, backed_up):
    later = bytes_below(home.health)
    restore(home.root, backed_up, REPLACE, now=NOW)
    assert run_here(home) == (0, "")
    assert bytes_below(home.health) != later


def test_what_was_there_is_moved_aside_whole(home, backed_up):
    before = contents(home)
    restored = restore(home.root, backed_up, REPLACE, now=NOW)
    assert restored.aside
    assert contents(Home(restored.aside)) == before


def test_published_file_with_a_later_wave_stays(home, backed_up):
    published = home.published.read_bytes()
    assert restore(home.root, backed_up, REPLACE, now=NOW).kept_published
    assert home.published.read_bytes() == published


def test_published_file_that_is_broken_comes_back(home, backed_up):
    home.published.chmod(0o600)
    empty(home.published)
    assert not restore(home.root, backed_up, REPLACE, now=NOW).kept_published
    assert run_here(home) == (0, "")


def test_settings_of_the_home_stay_unless_those_of_the_backup_are_asked_for(home, backed_up):
    write_settings(home, schools=("S01", "S02", "S03"))
    own = home.settings_file.read_bytes()
    restore(home.root, backed_up, REPLACE, now=NOW)
    assert home.settings_file.read_bytes() == own
    restore(home.root, backed_up, Asked(replace=True, with_settings=True), now=NOW)
    assert home.settings_file.read_bytes() == (backed_up / "klassepuls.toml").read_bytes()


def test_log_of_the_old_database_does_not_meet_the_restored_one(home, backed_up, monkeypatch):
    deliver(home, {"cut.csv": files(rows=7, count=9)["08.csv"]})
    with monkeypatch.context() as patch:
        patch.setenv(VARIABLE, "after-move")
        assert run_command(home)[0] == -9
    logs = [home.restricted / "warehouse.duckdb.wal", home.restricted / "vault/vault.duckdb.wal"]
    assert all(log.stat().st_size for log in logs)
    restored = restore(home.root, backed_up, REPLACE, now=NOW)
    assert not any(log.exists() for log in logs)
    assert dict(restored.later) == {"loaded": 3}
    without = [name for name in contents(home) if name != "core.stage"]
    found, expected = contents(home), contents(Home(backed_up))
    assert {name: found[name] for name in without} == {name: expected[name] for name in without}


def test_home_whose_folders_are_disks_of_their_own_is_restored(home, backed_up, monkeypatch):
    rename = Path.rename

    def other_disk(path: Path, target: Path) -> Path:
        if path.name.endswith(".partial") or path.parent == target.parent:
            return rename(path, target)
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    before = contents(home)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", other_disk)
        asked = Asked(replace=True, with_settings=True)
        restored = restore(home.root, backed_up, asked, now=NOW)
    assert restored.aside
    assert contents(Home(restored.aside)) == before
    assert contents(home)["core.response"] == contents(Home(backed_up))["core.response"]
    assert load_config(open_home(home.root))
    assert not [*home.root.rglob("*.partial")]


def test_restored_published_file_is_for_the_group_of_its_folder(home, backed_up):
    try:
        os.chown(home.analyst, -1, os.getgid() + 4321)
    except PermissionError:
        pytest.skip("no right here to give a folder to another group")
    home.analyst.chmod(0o2755)
    home.published.unlink()
    restore(home.root, backed_up, REPLACE, now=NOW)
    seen = home.published.stat()
    assert (seen.st_gid, seen.st_mode & 0o777) == (os.getgid() + 4321, 0o440)


def test_backup_with_the_key_restores_a_home_of_which_nothing_is_left(home, tmp_path):
    secret, before = home.key_file.read_bytes(), contents(home)
    made = backup(home, tmp_path / "with", with_key=True, now=NOW)
    restore(tmp_path / "new", made.path, Asked(), now=NOW)
    new = Home(tmp_path / "new")
    assert new.key_file.read_bytes() == secret
    assert {**contents(new), "core.stage": []} == {**before, "core.stage": []}
    deliver(new, LATER)
    assert run_here(new) == (0, "")


def test_file_that_waits_comes_back_and_can_be_decided_on(home, tmp_path):
    held = csv_bytes([form("P900", safety="9"), form("P901")])
    deliver(home, {"held.csv": held})
    assert run_here(home)[0] == 1
    made = backup(home, tmp_path / "with", with_key=True, now=NOW)
    restore(tmp_path / "new", made.path, Asked(), now=NOW)
    new = Home(tmp_path / "new")
    assert filed(new) == {"held.csv": filed(home)["held.csv"]}
    listed = list_waiting(open_home(new.root), now=NOW)
    assert [entry["rows"] for entry in listed["deliveries"]] == [1]


# What is refused


def refused(home: Home, backed_up: Path, words: str, asked: Asked = REPLACE) -> None:
    before = bytes_below(home.root)
    with pytest.raises(BackupRefusedError, match=words):
        restore(home.root, backed_up, asked, now=NOW)
    assert bytes_below(home.root) == before


def test_home_with_newer_data_is_not_overwritten_unasked(home, backed_up):
    refused(home, backed_up, "2 delivery.* --replace", Asked())


def test_home_with_a_broken_database_is_not_overwritten_unasked(home, backed_up):
    broken_database(home)
    refused(home, backed_up, "cannot be read.* --replace", Asked())


def test_same_restore_again_with_redelivery_needs_no_word(home, backed_up, undisturbed):
    restore(home.root, backed_up, REPLACE, now=NOW)
    restored = restore(home.root, backed_up, Asked(redeliver=True), now=NOW)
    assert (bool(restored.lost), restored.redelivered) == (False, 2)
    assert run_here(home) == (0, "")
    assert differences(home, undisturbed) == []


def test_home_that_lies_open_is_refused(home, backed_up):
    home.restricted.chmod(0o755)
    before = contents(home)
    with pytest.raises(ZonesOpenError, match="chmod 700 restricted"):
        restore(home.root, backed_up, REPLACE, now=NOW)
    assert contents(home) == before


def test_home_with_nothing_newer_needs_no_word(home, backed_up):
    restore(home.root, backed_up, REPLACE, now=NOW)
    again = backup(home, backed_up.parent / "again", with_key=False, now=NOW)
    assert not restore(home.root, again.path, Asked(), now=NOW).lost


def unlink_a_file(folder: Path) -> None:
    (folder / "surveys" / "klassepuls.toml").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "surveys" / "more.toml").write_text("", encoding="utf-8")


def flip_a_byte(folder: Path) -> None:
    flip_in_the_middle(folder / WAREHOUSE)


def flip_the_published(folder: Path) -> None:
    flip_in_the_middle(folder / "analyst" / "klassepuls.duckdb")


def edit_the_manifest(folder: Path) -> None:
    told = json.loads((folder / MANIFEST).read_bytes())
    told["files"]["surveys/klassepuls.toml"]["bytes"] += 1
    (folder / MANIFEST).write_text(json.dumps(told), encoding="utf-8")


def break_the_manifest(folder: Path) -> None:
    empty(folder / MANIFEST)


def lose_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (unlink_a_file, "1 file.* missing"),
        (add_a_file, "1 do not belong"),
        (flip_a_byte, "1 of 7 files"),
        (flip_the_published, "1 of 7 files"),
        (edit_the_manifest, "changed the backup's manifest"),
        (break_the_manifest, "manifest.json of the backup is damaged"),
        (lose_the_manifest, "no manifest.json"),
    ],
)
def test_backup_that_is_not_what_was_written_is_refused(
    home, backed_up, damage: Callable[[Path], None], words
):
    damage(backed_up)
    refused(home, backed_up, words)


def resealed(home: Home, folder: Path, **changes: object) -> None:
    """As only somebody with the key could write it."""
    manifest, _ = read_manifest(folder)
    sums = {name: file_sum(folder / name) for name in manifest.files}
    manifest = manifest.model_copy(update={"files": sums, **changes})
    (folder / MANIFEST).write_text(sealed(manifest, load_config(home).key), encoding="utf-8")


def test_backup_with_other_rows_than_it_says_is_refused(home, backed_up):
    with duckdb.connect(str(backed_up / WAREHOUSE)) as con:
        con.execute("delete from core.response where response_id = 1").fetchall()
    resealed(home, backed_up)
    refused(home, backed_up, "tables are not what was written")


def test_backup_of_a_newer_schema_is_refused(home, backed_up):
    manifest, _ = read_manifest(backed_up)
    later = {**manifest.migrations, "9999_later.sql": "0" * 64}
    resealed(home, backed_up, migrations=later)
    refused(home, backed_up, "1 migration.* does not know")


def test_backup_in_a_newer_format_is_refused(home, backed_up):
    resealed(home, backed_up, format=2)
    refused(home, backed_up, "a newer Klassepuls made this backup")


def test_backup_of_another_municipality_is_refused(home, backed_up):
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(text.replace('"9901"', '"9902"'), encoding="utf-8")
    refused(home, backed_up, "another municipality")


def test_backup_is_refused_where_the_key_is_another(home, backed_up, tmp_path):
    same_key(make_home(tmp_path / "other"), home)
    refused(home, backed_up, "the key is not the one")


def test_backup_without_its_key_is_refused_where_the_home_has_none(home, backed_up):
    home.key_file.unlink()
    refused(home, backed_up, "no pseudonym key")


# Kills


@pytest.mark.parametrize(
    "point",
    [*RESTORE_POINTS, *(f"restore-between-moves:{number}" for number in (2, 4, 6, 8))],
)
def test_killed_restore_leaves_the_old_or_the_restored_home_whole(home, backed_up, point):
    old, expected = contents(home), contents(Home(backed_up))
    command = [sys.executable, "-m", "flows.cli", "restore", str(backed_up), "--replace"]
    killed = subprocess.run(
        [*command, "--with-settings", "--home", str(home.root)],
        cwd=ROOT,
        env={**os.environ, VARIABLE: point},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -9
    load_config(open_home(home.root))
    with only_writer(home.restricted):
        pass
    is_committed = point.startswith(("restore-after-commit", "restore-between"))
    found = contents(home)
    found.pop("core.stage"), old.pop("core.stage"), expected.pop("core.stage")
    assert found == (expected if is_committed else old)
    assert run_here(home) == (0, "")
    assert not (home.restricted / ".restore.partial").exists()
    assert not (home.restricted / "restore").exists()
