"""The commands of the keys, killed at the worst moment: the same command again ends as if never."""

import os
import shutil
import subprocess
import sys

import pytest

from flows.erasure.pupil import Asked, erase_pupil
from flows.home import Home, load_config
from flows.keys.change import list_keys
from flows.keys.files import files_in
from flows.verify_audit import verify_audit
from tests.faults.machine import ROOT
from tests.keys.two_years import AFTER, two_years
from tests.support.state import bytes_below
from warehouse.failpoint import KEY_POINTS, VARIABLE

NEW = ["new", "--school-year", "2028"]
CARRY = ["carry-over", "--from", "1", "--to", "2", "--reason", "moved by decision of the owner"]
RETIRE = ["retire", "--version", "1"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    return two_years(tmp_path_factory.mktemp("keys") / "home")


@pytest.fixture
def home(filled, tmp_path):
    shutil.copytree(filled.root, tmp_path / "home")
    return Home(tmp_path / "home")


def key(home, asked, *, dies_at=None):
    """`klassepuls key ...` in a process of its own; its exit code."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "key", *asked, "--home", str(home.root)],
        cwd=ROOT,
        env=environment | ({VARIABLE: dies_at} if dies_at else {}),
        capture_output=True,
        check=False,
    )
    return done.returncode


def leave_nothing_of_the_first_key(home):
    for code in ("P01", "P02"):
        erase_pupil(home, Asked(code), now=AFTER)
    waves = home.settings_file.read_text(encoding="utf-8").split("[[wave]]")
    kept = "[[wave]]".join(one for one in waves if '"2025-26"' not in one)
    home.settings_file.write_text(kept, encoding="utf-8")


def versions(home):
    return [(one["version"], one["retired"]) for one in list_keys(home, now=AFTER)["keys"]]


def test_every_point_of_the_keys_is_tried():
    tried = {"after-key-file", "before-carry-commit", "before-key-removed"}
    assert tried == set(KEY_POINTS)


def test_new_key_whose_command_was_killed_is_there_whole_and_once(home):
    assert key(home, NEW, dies_at="after-key-file") == -9
    assert versions(home) == [(1, False), (2, False), (3, False)]
    before = files_in(home.vault)
    assert key(home, NEW) == 2  # that year has its key
    assert files_in(home.vault) == before
    assert verify_audit(home, anchor=None, now=AFTER)["is_whole"]


def test_killed_carry_over_links_nobody_and_can_be_made_again(home):
    assert key(home, CARRY, dies_at="before-carry-commit") == -9
    assert list_keys(home, now=AFTER)["carried_over"] == []
    assert key(home, CARRY) == 0
    assert list_keys(home, now=AFTER)["carried_over"] == [{"from": 1, "to": 2}]
    assert verify_audit(home, anchor=None, now=AFTER)["is_whole"]


def test_killed_retirement_is_finished_by_the_same_command(home):
    leave_nothing_of_the_first_key(home)
    secret = home.key_file.read_bytes()
    assert key(home, RETIRE, dies_at="before-key-removed") == -9
    assert versions(home)[0] == (1, True)
    assert home.key_file.is_file()
    assert key(home, RETIRE) == 0
    assert not any(secret in content for content in bytes_below(home.root).values())
    assert load_config(home).key.versions[0].version == 2
    assert verify_audit(home, anchor=None, now=AFTER)["is_whole"]
