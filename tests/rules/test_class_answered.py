"""Who has answered a class rule of several questions: a "no" needs all that were asked."""

import pytest

from schemas.rule import shipped_rules
from tests.rules.build import CORE, open_town
from tests.rules.test_linked_surveys import add, flagged

BULLIED = "rule.class_bullied"
HAS_ANSWERED = [
    # by pupils, digitally: is the form counted, and as bullied?
    (1, 1, True, False),
    (1, 3, True, True),
    (3, None, True, True),  # one "yes" is enough, whatever was skipped
    (None, 5, True, True),
    (1, None, False, False),  # the question left out may have been a "yes"
    (None, 1, False, False),
    (None, None, False, False),
]


@pytest.fixture
def town():
    with open_town() as opened:
        yield opened


def counts(town):
    flagged(town, list(shipped_rules()))
    return town.con.execute(
        """
        select survey_id, answered, observed from core.class_indicator where rule_id = ? order by 1
        """,
        [BULLIED],
    ).fetchall()


@pytest.mark.parametrize(("by_pupils", "digitally", "answered", "observed"), HAS_ANSWERED)
def test_a_question_that_was_skipped_is_no_answer_of_no(
    town,
    by_pupils,
    digitally,
    answered,
    observed,
):
    add(town, "core", "other", **{CORE: {"bullied_by_pupils": 1, "bullied_digitally": 1}})
    one = {"bullied_by_pupils": by_pupils, "bullied_digitally": digitally}
    add(town, "core", "one", **{CORE: one})
    assert counts(town) == [("core", 1 + answered, int(observed))]


def test_a_question_that_a_survey_does_not_ask_takes_nobody_away(town):
    add(town, "both", "a", **{CORE: {"bullied_by_pupils": 1, "bullied_digitally": 1}})
    add(town, "both", "b", **{CORE: {"bullied_by_pupils": 1}})
    add(town, "short", "c", **{CORE: {"bullied_by_pupils": 1}})
    add(town, "short", "d", **{CORE: {"bullied_by_pupils": 4}})
    add(town, "other", "e", **{CORE: {"safety": 1}})
    assert counts(town) == [("short", 3, 1)]
