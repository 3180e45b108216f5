"""A date of two readings in a tool's export is told as that, and not as one that does not exist."""

import re
from dataclasses import replace

from tests.support.exports import EXPORTS
from tests.support.state import words_on
from tests.support.tool_road import go, home_for

_STAMP = rb"\d{2}\.\d{2}\.\d{4} kl\. \d{2}\.\d{2}\.\d{2}"


def test_google_dates_of_two_readings_are_told_in_their_own_words(tmp_path):
    export = EXPORTS["google_forms"]()
    open_order, stamps = re.subn(_STAMP, b"5/11/2025 09:12:00", export.content)
    assert stamps == 8
    twice = replace(export, content=open_order)
    ran = go(home_for(tmp_path / "home", twice), twice, "a.csv")
    assert dict(ran.outcome.reasons) == {"DATE_ORDER_UNPROVEN": 8}
    assert "november eller mai" in words_on(ran.home, "a.csv")
