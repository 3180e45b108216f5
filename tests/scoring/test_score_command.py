"""`klassepuls score`: the scores beside the file; on the terminal counts and no child."""

import json
import stat

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from flows import cli
from schemas.instrument import shipped_instruments
from tests.conftest import ROOT
from tests.gate.made_up import national_id, seeded
from tests.road.test_own_instrument import EXPORT, INSTRUMENT, SURVEY
from tests.scoring import plain_scorer
from tests.support.home import csv_bytes

WHO5 = shipped_instruments()["who5_v1"]
ITEMS = [item.id for item in WHO5.items]
CODES = [f"HEMLIG{number:02}" for number in range(8)]


def who5_rows(*answers, grade="7"):
    return [
        {
            "pupil_code": code,
            "grade": grade,
            **dict(zip([f"who5_v1.{item}" for item in ITEMS], said, strict=True)),
        }
        for code, said in zip(CODES, answers, strict=False)
    ]


ROWS = who5_rows(
    ("0", "0", "0", "0", "0"),
    ("5", "5", "5", "5", "5"),
    ("5", "5", "5", "5", "5"),
    ("3", "3", "3", "2", "1"),
    ("1", "2", "3", "4", "5"),
    ("3", "skipped", "3", "3", "3"),
    ("3", "", "dont_know", "3", "3"),
)


def score(*arguments):
    return cli.main(["score", *(str(argument) for argument in arguments)])


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "ola_nordmann.csv"
    path.write_bytes(csv_bytes(ROWS))
    return path


def scores_beside(export):
    return csv.read_csv(export.with_suffix(".scores.csv")).to_pylist()


def test_every_row_has_the_score_that_the_plain_scorer_gives(export):
    assert score(export, "--instrument", "who5_v1") == cli.DONE

    found = scores_beside(export)
    for number, (row, written) in enumerate(zip(ROWS, found, strict=True), start=2):
        answers = {
            item: int(said) if (said := row[f"who5_v1.{item}"]).isdigit() else None
            for item in ITEMS
        }
        expected, answered, band = plain_scorer.score(WHO5, WHO5.scales[0], answers)
        assert written["row_no"] == number
        assert written["wellbeing"] == expected
        assert written["wellbeing_n"] == answered
        assert (written["wellbeing_band"] or None) == band


def test_the_terminal_shows_counts_and_no_code_no_answer_and_no_name_of_a_file(export, capsys):
    score(export, "--instrument", "who5")

    said = capsys.readouterr().out
    assert "Rows: 7. Held: 0." in said
    assert "skipped 2, dont_know 1, not_asked 0" in said
    assert "5 scores, 20% at the floor, 40% at the ceiling, low 2, not_low 3." in said
    assert not any(code in said for code in CODES)
    assert "nordmann" not in said
    assert not any("HEMLIG" in str(row) for row in scores_beside(export))


@pytest.mark.parametrize("lacking", [3, 4])
def test_of_fewer_than_five_pupils_nothing_is_counted(tmp_path, capsys, lacking):
    export = tmp_path / "few.csv"
    export.write_bytes(csv_bytes(ROWS[: 7 - lacking]))
    score(export, "--instrument", "who5_v1", "--json")

    told = json.loads(capsys.readouterr().out)
    assert told["missing"] is None
    [scale] = told["scales"]
    assert [scale[name] for name in ("scored", "floor", "ceiling", "bands")] == [None] * 4


def test_counts_as_json_are_those_of_the_sentences(export, capsys):
    score(export, "--instrument", "who5_v1", "--json")

    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["held"], told["grade_known"]) == (7, 0, True)
    assert told["missing"] == {"skipped": 2, "dont_know": 1, "not_asked": 0}
    assert told["scales"] == [
        {
            "scale": "wellbeing",
            "scored": 5,
            "floor": 0.2,
            "ceiling": 0.4,
            "bands": {"low": 2, "not_low": 3},
        }
    ]


