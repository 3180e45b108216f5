"""Analysts always read a whole version, however often publications and erasings are killed.

A short loop runs with every test; `make faults` kills 300 publications and 300 erasings.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from flows.home import Home
from tests.faults.machine import ROOT
from tests.support.home import (
    AUTUMN,
    NOW,
    OPEN,
    SPRING,
    csv_bytes,
    drop,
    make_home,
    run,
    school_class,
)
from tests.support.state import bytes_below
from transforms.synthetic.formats import to_xlsx
from warehouse.failpoint import ERASE_POINTS

FULL = os.environ.get("KLASSEPULS_FAULTS") == "full"
CODE = "KQ7X-WAVY-31"
CLOSED = datetime.combine(OPEN[SPRING][2], datetime.min.time(), UTC) + timedelta(days=1)


@pytest.fixture
def home(tmp_path) -> Home:
    """One wave is published, the next one is loaded, and its days of grace are nearly over."""
    home = make_home(tmp_path / "home")
    for wave, moment in ((AUTUMN, datetime(2025, 12, 20, tzinfo=UTC)), (SPRING, CLOSED)):
        rows = [
            *school_class(30, wave=wave, changes={1: {"pupil_code": CODE, "safety": "1"}}),
            *school_class(25, prefix="Q", wave=wave, school="S02", changes={3: {"safety": "1"}}),
        ]
        drop(home, f"{wave}.csv", csv_bytes(rows))
        drop(home, f"{wave}.xlsx", to_xlsx(pl.DataFrame(rows)))
        run(home, now=moment)
    return home


def loop(home: Home, kind: str, kills: int) -> dict:
    command = [sys.executable, "-m", "tests.faults.readers"]
    done = subprocess.run(
        [*command, str(home.root), kind, NOW.isoformat(), str(kills), "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr[:400]) == (0, "")
    told = json.loads(done.stdout)
    sys.stdout.write(f"killed: {told['killed']}, read {told['reads']} times\n")
    assert sum(told["killed"].values()) >= kills
    return told


@pytest.mark.timeout(3600 if FULL else 300)
def test_reader_of_a_killed_publication_sees_the_old_file_or_the_new_one(home):
    before = bytes_below(home.analyst)
    told = loop(home, "publish", 300 if FULL else 4)
    assert {"before-publish-move", "between-publish-moves", "random"} == {*told["killed"]}
    assert len(told["seen"]) == 2
    assert len(told["ended"]) == 2, "done, and one and the same file each time"
    assert {*told["ended"]} - {"done"} < {*told["seen"]}
    assert bytes_below(home.analyst) == before, "the loop works on copies"


@pytest.mark.timeout(3600 if FULL else 300)
def test_reader_beside_a_killed_erasing_sees_one_file_and_the_pupil_goes(home):
    told = loop(home, CODE, 300 if FULL else 3)
    # Every test run comes to each point by itself (tests/erase), where nobody reads beside it.
    assert {*told["killed"]} == {*ERASE_POINTS, "random"} or not FULL
    assert (len(told["seen"]), told["left"]) == (1, 0)
    assert {*told["ended"]} == {"done", *told["seen"]}
