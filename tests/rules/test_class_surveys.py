"""A class stands once with each rule, in however many surveys of a wave it was asked."""

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.rule import shipped_rules
from tests.rules.build import AUTUMN, CORE, INSTRUMENTS, WHO5, WINTER, open_town
from tests.rules.test_linked_surveys import LONG_AGO, NOW, ROUTED, add, compute_again, flagged
from transforms.flag_inputs import inputs_of, wave_form_sql
from warehouse.class_rules import class_data
from warehouse.flag import score_and_flag
from warehouse.lapse import expire_flags

UNSAFE = "rule.class_unsafe"
CLASS_RULES = [rule for rule in shipped_rules() if rule.target == "class"]


@pytest.fixture
def town():
    with open_town() as opened:
        yield opened


# What one class answered, in so many words. In each survey: whose forms, the pupils' numbers or how
# many forms without a code, and the numbers of those who feel unsafe (of forms without a code: how
# many). `blank` are forms that leave the question open. The class list names `listed`.
@dataclass(frozen=True)
class Case:
    says: str
    listed: int | None
    surveys: dict
    counted: tuple  # survey, answered, unsafe
    gate: str = "tested"
    blank: dict = field(default_factory=dict)


def to(last, first=1):
    return range(first, last + 1)


CASES = [
    Case("one survey, as most have it", 20, {"nb": (to(11), to(4))}, ("nb", 11, 4), "low_response"),
    Case("a form for each language",
         20, {"nb": (to(11), to(4)), "en": (to(20, 12), to(15, 12))}, ("nb", 20, 8)),
    Case("three languages, and some away",
         30, {"nb": (to(11), to(2)), "en": (to(15, 12), to(12, 12)), "se": (to(18, 16), ())},
         ("se", 18, 3)),
    Case("the same pupils twice: the more serious answer counts",
         20, {"main": (to(20), to(7)), "pulse": (to(20), to(3))}, ("pulse", 20, 7)),
    Case("whichever survey it is in",
         20, {"main": (to(20), to(3)), "pulse": (to(20), to(7))}, ("pulse", 20, 7)),
    Case("others of them each time",
         20, {"main": (to(20), to(3)), "pulse": (to(20), to(7, 4))}, ("pulse", 20, 7)),
    Case("some answered both",
         20, {"main": (to(15), to(4)), "pulse": (to(20, 11), to(20, 18))}, ("pulse", 20, 7)),
    Case("nobody answered it in the last one",
         20, {"main": (to(20), to(4)), "pulse": ((), ())}, ("main", 20, 4),
         blank={"pulse": to(20)}),
    Case("some left it open in the last one",
         20, {"main": (to(20), to(5)), "pulse": (to(20, 4), ())}, ("pulse", 20, 5),
         blank={"pulse": to(3)}),
    Case("no codes, and no more forms than pupils: different pupils",
         20, {"nb": (11, 4), "en": (9, 4)}, ("nb", 20, 8)),
    Case("no codes, and more forms than pupils: the fullest survey",
         20, {"main": (20, 4), "pulse": (19, 6)}, ("main", 20, 4)),
    Case("no codes, and a class list that is out by one: different pupils all the same",
         20, {"nb": (11, 4), "en": (10, 4)}, ("nb", 21, 8)),
    Case("no codes, and a tenth more than the list names",
         20, {"nb": (11, 4), "en": (11, 4)}, ("nb", 22, 8)),
    Case("no codes, and more than a tenth more",
         20, {"nb": (11, 4), "en": (12, 5)}, ("en", 12, 5)),
    Case("a list that is out by one, and one survey has codes",
         20, {"nb": (to(11), to(4)), "en": (10, 4)}, ("nb", 21, 8)),
    Case("no codes, equally full: the more serious one",
         20, {"main": (20, 6), "pulse": (20, 4)}, ("main", 20, 6)),
    Case("no codes and no class list: nobody can tell, so the fullest survey",
         None, {"nb": (11, 4), "en": (9, 4)}, ("nb", 11, 4)),
    Case("no codes in one survey alone: as before, whatever the list says",
         20, {"nb": (25, 5)}, ("nb", 25, 5)),
    Case("a survey without codes beside one with, and room for both",
         20, {"nb": (to(11), to(4)), "en": (9, 4)}, ("nb", 20, 8)),
    Case("no room for both: those with a code",
         20, {"main": (to(20), to(4)), "pulse": (20, 6)}, ("main", 20, 4)),
    Case("no room, and those with a code stand in two surveys",
         20, {"nb": (to(9), to(3)), "en": (to(18, 10), to(10, 10)), "pulse": (17, 6)},
         ("nb", 18, 4)),
    Case("no room, and the survey without codes is the fullest",
         20, {"nb": (to(6), to(3)), "en": (to(10, 7), ()), "pulse": (18, 6)}, ("pulse", 18, 6)),
]  # fmt: skip


