"""The worksheet: who chose whom around a pupil, held against the choices as they were made."""

import re

import pytest

from tests.board.client import board, case_of
from tests.nominations.choosing import SURVEY, choosing_class, code
from tests.support.home import class_list, csv_bytes, drop, make_home, run
from tests.support.state import warehouse_of

OWN = 3
# 4 and 5 choose the pupil and each other; the others choose who sits next around the table.
CHANGES = {
    OWN: {"safety": "1"},
    4: {"breaks_1": code(OWN)},
    5: {"breaks_1": code(OWN), "breaks_2": code(4)},
}


def chosen_by() -> dict[str, set[str]]:
    """Whom each pupil of the class chose, from the rows of the export."""
    return {
        row["pupil_code"]: {
            one
            for name, cell in row.items()
            if name.startswith(("breaks", "work"))
            for one in cell.split(";")
            if one
        }
        for row in choosing_class(changes=CHANGES)
    }


def lists_in(page: str) -> list[list[str]]:
    """The codes under each heading of the worksheet, in the order of the page."""
    parts = re.findall(r"<h2>[^<]*</h2>\s*(<ul class=\"codes\">.*?</ul>|<p>)", page, re.DOTALL)
    return [re.findall(r'class="code">([^<]+)<', part) for part in parts]


@pytest.fixture
def home(tmp_path):
    made = make_home(tmp_path / "home", survey=SURVEY)
    drop(made, "list.csv", class_list(("S01", "7A", 12)))
    drop(made, "7A.csv", csv_bytes(choosing_class(changes=CHANGES)))
    run(made)
    return made


def test_it_lists_choices_by_code_and_gives_nobody_a_rank(home) -> None:
    with warehouse_of(home) as con:
        [(flag,)] = con.execute(
            "select left(flag_id, 8) from core.flag where rule_id = 'rule.unsafe'"
        ).fetchall()
    kari = board(home, "kari", "nurse", "S01")
    case_id = case_of(kari, flag)
    assert kari.get(f"/case/{case_id}/worksheet").status_code == 404  # the pupil has not said yes
    kari.send(f"/case/{case_id}/offer")
    kari.send(f"/case/{case_id}/accepted")
    page = kari.get(f"/case/{case_id}/worksheet").text
    chosen = chosen_by()
    own = code(OWN)
    named = chosen[own]
    named_by = {other for other, theirs in chosen.items() if own in theirs}
    mutual_of = {
        one: {other for other in theirs if one in chosen.get(other, ())}
        for one, theirs in chosen.items()
    }
    connected = {one for one, mates in mutual_of.items() if len(mates) >= 2} - {own}
    assert connected == {code(4), code(5)}
    assert lists_in(page)[:4] == [
        sorted(group) for group in (named & named_by, named, named_by, connected)
    ]
    kari.send(f"/case/{case_id}/consent", guardian="no")
    assert kari.get(f"/case/{case_id}/worksheet").status_code == 404
