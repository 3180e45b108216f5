"""A contradiction: whichever version a person chooses, the home ends as if only that had come."""

import pytest

from tests.quarantine.home import NOTHING, counts_hold, decisions_of, flags_of, home_with
from tests.support.home import csv_bytes, drop, form, run, school_class
from tests.support.state import ledger_of, warehouse_of

SAFE, UNSAFE = form("P001"), form("P001", safety="1", bullied_by_pupils="4")
OTHERS = school_class(4, prefix="Q")


def only_contradiction(asked, home) -> str:
    [found] = asked(home, "quarantine", "list")["contradictions"]
    return found["id"]


@pytest.mark.parametrize("files", [[[*OTHERS, SAFE], [UNSAFE]], [[*OTHERS, SAFE, UNSAFE]]])
@pytest.mark.parametrize(("which", "alone"), [("--first", SAFE), ("--latest", UNSAFE)])
def test_released_version_gives_the_flags_that_it_would_give_alone(
    tmp_path, command, asked, files, which, alone
):
    home = home_with(tmp_path / "home", *files)
    assert flags_of(home) == []
    name = only_contradiction(asked, home)
    code, said = command(home, "quarantine", "release", name, which, "--why", "school_confirmed")
    assert (code, "Decided: 1" in said) == (0, True)
    run(home)
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", [*OTHERS, alone]))
    assert counts_hold(home)
    assert asked(home, "quarantine", "list") == NOTHING


def test_version_is_chosen_by_its_place_and_may_be_chosen_anew(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, SAFE, UNSAFE])
    shown = asked(home, "quarantine", "show", only_contradiction(asked, home))
    assert [(version["row"], version["state"]) for version in shown["versions"]] == [
        (6, "waits"), (7, "waits"),
    ]  # fmt: skip
    delivery = shown["versions"][0]["delivery"]
    ends = []
    for row in ("7", "6", "7"):
        place = ["--delivery", delivery, "--row", row, "--why", "answered_twice"]
        assert command(home, "quarantine", "release", *place)[0] == 0
        run(home)
        assert counts_hold(home)
        ends.append(bool(flags_of(home)))
        assert command(home, "quarantine", "release", *place)[0] == 2, "it counts already"
    assert ends == [True, False, True]
    assert decisions_of(home) == ["quarantine.released"] * 3


@pytest.mark.parametrize("again", [SAFE, UNSAFE])
def test_copy_of_any_version_changes_nothing_after_the_decision(tmp_path, command, asked, again):
    home = home_with(tmp_path / "home", [*OTHERS, SAFE], [UNSAFE])
    name = only_contradiction(asked, home)
    command(home, "quarantine", "release", name, "--latest", "--why", "school_confirmed")
    run(home)
    before = flags_of(home)
    drop(home, "later.csv", csv_bytes([again, form("P900")]))
    run(home)
    assert flags_of(home) == before
    assert asked(home, "quarantine", "list")["contradictions"] == []
    assert counts_hold(home)


def test_third_version_makes_the_chosen_one_wait_again(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, SAFE], [UNSAFE])
    name = only_contradiction(asked, home)
    command(home, "quarantine", "release", name, "--latest", "--why", "school_confirmed")
    run(home)
    drop(home, "third.csv", csv_bytes([form("P001", thriving="1")]))
    run(home)
    assert flags_of(home) == []
    assert only_contradiction(asked, home) == name
    states = [version["state"] for version in asked(home, "quarantine", "show", name)["versions"]]
    assert states == ["not used", "waits", "waits"]
    command(home, "quarantine", "release", name, "--first", "--why", "school_confirmed")
    run(home)
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", [*OTHERS, UNSAFE]))
    assert counts_hold(home)


def test_whole_delivery_is_chosen_where_another_one_contradicts_it(tmp_path, command, asked):
    safe = [form(f"P{number:03}") for number in range(5)]
    unsafe = [form(f"P{number:03}", safety="1") for number in range(5)]
    home = home_with(tmp_path / "home", [*OTHERS, *safe], unsafe)
    [second] = [key for key, (_, _, delivered, *_) in ledger_of(home).items() if delivered == 5]
    words = ["release", "--delivery", second, "--why", "school_confirmed"]
    assert "Decided: 5" in command(home, "quarantine", *words)[1]
    run(home)
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", [*OTHERS, *unsafe]))
    assert counts_hold(home)


def test_delivery_that_contradicts_itself_is_not_chosen_as_a_whole(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [SAFE, UNSAFE])
    [waiting] = asked(home, "quarantine", "list")["deliveries"]
    words = ["release", "--delivery", waiting["delivery"], "--why", "school_confirmed"]
    code, said = command(home, "quarantine", *words)
    assert code == 4
    assert "--row" in said
    assert decisions_of(home) == []


def test_row_that_is_held_for_a_cell_cannot_be_released(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, form("P001", grade="7. trinn")])
    [waiting] = asked(home, "quarantine", "list")["deliveries"]
    place = ["--delivery", waiting["delivery"], "--row", "6", "--why", "school_confirmed"]
    code, said = command(home, "quarantine", "release", *place)
    assert code == 4
    assert "quarantine map" in said
    assert "corrected file" in said
    assert command(home, "quarantine", "release", *place[:2], "--row", "2", *place[4:])[0] == 2


@pytest.mark.parametrize("target", ["C-0123456789", "abcdef123456", "abc"])
def test_what_is_not_there_is_wrong_usage(tmp_path, command, target):
    home = home_with(tmp_path / "home", OTHERS)
    assert command(home, "quarantine", "show", target)[0] == 2
    assert command(home, "quarantine", "reject", target, "--why", "other")[0] == 2


@pytest.mark.parametrize("decide", [("release", "--latest"), ("reject",)])
def test_reject_and_release_keep_their_word_when_the_file_is_read_again(
    tmp_path, command, asked, decide
):
    stays = [SAFE, UNSAFE, form("P002", grade="sju")]
    home = home_with(tmp_path / "home", [*OTHERS, *stays])
    name = only_contradiction(asked, home)
    command(home, "quarantine", decide[0], name, *decide[1:], "--why", "school_confirmed")
    run(home)
    before = flags_of(home)
    sju = ["--survey", "klassepuls", "--column", "grade", "--from", "sju", "--to", "7"]
    assert command(home, "quarantine", "map", *sju)[0] == 0
    run(home)
    assert flags_of(home) == before
    assert counts_hold(home)
    assert asked(home, "quarantine", "list") == NOTHING
    with warehouse_of(home) as con:
        accepted = con.execute("select sum(accepted) from core.delivery").fetchall()
    assert accepted == [(4 + 1 + (decide[0] == "release"),)]


def test_rejected_contradiction_raises_nothing_until_a_person_takes_a_further_version(
    tmp_path, command, asked
):
    home = home_with(tmp_path / "home", [*OTHERS, SAFE], [UNSAFE])
    name = only_contradiction(asked, home)
    assert command(home, "quarantine", "reject", name, "--why", "shared_code")[0] == 0
    run(home)
    assert flags_of(home) == []
    assert asked(home, "quarantine", "list") == NOTHING
    drop(home, "copy.csv", csv_bytes([UNSAFE, form("P900")]))
    run(home)
    assert flags_of(home) == []
    drop(home, "third.csv", csv_bytes([form("P001", thriving="1")]))
    run(home)
    assert flags_of(home) == []
    assert only_contradiction(asked, home) == name
    assert counts_hold(home)