def test_the_scores_are_the_users_alone_and_an_older_file_stays(export):
    score(export, "--instrument", "who5_v1")
    written = export.with_suffix(".scores.csv")
    before = written.read_bytes()

    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert score(export, "--instrument", "who5_v1") == cli.USAGE
    assert written.read_bytes() == before


def test_every_format_gives_the_same_scores(export, tmp_path):
    table = pa.Table.from_pylist(ROWS)
    pl.DataFrame(ROWS).write_excel(tmp_path / "a.xlsx")
    pl.DataFrame(ROWS).write_ndjson(tmp_path / "a.ndjson")
    parquet.write_table(table, tmp_path / "a.parquet")
    score(export, "--instrument", "who5_v1")
    expected = [row["wellbeing"] for row in scores_beside(export)]

    for name in ("a.xlsx", "a.ndjson", "a.parquet"):
        out = tmp_path / f"{name}.scores.parquet"
        assert score(tmp_path / name, "--instrument", "who5_v1", "--out", out) == cli.DONE
        assert parquet.read_table(out).column("wellbeing").to_pylist() == expected


def test_a_row_with_an_answer_that_is_no_option_is_held_and_asks_for_a_person(tmp_path, capsys):
    export = tmp_path / "a.csv"
    export.write_bytes(csv_bytes([*ROWS, *who5_rows(("1", "1", "1", "1", "9"))]))

    assert score(export, "--instrument", "who5_v1") == cli.NEEDS_A_PERSON

    found = scores_beside(export)
    assert [row["held"] for row in found] == [""] * 7 + ["ANSWER_NOT_AN_OPTION"]
    assert "Rows: 8. Held: 1." in capsys.readouterr().out


def test_items_may_be_named_alone_and_without_a_grade_nobody_is_left_out(tmp_path, capsys):
    export = tmp_path / "a.csv"
    rows = [
        {name.removeprefix("who5_v1."): said for name, said in row.items() if name != "grade"}
        for row in ROWS
    ]
    export.write_bytes(csv_bytes(rows))

    assert score(export, "--instrument", "who5_v1") == cli.DONE
    assert "There is no grade" in capsys.readouterr().out
    assert scores_beside(export)[1]["wellbeing"] == 100


def test_pupils_of_a_lower_grade_have_a_row_and_no_score(tmp_path):
    export = tmp_path / "a.csv"
    export.write_bytes(csv_bytes([*ROWS[:2], *who5_rows(("1", "1", "1", "1", "1"), grade="3")]))

    score(export, "--instrument", "who5_v1")

    assert [row["wellbeing"] for row in scores_beside(export)] == [0, 100, None]


def test_rows_of_other_grades_are_counted_on_the_terminal(tmp_path, capsys):
    export = tmp_path / "a.csv"
    younger = who5_rows(("1", "1", "1", "1", "1"), ("2", "2", "2", "2", "2"), grade="3")
    export.write_bytes(csv_bytes([*ROWS[:2], *younger]))

    score(export, "--instrument", "who5_v1")

    said = capsys.readouterr().out
    assert "Of a grade that the instrument is not for, without a score: 2." in said


def test_the_form_of_the_page_is_scored_with_its_two_files(tmp_path):
    for name, text in (("i.toml", INSTRUMENT), ("s.toml", SURVEY), ("export.csv", EXPORT)):
        (tmp_path / name).write_text(text, encoding="utf-8")

    code = score(
        *(tmp_path / "export.csv", "--instrument", tmp_path / "i.toml"),
        *("--survey", tmp_path / "s.toml"),
    )

    assert code == cli.NEEDS_A_PERSON
    found = scores_beside(tmp_path / "export.csv")
    assert [row["strain"] for row in found] == [1.3, 4.7, 2.5, None, None]
    assert [row["held"] for row in found] == ["", "", "", "", "ANSWER_NOT_AN_OPTION"]


