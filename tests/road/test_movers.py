"""A pupil who moves class, or whose gender is filled in, between two exports is not lost."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from tests.class_lists.packages import csv_list
from tests.quarantine.home import asked, command, counts_hold, home_with
from tests.support.home import (
    class_list,
    csv_bytes,
    drop,
    form,
    make_home,
    run,
    school_class,
    write_settings,
)
from tests.support.state import warehouse_of, words_on

__all__ = ["asked", "command"]

FIRST = datetime(2025, 11, 6, 5, 15, tzinfo=UTC)
WEEK = timedelta(days=7)
ASKS = {"wants_talk": "2", "bullied_by_pupils": "5", "safety": "1"}
OTHERS = school_class(8, prefix="Q")


def export(*rows, more: int = 0) -> bytes:
    """What the tool exports: these rows, the class, and pupils who came later."""
    return csv_bytes([*rows, *OTHERS, *school_class(more, prefix="R", class_group="7B")])


def pupil(group: str = "7A", gender: str = "girl", **changes: str):
    return form("P001", class_group=group, gender=gender, **{**ASKS, **changes})


def after(home, *files: bytes, start: datetime = FIRST) -> None:
    """A file a week, each with a run."""
    for week, file in enumerate(files):
        drop(home, f"export{week}.csv", file)
        run(home, now=start + week * WEEK)


def pupil_flags(home):
    with warehouse_of(home) as con:
        return con.execute("""
            select flag_id, rule_id, level, status, raised_at, review_due from core.flag
            where target = 'pupil' order by all
        """).fetchall()


def context_of_asking(home):
    with warehouse_of(home) as con:
        return con.execute("""
            select class_group, grade, gender from core.response r
            where pupil in (select pupil from core.flag where target = 'pupil')
        """).fetchall()


@pytest.mark.parametrize(
    ("later", "context"),
    [
        (pupil("7B"), ("7B", 7, "girl")),
        (pupil(gender="boy"), ("7A", 7, "boy")),
        (pupil("8B", "", grade="8"), ("8B", 8, "girl")),
    ],
)
def test_flags_keep_their_ids_and_deadlines(tmp_path, later, context):
    home = make_home(tmp_path)
    after(home, export(pupil()))
    before = pupil_flags(home)
    assert {status for *_, status, _, _ in before} == {"open"}
    after(home, export(later, more=2), start=FIRST + WEEK)
    assert pupil_flags(home) == before
    assert context_of_asking(home) == [context]
    with warehouse_of(home) as con:
        places = con.execute(
            "select distinct class_group, grade from core.flag where target = 'pupil'"
        ).fetchall()
        assert places == [context[:2]]
        assert con.execute("select count(*) from quarantine.row").fetchall() == [(0,)]
    assert counts_hold(home)


@pytest.mark.parametrize(
    ("later", "moved"), [(pupil("7B"), 1), (pupil(gender="boy"), 1), (pupil(), 0)]
)
@pytest.mark.parametrize("more", [0, 2])
def test_note_says_for_how_many_pupils_class_or_gender_is_new(tmp_path, later, moved, more):
    home = make_home(tmp_path)
    after(home, export(pupil(), more=1))
    drop(home, "later.csv", export(later, more=1 + more))
    [(_, outcome)] = run(home, now=FIRST + WEEK).files
    words = words_on(home, "later.csv")
    assert (outcome.moved, outcome.outcome) == (moved, "loaded" if more else "duplicate")
    assert ("of 1 form(s) delivered before is newer now" in words) == bool(moved)
    assert ("Nothing has changed" in words) == (not moved and not more)


def test_class_flags_are_worked_out_for_both_classes(tmp_path):
    bullied = {number: {"bullied_by_pupils": "4"} for number in range(5)}
    homes = []
    for name, files in {
        "moved": [
            school_class(12, changes=bullied),
            school_class(12, changes=bullied, class_group="7B"),
        ],
        "there": [school_class(12, changes=bullied, class_group="7B")],
    }.items():
        home = make_home(tmp_path / name)
        drop(home, "list.csv", class_list(("S01", "7A", 14), ("S01", "7B", 14)))
        after(home, *(csv_bytes(file) for file in files))
        with warehouse_of(home) as con:
            open_flags = con.execute("""
                select flag_id, class_group from core.flag
                where target = 'class' and status = 'open' order by all
            """).fetchall()
            indicators = con.execute("from core.class_indicator order by all").fetchall()
        homes.append((open_flags, indicators))
    assert homes[0] == homes[1]
    assert {group for _, group in homes[0][0]} == {"7B"}


@pytest.mark.parametrize("in_one_run", [True, False])
@pytest.mark.parametrize("order", list(permutations(["7A", "7B", "list"])), ids="-".join)
def test_the_class_list_in_force_says_the_class(tmp_path, order, in_one_run):
    files = {
        "list": csv_list(("S01", "7C", "P001"), *(("S01", "7A", f"Q{n:03}") for n in range(8))),
        **{group: export(pupil(group)) for group in ("7A", "7B")},
    }
    home = make_home(tmp_path)
    if in_one_run:
        for number, name in enumerate(order):
            drop(home, f"{number}.csv", files[name])
        run(home, now=FIRST)
    else:
        after(home, *(files[name] for name in order))
    assert context_of_asking(home) == [("7C", 7, "girl")]


@pytest.mark.parametrize("in_one_run", [True, False])
def test_files_that_are_read_again_under_mended_settings_change_nothing(tmp_path, in_one_run):
    bad = form("P009", thriving="9")
    files = [
        export(pupil(), bad),
        export(pupil("7B", ""), bad, more=1),
        export(pupil("7B", ""), bad, form("P010", school="S03"), more=2),
    ]
    ends = []
    for schools in (("S01", "S02"), ("S01", "S02", "S03")):
        home = home_with(tmp_path / str(len(schools)), schools=schools)
        for number, file in enumerate(files):
            drop(home, f"{number}.csv", file)
            if not in_one_run:
                run(home, now=FIRST + number * WEEK)
        run(home, now=FIRST + 3 * WEEK)
        write_settings(home, schools=("S01", "S02", "S03"))
        for number in (2, 0, 1, 0):
            drop(home, f"again{number}.csv", files[number])
            run(home, now=FIRST + 4 * WEEK)
        assert counts_hold(home)
        with warehouse_of(home) as con:
            ends.append(
                con.execute("""
                    select pupil, class_group, grade, gender from core.response order by all
                """).fetchall()
            )
    assert ends[0] == ends[1]
    assert ("7B", 7, "girl") in [row[1:] for row in ends[0]]


def test_a_release_gives_no_new_deadline(tmp_path, command, asked):
    home = home_with(tmp_path)
    after(home, export(pupil()))
    before = pupil_flags(home)
    after(home, export(pupil("7B", thriving="4"), more=1), start=FIRST + WEEK)
    assert {status for *_, status, _, _ in pupil_flags(home)} == {"withdrawn"}
    [found] = asked(home, "quarantine", "list")["contradictions"]
    command(home, "quarantine", "release", found["id"], "--latest", "--why", "school_confirmed")
    run(home, now=FIRST + 2 * WEEK)
    assert pupil_flags(home) == before


def test_both_schools_of_a_shared_code_have_a_report_that_says_so(tmp_path, asked):
    home = home_with(tmp_path)
    after(home, csv_bytes([form("P001"), form("P002")]), csv_bytes([form("P001", school="S02")]))
    for school in ("S01", "S02"):
        report = home.health / school / "2025H" / "report.nb.html"
        assert "Én elevkode fra skolen står også i en annen skole." in report.read_text("utf-8")
    reasons = {
        reason["code"]
        for entry in asked(home, "quarantine", "list")["deliveries"]
        for reason in entry["reasons"]
    }
    assert reasons == {"CODE_IN_TWO_SCHOOLS"}


def test_a_report_counts_a_pupil_who_waits_once(tmp_path):
    home = make_home(tmp_path)
    after(home, csv_bytes([form("P001"), form("P001", thriving="1"), form("P001", thriving="2")]))
    report = home.health / "S01" / "2025H" / "report.nb.html"
    assert "Svarene til én elev fra skolen venter på avklaring" in report.read_text("utf-8")
