"""Pupil rules: a few answers in, flags out. The tables are meant to be read."""

from datetime import date
from importlib.resources import files
from typing import get_args

import pytest

from schemas.declared import DeclarationError
from schemas.instrument import DONT_KNOW, SKIPPED
from schemas.rule import PupilRule, RuleFile, Situation, shipped_rules
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
)
from transforms.pupil_flags import NEW_PUPIL, conditions, inputs_of

NEW = date(2026, 10, 1)
BLANK = dict.fromkeys(HAPPY, None)

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
    # S4: nobody in breaks, two lowest of five.
    ("never company", {"company_in_breaks": 1}, {"nobody_in_breaks": "flag"}),
    ("rarely company", {"company_in_breaks": 2}, {"nobody_in_breaks": "flag"}),
    ("sometimes company", {"company_in_breaks": 3}, {}),
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


@pytest.fixture
def town():
    with open_town() as made:
        yield made


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


def test_each_rule_and_each_of_its_levels_is_in_the_table():
    told = {(rule, level) for *_, flags in FORMS for rule, level in flags.items()}

    assert told == {
        (rule.id.removeprefix("rule."), step.level) for rule in PUPIL_RULES for step in rule.steps
    }


def test_a_form_that_is_not_linked_never_flags_a_pupil(town):
    town.add_form(None, dict.fromkeys(HAPPY, 1), enrolled_on=NEW)

    assert town.flags() == {}


def test_a_form_of_another_wave_flags_nobody_now(town):
    town.add_form("before", {"safety": 1}, wave=SPRING)
    town.add_form("after", {"safety": 1}, wave=WINTER)

    assert town.flags(wave=AUTUMN) == {}
    assert town.flags(wave=WINTER) == {"after": {"unsafe": "flag"}}


def rule_of(name):
    return next(rule for rule in PUPIL_RULES if rule.id == f"rule.{name}")


def test_the_evidence_is_what_holds_at_the_level_of_the_flag(town):
    town.add_form("both", {"bullied_by_pupils": 3, "bullied_digitally": 4})
    town.add_form("one", {"bullied_by_pupils": 3})
    town.add_form("new", {"company_in_breaks": 2, "thriving": 3}, enrolled_on=NEW)

    assert town.evidence(rule_of("bullied_by_pupils"), "both") == {(0, "bullied_digitally"): 4}
    assert town.evidence(rule_of("bullied_by_pupils"), "one") == {(1, "bullied_by_pupils"): 3}
    assert town.evidence(rule_of("new_pupil"), "new") == {
        (0, "new_pupil"): 1,
        (0, "company_in_breaks"): 2,
    }


# Without a date of enrolment, a code that was not seen before is new only in a class whose whole
# list had answered an earlier wave of the same school year.
BEFORE = [
    # what                                   enrolled  answered before     new
    ("the whole class had answered", 2, ["a", "b"], True),
    ("more had answered than are on the list", 2, ["a", "b", "c"], True),
    ("somebody had not answered", 3, ["a", "b"], False),
    ("one form was sent twice", 3, ["a", "b", "b"], False),
    ("there is no class list", None, ["a", "b"], False),
    ("the pupil had answered", 2, ["a", "x"], False),
]


@pytest.mark.parametrize(
    ("enrolled", "before", "is_new"),
    [case[1:] for case in BEFORE],
    ids=[case[0] for case in BEFORE],
)
def test_when_a_code_that_was_not_seen_before_is_a_new_pupil(town, enrolled, before, is_new):
    if enrolled is not None:
        town.add_class(enrolled)
    for pupil in before:
        town.add_form(pupil, wave=AUTUMN, enrolled_on=None)
    town.add_form("x", wave=WINTER, enrolled_on=None)

    assert town.flags(wave=WINTER) == ({"x": {"new_pupil": "watch"}} if is_new else {})


def test_a_pupil_who_answered_in_another_class_is_not_new(town):
    town.add_class(1)
    town.add_form("a", enrolled_on=None)
    town.add_form("x", enrolled_on=None, name="7B", school="S02")
    town.add_form("x", wave=WINTER, enrolled_on=None)

    assert town.flags(wave=WINTER) == {}


def test_a_wave_of_last_school_year_says_nothing_about_who_is_new(town):
    town.add_class(1, year="2025-26")
    town.add_class(1)
    town.add_form("a", wave=SPRING, enrolled_on=None)
    town.add_form("x", wave=AUTUMN, enrolled_on=None)

    assert town.flags(wave=AUTUMN) == {}


def test_a_date_of_enrolment_decides_where_there_is_one(town):
    town.add_class(1)
    town.add_form("a", enrolled_on=None)
    town.add_form("x", wave=WINTER)

    assert town.flags(wave=WINTER) == {}


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


# What every shipped rule has to have.

ALL_RULES = shipped_rules()
RULE_IDS = [rule.id for rule in ALL_RULES]


