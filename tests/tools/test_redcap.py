"""REDCap: raw exports, with their traps, and what the dictionary makes of them."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.codebooks.redcap_dictionary import (
    CHECKED,
    FORM_STATUS,
    read_redcap_dictionary,
)
from transforms.readers.delimited import read_delimited
from transforms.readers.reading import FileProblem, Question, Reading
from transforms.tools.redcap import read, recognise

STATUS = Question(options=dict(FORM_STATUS), kind="one")
BOX = Question(options=dict(CHECKED), kind="many")
BOOK = {
    "elev": Question("Elevkode"),
    "klasse": Question("Klasse"),
    "grunn_complete": STATUS,
    "tall": Question("Tall", kind="number"),
    "hvor___1": BOX,
    "hvor___2": BOX,
    "dag_complete": STATUS,
}


def reading(*lines):
    return read_delimited(("\n".join(lines) + "\n").encode())


def rows(found):
    return [list(row.values()) for row in found.table.to_pylist()]


def first_rows(found):
    return [list(row.values()) for row in found.table.slice(0, 3).to_pylist()]


def sample(shared, name):
    folder = shared / "samples" / "redcap"
    data = read_delimited((folder / f"{name}-data.csv").read_bytes())
    return data, read_redcap_dictionary((folder / f"{name}-dictionary.csv").read_bytes())


def test_the_tools_own_columns_are_certain_proof():
    found = recognise(["id", "redcap_event_name", "q"], [["1", "start_arm_1", "2"]])
    assert (found.sure, found.marks) == ("certain", ("redcap_event_name",))


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (["id", "a___1", "form_complete"], ["1", "0", "2"]),
        (["id", "form_timestamp", "form_complete"], ["1", "[not completed]", ""]),
    ],
)
def test_two_patterns_together_are_likely(columns, row):
    assert recognise(columns, [row]).sure == "likely"


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (["id", "q1", "q2"], ["1", "2", "3"]),
        (["id", "task_complete"], ["1", "1"]),
        (["id", "a___1"], ["1", "0"]),
        (["id", "a___1", "task_complete"], ["1", "0", "yes"]),
        (["id", "task_timestamp", "task_complete"], ["1", "2026-01-01", "100"]),
    ],
)
def test_any_old_csv_is_not_claimed(columns, row):
    assert recognise(columns, [row]) is None


def test_a_dictionary_helps_only_where_it_names_most_columns():
    columns, row = ["elev", "klasse", "tall"], ["K1", "7A", "3"]
    assert recognise(columns, [row]) is None
    assert recognise(columns, [row], BOOK).marks == ("data dictionary",)
    assert recognise(["a", "b", "klasse", "tall"], [["1"] * 4], BOOK) is None
    assert recognise(columns, [row], {name: Question() for name in columns}) is None


def test_every_sample_is_recognised_with_its_dictionary(shared):
    for name in ("survey", "checkboxes-1", "decimal-comma", "repeating-instruments-sparse"):
        data, book = sample(shared, name)
        assert recognise(data.table.column_names, first_rows(data), book), name


def test_a_decimal_comma_becomes_a_point_in_numbers_only(shared):
    data, book = sample(shared, "decimal-comma")
    found = read(data, book).table
    assert found["height"].to_pylist() == ["1.54", "1.84", "1.95", "1.61"]
    assert found["bmi"].to_pylist() == ["22.1", "27.3", "32.5", "17.7"]
    text = reading("elev,klasse,tall", 'K1,"1,5",",50"', 'K2,"2,5",-3')
    assert rows(read(text, BOOK)) == [["K1", "1,5", ".50"], ["K2", "2,5", "-3"]]
    assert rows(read(text, None))[0] == ["K1", "1,5", ",50"]


def test_what_the_dictionary_calls_identifying_is_left_out_and_counted(shared):
    data, book = sample(shared, "survey")
    found = read(data, book)
    gone = {
        "redcap_survey_identifier",
        "email",
        "first_name",
        "last_name",
        "address",
        "telephone_1",
    }
    assert set(data.table.column_names) - set(found.table.column_names) == gone
    assert found.dropped == {Personal.IDENTIFIER: 5, Personal.NAME: 1}
    assert not gone & set(found.codebook)


def test_a_marked_field_takes_the_boxes_of_missing_data_codes_with_it():
    book = {"elev": Question(), "navn___1": Question(personal=True), "f_complete": STATUS}
    found = read(reading("elev,navn___1,navn____99,f_complete", "K1,1,0,2"), book)
    assert found.table.column_names == ["elev", "f_complete"]
    assert found.dropped == {Personal.IDENTIFIER: 2}


def test_the_participants_identifier_goes_without_a_dictionary_too():
    found = read(reading("id,redcap_survey_identifier,q", "1,x,2"), None)
    assert found.table.column_names == ["id", "q"]
    assert found.dropped == {Personal.NAME: 1}


def test_a_column_that_the_dictionary_does_not_know_could_be_a_name():
    with pytest.raises(FileProblem) as problem:
        read(reading("elev,klasse,ny", "K1,7A,2"), BOOK)
    assert (problem.value.reason, problem.value.column) == (Reason.HEADER_MISMATCH, "ny")


def test_an_unfinished_response_is_kept_and_told():
    lines = (
        "elev,dag_timestamp,tall,dag_complete",
        "K1,[not completed],,0",
        "K2,2026-11-04 09:12,3,2",
    )
    assert rows(read(reading(*lines), BOOK)) == [
        ["K1", "", "", "0"],
        ["K2", "2026-11-04 09:12", "3", "2"],
    ]


@pytest.mark.parametrize("status", ["0", ""])
def test_the_boxes_of_a_form_that_nobody_opened_are_blank_not_no(status):
    lines = ("elev,tall,hvor___1,hvor___2,dag_complete", f"K1,,0,0,{status}")
    assert rows(read(reading(*lines), BOOK)) == [["K1", "", "", "", status]]
    assert rows(read(reading(*lines), None)) == [["K1", "", "0", "0", status]]


def test_the_record_id_is_no_answer_of_the_form_that_it_stands_in():
    book = {"elev": Question(), "hvor___1": BOX, "f_complete": STATUS}
    assert rows(read(reading("elev,hvor___1,f_complete", "K1,0,0"), book)) == [["K1", "", "0"]]


@pytest.mark.parametrize("form", ["3,0,0,0", ",1,0,0", ",0,0,2", ",0,0,1"])
def test_an_unticked_box_of_a_form_that_was_begun_is_an_answer(form):
    lines = ("elev,tall,hvor___1,hvor___2,dag_complete", f"K1,{form}")
    assert rows(read(reading(*lines), BOOK)) == [["K1", *form.split(",")]]


REPEATS = (
    "elev,{event}redcap_repeat_instrument,redcap_repeat_instance,klasse,grunn_complete,tall,"
    "hvor___1,hvor___2,dag_complete"
)


def test_repeats_stay_rows_and_other_forms_were_not_asked_there():
    found = read(reading(REPEATS.format(event=""), "K1,,,7A,2,,,,", "K1,dag,1,,,4,1,0,2"), BOOK)
    assert rows(found) == [
        ["K1", "", "", "7A", "2", None, None, None, None],
        ["K1", "dag", "1", None, None, "4", "1", "0", "2"],
    ]
    assert found.row_no.to_pylist() == [2, 3]


def test_boxes_that_a_repeat_of_another_form_shows_as_0_were_not_asked():
    lines = (REPEATS.format(event=""), "K1,grunn,1,7A,2,,0,0,")
    assert rows(read(reading(*lines), BOOK))[0][-4:] == [None] * 4


def test_with_events_a_form_may_repeat_here_and_not_there():
    event = "redcap_event_name,"
    lines = (REPEATS.format(event=event), "K1,start,,,7A,2,,0,0,0", "K1,slutt,dag,1,,,4,1,0,2")
    found = rows(read(reading(*lines), BOOK))
    assert found[0] == ["K1", "start", "", "", "7A", "2", "", "", "", "0"]
    assert found[1][4:6] == [None, None]


def test_the_file_alone_tells_boxes_and_statuses():
    found = read(reading("id,a___1,f_complete,x_complete", "1,0,2,100"), None)
    assert found.codebook == {"a___1": BOX, "f_complete": STATUS}


def test_rows_and_malformed_rows_are_all_kept(shared):
    for name in ("survey", "checkboxes-1", "decimal-comma", "repeating-instruments-sparse"):
        data, book = sample(shared, name)
        found = read(data, book)
        assert found.delivered == data.delivered
        assert found.row_no.equals(data.row_no)
    broken = reading("elev,klasse,tall", "K1,7A,3", "K2,7A")
    assert read(broken, BOOK).malformed == broken.malformed


COLUMNS = (
    "elev", "redcap_repeat_instrument", "klasse", "grunn_complete", "tall", "hvor___1", "hvor___2",
    "dag_complete",
)  # fmt: skip
ROW = st.tuples(
    st.just("K1"),
    st.sampled_from(["", "dag", "grunn"]),
    st.sampled_from(["", "7A"]),
    st.sampled_from(["", "0", "2"]),
    st.sampled_from(["", "3", "1,5", "2.0"]),
    st.sampled_from(["", "0", "1"]),
    st.sampled_from(["", "0", "1"]),
    st.sampled_from(["", "0", "1", "2"]),
)


def naive(rows_in):
    """Row by row, in the words of the module's docstring."""
    repeating = {row[1] for row in rows_in} - {""}
    plain = {"1,5": "1.5", "2.0": "2"}
    written = []
    for elev, repeat, klasse, grunn, tall, *boxes, dag in rows_in:
        number = plain.get(tall, tall)
        unopened = dag in ("", "0") and not tall and "1" not in boxes
        out = [elev, repeat, klasse, grunn, number, *(["", ""] if unopened else boxes), dag]
        for form, places in (("grunn", (2, 3)), ("dag", (4, 5, 6, 7))):
            elsewhere = repeat not in ("", form) or (not repeat and form in repeating)
            for at in places if elsewhere else ():
                unanswered = ("", "0") if at in (5, 6) else ("",)
                out[at] = None if out[at] in unanswered else out[at]
        written.append(out)
    return written


