"""`klassepuls erase --expired`: to the second, never by a wrong clock; published figures stay."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from flows.backups.make import backup
from flows.cli import main
from flows.erasure import cli as erase_cli
from flows.erasure.expired import erase_expired
from flows.home import Home, load_config
from tests.conftest import ROOT
from tests.erase.tokens import files_with, places_of, tokens_of
from tests.faults.compare import published
from tests.support.home import NOW, SPRING, csv_bytes, drop, form, make_home, run, school_class
from tests.support.state import bytes_below, filed, ledger_of, warehouse_of
from warehouse.expired import ClockError, TooManyError
from warehouse.manifest import read_manifest, require_untouched

SECOND = timedelta(seconds=1)
# 1 August 2027 in Oslo: one school year after 2025-26 was over.
PUPILS_END = datetime(2027, 7, 31, 22, 0, tzinfo=UTC)
# What came of the flags of a wave is told apart, half a year later.
FIGURES = ("indicator", "response_rate", "flag_count")


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A home with a flagged pupil and reports, that ran once."""
    home = make_home(tmp_path_factory.mktemp("filled") / "home")
    drop(home, "a.csv", csv_bytes(school_class(10, changes={1: {"safety": "1"}})))
    run(home)
    return home


@pytest.fixture
def home(filled, tmp_path):
    shutil.copytree(filled.root, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.mark.parametrize(("off", "stays"), [(-SECOND, True), (0 * SECOND, False), (SECOND, False)])
def test_copy_of_a_file_stays_thirty_days_and_its_note_for_ever(home, off, stays):
    done = erase_expired(home, allow_many=False, now=NOW + timedelta(days=30) + off)
    assert (home.outcome / "loaded" / "a.csv").is_file() is stays
    assert done["files_removed"] == (0 if stays else 1)
    assert (home.outcome / "loaded" / "a.csv.json").is_file()


@pytest.mark.parametrize(("off", "stays"), [(-SECOND, True), (0 * SECOND, False), (SECOND, False)])
def test_report_stays_ninety_days_and_is_not_written_again_by_itself(home, off, stays):
    moment = NOW + timedelta(days=90) + off
    erase_expired(home, allow_many=False, now=moment)
    assert bool(bytes_below(home.health)) is stays
    run(home, now=moment)
    assert bool(bytes_below(home.health)) is stays


@pytest.mark.parametrize(("off", "stays"), [(-SECOND, True), (0 * SECOND, False), (SECOND, False)])
def test_rows_of_a_pupil_stay_one_school_year_after_the_last(home, off, stays):
    figures = bytes_below(home.analyst)
    told = {table: published(home)[table] for table in FIGURES}
    done = erase_expired(home, allow_many=True, now=PUPILS_END + off)
    assert done["pupils"] == (0 if stays else 10)
    assert bool(files_with(home, "P001")) is stays
    assert bytes_below(home.analyst) == figures
    run(home, now=PUPILS_END + off)
    with warehouse_of(home) as con:
        rows = con.execute("select count(*) from core.class_indicator").fetchall()
    assert rows != [(0,)]
    assert {table: published(home)[table] for table in FIGURES} == told


def add_next_wave(home):
    settings = home.settings_file.read_text()
    wave = (
        '\n[[wave]]\nid = "2026H"\nname = "H"\nschool_year = "2026-27"\n'
        "opens = 2026-11-02\ncloses = 2026-11-20\n"
    )
    home.settings_file.write_text(settings + wave)


def test_pupil_who_answered_later_keeps_all_rows(home):
    add_next_wave(home)
    later = form("P001", wave="2026H", submitted_on="2026-11-05", class_group="8A", grade="8")
    drop(home, "b.csv", csv_bytes([later]))
    run(home, now=datetime(2026, 12, 1, tzinfo=UTC))
    done = erase_expired(home, allow_many=True, now=PUPILS_END)
    assert (done["pupils"], done["of"]) == (9, 10)
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from core.response").fetchall() == [(2,)]


def test_waiting_row_and_its_file_are_not_taken_for_old(home):
    drop(home, "b.csv", csv_bytes([form("Q1X", safety="9")]))
    run(home, now=NOW + timedelta(days=20))
    erase_expired(home, allow_many=False, now=NOW + timedelta(days=49))
    assert "b.csv" in filed(home)
    erase_expired(home, allow_many=False, now=NOW + timedelta(days=50))
    assert {entry[4] for entry in ledger_of(home).values()} == {0}


def test_more_than_a_fifth_of_the_pupils_go_only_after_a_look(home, monkeypatch, capsys):
    before = files_with(home, "P001")
    drop(home, "b.csv", csv_bytes([form("Q1X", wave=SPRING, submitted_on="2026-03-10")]))
    with monkeypatch.context() as patch:
        patch.setattr("warehouse.expired.LONGEST_SILENCE", timedelta(days=9999))
        with pytest.raises(TooManyError, match="10 of 10"):
            erase_expired(home, allow_many=False, now=PUPILS_END)
    assert files_with(home, "P001") == before


@pytest.mark.parametrize("away", [timedelta(hours=-1), timedelta(days=365)])
def test_clock_that_went_back_or_jumped_deletes_nothing(home, away):
    before = bytes_below(home.outcome) | bytes_below(home.health)
    with pytest.raises(ClockError, match="nothing was deleted"):
        erase_expired(home, allow_many=False, now=NOW + away)
    assert bytes_below(home.outcome) | bytes_below(home.health) == before


def test_clock_that_went_back_deletes_nothing_whatever_is_allowed(home):
    with pytest.raises(ClockError):
        erase_expired(home, allow_many=True, now=NOW - timedelta(hours=1))


def test_refusal_is_exit_code_four(home, monkeypatch, capsys):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return PUPILS_END

    monkeypatch.setattr("flows.erasure.cli.datetime", Clock)
    command = ["erase", "--home", str(home.root), "--expired"]
    assert main(command) == 4
    assert "--allow-many" in capsys.readouterr().err
    assert main([*command, "--allow-many"]) == 0
    assert "10 of 10" in capsys.readouterr().out


def test_limits_are_the_settings(home):
    home.settings_file.write_text(
        home.settings_file.read_text() + "\n[retention]\nraw_days = 2\nreport_days = 7\n"
    )
    done = erase_expired(home, allow_many=False, now=NOW + timedelta(days=7))
    assert (done["files_removed"], done["reports_removed"] > 0) == (1, True)
    assert "slettet" in (home.outcome / "loaded" / "a.csv.txt").read_text()


def expire(home, *flags, now, monkeypatch):
    """The command on a day; it asks the machine for the time."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return now.astimezone(tz)

    monkeypatch.setattr(erase_cli, "datetime", Clock)
    return main(["erase", "--home", str(home.root), "--expired", "--allow-many", *flags])


def test_leavers_leave_the_backups_too_and_a_later_answer_keeps_a_pupil_there(
    home, tmp_path, monkeypatch, capsys
):
    add_next_wave(home)
    made = backup(home, tmp_path / "disk", with_key=False, now=NOW)
    later = form("P001", wave="2026H", submitted_on="2026-11-05", class_group="8A", grade="8")
    drop(home, "b.csv", csv_bytes([later]))
    run(home, now=datetime(2026, 12, 1, tzinfo=UTC))
    gone, stays = tokens_of(home, "P002"), tokens_of(home, "P001")
    assert places_of(made.path, gone)
    assert expire(home, now=PUPILS_END, monkeypatch=monkeypatch) == 0
    assert "erased from 1" in capsys.readouterr().out
    assert places_of(home.root, gone) == places_of(made.path, gone) == []
    assert places_of(made.path, stays)
    require_untouched(made.path, *read_manifest(made.path), load_config(home).key)
    before = bytes_below(made.path)
    assert expire(home, now=PUPILS_END + SECOND, monkeypatch=monkeypatch) == 0
    assert bytes_below(made.path) == before  # nobody is to go: it was only read


def test_damaged_backup_is_told_and_needs_a_person(home, tmp_path, monkeypatch, capsys):
    made = backup(home, tmp_path / "disk", with_key=False, now=NOW)
    (made.path / "restricted" / "warehouse.duckdb").write_bytes(b"x" * 5000)
    assert expire(home, "--json", now=PUPILS_END, monkeypatch=monkeypatch) == 1
    assert json.loads(capsys.readouterr().out)["copies"]["damaged"] == [str(made.path)]


def test_run_tells_of_an_erasing_that_was_cut_off_until_it_is_proven(home, capsys):
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "erase", "--pupil", "P001", "--home", home.root],
        cwd=ROOT,
        env=os.environ | {"KLASSEPULS_FAILPOINT": "before-proof"},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    summary = run(home)
    assert (summary.unproven, summary.needs_a_person) == (1, True)
    assert main(["run", "--home", str(home.root)]) == 1
    assert "Not finished: 1 erasing(s)" in " ".join(capsys.readouterr().out.split())
    assert main(["erase", "--pupil", "P001", "--home", str(home.root)]) == 0
    assert run(home).unproven == 0