def add_case(town, case, name):
    if case.listed:
        town.add_class(case.listed, name=name)
    for survey, (who, unsafe) in case.surveys.items():
        numbers = range(who) if isinstance(who, int) else who
        told = range(unsafe) if isinstance(unsafe, int) else unsafe
        for number in numbers:
            code = None if isinstance(who, int) else f"{name} {number}"
            add(town, survey, code, name=name, **{CORE: {"safety": 1 if number in told else 5}})
    for survey, numbers in case.blank.items():
        for number in numbers:
            add(town, survey, f"{name} {number}", name=name, **{CORE: {"thriving": 5}})


def indicators(town, rule=UNSAFE):
    return town.con.execute(
        """
        select class_group, survey_id, answered, observed, gate from core.class_indicator
        where rule_id = ? order by all
        """,
        [rule],
    ).fetchall()


def test_what_a_class_answered_in_several_surveys_is_counted_as_the_table_says(town):
    for number, case in enumerate(CASES):
        add_case(town, case, f"{number:02}")
    flagged(town, CLASS_RULES)
    found = indicators(town)
    told = {CASES[int(name)].says: (tuple(row), gate) for name, *row, gate in found}
    assert len(found) == len(CASES), "a class stands once"
    assert told == {case.says: (case.counted, case.gate) for case in CASES}


def test_a_class_that_answered_in_two_languages_has_its_alert(town):
    town.add_class(20)
    for number in range(20):
        answers = {"bullied_by_pupils": 4 if number % 11 < 4 else 1, "bullied_digitally": 1}
        add(town, "nb" if number < 11 else "en", f"p{number}", **{CORE: answers})
    assert flagged(town, CLASS_RULES) == {(None, "class_bullied"): [("nb", "alert")]}
    assert indicators(town, "rule.class_bullied") == [("7A", "nb", 20, 8, "tested")]


def differing(town, seed, names):
    """Classes that were asked twice, with other answers the second time, by surveys so named."""
    draw = np.random.default_rng(seed)
    for at in range(12):
        name = f"7{chr(65 + at)}"
        town.add_class(20, name=name)
        for number in range(int(draw.integers(12, 21))):
            for survey in names:
                yes, low = draw.random(2) < (0.5 if at < 3 else 0.08)
                told = {
                    CORE: {"safety": 1 if yes else 5, "bullied_by_pupils": 4 if low else 1},
                    WHO5: {f"who5_{i}": int(draw.integers(0, 3 if at < 2 else 6)) for i in to(5)},
                }
                add(town, survey, f"{name} {number}", name=name, **told)


@pytest.mark.parametrize("seed", [3, 4])
def test_names_of_surveys_do_not_matter(seed):
    found = []
    for names in (("first", "second"), ("zeta", "alpha")):
        with open_town() as town:
            differing(town, seed, names)
            flagged(town, CLASS_RULES)
            query = "select * exclude (survey_id) from core.class_indicator order by all"
            levels = "select rule_id, class_group, level from core.flag order by all"
            found.append((town.con.execute(query).fetchall(), town.con.execute(levels).fetchall()))
    assert found[0][1], "else nothing is compared"
    assert found[0] == found[1]


