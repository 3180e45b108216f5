"""A form that counts under another code, by the tool's number, is not let count a second time."""

import pytest

from tests.quarantine.home import counts_hold, home_with
from tests.support.home import form, school_class
from tests.support.state import warehouse_of

KEEPER, OTHER = {"safety": "1"}, {"wants_talk": "2"}


def export(second: str, *, first: int = 1000, least: int = 4):
    """A class, and two pupils of whom the second's code was X001 too until it got its own."""
    rows = [*school_class(least, prefix="Q"), form("X001", **KEEPER), form(second, **OTHER)]
    return [{**row, "submission": str(first + at)} for at, row in enumerate(rows)]


@pytest.fixture
def home(tmp_path):
    return home_with(tmp_path / "home", export("X001"), export("X002"))


def contradiction(asked, home) -> str:
    [found] = asked(home, "quarantine", "list")["contradictions"]
    return found["id"]


def release(command, home, *words):
    return command(home, "quarantine", "release", *words, "--why", "shared_code")


def of_x(home) -> list[int]:
    """The numbers of rows of the forms that count and are not of the class."""
    with warehouse_of(home) as con:
        found = con.execute("select row_no from core.response where row_no > 5").fetchall()
    return sorted(row for (row,) in found)


def place_of(asked, home, row: int) -> tuple[str, ...]:
    versions = asked(home, "quarantine", "show", contradiction(asked, home))["versions"]
    [delivery] = {one["delivery"] for one in versions if one["row"] == row}
    return ("--delivery", delivery, "--row", str(row))


def test_form_of_whoever_got_a_new_code_is_not_released_under_the_old_one(command, asked, home):
    for words in ((contradiction(asked, home), "--latest"), place_of(asked, home, 7)):
        code, said = release(command, home, *words)
        assert (code, "counts under another code" in said) == (4, True)
    assert of_x(home) == [7]


def test_form_of_whoever_keeps_the_code_is_released(command, asked, home):
    assert release(command, home, *place_of(asked, home, 6))[0] == 0
    assert of_x(home) == [6, 7]
    assert counts_hold(home)


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(export("X002", first=7000), id="numbered otherwise"),
        pytest.param(
            [{**row, "submission": str(1000 + at)} for at, row in enumerate(
                [form("X002", **OTHER), *school_class(5, prefix="R")])],
            id="each export numbered from the same",
        ),
    ],
)  # fmt: skip
def test_numbers_that_nothing_proves_hold_nothing_up(tmp_path, command, asked, later):
    home = home_with(tmp_path / "home", export("X001"), later)
    assert release(command, home, contradiction(asked, home), "--latest")[0] == 0
