"""A whole number with noughts behind a decimal sign is that number; any other decimal is none."""

import pytest

from tests.support.home import csv_bytes, drop, form, make_home, run


@pytest.mark.parametrize(
    ("grade", "safety", "accepted"),
    [
        ("7.0", "5.0", 1),
        ("7,0", "1,00", 1),
        ("7.5", "5", 0),
        ("7", "4.5", 0),
        ("7", "50", 0),
        ("7", "5.", 0),
    ],
)
def test_decimals_of_nothing_but_noughts_make_no_difference(tmp_path, grade, safety, accepted):
    home = make_home(tmp_path / "home")
    drop(home, "a.csv", csv_bytes([form("P001", grade=grade, safety=safety)]))
    [(_, outcome)] = run(home).files
    assert (outcome.accepted, outcome.quarantined) == (accepted, 1 - accepted)
