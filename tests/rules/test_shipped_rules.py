"""What every shipped rule has to have, and what a rule file must not say."""

from importlib.resources import files
from typing import get_args

import pytest
from pydantic import ValidationError

from schemas.declared import DeclarationError
from schemas.network_rule import UNCHOSEN_IN, network_rule
from schemas.rule import NEW_PUPIL, PupilRule, RuleFile, Situation, shipped_rules, source_in
from tests.rules.build import CORE, INSTRUMENTS, PUPIL_RULES, rule_of
from transforms.flag_inputs import conditions, inputs_of

# What every shipped rule has to have.

ALL_RULES = shipped_rules()
RULE_IDS = [rule.id for rule in ALL_RULES]


@pytest.mark.parametrize("rule", ALL_RULES, ids=RULE_IDS)
def test_a_rule_looks_at_inputs_that_exist_and_at_answers_that_can_be_given(rule):
    assert inputs_of([rule], INSTRUMENTS).names
    for condition in conditions(rule):
        if condition.input in (NEW_PUPIL, UNCHOSEN_IN):
            continue
        key, item = condition.input.split(".")
        scales = {scale.id: scale for scale in INSTRUMENTS[key].scales}
        if condition.is_local:
            assert item in scales
            continue
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


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("rule", [*ALL_RULES, network_rule()], ids=[*RULE_IDS, "network"])
def test_a_rule_names_its_source_in_the_language_of_the_report(rule, language):
    said, spoken = source_in(rule.source, language)
    assert said.strip()
    assert spoken == language


def test_a_source_in_several_languages_without_english_is_refused():
    rule = ALL_RULES[0].model_dump(exclude_none=True)
    with pytest.raises(ValidationError, match="in English"):
        type(ALL_RULES[0]).model_validate(rule | {"source": {"nb": "Opplæringslova"}})


def test_a_source_of_one_wording_is_told_as_english_in_every_report():
    assert source_in("WHO-5", "nb") == ("WHO-5", "en")


@pytest.mark.parametrize("rule", ALL_RULES, ids=RULE_IDS)
def test_a_rule_belongs_to_one_of_the_six_situations_or_lets_the_pupil_say(rule):
    assert len(get_args(Situation)) == 6
    asks = rule.id == "rule.wants_talk"
    assert rule.situation in (("any",) if asks else get_args(Situation))


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
    "a fall of nothing": (
        "pupil_signals.toml",
        '"fallen_by", threshold = 24',
        '"fallen_by", threshold = 0',
    ),
    "a look back alone": (
        "pupil_signals.toml",
        'op = "at_most", threshold = 28',
        'op = "at_most", threshold = 28, wave = "previous"',
    ),
    "a fall in the wave before": (
        "pupil_signals.toml",
        '"fallen_by", threshold = 24 }]',
        '"fallen_by", threshold = 24, wave = "previous" }]',
    ),
    "a register that looks back": (
        "pupil.toml",
        '"register.new_pupil", op = "at_least", threshold = 1',
        '"register.new_pupil", op = "at_least", threshold = 1, wave = "previous"',
    ),
    "a class that looks back": (
        "class.toml",
        'op = "at_least", threshold = 3',
        'op = "at_least", threshold = 3, wave = "previous"',
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
