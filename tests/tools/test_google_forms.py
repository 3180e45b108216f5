"""Google Forms: the form's own CSV, the sheet's, and what must not come along."""

from dataclasses import replace

import pytest

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.readers.delimited import read_delimited
from transforms.readers.reading import FileProblem, Question
from transforms.tools.google_forms import read, recognise


def csv(*lines):
    return read_delimited("\n".join([*lines, ""]).encode())


def test_own_csv_and_sheet_give_the_same_table():
    own = csv(
        '"Timestamp","Elevkode","Har du det bra? [I timen]","Har du det bra? [I friminuttet]"',
        '"2026/11/04 9:12:31 AM GMT+1","KX41","Ja","Nei"',
        '"2026/11/05 12:13:02 AM GMT+1","KX42","",""',
    )
    sheet = csv(
        "Tidsmerke,Elevkode ,Har du det bra? [I timen],Har du det bra? [I friminuttet]",
        "04.11.2026 kl. 09.12.31,KX41,Ja,Nei",
        "05.11.2026 kl. 00.13.02,KX42,,",
    )
    for reading in (own, sheet):
        assert read(reading, None).table.to_pydict() == {
            "created": ["2026-11-04", "2026-11-05"],
            "Elevkode": ["KX41", "KX42"],
            "Har du det bra? [I timen]": ["Ja", ""],
            "Har du det bra? [I friminuttet]": ["Nei", ""],
        }


def test_date_is_the_one_on_the_clock_in_norway():
    stamped = csv("Timestamp,Kode", "2026/07/01 11:30:00 PM GMT+0,A1")
    assert read(stamped, None).table["created"].to_pylist() == ["2026-07-02"]


def test_one_form_sent_in_after_the_twelfth_proves_the_dates():
    early = ["Timestamp,Kode", "8/7/2020 10:11:12,A1", "08/07/2020 10:11:12,A2"]
    open_order = read(csv(*early), None).table["created"].to_pylist()
    assert open_order == ["8/7/2020 10:11:12", "08/07/2020 10:11:12"]
    proven = read(csv(*early, "13/07/2020 10:11:12,A3"), None).table["created"].to_pylist()
    assert proven == ["2020-07-08", "2020-07-08", "2020-07-13"]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Email Address", Personal.EMAIL),
        ("Email address", Personal.EMAIL),
        ("E-postadresse", Personal.EMAIL),
        ("Username", Personal.ACCOUNT),
        ("Brukernavn", Personal.ACCOUNT),
    ],
)
@pytest.mark.parametrize("last", [False, True], ids=["second", "last"])
def test_who_was_logged_in_is_taken_away_and_counted(heading, kind, last):
    columns = ["Timestamp", "Kode", heading] if last else ["Timestamp", heading, "Kode"]
    cells = {"Timestamp": "2026-11-04 10:00:00", "Kode": "A1", heading: "kari@example.org"}
    reading = read(csv(",".join(columns), ",".join(cells[name] for name in columns)), None)
    assert reading.table.column_names == ["created", "Kode"]
    assert reading.dropped == {kind: 1}
    assert "kari" not in str(reading.table.to_pydict())


def test_points_of_a_quiz_are_taken_off_and_a_question_about_a_score_is_not():
    quiz = csv(
        "Timestamp,Poengsum,Trives,Trives [Score],Trives [Feedback],Kamp [Score]",
        "2026-11-04 10:00:00,3 / 5,Ja,1.00 / 1,fint,3-1",
    )
    assert read(quiz, None).table.column_names == ["created", "Trives", "Kamp [Score]"]
    game = csv("Timestamp,Score,Resultat,Kode", "2026-11-04 10:00:00,17,3 / 5,A1")
    assert read(game, None).table.column_names == ["created", "Score", "Resultat", "Kode"]


def test_choices_in_one_cell_stay_in_one_cell():
    form = csv("Timestamp,Hvem,Kode", '2026-11-04 10:00:00,"venner, lærer",A1')
    assert read(form, None).table["Hvem"].to_pylist() == ["venner, lærer"]


def test_headings_that_differ_in_blanks_only_are_one_too_many():
    for asked in ("Trives\u00a0", "created"):
        form = csv("Timestamp,Trives,x", "2026-11-04 10:00:00,1,2")
        named = replace(form, table=form.table.rename_columns(["Timestamp", "Trives", asked]))
        with pytest.raises(FileProblem) as problem:
            read(named, None)
        assert problem.value.reason is Reason.HEADER_REPEATED


def test_table_without_a_timestamp_is_not_read():
    with pytest.raises(FileProblem) as problem:
        read(csv("Kode,Trives", "A1,Ja"), None)
    assert problem.value.reason is Reason.HEADER_MISMATCH


def test_codebook_holds_what_the_question_says():
    form = csv("Timestamp,Username,Kode", "2026-11-04 10:00:00,k,A1")
    assert read(form, None).codebook == {"Kode": Question(label="Kode")}
    known = {"Kode": Question(label="Koden din")}
    assert read(form, known).codebook == known


@pytest.mark.parametrize(
    ("heading", "stamp", "sure"),
    [
        ("Timestamp", "2026/03/20 12:24:45 PM GMT+2", "certain"),
        ("Tidsmerke", "2020/05/03 4:29:34\u202fp.m. EET", "certain"),
        ("Tidsmerke ", "06.09.2025 kl. 15.37.20", "likely"),
        ("Timestamp", "8/7/2020 10:11:12", "likely"),
        ("Timestamp", None, "likely"),
    ],
    ids=["own csv", "own csv with dots", "norwegian sheet", "american sheet", "blank"],
)
def test_only_how_google_writes_a_timestamp_makes_it_certain(heading, stamp, sure):
    evidence = recognise([heading, "Kode"], [[stamp, "A1"]])
    assert (evidence.tool, evidence.sure) == ("google_forms", sure)
    assert recognise([heading, "Kode"], []).sure == "likely"


def test_other_tables_are_not_taken_for_google_forms():
    assert recognise([], []) is None
    assert recognise(["Kode", "Timestamp"], []) is None
    assert recognise(["Timestamp of visit", "Kode"], []) is None
