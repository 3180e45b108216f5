"""A report is due again when it would say something else, and not before."""

import pytest

from tests.reports.school import Warehouse, fill_fjordvik, render
from warehouse.stages import school_inputs

_BULLIED = "rule_id = 'rule.class_bullied' and class_group = '7B'"
_MEAN = "rule_id = 'rule.class_wellbeing'"
_OTHERS_MEAN = "rule_id = 'rule.class_wellbeing_spread'"
_SHARES = (
    ("rule.class_bullied", 7.0, 0.08),
    ("rule.class_bullied.q_value", 0.06, 0.1),
    ("rule.class_bullied.q_of_rule", 0.04, 0.25),
)
_MEANS = ("rule.class_wellbeing", 44.04, 58.0), ("rule.class_wellbeing.grade_mean", 66.64, 58.0)


def change(table: str, values: str, where: str) -> str:
    return f"update core.{table} set {values} where {where}"  # noqa: S608


def indicator(values: str, where: str) -> str:
    return change("class_indicator", values, where)


def evidence(values: str, name: str) -> str:
    return change("flag_evidence", values, f"item_or_scale = '{name}'")


SAID = {
    "a share in per cent": indicator("baseline = 0.09", _BULLIED),
    "a signalled scale's tenth": indicator("baseline = 66.8", _MEAN),
    "a class's own tenth": evidence("observed = 43.9", "rule.class_wellbeing"),
    "an alert that now rests on the rounds before": (
        evidence("observed = 0.2", "rule.class_bullied.q_value")
        + ";"
        + indicator("q_value = 0.2", _BULLIED)
    ),
    "an answer": evidence("observed = 4", "klassepuls_core_v1.bullied_by_pupils"),
    "a class that is no longer tested": indicator("gate = 'few_answers'", _BULLIED),
    "one more signal of the school year": change(
        "flag", "evidence_count = 2", f"target = 'class' and {_BULLIED}"
    ),
}
UNSAID = {
    "a thousandth of a share": indicator("baseline = 0.081", _BULLIED),
    "a hundredth of a signalled scale": indicator("baseline = 66.62", _MEAN),
    "a scale without a signal": indicator("baseline = 20.9", _OTHERS_MEAN),
    "a share that was not tested": indicator("baseline = 0.2", "class_group = '5A'"),
    "a hundredth of a class's own figure": evidence("observed = 44.01", "rule.class_wellbeing"),
    "a rate on the same side of its limit": (
        evidence("observed = 0.07", "rule.class_bullied.q_value")
        + ";"
        + indicator("q_value = 0.07", _BULLIED)
    ),
    "what only checks the level": evidence("observed = 0.05", "rule.class_bullied.q_of_rule"),
    "what only checks a mean": evidence("observed = 60", "rule.class_wellbeing.grade_mean"),
}


@pytest.fixture
def signalled(warehouse: Warehouse) -> tuple[Warehouse, dict[str, str]]:
    codes = fill_fjordvik(warehouse)
    warehouse.con.execute(change("class_indicator", "q_value = 0.06", _BULLIED)).fetchall()
    warehouse.con.execute("delete from core.flag where target = 'class'").fetchall()
    warehouse.add_flag("rule.class_bullied", "alert", "7B", evidence=_SHARES)
    warehouse.add_flag("rule.class_wellbeing", "watch", "7B", evidence=_MEANS)
    warehouse.con.execute(change("flag", "evidence_count = 1", "target = 'class'")).fetchall()
    for rule_id, baseline in (("rule.class_wellbeing", 66.64), ("rule.class_wellbeing_spread", 18)):
        warehouse.add_indicator(
            rule_id, "7B", answered=21, observed=0, p=0.004, baseline=baseline
        )  # fmt: skip
    return warehouse, codes


def told(warehouse: Warehouse, codes: dict[str, str]) -> tuple[str, dict[str, str]]:
    return render(warehouse.read(), codes), school_inputs(warehouse.con, warehouse.wave)


@pytest.mark.parametrize("statements", SAID.values(), ids=SAID)
def test_what_a_report_says_makes_it_due(
    signalled: tuple[Warehouse, dict[str, str]], statements: str
) -> None:
    before = told(*signalled)
    signalled[0].con.execute(statements).fetchall()
    after = told(*signalled)
    assert after[0] != before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize("statements", UNSAID.values(), ids=UNSAID)
def test_what_no_reader_sees_renews_no_report(
    signalled: tuple[Warehouse, dict[str, str]], statements: str
) -> None:
    before = told(*signalled)
    signalled[0].con.execute(statements).fetchall()
    assert told(*signalled) == before
