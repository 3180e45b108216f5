"""What a flag rests on: every answer that speaks for it, and no other."""

from datetime import date

from schemas.rule import PupilStep
from tests.rules.build import CORE, WHO5, rule_of

NEW = date(2026, 10, 1)


def test_the_evidence_is_all_that_holds_up_to_the_level_of_the_flag(town):
    town.add_form("both", {"bullied_by_pupils": 3, "bullied_digitally": 4})
    town.add_form("one", {"bullied_by_pupils": 3})
    town.add_form("new", {"company_in_breaks": 2, "thriving": 3}, enrolled_on=NEW)

    town.add_form("more", {"bullied_by_pupils": 5, "bullied_digitally": 4})

    assert town.evidence(rule_of("bullied_by_pupils"), "both") == {
        (0, "bullied_digitally"): 4,
        (0, "bullied_by_pupils"): 3,
    }
    assert town.evidence(rule_of("bullied_by_pupils"), "more") == {
        (0, "bullied_digitally"): 4,
        (0, "bullied_by_pupils"): 4,
    }
    assert town.evidence(rule_of("bullied_by_pupils"), "one") == {(1, "bullied_by_pupils"): 3}
    assert town.evidence(rule_of("new_pupil"), "new") == {
        (0, "new_pupil"): 1,
        (0, "company_in_breaks"): 3,
    }


def test_an_answer_that_speaks_only_beside_another_is_evidence_where_the_other_is_there(town):
    """Being outside and lonely together make low wellbeing a flag; neither does so alone."""
    low, small = (
        {"input": f"{WHO5}.wellbeing", "op": "at_most", "threshold": at} for at in (50, 28)
    )
    both = [
        {"input": f"{CORE}.safety", "op": "at_most", "threshold": 3},
        {"input": f"{CORE}.company_in_breaks", "op": "at_most", "threshold": 3},
    ]
    steps = (
        PupilStep(level="prompt", all_of=[small]),
        PupilStep(level="flag", all_of=[low, *both]),
    )
    rule = rule_of("low_wellbeing").model_copy(update={"steps": steps})
    nothing = {f"who5_{number}": 0 for number in range(1, 6)}
    town.add_form("both", nothing | {"safety": 3, "company_in_breaks": 2})
    town.add_form("one", nothing | {"safety": 3})
    assert town.evidence(rule, "both") == {
        (0, "wellbeing"): 28,
        (0, "safety"): 3,
        (0, "company_in_breaks"): 3,
    }
    assert town.evidence(rule, "one") == {(0, "wellbeing"): 28}
