"""A command killed between what it writes and the log leaves nothing, and is given again."""

import os
import shutil
import subprocess
import sys

import pytest

from flows.cases.work import act_on, decide
from flows.home import Home
from flows.verify_audit import verify_audit
from tests.faults.machine import ROOT
from tests.support.home import NOW, csv_bytes, drop, make_home, run, school_class
from tests.support.state import hashes, warehouse_of
from transforms.case_life import Asked
from warehouse.failpoint import CASE_POINTS, VARIABLE

TEAM = ["P005", "P006", "P007", "P008", "P009"]
CLI = "import sys; from flows.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def accepted(tmp_path_factory) -> tuple[Home, str]:
    """A home with a pupil who has accepted a group."""
    home = make_home(tmp_path_factory.mktemp("kills") / "home")
    drop(home, "a.csv", csv_bytes(school_class(12, changes={0: {"safety": "1"}})))
    run(home)
    with warehouse_of(home) as con:
        [(flag,)] = con.execute("select flag_id from core.flag").fetchall()
    case = decide(home, flag, lambda day: Asked("accept", day, "nurse"), now=NOW)["case"]
    for action in ("offer", "accepted"):
        wish = Asked(action, NOW.date(), "nurse")
        act_on(home, case, lambda _day, wish=wish: wish, now=NOW)
    return home, case


@pytest.mark.parametrize("point", CASE_POINTS)
def test_group_that_was_killed_half_formed_is_not_there_and_can_be_formed(
    accepted, tmp_path, point
) -> None:
    filled, case = accepted
    shutil.copytree(filled.root, tmp_path / "home")
    home = Home(tmp_path / "home")
    before = hashes(home)
    members = [part for code in TEAM for part in ("--member", code)]
    given = ["case", "group", case, "--home", str(home.root), "--as", "nurse", *members]
    command = [sys.executable, "-c", CLI, *given, "--picked-by", "pupil"]
    killed = subprocess.run(command, cwd=ROOT, env=os.environ | {VARIABLE: point}, check=False)
    assert killed.returncode == -9
    verify = verify_audit(home, anchor=None, now=NOW)
    assert verify["is_whole"]
    assert hashes(home) == before
    again = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert "the group is formed" in again.stdout
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from core.group_member").fetchall() == [(5,)]
    assert verify_audit(home, anchor=None, now=NOW)["is_whole"]
