"""Which columns hold choices, and what is in their cells."""

import pyarrow as pa
import pytest

from transforms.choices import names_pupils, split_choices

CODES = pa.chunked_array([["p01", "P02", "P03", "P04", None]])


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["P01", "P02", "P03"], True),
        (["p01; P02", "P03"], True),
        (["P01", "P02"], False),  # fewer may be numbers that happen to be codes
        (["P01", "P02", "P03", "x", "y"], True),
        (["P01", "P02", "P03", "x", "y", "z"], False),  # half is not most
        (["P01", "P01", "P02", "P02", "P03", "x", "x", "x", "x", "y"], True),  # each code once
        (["a", "b", "c", "d"], False),
        ([None, ""], False),
    ],
)
def test_a_column_of_choices_is_one_in_which_most_codes_answered(cells, says):
    assert names_pupils(pa.chunked_array([pa.array(cells, pa.string())]), CODES) is says


def test_codes_keep_the_place_of_their_cell_and_blanks_are_none():
    codes, places = split_choices(pa.array(["P1, P2;P3", None, "", " P4 ", ";"]))
    assert codes.to_pylist() == ["P1", "P2", "P3", "P4"]
    assert places.tolist() == [0, 0, 0, 3]
