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


# Two pupils under one code: a second form under P003, and later both have a code of their own.
SECOND = {**form("P003", wants_talk="2", grade="6", class_group="6B"), "submission": "4170"}
NEW_CODES = {"4103": "P083", "4170": "P089"}


def recoded(rows: list[Row], codes: dict[str, str]) -> list[Row]:
    return [{**row, "pupil_code": codes.get(row["submission"], row["pupil_code"])} for row in rows]


@pytest.fixture(params=["S01", "S02"])
def shared(request):
    return [*MENDED, {**SECOND, "school": request.param}]


def test_two_pupils_with_codes_of_their_own_are_released_with_the_file(
    tmp_path, command, asked, shared
):
    own = recoded(shared, NEW_CODES)
    home = home_with(tmp_path / "home", shared, own)
    one = asked(home, "quarantine", "list")["contradictions"][0]["id"]
    newest = asked(home, "quarantine", "show", one)["versions"][-1]["delivery"]
    words = ("quarantine", "release", "--delivery", newest, "--why", "shared_code")
    assert command(home, *words)[0] == 0
    run(home)
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", own))
    assert asked(home, "quarantine", "list") == NOTHING
    drop(home, "later.csv", csv_bytes([*own, {**form("P900"), "submission": "4199"}]))
    run(home)
    assert asked(home, "quarantine", "list") == NOTHING
    assert counts_hold(home)


def test_contradiction_that_was_rejected_first_lets_both_new_codes_count(
    tmp_path, command, asked, shared
):
    home = home_with(tmp_path / "home", shared)
    words = ("quarantine", "reject", name_of(asked, home), "--why", "shared_code")
    assert command(home, *words)[0] == 0
    own = recoded(shared, NEW_CODES)
    drop(home, "own.csv", csv_bytes(own))
    run(home)
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", own))
    assert asked(home, "quarantine", "list") == NOTHING
    assert counts_hold(home)


def test_form_under_its_new_code_is_not_rejected_with_the_shared_one(
    tmp_path, command, asked, shared
):
    home = home_with(tmp_path / "home", shared, recoded(shared, NEW_CODES))
    before = asked(home, "quarantine", "list")
    for found in before["contradictions"]:
        words = ("quarantine", "reject", found["id"], "--why", "shared_code")
        code, said = command(home, *words)
        assert code == 4
        assert "release --delivery" in said
    assert asked(home, "quarantine", "list") == before
    last = before["contradictions"][0]["id"]
    assert command(home, "quarantine", "reject", last, "--why", "test_rows")[0] == 0


def test_pupil_who_keeps_the_shared_code_is_released_by_the_old_form(
    tmp_path, command, asked, shared
):
    own = recoded(shared, {"4170": "P089"})
    home = home_with(tmp_path / "home", shared, own)
    found = asked(home, "quarantine", "list")["contradictions"]
    shown = [asked(home, "quarantine", "show", one["id"])["versions"] for one in found]
    forms = {(form["row"], form["delivery"]) for versions in shown for form in versions}
    (keeps, first), *others = sorted(forms)
    places = [("--delivery", newest) for row, newest in others if newest != first]
    for place in (*places, ("--delivery", first, "--row", str(keeps))):
        assert command(home, "quarantine", "release", *place, "--why", "shared_code")[0] == 0
    run(home)
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", own))
    assert asked(home, "quarantine", "list") == NOTHING