@pytest.mark.parametrize("second", ["aaa", "zzz"])
def test_a_second_survey_in_which_all_is_well_takes_no_alert_away(town, second):
    town.add_class(20)
    for number in range(12):
        bullied = 4 if number < 5 else 1
        answers = {"bullied_digitally": 1}
        add(town, "core", f"p{number}", **{CORE: {**answers, "bullied_by_pupils": bullied}})
        add(town, second, f"p{number}", **{CORE: {**answers, "bullied_by_pupils": 1}})
    [(_, level)] = flagged(town, CLASS_RULES)[(None, "class_bullied")]
    assert level == "alert"


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_of_two_scores_on_a_scale_their_mean_is_the_pupils(town, names):
    for number in range(10):
        for survey, answer in zip(names, (1, 4), strict=True):
            told = {WHO5: {f"who5_{i}": answer for i in to(5)}}
            add(town, survey, f"p{number}", **told)
    rules = [rule for rule in CLASS_RULES if rule.id == "rule.class_wellbeing"]
    inputs = inputs_of(rules, INSTRUMENTS)
    flagged(town, rules)
    for statement in wave_form_sql(inputs, INSTRUMENTS):
        town.con.execute(statement, {"wave": AUTUMN}).fetchall()
    scores = class_data(town.con, AUTUMN, rules, inputs).scores["who5_v1.wellbeing"].to_pylist()
    assert scores == [{"class_no": 0, "score": 50.0, "pupils": 10}], "of 20 and 80"


def test_a_question_of_each_survey_is_an_answer_of_one_pupil(town):
    for pupil in ("yes", "no", "half"):
        add(town, "core", pupil, **{CORE: {"bullied_by_pupils": 1}})
    add(town, "net", "yes", **{CORE: {"bullied_digitally": 4}})
    add(town, "net", "no", **{CORE: {"bullied_digitally": 1}})
    add(town, "net", "half", **{CORE: {"safety": 5}})
    flagged(town, CLASS_RULES)
    assert indicators(town, "rule.class_bullied") == [("7A", "net", 2, 1, "few_answers")], (
        "who was asked and left it open is in no count"
    )


def test_new_pupils_without_a_code_are_not_counted_once_a_survey(town):
    town.add_class(40)
    for survey in ("core", "pulse"):
        for number in range(12):
            new = date(2026, 11, 2) if number == 0 else LONG_AGO
            add(town, survey, None, enrolled_on=new, **{CORE: {"safety": 5}})
    flagged(town, CLASS_RULES)
    assert indicators(town, "rule.class_new_pupils") == [("7A", "pulse", 12, 1, "low_response")]
    assert indicators(town) == [("7A", "pulse", 24, 0, "few_cases")]


# The same wave in one survey and in several


def fill(town, seed, surveys, *, classes=14, codes=True):
    """Classes of which some are unsafe, bullied or low; `surveys` says which a pupil answers."""
    draw = np.random.default_rng(seed)
    for at in range(classes):
        name = f"7{chr(65 + at)}"
        town.add_class(20, name=name)
        low = draw.random() < 0.3
        for number in range(int(draw.integers(12, 21))):
            trouble = draw.random() < (0.4 if low else 0.05)
            told = {
                CORE: {"safety": 1 if trouble else 5, "bullied_by_pupils": 4 if trouble else 1,
                       "bullied_digitally": 1, "witnessed_bullying": int(draw.choice([1, 1, 4]))},
                WHO5: {f"who5_{i}": int(draw.integers(0, 3) if low else draw.integers(2, 6))
                       for i in range(1, 6)},
            }  # fmt: skip
            for survey in surveys(number):
                code = f"{name} {number}" if codes else None
                add(town, survey, code, name=name, **told)


def one(_):
    return ("one",)


@cache
def judged(seed, surveys, *, codes=True):
    with open_town() as town:
        fill(town, seed, surveys, codes=codes)
        flagged(town, CLASS_RULES)
        query = "select * exclude (survey_id) from core.class_indicator order by all"
        levels = "select rule_id, class_group, level from core.flag order by all"
        return town.con.execute(query).fetchall(), town.con.execute(levels).fetchall()


@pytest.mark.parametrize(
    "surveys",
    [
        lambda _: ("main", "pulse"),
        lambda number: ("nb",) if number % 2 else ("en",),
        lambda number: ("a", "b", "c")[: 1 + number % 3],
    ],
    ids=["the same twice", "two languages", "some once, some more often"],
)
@pytest.mark.parametrize("seed", [3, 4])
def test_a_wave_in_several_surveys_is_judged_as_in_one(seed, surveys):
    """Yardsticks, numbers of classes, families and permutations see each class and pupil once."""
    once, levels = judged(seed, one)
    assert levels, "else nothing is compared"
    assert judged(seed, surveys) == (once, levels)


