"""A run is killed on its way from the load to the report: nobody who asks for help is lost."""

import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.road.test_held_requests import ASKS, asking_in, codes_in, report_of
from tests.support.home import NOW, csv_bytes, drop, form, make_home, run
from tests.support.state import warehouse_of
from warehouse.failpoint import POINTS, VARIABLE

ROWS = [
    form("P001", **ASKS, thriving="9"),
    form("P002", **ASKS),
    form("P002", **ASKS, safety="2"),
    form("P003"),
]
ON_THE_WAY = POINTS[: POINTS.index("after-report") + 1]


@pytest.mark.parametrize("point", ON_THE_WAY)
def test_a_kill_between_load_and_report_loses_no_call_for_help(tmp_path, point):
    home = make_home(tmp_path)
    drop(home, "7A.csv", csv_bytes(ROWS))
    os.utime(home.inbox / "7A.csv", (0, 0))
    command = [sys.executable, "-m", "tests.faults.one_run", str(home.root), NOW.isoformat()]
    killed = subprocess.run(
        command, cwd=ROOT, env={**os.environ, VARIABLE: point}, capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, "the run did not come to this point"

    summary = run(home)

    assert codes_in(asking_in(report_of(home))) == ["P001", "P002"]
    assert summary.unheard.reported == 2
    with warehouse_of(home) as con:
        told = con.execute("select count(*) from audit.event where action = 'prompt.raised'")
        assert told.fetchall() == [(1,)]
