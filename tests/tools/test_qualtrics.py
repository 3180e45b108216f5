"""Qualtrics: exports with three heading rows, two, or one, and what is taken out of them."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.personal import Personal
from schemas.reason import Reason
from tests.tools.test_qsf import question, shown, survey
from transforms.codebooks.qsf import read_qsf
from transforms.readers.delimited import read_delimited
from transforms.readers.reading import FileProblem, Question
from transforms.tools.qualtrics import read, recognise

OLD_WORDS = (
    "ResponseID", "ResponseSet", "Name", "ExternalDataReference", "EmailAddress", "IPAddress",
    "Status", "StartDate", "EndDate", "Finished",
)  # fmt: skip


def import_id(name, **more):
    return json.dumps({"ImportId": name, **more}, separators=(",", ":"))


def written(*rows, quoting=csv.QUOTE_MINIMAL):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows(rows)
    return text.getvalue().encode()


def export(columns, *responses):
    """A new export: `columns` maps a name to its words and its ImportId."""
    words = [words for words, _ in columns.values()]
    imports = [cell for _, cell in columns.values()]
    return read_delimited(written(list(columns), words, imports, *responses))


def old_export(*responses, ending=","):
    names = [f"V{number}" for number in range(1, len(OLD_WORDS) + 1)]
    lines = [[*names, "Q1"], [*OLD_WORDS, "Trives\ndu?"], *responses]
    text = b"".join(written(line).rstrip(b"\n") + ending.encode() + b"\n" for line in lines)
    return read_delimited(b"\xef\xbb\xbf" + text)


def rows(found):
    return [list(row.values()) for row in found.table.to_pylist()]


def evidence(found):
    first = [list(row.values()) for row in found.table.slice(0, 3).to_pylist()]
    return recognise(found.table.column_names, first)


COLUMNS = {
    "ResponseId": ("Antwort-ID", import_id("_recordId")),
    "Finished": ("Beendet", import_id("finished")),
    "Q1": ("Hvordan har du det?\n\nSvar ærlig, «her».", import_id("QID1")),
}
OLD = ("R_a1", "Standard", "Kari", "", "k@x.no", "10.0.0.1", "0", "2026-11-04 09:12:31", "", "1")


def test_the_sample_gives_its_response_and_its_words(shared):
    delivered = read_delimited((shared / "samples/qualtrics/sample.csv").read_bytes())
    assert evidence(delivered).sure == "certain"
    found = read(delivered, None)
    assert found.table.to_pylist() == [
        {
            "StartDate": "2017-07-18 08:28:09",
            "EndDate": "2017-07-18 08:28:48",
            "Status": "0",
            "Progress": "100",
            "Duration (in seconds)": "38",
            "Finished": "1",
            "RecordedDate": "2017-07-18 08:28:48",
            "ResponseId": "R_2YPOQ602ER1jkf1",
            "DistributionChannel": "anonymous",
            "UserLanguage": "DE",
            "Q1": "2",
            "Q2": "Hello World!",
            "Q2 - Topics": "",
        }
    ]
    assert found.row_no.to_pylist() == [4]
    assert found.codebook["StartDate"].label == "Anfangsdatum"
    assert found.codebook["Q1"] == Question("This is a multiple choice question.")
    assert found.dropped == {
        Personal.IP_ADDRESS: 1,
        Personal.PLACE: 2,
        Personal.NAME: 2,
        Personal.EMAIL: 1,
        Personal.ACCOUNT: 1,
    }


def test_words_over_several_lines_leave_rows_their_line_in_the_file():
    found = read(export(COLUMNS, ["R_a1", "1", "2"], ["R_a2", "0", 'sa "hei"\nog gikk']), None)
    assert rows(found) == [["R_a1", "1", "2"], ["R_a2", "0", 'sa "hei"\nog gikk']]
    assert found.row_no.to_pylist() == [6, 7]
    assert found.codebook["Q1"].label == "Hvordan har du det? Svar ærlig, «her»."


def test_an_unfinished_response_is_kept_and_told_in_one_way():
    found = read(export(COLUMNS, ["R_a1", "True", ""], ["R_a2", "FALSE", "-99"]), None)
    assert rows(found) == [["R_a1", "1", ""], ["R_a2", "0", "-99"]]
    assert found.codebook["Finished"].options == {"1": "True", "0": "False"}


def test_the_words_of_choices_become_their_codes_where_the_definition_is_there():
    language = {"NN": {"QuestionText": "x", "Choices": {"2": {"Display": "Ikkje bra"}}}}
    recodes = {"1": "4", "2": "0"}
    choices = shown("<b>Bra</b>", "Ikke bra")
    book = read_qsf(
        survey(question(1, "MC", "SAVR", Choices=choices, RecodeValues=recodes, Language=language))
    )
    answers = [["R_a1", "True", "Bra"], ["R_a2", "True", "Ikkje bra"], ["R_a3", "False", "?"]]
    assert [row[1:] for row in rows(read(export(COLUMNS, *answers), book))] == [
        ["1", "4"],
        ["1", "0"],
        ["0", "?"],
    ]
    assert rows(read(export(COLUMNS, *answers), None))[0] == ["R_a1", "1", "Bra"]


def test_numbers_as_words_are_told_from_codes_by_the_rest_of_the_file():
    recodes = {"1": "2", "2": "1"}
    choice = question(1, "MC", "SAVR", Choices=shown("1", "2"), RecodeValues=recodes)
    book = read_qsf(survey(choice))
    assert rows(read(export(COLUMNS, ["R_a1", "True", "1"]), book)) == [["R_a1", "1", "2"]]
    assert rows(read(export(COLUMNS, ["R_a1", "1", "1"]), book)) == [["R_a1", "1", "1"]]


def test_seen_but_unanswered_is_not_guessed():
    book = read_qsf(survey(question(1, "MC", "SAVR", Choices=shown("Bra"))))
    found = read(export(COLUMNS, ["R_a1", "1", "-99"]), book)
    assert rows(found)[0][2] == "-99"
    assert found.codebook["Q1"].missing == {}


def test_the_definition_gives_codes_and_the_export_the_words():
    book = read_qsf(survey(question(1, "MC", "SAVR", Choices=shown("Bra", "Dårlig"))))
    found = read(export(COLUMNS, ["R_a1", "1", "2"]), book)
    assert found.codebook["Q1"] == Question(
        "Hvordan har du det? Svar ærlig, «her».", {"1": "Bra", "2": "Dårlig"}, "one"
    )


def test_a_column_is_known_by_its_import_id_whatever_its_name():
    columns = {
        "ResponseId": COLUMNS["ResponseId"],
        "nytt_navn": ("", import_id("QID1")),
        "Q2_7": ("", import_id("QID2", choiceId="1")),
        "1_Q3": ("", import_id("1_QID3_TEXT")),
    }
    book = read_qsf(
        survey(
            question(1, "MC", "SAVR", Choices=shown("Bra")),
            question(2, "MC", "MAVR", Choices=shown("Ute"), RecodeValues={"1": "7"}),
            question(3, "TE", "SL"),
        )
    )
    found = read(export(columns, ["R_a1", "1", "1", "x"]), book).codebook
    assert found["nytt_navn"].options == {"1": "Bra"}
    assert found["Q2_7"].label == "Spørsmål 2 - Ute"
    assert found["1_Q3"].kind == "text"


def test_the_import_id_counts_where_the_name_says_otherwise():
    columns = {"ResponseId": COLUMNS["ResponseId"], "Q1": ("", import_id("QID2_TEXT"))}
    choice = question(1, "MC", "SAVR", Choices=shown("Bra"))
    book = read_qsf(survey(choice, question(2, "TE", "SL")))
    assert read(export(columns, ["R_a1", "x"]), book).codebook["Q1"].kind == "text"
    by_name = {"Q1": Question("Trives?", {"1": "Ja"})}
    assert read(export(columns, ["R_a1", "1"]), by_name).codebook["Q1"].options == {"1": "Ja"}


def test_a_decimal_comma_becomes_a_point_in_numbers_only():
    columns = {
        "ResponseId": COLUMNS["ResponseId"],
        "Q1_1": ("", import_id("QID1_1")),
        "Q2": ("", import_id("QID2_TEXT")),
    }
    slider = question(1, "Slider", "HSLIDER", Choices=shown("a"))
    book = read_qsf(survey(slider, question(2, "TE", "SL")))
    assert rows(read(export(columns, ["R_a1", "4,50", "4,50"]), book)) == [["R_a1", "4.5", "4,50"]]


def test_browser_files_and_texts_that_must_be_an_address_are_left_out():
    columns = {
        "ResponseId": COLUMNS["ResponseId"],
        "nett": ("", import_id("QID5_BROWSER")),
        "Q6": ("", import_id("QID6_TEXT")),
        "fil": ("", import_id("QID7_FILE_NAME")),
        "Q8": ("", import_id("QID8_TEXT")),
    }
    demand = {"Settings": {"Type": "ContentType", "ContentType": "ValidEmail"}}
    book = read_qsf(survey(question(6, "TE", "SL", Validation=demand), question(8, "TE", "SL")))
    found = read(export(columns, ["R_a1", "Lynx", "a@b.no", "kari.png", "fint"]), book)
    assert rows(found) == [["R_a1", "fint"]]
    assert found.dropped == {Personal.DEVICE: 1, Personal.IDENTIFIER: 1, Personal.FREE_TEXT: 1}


def test_browser_and_files_are_known_by_their_names_too():
    names = ["ResponseId", "Q5_Browser", "Q5_Version", "Q5_Operating System", "Q5_Resolution"]
    names += ["Q5_User Agent", "Q55_x", "Q6_Id", "Q6_Name", "Q6_Size", "Q6_Type", "Q7_Name"]
    found = read(read_delimited(written(names, ["R_a1", *names[1:]])), None)
    assert found.table.column_names == ["ResponseId", "Q55_x", "Q7_Name"]
    assert found.dropped == {Personal.DEVICE: 5, Personal.FREE_TEXT: 4}


def test_the_old_export_hides_persons_behind_numbers():
    delivered = old_export([*OLD, "2"], [*OLD[:-1], "0", ""])
    assert evidence(delivered).sure == "certain"
    found = read(delivered, None)
    assert found.table.column_names == [
        "ResponseId", "ResponseSet", "Status", "StartDate", "EndDate", "Finished", "Q1",
    ]  # fmt: skip
    assert found.table["Q1"].to_pylist() == ["2", ""]
    assert found.row_no.to_pylist() == [4, 5]
    assert found.codebook["Q1"].label == "Trives du?"
    assert found.dropped == {
        Personal.NAME: 1,
        Personal.ACCOUNT: 1,
        Personal.EMAIL: 1,
        Personal.IP_ADDRESS: 1,
    }


def test_a_last_comma_in_every_line_of_the_old_export_changes_nothing():
    with_comma, without = old_export([*OLD, "2"]), old_export([*OLD, "2"], ending="")
    assert read(with_comma, None) == read(without, None)


def test_a_tag_called_name_is_somebodys_question_in_a_new_export():
    columns = {"ResponseId": COLUMNS["ResponseId"], "Name": ("", import_id("QID1_TEXT"))}
    assert read(export(columns, ["R_a1", "x"]), None).table.column_names == ["ResponseId", "Name"]


def test_no_response_is_taken_for_a_row_of_words():
    names = ["ResponseId", "StartDate", "EndDate", "Finished", "Q1"]
    words = ["Svar-ID", "Start", "Slutt", "Ferdig", "Trives du?"]
    one, two = ["R_a1", "", "", "1", "2"], ["R_a2", "", "", "1", "3"]
    assert rows(read(read_delimited(written(names, one, two)), None)) == [one, two]
    assert rows(read(read_delimited(written(names, words, one)), None)) == [one]
    odd = ["17", "", "", "1", "2"]
    assert rows(read(read_delimited(written(names, odd, odd)), None)) == [odd, odd]


def test_a_broken_row_of_words_costs_the_words_only():
    text = written(list(COLUMNS)) + b'a,b,"c" d\n'
    text += written([cell for _, cell in COLUMNS.values()], ["R_a1", "1", "2"], ["R_a2", "1"])
    delivered = read_delimited(text)
    assert [row.row_no for row in delivered.malformed] == [2, 5]
    found = read(delivered, None)
    assert rows(found) == [["R_a1", "1", "2"]]
    assert found.row_no.to_pylist() == [4]
    assert [(row.row_no, row.reason) for row in found.malformed] == [(5, Reason.FIELD_COUNT)]
    assert "Q1" not in found.codebook


def test_headings_alone_are_no_rows():
    with pytest.raises(FileProblem) as problem:
        read(export(COLUMNS), None)
    assert problem.value.reason == Reason.NO_ROWS
    with pytest.raises(FileProblem) as problem:
        read(old_export(), None)
    assert problem.value.reason == Reason.NO_ROWS


def test_two_columns_with_one_name_are_refused():
    columns = {"ResponseId": ("", import_id("a")), "ResponseID": ("", import_id("b"))}
    with pytest.raises(FileProblem) as problem:
        read(export(columns, ["R_a1", "R_a1"]), None)
    assert problem.value.reason == Reason.HEADER_REPEATED


def test_an_export_in_tabs_and_utf_16_is_the_same():
    lines = [list(COLUMNS), *zip(*COLUMNS.values(), strict=True), ["R_a1", "1", "2"]]
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\r\n").writerows(lines)
    found = read(read_delimited(text.getvalue().encode("utf-16")), None)
    assert rows(found) == [["R_a1", "1", "2"]]


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        (["ResponseId", "q1"], [["R_a1", "2"]]),
        (["StartDate", "EndDate", "Status", "Finished", "Progress"], [["", "", "0", "1", "100"]]),
        (["V1", "V2", "V3"], [["1", "2", "3"]]),
        (["a", "b", "c"], [['{"ImportId":"QID1"}', "2", "3"]]),
        (["a", "b"], []),
    ],
)
def test_any_old_csv_is_not_claimed(columns, first):
    assert recognise(columns, first) is None


def test_names_of_the_tool_without_import_ids_are_likely():
    found = recognise(["ResponseId", "StartDate", "EndDate", "Finished", "Q1"], [["R_a1"] * 5])
    assert (found.sure, found.marks[0]) == ("likely", "EndDate")


CELL = st.text(alphabet="aø1 ,\n\"'{}", max_size=8).filter(lambda text: text.strip() == text)


@given(
    words=st.lists(CELL, min_size=2, max_size=2),
    answers=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_whatever_words_and_answers_hold_each_response_keeps_its_cells_and_line(words, answers):
    names = {"ResponseId": "ID", "Q1": words[0], "Q2": words[1]}
    columns = {name: (text, import_id(name)) for name, text in names.items()}
    responses = [[f"R_{number}", *cells] for number, cells in enumerate(answers)]
    found = read(export(columns, *responses), None)
    assert rows(found) == responses
    lines = [written(list(names)), written(list(names.values())), written(["{}"])]
    at = sum(line.count(b"\n") for line in lines) + 1
    for response, row_no in zip(responses, found.row_no.to_pylist(), strict=True):
        assert row_no == at
        at += written(response).count(b"\n")