@pytest.mark.parametrize(
    "surveys",
    [
        lambda number: ("main", "pulse") if number else ("main",),
        lambda number: ("nb",) if number % 2 else ("en",),
    ],
    ids=["more forms than pupils", "two languages"],
)
def test_forms_without_a_code_are_judged_as_in_one_survey(surveys):
    """New pupils apart: every form has their day, so without codes they never add up."""
    loose, coded = judged(3, surveys, codes=False), judged(3, one)
    assert [told(found) for found in loose] == [told(found) for found in coded]


def told(found):
    return [row for row in found if "rule.class_new_pupils" not in row]


@pytest.mark.parametrize(
    ("classes", "rule", "held_against"),
    [
        (8, UNSAFE, "published"),  # more than ten classes are a yardstick
        (8, "rule.class_wellbeing", "none"),  # ten for a mean
        (4, "rule.class_wellbeing_spread", "none"),  # five for a spread
    ],
)
def test_classes_that_were_asked_twice_are_not_twice_as_many(classes, rule, held_against):
    with open_town() as town:
        fill(town, 5, lambda _: ("main", "pulse"), classes=classes)
        flagged(town, CLASS_RULES)
        found = town.con.execute(
            "select distinct baseline_from from core.class_indicator where rule_id = ?", [rule]
        ).fetchall()
    assert found == [(held_against,)]


# A flag and the surveys that come


def flags_of(town):
    return town.con.execute("""
        select flag_id, survey_id, status, raised_at, review_due from core.flag order by all
    """).fetchall()


@pytest.mark.parametrize(("first", "then"), [("nb", "en"), ("en", "nb")])
def test_a_second_survey_keeps_the_class_flag_and_its_clock(town, first, then):
    town.add_class(20)
    for number in range(12):
        add(town, first, f"p{number}", **{CORE: {"safety": 1 if number < 6 else 5}})
    flagged(town, CLASS_RULES)
    [before] = flags_of(town)
    for number in range(12, 20):
        add(town, then, f"p{number}", **{CORE: {"safety": 1 if number < 15 else 5}})
    compute_again(town)
    flagged(town, CLASS_RULES, now=NOW + timedelta(days=30))
    assert flags_of(town) == [(before[0], "nb", *before[2:])]


def test_of_two_flags_that_an_earlier_version_raised_the_oldest_stands(town):
    town.add_class(20)
    for number in range(12):
        add(town, "a", f"p{number}", **{CORE: {"safety": 1 if number < 6 else 5}})
    flagged(town, CLASS_RULES)
    town.con.execute("""
        insert into core.flag
        from (select * replace ('Fother' as flag_id, 'b' as survey_id, raised_at + interval 1 day
            as raised_at) from core.flag)
    """).fetchall()
    for number in range(12):
        add(town, "b", f"p{number}", **{CORE: {"safety": 1 if number < 6 else 5}})
    [kept, _] = sorted(flags_of(town), key=lambda row: row[3])
    compute_again(town)
    flagged(town, CLASS_RULES)
    status = {row[0]: (row[1], row[2]) for row in flags_of(town)}
    assert status == {kept[0]: ("b", "open"), "Fother": ("b", "withdrawn")}


def test_a_signal_comes_again_and_the_old_one_lapses_whatever_the_surveys_are(town):
    for number in range(20):
        answers = {CORE: {"safety": 1 if number < 6 else 5}}
        add(town, "nb" if number % 2 else "en", f"p{number}", **answers)
        for survey in ("main", "pulse"):
            add(town, survey, f"p{number}", **answers)
    town.con.execute(
        "update core.response set wave_id = ? where survey_id in ('main', 'pulse')", [WINTER]
    ).fetchall()
    for wave in (AUTUMN, WINTER):
        score_and_flag(
            town.con, wave, instruments=INSTRUMENTS, rules=CLASS_RULES, settings=ROUTED, now=NOW
        )
    expire_flags(town.con, today=NOW.date())
    found = town.con.execute("""
        select wave_id, survey_id, status, evidence_count from core.flag order by all
    """).fetchall()
    assert found == [(AUTUMN, "nb", "expired", 1), (WINTER, "pulse", "open", 2)]


# A naive count beside it


