"""`klassepuls publish`: what is ripe goes out, and the rest is told when."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from flows import publish_cli
from flows.cli import main
from tests.support.home import AUTUMN, OPEN, SPRING, csv_bytes, drop, make_home, run, school_class
from tests.support.state import bytes_below

RIPE = OPEN[SPRING][2] + timedelta(days=8)


@pytest.fixture
def home(tmp_path):
    """Two waves with answers; on the day that the second one closes."""
    home = make_home(tmp_path / "home")
    for wave in (AUTUMN, SPRING):
        drop(home, f"{wave}.csv", csv_bytes(school_class(30, wave=wave)))
    run(home, now=moment(RIPE - timedelta(days=8)))
    return home


def moment(day):
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=5)


def publish(home, day, capsys, monkeypatch, *more):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment(day).astimezone(tz)

    monkeypatch.setattr(publish_cli, "datetime", Clock)
    code = main(["publish", "--home", str(home.root), *more])
    return code, capsys.readouterr().out


def test_wave_that_waits_is_told_with_its_day_and_is_out_on_it(home, capsys, monkeypatch):
    before = publish(home, RIPE - timedelta(days=1), capsys, monkeypatch, "--json")
    assert before[0] == 0
    told = json.loads(before[1])
    assert (told["changed"], told["waves"]) == (False, [AUTUMN])
    assert told["waiting"] == [{"wave": SPRING, "from": RIPE.isoformat()}]

    code, said = publish(home, RIPE, capsys, monkeypatch)
    assert (code, f"A new edition is out with {AUTUMN}, {SPRING}" in said) == (0, True)
    assert "waits" not in said
    assert (home.analyst / "docs" / "index.html").is_file()


def test_nothing_that_is_out_is_written_again(home, capsys, monkeypatch):
    before = bytes_below(home.analyst)
    code, said = publish(home, RIPE - timedelta(days=1), capsys, monkeypatch)
    assert (code, bytes_below(home.analyst)) == (0, before)
    assert f"{SPRING} has answers and waits for late files; out from {RIPE} on." in said


def test_lost_file_comes_back_as_it_was(home, capsys, monkeypatch):
    before = bytes_below(home.analyst)
    home.published.unlink()
    assert publish(home, RIPE - timedelta(days=1), capsys, monkeypatch)[0] == 0
    assert {*before} <= set(bytes_below(home.analyst))


def test_home_without_answers_has_nothing_out(tmp_path, capsys, monkeypatch):
    home = make_home(tmp_path / "home")
    assert publish(home, RIPE, capsys, monkeypatch) == (0, "Nothing is out yet.\n")
