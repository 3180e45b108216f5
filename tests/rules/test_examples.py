"""The tables beside the rules: each row holds, and no threshold can move without a row falling."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from flows.cli import main
from schemas.declared import DeclarationError
from schemas.instrument import shipped_instruments
from schemas.network_rule import network_rule
from schemas.rule import PupilRule, shipped_rules
from schemas.rule_example import read_examples, shipped_examples
from tests.support.home import make_home
from warehouse.assure import assure, assure_in, examples_warehouse
from warehouse.assure_class import example_waves, judged_with, level_of
from warehouse.assure_network import assure_network

NOW = datetime(2026, 11, 30, tzinfo=UTC)
INSTRUMENTS = shipped_instruments()
EVERY = {rule.id: rule for rule in shipped_rules()}
RULES = {rule.id: rule for rule in EVERY.values() if rule.target == "pupil"}
CLASSES = {rule.id: rule for rule in EVERY.values() if rule.target == "class"}
TABLES = shipped_examples()


@pytest.fixture(scope="module")
def warehouse():
    with examples_warehouse(INSTRUMENTS, now=NOW) as con:
        yield con


@pytest.fixture(scope="module")
def found():
    return assure(list(EVERY.values()), TABLES, INSTRUMENTS, now=NOW)


def test_a_warehouse_of_examples_says_the_same_again_and_keeps_no_answer(warehouse, found):
    rules = [EVERY["rule.unsafe"], EVERY["rule.class_new_pupils"]]
    expected = [one for one in found if one.rule_id in {rule.id for rule in rules}]
    for _ in range(2):
        said = assure_in(warehouse, rules, TABLES, INSTRUMENTS, now=NOW)
        assert sorted(said, key=str) == sorted(expected, key=str)
        for table in ("core.response", "core.flag", "core.flag_evidence"):
            assert warehouse.table(table).count("*").fetchall() == [(0,)]
        assert warehouse.table("core.dim_wave").count("*").fetchall() == [(2,)]


@pytest.mark.parametrize("rule_id", EVERY)
def test_every_example_of_a_rule_holds(found, rule_id):
    ours = [one for one in found if one.rule_id == rule_id]
    assert ours
    assert [one for one in ours if not one.holds] == []


@pytest.mark.parametrize("rule_id", RULES)
def test_a_table_shows_each_level_of_its_rule_and_a_pupil_who_is_not_flagged(rule_id):
    told = {example.level for example in TABLES[rule_id].examples}
    assert told == {None, *(step.level for step in RULES[rule_id].steps)}


def test_no_table_is_left_without_a_rule():
    assert set(TABLES) == {*EVERY, network_rule().id}


@pytest.fixture(scope="module")
def choices():
    return network_rule(), TABLES[network_rule().id]


def test_every_example_of_the_rule_of_choices_holds(choices):
    found = assure_network(*choices, now=NOW)
    assert [one for one in found if not one.holds] == []
    assert {one.got for one in found} == {None, "watch", "alert"}


@pytest.mark.parametrize(
    "moved",
    [
        {"marks": 3}, {"marks": 1}, {"min_unchosen": 4}, {"min_unchosen": 2}, {"min_groups": 4},
        {"min_groups": 2}, {"cohesion_below": 0.03}, {"cohesion_below": 0.07},
        {"repeat_times": 3}, {"repeat_times": 1}, {"off": True},
    ],
    ids=str,
)  # fmt: skip
def test_no_limit_of_the_rule_of_choices_moves_without_an_example_falling(choices, moved):
    rule, table = choices
    found = assure_network(rule.model_copy(update=moved), table, now=NOW)
    assert any(not one.holds for one in found)


def test_a_column_that_the_rule_of_choices_does_not_look_at_is_refused(choices):
    rule, table = choices
    heading = tuple("safety" if name == "groups" else name for name in table.heading)
    with pytest.raises(DeclarationError, match="its table has safety"):
        assure_network(rule, replace(table, heading=heading), now=NOW)


# WHO-5 goes in steps of four. Percentiles move until they pass the next score of the examples.
STEPS = {
    "who5_v1.wellbeing": 4,
    "stirling_v1.wellbeing": 5,
    "swemwbs_v1.wellbeing": 5,
    "pisa_belonging_v1.belonging": 45,
}


def step_of(condition):
    """How far its threshold has to move for an example to tell."""
    return 1 if condition.op == "fallen_reliably" else STEPS.get(condition.input, 1)


# Low twice gives the level that low once gives, and another evidence: tested with the rules.
ONLY_EVIDENCE = ("rule.low_wellbeing", 3)


def mutants():
    """Each condition of each pupil rule, moved by a step either way, or made moot."""
    for rule in RULES.values():
        for at, step in enumerate(rule.steps):
            for kind in ("any_of", "all_of", "none_of"):
                for number, condition in enumerate(getattr(step, kind)):
                    if (rule.id, at) == ONLY_EVIDENCE:
                        continue
                    size = step_of(condition)
                    named = f"{rule.id}-{step.level}-{at}-{kind}-{number}"
                    for by in (size, -size):
                        threshold = condition.threshold + by
                        moved = condition.model_copy(update={"threshold": threshold})
                        yield f"{named}{by:+}", changed(rule, at, kind, number, moved)
                    needs = "always" if kind == "all_of" else "never"
                    yield f"{named}-{needs}", changed(rule, at, kind, number, moot(condition, kind))


def moot(condition, kind):
    """The condition as if it were left out: of all_of it always holds, of the others never."""
    is_high = (condition.op == "at_most") == (kind == "all_of")
    return condition.model_copy(update={"threshold": 999 if is_high else -999})


def changed(rule, at, kind, number, instead):
    conditions = list(getattr(rule.steps[at], kind))
    conditions[number] = instead
    steps = list(rule.steps)
    steps[at] = steps[at].model_copy(update={kind: tuple(conditions)})
    return rule.model_copy(update={"steps": tuple(steps)})


@pytest.mark.parametrize(("name", "rule"), list(mutants()), ids=[name for name, _ in mutants()])
def test_a_rule_with_a_moved_threshold_breaks_an_example(name, rule: PupilRule, warehouse):
    found = assure_in(warehouse, [rule], {rule.id: TABLES[rule.id]}, INSTRUMENTS, now=NOW)
    assert any(not one.holds for one in found)


# Class rules: every gate and threshold of the files


# Two of eight never pass the limit of a class that feels unsafe (P = 0.038), so its min_count of 2
# changes nothing.
GATE_STEPS = {
    "rule.class_bullied": {
        "min_answered": (7, 9), "min_response": (0.5, 0.61), "min_count": (2, 4),
        "watch_below": (0.0125, 0.05), "watch_fdr": (0.15, 0.35), "alert_fdr": (0.08, 0.13),
        "may_alert": (False,), "repeat_times": (3,), "repeat_of": (2,),
    },
    "rule.class_witnessed": {
        "watch_below": (0.008, 0.012), "watch_fdr": (0.08, 0.12), "unless": (None,),
        "may_alert": (True,), "min_answered": (7,),
    },
    "rule.class_unsafe": {
        "min_count": (4,), "watch_below": (0.02, 0.03), "watch_fdr": (0.15, 0.25),
    },
    "rule.class_nobody_in_breaks": {"min_count": (2, 4), "watch_below": (0.02, 0.03)},
    "rule.class_not_thriving": {"min_count": (2, 4), "watch_below": (0.02, 0.03)},
    "rule.class_wellbeing": {"min_answered": (7, 9), "min_response": (0.5, 0.61)},
    "rule.class_wellbeing_spread": {"min_answered": (7, 9), "may_alert": (True,)},
    "rule.class_new_pupils": {"min_answered": (7, 9)},
}  # fmt: skip
PART_STEPS = {
    "rule.class_wellbeing": (
        "mean",
        {"min_classes": (9, 11), "worse": ("high",), "watch_above": (0.5, 0.97),
         "alert_above": (0.92, 0.9999999), "by_sd": (0.1, 1.5)},
    ),
    "rule.class_childrens_wellbeing": ("mean", {"min_classes": (9,), "worse": ("high",)}),
    "rule.class_belonging": ("mean", {"min_classes": (9,), "worse": ("high",)}),
    "rule.class_loneliness": ("mean", {"min_classes": (9,), "worse": ("low",)}),
    "rule.class_wellbeing_spread": ("spread", {"min_classes": (4, 6)}),
    "rule.class_new_pupils": ("newcomers", {"at_least": (1, 3), "at_most_share": (0.49, 0.63)}),
}  # fmt: skip


def gate_mutants():
    """Each gate of a class rule moved, and each part of a test."""
    for rule_id, steps in GATE_STEPS.items():
        for name, value in ((key, one) for key in steps for one in steps[key]):
            yield f"{rule_id}-{name}-{value}", CLASSES[rule_id].model_copy(update={name: value})
    for rule_id, (part, steps) in PART_STEPS.items():
        for name, value in ((key, one) for key in steps for one in steps[key]):
            moved = getattr(CLASSES[rule_id], part).model_copy(update={name: value})
            yield f"{rule_id}-{name}-{value}", CLASSES[rule_id].model_copy(update={part: moved})


def baseline_mutants():
    """Each published share halved and doubled."""
    for rule in CLASSES.values():
        for at, baseline in enumerate(rule.baselines):
            for times in (0.5, 2):
                moved = baseline.model_copy(update={"share": baseline.share * times})
                yield _with_part(rule, "baselines", at, moved)


def answer_mutants():
    """Each answer that counts a step either way."""
    for rule in CLASSES.values():
        for at, condition in enumerate(rule.any_of):
            for by in (1, -1):
                moved = condition.model_copy(update={"threshold": condition.threshold + by})
                yield _with_part(rule, "any_of", at, moved)


def _with_part(rule, name, at, value):
    parts = list(getattr(rule, name))
    parts[at] = value
    return f"{rule.id}-{name}-{at}-{value}", rule.model_copy(update={name: tuple(parts)})


@pytest.fixture(scope="module")
def waves_of(warehouse):
    """The example waves of a class rule, which no gate and no limit of it changes."""

    @cache
    def waves(rule_id):
        seen = judged_with(CLASSES[rule_id], list(CLASSES.values()))
        return example_waves(warehouse, seen, TABLES[rule_id].examples, INSTRUMENTS)

    return waves


JUDGED = [*gate_mutants(), *baseline_mutants()]


@pytest.mark.parametrize(("name", "rule"), JUDGED, ids=[name for name, _ in JUDGED])
def test_a_class_rule_with_a_moved_gate_or_limit_breaks_an_example(name, rule, waves_of):
    seen = judged_with(rule, list(CLASSES.values()))
    examples = TABLES[rule.id].examples
    waves = waves_of(rule.id)
    assert any(
        level_of(seen, wave) != example.level for wave, example in zip(waves, examples, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "rule"), list(answer_mutants()), ids=[name for name, _ in answer_mutants()]
)
def test_a_class_rule_that_counts_other_answers_breaks_an_example(name, rule, warehouse):
    rules = judged_with(rule, list(CLASSES.values()))
    try:
        found = assure_in(warehouse, rules, {rule.id: TABLES[rule.id]}, INSTRUMENTS, now=NOW)
    except DeclarationError:  # its table has a column that the rule no longer looks at
        return
    assert any(not one.holds for one in found if one.rule_id == rule.id)


# Tables that cannot be read

GOOD = "## rule.unsafe\n\n| pupil | safety | says |\n| --- | --- | --- |\n| never | 1 | flag |\n"
FAULTY = {
    "no table": "## rule.unsafe\n\nnothing\n",
    "no pupil": "\n".join(GOOD.split("\n")[:4]),
    "another last column": GOOD.replace("says", "level"),
    "another first column": GOOD.replace("pupil", "who"),
    "a level of no kind": GOOD.replace("| flag |", "| urgent |"),
    "a cell too many": GOOD.replace("| 1 |", "| 1 | 2 |"),
    "an answer in words": GOOD.replace("| 1 |", "| never |"),
    "a rule twice": f"{GOOD}\n{GOOD}",
    "a column twice": GOOD.replace("| safety |", "| safety | safety |"),
}


@pytest.mark.parametrize("text", FAULTY.values(), ids=FAULTY)
def test_a_table_that_cannot_be_meant_is_refused(text):
    assert read_examples(f"# x\n\n{GOOD}", name="x.md")["rule.unsafe"].examples[0].level == "flag"
    with pytest.raises(DeclarationError):
        read_examples(f"# x\n\n{text}", name="x.md")


@pytest.mark.parametrize(
    ("old", "new"), [("safety", "thriving"), ("| 1 |", "| 6 |")], ids=["column", "answer"]
)
def test_a_table_of_what_the_rule_does_not_look_at_is_refused(old, new):
    tables = read_examples(f"# x\n\n{GOOD.replace(old, new)}", name="x.md")
    with pytest.raises(DeclarationError):
        assure([RULES["rule.unsafe"]], tables, INSTRUMENTS, now=NOW)


def test_a_score_that_no_answers_give_is_refused():
    text = "## rule.low_wellbeing\n| pupil | wellbeing | says |\n| odd | 47 | watch |\n"
    tables = read_examples(f"# x\n\n{text}", name="x.md")
    with pytest.raises(DeclarationError):
        assure([RULES["rule.low_wellbeing"]], tables, INSTRUMENTS, now=NOW)


def test_the_command_says_which_example_does_not_hold(tmp_path, capsys):
    assert main(["rules", "assure"]) == 0
    assert "rule.unsafe@1: 4 of 4 examples hold" in capsys.readouterr().out
    home = make_home(tmp_path / "home")
    own = home.root / "rules_examples.md"
    own.write_text(f"# Ours\n\n{GOOD.replace('| flag |', '| prompt |')}", encoding="utf-8")
    assert main(["rules", "assure", "--home", str(home.root)]) == 1
    said = capsys.readouterr().out
    assert "rule.unsafe@1: 0 of 1 examples hold" in said
    assert "    never: expected prompt, got flag" in said
    own.write_text(f"# Ours\n\n{GOOD}", encoding="utf-8")
    assert main(["rules", "assure", "--home", str(home.root), "--json"]) == 0
    own.write_text(f"# Ours\n\n{GOOD.replace('unsafe', 'unknown')}", encoding="utf-8")
    assert main(["rules", "assure", "--home", str(home.root)]) == 2
