"""Rows and files that a person gives up, or the clock: they stay out, and the counts still hold."""

from datetime import timedelta

import pytest

from tests.quarantine.home import NOTHING, counts_hold, events_of, flags_of, home_with
from tests.support.home import NOW, csv_bytes, drop, form, outcomes, run, school_class
from tests.support.state import filed, ledger_of, warehouse_of, words_on

OTHERS = school_class(4, prefix="Q")
HELD = form("P001", grade="sju", safety="1")
EIGHTH = form("P008", grade="åtte")
SJU = ["--survey", "klassepuls", "--column", "grade", "--from", "sju", "--to", "7"]
DAY = timedelta(days=1)


def the_delivery(asked, home) -> str:
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    return entry["delivery"]


def reject(command, home, *words):
    return command(home, "quarantine", "reject", *words, "--why", "test_rows")


def test_rejected_row_stays_out_even_when_its_file_can_be_read_whole(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, HELD, form("P002", grade="sju")])
    assert reject(command, home, the_delivery(asked, home), "--row", "6")[0] == 0
    assert counts_hold(home)
    assert command(home, "quarantine", "map", *SJU)[0] == 0
    run(home)
    assert flags_of(home) == []
    assert [row[1:] for row in ledger_of(home).values()] == [(None, 6, 5, 0, 1)]
    assert asked(home, "quarantine", "list")["deliveries"] == []


def test_rejected_row_that_comes_again_in_another_file_does_not_wait_again(
    tmp_path, command, asked
):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    assert reject(command, home, the_delivery(asked, home))[0] == 0
    drop(home, "next.csv", csv_bytes([*OTHERS, HELD, form("P003")]))
    run(home)
    assert asked(home, "quarantine", "list")["deliveries"] == []
    assert flags_of(home) == []
    assert counts_hold(home)
    assert command(home, "quarantine", "list")[0] == 0


@pytest.mark.parametrize("twin", [HELD, form("P001", grade="åtte", safety="1")])
def test_row_that_came_mended_in_another_file_waits_no_longer(tmp_path, asked, twin):
    mended = [form("P001", safety="1"), form("P009")]
    for name, files in {"a": ([*OTHERS, twin], mended), "b": (mended, [*OTHERS, twin])}.items():
        home = home_with(tmp_path / name, *files)
        assert asked(home, "quarantine", "list") == NOTHING
        assert counts_hold(home)
        assert [action for action, *_ in events_of(home)] == ["quarantine.mended"]
        report = home.health / "S01" / "2025H" / "report.nb.html"
        assert "avklaring" not in report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "other",
    [
        form("P001", safety="2"),
        form("P001", safety="1", school="S02"),
        form("P002", safety="1"),
        form("P001", safety="1", wave="2026V", submitted_on="2026-03-10"),
    ],
)
def test_row_waits_on_where_the_other_form_says_something_else(tmp_path, asked, other):
    home = home_with(tmp_path / "home", [*OTHERS, HELD], [other])
    assert the_delivery(asked, home)
    assert counts_hold(home)


def test_row_of_a_contradiction_is_not_given_up_alone(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, form("P001"), form("P001", safety="1"), EIGHTH])
    delivery = the_delivery(asked, home)
    assert reject(command, home, delivery, "--row", "6")[0] == 2
    assert reject(command, home, delivery)[0] == 0
    assert len(asked(home, "quarantine", "show", delivery)["rows"]) == 2
    assert counts_hold(home)


def test_whole_file_that_is_rejected_is_not_tried_again(tmp_path, command, asked):
    home = home_with(tmp_path / "home", OTHERS)
    content = b"navn;alder;by\nx;y;z\nx;y;w\n"
    drop(home, "stranger.csv", content)
    run(home)
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    assert (entry["what"], entry["rows"], entry["reasons"][0]["code"]) == (
        "file", 2, "NOT_RECOGNISED",
    )  # fmt: skip
    assert reject(command, home, entry["delivery"])[0] == 0
    assert asked(home, "quarantine", "list")["deliveries"] == []
    drop(home, "again.csv", content)
    assert outcomes(run(home))["again.csv"].reason == "DECIDED_NOT_TO_USE"
    assert filed(home)["again.csv"] == "rejected"
    assert counts_hold(home)


def test_what_waits_too_long_expires_on_its_day_and_no_earlier(tmp_path, asked):
    home = home_with(tmp_path / "home", [*OTHERS, HELD, form("P002"), form("P002", safety="1")])
    drop(home, "stranger.csv", b"farge;alder\nx;y\n")
    run(home, now=NOW + DAY)
    assert run(home, now=NOW + 30 * DAY - timedelta(seconds=1)).expired == 0
    assert run(home, now=NOW + 30 * DAY).expired == 2
    assert run(home, now=NOW + 31 * DAY).expired == 1
    assert asked(home, "quarantine", "list") == NOTHING
    assert counts_hold(home)
    assert events_of(home) == [
        ("quarantine.expired", "klassepuls", {"contradictions": 1, "files": 0, "rows": 1}),
        ("quarantine.expired", "klassepuls", {"contradictions": 0, "files": 1, "rows": 0}),
    ]


