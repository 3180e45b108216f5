"""A file with personal data is told of until somebody has deleted it."""

from datetime import timedelta

from tests.quarantine.home import NOTHING, home_with
from tests.support.home import NOW, csv_bytes, drop, form, run, school_class

FNR = "13100462944"  # synthetic, with valid check digits
OTHERS = school_class(4, prefix="Q")


def with_person(home, name, code=FNR, now=NOW):
    drop(home, name, csv_bytes([*OTHERS, form(code)]))
    run(home, now=now)


def test_list_tells_how_many_lie_there_since_when_and_that_they_must_go(tmp_path, command, asked):
    home = home_with(tmp_path / "home", OTHERS)
    with_person(home, f"{FNR}.csv")
    with_person(home, "copy.csv")
    with_person(home, "b.csv", f"E{FNR}", NOW + timedelta(days=3))
    first, second = asked(home, "quarantine", "list")["to_delete"]
    assert (first["files"], second["files"], second["since"]) == (2, 1, "2026-04-23")
    assert first["reason"]["code"] == "PERSONAL_DATA"
    code, said = command(home, "quarantine", "list")
    assert code == 1
    assert (
        "3 file(s) with personal data lie in outcome/rejected, the oldest since 2026-04-2" in said
    )
    assert "Slett dem" in said
    assert first["delivery"] in said
    assert FNR not in said
    assert "Nothing waits." in said


def test_file_that_was_deleted_is_told_of_no_more(tmp_path, command, asked):
    home = home_with(tmp_path / "home", OTHERS)
    with_person(home, "a.csv")
    (home.outcome / "rejected" / "a.csv").unlink()
    assert asked(home, "quarantine", "list") == NOTHING
    assert command(home, "quarantine", "list") == (0, "Nothing waits.\n")


def test_other_refused_files_may_lie_there(tmp_path, asked):
    home = home_with(tmp_path / "home", OTHERS)
    drop(home, "empty.csv", b"")
    run(home)
    assert asked(home, "quarantine", "list") == NOTHING
