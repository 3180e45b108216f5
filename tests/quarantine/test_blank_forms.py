"""A form without one answer beside an answered one: it contradicts nothing, and is told."""

import pytest

from tests.quarantine.home import counts_hold, decisions_of, flags_of, home_with
from tests.support.home import ITEMS, csv_bytes, drop, form, outcomes, run, school_class
from tests.support.state import note_of, warehouse_of, words_on

OTHERS = school_class(4, prefix="Q")
FULL = form("P001", safety="1", wants_talk="2")
BLANK = form("P001") | dict.fromkeys(ITEMS, "")


def deliver(home, name, *rows):
    drop(home, name, csv_bytes(list(rows)))
    return outcomes(run(home))[name]


def counting(home) -> tuple[int, int]:
    """Forms that count, and rows that wait."""
    with warehouse_of(home) as con:
        [(forms, rows)] = con.execute("""
            select (select count(*) from core.response), (select count(*) from quarantine.row)
        """).fetchall()
    assert counts_hold(home)
    return int(forms), int(rows)


@pytest.mark.parametrize("rows", [[FULL, BLANK], [BLANK, FULL]])
def test_pupil_who_opened_the_form_twice_is_heard_at_once(tmp_path, rows):
    alone = home_with(tmp_path / "alone", [*OTHERS, FULL])
    at_once = home_with(tmp_path / "at_once", [*OTHERS, *rows])
    later = home_with(tmp_path / "later", [*OTHERS, rows[0]], [rows[1]])
    assert note_of(at_once, "0.csv")["reasons"] == {"BLANK_FORM": 1}
    for home in (at_once, later):
        assert counting(home) == (5, 0)
        assert [flag[1:] for flag in flags_of(home)] == [flag[1:] for flag in flags_of(alone)]
    assert flags_of(alone)


def test_blank_form_that_counted_leaves_when_the_pupil_has_answered(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, BLANK])
    assert counting(home) == (5, 0)
    told = deliver(home, "next.csv", *OTHERS, FULL)
    assert (told.accepted, told.quarantined, told.dropped) == (1, 0, 4)
    assert counting(home) == (5, 0)
    assert decisions_of(home) == ["quarantine.mended"]
    note = note_of(home, "0.csv")
    assert (note["accepted"], note["dropped"], note["decided"]) == (4, 1, {"mended": 1})
    told = deliver(home, "both.csv", *OTHERS, BLANK, FULL, form("P002"))
    assert (told.accepted, told.reasons) == (1, {"BLANK_FORM": 1, "DUPLICATE_ROW": 5})
    assert "BLANK_FORM: 1 rad(er)" in words_on(home, "both.csv")


@pytest.mark.parametrize("other", [{"school": "S02"}, {"wants_talk": "2"}, {"thriving": "5"}])
def test_form_of_another_school_or_with_one_answer_is_a_contradiction(tmp_path, other):
    home = home_with(tmp_path / "home", [*OTHERS, FULL, BLANK | form_changes(other)])
    assert counting(home) == (4, 2)


def form_changes(changes):
    return {name: cell for name, cell in form(**changes).items() if name.split(".")[-1] in changes}


def test_blank_forms_alone_are_one_form(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, BLANK, BLANK], [BLANK])
    assert counting(home) == (5, 0)
    assert note_of(home, "0.csv")["reasons"] == {"DUPLICATE_ROW": 1}


def test_blank_form_beside_two_that_differ_is_no_third_version(tmp_path, asked):
    home = home_with(tmp_path / "home", [*OTHERS, FULL, form("P001"), BLANK])
    [entry] = asked(home, "quarantine", "list")["contradictions"]
    assert entry["versions"] == 2
    assert counting(home) == (4, 2)


def test_answered_form_that_somebody_decided_against_does_not_silence_a_blank_one(
    tmp_path, command, asked
):
    home = home_with(tmp_path / "home", [*OTHERS, FULL, form("P001")])
    [entry] = asked(home, "quarantine", "list")["contradictions"]
    assert command(home, "quarantine", "reject", entry["id"], "--why", "shared_code")[0] == 0
    deliver(home, "blank.csv", BLANK)
    assert counting(home) == (4, 1)
