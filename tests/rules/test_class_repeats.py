"""The same signal again (C9), and witnesses beside the bullied (C8), on a table of two classes."""

import pyarrow as pa
import pytest

from schemas.rule import shipped_rules
from transforms.class_rules import EARLIER, ClassData, judge

RULES = {rule.id.removeprefix("rule.class_"): rule for rule in shipped_rules()
         if rule.target == "class"}  # fmt: skip
OTHERS = 100  # so many that five of twenty are a watch, and no alert by themselves
BULLIED, WITNESSED, NEWCOMERS = (RULES[name] for name in ("bullied", "witnessed", "new_pupils"))


def levels(rules, observed, *, earlier=(), answered=20):
    """Level and waves by (rule, class), for counts by rule of the classes A, B and the others."""
    names = ["A", "B", *(f"o{number}" for number in range(OTHERS))]
    every = OTHERS + 2
    table = {
        "wave_id": ["w"] * every, "survey_id": ["s"] * every, "school_id": ["S"] * every,
        "class_group": names, "grade": [7] * every, "enrolled": [20] * every,
    }  # fmt: skip
    for i, (rule, counts) in enumerate(zip(rules, observed, strict=True)):
        ordinary = [2 if rule is WITNESSED else 1] * OTHERS
        table[f"answered_{i}"] = pa.array([answered] * (OTHERS + 2), pa.int32())
        table[f"observed_{i}"] = pa.array([*counts, *ordinary], pa.int32())
    before = pa.Table.from_pylist(
        [
            {"school_id": "S", "class_group": name, "rule_id": rule.id,
             "rule_version": version, "waves_ago": ago}
            for name, rule, version, ago in earlier
        ],
        schema=EARLIER,
    )  # fmt: skip
    found = judge(rules, ClassData(pa.table(table), {}, before), seed="w").to_pylist()
    return {
        (row["rule_id"].removeprefix("rule.class_"), row["class_group"]): (
            row["level"], row["waves"],
        )
        for row in found
        if row["class_group"] in "AB"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("earlier", "level", "waves"),
    [
        ([], "watch", 1),
        ([("A", BULLIED, 1, 1)], "alert", 2),
        ([("A", BULLIED, 1, 2)], "alert", 2),
        ([("A", BULLIED, 1, 1), ("A", BULLIED, 1, 2)], "alert", 3),
        ([("A", BULLIED, 1, 3)], "watch", 1),
        ([("A", BULLIED, 2, 1)], "watch", 1),
        ([("B", BULLIED, 1, 1)], "watch", 1),
        ([("A", WITNESSED, 1, 1)], "watch", 1),
    ],
)
def test_a_watch_that_was_there_before_is_an_alert(earlier, level, waves):
    found = levels([BULLIED], [(5, 0)], earlier=earlier)
    assert found["bullied", "A"] == (level, waves)
    assert found["bullied", "B"][0] is None


def test_a_signal_of_one_rule_repeats_that_rule_only():
    found = levels([BULLIED, WITNESSED], [(0, 5), (12, 0)], earlier=[("A", WITNESSED, 1, 1)])
    assert found["witnessed", "A"] == ("alert", 2)
    assert found["bullied", "B"] == ("watch", 1)
    assert found["bullied", "A"][0] is None


def test_newcomers_are_listed_again_and_never_an_alert():
    found = levels([NEWCOMERS], [(3, 0)], earlier=[("A", NEWCOMERS, 1, 1)])
    assert found["new_pupils", "A"] == ("watch", 2)


def test_witnesses_are_left_to_the_bullied_of_the_same_class_and_of_no_other():
    found = levels([BULLIED, WITNESSED], [(8, 0), (12, 12)])
    assert found["bullied", "A"][0] == "alert"
    assert found["witnessed", "A"][0] is None
    assert found["witnessed", "B"][0] == "watch"


def test_a_rule_that_nobody_answered_has_no_row_beside_one_that_somebody_did():
    quiet = levels([BULLIED], [(0, 0)], answered=0)
    assert quiet == {}
