"""A pupil who answered two surveys of one wave is read as one pupil, and flagged once."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest

from schemas.instrument import SKIPPED
from schemas.rule import shipped_rules
from schemas.settings import Routing
from tests.rules.build import AUTUMN, CORE, HAPPY, INSTRUMENTS, SETTINGS, WHO5, open_town
from tests.rules.test_pupil_rules import wellbeing
from warehouse.flag import score_and_flag
from warehouse.instruments import answer_table

NOW = datetime(2026, 11, 30, tzinfo=UTC)
BELONGING = "pisa_belonging_v1"
ROUTED = SETTINGS.model_copy(
    update={
        "routing": Routing(
            decided_by="tests",
            decided_on=date(2026, 1, 1),
            pupil_flags_to="health_service",
            bullied_by_adults_to="health_service_lead",
        )
    }
)
LONG_AGO = date(2020, 8, 17)


@pytest.fixture
def town():
    with open_town() as opened:
        yield opened


def add(town, survey, pupil, *, school="S01", name="7A", on=None, enrolled_on=LONG_AGO, **answers):
    """One form of one survey; each other keyword is an instrument and its answers."""
    town.forms += 1
    town.insert(
        "core.response",
        response_id=town.forms, delivery_no=1, row_no=town.forms, survey_id=survey,
        wave_id=AUTUMN, school_id=school, class_group=name, grade=7, pupil=pupil,
        enrolled_on=enrolled_on, submitted_on=on,
    )  # fmt: skip
    for key, given in answers.items():
        town.insert(answer_table(key), response_id=town.forms, **given)


def flagged(town, rules=None, *, now=NOW):
    """{(pupil, rule): [(survey, level), ...]} of every pupil flag that stands."""
    score_and_flag(
        town.con,
        AUTUMN,
        instruments=INSTRUMENTS,
        rules=rules or [rule for rule in shipped_rules() if rule.target == "pupil"],
        settings=ROUTED,
        now=now,
    )
    found = {}
    rows = town.con.execute("""
        select pupil, rule_id, survey_id, level from core.flag where status = 'open' order by all
    """).fetchall()
    for pupil, rule, survey, level in rows:
        found.setdefault((pupil, rule.removeprefix("rule.")), []).append((survey, level))
    return found


def compute_again(town):
    """These forms are of no delivery, so nothing says that they are new."""
    town.con.execute("delete from core.stage").fetchall()


def evidence(town, pupil, rule):
    return sorted(
        town.con.execute(
            """
            select item_or_scale, observed, e.survey_id
            from core.flag_evidence e join core.flag f using (flag_id)
            where pupil = $pupil and rule_id = $rule order by all
            """,
            {"pupil": pupil, "rule": f"rule.{rule}"},
        ).fetchall(),
        key=str,
    )


def core(**changes):
    return HAPPY | changes


def test_a_signal_in_each_of_two_surveys_is_a_flag_in_both_ways(town):
    add(town, "core", "a", **{CORE: core(company_in_breaks=3)})
    add(town, "pulse", "a", **{WHO5: wellbeing(48)})

    assert flagged(town) == {
        ("a", "sometimes_alone"): [("core", "flag")],
        ("a", "low_wellbeing"): [("pulse", "flag")],
    }
    assert evidence(town, "a", "sometimes_alone") == [
        (f"{CORE}.company_in_breaks", 3, None),
        (f"{WHO5}.wellbeing", 48, "pulse"),
    ]
    assert evidence(town, "a", "low_wellbeing") == [
        (f"{CORE}.company_in_breaks", 3, "core"),
        (f"{WHO5}.wellbeing", 48, None),
    ]


def test_two_pupils_with_one_signal_each_are_not_read_together(town):
    add(town, "core", "a", **{CORE: core(company_in_breaks=3)})
    add(town, "pulse", "b", **{WHO5: wellbeing(48)})
    add(town, "pulse", "a", school="S02", **{WHO5: wellbeing(48)})
    add(town, "core", "a", school="S02", **{CORE: core()})

    assert flagged(town) == {("a", "sometimes_alone"): [("core", "watch")]}


def test_a_form_without_a_code_is_read_with_no_other(town):
    add(town, "core", None, **{CORE: core(company_in_breaks=3)})
    add(town, "pulse", None, **{WHO5: wellbeing(48)})
    add(town, "other", "a", **{WHO5: wellbeing(60)})

    assert flagged(town) == {}


def test_an_answer_flags_in_the_survey_that_asked_it_and_in_no_other(town):
    add(town, "core", "a", **{CORE: core(safety=1, bullied_by_pupils=3)})
    add(town, "pulse", "a", **{WHO5: wellbeing(80)})
    add(town, "talk", "a", **{BELONGING: {"lonely": 1}})

    assert flagged(town) == {
        ("a", "unsafe"): [("core", "flag")],
        ("a", "bullied_by_pupils"): [("core", "flag")],
    }


def test_where_both_surveys_asked_neither_answer_takes_the_place_of_the_other(town):
    add(town, "one", "a", **{CORE: core(safety=2)})
    add(town, "two", "a", **{CORE: core(safety=5, bullied_digitally=4)})

    assert flagged(town) == {
        ("a", "unsafe"): [("one", "flag")],
        ("a", "bullied_by_pupils"): [("two", "prompt")],
    }
    assert evidence(town, "a", "unsafe") == [(f"{CORE}.safety", 2, None)]


def test_what_was_skipped_in_one_survey_may_be_answered_in_the_other(town):
    add(town, "one", "a", **{CORE: core(company_in_breaks=3, thriving=SKIPPED)})
    add(town, "two", "a", **{CORE: {"thriving": 3}})

    assert flagged(town)["a", "sometimes_alone"] == [("one", "flag")]


def test_what_speaks_against_a_rule_is_seen_in_the_other_survey(town):
    add(town, "one", "a", **{CORE: {"thriving": 3, "company_in_breaks": 3}})
    add(town, "two", "a", **{CORE: {"safety": 2}})

    found = flagged(town)
    assert found["a", "thriving_less"] == [("one", "watch")]
    assert ("a", "safety_less") not in found


NEW = date(2026, 10, 1)


def test_a_new_pupil_is_flagged_once_and_where_the_answer_was_given(town):
    add(town, "core", "a", enrolled_on=NEW, **{CORE: core()})
    add(town, "pulse", "a", enrolled_on=NEW, **{WHO5: wellbeing(48)})
    add(town, "talk", "a", enrolled_on=NEW, **{BELONGING: {"lonely": 1}})

    assert flagged(town)["a", "new_pupil"] == [("pulse", "flag")]
    assert evidence(town, "a", "new_pupil") == [
        ("register.new_pupil", 1, None), (f"{WHO5}.wellbeing", 48, None)
    ]  # fmt: skip


def test_of_two_surveys_with_such_an_answer_the_first_by_name_has_the_flag_with_all_evidence(town):
    add(town, "pulse", "a", enrolled_on=NEW, **{WHO5: wellbeing(48)})
    add(town, "core", "a", enrolled_on=NEW, **{CORE: core(safety=2)})

    assert flagged(town)["a", "new_pupil"] == [("core", "flag")]
    assert evidence(town, "a", "new_pupil") == [
        (f"{CORE}.safety", 2, None),
        ("register.new_pupil", 1, None),
        (f"{WHO5}.wellbeing", 48, "pulse"),
    ]


def test_a_plain_welcome_stands_once_in_the_first_survey_by_name(town):
    for survey in ("b", "a", "c"):
        add(town, survey, "x", enrolled_on=NEW, **{CORE: core()})
        add(town, survey, "y", enrolled_on=NEW, **{CORE: core()})

    assert flagged(town) == {(who, "new_pupil"): [("a", "watch")] for who in "xy"}


def test_a_day_of_enrolment_in_one_form_holds_for_the_other(town):
    add(town, "core", "a", enrolled_on=NEW, **{CORE: core()})
    add(town, "pulse", "a", enrolled_on=None, **{WHO5: wellbeing(48)})
    add(town, "core", "b", enrolled_on=LONG_AGO, **{CORE: core()})
    add(town, "pulse", "b", enrolled_on=NEW, **{WHO5: wellbeing(80)})

    found = flagged(town)
    assert found["a", "new_pupil"] == [("pulse", "flag")]
    assert found["b", "new_pupil"] == [("pulse", "watch")]


def test_the_flag_of_a_new_pupil_keeps_its_clock_when_an_earlier_survey_by_name_comes(town):
    add(town, "pulse", "a", enrolled_on=NEW, **{WHO5: wellbeing(48)})
    assert flagged(town)["a", "new_pupil"] == [("pulse", "flag")]
    before = clock(town)
    add(town, "core", "a", enrolled_on=NEW, **{CORE: core(safety=2)})
    compute_again(town)

    assert flagged(town, now=NOW + timedelta(days=3))["a", "new_pupil"] == [("core", "flag")]
    assert clock(town) == before


def clock(town):
    return town.con.execute("""
        select flag_id, raised_at, review_due from core.flag where rule_id = 'rule.new_pupil'
    """).fetchall()


def test_a_class_gets_its_new_pupils_once(town):
    for survey in ("a", "b", "c"):
        for number in range(12):
            new = number < (3 if survey == "b" else 2)
            add(town, survey, f"p{number}", enrolled_on=NEW if new else LONG_AGO, **{CORE: core()})

    assert flagged(town, list(shipped_rules()))[None, "class_new_pupils"] == [("c", "watch")]
    assert town.con.execute("""
        select observed from core.flag_evidence where item_or_scale = 'rule.class_new_pupils'
    """).fetchall() == [(3,)]


def place(town, pupil, **of):
    """{rule: class} of a pupil's flags."""
    flagged(town, **of)
    return dict(town.con.execute(
        "select rule_id, class_group from core.flag where pupil = $pupil and status = 'open'",
        {"pupil": pupil},
    ).fetchall())  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(("core", "pulse"))), ids="-".join)
