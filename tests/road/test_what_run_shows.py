"""What `run` shows of the files: each row stands where it is."""

import os

from flows.display import show_outcomes, show_run
from tests.support.home import (
    AUTUMN,
    CORE,
    SPRING,
    csv_bytes,
    drop,
    form,
    make_home,
    outcomes,
    run,
    school_class,
)
from tests.support.state import note_of, words_on


def row_of(said: str, outcome: str) -> list[str]:
    [line] = [line for line in said.splitlines() if line.strip(" │").startswith(outcome)]
    return [cell.strip() for cell in line.strip(" │").split("│")]


def test_rows_of_a_refused_file_are_not_already_there(tmp_path, capsys):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes(school_class(4)))
    drop(home, "b.csv", csv_bytes([form("P101"), form("P102", safety="ola@example.no")]))
    show_outcomes(run(home))
    said = capsys.readouterr().out
    assert "Not used" in said
    assert row_of(said, "loaded") == ["loaded", "1", "4", "4", "0", "0", "0"]
    assert row_of(said, "rejected") == ["rejected", "1", "2", "0", "0", "0", "2"]


def test_column_of_rows_not_used_stands_where_there_are_any(tmp_path, capsys):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes(school_class(4)))
    show_outcomes(run(home))
    assert "Not used" not in capsys.readouterr().out


def test_lines_of_nothing_but_delimiters_below_the_answers_are_no_rows(tmp_path):
    answers = csv_bytes(school_class(4))
    tail = b";" * answers.split(b"\n")[0].count(b";")
    below = b"\r\n".join([tail] * 3)
    home = make_home(tmp_path)
    drop(home, "a.csv", answers + below)
    drop(home, "b.csv", answers.splitlines()[0] + b"\n" + below)
    told = outcomes(run(home))
    assert (told["a.csv"].outcome, told["a.csv"].delivered, told["a.csv"].quarantined) == (
        "loaded",
        4,
        0,
    )
    assert told["b.csv"].reason == "NO_ROWS"


def test_note_says_which_columns_a_file_lacks_and_how_many_it_has_too_many(tmp_path):
    rows = school_class(4)
    fewer = [
        {key: row[key] for key in row if not key.endswith(("safety", "wants_talk"))} for row in rows
    ]
    home = make_home(tmp_path)
    drop(home, "fewer.csv", csv_bytes(fewer))
    drop(home, "more.csv", csv_bytes([row | {"Ring Kari": "1"} for row in rows]))
    assert {outcome.reason for outcome in outcomes(run(home)).values()} == {"HEADER_MISMATCH"}
    assert note_of(home, "fewer.csv")["lacking"] == [f"{CORE}.safety", f"{CORE}.wants_talk"]
    assert f"lacks: {CORE}.safety, {CORE}.wants_talk" in words_on(home, "fewer.csv")
    assert "not decided on" not in words_on(home, "fewer.csv")
    assert "columns not decided on: 1" in words_on(home, "more.csv")
    assert "lacks:" not in words_on(home, "more.csv")
    assert "Kari" not in words_on(home, "more.csv")


def test_run_says_that_a_loaded_file_is_no_longer_what_was_loaded(tmp_path, capsys):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes(school_class(4)))
    assert run(home).changed == 0
    file = home.outcome / "loaded" / "a.csv"
    later = file.with_name("a.csv.json").stat().st_mtime + 60
    os.utime(file, (later, later))
    assert run(home).changed == 0
    file.write_bytes(file.read_bytes().replace(b"girl", b"boy", 1))
    os.utime(file, (later, later))
    summary = run(home)
    assert (summary.changed, file.exists()) == (1, True)
    show_run(summary)
    assert "1 file(s) are no longer what was loaded" in capsys.readouterr().out


def test_flags_that_newer_answers_end_are_told_and_are_open_no_longer(tmp_path, capsys):
    home = make_home(tmp_path)
    drop(home, "autumn.csv", csv_bytes([form("P001", safety="1"), *school_class(3, prefix="Q")]))
    run(home)
    spring = {"wave": SPRING, "submitted_on": "2026-03-10"}
    drop(home, "spring.csv", csv_bytes([form("P001", **spring)]))
    summary = run(home)
    show_run(summary)
    said = capsys.readouterr().out
    assert "1 flag(s) lapsed, or stand again" in said
    assert {wave.wave_id: sum(wave.raised.values()) for wave in summary.waves} == {
        AUTUMN: 0,
        SPRING: 0,
    }
