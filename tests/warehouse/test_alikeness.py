"""The file's own uniqueness, held against counting by hand."""

from collections import Counter

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.alikeness import measure_files

ROWS = st.fixed_dictionaries(
    {
        "file_no": st.integers(0, 2),
        "wave_id": st.sampled_from(["2025H", "2026V"]),
        "school_id": st.sampled_from(["S01", "S02"]),
        "class_group": st.sampled_from(["7A", "7B"]),
        "grade": st.sampled_from([6, 7]),
        "gender": st.sampled_from(["girl", "boy", None]),
        "had_text": st.sampled_from([True, False, None]),
    }
)
SCHEMA = pa.schema(
    {
        "file_no": pa.int32(),
        "wave_id": pa.string(),
        "school_id": pa.string(),
        "class_group": pa.string(),
        "grade": pa.int8(),
        "gender": pa.string(),
        "had_text": pa.bool_(),
    }
)


def group(row: dict[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in SCHEMA.names[1:6])


def by_hand(rows: list[dict[str, object]]) -> dict[int, tuple[int, int, int]]:
    found = {}
    for file_no in {row["file_no"] for row in rows}:
        own = [row for row in rows if row["file_no"] == file_no]
        alike = Counter(group(row) for row in own)
        found[10 + file_no] = (
            sum(row["had_text"] is True for row in own),
            sum(alike[group(row)] == 1 for row in own),
            min(alike.values()),
        )
    return found


@settings(deadline=None, max_examples=60)
@given(st.lists(ROWS, max_size=30))
def test_each_file_tells_of_its_own_rows(rows):
    with duckdb.connect() as con:
        measure_files(con, pa.Table.from_pylist(rows, SCHEMA), first_no=10)
        told = con.execute("from file_measure").fetchall()
    assert {number: tuple(rest) for number, *rest in told} == by_hand(rows)
