"""What is told of a row that comes again: that it counts only where it does.

A row that was given up for its age waits anew; what a person decided against stays out.
"""

from datetime import timedelta

import pytest

from tests.quarantine.home import NOTHING, counts_hold, home_with
from tests.support.home import NOW, csv_bytes, drop, form, outcomes, run, school_class
from tests.support.state import note_of, warehouse_of, words_on

OTHERS = school_class(4, prefix="Q")
HELD = form("P001", class_group="Kari", safety="1")
ASKS = {"wants_talk": "2", "bullied_by_pupils": "5"}
DAY = timedelta(days=1)
GIVEN_UP = NOW + 31 * DAY


def deliver(home, name, *rows, now=NOW):
    drop(home, name, csv_bytes(list(rows)))
    told = outcomes(run(home, now=now))[name]
    assert counts_hold(home)
    return told


def decide(command, asked, home, *words):
    """Give a decision on the one delivery or contradiction that waits."""
    listed = asked(home, "quarantine", "list")
    names = [entry["id"] for entry in listed["contradictions"]]
    names = names or [entry["delivery"] for entry in listed["deliveries"]]
    verb, *more = words
    [name] = names
    assert command(home, "quarantine", verb, name, *more, "--why", "other")[0] == 0


def test_row_that_waited_too_long_and_comes_again_waits_its_own_thirty_days(tmp_path, asked):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    assert run(home, now=GIVEN_UP).expired == 1
    assert asked(home, "quarantine", "list") == NOTHING
    again = GIVEN_UP + 5 * DAY
    told = deliver(home, "next.csv", *OTHERS, HELD, form("P008"), now=again)
    assert (told.accepted, told.quarantined, told.dropped) == (1, 1, 4)
    assert told.reasons == {"CLASS_INVALID": 1, "DUPLICATE_ROW": 4}
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    assert entry["rows"] == 1
    assert run(home, now=again + 29 * DAY).expired == 0
    assert run(home, now=again + 30 * DAY).expired == 1


