"""ODK Central: the main table of a zip, and nothing unpacked that could hurt."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.codebooks.xlsform import read_xlsform
from transforms.readers.delimited import read_delimited
from transforms.readers.reading import FileProblem
from transforms.tools import odk
from transforms.tools.odk import read, read_bytes, recognise, recognise_bytes

END = ["KEY", "SubmitterID", "SubmitterName", "AttachmentsPresent", "AttachmentsExpected"]
END = [*END, "Status", "ReviewState", "DeviceID", "Edits", "FormVersion"]
KEPT = ["KEY", "AttachmentsPresent", "AttachmentsExpected", "Status", "ReviewState", "Edits"]
KEPT = [*KEPT, "FormVersion"]
FORM = """survey
,type,name,label
,begin_group,g1,Skolen
,select_one grad,trives,Trives du?
,select_multiple steder,hvor,Hvor da?
,end_group,,
,geoshape,omraade,Område
choices
,list_name,name,label
,grad,1,Ja
,steder,ute,Ute
"""
BOOK = read_xlsform(FORM.encode())
REPEAT = "navn,PARENT_KEY,KEY\na,uuid:1,uuid:1/venner[1]\nb,uuid:1,uuid:1/venner[2]\n"


def row(*cells, time="2026-11-04T08:12:31.000Z", key="uuid:1", status=""):
    end = [key, "5", "Kari", "0", "0", status, "", "collect:1", "0", "v1"]
    return [time, *cells, *end]


def csv_of(headings, *rows):
    lines = [["SubmissionDate", *headings, *END], *rows]
    return "".join(",".join(line) + "\n" for line in lines)


def packed(members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def table(headings, *rows):
    return read_delimited(csv_of(headings, *rows).encode())


def column(reading, name):
    return reading.table[name].to_pylist()


def refused(content):
    with pytest.raises(FileProblem) as problem:
        read_bytes(content, None)
    return problem.value.reason


MAIN = csv_of(["trives"], row("1"))


def test_the_main_table_of_a_zip_is_read_and_a_repeat_counted():
    content = packed({"puls-venner.csv": REPEAT, "puls.csv": MAIN, "media/bilde.jpg": "x"})
    assert recognise_bytes(content).sure == "certain"
    reading = read_bytes(content, None)
    assert reading.table.column_names == ["SubmissionDate", "trives", *KEPT]
    assert reading.dropped == {Personal.ACCOUNT: 1, Personal.NAME: 1, Personal.DEVICE: 1}
    assert list(reading.codebook) == ["(repeat 1)"]
    assert "2 rows" in reading.codebook["(repeat 1)"].label


def test_a_repeat_without_rows_is_counted_as_none():
    reading = read_bytes(packed({"a.csv": MAIN, "b.csv": "navn,PARENT_KEY,KEY\n"}), None)
    assert "0 rows" in reading.codebook["(repeat 1)"].label


def test_names_in_the_zip_decide_nothing():
    content = packed({"../../etc/x.CSV": MAIN, "puls.csv": REPEAT})
    assert recognise_bytes(content) is not None
    assert read_bytes(content, None).table.num_rows == 1


def test_what_lies_in_media_is_never_unpacked():
    content = packed({"puls.csv": MAIN, "media/annet.csv": MAIN})
    assert read_bytes(content, None).table.num_rows == 1


def test_a_zip_without_exactly_one_main_table_is_not_recognised():
    for content in (packed({"a.csv": REPEAT}), packed({"a.csv": MAIN, "b.csv": MAIN})):
        assert recognise_bytes(content) is None
        assert refused(content) is Reason.NOT_RECOGNISED


def test_other_files_are_no_zip_of_ours(shared):
    sheet = shared / "samples" / "xlsform" / "or_other.xlsx"
    assert recognise_bytes(sheet.read_bytes()) is None
    assert recognise_bytes(MAIN.encode()) is None
    assert recognise_bytes(b"PK\x03\x04 and then nothing") is None


def test_a_zip_that_would_unpack_to_far_more_than_its_size_is_refused():
    bomb = packed({"puls.csv": MAIN, "b.csv": "0" * (odk.MAX_BYTES_OF_ANY_RATIO + 1)})
    assert len(bomb) < 50_000
    assert recognise_bytes(bomb) is None
    assert refused(bomb) is Reason.TOO_LARGE


def test_a_zip_with_too_many_files_is_refused():
    pictures = {f"media/{number}.jpg": "" for number in range(odk.MAX_ENTRIES)}
    content = packed({"puls.csv": MAIN, **pictures})
    assert recognise_bytes(content) is None
    assert refused(content) is Reason.TOO_LARGE


def test_a_zip_with_too_many_tables_is_refused():
    tables = {f"{n}.csv": REPEAT for n in range(odk.MAX_TABLES)}
    assert refused(packed({"puls.csv": MAIN, **tables})) is Reason.TOO_LARGE


def test_an_entry_larger_than_it_claims_is_refused():
    content = packed({"puls.csv": MAIN})
    size = len(MAIN).to_bytes(4, "little")
    assert content.count(size) == 2
    lied = content.replace(size, (len(MAIN) - 20).to_bytes(4, "little"))
    assert refused(lied) is Reason.UNREADABLE


def test_a_damaged_zip_is_refused():
    content = packed({"puls.csv": MAIN})
    middle = content.index(b"puls.csv") + 30
    broken = content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]
    assert refused(broken) is Reason.UNREADABLE


def test_the_main_table_alone_is_known_too():
    assert recognise(["SubmissionDate", "q", *END], []).sure == "certain"
    assert recognise(["SubmissionDate", "q", "KEY"], []).sure == "likely"
    assert recognise(["q", "PARENT_KEY", "KEY"], []) is None
    assert recognise(["SubmissionDate", "PARENT_KEY", "KEY"], []) is None
    assert recognise(["SubmissionDate", "q"], []) is None


@pytest.mark.parametrize(
    "headings", [["g1-trives", "g1-hvor", "g1-hvor/ute"], ["trives", "hvor", "hvor/ute"]]
)
def test_groups_before_a_name_make_no_difference_with_the_form(headings):
    reading = read(table(headings, row("1", "ute", "1")), BOOK)
    assert reading.table.column_names == [
        *("SubmissionDate", "trives", "hvor", "hvor/ute"),
        *KEPT,
    ]


def test_headings_stay_where_no_form_is_given():
    reading = read(table(["g1-trives"], row("1")), None)
    assert "g1-trives" in reading.table.column_names


def test_a_choice_that_nobody_was_asked_is_not_answered_with_no():
    headings = ["hvor", "hvor/ute", "hvor/inne"]
    reading = read(table(headings, row("ute", "1", "0"), row("", "0", "0", key="uuid:2")), None)
    assert column(reading, "hvor/ute") == ["1", ""]
    assert column(reading, "hvor/inne") == ["0", ""]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["", "a", "a b"]), st.sampled_from("01")), min_size=1))
def test_a_choice_is_blank_exactly_where_its_question_is(cells):
    rows = [row(said, tick) for said, tick in cells]
    reading = read(table(["q", "q/a"], *rows), None)
    assert column(reading, "q/a") == [tick if said else "" for said, tick in cells]


def test_the_time_of_submission_is_on_the_clock_in_norway():
    reading = read(table(["q"], row("1", time="2026-06-04T22:30:00.000Z")), None)
    assert column(reading, "SubmissionDate") == ["2026-06-05T00:30:00"]


@pytest.mark.parametrize(
    ("headings", "kinds"),
    [
        (
            ["g-hjem-Latitude", "g-hjem-Longitude", "g-hjem-Altitude", "g-hjem-Accuracy"],
            {Personal.PLACE: 4},
        ),
        (["start-geopoint-Latitude", "start-geopoint-Longitude"], {Personal.PLACE: 2}),
        (
            ["username", "g1-email", "phonenumber"],
            {Personal.ACCOUNT: 1, Personal.EMAIL: 1, Personal.PHONE: 1},
        ),
        (["meta-instanceName", "deviceid"], {Personal.FREE_TEXT: 1, Personal.DEVICE: 1}),
        (["omraade"], {Personal.IDENTIFIER: 1}),
    ],
)
def test_personal_columns_are_left_out_and_counted(headings, kinds):
    cells = ["hemmelig" for _ in headings]
    reading = read(table(["trives", *headings], row("1", *cells)), BOOK)
    own = {Personal.ACCOUNT: 1, Personal.NAME: 1, Personal.DEVICE: 1}
    assert reading.table.column_names == ["SubmissionDate", "trives", *KEPT]
    assert reading.dropped == {
        kind: own.get(kind, 0) + kinds.get(kind, 0) for kind in {*own, *kinds}
    }


def test_a_question_called_accuracy_is_no_place():
    assert "g1-Accuracy" in read(table(["g1-Accuracy"], row("1")), None).table.column_names


def test_an_export_that_is_not_decrypted_must_be_made_again():
    with pytest.raises(FileProblem) as problem:
        read(table(["q"], row("1"), row("", status="not decrypted")), None)
    assert problem.value.reason is Reason.UNREADABLE


def test_a_form_whose_data_never_arrived_is_no_blank_form():
    late = row("", key="uuid:2", status="missing encrypted form data")
    reading = read(table(["q"], row("1"), late, row("2", key="uuid:3")), None)
    assert column(reading, "KEY") == ["uuid:1", "uuid:3"]
    assert reading.row_no.to_pylist() == [2, 4]
    assert [(lost.row_no, lost.reason) for lost in reading.malformed] == [(3, Reason.ROW_CUT_OFF)]
    assert reading.delivered == 3
