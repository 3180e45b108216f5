"""`klassepuls check` tells of codes that lost their zeros, as a run would; and stores nothing."""

import subprocess
import sys
from contextlib import contextmanager

import pytest

from flows.check import check_file
from tests.support.home import csv_bytes, drop, form, make_home, run
from tests.support.loading import pupils_listed
from tests.support.state import hashes

CODES = ("0401", "0402", "0403")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = make_home(tmp_path_factory.mktemp("zeros") / "home")
    drop(made, "7A.csv", csv_bytes([form(code) for code in CODES]))
    run(made)
    return made


def check(home, tmp_path, content: bytes):
    path = tmp_path / "tried.csv"
    path.write_bytes(content)
    return check_file(home, path)


@pytest.mark.parametrize(
    ("codes", "rows"),
    [(("401", "402", "777"), 2), (CODES, 0), (("0401", "401"), 1), (("P401", "4010"), 0)],
)
def test_rows_of_answers_are_counted(home, tmp_path, codes, rows):
    before = hashes(home)
    found = check(home, tmp_path, csv_bytes([form(code) for code in codes]))
    assert (found["without_zeros"], found["held"]) == (rows, 0)
    assert hashes(home) == before


def test_another_schools_codes_are_no_matter(home, tmp_path):
    content = csv_bytes([form(code.lstrip("0"), school="S02") for code in CODES])
    assert check(home, tmp_path, content)["without_zeros"] == 0


def test_class_list_would_wait_as_a_whole(home, tmp_path):
    found = check(home, tmp_path, pupils_listed("401", "402"))
    assert (found["reason"], found["column"]) == ("CODE_WITHOUT_ZEROS", "pupil_code")
    assert check(home, tmp_path, pupils_listed(*CODES))["reason"] is None


def test_nobody_can_look_where_no_file_has_been_run(tmp_path):
    fresh = make_home(tmp_path / "home")
    assert check(fresh, tmp_path, csv_bytes([form("401")]))["without_zeros"] == 0


def test_while_a_run_is_at_work_it_is_not_looked_up(home, tmp_path, at_work_elsewhere):
    with at_work_elsewhere(home):
        found = check(home, tmp_path, csv_bytes([form("401")]))
    assert (found["without_zeros"], found["sound"]) == (None, 1)


@pytest.fixture
def at_work_elsewhere():
    """Another process that holds a home's warehouse."""

    @contextmanager
    def hold(home):
        code = (
            "import duckdb, sys; con = duckdb.connect(sys.argv[1]);"
            " print('open', flush=True); sys.stdin.read()"
        )
        path = home.restricted / "warehouse.duckdb"
        with subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout.readline() == "open\n"
            yield
            other.stdin.close()

    return hold
