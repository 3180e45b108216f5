"""Somebody's number stops a file before anybody has decided on its columns, and in class lists."""

import io
import json

import pytest
import xlsxwriter

from tests.quarantine.home import asked, command
from tests.support.home import class_list, csv_bytes, drop, form, make_home, run, school_class
from tests.support.state import note_of, words_on

__all__ = ["asked", "command"]

FNR = "13100462944"  # synthetic, with valid check digits


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


UNDECIDED = {
    "among words, above": f"Kari Nordmann {FNR} ble slått i dag\nnotat\n",
    "among words, alone": f"Kari Nordmann {FNR} ble slått i dag\n",
    "a heading of two words": f"fnr {FNR}\nx\ny\n",
    "a reference": json.dumps(
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {
                    "resource": {
                        "resourceType": "QuestionnaireResponse",
                        "status": "completed",
                        "subject": {"reference": f"Patient/{FNR}"},
                        "item": [{"linkId": "q1", "answer": [{"valueInteger": 1}]}],
                    }
                }
            ],
        }
    ),
    "a ragged row": f"a;b\n{FNR};1;3\n",
    "a ragged row of a form": csv_bytes(school_class(3)).decode() + f"S01;7A;7;girl;{FNR}\n",
    "below doubled headings": f"a;a\n{FNR};1\n",
    "behind an open quote": f'a;b\n"{FNR};1\nx;2\n',
    "in the letters of Windows": f"fødselsnr;b\n{FNR};1\n",
    "of no survey": f"Klasse;Navn;Fnr\n7A;Kari;{FNR}\n",
    "one column more": csv_bytes([form("P001") | {"kommentar": f"ring {FNR}"}]).decode(),
    "a number for a heading": csv_bytes([form("P001") | {FNR: "x"}]).decode(),
    "a number for a key": json.dumps([{FNR: "x", "panel": [1, 2]}, {FNR: "y", "panel": [1]}]),
}


@pytest.mark.parametrize("text", UNDECIDED.values(), ids=UNDECIDED)
def test_number_in_a_file_that_nobody_has_decided_on_stops_it(home, text):
    encoding = "cp1252" if text.startswith("fødselsnr") else "utf-8"
    drop(home, "a.dat", text.encode(encoding))
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.reason) == ("rejected", "PERSONAL_DATA")
    assert not list((home.outcome / "rejected").glob("*.decision.toml"))
    assert FNR not in words_on(home, "a.dat")


def sheet_with(name, *rows):
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet(name)
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return buffer.getvalue()


def test_number_below_doubled_headings_of_a_workbook_is_told_with_its_row(home):
    drop(home, "a.xlsx", sheet_with("S", ["a", "a"], ["x", 1], ["y", FNR]))
    [(_, outcome)] = run(home).files
    assert outcome.reason == "PERSONAL_DATA"
    assert note_of(home, "a.xlsx")["rows"] == [
        {"row": 3, "reasons": ["national_id"], "columns": ["2"]}
    ]


def answers_and(name, rows):
    """A sound form, and behind it a hidden sheet of that name."""
    buffer, answers = io.BytesIO(), form("P001")
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        first = book.add_worksheet("Svar")
        for at, row in enumerate([list(answers), list(answers.values())]):
            first.write_row(at, 0, row)
        second = book.add_worksheet(name)
        for at, row in enumerate(rows):
            second.write_row(at, 0, row)
        second.hide()
    return buffer.getvalue()


def test_number_beside_the_answers_stops_a_workbook_and_is_told_with_its_row(home):
    drop(home, "a.xlsx", answers_and("liste", [["Kode", "Navn"], ["P001", f"Ola {FNR}"]]))
    drop(home, "b.xlsx", answers_and(f"{FNR} Ola", [["x"]]))
    assert [outcome.reason for _, outcome in run(home).files] == ["PERSONAL_DATA"] * 2
    assert note_of(home, "a.xlsx")["rows"] == [
        {"row": 2, "reasons": ["national_id"], "columns": ["2"]}
    ]
    assert note_of(home, "b.xlsx")["rows"] == [
        {"row": 0, "reasons": ["national_id"], "columns": []}
    ]
    assert not any(FNR in words_on(home, name) for name in ("a.xlsx", "b.xlsx"))


def test_rows_of_a_further_sheet_are_told_in_the_note(home):
    drop(home, "a.xlsx", answers_and("liste", [["Les meg"], ["Takk"], ["Slutt"]]))
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.accepted, outcome.unread) == ("loaded", 1, 3)
    assert "3 row(s) there were not read" in words_on(home, "a.xlsx")


def test_time_with_many_decimals_is_no_number(home):
    moment = f"46000.{FNR}"
    drop(home, "a.xlsx", sheet_with("S", ["a", "a"], ["x", moment]))
    assert [outcome.reason for _, outcome in run(home).files] == ["HEADER_REPEATED"]


ADDRESSED = {
    "an address in an undecided column": ("notat", "ring kari@skole.no", "email"),
    "a phone in an undecided column": ("notat", "ring 934 33 667", "phone"),
    "a plain phone": ("notat", "93433667", "phone"),
}


@pytest.mark.parametrize(("heading", "cell", "kind"), ADDRESSED.values(), ids=ADDRESSED)
def test_address_in_an_undecided_column_is_told_beside_what_is_to_be_decided(
    home, heading, cell, kind
):
    rows = [form("P001") | {heading: "x"}, form("P002") | {heading: cell}]
    drop(home, "a.csv", csv_bytes(rows))
    [(_, outcome)] = run(home).files
    note = note_of(home, "a.csv")
    assert (outcome.outcome, outcome.reason) == ("quarantined", "HEADER_MISMATCH")
    assert note["rows"] == [{"row": 3, "reasons": [kind], "columns": [str(len(rows[0]))]}]
    assert "Fila har personopplysninger" in words_on(home, "a.csv")
    assert cell not in words_on(home, "a.csv")


