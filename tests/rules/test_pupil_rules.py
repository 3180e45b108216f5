"""Pupil rules: a few answers in, flags out. The tables are meant to be read."""

from datetime import date, timedelta
from itertools import permutations

import pytest

from schemas.instrument import DONT_KNOW, SKIPPED
from schemas.rule import PupilRule, shipped_rules
from tests.rules.build import (
    AUTUMN,
    CORE,
    HAPPY,
    INSTRUMENTS,
    PUPIL_RULES,
    SPRING,
    WHO5,
    WINTER,
    open_town,
    rule_of,
)
from transforms.flag_inputs import conditions, form_sql, history_sql, inputs_of

NEW = date(2026, 10, 1)
BLANK = dict.fromkeys(HAPPY, None)


def wellbeing(score):
    """Five answers with this WHO-5 score."""
    answers = {f"who5_{number}": 0 for number in range(1, 6)}
    for step in range(score // 4):
        answers[f"who5_{step % 5 + 1}"] += 1
    return answers


LOW = wellbeing(48)

# What the form says, where it differs from a happy one -> the flags that the pupil gets.
FORMS = [
    ("happy", {}, {}),
    # S12: asks for a talk.
    ("wants to talk to an adult", {"wants_talk": 1}, {"wants_talk": "prompt"}),
    ("wants to talk to the nurse", {"wants_talk": 2}, {"wants_talk": "prompt"}),
    # S1: bullied by pupils or digitally; 2-3 times a month flags, weekly prompts.
    ("bullied once in a while", {"bullied_by_pupils": 2}, {}),
    ("bullied 2-3 a month", {"bullied_by_pupils": 3}, {"bullied_by_pupils": "flag"}),
    ("bullied weekly", {"bullied_by_pupils": 4}, {"bullied_by_pupils": "prompt"}),
    ("bullied several a week", {"bullied_by_pupils": 5}, {"bullied_by_pupils": "prompt"}),
    ("digitally once in a while", {"bullied_digitally": 2}, {}),
    ("digitally 2-3 a month", {"bullied_digitally": 3}, {"bullied_by_pupils": "flag"}),
    ("digitally weekly", {"bullied_digitally": 4}, {"bullied_by_pupils": "prompt"}),
    (
        "2-3 a month and digitally weekly",
        {"bullied_by_pupils": 3, "bullied_digitally": 4},
        {"bullied_by_pupils": "prompt"},
    ),
    # S2: bullied by adults has a rule and a route of its own.
    ("by adults once in a while", {"bullied_by_adults": 2}, {}),
    ("by adults 2-3 a month", {"bullied_by_adults": 3}, {"bullied_by_adults": "prompt"}),
    ("by adults weekly", {"bullied_by_adults": 5}, {"bullied_by_adults": "prompt"}),
    # S3: feels unsafe, two lowest of five.
    ("never safe", {"safety": 1}, {"unsafe": "flag"}),
    ("rarely safe", {"safety": 2}, {"unsafe": "flag"}),
    ("sometimes safe", {"safety": 3}, {}),
    (
        "sometimes safe and bullied",
        {"safety": 3, "bullied_digitally": 3},
        {"safety_less": "watch", "bullied_by_pupils": "flag"},
    ),
    (
        "sometimes safe and low",
        {"safety": 3, **LOW},
        {"safety_less": "watch"},
    ),
    # S4: nobody in breaks, two lowest of five.
    ("never company", {"company_in_breaks": 1}, {"nobody_in_breaks": "flag"}),
    ("rarely company", {"company_in_breaks": 2}, {"nobody_in_breaks": "flag"}),
    # S5: someone in breaks sometimes; with a middle answer on thriving or low wellbeing a flag.
    ("sometimes company", {"company_in_breaks": 3}, {"sometimes_alone": "watch"}),
    ("often company", {"company_in_breaks": 4}, {}),
    (
        "sometimes company, thrives a little",
        {"company_in_breaks": 3, "thriving": 3},
        {"sometimes_alone": "flag", "thriving_less": "watch"},
    ),
    (
        "sometimes company, low",
        {"company_in_breaks": 3, **LOW},
        {"sometimes_alone": "flag", "low_wellbeing": "flag"},
    ),
    # S7: a middle answer about thriving, with another signal.
    (
        "thrives a little and unsafe",
        {"thriving": 3, "safety": 2},
        {"thriving_less": "watch", "unsafe": "flag"},
    ),
    (
        "thrives a little and low",
        {"thriving": 3, **LOW},
        {"thriving_less": "watch"},
    ),
    # S8: WHO-5 at 50 or below; its sum goes in steps of four.
    ("wellbeing 52", wellbeing(52), {}),
    ("wellbeing 48", wellbeing(48), {}),
    ("wellbeing 32", wellbeing(32), {}),
    ("wellbeing 28", wellbeing(28), {"low_wellbeing": "prompt"}),
    (
        "wellbeing 48 and unsafe",
        {"safety": 2, **wellbeing(48)},
        {"low_wellbeing": "flag", "unsafe": "flag"},
    ),
    ("one answer of the scale missing", {**wellbeing(48), "who5_5": None}, {}),
    # S6: thriving, two lowest of five.
    ("does not thrive at all", {"thriving": 1}, {"not_thriving": "flag"}),
    ("does not thrive much", {"thriving": 2}, {"not_thriving": "flag"}),
    ("thrives a little", {"thriving": 3}, {}),
    # A witness is no pupil flag (domain notes 8.2, C8).
    ("sees bullying weekly", {"witnessed_bullying": 5}, {}),
    # Several rules, no total: each flag stands for itself.
    (
        "unsafe, alone and bullied",
        {"safety": 1, "company_in_breaks": 1, "bullied_by_pupils": 5},
        {"unsafe": "flag", "nobody_in_breaks": "flag", "bullied_by_pupils": "prompt"},
    ),
    # A missing answer never flags, and never hides what was answered.
    ("nothing answered", BLANK, {}),
    ("everything skipped", dict.fromkeys(HAPPY, SKIPPED), {}),
    ("does not know", dict.fromkeys(HAPPY, DONT_KNOW), {}),
    ("only safety answered", BLANK | {"safety": 2}, {"unsafe": "flag"}),
    (
        "one kind of bullying skipped",
        {"bullied_by_pupils": SKIPPED, "bullied_digitally": 3},
        {"bullied_by_pupils": "flag"},
    ),
    # S13: a new pupil is listed, and flagged with a signal of exclusion, unsafety or not thriving.
    ("new", {"enrolled_on": NEW}, {"new_pupil": "watch"}),
    (
        "new on the first day of ten weeks",
        {"enrolled_on": date(2026, 8, 31)},
        {"new_pupil": "watch"},
    ),
    ("new a day longer", {"enrolled_on": date(2026, 8, 30)}, {}),
    ("new after the survey opened", {"enrolled_on": date(2026, 11, 12)}, {"new_pupil": "watch"}),
    (
        "new and alone",
        {"enrolled_on": NEW, "company_in_breaks": 2},
        {"new_pupil": "flag", "nobody_in_breaks": "flag"},
    ),
    (
        "new and unsafe",
        {"enrolled_on": NEW, "safety": 2},
        {"new_pupil": "flag", "unsafe": "flag"},
    ),
    (
        "new and not thriving",
        {"enrolled_on": NEW, "thriving": 2},
        {"new_pupil": "flag", "not_thriving": "flag"},
    ),
    ("new, the rest skipped", BLANK | {"enrolled_on": NEW}, {"new_pupil": "watch"}),
    (
        "new and bullied",
        {"enrolled_on": NEW, "bullied_by_pupils": 3},
        {"new_pupil": "watch", "bullied_by_pupils": "flag"},
    ),
]


@pytest.fixture(scope="module")
def flags_of_forms():
    """The flags of every form of the table, all answered in one wave."""
    with open_town() as town:
        for what, answers, _ in FORMS:
            context = {name: answers[name] for name in ("enrolled_on",) if name in answers}
            town.add_form(what, {k: v for k, v in answers.items() if k not in context}, **context)
        yield town.flags()


@pytest.mark.parametrize(
    ("what", "flags"), [(what, flags) for what, _, flags in FORMS], ids=[form[0] for form in FORMS]
)
def test_what_a_form_is_flagged_as(flags_of_forms, what, flags):
    assert flags_of_forms.get(what, {}) == flags


# What was answered in spring, what now -> the flags that the pupil has now.
TWO_WAVES = [
    ("thriving fell by two", {"thriving": 5}, {"thriving": 3}, {"thriving_less": "watch"}),
    ("thriving fell by one", {"thriving": 4}, {"thriving": 3}, {}),
    ("thriving fell to low", {"thriving": 5}, {"thriving": 2}, {"not_thriving": "flag"}),
    ("thriving fell and is well", {"thriving": 5}, {"thriving": 4}, {}),
    ("thriving was skipped", {"thriving": SKIPPED}, {"thriving": 3}, {}),
    ("safety fell by two", {"safety": 5}, {"safety": 3}, {"safety_less": "watch"}),
    ("safety rose", {"safety": 1}, {"safety": 3}, {}),
    ("low twice", wellbeing(48), wellbeing(48), {"low_wellbeing": "watch"}),
    ("low now", wellbeing(52), wellbeing(48), {}),
    ("low then", wellbeing(48), wellbeing(52), {}),
    ("no scale then", {}, wellbeing(48), {}),
    ("fell by 24, ends well", wellbeing(76), wellbeing(52), {"wellbeing_fell": "watch"}),
    ("fell by 20", wellbeing(72), wellbeing(52), {}),
    (
        "fell by 24, ends low",
        wellbeing(72),
        wellbeing(48),
        {"wellbeing_fell": "flag"},
    ),
]


@pytest.fixture(scope="module")
def flags_after_two_waves():
    with open_town() as town:
        for what, before, now, _ in TWO_WAVES:
            town.add_form(what, before, wave=SPRING)
            town.add_form(what, now)
        yield town.flags()


@pytest.mark.parametrize(
    ("what", "flags"), [(case[0], case[3]) for case in TWO_WAVES], ids=[c[0] for c in TWO_WAVES]
)
def test_what_two_waves_are_flagged_as(flags_after_two_waves, what, flags):
    assert flags_after_two_waves.get(what, {}) == flags


def test_low_twice_is_evidence_of_both_waves(town):
    town.add_form("twice", wellbeing(48), wave=SPRING)
    town.add_form("twice", wellbeing(48))
    town.add_form("risen", wellbeing(52), wave=SPRING)
    town.add_form("risen", wellbeing(48))

    assert town.flags() == {"twice": {"low_wellbeing": "watch"}}
    assert town.step("low_wellbeing", "twice") == 3


def test_the_latest_answer_of_the_pupil_is_the_last_time(town):
    town.add_form("x", wellbeing(80), wave=SPRING)
    town.add_form("x", wellbeing(60), wave=AUTUMN)
    town.add_form("x", wellbeing(52), wave=WINTER)

    assert town.flags(wave=WINTER) == {}


@pytest.mark.parametrize(
    ("pupil", "answers", "school"),
    [
        (None, {}, "S01"),
        ("other", {}, "S01"),
        ("x", {}, "S02"),
        ("x", BLANK, "S01"),
        ("x", dict.fromkeys(HAPPY, SKIPPED), "S01"),
        ("x", {**wellbeing(80), "who5_2": None}, "S01"),
    ],
    ids=["no code", "another pupil", "another school", "blank", "skipped", "too few answers"],
)
def test_a_form_between_without_an_answer_takes_nothing_away(town, pupil, answers, school):
    town.add_form("x", wellbeing(80), wave=SPRING)
    town.add_form(pupil, answers, wave=AUTUMN, school=school)
    town.add_form("x", wellbeing(52), wave=WINTER)

    assert town.flags(wave=WINTER) == {"x": {"wellbeing_fell": "watch"}}


def test_each_question_has_a_last_time_of_its_own(town):
    town.add_form("x", {"thriving": 5, "safety": 5, **wellbeing(80)}, wave=SPRING)
    town.add_form("x", BLANK | {"safety": 5, "thriving": 4}, wave=AUTUMN)
    town.add_form("x", {"thriving": 3, "safety": 3, **wellbeing(52)}, wave=WINTER)

    flags = town.flags(wave=WINTER)["x"]
    assert flags["wellbeing_fell"] == "watch"
    inputs = inputs_of(PUPIL_RULES, INSTRUMENTS)
    waves = [
        inputs.wave_before(f"{key}.{name}")
        for key, name in ((CORE, "thriving"), (CORE, "safety"), (WHO5, "wellbeing"))
    ]
    found = town.con.table("hit").select(*waves).fetchall()
    assert found == [(AUTUMN, AUTUMN, SPRING)]


@pytest.mark.parametrize(("days", "flags"), [(366, {"x": {"wellbeing_fell": "watch"}}), (367, {})])
def test_an_answer_of_more_than_a_year_ago_is_no_last_time(town, days, flags):
    town.con.execute(
        "update core.dim_wave set opens = $day where wave_id = $wave",
        {"wave": SPRING, "day": date(2026, 11, 9) - timedelta(days)},
    ).fetchall()
    town.add_form("x", wellbeing(80), wave=SPRING)
    town.add_form("x", wellbeing(52))

    assert town.flags() == flags


def test_a_code_is_not_followed_to_another_school(town):
    town.add_form("x", wellbeing(80), wave=SPRING, school="S02")
    town.add_form("x", wellbeing(52))

    assert town.flags() == {}


@pytest.mark.parametrize("order", list(permutations("abc")), ids="".join)
def test_of_several_surveys_of_the_last_time_the_last_by_name_with_an_answer_counts(town, order):
    said = {"a": wellbeing(80), "b": wellbeing(60), "c": {}}
    for survey in order:
        town.add_form("x", said[survey], wave=SPRING, survey=survey)
    town.add_form("x", wellbeing(52))

    assert town.flags() == {}


def test_forms_without_a_code_have_no_past(town):
    town.add_form(None, wellbeing(80), wave=SPRING)
    town.add_form("x", wellbeing(52))

    assert town.flags() == {}


def test_nothing_is_looked_back_at_where_no_rule_asks():
    plain = [rule for rule in PUPIL_RULES if not any(c.looks_back for c in conditions(rule))]
    inputs = inputs_of(plain, INSTRUMENTS)

    assert inputs.earlier == ()
    assert not any("table before as" in statement for statement in history_sql(inputs, INSTRUMENTS))
    assert "join before" not in form_sql(inputs, INSTRUMENTS)


def test_no_survey_says_that_a_situation_is_vulnerable_and_a_wish_to_talk_says_none():
    """Domain notes S14 and S12."""
    situations = {rule.id: rule.situation for rule in shipped_rules()}

    assert "vulnerable_situation" not in situations.values()
    assert [rule for rule, of in situations.items() if of == "any"] == ["rule.wants_talk"]
    assert {c.input for c in conditions(rule_of("wants_talk"))} == {f"{CORE}.wants_talk"}


# What class mates chose needs a whole class (tests/nominations), some rules another instrument, and
# some a whole grade (test_local_limits.py); the examples beside the rules have all.
ELSEWHERE = {
    "rule.unchosen",
    "rule.outside",
    "rule.low_belonging",
    "rule.low_childrens_wellbeing",
    "rule.childrens_wellbeing_fell",
    "rule.short_wellbeing_fell",
}


def test_each_rule_and_each_of_its_levels_is_in_the_table():
    tables = [*(form[-1] for form in FORMS), *(case[-1] for case in TWO_WAVES)]
    told = {(rule, level) for flags in tables for rule, level in flags.items()}

    assert told == {
        (rule.id.removeprefix("rule."), step.level)
        for rule in PUPIL_RULES
        for step in rule.steps
        if rule.id not in ELSEWHERE
    }


def test_a_form_that_is_not_linked_never_flags_a_pupil(town):
    town.add_form(None, dict.fromkeys(HAPPY, 1), enrolled_on=NEW)

    assert town.flags() == {}


def test_a_form_of_another_wave_flags_nobody_now(town):
    town.add_form("before", {"safety": 1}, wave=SPRING)
    town.add_form("after", {"safety": 1}, wave=WINTER)

    assert town.flags(wave=AUTUMN) == {}
    assert town.flags(wave=WINTER) == {"after": {"unsafe": "flag"}}


def test_a_rule_may_look_at_a_score_and_a_form_without_one_is_not_low(town):
    low = PupilRule.model_validate(
        rule_of("unsafe").model_dump()
        | {
            "id": "rule.low",
            "steps": [
                {
                    "level": "watch",
                    "any_of": [{"input": f"{WHO5}.wellbeing", "op": "at_most", "threshold": 50}],
                }
            ],
        }
    )
    items = [item.id for item in INSTRUMENTS[WHO5].items]
    for pupil, codes in (("48", (3, 3, 3, 2, 1)), ("52", (3, 3, 3, 3, 1)), ("none", (0, 0, 0, 0))):
        town.add_form(pupil, dict(zip(items, codes, strict=False)))

    assert town.flags([low]) == {"48": {"low": "watch"}}