@pytest.mark.parametrize("rule", ALL_RULES, ids=RULE_IDS)
def test_a_rule_looks_at_inputs_that_exist_and_at_answers_that_can_be_given(rule):
    assert inputs_of([rule], INSTRUMENTS).names
    for condition in conditions(rule):
        if condition.input == NEW_PUPIL:
            continue
        key, item = condition.input.split(".")
        scales = {scale.id: scale for scale in INSTRUMENTS[key].scales}
        if item in scales:
            assert scales[item].minimum < condition.threshold < scales[item].maximum
            continue
        codes = INSTRUMENTS[key].codes(item)
        if condition.op == "fallen_by":
            assert 0 < condition.threshold <= max(codes) - min(codes)
            continue
        assert condition.threshold in codes
        holds = {
            code
            for code in codes
            if (code >= condition.threshold) == (condition.op == "at_least")
            or code == condition.threshold
        }
        assert holds < set(codes), "a condition that always holds flags everybody"


@pytest.mark.parametrize("rule", ALL_RULES, ids=RULE_IDS)
def test_a_rule_says_in_three_languages_why_and_what_it_does_not_mean(rule):
    for text in (rule.texts.name, rule.texts.why, rule.texts.not_meaning):
        assert set(text) >= {"nb", "nn", "en"}
        assert all(words.strip() for words in text.values())
    assert rule.rationale.strip()
    assert rule.source.strip()


@pytest.mark.parametrize("rule", ALL_RULES, ids=RULE_IDS)
def test_a_rule_belongs_to_one_of_the_six_situations(rule):
    assert len(get_args(Situation)) == 6
    assert rule.situation in get_args(Situation)


def test_answers_about_adults_go_their_own_way_and_no_other_flag_does():
    own = {rule.id for rule in PUPIL_RULES if rule.route == "adult_route"}

    assert own == {"rule.bullied_by_adults"}
    for rule in ALL_RULES:
        if rule.id not in own:
            assert all("adults" not in condition.input for condition in conditions(rule))


def test_a_rule_that_looks_at_something_unknown_is_an_error():
    for name in (f"{CORE}.mood", "nothing_v1.thriving", "who5_v1.who5_6"):
        strange = {"input": name, "op": "at_least", "threshold": 1}
        rule = rule_of("unsafe").model_dump() | {"steps": [{"level": "flag", "any_of": [strange]}]}
        with pytest.raises(ValueError, match="no instrument declares"):
            inputs_of([PupilRule.model_validate(rule)], INSTRUMENTS)


def rule_file(name):
    return (files("schemas") / "rules" / name).read_text(encoding="utf-8")


FAULTY_RULES = {
    "a watch before a flag": ("pupil.toml", 'level = "prompt"', 'level = "watch"'),
    "a situation of no kind": ("pupil.toml", 'situation = "bullying"', 'situation = "bully"'),
    "a level of no kind": ("pupil.toml", 'level = "prompt"', 'level = "urgent"'),
    "a route of no kind": ("pupil.toml", 'route = "adult_route"', 'route = "contact_teacher"'),
    "a step that asks for nothing": (
        "pupil.toml",
        'any_of = [{ input = "klassepuls_core_v1.wants_talk", op = "at_least", threshold = 1 }]',
        "any_of = []",
    ),
    "a comparison of no kind": ("pupil.toml", 'op = "at_least"', 'op = "equals"'),
    "a class of fewer than eight": ("class.toml", "version = 1", "version = 1\nmin_answered = 7"),
    "fewer than three pupils": ("class.toml", "version = 1", "version = 1\nmin_count = 2"),
    "a response below 60 %": ("class.toml", "version = 1", "version = 1\nmin_response = 0.59"),
    "a watch at 6 %": ("class.toml", "version = 1", "version = 1\nwatch_below = 0.06"),
    "an alert at 21 %": ("class.toml", "version = 1", "version = 1\nalert_fdr = 0.21"),
    "a baseline of nothing": ("class.toml", "share = 0.08", "share = 0"),
    "a grade without a baseline": ("class.toml", "grades = [8, 10]", "grades = [9, 10]"),
    "a grade with two baselines": ("class.toml", "grades = [8, 10]", "grades = [7, 10]"),
    "a band that runs backwards": ("class.toml", "grades = [8, 10]", "grades = [10, 8]"),
}


@pytest.mark.parametrize(("name", "old", "new"), FAULTY_RULES.values(), ids=FAULTY_RULES)
def test_a_rule_below_its_floors_is_refused(name, old, new):
    text = rule_file(name)
    assert RuleFile.from_toml(text, name=name)
    if name == "pupil.toml" and old.startswith("level"):  # the rule with two levels
        before, _, after = text.partition("rule.bullied_by_pupils")
        faulty = before + "rule.bullied_by_pupils" + after.replace(old, new, 1)
    else:
        faulty = text.replace(old, new, 1)
    assert faulty != text

    with pytest.raises(DeclarationError):
        RuleFile.from_toml(faulty, name=name)


def test_rule_ids_stand_once():
    assert len(RULE_IDS) == len(set(RULE_IDS))