def test_contradiction_waits_from_its_newest_version_on(tmp_path, asked):
    home = home_with(tmp_path / "home", [*OTHERS, form("P002"), form("P002", safety="1")])
    drop(home, "third.csv", csv_bytes([form("P002", safety="2")]))
    run(home, now=NOW + 20 * DAY)
    assert run(home, now=NOW + 40 * DAY).expired == 0
    assert run(home, now=NOW + 50 * DAY).expired == 1


def test_expired_rows_count_when_their_file_comes_again_under_mended_settings(tmp_path, command):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    run(home, now=NOW + 30 * DAY)
    command(home, "quarantine", "map", *SJU)
    drop(home, "again.csv", csv_bytes([*OTHERS, HELD]))
    assert outcomes(run(home, now=NOW + 31 * DAY))["again.csv"].accepted == 5
    assert counts_hold(home)


def test_file_of_which_nothing_counts_is_deleted_a_week_after_it_was_given_up(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, HELD], [form("P003", grade="ti")])
    later = NOW + 30 * DAY
    run(home, now=later)
    run(home, now=later + 7 * DAY - timedelta(seconds=1))
    assert filed(home) == {"0.csv": "loaded", "1.csv": "quarantined"}
    run(home, now=later + 7 * DAY)
    assert not (home.outcome / "quarantined" / "1.csv").exists()
    note = (home.outcome / "quarantined" / "1.csv.txt").read_text(encoding="utf-8")
    assert "the file was deleted: 2026-05-27" in note
    assert (home.outcome / "loaded" / "0.csv").is_file()
    assert words_on(home, "0.csv")
    assert events_of(home)[-1] == ("quarantine.files_deleted", "klassepuls", {"files": 1})


def test_nothing_expires_while_the_clock_stands_before_the_last_event(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, HELD], [form("P003", grade="ti")])
    run(home, now=NOW + 29 * DAY)
    with_event = asked(home, "quarantine", "list")["deliveries"][0]["delivery"]
    reject(command, home, with_event)
    assert run(home, now=NOW - 300 * DAY).expired == 0


def test_held_since_is_kept_when_a_file_is_read_again(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, HELD, form("P002", grade="seks")])
    before = asked(home, "quarantine", "list")["deliveries"][0]["since"]
    command(home, "quarantine", "map", *SJU)
    run(home, now=NOW + 10 * DAY)
    [after] = asked(home, "quarantine", "list")["deliveries"]
    assert (after["rows"], after["since"]) == (1, before)
    with warehouse_of(home) as con:
        assert con.execute("select count(distinct received_at) from core.delivery").fetchall() == [
            (1,)
        ]


def test_rejected_file_of_one_row_tells_of_one_row(tmp_path, command, asked):
    home = home_with(tmp_path / "home", OTHERS)
    drop(home, "b.csv", b"a;b\n1;2\n")
    run(home)
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    code, said = command(home, "quarantine", "reject", entry["delivery"], "--why", "test_rows")
    assert (code, "Not used from now on: 1 row(s)." in said) == (0, True)


def test_rejected_row_that_is_taken_back_counts_under_mended_settings(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    delivery = the_delivery(asked, home)
    assert reject(command, home, delivery)[0] == 0
    assert command(home, "quarantine", "map", *SJU)[0] == 0
    drop(home, "again.csv", csv_bytes([*OTHERS, HELD]))
    run(home)
    assert "does not count from this file" in words_on(home, "again.csv")
    [told] = asked(home, "quarantine", "show", delivery)["decided"]
    place = ("--delivery", told["of"]["delivery"], "--row", str(told["of"]["row"]))
    code, said = command(home, "quarantine", "release", *place, "--why", "other")
    assert (code, "lies in the inbox again" in said) == (0, True)
    run(home)
    assert flags_of(home) == flags_of(home_with(tmp_path / "o", [*OTHERS, {**HELD, "grade": "7"}]))
    assert asked(home, "quarantine", "list") == NOTHING
    assert asked(home, "quarantine", "show", delivery)["decided"] == []
    assert counts_hold(home)
    actions = [action for action, *_ in events_of(home) if action.startswith("quarantine.r")]
    assert actions == ["quarantine.rejected", "quarantine.released"]


def test_rejected_row_that_is_taken_back_waits_where_it_is_not_sound(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    delivery = the_delivery(asked, home)
    assert reject(command, home, delivery)[0] == 0
    place = ("--delivery", delivery, "--row", "6")
    assert command(home, "quarantine", "release", *place, "--why", "other")[0] == 0
    run(home)
    assert the_delivery(asked, home) == delivery
    assert counts_hold(home)


def test_rejected_row_whose_file_is_gone_is_read_when_it_comes_again(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    delivery = the_delivery(asked, home)
    assert reject(command, home, delivery)[0] == 0
    for path in (home.outcome / "loaded").glob("0.csv*"):
        path.unlink()
    place = ("--delivery", delivery, "--row", "6")
    code, said = command(home, "quarantine", "release", *place, "--why", "other")
    assert (code, "deliver it again" in said) == (1, True)
    drop(home, "again.csv", csv_bytes([*OTHERS, HELD]))
    run(home)
    assert the_delivery(asked, home) == delivery
