"""Decisions that are taken back: a whole file, and several rows at once."""

import pytest

from tests.quarantine.home import NOTHING, counts_hold, events_of, flags_of, home_with
from tests.support.home import csv_bytes, drop, form, outcomes, run, school_class, survey_toml
from tests.support.state import filed, note_of, warehouse_of

OTHERS = school_class(4, prefix="Q")
ASKS = form("P001", safety="1")
FILE = csv_bytes([{**row, "strange": "x"} for row in [*OTHERS, ASKS]])


def the_delivery(asked, home) -> str:
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    return entry["delivery"]


@pytest.fixture
def rejected(tmp_path, command, asked):
    """A home with a file that waited as a whole, and was rejected; and its delivery."""
    home = home_with(tmp_path / "home")
    drop(home, "strange.csv", FILE)
    run(home)
    delivery = the_delivery(asked, home)
    assert command(home, "quarantine", "reject", delivery, "--why", "wrong_file")[0] == 0
    return home, delivery


def release(command, home, delivery, *rows):
    named = [word for row in rows for word in ("--row", str(row))]
    words = ("quarantine", "release", "--delivery", delivery, *named, "--why", "school_confirmed")
    return command(home, *words)


def mend(home) -> None:
    text = survey_toml()
    (home.surveys / "klassepuls.toml").write_text(f'dropped = ["strange"]\n{text}', "utf-8")


@pytest.mark.parametrize("mended", ["before", "after"])
def test_rejected_file_that_is_taken_back_counts_under_mended_settings(
    tmp_path, command, asked, rejected, mended
):
    home, delivery = rejected
    if mended == "before":
        mend(home)
    code, said = release(command, home, delivery)
    assert (code, "lies in the inbox again" in said) == (0, True)
    if mended == "after":
        run(home)
        assert the_delivery(asked, home) == delivery
        mend(home)
        drop(home, "same.csv", FILE)
    run(home)
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", [*OTHERS, ASKS]))
    assert asked(home, "quarantine", "list") == NOTHING
    assert counts_hold(home)
    actions = [action for action, *_ in events_of(home) if action.startswith("quarantine.r")]
    assert actions == ["quarantine.rejected", "quarantine.released"]


def test_the_same_bytes_count_where_the_file_itself_is_gone(command, asked, rejected):
    home, delivery = rejected
    for path in (home.outcome / "quarantined").glob("strange.csv*"):
        path.unlink()
    code, said = release(command, home, delivery)
    assert (code, "deliver it again" in said) == (1, True)
    mend(home)
    drop(home, "same.csv", FILE)
    assert outcomes(run(home))["same.csv"].accepted == 5


def test_copy_that_was_turned_away_is_brought_back(command, rejected):
    """The file is deleted a week after the decision; what came since lies in rejected/."""
    home, delivery = rejected
    for path in (home.outcome / "quarantined").glob("strange.csv*"):
        path.unlink()
    drop(home, "same.csv", FILE)
    run(home)
    assert filed(home)["same.csv"] == "rejected"
    assert release(command, home, delivery)[0] == 0
    mend(home)
    [(_, became)] = run(home).files
    assert became.accepted == 5


def test_file_is_taken_back_once(command, rejected):
    home, delivery = rejected
    assert release(command, home, delivery)[0] == 0
    assert release(command, home, delivery)[0] == 2


def test_all_rows_that_are_named_are_taken_back(tmp_path, command, asked):
    held = [form(f"P00{number}", grade="sju") for number in range(4)]
    home = home_with(tmp_path / "home", [*OTHERS, *held])
    delivery = the_delivery(asked, home)
    command(home, "quarantine", "reject", delivery, "--why", "wrong_file")
    code, said = release(command, home, delivery, 6, 7, 9)
    assert (code, "3 row(s)" in said) == (0, True)
    run(home)
    rows = asked(home, "quarantine", "show", delivery)["rows"]
    assert [row["row"] for row in rows] == [6, 7, 9]
    assert counts_hold(home)


def test_all_rejected_rows_are_taken_back_without_naming_them(tmp_path, command, asked):
    held = [form(f"P00{number}", grade="sju") for number in range(4)]
    home = home_with(tmp_path / "home", [*OTHERS, *held])
    delivery = the_delivery(asked, home)
    command(home, "quarantine", "reject", delivery, "--why", "wrong_file")
    code, said = release(command, home, delivery)
    assert (code, "4 row(s)" in said) == (0, True)
    run(home)
    rows = asked(home, "quarantine", "show", delivery)["rows"]
    assert [row["row"] for row in rows] == [6, 7, 8, 9]
    assert counts_hold(home)
    assert release(command, home, delivery)[0] == 4


def test_forms_that_wait_count_before_rejected_rows_are_taken_back(tmp_path, command):
    home = home_with(tmp_path / "home", [*OTHERS, form("P001")])
    drop(home, "more.csv", csv_bytes([form("P001", safety="1"), form("P008", grade="sju")]))
    run(home)
    delivery = note_of(home, "more.csv")["delivery_id"]
    command(home, "quarantine", "reject", delivery, "--why", "wrong_file")
    first, second = release(command, home, delivery), release(command, home, delivery)
    assert [code for code, _ in (first, second)] == [0, 0]
    assert ["row(s)" in said for _, said in (first, second)] == [False, True]


def of_two(**answers: str):
    """P001 and P002 answer twice, in rows 6 to 9."""
    return [*OTHERS, form("P001"), form("P001", **answers), form("P002"), form("P002", **answers)]


def counting(home) -> int:
    with warehouse_of(home) as con:
        [(forms,)] = con.execute("select count(*) from core.response").fetchall()
    return forms


def test_forms_in_all_rows_that_are_named_count(tmp_path, command, asked):
    home = home_with(tmp_path / "home", of_two(safety="1"))
    delivery = the_delivery(asked, home)
    assert release(command, home, delivery, 7, 8)[0] == 0
    assert counting(home) == 6
    assert asked(home, "quarantine", "list") == NOTHING


@pytest.mark.parametrize(("rows", "code"), [((6, 7), 4), ((7, 99), 2), ((7, 2), 2)])
def test_where_one_row_cannot_be_released_none_is(tmp_path, command, asked, rows, code):
    """Two versions of one pupil; a row that is not there; a row that counts."""
    home = home_with(tmp_path / "home", of_two(safety="1"))
    delivery = the_delivery(asked, home)
    assert release(command, home, delivery, *rows)[0] == code
    assert counting(home) == 4


def test_row_without_a_delivery_is_wrong_usage(tmp_path, command, asked):
    home = home_with(tmp_path / "home", of_two(safety="1"))
    name = asked(home, "quarantine", "list")["contradictions"][0]["id"]
    words = ("quarantine", "release", name, "--latest", "--row", "7", "--why", "other")
    assert command(home, *words)[0] == 2