NETTSKJEMA = (
    """
id = "a_form"
name = "x"
tool = "nettskjema"
linkage = "none"
instruments = ["who5_v1"]
columns = { submission = "submission_id", grade = "trinn" }
items = { """
    + ", ".join(f'"who5_v1.{item}" = "{item}"' for item in ITEMS)
    + " }"
)


def test_an_export_of_a_tool_is_read_as_the_road_reads_it(tmp_path):
    (tmp_path / "s.toml").write_text(NETTSKJEMA, encoding="utf-8")
    headings = ";".join(f'"{name}"' for name in ("$submission_id", "$created", "trinn", *ITEMS))
    export = tmp_path / "a.csv"
    export.write_text(
        f'{headings}\n"1";"2025-11-05T10:00:00+01:00";"7";"1";"1";"1";"1";"1"\n', encoding="utf-8"
    )

    assert score(export, "--instrument", "who5_v1", "--survey", tmp_path / "s.toml") == cli.DONE
    assert scores_beside(export)[0]["wellbeing"] == 20


REFUSED = {
    "an instrument that nobody knows": (["--instrument", "who6_v1"], cli.USAGE),
    "an instrument without a scale": (["--instrument", "klassepuls_core_v1"], cli.USAGE),
    "columns of another instrument": (["--instrument", "stirling_v1"], cli.USAGE),
    "an ending that nobody writes": (
        ["--instrument", "who5_v1", "--out", "scores.docx"],
        cli.USAGE,
    ),
    "a survey file that is not there": (
        ["--instrument", "who5_v1", "--survey", "none.toml"],
        cli.USAGE,
    ),
}


@pytest.mark.parametrize(("arguments", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_scored_writes_nothing(export, arguments, code):
    assert score(export, *arguments) == code
    assert [path.name for path in export.parent.iterdir()] == [export.name]


def test_a_survey_of_another_instrument_is_no_help(export, tmp_path):
    survey = tmp_path / "s.toml"
    survey.write_text(SURVEY, encoding="utf-8")
    assert score(export, "--instrument", "who5_v1", "--survey", survey) == cli.USAGE


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"who5_1;who5_1\n1;1\n"])
def test_a_file_that_is_no_table_is_told_and_not_scored(tmp_path, content, capsys):
    export = tmp_path / "a.csv"
    export.write_bytes(content)
    assert score(export, "--instrument", "who5_v1") == cli.USAGE
    assert capsys.readouterr().err.startswith("not scored: ")
    assert score(tmp_path / "nowhere.csv", "--instrument", "who5_v1") == cli.USAGE


def test_a_person_in_an_answer_column_is_refused_and_not_shown(tmp_path, capsys):
    export = tmp_path / "a.csv"
    person = national_id(seeded(4))
    export.write_bytes(csv_bytes([*ROWS, *who5_rows(("1", "1", "1", "1", person))]))

    assert score(export, "--instrument", "who5_v1") == cli.REFUSED
    said = capsys.readouterr()
    assert person not in said.out + said.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_supplied_scores_are_taken_rounded_and_held_outside_their_range(tmp_path):
    export = tmp_path / "a.csv"
    rows = [{"grade": "7", "t_score": said} for said in ("47,234", "50", "83.82", "", "x")]
    export.write_bytes(csv_bytes(rows))

    assert score(export, "--instrument", "kidscreen10") == cli.NEEDS_A_PERSON
    found = scores_beside(export)
    assert [row["t_score"] for row in found] == [47.23, 50, None, None, None]
    assert [bool(row["held"]) for row in found] == [False, False, True, False, True]


def test_an_instrument_for_classes_says_so(tmp_path, capsys):
    export = tmp_path / "a.csv"
    rows = [{"lacks_companionship": "1", "left_out": "1", "isolated": "3"}] * 5
    export.write_bytes(csv_bytes(rows))
    score(export, "--instrument", "ucla3")
    assert "for classes" in capsys.readouterr().out


def test_the_page_names_the_command():
    assert "klassepuls score" in (ROOT / "docs" / "how-to" / "score-a-file.md").read_text()
