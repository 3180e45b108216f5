"""Runs that are killed at random and at each named point end where an undisturbed one does.

A short loop runs with every test. KLASSEPULS_FAULTS=full (`make faults`) makes it 300 kills over
300 files.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.home import Home
from tests.faults.compare import differences, lost_or_torn, same_key
from tests.faults.machine import ROOT, files, home_with, run_command, run_here
from tests.faults.nights import make_town, make_town_home, write_nights
from tests.support.state import bytes_below
from warehouse.failpoint import POINTS, VARIABLE

FULL = os.environ.get("KLASSEPULS_FAULTS") == "full"
SCHOOLS, WAVES, KILLS = (31, 2, 300) if FULL else (4, 2, 22)


def loop(home: Home, nights: Path, kills: int) -> dict[str, dict[str, int]]:
    """Deliver night by night, and kill; how often a run was killed at each point."""
    command = [sys.executable, "-m", "tests.faults.killing"]
    done = subprocess.run(
        [*command, str(home.root), str(nights), str(kills), "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr[:400]) == (0, ""), done.stdout[-400:]
    told: dict[str, dict[str, int]] = json.loads(done.stdout)
    return told


@pytest.mark.timeout(3600 if FULL else 300)
def test_killed_runs_lose_nothing_and_do_nothing_twice(tmp_path):
    town = make_town(schools=SCHOOLS, waves=WAVES)
    delivered = write_nights(tmp_path / "nights", town)
    killed, peaceful = (make_town_home(tmp_path / name, town) for name in ("killed", "peaceful"))
    same_key(killed, peaceful)
    told = loop(killed, tmp_path / "nights", KILLS)
    loop(peaceful, tmp_path / "nights", 0)
    sys.stdout.write(f"{len(delivered)} files, killed: {told['killed']}\n")
    assert sum(told["killed"].values()) >= KILLS
    assert {*told["killed"]} == {*POINTS, "random"}, "a point that no run came to"
    assert lost_or_torn(killed, delivered) == []
    assert lost_or_torn(peaceful, delivered) == []
    assert differences(killed, peaceful) == []


def test_report_of_a_killed_run_is_not_taken_for_the_one_before_it(tmp_path, monkeypatch):
    home = home_with(tmp_path / "home", files(rows=10, count=1))
    assert run_here(home) == (0, "")
    pages, settings = bytes_below(home.health), home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(settings.replace("Skole S01", "Skolen"), encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setenv(VARIABLE, "after-report")
        assert run_command(home)[0] == -9
    assert bytes_below(home.health) != pages
    home.settings_file.write_text(settings, encoding="utf-8")
    assert run_here(home) == (0, "")
    assert bytes_below(home.health) == pages


def test_command_dies_at_the_point_that_the_environment_names(tmp_path):
    town = make_town(schools=2, waves=1)
    write_nights(tmp_path / "nights", town)
    home = make_town_home(tmp_path / "home", town)
    [night, _] = sorted((tmp_path / "nights").iterdir())
    for file in night.iterdir():
        file.rename(home.inbox / file.name)
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "run", "--home", str(home.root)],
        cwd=ROOT,
        env={**os.environ, VARIABLE: "between-notes-and-move:2"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9
    filed = [path for path in home.outcome.rglob("*.*") if path.is_file()]
    assert len(filed) == 3 + 2, "the second file has its notes and was not moved"
