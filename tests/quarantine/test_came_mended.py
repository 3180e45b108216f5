"""Which later form is the mending of a held row, and which is another form of the pupil's.

Review 3 A1, B2 and B3: the one thing that nobody could read is where two forms may differ.
"""

import pytest

from tests.quarantine.home import NOTHING, counts_hold, home_with
from tests.support.home import csv_bytes, drop, form, outcomes, run, school_class, write_settings
from tests.support.state import note_of, warehouse_of, words_on

OTHERS = school_class(4, prefix="Q")
CALM = form("P001")
UNREAD = form("P001", wants_talk="ja, med helsesykepleier")


def waits(home) -> int:
    with warehouse_of(home) as con:
        [(rows,)] = con.execute("select count(*) from quarantine.row").fetchall()
    assert counts_hold(home)
    return int(rows)


def deliver(home, name, *rows):
    drop(home, name, csv_bytes(list(rows)))
    return outcomes(run(home))[name]


def test_form_that_came_before_is_no_mending_of_what_nobody_can_read(tmp_path, asked):
    home = home_with(tmp_path / "home", [*OTHERS, CALM], [*OTHERS, UNREAD, form("P009")])
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    assert entry["reasons"][0]["code"] == "ANSWER_NOT_AN_OPTION"
    assert [row["row"] for row in note_of(home, "1.csv")["rows"]] == [6]
    assert waits(home) == 1


def test_word_that_is_mapped_later_brings_the_row_back(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, CALM], [*OTHERS, UNREAD])
    column = ["--survey", "klassepuls", "--column", "klassepuls_core_v1.wants_talk"]
    words = ["map", *column, "--from", "ja, med helsesykepleier", "--to", "2"]
    assert command(home, "quarantine", *words)[0] == 0
    run(home)
    [contradiction] = asked(home, "quarantine", "list")["contradictions"]
    assert contradiction["id"]
    assert waits(home) == 2


def test_form_of_the_same_file_is_another_form_of_the_pupils(tmp_path):
    for name, rows in {"a": [CALM, UNREAD], "b": [UNREAD, CALM]}.items():
        home = home_with(tmp_path / name, [*OTHERS, *rows])
        assert waits(home) == 1
        # Nor is it in the next export, which has both again, nor in one that has neither.
        deliver(home, "next.csv", *OTHERS, *rows, form("P009"))
        assert waits(home) == 1
        deliver(home, "others.csv", form("P010"))
        assert waits(home) == 1


def test_form_that_was_known_before_mends_nothing_by_being_exported_again(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, CALM], [*OTHERS, UNREAD])
    assert waits(home) == 1
    deliver(home, "others.csv", *OTHERS, form("P010"))
    assert waits(home) == 1, "the pupil is not in it"
    deliver(home, "whole.csv", *OTHERS, CALM, form("P011"))
    assert waits(home) == 1, "the same was said before the row that nobody can read"


def test_three_files_of_one_run_end_as_if_they_had_come_in_three(tmp_path):
    files = {"1.csv": [*OTHERS, CALM], "2.csv": [UNREAD], "3.csv": [CALM, form("P011")]}
    for names, left in ((["1.csv", "2.csv"], 1), (["1.csv", "2.csv", "3.csv"], 1)):
        home = home_with(tmp_path / str(len(names)))
        for name in names:
            drop(home, name, csv_bytes(files[name]))
        run(home)
        assert waits(home) == left


def test_row_that_comes_again_after_it_was_mended_waits_again(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, UNREAD], [CALM])
    assert waits(home) == 0
    deliver(home, "again.csv", UNREAD, form("P011"))
    assert waits(home) == 1


@pytest.mark.parametrize("flaw", [{"grade": "sju"}, {"wants_talk": "ja"}])
@pytest.mark.parametrize(
    "moved", [{"class_group": "7B"}, {"gender": "boy"}, {"class_group": "6A", "grade": "6"}]
)
def test_row_is_mended_though_class_grade_or_gender_changed_as_well(tmp_path, flaw, moved):
    held = form("P001", safety="1", **flaw)
    mended = [OTHERS[0], form("P001", safety="1", **moved)]
    home = home_with(tmp_path / "home", [*OTHERS, held], mended)
    assert waits(home) == 0


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("nights", [1, 2])
def test_form_of_another_class_mends_nothing_that_nobody_can_read(tmp_path, swapped, nights):
    """Two class files, and one pupil who answered in both: either may ask for help."""
    files = [[*OTHERS, UNREAD], [form("B001", class_group="7B"), form("P001", class_group="7B")]]
    home = home_with(tmp_path / "home")
    for name, rows in zip(("7A.csv", "7B.csv"), reversed(files) if swapped else files, strict=True):
        drop(home, name, csv_bytes(rows))
        if nights > 1:
            run(home)
    run(home)
    assert waits(home) == 1


def test_class_of_the_row_in_another_school_is_another_class(tmp_path):
    elsewhere = form("P009", school="S02")
    moved = form("P001", class_group="7B")
    home = home_with(tmp_path / "home", [*OTHERS, UNREAD], [elsewhere, moved])
    assert waits(home) == 1


