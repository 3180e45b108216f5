"""A pupil who asks is answered by the day counted from when the pupil was first heard."""

import re
from datetime import date, timedelta

import pytest

from flows.cli import main
from tests.road.test_held_requests import ASKS, asking_in, codes_in, report_of
from tests.support.home import NOW, csv_bytes, drop, form, make_home, run
from tests.support.state import warehouse_of

# NOW is Monday 20 April 2026: who is heard then is to be talked to by Tuesday.
FIRST_DUE = date(2026, 4, 21)
IN_A_WEEK = NOW + timedelta(days=7)


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path)


def deliver_on(home, day, name, *rows):
    drop(home, name, csv_bytes([*rows, form("P900")]))
    return run(home, now=day)


def clocks(home, rule="rule.wants_talk"):
    """Of every flag of the rule: when it was raised, by when it is to be looked at, and status."""
    with warehouse_of(home) as con:
        return con.execute(
            """
            select raised_at::date, review_due, status from core.flag
            where rule_id = $rule order by all
            """,
            {"rule": rule},
        ).fetchall()


def due_in(section):
    """How often the first deadline stands in a section, and how often that it is past."""
    return len(re.findall(r"21\.\sapr", section)), section.count('class="overdue"')


def test_a_flag_that_is_contradicted_keeps_its_deadline_while_it_waits(home):
    deliver_on(home, NOW, "a.csv", form("P001", **ASKS))
    deliver_on(home, IN_A_WEEK, "b.csv", form("P001", **ASKS, safety="2"))
    section = asking_in(report_of(home))
    assert codes_in(section) == ["P001"]
    assert due_in(section) == (1, 1)


def test_a_mended_form_is_due_from_the_day_on_which_it_was_held(home):
    deliver_on(home, NOW, "a.csv", form("P001", **ASKS, class_group="Kari"))
    assert codes_in(asking_in(report_of(home))) == ["P001"]
    deliver_on(home, IN_A_WEEK, "b.csv", form("P001", **ASKS))
    assert not asking_in(report_of(home))
    assert clocks(home) == [(IN_A_WEEK.date(), FIRST_DUE, "open")]


def test_what_was_mended_and_is_contradicted_then_is_due_from_the_first_day_as_well(home):
    deliver_on(home, NOW, "a.csv", form("P001", **ASKS, class_group="Kari"))
    deliver_on(home, IN_A_WEEK, "b.csv", form("P001", **ASKS))
    later = IN_A_WEEK + timedelta(days=1)
    deliver_on(home, later, "c.csv", form("P001", **ASKS, safety="2"))
    assert due_in(asking_in(report_of(home))) == (1, 1)
    deliver_on(home, later, "d.csv", form("P002", **ASKS))
    assert clocks(home) == [
        (IN_A_WEEK.date(), FIRST_DUE, "withdrawn"),
        (later.date(), date(2026, 4, 29), "open"),
    ]


def test_a_form_that_is_read_again_is_due_from_the_day_on_which_it_was_held(home):
    rows = [form("P001", **ASKS, class_group="Bjørnene"), form("P002", **ASKS)]
    deliver_on(home, NOW, "a.csv", *rows)
    with home.settings_file.open("a", encoding="utf-8") as settings:
        settings.write('\n[classes]\nnames = ["Bjørnene"]\n')
    deliver_on(home, IN_A_WEEK, "again.csv", *rows)
    assert not asking_in(report_of(home))
    assert clocks(home) == [
        (NOW.date(), FIRST_DUE, "open"),
        (IN_A_WEEK.date(), FIRST_DUE, "open"),
    ]


def test_who_asks_for_the_first_time_has_a_day_whoever_else_was_heard_before(home):
    deliver_on(home, NOW, "a.csv", form("P001", **ASKS, class_group="Kari"))
    deliver_on(home, IN_A_WEEK, "b.csv", form("P002", **ASKS), form("P001", bullied_digitally="4"))
    assert clocks(home) == [(IN_A_WEEK.date(), date(2026, 4, 28), "open")]
    bullied = clocks(home, "rule.bullied_by_pupils")
    assert bullied == [(IN_A_WEEK.date(), date(2026, 4, 28), "open")], "another rule's clock"


def test_a_form_that_is_not_to_be_used_starts_no_clock(home):
    deliver_on(home, NOW, "a.csv", form("P001", **ASKS, class_group="Kari"))
    with warehouse_of(home) as con:
        [(delivery_id,)] = con.execute("select delivery_id from core.delivery").fetchall()
    words = ["quarantine", "reject", delivery_id[:12], "--why", "test_rows"]
    assert main([*words, "--home", str(home.root)]) == 0
    deliver_on(home, IN_A_WEEK, "b.csv", form("P001", **ASKS))
    assert clocks(home) == [(IN_A_WEEK.date(), date(2026, 4, 28), "open")]


def test_a_code_in_two_schools_is_asked_after_in_both_and_contradicts_nobody(home):
    deliver_on(home, NOW, "a.csv", form("P001", **ASKS))
    deliver_on(home, IN_A_WEEK, "b.csv", form("P001", school="S02"))
    section = asking_in(report_of(home))
    assert codes_in(section) == ["P001"]
    assert "Samme kode står i to skoler." in section
    assert "spør i begge skolene" in section
    assert "Ulike skjemaer fra samme elev" not in section
    assert not codes_in(asking_in(report_of(home, "S02")))
    assert "ask in both" in asking_in(report_of(home, language="en"))


def test_two_forms_from_one_school_still_differ_where_the_code_stands_in_another_too(home):
    deliver_on(home, NOW, "a.csv", form("P001", **ASKS), form("P001", safety="2"))
    deliver_on(home, NOW, "b.csv", form("P001", school="S02"))
    section = asking_in(report_of(home))
    assert "Samme kode står i to skoler." in section
    assert "(to utgaver): eleven ber om hjelp i én av dem" in section
