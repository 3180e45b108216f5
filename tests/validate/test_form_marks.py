"""How long a form took, and whether there was free text: told where it is sure, else not."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.form_marks import LONGEST_MS, had_text, is_answer_time, whole_milliseconds

TIMES = [
    # cell, unit in milliseconds, what it says
    ("183456", 1, 183_456),
    ("183456.0", 1, 183_456),
    ("183456,4", 1, 183_456),
    ("184", 1_000, 184_000),
    ("184.52", 1_000, 184_520),
    ("184,52", 1_000, 184_520),
    ("1", 1, 1),
    (str(LONGEST_MS), 1, LONGEST_MS),
    (str(LONGEST_MS + 1), 1, None),
    ("18001", 1_000, None),
    ("0", 1, None),
    ("-5", 1, None),
    ("3:04", 1, None),
    ("00:03:04", 1, None),
    ("1e5", 1, None),
    ("", 1, None),
    ("three minutes", 1, None),
    ("40012345", 1, None),  # a telephone number
    ("22012345", 1, None),
    ("01010112345", 1, None),  # a national number
    ("9" * 30, 1, None),
]


@pytest.mark.parametrize(("cell", "unit_ms", "says"), TIMES)
def test_a_time_is_whole_milliseconds_or_nothing(cell, unit_ms, says):
    told = whole_milliseconds(pa.array([cell]), unit_ms=unit_ms)
    is_time = is_answer_time(told).to_pylist() == [True]
    assert (int(told[0].as_py()) if is_time else None) == says


@given(st.integers(20_000_000, 99_999_999))
def test_no_telephone_number_is_a_time(number):
    assert is_answer_time(pa.array([str(number)])).to_pylist() == [False]


def test_what_is_no_number_stays_as_it_was_for_the_gate_to_look_at():
    cells = ["ola@example.no", "01010112345", "Ola"]
    assert whole_milliseconds(pa.array(cells), unit_ms=1_000).to_pylist() == cells


def column(*cells: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(cells, pa.string())])


def test_text_is_told_by_its_being_there():
    told = had_text([column("I am alone", "", "  \t", None)], 4)
    assert told.to_pylist() == ["1", "0", "0", None]


def test_one_text_among_several_columns_is_enough():
    told = had_text([column("", None, None), column("here", "here", None)], 3)
    assert told.to_pylist() == ["1", "1", None]


def test_where_nobody_was_asked_nothing_is_told():
    assert had_text([], 2).to_pylist() == [None, None]


@given(st.lists(st.lists(st.sampled_from([None, "", " ", "a", " b "]), min_size=3, max_size=3)))
def test_text_is_told_as_row_by_row(columns):
    told = had_text([column(*cells).dictionary_encode() for cells in columns], 3).to_pylist()
    for at in range(3):
        cells = [cells[at] for cells in columns if cells[at] is not None]
        says = None if not cells else "1" if any(cell.strip() for cell in cells) else "0"
        assert told[at] == says