@given(st.lists(ROW, min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_the_columns_say_what_a_reader_of_single_rows_says(rows_in):
    cells = [pa.array(column, pa.string()) for column in zip(*rows_in, strict=True)]
    row_no = pa.array(range(2, len(rows_in) + 2), pa.int32())
    found = read(Reading(pa.table(cells, names=COLUMNS), row_no, "csv"), BOOK)
    assert rows(found) == naive(rows_in)


def test_small_project_is_told_by_its_record_id_and_a_forms_status(shared):
    data, _ = sample(shared, "decimal-comma")
    found = recognise(data.table.column_names, first_rows(data))
    assert (found.sure, found.marks) == ("likely", ("form_complete", "record_id"))
    assert recognise(["record_id", "q"], [["1", "2"]]) is None
    assert recognise(["id", "task_complete"], [["1", "2"]]) is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_decimal_comma_becomes_a_point_whatever_stands_between_cells(shared, delimiter):
    data, book = sample(shared, "decimal-comma")
    names = data.table.column_names
    lines = [names, *rows(data)]
    quoted = [delimiter.join(f'"{cell}"' for cell in line) for line in lines]
    found = reading(*quoted)
    assert recognise(found.table.column_names, first_rows(found)) is not None
    assert read(found, book).table.to_pylist() == read(data, book).table.to_pylist()
    assert read(found, book).table.column("height").to_pylist() == ["1.54", "1.84", "1.95", "1.61"]
