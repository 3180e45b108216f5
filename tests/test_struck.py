"""A delivered file without one pupil: the others' rows stay where they were."""

import csv
import io

import polars as pl
import pytest

from tests.support.home import csv_bytes, school_class
from transforms.readers.delimited import read_delimited
from transforms.readers.ndjson import read_ndjson
from transforms.readers.xlsx import read_xlsx
from transforms.struck import Columns, mentions, struck, words_in
from transforms.synthetic.formats import to_ndjson, to_parquet, to_xlsx

OWN = Columns(frozenset({"pupil_code"}))
ROWS = school_class(5)
READERS = {"csv": read_delimited, "ndjson": read_ndjson, "xlsx": read_xlsx}
FILES = {
    "csv": csv_bytes(ROWS),
    "ndjson": to_ndjson(pl.DataFrame(ROWS)),
    "xlsx": to_xlsx(pl.DataFrame(ROWS)),
}


@pytest.mark.parametrize("kind", FILES)
def test_struck_row_leaves_every_other_row_in_its_place(kind):
    before = READERS[kind](FILES[kind])
    done = struck(FILES[kind], {"P002"}, OWN)
    after = READERS[kind](done.content)
    keep = [at for at, code in enumerate(before.table["pupil_code"].to_pylist()) if code != "P002"]
    assert after.table.to_pylist() == before.table.take(keep).to_pylist()
    assert after.row_no.to_pylist() == before.row_no.take(keep).to_pylist()
    assert list(done.rows) == [before.row_no[2].as_py()]
    assert mentions(FILES[kind], {"P002"}) > 0
    assert mentions(done.content, {"P002"}) == 0


@pytest.mark.parametrize("kind", FILES)
def test_striking_twice_is_striking_once(kind):
    done = struck(FILES[kind], {"P002"}, OWN)
    assert struck(done.content, {"P002"}, OWN).content == done.content


def test_longer_code_that_begins_alike_is_another_pupils():
    content = b"wave;pupil_code\n2025H;P01\n2025H;P011\n2025H;XP01\n2025H;P01-1\n"
    done = struck(content, {"P01"}, OWN)
    assert done.content == b"wave;pupil_code\n\n2025H;P011\n2025H;XP01\n2025H;P01-1\n"


def test_short_number_is_a_code_only_where_codes_stand():
    content = b"pupil_code,answer_time_ms\n104,7\n105,104\n"
    done = struck(content, {"104"}, OWN)
    assert done.content == b"pupil_code,answer_time_ms\n\n105,104\n"


def test_code_goes_from_the_choices_of_others_and_their_rows_stay():
    content = b"pupil_code;chosen_breaks_1\nP001;P003\nP002;P001 P003\n"
    done = struck(content, {"P001"}, OWN)
    assert done.content == b"pupil_code;chosen_breaks_1\n\nP002; P003\n"
    assert done.rows == (2,)


def test_record_over_several_lines_goes_as_a_whole():
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(
        [["pupil_code", "words"], ["P001", "one\r\ntwo"], ["P002", "three"]]
    )
    done = struck(text.getvalue().encode(), {"P001"}, OWN)
    assert done.content == b"pupil_code;words\r\n\r\n\r\nP002;three\r\n"


def test_answer_that_only_the_struck_pupil_gave_is_gone_from_the_workbook():
    rows = [{**row, "words": "UNIQUE-SAYING" if at == 2 else "same"} for at, row in enumerate(ROWS)]
    content = to_xlsx(pl.DataFrame(rows))
    assert mentions(content, {"UNIQUE-SAYING"}) == 1
    assert mentions(struck(content, {"P002"}, OWN).content, {"UNIQUE-SAYING"}) == 0


def test_formats_whose_rows_cannot_keep_their_places_are_not_rewritten():
    assert struck(to_parquet(pl.DataFrame(ROWS)), {"P002"}, OWN) is None
    assert struck(b'[{"pupil_code": "P002"}]', {"P002"}, OWN) is None
    assert struck(b"PK\x03\x04 cut off", {"P002"}, OWN) is None


def test_words_of_every_format_hold_the_codes():
    for content in (*FILES.values(), to_parquet(pl.DataFrame(ROWS))):
        assert {"P000", "P004"} <= set(words_in(content))


@pytest.mark.parametrize("kind", FILES)
def test_same_code_at_another_school_is_another_childs(kind):
    columns = Columns(frozenset({"pupil_code"}), spared=frozenset({"S01"}))
    assert struck(FILES[kind], {"P002"}, columns).rows == ()