@pytest.mark.parametrize(
    ("core_on", "pulse_on", "is_in"),
    [
        (None, None, "7B"),
        (date(2026, 11, 11), date(2026, 11, 10), "7A"),
        (date(2026, 11, 10), date(2026, 11, 11), "7B"),
        (date(2026, 11, 10), None, "7A"),
    ],
)
def test_a_pupil_whose_surveys_name_two_classes_has_one(town, order, core_on, pulse_on, is_in):
    forms = {
        "core": {"name": "7A", "on": core_on, CORE: core(company_in_breaks=3)},
        "pulse": {"name": "7B", "on": pulse_on, WHO5: wellbeing(48)},
    }
    for survey in order:
        add(town, survey, "a", **forms[survey])

    assert place(town, "a") == {"rule.sometimes_alone": is_in, "rule.low_wellbeing": is_in}


def test_the_class_list_says_which_of_two_classes_it_is_and_a_new_list_is_heard(town):
    add(town, "core", "a", name="7A", **{CORE: core(safety=2)})
    add(town, "pulse", "a", name="7B", **{WHO5: wellbeing(80)})
    add(town, "core", "b", name="7B", **{CORE: core(safety=2)})
    assert place(town, "a") == {"rule.unsafe": "7B"}
    for listed_by, group in ((5, "7A"), (6, "7C")):
        town.con.execute("update core.enrolment set unlisted_by = $by", {"by": listed_by})
        for pupil in "ab":
            town.insert(
                "core.enrolment", person=pupil, pupil=pupil, school_id="S01",
                school_year="2026-27", class_group=group, grade=7, listed_by=listed_by,
            )  # fmt: skip
        town.insert(
            "core.class_list", delivery_no=listed_by, school_id="S01", school_year="2026-27",
            received_on=date(2026, 11, 10),
        )  # fmt: skip
        assert place(town, "a") == {"rule.unsafe": group}
        assert place(town, "b") == {"rule.unsafe": "7B"}, "one class, as its only form says"


