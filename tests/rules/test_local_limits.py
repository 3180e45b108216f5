"""Limits that the municipality's own grade sets: from enough answers, from everybody, and right."""

from datetime import date
from statistics import stdev

import numpy as np
import pytest

from schemas.rule import Condition, shipped_rules
from tests.rules.build import AUTUMN, INSTRUMENTS, SPRING, WINTER, open_town
from tests.rules.test_linked_surveys import NOW, ROUTED
from transforms.flag_inputs import inputs_of
from transforms.pupil_flags import condition_sql
from transforms.statistics.reliability import cronbach_alpha
from transforms.statistics.reliable_change import smallest_reliable_change
from transforms.yardsticks import FEWEST_ANSWERS, as_far_as_measured, even_limits
from warehouse.example_forms import Form, insert_forms, items_for
from warehouse.flag import score_and_flag
from warehouse.yardsticks import measure_limits

RULES = {rule.id: rule for rule in shipped_rules()}
STIRLING, SHORT = "stirling_v1", "swemwbs_v1"
LOWEST = Condition(input=f"{STIRLING}.wellbeing", op="below_percentile", threshold=10)
BEFORE = LOWEST.model_copy(update={"wave": "previous"})
FALL = Condition(input=f"{STIRLING}.wellbeing", op="fallen_reliably", threshold=1.96)


@pytest.fixture
def town():
    with open_town() as opened:
        yield opened


def scored(town, scores, *, wave=AUTUMN, grade=7, key=STIRLING, named=True):
    """A pupil p0, p1, ... for each score."""
    scale = next(scale for scale in INSTRUMENTS[key].scales if scale.id == "wellbeing")
    forms = [
        Form(
            f"p{grade}-{number}" if named else None, wave, "7A", grade, date(2020, 8, 17),
            {key: items_for(score, scale, INSTRUMENTS[key], where="tests")},
        )
        for number, score in enumerate(scores)
    ]  # fmt: skip
    insert_forms(town.con, forms, first=town.forms + 1)
    town.forms += len(forms)


def limits(town, rule_id, *, wave=AUTUMN):
    return measure_limits(town.con, wave, [RULES[rule_id]], INSTRUMENTS)


def flags(town, *, wave=AUTUMN):
    score_and_flag(
        town.con, wave, instruments=INSTRUMENTS, rules=list(RULES.values()), settings=ROUTED,
        now=NOW,
    )  # fmt: skip
    return town.con.execute(
        """
        select pupil, rule_id, level from core.flag
        where wave_id = $wave and target = 'pupil' and status = 'open' order by all
        """,
        {"wave": wave},
    ).fetchall()


EVEN = [12 + number % 40 for number in range(FEWEST_ANSWERS)]  # five pupils a score, 12 to 51


def test_a_grade_of_one_answer_too_few_has_no_limit(town):
    scored(town, EVEN[:-1])
    assert limits(town, "rule.low_childrens_wellbeing") == {}
    assert flags(town) == []


def test_below_the_tenth_of_a_grade_are_fewer_than_ten_of_a_hundred(town):
    scored(town, EVEN)
    found = limits(town, "rule.low_childrens_wellbeing")
    assert found == {LOWEST: {7: 15.0}}  # 20 of 200 are below 16, and 15 below 15
    assert len(flags(town)) == sum(score < 15 for score in EVEN) == 15


def test_equal_answers_put_nobody_below(town):
    scored(town, [40] * FEWEST_ANSWERS)
    assert limits(town, "rule.low_childrens_wellbeing") == {LOWEST: {7: 40.0}}
    assert flags(town) == []


def test_each_grade_has_its_own_limit_and_a_small_one_borrows_none(town):
    scored(town, EVEN)
    scored(town, [score + 8 for score in EVEN], grade=8)
    scored(town, [12] * 20, grade=9)
    assert limits(town, "rule.low_childrens_wellbeing")[LOWEST] == {7: 15.0, 8: 23.0}
    assert {pupil.partition("-")[0] for pupil, _, _ in flags(town)} == {"p7", "p8"}


def test_forms_without_a_code_are_part_of_the_grade(town):
    scored(town, EVEN[:100])
    scored(town, EVEN[100:], named=False)
    assert limits(town, "rule.low_childrens_wellbeing") == {LOWEST: {7: 15.0}}


def test_the_wave_before_has_a_limit_of_its_own(town):
    scored(town, [score + 8 for score in EVEN], wave=SPRING)
    scored(town, EVEN)
    found = limits(town, "rule.low_childrens_wellbeing")
    assert found == {LOWEST: {7: 15.0}, BEFORE: {(SPRING, 7): 23.0}}
    # p0, p1, p2 have 12, 13 and 14 now and had 20, 21 and 22 then: low for the grade both times.
    assert {
        level for _, rule, level in flags(town) if rule.endswith("low_childrens_wellbeing")
    } == {"flag"}


def test_the_limit_of_the_wave_before_is_that_of_the_grade_which_the_pupil_was_in(town):
    scored(town, [score + 8 for score in EVEN], wave=SPRING, grade=7)
    scored(town, [12] * FEWEST_ANSWERS, wave=SPRING, grade=8)
    scored(town, EVEN, grade=8)
    town.con.execute(
        "update core.response set pupil = replace(pupil, 'p8', 'p7') where wave_id = $wave",
        {"wave": AUTUMN},
    ).fetchall()
    assert {rule: level for _, rule, level in flags(town)}["rule.low_childrens_wellbeing"] == "flag"