ASKS = {"a": "safety", "b": "safety bullied_by_pupils", "c": "bullied_by_pupils bullied_digitally"}
FORM = st.tuples(
    st.sampled_from(sorted(ASKS)),
    st.sampled_from(["7A", "7B"]),
    st.sampled_from(["p", "q", "r", None]),
    st.tuples(*[st.sampled_from([1, 4, None])] * 3),
)
ITEMS = ("safety", "bullied_by_pupils", "bullied_digitally")
COUNTED = {UNSAFE: ("safety",), "rule.class_bullied": ITEMS[1:]}


def answers_of(form):
    survey, _, _, given_ = form
    return {
        item: value
        for item, value in zip(ITEMS, given_, strict=True)
        if item in ASKS[survey].split() and value is not None
    }


def is_yes(item, value):
    return value <= 2 if item == "safety" else value >= 3


@pytest.fixture(scope="module")
def counted():
    """Counts the forms of a wave by the two rules, as {(rule, class): (answered, observed)}."""
    rules = [rule for rule in CLASS_RULES if rule.id in COUNTED]
    inputs = inputs_of(rules, INSTRUMENTS)

    def count(forms, listed):
        for table in ("response", "dim_class_group", "answer_klassepuls_core_v1"):
            town.con.execute(f"truncate core.{table}").fetchall()
        for name in ("7A", "7B"):
            if listed:
                town.add_class(listed, name=name)
        for form in forms:
            add(town, form[0], form[2], name=form[1], **{CORE: {"thriving": 5, **answers_of(form)}})
        for statement in wave_form_sql(inputs, INSTRUMENTS):
            town.con.execute(statement, {"wave": AUTUMN}).fetchall()
        classes = class_data(town.con, AUTUMN, rules, inputs).classes.to_pylist()
        return {
            (rule.id, row["class_group"]): (row[f"answered_{i}"], row[f"observed_{i}"])
            for i, rule in enumerate(rules)
            for row in classes
        }

    with open_town() as town:
        yield count


def plain_count(forms, items, asked):
    """How many pupils of these forms answered, and how many say yes in any of theirs."""
    pupils = {}
    for number, form in enumerate(sorted(forms, key=lambda form: form[0])):
        answers, surveys = pupils.setdefault(form[2] or number, ({}, set()))
        for item, value in answers_of(form).items():
            worse = min if item == "safety" else max
            answers[item] = worse(value, answers.get(item, value))
        surveys.add(form[0])
    answered = yes = 0
    for answers, surveys in pupils.values():
        told = [item for item in items if item in answers]
        says_yes = any(is_yes(item, answers[item]) for item in told)
        missing = {
            item for item in items if item not in answers and surveys & asked.get(item, set())
        }
        yes += says_yes
        answered += says_yes or bool(told and not missing)
    return answered, yes


def plain_choice(forms, items, asked, listed):
    """The count of one class by one rule, by the words of docs/decisions.md."""
    whole = plain_count(forms, items, asked)
    answering = [form for form in forms if any(item in answers_of(form) for item in items)]
    several = len({form[0] for form in answering}) > 1
    has_room = listed and whole[0] <= math.ceil(1.1 * listed)
    if not several or all(form[2] for form in answering) or has_room:
        return whole
    parts = [("coded", [form for form in forms if form[2]])]
    parts += [
        ("a survey", [form for form in forms if form[0] == survey])
        for survey in {form[0] for form in forms}
    ]
    counts = [(plain_count(part, items, asked), kind) for kind, part in parts]
    return max(counts, key=lambda told: (told[0][0], told[1] == "coded", told[0][1]))[0]


@settings(deadline=None, max_examples=40)
@given(
    forms=st.lists(
        FORM, min_size=1, max_size=14,
        unique_by=lambda form: (form[0], form[2]) if form[2] else object(),
    ),
    listed=st.sampled_from([None, 2, 4, 6]),
)  # fmt: skip
def test_counts_are_those_of_a_plain_count_pupil_by_pupil(counted, forms, listed):
    asked = {item: {form[0] for form in forms if item in answers_of(form)} for item in ITEMS}
    plain = {
        (rule, name): plain_choice(
            [form for form in forms if form[1] == name], items, asked, listed
        )
        for rule, items in COUNTED.items()
        for name in {form[1] for form in forms}
    }
    assert counted(forms, listed) == plain
