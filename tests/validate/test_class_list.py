"""Class lists: how many pupils a class has, or a row that a person has to look at."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reason import Reason
from tests.validate.build import SETTINGS
from transforms.class_list import validate_class_list
from transforms.readers.reading import MalformedRow, Reading

COLUMNS = ("school_year", "school", "class_group", "grade", "enrolled")
GOOD = ("2025-26", "S01", "7A", "7", "22")


def validate(*rows, malformed=()):
    columns = zip(*rows, strict=True) if rows else ([] for _ in COLUMNS)
    table = pa.table(
        {
            name: pa.array(list(cells), pa.string())
            for name, cells in zip(COLUMNS, columns, strict=True)
        }
    )
    row_no = pa.array(range(2, 2 + len(rows)), pa.int32())
    return validate_class_list(Reading(table, row_no, "csv", tuple(malformed)), SETTINGS)


def held_rows(*rows):
    return {row.row_no: row.reasons for row in validate(*rows)[1]}


def test_a_class_is_typed():
    classes, held = validate(GOOD, ("2025-26", " S02 ", "7 b", "7", "19"))

    assert held == []
    assert classes.to_pylist() == [
        {
            "school_id": "S01",
            "class_group": "7A",
            "school_year": "2025-26",
            "grade": 7,
            "enrolled": 22,
        },
        {
            "school_id": "S02",
            "class_group": "7B",
            "school_year": "2025-26",
            "grade": 7,
            "enrolled": 19,
        },
    ]


CELLS = [
    ("school_year", "2025-26", None),
    ("school_year", "2025/26", Reason.ENROLLED_INVALID),
    ("school_year", "", Reason.ENROLLED_INVALID),
    ("school", "S02", None),
    ("school", "S99", Reason.SCHOOL_UNKNOWN),
    ("school", "", Reason.SCHOOL_UNKNOWN),
    ("class_group", "10 D", None),
    ("class_group", "?", Reason.CLASS_INVALID),
    ("class_group", "", Reason.CLASS_INVALID),
    ("grade", "13", None),
    ("grade", "14", Reason.GRADE_INVALID),
    ("grade", "", Reason.GRADE_INVALID),
    ("enrolled", "1", None),
    ("enrolled", "60", None),
    ("enrolled", "0", Reason.ENROLLED_INVALID),
    ("enrolled", "61", Reason.ENROLLED_INVALID),
    ("enrolled", "22.0", Reason.ENROLLED_INVALID),
    ("enrolled", "-22", Reason.ENROLLED_INVALID),
    ("enrolled", "", Reason.ENROLLED_INVALID),
    ("enrolled", None, Reason.ENROLLED_INVALID),
]


@pytest.mark.parametrize(
    ("column", "cell", "reason"), CELLS, ids=[f"{name}-{at}" for at, (name, *_) in enumerate(CELLS)]
)
def test_what_a_cell_of_a_class_list_may_say(column, cell, reason):
    row = [cell if name == column else good for name, good in zip(COLUMNS, GOOD, strict=True)]

    assert held_rows(row) == ({2: (reason,)} if reason else {})


def test_one_bad_row_does_not_condemn_the_rest():
    classes, held = validate(
        GOOD, ("2025-26", "S01", "7B", "7", "many"), ("2025-26", "S01", "7C", "7", "20")
    )

    assert [row["class_group"] for row in classes.to_pylist()] == ["7A", "7C"]
    assert [row.row_no for row in held] == [3]


def test_a_class_that_stands_twice_with_the_same_number_counts_once():
    classes, held = validate(GOOD, ("2025-26", "S01", "7 a", "7", "22"))

    assert (classes.num_rows, held) == (1, [])


def test_a_class_that_stands_twice_with_different_numbers_is_held_both_times():
    assert held_rows(GOOD, ("2025-26", "S01", "7A", "7", "23")) == {
        2: (Reason.CLASS_INVALID,),
        3: (Reason.CLASS_INVALID,),
    }


def test_two_numbers_are_a_contradiction_however_often_one_of_them_stands():
    assert set(held_rows(GOOD, GOOD, ("2025-26", "S01", "7A", "7", "23"))) == {2, 3, 4}


def test_two_spellings_of_a_class_are_one_class():
    assert set(held_rows(GOOD, ("2025-26", "S01", "7 a", "7", "23"))) == {2, 3}


def test_two_grades_are_a_contradiction_too():
    assert set(held_rows(GOOD, ("2025-26", "S01", "7A", "8", "22"))) == {2, 3}


@pytest.mark.parametrize("other", [("2026-27", "S01"), ("2025-26", "S02")], ids=["year", "school"])
def test_the_class_of_another_year_or_school_is_another_class(other):
    assert held_rows(GOOD, (*other, "7A", "7", "23")) == {}


def test_rows_that_name_no_class_do_not_contradict_each_other():
    rows = [("2025-26", "S01", "", "7", "20"), ("2025-26", "S01", "", "7", "21"), GOOD]

    assert held_rows(*rows) == {2: (Reason.CLASS_INVALID,), 3: (Reason.CLASS_INVALID,)}


def test_a_malformed_line_is_held_with_its_reason():
    classes, held = validate(malformed=[MalformedRow(2, Reason.FIELD_COUNT, "PLANTED")])

    assert classes.num_rows == 0
    assert [(row.row_no, row.reasons) for row in held] == [(2, (Reason.FIELD_COUNT,))]
    assert "PLANTED" not in repr(held)


ROW = st.tuples(
    st.sampled_from(["2025-26", "26"]),
    st.sampled_from(["S01", "S02", "S99", ""]),
    st.sampled_from(["7A", "7 a", "8B", "", "?"]),
    st.sampled_from(["7", "8", "x"]),
    st.sampled_from(["20", "21", "0", None]),
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, max_size=8))
def test_a_class_is_accepted_once_or_every_row_of_it_is_held(rows):
    classes, held = validate(*rows)

    plain = {}
    for number, (year, school, name, grade, enrolled) in enumerate(rows, start=2):
        key = (year, school, name.upper().replace(" ", ""))
        plain.setdefault(key, []).append((number, grade, enrolled))
    sound = {
        key
        for key, found in plain.items()
        if key[0] == "2025-26" and key[1] in ("S01", "S02") and key[2] not in ("", "?")
        if len({numbers[1:] for numbers in found}) == 1
        if found[0][1] != "x" and found[0][2] in ("20", "21")
    }
    accepted = [(c["school_year"], c["school_id"], c["class_group"]) for c in classes.to_pylist()]
    assert sorted(accepted) == sorted(sound)
    assert {row.row_no for row in held} == {
        number for key, found in plain.items() if key not in sound for number, *_ in found
    }
