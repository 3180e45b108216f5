"""An erasing that is killed anywhere is given again, and ends as one that was left in peace."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import polars as pl
import pytest

from flows.erasure.expired import erase_expired
from flows.erasure.pupil import Asked, erase_pupil
from flows.home import Home
from flows.verify_audit import verify_audit
from tests.erase.tokens import files_with
from tests.faults.compare import published
from tests.faults.machine import ROOT
from tests.support.home import NOW, csv_bytes, drop, form, make_home, run, school_class
from tests.support.state import bytes_below, contents, ledger_of, reports_below
from transforms.synthetic.formats import to_parquet, to_xlsx
from warehouse.failpoint import ERASE_POINTS, VARIABLE

CODE = "KQ7X-WAVY-31"
LATER = datetime(2027, 8, 2, tzinfo=UTC)
OF_EXPIRED = [point for point in ERASE_POINTS if "strike" not in point]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    home = make_home(tmp_path_factory.mktemp("filled") / "home")
    rows = school_class(8, changes={1: {"pupil_code": CODE, "safety": "1"}, 3: {"safety": "9"}})
    drop(home, "a.csv", csv_bytes(rows))
    drop(home, "b.xlsx", to_xlsx(pl.DataFrame(rows)))
    drop(home, "c.parquet", to_parquet(pl.DataFrame([form(CODE, safety="1")])))
    run(home)
    return home


def copy_of(home: Home, place) -> Home:
    shutil.copytree(home.root, place)
    return Home(place)


@pytest.fixture(scope="module")
def in_peace(filled, tmp_path_factory):
    home = copy_of(filled, tmp_path_factory.mktemp("peace") / "home")
    erase_pupil(home, Asked(CODE), now=NOW)
    return home


def killed_at(home: Home, code: str, point: str, moment: datetime) -> None:
    command = [sys.executable, "-m", "tests.erase.one_erase", str(home.root), code]
    done = subprocess.run(
        [*command, moment.isoformat()], cwd=ROOT, env=os.environ | {VARIABLE: point}, check=False
    )
    assert done.returncode == -9


def as_it_ends(home: Home):
    return (
        contents(home, without=["core.stage"]),
        {name: entry[1:] for name, entry in ledger_of(home).items()},
        bytes_below(home.outcome),
        reports_below(home),
    )


@pytest.mark.parametrize("point", ERASE_POINTS)
def test_erasing_that_is_killed_is_given_again_and_ends_the_same(filled, in_peace, tmp_path, point):
    home = copy_of(filled, tmp_path / "home")
    figures = published(home)
    killed_at(home, CODE, point, NOW)
    assert published(home) == figures
    done = erase_pupil(home, Asked(CODE), now=NOW)
    assert (done["proof"]["found"], files_with(home, CODE)) == (0, [])
    assert as_it_ends(home) == as_it_ends(in_peace)
    assert verify_audit(home, anchor=None, now=NOW)["is_whole"]
    assert list(home.root.rglob("*.new*")) == list(home.root.rglob("*.partial")) == []


def test_run_between_a_kill_and_the_end_brings_nothing_back(filled, tmp_path):
    home = copy_of(filled, tmp_path / "home")
    killed_at(home, CODE, "mid-strike", NOW)
    run(home)
    assert erase_pupil(home, Asked(CODE), now=NOW)["proof"]["found"] == 0
    assert files_with(home, CODE) == []


@pytest.mark.parametrize("point", OF_EXPIRED)
def test_retention_that_is_killed_is_given_again(filled, tmp_path, point):
    home = copy_of(filled, tmp_path / "home")
    killed_at(home, "-", point, LATER)
    erase_expired(home, allow_many=True, now=LATER)
    for code in (CODE, "P002", "P003"):
        assert files_with(home, code) == []
    assert verify_audit(home, anchor=None, now=LATER)["is_whole"]
