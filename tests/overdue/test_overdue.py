"""What is overdue, as a table: day, and what is told as late by then."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.cli import main
from flows.home import Home, load_config, open_home
from flows.overdue.look import list_overdue, overdue_in
from flows.road import at_work
from tests.support.home import (
    AUTUMN,
    SPRING,
    class_list,
    csv_bytes,
    drop,
    make_home,
    run,
    school_class,
)

Late = list[tuple[str, str | None, tuple[str, ...], int]]


def at(text: str) -> datetime:
    """A moment of 2025 or 2026 in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def late(home: Home, now: datetime) -> Late:
    """Kind, school, classes and days late of all that is overdue."""
    config = load_config(open_home(home.root))
    with at_work(home, config, now=now) as con:
        return [
            (one.kind, one.school_id, one.classes, one.days_late)
            for one in overdue_in(con, config, now=now)
        ]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two schools; of S01 the classes 7A and 7B are listed, of S02 nothing is known."""
    home = make_home(tmp_path / "home")
    drop(home, "lists.csv", class_list(("S01", "7A", 20), ("S01", "7B", 20), ("S01", "2A", 20)))
    run(home, now=at("2025-10-01T05:15"))
    return home


# The wave is open from Monday 3 to Friday 21 November 2025. First answers are due on the 10th, all
# on Monday the 24th. The spring's wave opens on 9 March.
WITHOUT_FILES: list[tuple[str, Late]] = [
    ("2025-11-02", []),
    ("2025-11-10", []),
    ("2025-11-11", [("wave", "S01", (), 1), ("wave", "S02", (), 1)]),
    ("2025-11-25", [("wave", "S01", (), 15), ("wave", "S02", (), 15)]),
    ("2026-03-08", [("wave", "S01", (), 118), ("wave", "S02", (), 118)]),
    ("2026-03-09", []),
    ("2026-07-31", [("wave", "S01", (), 137), ("wave", "S02", (), 137)]),
    ("2026-08-01", []),
]


def test_wave_without_files(home: Home) -> None:
    found = [(day, late(home, at(f"{day}T10:00"))) for day, _ in WITHOUT_FILES]
    assert found == WITHOUT_FILES


def test_class_of_an_asked_grade_is_waited_for_and_others_are_not(home: Home) -> None:
    drop(home, "a.csv", csv_bytes(school_class(6)))
    run(home, now=at("2025-11-12T05:15"))
    assert late(home, at("2025-11-24T10:00")) == []
    assert late(home, at("2025-11-25T10:00")) == [
        ("wave", "S01", ("7B",), 1),
        ("wave", "S02", (), 1),
    ]


def test_without_a_list_the_wave_before_says_which_classes(home: Home) -> None:
    drop(home, "a.csv", csv_bytes([*school_class(6, school="S02", class_group="6C", grade="6")]))
    run(home, now=at("2025-11-12T05:15"))
    drop(home, "b.csv", csv_bytes(school_class(6, wave=SPRING, submitted_on="2026-03-10")))
    run(home, now=at("2026-03-12T05:15"))
    expected = [("wave", "S01", ("7B",), 1), ("wave", "S02", ("6C",), 1)]
    assert [one for one in late(home, at("2026-03-31T10:00")) if one[0] == "wave"] == expected


def test_class_whose_forms_wait_has_come(home: Home) -> None:
    twice = [*school_class(3), *school_class(3, class_group="7B", prefix="Q")]
    again = [dict(row, **{"klassepuls_core_v1.safety": "1"}) for row in twice[3:]]
    drop(home, "a.csv", csv_bytes(twice))
    drop(home, "b.csv", csv_bytes(again))
    run(home, now=at("2025-11-12T05:15"))
    assert late(home, at("2025-11-25T10:00")) == [("wave", "S02", (), 1)]


# Raised on a Friday at 06:15 in Norway: a working day later is Monday, 06:15.
@pytest.mark.parametrize("group", ["7A", "nobody knows"])
def test_prompt_is_late_after_one_working_day_to_the_hour(home: Home, group: str) -> None:
    asks = {"wants_talk": "1", "class_group": group}
    drop(home, "a.csv", csv_bytes(school_class(6, changes={2: asks})))
    run(home, now=at("2025-11-14T05:15"))
    moments = ("2025-11-16T10:00", "2025-11-17T05:14", "2025-11-17T05:16")
    found = [[one for one in late(home, at(when)) if one[0] == "prompt"] for when in moments]
    assert found == [[], [], [("prompt", "S01", (), 0)]]


def test_listing_names_schools_classes_and_days_and_no_pupil(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    drop(home, "a.csv", csv_bytes(school_class(6, changes={2: {"wants_talk": "1"}})))
    run(home, now=at("2025-11-14T05:15"))
    told = list_overdue(home, now=at("2025-11-25T10:00"))
    assert [(one["kind"], one["school_id"]) for one in told["overdue"]][:2] == [
        ("wave", "S01"),
        ("wave", "S02"),
    ]
    assert told["freshness"][0] | {"last_file": ""} == {
        "wave_id": AUTUMN, "school_id": "S01", "classes_expected": 2, "classes_came": 1,
        "last_file": "", "days_since": 11,
    }  # fmt: skip
    assert "P002" not in json.dumps(told)
    code = main(["overdue", "--home", str(home.root)])
    out = capsys.readouterr().out
    assert (code, "P002" in out) == (1, False)
