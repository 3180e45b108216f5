"""The page of figures is what the rules do now."""

import re

from flows.backtest import CLASS_WAVES, SHARE_OFF
from flows.how_well import SEED, class_waves_table
from schemas.rule import shipped_rules
from tests.conftest import ROOT
from transforms.class_worlds import class_waves

PAGE = (ROOT / "docs" / "explanation" / "how-well-the-rules-do.md").read_text(encoding="utf-8")
AGAIN = "python -m flows.how_well docs/explanation/how-well-the-rules-do.md"


def test_the_lines_of_the_class_rules_are_the_ones_on_the_page():
    rules = shipped_rules()
    classes = {
        share: class_waves(rules, share_off=share, waves=CLASS_WAVES, seed=SEED)
        for share in (0.0, SHARE_OFF)
    }

    assert class_waves_table(classes) in PAGE, AGAIN


def test_every_rule_stands_on_the_page():
    named = set(re.findall(r"\| (?:\w+ \| )?(\w+) \| (?:any level|with a deadline) \|", PAGE))

    assert named == {rule.id.removeprefix("rule.") for rule in shipped_rules()}, AGAIN
