"""A run that was cut off has told nobody: the next one still asks for a person, once."""

import pytest

from flows import road
from flows.cli import INTERRUPTED, main
from tests.support.home import csv_bytes, drop, form, make_home, school_class


def codes_of_runs(home, runs):
    return [main(["run", "--home", str(home.root)]) for _ in range(runs)]


def test_what_waits_is_asked_for_once_and_then_not_again(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "klasse.csv", csv_bytes([*school_class(9), form("P010", safety="6")]))

    assert codes_of_runs(home, 2) == [1, 0]


@pytest.mark.parametrize("step", ["flag_waves", "write_reports", "publish_waves"])
def test_run_that_is_cut_off_leaves_the_asking_to_the_next(tmp_path, monkeypatch, step):
    home = make_home(tmp_path / "home")
    drop(home, "klasse.csv", csv_bytes([*school_class(9), form("P010", safety="6")]))
    with monkeypatch.context() as cut:
        cut.setattr(road, step, _cut_off)
        assert codes_of_runs(home, 1) == [INTERRUPTED]

    assert codes_of_runs(home, 2) == [1, 0]


def _cut_off(*_args, **_kwargs):
    raise KeyboardInterrupt
