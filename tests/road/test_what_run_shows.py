"""What `run` shows of the files: each row stands where it is."""

from flows.display import show_outcomes
from tests.support.home import csv_bytes, drop, form, make_home, outcomes, run, school_class


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
