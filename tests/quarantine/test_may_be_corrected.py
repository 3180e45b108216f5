"""A form without a code that may be an earlier one, corrected: a person says whether it counts."""

from datetime import timedelta

import pytest

from tests.quarantine.home import NOTHING, counts_hold, home_with
from tests.support.home import NOW, csv_bytes, drop, form, run, survey_toml
from tests.support.state import warehouse_of

FORMS = [
    form(None, thriving=str(n % 5 + 1), safety=str(n % 4 + 1), witnessed_bullying=str(n % 3 + 1))
    for n in range(16)
]
CORRECTED = [{**FORMS[0], "class_group": "7B"}, *FORMS[1:]]


@pytest.fixture
def home(tmp_path):
    home = home_with(tmp_path, FORMS, CORRECTED, survey=survey_toml(linkage="none"))
    assert counted(home) == 16
    return home


def counted(home) -> int:
    assert counts_hold(home)
    with warehouse_of(home) as con:
        return int(con.execute("select count(*) from core.response").fetchall()[0][0])


def only_question(asked, home) -> str:
    [found] = asked(home, "quarantine", "list")["contradictions"]
    assert found["versions"] == 1
    return found["id"]


def test_note_and_report_say_that_it_waits(home):
    note = (home.outcome / "quarantined" / "1.csv.txt").read_text("utf-8")
    assert "MAY_BE_CORRECTED: 1 rad(er)" in note
    assert "FORM_GONE: 1 rad(er)" in note
    report = (home.health / "S01" / "2025H" / "report.nb.html").read_text("utf-8")
    assert "Svarene til én elev fra skolen venter på avklaring" in report


@pytest.mark.parametrize(
    ("decision", "forms"),
    [
        (["release", "--latest", "--why", "school_confirmed"], 17),
        (["reject", "--why", "answered_twice"], 16),
    ],
)
def test_decision_stands_when_the_form_is_exported_again(command, asked, home, decision, forms):
    verb, *more = decision
    assert command(home, "quarantine", verb, only_question(asked, home), *more)[0] == 0
    assert counted(home) == forms
    assert asked(home, "quarantine", "list") == NOTHING
    later = [form(None, thriving="2", submitted_on="2025-11-07")]
    drop(home, "later.csv", csv_bytes([*CORRECTED, *later]))
    drop(home, "again.csv", csv_bytes(CORRECTED) + b"\n")
    run(home)
    assert counted(home) == forms + 1
    assert asked(home, "quarantine", "list") == NOTHING


def test_what_nobody_decides_is_given_up_and_the_earlier_form_counts(asked, home):
    run(home, now=NOW + timedelta(days=31))
    assert counted(home) == 16
    assert asked(home, "quarantine", "list") == NOTHING


def test_whole_delivery_is_released_at_once(command, asked, home):
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    place = ["--delivery", entry["delivery"], "--why", "school_confirmed"]
    assert command(home, "quarantine", "release", *place)[0] == 0
    assert counted(home) == 17
