"""A register's package counts once, whatever became of it and however it is dropped again."""

from datetime import UTC, datetime

import pytest

from flows.quarantine import desk as quarantine
from schemas.decision import Why
from tests.class_lists.packages import (
    AUGUST,
    JANUARY,
    a_class,
    csv_list,
    goes,
    listed,
    package,
    pupils,
    register_home,
    user,
)
from tests.support.home import drop, outcomes, run
from tests.support.state import LEDGER, contents, warehouse_of

JUNE = datetime(2026, 6, 30, 5, tzinfo=UTC)  # what has waited since August has expired
A, B, NEW = a_class("c1", "7A"), a_class("c2", "7B"), a_class("x1", "1A", "1", org="o7")
ORGS = ("o1,,Fjell skole,school,974000001", "o7,,Ny skole,school,974000007")
THREE = (goes("e1", "u1", "c1"), goes("e2", "u2", "c1"), goes("e3", "u3", "c2"))
WHOLE = package(classes=(A, B), enrollments=THREE)
MOVE = (goes("e2", "u2", "c1", status="tobedeleted"), goes("e9", "u2", "c2", status="active"))
BACK = (goes("e9", "u2", "c2", status="tobedeleted"), goes("e2", "u2", "c1", status="active"))
STANDING = {("S01", "7A"): 2, ("S01", "7B"): 1}


def changes(*, packed: str = "", with_users: bool = False, waiting: bool = True) -> bytes:
    """u2 moves, and a new school has a pupil; it waits while no setting knows the school."""
    more = {"classes": [NEW], "orgs": ORGS} if waiting else {}
    lines = [*MOVE, *([goes("n1", "n1", "x1", org="o7")] if waiting else [])]
    users = {"users": [user("u2")]} if with_users else {}
    return package("delta", enrollments=[f"{line}{packed}" for line in lines], **more, **users)


def deliver(home, name, content, *, now=JANUARY):
    drop(home, name, content)
    return outcomes(run(home, now=now))[name]


def add_school(home):
    text = home.settings_file.read_text(encoding="utf-8")
    more = '\n[[school]]\nid = "S07"\nname = "Ny skole"\nregister_id = "974000007"\n'
    home.settings_file.write_text(text + more, encoding="utf-8")


def expire(home, _first):
    run(home, now=JUNE)


def reject(home, first):
    quarantine.reject(home, first.delivery_id, [], why=Why("other"), now=JANUARY)


def released(home, _first):
    add_school(home)
    deliver(home, "released", changes())


STATES = {
    "held": lambda _home, _first: None,
    "held, and the school is known now": lambda home, _first: add_school(home),
    "released": released,
    "expired": expire,
    "rejected": reject,
}
AGAIN = {
    "same bytes": changes(),
    "packed anew": changes(packed=" "),
    "with users": changes(with_users=True),
}


@pytest.fixture
def home(tmp_path):
    home = register_home(tmp_path / "home")
    deliver(home, "whole", WHOLE, now=AUGUST)
    return home


@pytest.mark.parametrize("again", AGAIN)
@pytest.mark.parametrize("state", STATES)
def test_older_changes_never_undo_newer_ones(home, state, again):
    first = deliver(home, "first", changes())
    assert (first.accepted, first.quarantined) == (2, 2)
    deliver(home, "back", package("delta", enrollments=BACK))
    STATES[state](home, first)
    for time in range(2):
        deliver(home, f"again {time}", AGAIN[again], now=JUNE)
    found = listed(home)
    assert {place: n for place, n in found.items() if place[0] == "S01"} == STANDING
    assert ledger_adds_up(home)


@pytest.mark.parametrize("again", AGAIN)
def test_changes_that_are_applied_count_once(home, again):
    first = deliver(home, "first", changes(waiting=False))
    assert (first.outcome, first.accepted) == ("loaded", 2)
    deliver(home, "back", package("delta", enrollments=BACK))
    dropped = {
        "same bytes": changes(waiting=False),
        "packed anew": changes(waiting=False, packed=" "),
        "with users": changes(waiting=False, with_users=True),
    }
    assert deliver(home, "again", dropped[again]).outcome == "duplicate"
    assert listed(home) == STANDING


@pytest.mark.parametrize("again", AGAIN)
def test_rows_that_waited_for_a_school_count_once_when_it_is_known(home, again):
    deliver(home, "first", changes())
    add_school(home)
    second = deliver(home, "second", AGAIN[again])
    assert (second.outcome, second.quarantined) == ("loaded", 0)
    assert listed(home)[("S07", "1A")] == 1
    assert waiting(home) == 0
    before = contents(home, without=LEDGER)
    for name, content in AGAIN.items():
        assert deliver(home, f"third {name}", content).outcome == "duplicate"
    assert contents(home, without=LEDGER) == before
    assert ledger_adds_up(home)


def test_older_whole_package_that_waited_does_not_undo_newer_changes(home):
    both = package(
        classes=(A, B, NEW), enrollments=(*THREE, goes("n1", "n1", "x1", org="o7")), orgs=ORGS
    )
    assert deliver(home, "both", both).quarantined == 2
    deliver(home, "moved", changes(waiting=False))
    add_school(home)
    again = deliver(home, "both again", both)
    assert (again.outcome, again.delivered, again.accepted) == ("loaded", 7, 7)
    assert listed(home) == {("S01", "7A"): 1, ("S01", "7B"): 2, ("S07", "1A"): 1}


def test_list_of_another_kind_that_has_come_since_stays_in_force(home):
    deliver(home, "first", changes())
    ours = csv_list(*pupils("7A", 20)).replace(b"S01", b"974000001")
    deliver(home, "ours", ours)
    add_school(home)
    for time in range(2):
        deliver(home, f"again {time}", changes())
    assert listed(home) == {("S01", "7A"): 20, ("S07", "1A"): 1}


def waiting(home):
    with warehouse_of(home) as con:
        return con.execute("select count(*) from quarantine.row").fetchall()[0][0]


def ledger_adds_up(home):
    with warehouse_of(home) as con:
        found = con.execute("""
            select count(*) filter (accepted + quarantined + dropped <> delivered),
                sum(quarantined) = (select count(*) from quarantine.row)
            from core.delivery
        """).fetchall()
    return found == [(0, True)]
