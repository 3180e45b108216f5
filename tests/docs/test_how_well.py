"""The page of figures is what the rules do now."""

import re

from flows.rules.how_well import class_waves_table
from schemas.rule import shipped_rules
from tests.conftest import ROOT
from tests.support.class_figures import of_the_page

PAGE = (ROOT / "docs" / "explanation" / "how-well-the-rules-do.md").read_text(encoding="utf-8")
AGAIN = "python -m flows.rules.how_well docs/explanation/how-well-the-rules-do.md"


def test_the_lines_of_the_class_rules_are_the_ones_on_the_page():
    assert class_waves_table(of_the_page()) in PAGE, AGAIN


def test_every_rule_stands_on_the_page():
    named = set(re.findall(r"\| (?:\w+ \| )?(\w+) \| (?:any level|with a deadline) \|", PAGE))

    assert named == {rule.id.removeprefix("rule.") for rule in shipped_rules()}, AGAIN
