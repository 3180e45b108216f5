"""Slips in an instrument or a survey file that would be silently wrong scores are refused."""

from importlib.resources import files

import pytest

from schemas.declared import DeclarationError
from schemas.instrument import Instrument
from schemas.survey import Survey

WHO5 = (files("schemas") / "instruments" / "who5.toml").read_text(encoding="utf-8")
SURVEY = """
id = "mine"
name = "Mine"
tool = "google_forms"
linkage = "none"
instruments = ["who5_v1"]
[columns]
class_group = "Class"
[items]
"who5_v1.who5_1" = "{first}"
"who5_v1.who5_2" = "{second}"
"""


@pytest.mark.parametrize(
    ("above", "is_refused"), [("50", False), ("60", False), ("49", True), ("0", True)]
)
def test_bands_may_leave_a_score_unnamed_and_never_name_it_twice(above, is_refused):
    assert WHO5.count("\nabove = 50\n") == 1
    text = WHO5.replace("\nabove = 50\n", f"\nabove = {above}\n")
    if not is_refused:
        assert len(Instrument.from_toml(text, name="mine.toml").scales[0].bands) == 2
        return
    with pytest.raises(DeclarationError, match="two of its bands overlap"):
        Instrument.from_toml(text, name="mine.toml")


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [("Q1", "Q2", False), ("Q1", "Q1", True), ("Q1", "Class", True)],
)
def test_a_column_answers_one_item(first, second, is_refused):
    text = SURVEY.format(first=first, second=second)
    if not is_refused:
        assert len(Survey.from_toml(text, name="mine.toml").items) == 2
        return
    with pytest.raises(DeclarationError, match="a column that answers an item is mapped twice"):
        Survey.from_toml(text, name="mine.toml")