def test_row_in_doubt_whose_class_nobody_can_read_waits_for_a_person(tmp_path):
    held = UNREAD | {"class_group": "Kari"}
    home = home_with(tmp_path / "home", [*OTHERS, held], [*OTHERS, CALM])
    assert waits(home) == 1


def test_row_whose_school_nobody_knew_is_mended_by_its_own_class(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, form("P001", school="S99")], [CALM])
    assert waits(home) == 0


def test_word_that_is_mapped_later_is_heard_though_the_row_came_mended(tmp_path, command, asked):
    """What came later says no; the row that nobody could read said yes: the school is asked."""
    home = home_with(tmp_path / "home", [*OTHERS, UNREAD], [*OTHERS, CALM])
    assert waits(home) == 0
    column = ["--survey", "klassepuls", "--column", "klassepuls_core_v1.wants_talk"]
    words = ["map", *column, "--from", "ja, med helsesykepleier", "--to", "2"]
    assert command(home, "quarantine", *words)[0] == 0
    run(home)
    assert waits(home) == 2
    [contradiction] = asked(home, "quarantine", "list")["contradictions"]
    assert contradiction["versions"] == 2


def test_mapped_word_that_says_what_came_later_changes_nothing(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, UNREAD], [*OTHERS, CALM])
    column = ["--survey", "klassepuls", "--column", "klassepuls_core_v1.wants_talk"]
    for word, code in (("nei", "0"), ("ja, med helsesykepleier", "0")):
        words = ["map", *column, "--from", word, "--to", code]
        assert command(home, "quarantine", *words)[0] == 0
        run(home)
        assert asked(home, "quarantine", "list") == NOTHING
        assert waits(home) == 0
    with warehouse_of(home) as con:
        assert con.execute("select decision from quarantine.decided").fetchall() == []


@pytest.mark.parametrize("flaw", [{"gender": "", "grade": "x"}, {"class_group": "Kari"}])
def test_who_asks_stands_in_the_report_once_when_the_row_came_mended(tmp_path, flaw):
    asks = {"wants_talk": "2", "bullied_by_pupils": "5"}
    home = home_with(tmp_path / "home", [*OTHERS, form("P001", **asks, **flaw)])
    assert run(home).unheard.reported == 1
    deliver(home, "2.csv", *OTHERS, form("P001", **asks, gender="girl", class_group="7B"))
    assert run(home).unheard.reported == 0
    page = (home.health / "S01" / "2025H" / "report.nb.html").read_text(encoding="utf-8")
    assert "P001" in page


def test_held_row_that_is_delivered_again_is_told_as_held_and_not_as_counted(tmp_path):
    held = form("P001", class_group="Kari")
    home = home_with(tmp_path / "home", [held])
    told = deliver(home, "more.csv", held, form("P002"))
    assert (told.outcome, told.accepted, told.dropped) == ("loaded", 1, 1)
    assert told.reasons == {"STILL_HELD": 1}
    assert "STILL_HELD: 1 rad(er)" in words_on(home, "more.csv")
    told = deliver(home, "alone.csv", held, held | {"submitted_on": "2025-11-06"})
    assert told.reasons["STILL_HELD"] >= 1
    assert "DUPLICATE_ROW" not in told.reasons


def test_file_of_one_held_row_again_needs_a_person_as_a_copy_does(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, UNREAD])
    assert deliver(home, "first.csv", UNREAD, *OTHERS).outcome == "duplicate"
    assert waits(home) == 1
    drop(home, "again.csv", csv_bytes([UNREAD]))
    assert run(home).needs_a_person
    assert not run(home).needs_a_person
    assert note_of(home, "again.csv")["outcome"] == "duplicate"
    note = words_on(home, "again.csv")
    assert "quarantine list" in note
    assert "telles én gang" not in note


def test_file_of_one_row_that_nobody_can_read_waits_though_its_pupil_is_known(tmp_path, asked):
    home = home_with(tmp_path / "home", [*OTHERS, form("P002")])
    told = deliver(home, "c.csv", form("P002", bullied_by_adults="ja"))
    assert (told.outcome, told.quarantined) == ("quarantined", 1)
    assert asked(home, "quarantine", "list") != NOTHING


def test_form_that_somebody_decided_against_mends_nothing(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, CALM], [form("P001", safety="1")])
    [entry] = asked(home, "quarantine", "list")["contradictions"]
    words = ["release", entry["id"], "--latest", "--why", "answered_twice"]
    assert command(home, "quarantine", *words)[0] == 0
    deliver(home, "2.csv", UNREAD)
    assert waits(home) == 1
    deliver(home, "3.csv", *OTHERS, CALM, form("P011"))
    assert waits(home) == 1


def test_form_that_is_read_later_mends_by_the_day_that_its_file_came(tmp_path):
    elsewhere = form("P002", school="S09")
    home = home_with(tmp_path / "home", [*OTHERS, CALM, elsewhere], [UNREAD])
    write_settings(home, schools=("S01", "S02", "S09"))
    deliver(home, "0.csv", *OTHERS, CALM, elsewhere)
    assert waits(home) == 1, "its file is older than the row"
