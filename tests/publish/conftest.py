"""A small warehouse to publish from, and the place to publish to."""

from pathlib import Path

import duckdb
import pytest

from tests.publish.build import deliver, warehouse
from tests.publish.publishing import classes


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = warehouse()
    deliver(con, [form for school in "ABCDE" for form in classes(school)])
    yield con
    con.close()


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "analyst" / "klassepuls.duckdb"
