"""A code that was put right in the survey tool: one form, until a person says whose it is."""

import pytest

from tests.quarantine.home import NOTHING, counts_hold, flags_of, home_with
from tests.support.home import AUTUMN, Row, csv_bytes, drop, form, run

FORMS = [{**form(f"P{n:03}"), "submission": str(4100 + n)} for n in range(8)]
ASKS = {**form("P003", wants_talk="2", bullied_by_pupils="4"), "submission": "4103"}
MENDED: list[Row] = [*FORMS[:3], ASKS, *FORMS[4:]]
TYPED: list[Row] = [*FORMS[:3], {**ASKS, "pupil_code": "X999"}, *FORMS[4:]]


@pytest.fixture
def home(tmp_path):
    return home_with(tmp_path / "home", TYPED, MENDED)


def name_of(asked, home) -> str:
    [found] = asked(home, "quarantine", "list")["contradictions"]
    assert found["versions"] == 2
    return found["id"]


def test_both_wait_in_the_report_and_neither_counts(asked, home):
    report = (home.health / "S01" / AUTUMN / "report.en.html").read_text("utf-8")
    assert report.count("Whose it is has not been decided") == 2
    assert "X999" in report
    assert "P003" in report
    assert "1 versions" not in report
    assert name_of(asked, home)
    assert counts_hold(home)


@pytest.mark.parametrize(("which", "alone"), [("--latest", MENDED), ("--first", TYPED)])
def test_released_version_counts_as_if_it_had_come_alone(
    tmp_path, command, asked, home, which, alone
):
    words = ("quarantine", "release", name_of(asked, home), which, "--why", "mended_at_source")
    assert command(home, *words)[0] == 0
    run(home)
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", alone))
    assert asked(home, "quarantine", "list") == NOTHING
    before = flags_of(home)
    for number, again in enumerate((TYPED, MENDED)):
        drop(home, f"again{number}.csv", csv_bytes([*again, form("P900")]))
    run(home)
    assert flags_of(home) == before
    assert asked(home, "quarantine", "list") == NOTHING
    assert counts_hold(home)


def test_wrong_code_that_was_taken_out_leaves_the_right_one_to_count(tmp_path, command, asked):
    home = home_with(tmp_path / "home", TYPED)
    [delivery] = {row.name for row in (home.outcome / "loaded").glob("*.json")}
    note = (home.outcome / "loaded" / delivery).read_text("utf-8")
    words = ("quarantine", "withdraw", note[17:29], "--row", "5", "--why", "mended_at_source")
    assert command(home, *words)[0] == 0
    drop(home, "mended.csv", csv_bytes(MENDED))
    run(home)
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", MENDED))
    assert asked(home, "quarantine", "list") == NOTHING