def test_a_class_does_not_count_a_pupil_of_another_class(town):
    for number in range(12):
        add(town, "core", f"p{number}", **{CORE: core(safety=1 if number < 6 else 5)})
    add(town, "pulse", "p0", name="7B", **{WHO5: wellbeing(80)})
    flagged(town, list(shipped_rules()))
    counted = town.con.execute("""
        select class_group, answered, observed from core.class_indicator
        where rule_id = 'rule.class_unsafe' order by all
    """).fetchall()
    assert counted == [("7A", 11, 5), ("7B", 1, 1)]


def test_of_several_others_the_last_by_name_counts_in_whatever_order_they_came():
    forms = [
        ("core", {CORE: core(company_in_breaks=3)}),
        ("b", {WHO5: wellbeing(80)}),
        ("c", {WHO5: wellbeing(48)}),
    ]
    seen = []
    for order in permutations(forms):
        with open_town() as town:
            for survey, answers in order:
                add(town, survey, "a", **answers)
            seen.append((flagged(town), evidence(town, "a", "sometimes_alone")))
    assert all(one == seen[0] for one in seen)
    assert seen[0][0]["a", "sometimes_alone"] == [("core", "flag")]
    assert (f"{WHO5}.wellbeing", 48, "c") in seen[0][1]


def test_a_second_survey_keeps_the_flags_of_the_first_and_their_clock(town):
    add(town, "pulse", "a", **{WHO5: wellbeing(20)})
    flagged(town)
    [(before, due)] = town.con.execute("select flag_id, review_due from core.flag").fetchall()
    add(town, "core", "a", **{CORE: core(company_in_breaks=3)})
    compute_again(town)

    assert flagged(town)["a", "low_wellbeing"] == [("pulse", "prompt")]
    kept = town.con.execute(
        "select flag_id, review_due from core.flag where rule_id = 'rule.low_wellbeing'"
    ).fetchall()
    assert kept == [(before, due)]


def test_two_forms_of_a_pupil_are_two_forms_to_a_class(town):
    """What is read together for one pupil is not counted twice for the class."""
    for number in range(12):
        add(town, "core", f"p{number}", **{CORE: core(safety=1 if number < 6 else 5)})
        add(town, "pulse", f"p{number}", **{WHO5: wellbeing(80)})
    flagged(town, list(shipped_rules()))
    counted = town.con.execute("""
        select survey_id, answered, observed from core.class_indicator
        where rule_id = 'rule.class_unsafe' order by all
    """).fetchall()
    assert counted == [("core", 12, 6)]
