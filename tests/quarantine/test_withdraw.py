"""A person takes out what counts: the home ends as if it had not come, and everybody is told."""

from datetime import timedelta

import pytest

from tests.quarantine.home import NOTHING, counts_hold, events_of, flags_of, home_with
from tests.support.home import (
    AUTUMN,
    NOW,
    Row,
    csv_bytes,
    drop,
    form,
    outcomes,
    run,
    school_class,
    survey_toml,
)
from tests.support.state import warehouse_of

OTHERS = school_class(4, prefix="Q")
ASKS = form("P001", wants_talk="2", bullied_by_pupils="4")
WHY = ("--why", "wrong_file")


def delivery(home, number: int = 0) -> str:
    """The id of the file that came as this number."""
    with warehouse_of(home) as con:
        found = con.execute(
            "select delivery_id from core.delivery order by received_at, delivery_no"
        ).fetchall()
    return str(found[number][0])[:12]


def count(home) -> int:
    assert counts_hold(home)
    with warehouse_of(home) as con:
        return int(con.execute("select count(*) from core.response").fetchall()[0][0])


def reports(home, school: str = "S01") -> str:
    return (home.health / school / AUTUMN / "report.en.html").read_text("utf-8")


@pytest.fixture
def home(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, ASKS])
    assert flags_of(home)
    return home


def test_form_that_is_taken_out_leaves_flags_and_reports(tmp_path, command, asked, home):
    assert "P001" in reports(home)
    code, said = command(home, "quarantine", "withdraw", delivery(home), "--row", "6", *WHY)
    assert (code, "Counts no more: 1 form(s)" in said) == (0, True)
    summary = run(home)
    assert count(home) == 4
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", OTHERS))
    assert "P001" not in reports(home)
    assert sum(wave.taken_out for wave in summary.waves) > 0
    with warehouse_of(home) as con:
        assert con.execute("""
            select distinct withdrawn_why from core.flag where status = 'withdrawn'
        """).fetchall() == [("form_taken_out",)]
    assert asked(home, "quarantine", "list") == NOTHING


def test_decision_stands_in_the_log_the_note_and_the_list(asked, command, home):
    command(home, "quarantine", "withdraw", delivery(home), "--row", "6", *WHY)
    action, _, detail = events_of(home)[-1]
    assert (action, detail) == (
        "quarantine.withdrawn",
        {"forms": 1, "whole_file": False, "why": "wrong_file"},
    )
    note = (home.outcome / "loaded" / "0.csv.txt").read_text("utf-8")
    assert "tatt ut av en person / taken out by a person: 1" in note
    assert "tatt imot / accepted: 4" in note
    [row] = asked(home, "quarantine", "show", delivery(home))["decided"]
    assert (row["row"], row["decision"], row["why"]) == (6, "withdrawn", "wrong_file")
    assert row["of"] == {"delivery": delivery(home), "row": 6}


@pytest.mark.parametrize("again", [[*OTHERS, ASKS], [ASKS, form("P900")]])
def test_copy_of_a_form_that_was_taken_out_stays_out(command, asked, home, again):
    command(home, "quarantine", "withdraw", delivery(home), "--row", "6", *WHY)
    run(home)
    before, forms = flags_of(home), count(home)
    drop(home, "again.csv", csv_bytes(again))
    told = outcomes(run(home))["again.csv"]
    assert flags_of(home) == before
    assert count(home) == forms + (again[-1] is not ASKS)
    assert told.reasons["DECIDED_AGAINST"] == 1
    assert asked(home, "quarantine", "list") == NOTHING


def test_other_answers_of_the_pupil_count_beside_what_was_taken_out(command, asked, home):
    command(home, "quarantine", "withdraw", delivery(home), "--row", "6", *WHY)
    drop(home, "right.csv", csv_bytes([form("P001", thriving="1")]))
    run(home)
    assert count(home) == 5
    assert asked(home, "quarantine", "list") == NOTHING


def test_form_that_was_taken_out_may_be_released(command, home):
    before = flags_of(home)
    command(home, "quarantine", "withdraw", delivery(home), "--row", "6", *WHY)
    run(home)
    place = ("--delivery", delivery(home), "--row", "6", "--why", "school_confirmed")
    assert command(home, "quarantine", "release", *place)[0] == 0
    run(home)
    assert (flags_of(home), count(home)) == (before, 5)


def test_whole_file_that_was_taken_out_counts_again_when_it_is_dropped_again(command, asked, home):
    before, once = flags_of(home), delivery(home)
    assert command(home, "quarantine", "withdraw", once, *WHY)[0] == 0
    run(home)
    assert (count(home), flags_of(home)) == (0, [])
    assert "Q001" not in reports(home)
    (home.outcome / "loaded" / "0.csv").rename(home.inbox / "0.csv")
    assert outcomes(run(home))["0.csv"].outcome == "loaded"
    with warehouse_of(home) as con:
        assert con.execute("select count(withdrawn_why) from core.flag").fetchall() == [(0,)]
    assert (count(home), flags_of(home)) == (5, before)
    assert asked(home, "quarantine", "show", once)["decided"] == []
    assert "taken out" not in (home.outcome / "loaded" / "0.csv.txt").read_text("utf-8")


