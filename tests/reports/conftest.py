"""The invented school Fjordvik, and how its report is rendered."""

from collections.abc import Callable, Iterator

import pytest

from schemas.settings import Settings
from tests.reports.school import SETTINGS, Warehouse, fill_fjordvik, open_warehouse, render
from warehouse.school_data import SchoolData


@pytest.fixture
def render_report() -> Callable[..., str]:
    """`render(data, codes, **changes)` with the shipped rules and instruments."""
    return render


@pytest.fixture
def settings() -> Settings:
    return Settings.from_toml(SETTINGS, name="klassepuls.toml")


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    made = open_warehouse()
    yield made
    made.con.close()


@pytest.fixture
def fjordvik(warehouse: Warehouse) -> tuple[SchoolData, dict[str, str]]:
    codes = fill_fjordvik(warehouse)
    return warehouse.read(), codes
