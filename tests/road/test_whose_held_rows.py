"""A report tells of the waiting forms of its own school, and claims no other school's."""

import pytest

from tests.quarantine.home import home_with
from tests.reports.school import NO_MARKS
from tests.support.home import AUTUMN, NOW, csv_bytes, drop, form, make_home, run, school_class
from tests.support.state import warehouse_of
from warehouse.report_data import read_schools

OURS = school_class(8)
THEIRS = school_class(4, prefix="H", school="S02", class_group="6B", grade="seks")
OWN, SHARED = "await clarification and are not counted", "may also hold others"


def told(home):
    """For each school: pupils of its own who wait, and pupils who may be its own."""
    with warehouse_of(home) as con:
        found = read_schools(
            con,
            wave_id=AUTUMN,
            school_ids=["S01", "S02"],
            routes=["health_service"],
            marks=NO_MARKS,
        )
    return {school: (data.held, data.held_shared) for (_, school), data in found.items()}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([*OURS, *THEIRS], {"S01": (0, 0), "S02": (4, 0)}),
        ([*OURS, form("P9", grade="sju"), *THEIRS], {"S01": (1, 0), "S02": (4, 0)}),
        ([*OURS, form("P9", school="S99")], {"S01": (0, 1), "S02": (0, 0)}),
        ([*OURS, *THEIRS, form("P9", school="S99")], {"S01": (0, 1), "S02": (4, 1)}),
        (
            [*OURS, *[row | {"wave": "", "submitted_on": ""} for row in THEIRS]],
            {"S01": (0, 0), "S02": (4, 0)},
        ),
    ],
    ids=["of another", "of both", "of an unknown one", "of both and unknown", "of no wave"],
)
def test_waiting_form_is_told_to_the_school_that_it_names(tmp_path, rows, expected):
    home = home_with(tmp_path / "home", rows)
    assert told(home) == expected
    for school, (own, shared) in expected.items():
        texts = "".join(pages_of(home, school))
        assert (OWN in texts, SHARED in texts) == (own > 0, shared > 0)


def test_row_that_is_none_belongs_to_the_one_school_of_its_file(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "a.csv", csv_bytes(OURS) + b"2025H;S01;7A\n")
    run(home)
    assert told(home) == {"S01": (1, 0), "S02": (0, 0)}


def pages_of(home, school):
    return [page.read_text(encoding="utf-8") for page in home.health.glob(f"{school}/*/*.en.html")]


def test_school_whose_forms_all_wait_has_a_report_that_says_so(tmp_path):
    home = home_with(tmp_path / "home", [*OURS, *THEIRS])
    [ours], [theirs] = (pages_of(home, school) for school in ("S01", "S02"))
    assert (OWN in ours, SHARED in ours, OWN in theirs) == (False, False, True)
    mended = [row | {"grade": "6"} for row in THEIRS]
    drop(home, "mended.csv", csv_bytes([*OURS, *mended]))
    run(home, now=NOW)
    [theirs] = pages_of(home, "S02")
    assert OWN not in theirs


def test_place_of_a_row_goes_with_the_row(tmp_path):
    home = home_with(tmp_path / "home", [*OURS, *THEIRS], [*OURS, *THEIRS])
    with warehouse_of(home) as con:
        assert con.sql("select count(*) from quarantine.place").fetchall() == [(4,)]
    mended = [row | {"grade": "6"} for row in THEIRS]
    drop(home, "mended.csv", csv_bytes([*OURS, *mended]))
    run(home)
    with warehouse_of(home) as con:
        assert con.sql("select count(*) from quarantine.place").fetchall() == [(0,)]
