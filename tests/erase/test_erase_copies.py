"""A pupil leaves the backups as well, and they can be restored afterwards."""

import json
import shutil

from flows.backups.make import backup
from flows.backups.restore import Asked as Restoring
from flows.backups.restore import restore
from flows.cli import main
from flows.erasure.backups import erase_from_copies
from flows.erasure.pupil import Asked, erase_pupil
from flows.home import load_config
from tests.erase.tokens import places_of, tokens_of
from tests.support.home import NOW, csv_bytes, drop, form, make_home, run, school_class
from warehouse.manifest import MANIFEST

CODE = "KQ7X-WAVY-31"


def filled(tmp_path):
    home = make_home(tmp_path / "home")
    drop(
        home, "a.csv", csv_bytes(school_class(8, changes={1: {"pupil_code": CODE, "safety": "1"}}))
    )
    drop(home, "b.csv", csv_bytes([form(CODE, safety="1", thriving="2"), form("P900", grade="77")]))
    run(home)
    return home


def erase(home, *flags):
    return main(["erase", "--home", str(home.root), "--pupil", CODE, *flags])


def test_no_byte_of_a_pupil_is_left_in_a_backup_and_it_can_be_restored(tmp_path, capsys):
    home = filled(tmp_path)
    made = backup(home, tmp_path / "disk", with_key=False, now=NOW)
    tokens = tokens_of(home, CODE)
    assert places_of(made.path, tokens)  # the search does find things
    assert erase(home) == 0
    assert "erased from 1" in capsys.readouterr().out
    assert places_of(made.path, tokens) == []
    assert places_of(home.root, tokens) == []
    restore(home.root, made.path, Restoring(replace=True), now=NOW)
    run(home)
    assert places_of(home.root, tokens) == []


def test_a_backup_that_is_away_is_told_and_needs_a_person(tmp_path, capsys):
    home = filled(tmp_path)
    made = backup(home, tmp_path / "disk", with_key=False, now=NOW)
    tokens = tokens_of(home, CODE)
    away = made.path.with_name("away")
    made.path.rename(away)
    assert erase(home, "--json") == 1
    assert json.loads(capsys.readouterr().out)["copies"]["not_there"] == [str(made.path)]
    away.rename(made.path)
    assert erase(home) == 0
    assert places_of(made.path, tokens) == []


def test_a_damaged_backup_is_never_sealed_as_if_it_were_sound(tmp_path, capsys):
    home = filled(tmp_path)
    made = backup(home, tmp_path / "disk", with_key=False, now=NOW)
    (made.path / "klassepuls.toml").write_text("# spoilt")
    before = (made.path / MANIFEST).read_bytes()
    assert erase(home) == 1
    assert "Damaged" in capsys.readouterr().out
    assert (made.path / MANIFEST).read_bytes() == before


def test_an_erasing_that_was_killed_in_a_backup_is_taken_up_again(tmp_path):
    home = filled(tmp_path)
    made = backup(home, tmp_path / "disk", with_key=False, now=NOW)
    tokens = tokens_of(home, CODE)
    sound = shutil.copytree(made.path, tmp_path / "sound")
    config = load_config(home)
    erase_from_copies(home, config, Asked(CODE), now=NOW)
    # As if it had been killed before the manifest was made again.
    shutil.copyfile(sound / MANIFEST, made.path / MANIFEST)
    (made.path / ".erasing").touch()
    assert erase_from_copies(home, config, Asked(CODE), now=NOW)["damaged"] == []
    erase_pupil(home, Asked(CODE), now=NOW)
    restore(home.root, made.path, Restoring(replace=True), now=NOW)
    assert places_of(home.root, tokens) == []