def test_address_in_a_file_of_no_survey_is_told(home):
    drop(home, "a.csv", b"a;b\nkari@skole.no;93433667\n")
    [(_, outcome)] = run(home).files
    assert outcome.reason == "NOT_RECOGNISED"
    found = {kind for row in note_of(home, "a.csv")["rows"] for kind in row["reasons"]}
    assert found == {"email", "phone"}
    assert "Fila har personopplysninger" in words_on(home, "a.csv")


def test_running_number_of_a_tool_is_no_phone(home):
    drop(home, "a.csv", b"id;b\n41000001;x\n41000002;y\n41000007;z\n")
    run(home)
    assert note_of(home, "a.csv")["rows"] == []
    assert "personopplysninger" not in words_on(home, "a.csv")


def test_an_empty_column_of_addresses_is_one_more_column_to_decide_on(home):
    drop(home, "a.csv", csv_bytes([row | {"E-post": ""} for row in school_class(3)]))
    assert [outcome.reason for _, outcome in run(home).files] == ["HEADER_MISMATCH"]


def test_a_filled_column_of_addresses_is_told_by_its_heading(home):
    drop(home, "a.csv", csv_bytes([row | {"E-post": "see above"} for row in school_class(3)]))
    run(home)
    assert note_of(home, "a.csv")["reason"] == "PERSONAL_DATA"
    assert note_of(home, "a.csv")["column"] == "E-post"


PUPILS = "school_year;school;class_group;grade;pupil_code\n2025-26;S01;7A;7;{}\n"


@pytest.mark.parametrize("code", [FNR, f"{FNR[:6]}-{FNR[6:]}", f"E{FNR}", "93433667"])
def test_number_of_a_person_is_no_code_in_a_class_list(home, code):
    drop(home, "list.csv", PUPILS.format(code).encode())
    assert [outcome.reason for _, outcome in run(home).files] == ["PERSONAL_DATA"]


def test_number_in_a_class_list_is_told_with_kind_rows_and_count(home, asked, command):
    sound = "".join(f"2025-26;S01;7A;7;AB{at:03};;\n" for at in range(6))
    heading = "school_year;school;class_group;grade;pupil_code;enrolled_on;left_on\n"
    bad = f"2025-26;S01;7A;7;{FNR};;\n"
    drop(home, "list.csv", (heading + sound + bad).encode())
    [(_, outcome)] = run(home).files
    assert (outcome.delivered, outcome.accepted, outcome.dropped) == (7, 0, 7)
    told = {"row": 8, "reasons": ["national_id"], "columns": ["pupil_code"]}
    assert note_of(home, "list.csv")["rows"] == [told]
    words = words_on(home, "list.csv")
    assert "  fødselsnummer eller D-nummer / national identity number: 1 rad(er)" in words
    assert "  brukes ikke / not used: 7" in words
    shown = asked(home, "quarantine", "show", outcome.delivery_id[:12])
    assert shown["delivered"] == 7
    assert shown["personal_data"] == {
        "national_id": {"rows": 1, "row_numbers": [8], "columns": ["pupil_code"]}
    }
    said = command(home, "quarantine", "show", outcome.delivery_id[:12])[1]
    assert "national identity number: 1 row(s): 8 (column pupil_code)" in said
    assert FNR not in said


def test_column_that_asks_for_a_person_is_told_with_kind_and_rows(home):
    rows = [form("P001") | {"Navn": ""}, form("P002") | {"Navn": "x"}, form("P003") | {"Navn": "y"}]
    drop(home, "a.csv", csv_bytes(rows))
    [(_, outcome)] = run(home).files
    assert (outcome.reason, outcome.delivered) == ("PERSONAL_DATA", 3)
    assert [row["row"] for row in note_of(home, "a.csv")["rows"]] == [3, 4]
    assert "  navn / name: 2 rad(er) / row(s)" in words_on(home, "a.csv")


def test_rows_of_a_file_with_a_person_among_its_answers_are_counted(home):
    drop(home, "a.csv", csv_bytes([form("P001"), form(FNR)]))
    [(_, outcome)] = run(home).files
    assert (outcome.delivered, outcome.quarantined, outcome.dropped) == (2, 0, 2)


def test_class_named_with_a_number_stops_its_list(home):
    drop(home, "list.csv", class_list(("S01", "7A", 20)).replace(b";7A;", f";{FNR};".encode()))
    assert [outcome.reason for _, outcome in run(home).files] == ["PERSONAL_DATA"]


def test_name_of_a_person_is_no_class(home):
    drop(home, "a.csv", csv_bytes([form("P001", class_group="Kari Nordmann"), form("P002")]))
    [(_, outcome)] = run(home).files
    assert (outcome.accepted, outcome.quarantined) == (1, 1)


def test_number_in_the_name_of_a_file_is_not_kept(home):
    drop(home, f"Kari Nordmann {FNR} KX41.csv", csv_bytes(school_class(3)))
    drop(home, "kari@skole.no.csv", csv_bytes(school_class(3, prefix="R")))
    drop(home, "7A 2025-11-05 (2).csv", csv_bytes(school_class(3, prefix="Q")))
    run(home)
    names = sorted(path.name for path in (home.outcome / "loaded").glob("*.csv"))
    assert len(names) == 3
    assert not [name for name in names if FNR in name or "kari" in name.lower()]
    assert "7A 2025-11-05 (2).csv" in names
