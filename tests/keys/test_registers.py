"""A register that knows pupils over the years does not link them over a new key."""

import pytest

from flows.keys.change import new_key, retire_key
from tests.class_lists.packages import (
    AUGUST,
    SESSIONS,
    a_class,
    csv_list,
    goes,
    package,
    register_home,
    user,
)
from tests.keys.two_years import AFTER, NEXT, SUMMER, add_wave, answers
from tests.support.home import AUTUMN, csv_bytes, drop, outcomes, run
from tests.support.state import warehouse_of
from warehouse.keys import KeyNeededError

YEARS = (*SESSIONS, "y2,,2026-27,schoolYear,2026-08-17,2027-06-18,2027")
OLD, NEW = a_class("c1", "7A"), a_class("c9", "8A", "8").replace("y1", "y2")
USERS = [user("P01"), user("P02")]
IN_OLD = (goes("e1", "P01", "c1"), goes("e2", "P02", "c1"))
IN_NEW = (goes("e8", "P01", "c9"), goes("e9", "P02", "c9"))


@pytest.fixture
def home(tmp_path):
    """A register told of 2025-26; then the pupils got a new key."""
    home = register_home(tmp_path / "home", pupil_code="sourcedId")
    deliver(home, "old.zip", package(classes=[OLD], enrollments=IN_OLD, users=USERS), AUGUST)
    new_key(home, "2026", now=SUMMER)
    add_wave(home)
    return home


def deliver(home, name, content, now=AFTER):
    drop(home, name, content)
    return outcomes(run(home, now=now))[name]


def both_years():
    return package(
        academicSessions=YEARS, classes=[OLD, NEW], enrollments=(*IN_OLD, *IN_NEW), users=USERS
    )


def enrolled(home):
    """For each school year in force the keys of persons and of pupils, and how many they are."""
    with warehouse_of(home) as con:
        return con.execute("""
            select school_year, split_part(person, '-', 1), split_part(pupil, '-', 1),
                count(distinct person)
            from core.enrolment where unlisted_by is null group by all order by all
        """).fetchall()


def test_person_of_the_register_is_another_one_under_the_new_key(home):
    outcome = deliver(home, "both.zip", both_years())
    assert (outcome.outcome, outcome.quarantined) == ("loaded", 0)
    assert enrolled(home) == [("2025-26", "k1", "k1", 2), ("2026-27", "k2", "k2", 2)]
    with warehouse_of(home) as con:
        [(both,)] = con.execute("""
            select count(*) from core.roster_user
            where split_part(person, '-', 1) <> split_part(pupil, '-', 1)
        """).fetchall()
        assert both == 0
        users = con.execute("select person from core.roster_user").fetchall()
        assert users == sorted(users)  # and not twice in the order of the register
        tables = ("core.roster_enrolment", "core.enrolment")
        for table, column in zip(tables, ("pupil", "person"), strict=True):
            [(years,)] = con.execute(
                f"select max(years) from (select count(distinct class_group) as years"  # noqa: S608
                f" from {table} group by {column})"
            ).fetchall()
            assert years == 1  # nobody is in the classes of two years


def test_listed_pupil_of_either_year_is_known_in_the_survey_of_that_year(home):
    deliver(home, "both.zip", both_years())
    drop(home, "a.csv", csv_bytes([*answers(AUTUMN, P01="5"), *answers(NEXT, P01="5")]))
    run(home, now=AFTER)
    with warehouse_of(home) as con:
        found = con.execute("""
            select r.wave_id, count(*) from core.response r join core.dim_wave using (wave_id)
                join core.enrolment e using (school_id, school_year, pupil)
            where unlisted_by is null group by all order by all
        """).fetchall()
    assert found == [(AUTUMN, 1), (NEXT, 1)]


def test_user_who_is_removed_leaves_the_classes_of_both_years(home):
    deliver(home, "both.zip", both_years())
    gone = user("P01", status="tobedeleted")
    outcome = deliver(home, "gone.zip", package("delta", users=[gone], enrollments=[]))
    assert outcome.delivered == 1  # one user, however many keys there are
    assert [row[-1] for row in enrolled(home)] == [1, 1]


def test_class_list_of_codes_is_turned_with_the_key_of_its_school_year(tmp_path):
    home = register_home(tmp_path / "lists")
    deliver(home, "old.csv", csv_list(("S01", "7A", "P01"), ("S01", "7A", "P02")), AUGUST)
    new_key(home, "2026", now=SUMMER)
    add_wave(home)
    deliver(home, "new.csv", csv_list(("S01", "8A", "P01"), year="2026-27"))
    assert enrolled(home) == [("2025-26", "k1", "k1", 2), ("2026-27", "k2", "k2", 1)]


def test_key_is_needed_while_the_register_lists_pupils_of_its_years(home):
    text = home.settings_file.read_text(encoding="utf-8")
    waves = text.split("[[wave]]")
    home.settings_file.write_text(
        "[[wave]]".join(one for one in waves if '"2025-26"' not in one), encoding="utf-8"
    )
    new = package(academicSessions=YEARS, classes=[NEW], enrollments=IN_NEW, users=USERS)
    deliver(home, "new.zip", new)
    with pytest.raises(KeyNeededError, match=r"core\.enrolment"):
        retire_key(home, 1, lost_copies=False, now=AFTER)