def test_copy_of_a_taken_out_file_renews_the_old_note(command, home):
    content = (home.outcome / "loaded" / "0.csv").read_bytes()
    command(home, "quarantine", "withdraw", delivery(home), *WHY)
    note = home.outcome / "loaded" / "0.csv.txt"
    assert "hele fila tatt ut" in note.read_text("utf-8")
    drop(home, "copy.csv", content)
    run(home)
    assert "tatt imot / accepted: 5" in note.read_text("utf-8")


def test_copies_in_later_files_count_when_the_file_before_them_is_taken_out(tmp_path, command):
    home = home_with(tmp_path, [*OTHERS, form("P777")], [*OTHERS, ASKS])
    code, said = command(home, "quarantine", "withdraw", delivery(home), *WHY)
    assert (code, "1 file(s) that may hold copies" in said) == (0, True)
    run(home)
    assert count(home) == 5
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", [*OTHERS, ASKS]))


def test_command_that_is_given_again_brings_back_what_is_not_on_its_way(tmp_path, command, asked):
    home = home_with(tmp_path, [*OTHERS, form("P777")], [*OTHERS, ASKS])
    once = delivery(home)
    for forms in (5, 0):
        done = asked(home, "quarantine", "withdraw", once, *WHY)
        assert done == {"forms": forms, "waiting": 0, "files": 1, "missing": 0}
    assert [action for action, *_ in events_of(home)].count("quarantine.withdrawn") == 1
    run(home)
    assert count(home) == 5


@pytest.mark.parametrize("rows", [[], ["--row", "2"]])
def test_without_codes_a_file_or_a_row_is_taken_out(tmp_path, command, rows):
    forms: list[Row] = [form(None, thriving=str(n % 5 + 1)) for n in range(10)]
    home = home_with(tmp_path, forms, survey=survey_toml(linkage="none"))
    command(home, "quarantine", "withdraw", delivery(home), *rows, *WHY)
    assert count(home) == (9 if rows else 0)
    drop(home, "later.csv", csv_bytes([*forms, form(None, safety="1")]))
    run(home)
    assert count(home) == (10 if rows else 11)


def test_what_does_not_count_cannot_be_taken_out(tmp_path, command):
    home = home_with(tmp_path, [form("P001"), form("P001", safety="1"), form("P002")])
    for row, code in (("2", 2), ("3", 2), ("4", 0), ("9", 2)):
        words = ("quarantine", "withdraw", delivery(home), "--row", row, *WHY)
        assert command(home, *words)[0] == code
    assert counts_hold(home)


def test_wrong_school_is_put_right_by_the_other_folder(tmp_path, command):
    """Two schools' surveys with one form, told apart by their folders; the wrong folder first."""
    home = home_with(tmp_path)
    (home.surveys / "klassepuls.toml").unlink()
    for school in ("S01", "S02"):
        text = survey_toml(more='dropped = ["school"]').replace("klassepuls", school.lower(), 1)
        text = f'inbox_folder = "{school}"\n{text}[constants]\nschool = "{school}"\n'
        (home.surveys / f"{school.lower()}.toml").write_text(text, "utf-8")
    content = csv_bytes([*OTHERS, ASKS])
    for folder in ("S02", "S01"):
        (home.inbox / folder).mkdir(exist_ok=True)
        (home.inbox / folder / "class.csv").write_bytes(content)
        summary = run(home)
        if folder == "S02":
            assert "P001" in reports(home, "S02")
            command(home, "quarantine", "withdraw", delivery(home), *WHY)
    assert count(home) == 5
    assert sum(wave.taken_out for wave in summary.waves) > 0, "though the file is there again"
    with warehouse_of(home) as con:
        assert con.execute("""
            select distinct school_id from core.response
            union all
            select distinct school_id from core.flag where status = 'open'
        """).fetchall() == [("S01",), ("S01",)]
    assert "P001" in reports(home, "S01")
    assert "P001" not in reports(home, "S02")


def test_report_of_a_school_whose_forms_all_went_tells_of_none(tmp_path, command):
    home = home_with(tmp_path, school_class(12), school_class(9, prefix="Z", school="S02"))
    assert "9" in reports(home, "S02")
    before = reports(home, "S02")
    command(home, "quarantine", "withdraw", delivery(home, 1), *WHY)
    run(home, now=NOW + timedelta(days=1))
    after = reports(home, "S02")
    assert before != after
    assert "9 answers" not in after
    assert run(home, now=NOW + timedelta(days=2)).reports == 0, "nothing is told anew"


def test_published_wave_stays_as_it_was(command, home):
    published = [path.read_bytes() for path in sorted(home.analyst.glob("*.json"))]
    command(home, "quarantine", "withdraw", delivery(home), *WHY)
    summary = run(home)
    assert not (summary.publication and summary.publication.changed)
    assert [path.read_bytes() for path in sorted(home.analyst.glob("*.json"))] == published


def test_json_tells_counts(asked, home):
    done = asked(home, "quarantine", "withdraw", delivery(home), *WHY)
    assert done == {"forms": 5, "waiting": 0, "files": 0, "missing": 0}
