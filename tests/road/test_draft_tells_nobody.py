"""What a draft writes of answers and of persons: all options of ours, and nobody's data."""

import csv
import io
import tomllib

import pytest

from flows.cli import main
from tests.road.test_survey_draft import (
    ANSWERS,
    HAPPY,
    INSTRUMENT,
    QUESTIONS,
    decided,
    drafted,
    google_form,
    words,
)
from tests.support.home import CORE, csv_bytes, drop, form, make_home, run
from tests.support.state import filed, warehouse_of

NUMBER = "15031210140"  # invented: the day and the check digits fit
LABELS = {
    f"{CORE}.{item.id}": {
        INSTRUMENT.label(item.id, code, "nb"): str(code) for code in INSTRUMENT.codes(item.id)
    }
    for item in INSTRUMENT.items
}


def table(headings, *rows):
    text = io.StringIO()
    csv.writer(text).writerows([headings, *rows])
    return text.getvalue().encode()


def test_options_that_nobody_chose_are_mapped(tmp_path):
    codes = tomllib.loads(drafted(tmp_path, google_form({"P-001": HAPPY})))["codes"]

    assert codes == LABELS


def test_a_draft_is_the_same_whatever_the_pupils_answered(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    assert drafted(tmp_path / "a", google_form({"P-001": HAPPY})) == drafted(
        tmp_path / "b", google_form(ANSWERS)
    )


def test_an_answer_that_was_never_given_before_loads_when_it_comes(tmp_path):
    home = make_home(tmp_path / "home", survey=decided(drafted(tmp_path, google_form(ANSWERS))))
    asks = [1, 1, 1, 5, 5, 5, 5, 2]

    drop(home, "svar.csv", google_form({"P-009": asks}, capital=True))
    run(home)

    assert filed(home) == {"svar.csv": "loaded"}
    with warehouse_of(home) as con:
        assert con.execute(
            "select wants_talk, bullied_by_adults from core.answer_klassepuls_core_v1"
        ).fetchall() == [(2, 5)]


def test_only_the_languages_of_the_file_are_mapped(tmp_path):
    nynorsk = {
        item.id: {INSTRUMENT.label(item.id, code, "nn") for code in INSTRUMENT.codes(item.id)}
        for item in INSTRUMENT.items
    }
    content = google_form(ANSWERS)
    for item, given in zip(INSTRUMENT.items, zip(*ANSWERS.values(), strict=True), strict=True):
        for code in given:
            said = words(item, code, capital=True)
            label = INSTRUMENT.label(item.id, code, "nn")
            told = label[:1].upper() + label[1:]
            content = content.replace(f'"{said}"'.encode(), f'"{told}"'.encode())

    codes = tomllib.loads(drafted(tmp_path, content))["codes"]

    assert {name.split(".")[1]: set(texts) for name, texts in codes.items()} == nynorsk


@pytest.mark.parametrize("spelled", ["JENTE", "jente", " Jente "])
def test_words_for_gender_are_mapped_and_load(tmp_path, spelled):
    content = google_form(ANSWERS).replace(b'"Elevkode"', '"Elevkode","Kjønn"'.encode())
    for code in ANSWERS:
        content = content.replace(f'"{code}"'.encode(), f'"{code}","{spelled}"'.encode())
    text = drafted(tmp_path, content)
    home = make_home(tmp_path / "home", survey=decided(text))

    drop(home, "svar.csv", content)
    run(home)

    assert tomllib.loads(text)["codes"]["gender"]["gutt"] == "boy"
    with warehouse_of(home) as con:
        found = con.execute("select distinct gender from core.response").fetchall()
    assert found == [("girl",)]


def test_kobo_columns_in_groups_are_matched(tmp_path):
    headings = ["_id", "_uuid", "_submission_time", "om/skole", "om/klasse", "om/elevkode"]
    asked = [f"sp/{item.id}" for item in INSTRUMENT.items]
    row = ["1", "u-1", "2025-11-05T10:00:00", "S01", "7A", "P001", *map(str, HAPPY)]

    draft = tomllib.loads(drafted(tmp_path, table([*headings, *asked], row)))

    assert draft["columns"]["school"] == "om/skole"
    assert draft["columns"]["pupil_code"] == "om/elevkode"
    assert draft["items"][f"{CORE}.wants_talk"] == "sp/wants_talk"


def test_odk_columns_in_groups_are_matched(tmp_path):
    headings = ["SubmissionDate", "g1-skole", "g1-elevkode", "KEY", "SubmitterID", "Status"]
    headings += ["ReviewState", "DeviceID", "Edits", "FormVersion"]
    row = ["2025-11-05T10:00:00.000Z", "S01", "P001", "uuid:1", "5", "", "", "d", "0", "v1"]

    draft = tomllib.loads(drafted(tmp_path, table(headings, row)))

    assert draft["columns"]["school"] == "g1-skole"
    assert draft["columns"]["pupil_code"] == "g1-elevkode"


def test_a_draft_of_our_own_format_keeps_what_a_row_says_of_the_pupil(tmp_path):
    draft = tomllib.loads(drafted(tmp_path, csv_bytes([form("P001"), form("P002")])))

    assert draft["tool"] == "canonical"
    assert draft["columns"] == {
        name: name
        for name in (
            *("wave", "school", "class_group", "grade", "gender", "pupil_code"),
            "submitted_on",
        )
    }
    assert draft["dropped"] == []
    assert "codes" not in draft or draft["codes"] == {}


@pytest.mark.parametrize("ending", ["\r\nKX42,Ola,4,boy,FJELL\r\n", "\r\nKX42,Ola,5,girl,ELV\r\n"])
def test_a_file_without_headings_is_refused_and_its_first_pupil_told_nowhere(
    tmp_path, capsys, ending
):
    export = tmp_path / "e.csv"
    export.write_bytes(b"KX41,Kari,5,girl,FJELL" + ending.encode())

    assert main(["survey", "draft", str(export)]) == 2

    said = "".join(capsys.readouterr())
    assert "HEADER_MISSING" in said
    assert "Kari" not in said
    assert "KX41" not in said


@pytest.mark.parametrize(
    "row",
    [
        "Nora;jente;5;trist",
        "Nora;Jente;ingen;trist",
        "Nora;FJELL;trist;Nesten aldri",
        "Nora;kvinne;bra",
    ],
)
@pytest.mark.parametrize("below", ["", "Ada;x;y;z\r\n"])
def test_a_first_row_of_plain_words_is_no_row_of_headings(tmp_path, capsys, row, below):
    export = tmp_path / "e.csv"
    width = row.count(";") + 1
    export.write_text(f"{row}\r\n" + (";".join(below.split(";")[:width])), encoding="utf-8")

    assert main(["survey", "draft", str(export)]) == 2

    said = "".join(capsys.readouterr())
    assert "HEADER_MISSING" in said or "NO_ROWS" in said
    assert "Nora" not in said
    assert "trist" not in said


@pytest.mark.parametrize("headings", ["Navn på skolen;Hvordan har du det?;1", "Annet;Elev;Skole"])
def test_a_foreign_form_with_one_odd_heading_is_drafted(tmp_path, headings):
    text = drafted(tmp_path, f"{headings}\r\nA;bra;7\r\n".encode())

    assert headings.split(";")[0] in text


@pytest.mark.parametrize(
    "person", [NUMBER, "150312-10140", "kari@skole.example", "Kari Nordmann", "født 15.03.2012"]
)
def test_a_heading_that_may_be_a_person_is_told_by_its_number(tmp_path, person):
    headings = ["Skole", "Klasse", "Elevkode", person, *QUESTIONS]
    text = drafted(tmp_path, table(headings, ["S01", "7A", "P001", "x", *map(str, HAPPY)]))

    assert person not in text
    assert "# column 4: its heading may be a person's data" in text
    assert QUESTIONS[0] in text


def test_a_json_key_that_may_be_a_person_is_not_told(tmp_path):
    lines = f'[{{"q1":["a","b"],"{NUMBER}":"5"}},{{"q1":["a"],"Kari Nordmann":"5"}}]'

    text = drafted(tmp_path, lines.encode())

    assert NUMBER not in text
    assert "Nordmann" not in text
    assert text.count("its heading may be a person's data") == 2


def test_a_label_of_a_codebook_that_may_be_a_person_is_not_told(tmp_path):
    item = INSTRUMENT.items[0]
    book = tmp_path / "form.sps"
    book.write_text(
        f"VARIABLE LABELS q1 '{item.text['nb']}' /q2 'Spør Kari på {NUMBER}'.\n"
        f"VALUE LABELS q1 1 'Kari Nordmann' 2 '{NUMBER}' 3 'aldri'.\n",
        encoding="utf-8",
    )

    text = drafted(tmp_path, table(["q1", "q2"], ["1", "1"]), "--codebook", str(book))

    assert '"q2",  # (a label that may be a person' in text
    assert "option 2 may be a person's data" in text
    assert "aldri" in text
    assert NUMBER not in text
    assert "Nordmann" not in text


def test_a_file_that_is_named_after_a_pupil_gives_the_survey_another_name(tmp_path, capsys):
    export = tmp_path / f"Kari Nordmann {NUMBER}.csv"
    export.write_bytes(google_form(ANSWERS))

    assert main(["survey", "draft", str(export)]) == 0

    out = capsys.readouterr().out
    assert 'id = "survey"' in out
    assert "kari" not in out.casefold()