def test_a_reliable_fall_is_told_from_the_spread_of_the_grade_and_the_lowest_reliability(town):
    scored(town, EVEN)
    expected = smallest_reliable_change(stdev(EVEN), 0.75)
    assert limits(town, "rule.childrens_wellbeing_fell")[FALL] == {7: pytest.approx(expected)}


def test_falls_on_both_sides_of_the_limit(town):
    expected = smallest_reliable_change(stdev(EVEN), 0.75)  # 16.0: a fall of 17 is more, 15 is not
    assert 15 < expected < 17
    then = [*EVEN]
    for pupil, by in ((30, 17), (31, 15)):
        then[pupil] = EVEN[pupil] + by
    then[2], then[3] = 31, 29  # fell by 17 to 14, low for the grade; by 14 to 15
    scored(town, then, wave=SPRING)
    scored(town, EVEN)
    fell = {
        (pupil, level)
        for pupil, rule, level in flags(town)
        if rule.endswith("childrens_wellbeing_fell")
    }
    assert fell == {("p7-30", "watch"), ("p7-2", "flag")}
    told = town.con.execute(
        """
        select e.wave_id, observed, round(threshold, 6) from core.flag_evidence e
            join core.flag f using (flag_id)
        where pupil = 'p7-30' and rule_id = 'rule.childrens_wellbeing_fell' order by observed desc
        """
    ).fetchall()
    assert told == [(SPRING, 59.0, round(expected, 6)), (AUTUMN, 42.0, round(expected, 6))]


def test_a_scale_without_a_reliability_has_that_of_the_grade(town):
    scored(town, [(7.0, 15.84, 21.54, 26.02, 35.0)[number % 5] for number in range(250)],
           key=SHORT, grade=12)  # fmt: skip
    items = [f"swemwbs_{number}" for number in range(1, 8)]
    rows = town.con.table(f"core.answer_{SHORT}").select(*items).fetchall()
    [(_, found)] = [
        (condition, by_grade)
        for condition, by_grade in limits(town, "rule.short_wellbeing_fell").items()
        if condition.is_fall
    ]
    sd = stdev(
        score for (score,) in town.con.table(f"core.score_{SHORT}").select("wellbeing").fetchall()
    )
    alpha = cronbach_alpha(np.asarray(rows, np.float64))
    assert found == {12: pytest.approx(smallest_reliable_change(sd, alpha))}


def test_answers_that_do_not_hang_together_give_no_limit_for_a_fall(town):
    scored(town, [35.0] * FEWEST_ANSWERS, key=SHORT, grade=12)
    assert not any(condition.is_fall for condition in limits(town, "rule.short_wellbeing_fell"))


def test_nothing_is_looked_at_for_a_limit_that_nobody_measured(town):
    town.add_form("x", {"company_in_breaks": 3, "thriving": 3})
    rules = as_far_as_measured(list(RULES.values()), limits(town, "rule.low_childrens_wellbeing"))
    inputs = inputs_of(rules, INSTRUMENTS)
    assert f"{SHORT}.wellbeing" not in inputs.names
    assert not any(name.startswith(STIRLING) for name in inputs.earlier)
    assert "rule.low_childrens_wellbeing" not in {rule.id for rule in rules}
    assert condition_sql(LOWEST, inputs) == "false"


def test_limits_of_examples_are_what_the_tables_say():
    found = even_limits(list(RULES.values()), INSTRUMENTS, before=SPRING)
    by_op = {(condition.input.partition("_")[0], condition.op): by_grade[7]
             for condition, by_grade in found.items() if condition != BEFORE}  # fmt: skip
    assert by_op == {
        ("stirling", "below_percentile"): pytest.approx(31.2),
        ("pisa", "below_percentile"): pytest.approx(2.2),
        ("swemwbs", "below_percentile"): pytest.approx(18.2),
        ("stirling", "fallen_reliably"): pytest.approx(11.45, abs=0.01),
        ("swemwbs", "fallen_reliably"): pytest.approx(6.68, abs=0.01),
    }
    assert found[BEFORE][SPRING, 7] == pytest.approx(31.2)


@pytest.mark.parametrize(
    ("op", "threshold"),
    [("fallen_reliably", 1.95), ("below_percentile", 0), ("below_percentile", 25.1)],
)
def test_a_limit_that_would_be_chance_or_a_crowd_is_refused(op, threshold):
    with pytest.raises(ValueError, match=r"standard errors|of 100"):
        Condition(input="stirling_v1.wellbeing", op=op, threshold=threshold)


def test_a_single_answer_has_no_percentile(town):
    rule = RULES["rule.low_belonging"].model_dump()
    rule["steps"][0]["all_of"][0]["input"] = "klassepuls_core_v1.safety"
    strange = type(RULES["rule.low_belonging"]).model_validate(rule)
    with pytest.raises(ValueError, match="no scale"):
        measure_limits(town.con, WINTER, [strange], INSTRUMENTS)


def test_limits_are_kept_for_the_reports_as_they_are_now(town):
    kept = "select input, op, threshold, looks_at, grade, value from core.local_limit order by all"
    scored(town, EVEN)
    flags(town)
    lowest = (f"{STIRLING}.wellbeing", "below_percentile", 10.0, "this", 7, 15.0)
    assert lowest in town.con.execute(kept).fetchall()
    town.con.execute("delete from core.response where response_id = 1").fetchall()
    town.con.execute("delete from core.stage").fetchall()
    flags(town)
    assert town.con.execute(kept).fetchall() == []
