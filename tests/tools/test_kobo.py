"""KoboToolbox downloads: names or labels, groups, tag rows, and nobody's device or place."""

import pytest

from schemas.personal import Personal
from transforms.codebooks.xlsform import read_xlsform
from transforms.readers.delimited import read_delimited
from transforms.tools.kobo import read, recognise

OWN = ["_id", "_uuid", "_submission_time", "_validation_status", "__version__", "_index"]
CELLS = ["11", "u-11", "2026-11-04T22:30:00", "", "v1", "1"]
FORM = """survey
,type,name,label::Norsk (nb),label::English (en)
,begin_group,skolen,Skolen,School
,select_one grad,trives,Trives du?,Do you thrive?
,select_multiple steder,hvor,Hvor da?,Where?
,end_group,,,
,geotrace,vei,Vei,Route
choices
,list_name,name,label::Norsk (nb),label::English (en)
,grad,1,Ja,Yes
,grad,2,Nei,No
,steder,ute,Ute,Outside
,steder,inne,Inne,Inside
"""
BOOK = read_xlsform(FORM.encode())


def download(*lines):
    rows = (";".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    return read_delimited("".join(f"{row}\r\n" for row in rows).encode())


def one(headings, cells, book=None):
    """A download of one row, its own columns at the end."""
    return read(download([*headings, *OWN], [*cells, *CELLS]), book)


def column(reading, name):
    return reading.table[name].to_pylist()


def test_the_tool_is_known_by_its_own_columns():
    found = recognise(["q", *OWN, "_submitted_by"], [])
    assert found.sure == "certain"
    assert set(found.marks) <= {*OWN, "_submitted_by"}
    assert recognise(["q", "_id", "_uuid"], []) is None


def test_the_sheet_of_a_repeat_is_not_the_main_table():
    assert recognise([*OWN, "_parent_table_name", "_parent_index"], []) is None


def test_headings_stay_where_no_form_is_given():
    reading = one(["skolen/trives", "skolen/hvor", "skolen/hvor/ute"], ["1", "ute", "1"])
    assert reading.table.column_names == ["skolen/trives", "skolen/hvor", "skolen/hvor/ute", *OWN]


@pytest.mark.parametrize(
    ("headings", "cells"),
    [
        (["trives", "hvor", "hvor/ute", "hvor/inne"], ["2", "ute", "1", "0"]),
        (
            ["skolen/trives", "skolen/hvor", "skolen/hvor/ute", "skolen/hvor/inne"],
            ["2", "ute", "1", "0"],
        ),
        (["Trives du?", "Hvor da?", "Hvor da?/Ute", "Hvor da?/Inne"], ["Nei", "Ute", "1", "0"]),
        (
            [
                "School/Do you thrive?",
                "School/Where?",
                "School/Where?/Outside",
                "School/Where?/Inside",
            ],
            ["No", "Outside", "1", "0"],
        ),
    ],
)
def test_names_labels_and_groups_give_one_table(headings, cells):
    reading = one(headings, cells, BOOK)
    assert reading.table.column_names == ["trives", "hvor", "hvor/ute", "hvor/inne", *OWN]
    assert column(reading, "trives") == ["2"]
    assert (column(reading, "hvor/ute"), column(reading, "hvor/inne")) == (["1"], ["0"])


def test_a_select_multiple_in_words_stays_in_words():
    reading = one(["Hvor da?"], ["Ute Inne"], BOOK)
    assert column(reading, "hvor") == ["Ute Inne"]


def test_tag_rows_under_the_heading_are_no_answers():
    tags = ["#grade", *["" for _ in OWN]]
    reading = read(download(["trives", *OWN], tags, ["1", *CELLS]), None)
    assert column(reading, "trives") == ["1"]
    assert reading.row_no.to_pylist() == [3]


def test_an_answer_that_begins_like_a_tag_is_an_answer():
    reading = one(["hvor"], ["#ute"])
    assert (column(reading, "hvor"), reading.row_no.to_pylist()) == (["#ute"], [2])


def test_only_rows_directly_under_the_heading_are_tag_rows():
    blank = ["" for _ in OWN]
    lines = [["1", *CELLS], ["#x", *blank]]
    assert read(download(["q", *OWN], *lines), None).table.num_rows == 2


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-11-04T22:30:00", "2026-11-04T23:30:00"),
        ("2026-11-04T23:30:00", "2026-11-05T00:30:00"),
        ("2026-06-04 22:30:00", "2026-06-05T00:30:00"),
        ("2026-06-04T22:30:00.123Z", "2026-06-05T00:30:00"),
        ("2026-06-04T22:30:00+02:00", "2026-06-04T22:30:00"),
        ("i går", "i går"),
        ("", ""),
    ],
)
def test_the_time_of_submission_is_on_the_clock_in_norway(written, expected):
    reading = read(download(["q", *OWN], ["1", "11", "u", written, "", "v", "1"]), None)
    assert column(reading, "_submission_time") == [expected]


@pytest.mark.parametrize(
    ("headings", "dropped"),
    [
        (["_submitted_by"], {Personal.ACCOUNT: 1}),
        (["_notes"], {Personal.FREE_TEXT: 1}),
        (["_geolocation"], {Personal.PLACE: 1}),
        (["username", "g/deviceid"], {Personal.ACCOUNT: 1, Personal.DEVICE: 1}),
        (["phonenumber", "email"], {Personal.PHONE: 1, Personal.EMAIL: 1}),
        (
            [
                "g/hjem",
                "g/_hjem_latitude",
                "g/_hjem_longitude",
                "g/_hjem_altitude",
                "g/_hjem_precision",
            ],
            {Personal.PLACE: 5},
        ),
        (["bilde", "bilde_URL"], {Personal.FREE_TEXT: 1, Personal.ACCOUNT: 1}),
        (["meta/instanceName"], {Personal.FREE_TEXT: 1}),
        (["vei"], {Personal.IDENTIFIER: 1}),
        (["vei", "Vei"], {Personal.IDENTIFIER: 2}),
    ],
)
def test_personal_columns_are_left_out_and_counted(headings, dropped):
    reading = one(["trives", *headings], ["1", *["hemmelig" for _ in headings]], BOOK)
    assert reading.table.column_names == ["trives", *OWN]
    assert reading.dropped == dropped


def test_the_form_that_a_heading_told_is_kept_beside_the_codebook():
    reading = one(["Trives du?"], ["Ja"], BOOK)
    assert reading.codebook == BOOK
