"""A home with flags of two schools, one about adults: made once, and copied for each test."""

import shutil

import duckdb
import pytest

from flows.home import Home
from tests.support.home import csv_bytes, drop, make_home, run, school_class

CHANGES = {
    0: {"safety": "1", "wants_talk": "1"},
    1: {"bullied_by_pupils": "4"},
    2: {"bullied_by_adults": "4"},
}


@pytest.fixture(scope="session")
def filled(tmp_path_factory) -> Home:
    home = make_home(tmp_path_factory.mktemp("board") / "home")
    drop(home, "a.csv", csv_bytes(school_class(12, changes=CHANGES)))
    others = school_class(12, prefix="Q", changes={3: {"safety": "1"}}, school="S02")
    drop(home, "b.csv", csv_bytes(others))
    run(home)
    return home


@pytest.fixture
def home(filled, tmp_path) -> Home:
    shutil.copytree(filled.root, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def flags(filled) -> dict[tuple[str, str], str]:
    """(school, rule) -> the flag's reference as a report prints it."""
    with duckdb.connect(str(filled.restricted / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute("select school_id, rule_id, flag_id from core.flag").fetchall()
    return {(school, rule.removeprefix("rule.")): flag[:8] for school, rule, flag in found}
