"""From a warehouse to an answer: who is in which arm, and what is said of it."""

from datetime import date

import polars as pl
import pytest

from schemas.instrument import shipped_instruments
from tests.did_it_help.town import AS_OF, FIRST, SECOND, town
from transforms.did_it_help.arms import Between, with_arms, with_class_arms
from warehouse.did_it_help.answer import outcome_of
from warehouse.did_it_help.read import pairs

OPENS, NEXT = date(2026, 2, 1), date(2026, 9, 1)

# fmt: off
WHO = [
    # pupil | flags (level, situation)              | group formed      | arm
    ("a",     [("flag", "unsafe")],                   date(2026, 3, 2),   "followed"),
    ("b",     [("prompt", "unsafe")],                 date(2026, 8, 31),  "followed"),
    ("c",     [("flag", "unsafe")],                   date(2026, 9, 1),   "waiting"),  # later
    ("d",     [("flag", "unsafe")],                   None,               "waiting"),
    ("e",     [("flag", "bullying")],                 None,               None),  # another signal
    ("f",     [("watch", "unsafe")],                  None,               None),  # no clock
    ("g",     [("flag", "unsafe")],                   date(2026, 1, 10),  None),  # had one before
    ("h",     [],                                     date(2026, 3, 2),   None),  # without a flag
    ("i",     [],                                     None,               "others"),
    ("j",     [("flag", "bullying"), ("flag", "unsafe")], None,           "waiting"),
]
# fmt: on


def as_tables():
    place = {"school_id": "A", "class_group": "5A", "grade": 5}
    given = [{**place, "pupil": who, "before": 40.0, "after": 50.0} for who, *_ in WHO]
    flags = [
        {
            "school_id": "A",
            "pupil": who,
            "level": level,
            "situation": situation,
            "rule_id": situation,
        }
        for who, flags, *_ in WHO
        for level, situation in flags
    ]
    groups = [
        {"school_id": "A", "class_group": "5A", "pupil": who, "formed_on": day}
        for who, _, day, _ in WHO
        if day
    ]
    return pl.DataFrame(given), pl.DataFrame(flags), pl.DataFrame(groups)


@pytest.mark.parametrize(("pupil", "arm"), [(who, arm) for who, _, _, arm in WHO])
def test_who_is_in_which_arm(pupil, arm):
    found = with_arms(*as_tables(), Between(OPENS, NEXT))
    assert found.filter(pl.col("pupil") == pupil)["arm"].to_list() == [arm]


def test_signals_say_how_much_the_survey_said_of_a_pupil():
    found = with_arms(*as_tables(), Between(OPENS, NEXT))
    signals = dict(found.select("pupil", "signals").iter_rows())
    assert [signals[who] for who in "aijb"] == [1, 0, 2, 11]


def test_class_mates_are_never_a_pupil_with_a_group():
    given, _, groups = as_tables()
    other = given.with_columns(class_group=pl.lit("5B"), pupil="x" + pl.col("pupil"))
    found = with_class_arms(pl.concat([given, other]), groups, Between(date(2026, 1, 1), NEXT))
    arms = dict(found.group_by("class_group").agg(pl.col("arm").unique()).iter_rows())
    assert arms == {"5A": ["followed"], "5B": ["waiting"]}
    assert not set(found["pupil"]) & set(groups["pupil"])


def test_class_that_had_a_group_before_is_left_out():
    given, _, groups = as_tables()
    found = with_class_arms(given, groups, Between(OPENS, NEXT))  # of g, in January
    assert found.is_empty()


def answer(con, waves=(FIRST,)):
    return outcome_of(
        con, waves, instruments=shipped_instruments(), today=AS_OF, timezone="Europe/Oslo"
    )


def test_groups_that_help_much_are_told_and_what_came_by_itself_beside():
    [primary, inclusion, climate] = answer(town(lift=25.0)).changes
    assert (primary.outcome, primary.scale, primary.next_wave) == (
        "primary",
        "who5_v1.wellbeing",
        SECOND,
    )
    assert primary.verdict.word == "helped"
    assert primary.verdict.difference.low > 0
    assert primary.by_itself.expected > primary.by_itself.before, "low scores rise by themselves"
    assert primary.by_itself.low > 0
    assert primary.reliable.improved > primary.reliable.expected_improved
    assert {inclusion.verdict.word, climate.verdict.word} == {"cannot_tell"}  # all answered alike


def test_groups_that_do_nothing_are_not_told_to_help():
    found = answer(town(lift=0.0))
    assert found.changes[0].verdict.word == "cannot_tell"
    assert found.changes[0].verdict.reason == "within"


# fmt: off
NOT_TOLD = [
    # what is so                                | why nothing can be told
    ({"again": False},                            "no_next_wave"),
    ({"share": 0.0},                              "nobody_followed"),
    ({"share": 1.1},                              "no_comparison"),
    ({"groups_at": "A", "share": 0.2, "size": 6}, "too_few"),
]
# fmt: on


@pytest.mark.parametrize(("how", "why"), NOT_TOLD)
def test_why_nothing_can_be_told(how, why):
    verdict = answer(town(**how)).changes[0].verdict
    assert (verdict.word, verdict.reason, verdict.difference) == ("cannot_tell", why, None)


def test_another_instrument_in_the_next_wave_is_no_comparison():
    con = town()
    con.execute("delete from core.score_who5_v1 where wave_id = ?", [SECOND]).fetchall()
    assert answer(con).changes[0].verdict.reason == "another_instrument"
    con.execute("delete from core.score_who5_v1").fetchall()
    assert answer(con).changes[0].verdict.reason == "not_asked"


def test_pupil_of_an_older_key_is_linked_where_that_was_decided():
    con = town()
    before = pairs(con, "who5_v1.wellbeing", FIRST, SECOND)
    newer = "update core.response set pupil = 'k2-' || pupil where wave_id = ?"
    con.execute(newer, [SECOND]).fetchall()
    assert pairs(con, "who5_v1.wellbeing", FIRST, SECOND).is_empty()
    con.execute(
        "insert into core.same_pupil select distinct pupil, 'k2-' || pupil from core.response"
        " where wave_id = ?",
        [FIRST],
    ).fetchall()
    assert pairs(con, "who5_v1.wellbeing", FIRST, SECOND).equals(before)


def test_programme_of_a_whole_town():
    found = answer(town())
    told = found.figures.filter(pl.col("school_id").is_null(), pl.col("category").is_null())
    value = dict(told.select("measure", "value").iter_rows())
    assert value["offered"] == value["group_formed"] == value["met_in_time"] == 1
    assert 0.6 < value["accepted"] < 1
    assert value["check_held"] == 1
    assert value["days_to_first_meeting"] == 2
    assert 0.2 < value["reviewed_in_time"] < 0.8, "of those who waited nobody looked"


def test_cases_about_adults_are_not_counted_with_the_others():
    con = town()
    before = answer(con)
    con.execute("update core.flag set route = 'adult_route' where school_id = 'A'").fetchall()
    con.execute(
        "update core.support_case set route = 'adult_route' where school_id = 'A'"
    ).fetchall()
    after = answer(con)
    assert "A" not in after.figures["school_id"].to_list()
    assert after.changes[0].verdict.pupils < before.changes[0].verdict.pupils
