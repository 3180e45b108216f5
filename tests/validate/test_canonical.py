"""From a tool's table to canonical columns: what was not asked is not what was left blank."""

import pyarrow as pa
import pytest

from tests.validate.build import CORE, INSTRUMENTS, batch_of_forms, form, survey
from transforms.canonical import canonical_batch
from transforms.readers.reading import Batch
from transforms.recognise import item_columns, lay_out

CODED = pa.dictionary(pa.int32(), pa.string())
CORE_ONLY = survey(instruments=[CORE])
ITEMS = item_columns(CORE_ONLY, INSTRUMENTS)


def canonical(table, declared=CORE_ONLY):
    rows = pa.array(range(2, 2 + table.num_rows), pa.int32())
    layout = lay_out(table.column_names, declared, INSTRUMENTS)
    return canonical_batch(Batch(table, rows, rows), layout, ITEMS)


def cells_of(column, *cells, kind=None):
    """What becomes of the cells of one column."""
    table = pa.table({column: pa.array(cells, kind or pa.string())})
    return canonical(table).table.column(column).to_pylist()


def test_cells_are_trimmed():
    assert cells_of("school", " S01", "S01 ", "\tS01\n") == ["S01"] * 3
    assert cells_of(f"{CORE}.safety", " 5 ") == ["5"]


@pytest.mark.parametrize("blank", ["", "  ", "\t"])
def test_a_blank_context_cell_is_no_value(blank):
    assert cells_of("school", "S01", blank, None, "S02") == ["S01", None, None, "S02"]


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_answer_stays_apart_from_one_that_was_not_asked(blank):
    assert cells_of(f"{CORE}.safety", "3", blank, None) == ["3", "", None]


def test_a_column_that_the_file_does_not_have_was_not_asked():
    table = canonical(pa.table({"school": ["S01", "S02"]})).table

    assert table.column(f"{CORE}.safety").to_pylist() == [None, None]
    assert table.column("gender").to_pylist() == [None, None]


def test_a_constant_stands_in_every_row():
    constant = survey(instruments=[CORE], constants={"wave": "2025H"})

    table = canonical(pa.table({"school": ["S01", "S02", "S01"]}), constant).table

    assert table.column("wave").to_pylist() == ["2025H"] * 3


@pytest.mark.parametrize("chunks", [[["S01"], ["S02", None], []], [[]], []])
@pytest.mark.parametrize("kind", [pa.string(), CODED], ids=["text", "coded"])
def test_every_column_is_one_coded_chunk_whatever_came_in(chunks, kind):
    column = pa.chunked_array([pa.array(chunk, pa.string()).cast(kind) for chunk in chunks], kind)

    batch = canonical(pa.table({"school": column}))

    for name in batch.table.column_names:
        assert batch.table.column(name).type == CODED
        assert batch.table.column(name).num_chunks == 1
    assert batch.table.column("school").to_pylist() == [cell for chunk in chunks for cell in chunk]


def test_columns_stand_in_canonical_order_and_rows_keep_their_places():
    batch = batch_of_forms([form(), form()], survey(), first_row=7)

    assert batch.table.column_names[:4] == ["wave", "school", "class_group", "grade"]
    assert batch.row_no.to_pylist() == [7, 8]
    assert batch.file_no.to_pylist() == [5, 5]
