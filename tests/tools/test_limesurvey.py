"""LimeSurvey exports: codes or words, headings of four kinds, and nobody's address."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.codebooks.lss import GENDER, TICKED, YES_NO, read_lss
from transforms.readers.delimited import read_delimited
from transforms.readers.reading import FileProblem, Question
from transforms.tools.labels import text_key
from transforms.tools.limesurvey import read, recognise

OWN = ["id", "submitdate", "lastpage", "startlanguage", "seed"]
LIST = Question(
    "Trives du?",
    {"A1": "Ja", "A2": "Nei"},
    "one",
    labels={"en": "Do you thrive?"},
    option_labels={"en": {"A1": "Yes", "A2": "No"}},
)
BOOK = {
    "trives": LIST,
    "mobbing[SQ001]": Question("Mobbet av [elever]", {"1": "Aldri", "2": "Ofte"}, "one"),
    "mobbing[SQ002]": Question("Mobbet av [voksne]", {"1": "Aldri", "2": "Ofte"}, "one"),
    "sted[SQ001]": Question("Hvor? [ute]", dict(TICKED), "many"),
    "snakke": Question("Vil du snakke?", dict(YES_NO), "one", option_labels={"nb": {"Y": "Ja"}}),
}


def export(*lines, delimiter=";"):
    """A CSV as the tool writes it: byte order mark, quotes, CRLF and a blank last line."""
    rows = (delimiter.join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    return read_delimited(
        "\ufeff".encode() + "".join(f"{row}\r\n" for row in rows).encode() + b"\r\n"
    )


def column(reading, name):
    return [None if cell is None else str(cell) for cell in reading.table[name].to_pylist()]


def test_an_export_headed_with_codes_is_taken_as_it_is():
    reading = read(
        export(
            [*OWN, "trives", "mobbing[SQ001]"],
            ["1", "2026-11-04 09:12:31", "3", "nb", "77", "A1", "2"],
            ["2", "", "1", "nb", "78", "", ""],
        ),
        None,
    )
    assert reading.table.column_names == [*OWN, "trives", "mobbing[SQ001]"]
    assert reading.row_no.to_pylist() == [2, 3]
    assert column(reading, "trives") == ["A1", ""]
    assert reading.codebook == {}


def test_an_unfinished_response_is_kept_and_has_no_submitdate():
    reading = read(export(["id", "submitdate", "q"], ["1", "", "A1"]), None)
    assert column(reading, "submitdate") == [""]


@pytest.mark.parametrize("delimiter", [";", ","])
def test_a_code_with_its_text_is_cut_back_to_the_code(delimiter):
    headings = ["id. Response ID", "submitdate. Date submitted", 'q[SQ001]. Hvor? "ute"\n[her]']
    reading = read(export(headings, ["1", "", "Y"], delimiter=delimiter), None)
    assert reading.table.column_names == ["id", "submitdate", "q[SQ001]"]
    assert reading.codebook["q[SQ001]"].label == 'q[SQ001]. Hvor? "ute"\n[her]'


def test_full_texts_become_codes_through_the_codebook():
    headings = ["Response ID", "Date submitted", "Last page", "Trives du?", "Mobbet av [voksne]"]
    reading = read(export(headings, ["1", "", "1", "A1", "2"]), BOOK)
    assert reading.table.column_names == [
        "id",
        "submitdate",
        "lastpage",
        "trives",
        "mobbing[SQ002]",
    ]


@pytest.mark.parametrize(
    "heading", ["Do you thrive?", "Do_you_thrive?", "  Do <b>you</b>\nthrive?"]
)
def test_a_full_text_is_known_in_any_language_and_with_its_html(heading):
    assert "trives" in read(export(["id", heading], ["1", "A1"]), BOOK).table.column_names


def test_a_text_that_two_questions_share_stays():
    book = {"a": Question("Hvorfor?"), "b": Question("Hvorfor?"), "c": Question("Når?")}
    reading = read(export(["id", "Hvorfor?", "Når?"], ["1", "x", "y"]), book)
    assert reading.table.column_names == ["id", "Hvorfor?", "c"]


def test_two_headings_that_claim_one_code_both_stay():
    reading = read(export(["trives", "Trives du?"], ["A1", "A2"]), BOOK)
    assert reading.table.column_names == ["trives", "Trives du?"]


def test_codes_for_expressions_are_the_same_codes():
    book = {**BOOK, "to[a][1]": Question("1"), "to[a][2]": Question("2")}
    headings = ["mobbing_SQ001", "to_a_0", "to_a_1"]
    reading = read(export(headings, ["1", "x", "y"]), book)
    assert reading.table.column_names == ["mobbing[SQ001]", "to[a][1]", "to[a][2]"]


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (OWN, "certain"),
        (["submitdate. Date submitted", "lastpage. Last page", "q. X"], "certain"),
        (["Response ID", "Date submitted", "Last page", "Start language"], "certain"),
        (["Svar-ID", "Dato sendt", "Siste side", "Trives du?"], "certain"),
        (["id", "submitdate", "q1[SQ001]"], "likely"),
        (["id", "q1"], None),
        (["Email", "Token", "Seed"], None),
        (["ResponseId", "StartDate", "EndDate"], None),
    ],
)
def test_the_tool_is_known_by_its_own_columns(headings, expected):
    found = recognise(headings, [])
    assert (found.sure if found else None) == expected
    assert not found or set(found.marks) <= {*OWN, "startdate", "datestamp"}


PERSONAL = [
    *(("ipaddr", Personal.IP_ADDRESS), ("refurl", Personal.ACCOUNT), ("token", Personal.ACCOUNT)),
    *(("firstname", Personal.NAME), ("lastname", Personal.NAME), ("email", Personal.EMAIL)),
    *(("IP address", Personal.IP_ADDRESS), ("IP-adresse", Personal.IP_ADDRESS)),
    *(("E-mail address", Personal.EMAIL), ("E-postadresse", Personal.EMAIL)),
    *(("Fornavn", Personal.NAME), ("Last name", Personal.NAME), ("Access code", Personal.ACCOUNT)),
    *(("First_name", Personal.NAME), ("Referrer URL", Personal.ACCOUNT)),
]


@pytest.mark.parametrize(("heading", "kind"), PERSONAL)
def test_personal_columns_are_left_out_and_counted(heading, kind):
    reading = read(export(["id", heading, "q"], ["1", "hemmelig", "A1"]), None)
    assert reading.table.column_names == ["id", "q"]
    assert reading.dropped == {kind: 1}


def test_personal_columns_are_left_out_of_an_export_with_codes_and_texts():
    headings = ["id. Response ID", "email. Email address", "ipaddr. IP address", "q. X"]
    reading = read(export(headings, ["1", "a@b.no", "10.0.0.1", "A1"]), None)
    assert reading.table.column_names == ["id", "q"]
    assert reading.dropped == {Personal.EMAIL: 1, Personal.IP_ADDRESS: 1}


def test_two_columns_with_one_persons_token_both_go():
    reading = read(export(["id", "token", "Access code"], ["1", "abc", "abc"]), None)
    assert reading.table.column_names == ["id"]
    assert reading.dropped == {Personal.ACCOUNT: 2}


def test_files_that_pupils_upload_are_left_out(shared):
    book = read_lss((shared / "samples" / "limesurvey" / "survey.lss").read_bytes())
    headings = ["id", "G01Q02", "G02Q03", "G02Q03[filecount]", "G02Q04"]
    reading = read(export(headings, ["1", "4", '[{"name":"bilde.jpg"}]', "1", "Yes"]), book)
    assert reading.table.column_names == ["id", "G01Q02", "G02Q03[filecount]", "G02Q04"]
    assert reading.dropped == {Personal.FREE_TEXT: 1}
    assert column(reading, "G02Q04") == ["Y"]


@pytest.mark.parametrize("word", ["Ja", "Yes", " yes ", "JA"])
def test_an_answer_in_words_becomes_its_code_in_any_language(word):
    reading = read(export(["id", "trives"], ["1", word]), BOOK)
    assert column(reading, "trives") == ["A1"]


def test_a_word_that_is_no_answer_stays():
    reading = read(export(["id", "trives"], ["1", "Kanskje"], ["2", ""], ["3", "Nei"]), BOOK)
    assert column(reading, "trives") == ["Kanskje", "", "A2"]


def test_a_word_that_is_the_label_of_two_answers_stays():
    book = {"q": Question("", {"1": "Vet ikke", "2": "Ja", "9": "Vet ikke"}, "one")}
    reading = read(export(["id", "q"], ["1", "Vet ikke"], ["2", "Ja"]), book)
    assert column(reading, "q") == ["Vet ikke", "2"]


def test_a_ticked_box_reads_the_same_from_words_and_codes():
    lines = [["Yes"], ["Ja"], ["No"], ["Nei"], ["N/A"], ["I/T"], ["Y"], ["N"], [""]]
    reading = read(
        export(["id", "sted[SQ001]"], *([str(n), *line] for n, line in enumerate(lines))), BOOK
    )
    assert column(reading, "sted[SQ001]") == ["Y", "Y", "", "", "", "", "Y", "", ""]


def test_no_answer_to_yes_or_no_is_blank_and_no_word():
    book = {**BOOK, "kjonn": Question("", dict(GENDER), "one")}
    reading = read(export(["snakke", "kjonn"], ["N/A", "I/T"], ["Ja", "Female"]), book)
    assert (column(reading, "snakke"), column(reading, "kjonn")) == (["", "Y"], ["", "F"])


NUMBERS = Question("", {"1": "0", "2": "1", "3": "2"}, "one")


def test_a_number_that_may_be_code_or_label_is_read_as_the_rest_of_the_file():
    book = {"trives": LIST, "venner": NUMBERS}
    words = read(export(["trives", "venner"], ["Ja", "1"], ["Nei", "2"]), book)
    codes = read(export(["trives", "venner"], ["A1", "1"], ["A2", "2"]), book)
    assert column(words, "venner") == ["2", "3"]
    assert column(codes, "venner") == ["1", "2"]


@pytest.mark.parametrize("lines", [[["", "1"]], [["Ja", "1"], ["A1", "2"]]])
def test_a_number_that_nothing_decides_is_never_guessed(lines):
    with pytest.raises(FileProblem) as problem:
        read(export(["trives", "venner"], *lines), {"trives": LIST, "venner": NUMBERS})
    assert (problem.value.reason, problem.value.column) == (Reason.NOT_RECOGNISED, "venner")


def naive(cell, question):
    """Cell by cell: the code of the one option that has this label, or the cell."""
    if cell in question.options:
        return cell
    codes = {
        code
        for labels in (question.options, *question.option_labels.values())
        for code, label in labels.items()
        if text_key(label) == text_key(cell) and text_key(label)
    }
    return codes.pop() if len(codes) == 1 else cell


WORDS = st.sampled_from(["Aldri", "Ofte", "aldri ", "Svært ofte", "A < B", "<i>Ofte</i>"])


@settings(deadline=None)
@given(
    nb=st.lists(WORDS, min_size=3, max_size=3),
    en=st.lists(WORDS, min_size=3, max_size=3),
    cells=st.lists(st.one_of(WORDS, st.sampled_from(["A1", "A2", "A3", "", "x"])), min_size=1),
)
def test_answers_are_the_same_as_when_looked_up_one_by_one(nb, en, cells):
    codes = ["A1", "A2", "A3"]
    question = Question(
        "",
        dict(zip(codes, nb, strict=True)),
        "one",
        option_labels={"en": dict(zip(codes, en, strict=True))},
    )
    table = export(["id", "q"], *(["1", cell] for cell in cells))
    assert column(read(table, {"q": question}), "q") == [naive(cell, question) for cell in cells]
