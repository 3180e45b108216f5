"""`klassepuls doctor` finds each planted fault, says how to mend it, and changes nothing."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from flows.backups.make import backup
from flows.backups.restore import Asked, restore
from flows.cli import main
from flows.doctor.checks import diagnose, exit_code
from flows.doctor.finding import Finding, Verdict
from flows.doctor.machine import check_prefect, check_versions, check_volume
from flows.doctor.volume import Volume
from flows.home import Home, init_home, load_config
from tests.faults.compare import same_key
from tests.faults.machine import deliver, files, home_with, run_command, run_here
from tests.faults.test_damage import copy_of, empty, halve
from tests.support.home import NOW, make_home
from tests.support.state import bytes_below
from warehouse.failpoint import VARIABLE
from warehouse.selftest import can_write_encrypted
from warehouse.store import only_writer

SECURITY = """
[security]
encrypted_volume = "{word}"
decided_by = "IKT-leder"
decided_on = 2026-01-15
why = "LUKS, sett med lsblk på tjeneren"
"""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Home:
    place = tmp_path_factory.mktemp("sound")
    home = home_with(place / "home", files(rows=10, count=2))
    settings = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(settings + SECURITY.format(word="waived"), encoding="utf-8")
    assert run_here(home) == (0, "")
    backup(home, place / "backups", with_key=False, now=NOW)
    return home


@pytest.fixture
def home(sound: Home, tmp_path: Path) -> Home:
    return copy_of(sound, tmp_path / "home")


def wrong(home: Home, **moved: float) -> list[tuple[str, str]]:
    """Check and verdict of all that is to be mended."""
    found = diagnose(home.root, now=NOW + timedelta(**moved))
    assert all(one.mend for one in found if one.verdict in (Verdict.MEND, Verdict.REFUSED))
    return [
        (one.check, one.verdict.value)
        for one in found
        if one.verdict in (Verdict.MEND, Verdict.REFUSED)
    ]


def test_sound_home_has_nothing_to_mend_and_is_not_touched(home):
    before = bytes_below(home.root)
    found = diagnose(home.root, now=NOW)
    assert [one for one in found if one.verdict in (Verdict.MEND, Verdict.REFUSED)] == []
    assert exit_code(found) == 0
    assert bytes_below(home.root) == before


# Zones


def open_restricted(home: Home) -> None:
    home.restricted.chmod(0o750)


def open_vault(home: Home) -> None:
    (home.restricted / "vault").chmod(0o755)


def open_spill(home: Home) -> None:
    (home.restricted / "spill").chmod(0o701)


def open_health(home: Home) -> None:
    home.health.chmod(0o755)


def open_outcome(home: Home) -> None:
    home.outcome.chmod(0o755)


def writable_analyst(home: Home) -> None:
    home.analyst.chmod(0o777)


OPEN = [open_restricted, open_vault, open_spill, open_health, open_outcome, writable_analyst]


@pytest.mark.parametrize("plant", OPEN)
def test_open_zone_is_found_and_a_run_refuses_it_before_it_touches_a_file(home, plant):
    plant(home)
    deliver(home, {"later.csv": files(rows=6, count=9)["08.csv"]})
    before = bytes_below(home.root)
    assert wrong(home) == [("zones", "refused")]
    code, words = run_here(home)
    assert (code, "chmod" in words, words.startswith("nothing done: ")) == (4, True, True)
    assert bytes_below(home.root) == before


@pytest.mark.parametrize("plant", OPEN)
def test_backup_of_an_open_home_is_refused(home, tmp_path, plant):
    plant(home)
    assert main(["backup", str(tmp_path / "dest"), "--home", str(home.root)]) == 4
    assert not (tmp_path / "dest").exists()


def everybodys_inbox(home: Home) -> None:
    home.inbox.chmod(0o777)


def surveys_of_all(home: Home) -> None:
    home.surveys.chmod(0o777)


def home_that_others_write_to(home: Home) -> None:
    home.root.chmod(0o777)


def deep_folder(home: Home) -> None:
    (home.restricted / "prefect").mkdir()
    (home.restricted / "prefect").chmod(0o755)


def database_of_all(home: Home) -> None:
    (home.restricted / "warehouse.duckdb").chmod(0o644)


def link_out(home: Home) -> None:
    (home.restricted / "logs" / "out").symlink_to("/")


def link_in_its_place(home: Home) -> None:
    home.health.rename(home.root.parent / "elsewhere")
    home.health.symlink_to(home.root.parent / "elsewhere")


@pytest.mark.parametrize(
    "plant",
    [
        everybodys_inbox,
        surveys_of_all,
        home_that_others_write_to,
        deep_folder,
        database_of_all,
        link_out,
        link_in_its_place,
    ],
)
def test_half_open_zone_is_found(home, plant):
    plant(home)
    assert wrong(home) == [("zones", "mend")]


# Key, settings, decisions


def open_key(home: Home) -> None:
    home.key_file.chmod(0o440)


def short_key(home: Home) -> None:
    home.key_file.chmod(0o600)
    home.key_file.write_bytes(b"0" * 31)


def no_key(home: Home) -> None:
    home.key_file.unlink()


@pytest.mark.parametrize("plant", [open_key, short_key, no_key])
def test_key_that_a_run_refuses_is_found(home, plant):
    plant(home)
    assert ("key", "refused") in wrong(home)


def test_other_key_is_found(home, tmp_path):
    same_key(make_home(tmp_path / "other"), home)
    assert ("warehouse", "refused") in wrong(home)


def test_settings_that_cannot_be_read_are_told_with_their_place(home):
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(text.replace("[routing]", "[ruting]"), encoding="utf-8")
    found = {one.check: one for one in diagnose(home.root, now=NOW)}
    assert found["settings"].verdict is Verdict.REFUSED
    assert "ruting" in found["settings"].told


def test_new_home_is_told_which_decisions_are_not_made(tmp_path):
    home = init_home(tmp_path / "new")
    told = wrong(home)
    assert told == [("decisions", "mend"), ("decisions", "mend"), ("volume", "mend")]


# The volume


@pytest.mark.parametrize(
    ("word", "seen", "verdict"),
    [
        (None, Volume.ENCRYPTED, Verdict.MEND),
        (None, Volume.PLAIN, Verdict.MEND),
        ("checked", Volume.ENCRYPTED, Verdict.FINE),
        ("checked", Volume.UNSEEN, Verdict.UNSEEN),
        ("checked", Volume.PLAIN, Verdict.MEND),
        ("waived", Volume.ENCRYPTED, Verdict.NOTE),
        ("waived", Volume.PLAIN, Verdict.NOTE),
    ],
)
def test_what_is_signed_is_held_against_what_is_seen(tmp_path, word, seen, verdict):
    home = make_home(tmp_path / "home")
    if word:
        text = home.settings_file.read_text(encoding="utf-8")
        home.settings_file.write_text(text + SECURITY.format(word=word), encoding="utf-8")
    [finding] = check_volume(home, load_config(home), seen)
    assert finding.verdict is verdict
    assert ("IKT-leder" in finding.told) is (word is not None)


def test_security_is_no_part_of_what_a_report_says(home):
    before = bytes_below(home.health)
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(text.replace("waived", "checked"), encoding="utf-8")
    times = {path: path.stat().st_mtime_ns for path in home.health.rglob("*.html")}
    assert run_here(home) == (0, "")
    assert bytes_below(home.health) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_this_build_of_duckdb_is_not_taken_for_one_that_encrypts(tmp_path):
    assert can_write_encrypted(tmp_path) is False
    assert list(tmp_path.iterdir()) == []


def test_self_test_needs_a_plain_file_that_shows_the_word(tmp_path, monkeypatch):
    monkeypatch.setattr("warehouse.selftest._written", lambda *_: b"nothing to see")
    assert can_write_encrypted(tmp_path) is False


def test_database_that_hides_the_word_where_the_plain_one_shows_it_counts(tmp_path, monkeypatch):
    def written(path: Path, word: str, options: str) -> bytes:
        return b"" if options else word.encode()

    monkeypatch.setattr("warehouse.selftest._written", written)
    assert can_write_encrypted(tmp_path) is True


# Warehouse, clock, copies


def lost_commits(home: Home) -> None:
    witness = home.restricted / "witness.json"
    steps = json.loads(witness.read_bytes())
    witness.write_text(json.dumps({name: taken + 1 for name, taken in steps.items()}))


def no_vault(home: Home) -> None:
    (home.restricted / "vault" / "vault.duckdb").unlink()


def no_database_at_all(home: Home) -> None:
    no_vault(home)
    (home.restricted / "warehouse.duckdb").unlink()


def half_a_database(home: Home) -> None:
    halve(home.restricted / "warehouse.duckdb")


def broken_witness(home: Home) -> None:
    empty(home.restricted / "witness.json")


@pytest.mark.parametrize(
    "damage", [lost_commits, no_vault, no_database_at_all, half_a_database, broken_witness]
)
def test_damaged_warehouse_is_found(home, damage: Callable[[Home], None]):
    damage(home)
    assert ("warehouse", "refused") in wrong(home)


def test_warehouse_of_a_killed_run_is_sound(tmp_path, monkeypatch):
    home = home_with(tmp_path / "home", files(rows=10, count=2))
    with monkeypatch.context() as patch:
        patch.setenv(VARIABLE, "after-move")
        assert run_command(home)[0] == -9
    assert ("warehouse", "refused") not in wrong(home)


def test_warehouse_in_use_is_told_and_not_opened(home):
    with only_writer(home.restricted):
        found = {one.check: one for one in diagnose(home.root, now=NOW)}
    assert found["warehouse"].verdict is Verdict.UNSEEN


def test_migrations_of_a_newer_version_are_found(home):
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        con.execute("insert into audit.migration values ('9999_x.sql', '', now())").fetchall()
    assert ("warehouse", "mend") in wrong(home)


def test_migrations_that_are_due_are_told(home):
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        con.execute("delete from audit.migration where name = '0012_backups.sql'").fetchall()
        con.execute("drop table audit.backup").fetchall()
    assert wrong(home) == [("warehouse", "mend"), ("backups", "mend")]


def test_log_of_decisions_that_was_edited_is_found(home):
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        con.execute("update audit.event set actor = 'somebody'").fetchall()
    assert wrong(home) == [("log", "mend")]


@pytest.mark.parametrize(("hours", "found"), [(0, []), (-0.9, []), (-1.1, [("clock", "mend")])])
def test_clock_that_is_behind_the_warehouse_is_found(home, hours, found):
    assert wrong(home, hours=hours) == found


@pytest.mark.parametrize(("days", "found"), [(7, []), (8, [("backups", "mend")])])
def test_backup_that_is_a_week_old_is_told(home, days, found):
    assert wrong(home, days=days) == found


def test_restore_leaves_what_a_person_has_to_look_at(home, tmp_path):
    made = backup(home, tmp_path / "backups", with_key=False, now=NOW)
    deliver(home, {"later.csv": files(rows=6, count=9)["08.csv"]})
    assert run_here(home) == (0, "")
    restored = restore(home.root, made.path, Asked(replace=True), now=NOW)
    assert wrong(home) == [("backups", "mend"), ("outcome", "mend")]
    assert restored.aside
    shutil.rmtree(restored.aside)
    assert wrong(home) == [("outcome", "mend")]


# Published file, spill, Prefect, versions


def test_published_file_that_may_be_written_to_is_found(home):
    home.published.chmod(0o640)
    assert wrong(home) == [("published", "mend")]


def test_published_file_that_was_changed_is_found(home):
    home.published.chmod(0o640)
    with home.published.open("ab") as file:
        file.write(b"x")
    home.published.chmod(0o440)
    assert wrong(home) == [("published", "mend")]


def test_spill_that_was_left_is_found(home):
    (home.restricted / "spill" / "left.tmp").write_bytes(b"")
    assert wrong(home) == [("spill", "mend")]


@pytest.mark.parametrize(
    ("place", "verdict"),
    [
        (None, Verdict.UNSEEN),
        ("restricted/prefect", Verdict.FINE),
        ("prefect", Verdict.MEND),
        ("restricted/../prefect", Verdict.MEND),
    ],
)
def test_prefect_belongs_in_the_restricted_zone(tmp_path, place, verdict):
    home = Home(tmp_path)
    environment = {"PREFECT_HOME": str(tmp_path / place)} if place else {}
    assert [one.verdict for one in check_prefect(home, environment)] == [verdict]


def test_package_of_another_version_than_the_lock_has_is_found(tmp_path):
    lock = tmp_path / "runtime.txt"
    lock.write_text(
        "duckdb==0.0.1 \\\n    --hash=x\nother-system==1 ; sys_platform == 'win32' \\\n"
    )
    [finding] = check_versions(lock)
    assert (finding.verdict, "duckdb" in finding.told) == (Verdict.MEND, True)
    assert "other-system" not in finding.told


# The command


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["fine", "note", "unseen"], 0),
        (["fine", "mend"], 1),
        (["refused", "mend"], 4),
    ],
)
def test_worst_verdict_is_the_exit_code(verdicts, code):
    assert exit_code([Finding("x", Verdict(word), "told") for word in verdicts]) == code


def test_command_tells_programs_the_same_as_people(home, capsys):
    home.restricted.chmod(0o750)
    assert main(["doctor", "--home", str(home.root), "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert main(["doctor", "--home", str(home.root)]) == 4
    words = capsys.readouterr().out
    assert all(one["told"] in words and one["mend"] in words for one in told)
    assert "REFUSED" in words


def test_folder_that_is_no_home_is_told(tmp_path, capsys):
    assert main(["doctor", "--home", str(tmp_path)]) == 2
    assert list(tmp_path.iterdir()) == []
