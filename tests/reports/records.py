"""Single flags, answers and indicators, for tests that need no database."""

from dataclasses import replace
from datetime import date
from typing import Any

from schemas.rule import PupilRule, shipped_rules
from warehouse.school_data import ClassIndicator, Evidence, PastAnswer, PupilFlag

CORE = "klassepuls_core_v1"


def flag(rule_id: str, level: str, pupil: str = "psn-a", **changes: Any) -> PupilFlag:
    made = PupilFlag(
        flag_id="f00dcafe0001",
        pupil=pupil,
        class_group="7B",
        level=level,
        situation=next(rule.situation for rule in shipped_rules() if rule.id == rule_id),
        rule_id=rule_id,
        rule_version=1,
        review_due={"prompt": date(2026, 11, 24), "flag": date(2026, 11, 30)}.get(level),
        expires_on=date(2027, 3, 23),
        evidence=(),
        known_in=(),
    )
    return replace(made, **changes)


def answer(item: str, observed: float, threshold: float, *earlier: PastAnswer) -> Evidence:
    return Evidence(f"{CORE}.{item}", observed, threshold, earlier)


def indicator(observed: int, *, gate: str, **changes: Any) -> ClassIndicator:
    made = ClassIndicator(
        class_group="7B",
        rule_id="rule.class_bullied",
        rule_version=1,
        answered=21,
        observed=observed,
        enrolled=24,
        baseline=0.08,
        baseline_from="grade_band",
        p_exact=0.4 if gate == "tested" else None,
        gate=gate,
        survey_id="pulse",
    )
    return replace(made, **changes)


def scale_rule(name: str, threshold: float = 50) -> PupilRule:
    unsafe = next(rule for rule in shipped_rules() if rule.id == "rule.unsafe")
    step = {"input": f"who5_v1.{name}", "op": "at_most", "threshold": threshold}
    made = {**unsafe.model_dump(), "id": "rule.low_who5"}
    return PupilRule.model_validate({**made, "steps": [{"level": "flag", "any_of": [step]}]})