def test_same_file_waits_anew_as_well_when_its_row_was_given_up(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    run(home, now=GIVEN_UP)
    told = deliver(home, "same.csv", *OTHERS, HELD, now=GIVEN_UP + DAY)
    assert (told.outcome, told.accepted, told.quarantined) == ("loaded", 4, 1)
    told = deliver(home, "once_more.csv", *OTHERS, HELD, now=GIVEN_UP + 2 * DAY)
    assert told.outcome == "duplicate"


@pytest.mark.parametrize("code", ["P001", ""])
def test_who_asks_in_a_row_that_was_given_up_asks_once_when_it_comes_again(tmp_path, code):
    asks = form(code, class_group="Kari", **ASKS)
    home = home_with(tmp_path / "home", [*OTHERS, asks])
    run(home, now=GIVEN_UP)
    deliver(home, "next.csv", *OTHERS, asks, form("P008"), now=GIVEN_UP + DAY)
    summary = run(home, now=GIVEN_UP + DAY)
    assert summary.unheard.reported == 1
    page = (home.health / "S01" / "2025H" / "report.nb.html").read_text(encoding="utf-8")
    assert "fristen er ute" in page, "the first day on which the pupil was heard counts"


def test_contradiction_that_was_given_up_waits_anew_when_its_versions_come_again(tmp_path, asked):
    versions = [form("P001"), form("P001", safety="1", **ASKS)]
    home = home_with(tmp_path / "home", [*OTHERS, *versions])
    assert run(home, now=GIVEN_UP).expired == 1
    told = deliver(home, "next.csv", *OTHERS, *versions, form("P008"), now=GIVEN_UP + DAY)
    assert told.reasons == {"CONFLICTING_ANSWERS": 2, "DUPLICATE_ROW": 4}
    [entry] = asked(home, "quarantine", "list")["contradictions"]
    assert entry["versions"] == 2
    assert run(home, now=GIVEN_UP + DAY).unheard.reported == 1
    assert deliver(home, "3.csv", *versions, form("P009"), now=GIVEN_UP + DAY).quarantined == 0


def test_one_version_of_a_contradiction_that_was_given_up_does_not_count_alone(
    tmp_path, asked, command
):
    home = home_with(tmp_path / "home", [*OTHERS, form("P001"), form("P001", safety="1")])
    run(home, now=GIVEN_UP)
    told = deliver(home, "next.csv", *OTHERS, form("P001"), form("P008"), now=GIVEN_UP + DAY)
    assert told.reasons["CONFLICTING_ANSWERS"] == 1
    decide(command, asked, home, "release", "--latest")
    assert counts_hold(home)
    with warehouse_of(home) as con:
        [(forms, answers)] = con.execute("""
            select count(*), count(*) filter (response_id in (select response_id from core.answer))
            from core.response
        """).fetchall()
    assert (forms, answers) == (6, 6)


def test_held_row_that_a_person_rejected_is_told_as_decided_and_not_as_counted(
    tmp_path, asked, command
):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    decide(command, asked, home, "reject")
    told = deliver(home, "next.csv", *OTHERS, HELD, form("P008"))
    assert told.reasons == {"DECIDED_AGAINST": 1, "DUPLICATE_ROW": 4}
    assert "DECIDED_AGAINST: 1 rad(er)" in words_on(home, "next.csv")
    assert asked(home, "quarantine", "list") == NOTHING
    told = deliver(home, "same.csv", *OTHERS, HELD)
    assert told.reasons == {"DECIDED_AGAINST": 1, "DUPLICATE_ROW": 4}


def test_versions_of_a_rejected_contradiction_are_told_as_decided(tmp_path, asked, command):
    versions = [form("P001"), form("P001", safety="1")]
    home = home_with(tmp_path / "home", [*OTHERS, *versions])
    decide(command, asked, home, "reject")
    told = deliver(home, "next.csv", *OTHERS, *versions, form("P008"))
    assert told.reasons == {"DECIDED_AGAINST": 2, "DUPLICATE_ROW": 4}
    told = deliver(home, "one.csv", versions[1])
    assert (told.outcome, told.reasons) == ("duplicate", {"DECIDED_AGAINST": 1})
    assert "telles én gang" not in words_on(home, "one.csv")


def test_version_that_was_not_chosen_is_told_as_decided_and_the_other_as_counted(
    tmp_path, asked, command
):
    versions = [form("P001"), form("P001", safety="1")]
    home = home_with(tmp_path / "home", [*OTHERS, *versions])
    decide(command, asked, home, "release", "--first")
    told = deliver(home, "next.csv", *OTHERS, *versions, form("P008"))
    assert told.reasons == {"DECIDED_AGAINST": 1, "DUPLICATE_ROW": 5}
    run(home)
    assert note_of(home, "next.csv")["reasons"] == told.reasons


def test_copy_of_a_version_that_waits_is_told_as_held(tmp_path):
    versions = [form("P001"), form("P001", safety="1")]
    home = home_with(tmp_path / "home", [*OTHERS, *versions])
    told = deliver(home, "next.csv", *OTHERS, *versions, form("P008"))
    assert told.reasons == {"STILL_HELD": 2, "DUPLICATE_ROW": 4}


# Copies, byte for byte, of a file whose rows were copies of another file's forms.


def test_byte_copy_of_a_growing_export_tells_rows_that_wait(tmp_path, command, asked):
    first, both = [*OTHERS, form("P001")], [*OTHERS, form("P001"), form("P001", safety="1")]
    grown = [*both, form("P090")]
    home = home_with(tmp_path / "home", first, both, grown)
    told = again(home, "copy.csv", grown)
    assert (told.outcome, told.has_waiting_rows) == ("duplicate", True)
    assert told.reasons == {"DUPLICATE_ROW": len(grown) - 2, "STILL_HELD": 2}
    name = asked(home, "quarantine", "list")["contradictions"][0]["id"]
    words = ("quarantine", "release", name, "--first", "--why", "answered_twice")
    assert command(home, *words)[0] == 0
    told = again(home, "once_more.csv", grown)
    assert told.reasons == {"DUPLICATE_ROW": len(grown) - 1, "DECIDED_AGAINST": 1}
    assert counts_hold(home)


def test_byte_copy_says_that_rows_count_which_a_later_file_brought(tmp_path, command, asked):
    held = [*OTHERS, form("P001", class_group="Bjørnene")]
    home = home_with(tmp_path / "home", held)
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    words = ("quarantine", "reject", entry["delivery"], "--why", "test_rows")
    assert command(home, *words)[0] == 0
    told = again(home, "copy.csv", held)
    assert told.reasons == {"DUPLICATE_ROW": len(OTHERS), "DECIDED_AGAINST": 1}
    with home.settings_file.open("a", encoding="utf-8") as settings:
        settings.write('\n[classes]\nnames = ["Bjørnene"]\n')
    drop(home, "next.csv", csv_bytes([*held, form("P090")]))
    run(home)
    told = again(home, "copy2.csv", held)
    assert told.reasons == {"DUPLICATE_ROW": len(held)}
    assert counts_hold(home)


def again(home, name, rows):
    drop(home, name, csv_bytes(rows))
    return outcomes(run(home))[name]
