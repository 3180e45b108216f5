"""Parquet: canonical text of every type, and limits held before the data is read."""

import datetime as dt
import io
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reason import Reason
from transforms.readers import parquet
from transforms.readers.parquet import read_parquet
from transforms.readers.reading import FileProblem

clock = dt.datetime.fromisoformat  # a moment without a zone, as the files have them


def stored(table, **options):
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def cells(values, kind=None):
    return read_parquet(stored(pa.table({"q": pa.array(values, kind)}))).table["q"].to_pylist()


def refused(content):
    with pytest.raises(FileProblem) as problem:
        read_parquet(content)
    return problem.value.reason


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, -1, None], pa.int8(), ["1", "-1", ""]),
        ([77.0, 4.5, 1e16, None], pa.float64(), ["77", "4.5", "10000000000000000", ""]),
        ([0.1, 2.0], pa.float32(), ["0.1", "2"]),
        ([Decimal("4.50"), Decimal("3.00")], pa.decimal128(5, 2), ["4.5", "3"]),
        ([True, False, None], None, ["1", "0", ""]),
        (["0301", "", None, "4.50"], None, ["0301", "", "", "4.50"]),
        ([dt.date(2023, 6, 1), None], None, ["2023-06-01", ""]),
        ([clock("2023-06-01T20:57:15")], None, ["2023-06-01T20:57:15"]),
        ([clock("2023-06-01T00:00:00.999999")], pa.timestamp("us"), ["2023-06-01T00:00:00"]),
        ([clock("1969-12-31T23:59:59.000005")], pa.timestamp("ns"), ["1969-12-31T23:59:59"]),
        ([dt.time(12, 0), dt.time(12, 0, 30)], pa.time32("ms"), ["12:00", "12:00:30"]),
        ([None, None], pa.null(), ["", ""]),
        ([b"\xc3\xa5"], pa.binary(), ["å"]),
        (["a", "b", "a"], pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a"]),
        ([float("nan")], pa.float64(), ["nan"]),
    ],
)
def test_cell_becomes_canonical_text(values, kind, expected):
    assert cells(values, kind) == expected


def test_moment_with_a_zone_is_shown_on_the_clock_in_norway():
    moments = [clock("2023-06-01T22:30:00"), clock("2023-12-31T23:30:00"), None]
    expected = ["2023-06-02T00:30:00", "2024-01-01T00:30:00", ""]
    assert cells(moments, pa.timestamp("us", "UTC")) == expected
    assert cells([None], pa.timestamp("us", "UTC")) == [""]


def test_moment_beyond_the_calendar_is_refused():
    assert refused(stored(pa.table({"q": pa.array([2**60], pa.timestamp("us", "UTC"))}))) == (
        Reason.UNREADABLE
    )


def test_rows_are_numbered_as_under_a_heading():
    reading = read_parquet(stored(pa.table({"a": ["x", "y", "z"]})))
    assert reading.row_no.to_pylist() == [2, 3, 4]
    assert reading.row_no.type == pa.int32()
    assert reading.delivered == 3
    assert reading.format == "parquet"


@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.integers(-(2**40), 2**40)), st.none() | st.text()),
        min_size=1,
        max_size=30,
    )
)
def test_numbers_and_texts_survive_as_they_are(rows):
    numbers, texts = zip(*rows, strict=True)
    try:
        table = pa.table({"n": pa.array(numbers, pa.int64()), "t": pa.array(texts, pa.string())})
    except UnicodeEncodeError:
        return
    read = read_parquet(stored(table)).table
    assert read["n"].to_pylist() == ["" if n is None else str(n) for n in numbers]
    assert read["t"].to_pylist() == ["" if t is None else t for t in texts]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1], [2]]),
        pa.array([{"a": 1}, {"a": 2}]),
        pa.array([b"\xff", b"\xfe"]),
        pa.array([1, 2], pa.duration("s")),
    ],
    ids=["list", "struct", "not-utf-8", "duration"],
)
def test_column_that_is_no_flat_text_is_refused(column):
    assert refused(stored(pa.table({"q": column}))) == Reason.UNREADABLE


def test_text_that_is_not_utf_8_is_refused():
    broken = pa.array([b"\xff"]).view(pa.string())
    assert refused(stored(pa.table({"q": broken}))) == Reason.UNREADABLE


def test_heading_that_stands_twice_is_refused():
    table = pa.table([pa.array(["1"]), pa.array(["2"])], names=["a", "a"])
    assert refused(stored(table)) == Reason.HEADER_REPEATED


def test_file_without_rows_or_columns_is_refused():
    assert refused(stored(pa.table({"a": pa.array([], pa.string())}))) == Reason.NO_ROWS
    assert refused(stored(pa.table({}))) == Reason.NO_ROWS


def test_too_many_columns_are_refused():
    wide = pa.table({f"q{i}": ["1"] for i in range(parquet.MAX_COLUMNS + 1)})
    assert refused(stored(wide)) == Reason.TOO_LARGE


def test_too_many_rows_are_refused_by_the_footer_alone():
    rows = parquet.MAX_ROWS + 1
    bomb = stored(pa.table({"q": pa.repeat(pa.scalar("1"), rows)}), compression="zstd")
    assert len(bomb) < 100_000
    assert refused(bomb) == Reason.TOO_LARGE


def test_many_equal_cells_in_few_bytes_are_refused_by_the_footer():
    column = pa.repeat(pa.scalar("1"), parquet.MAX_CELLS // 300 + 1)
    bomb = stored(pa.table({f"q{i}": column for i in range(300)}), compression="zstd")
    assert len(bomb) < 1_000_000
    assert refused(bomb) == Reason.TOO_LARGE


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Asia/Kathmandu", "+05:30"])
def test_moment_of_any_zone_is_the_same_moment(zone):
    moments = pa.array([1_762_336_800_999_999, -1], pa.timestamp("us", zone))
    cells = read_parquet(stored(pa.table({"q": moments}))).table["q"].to_pylist()
    assert cells == ["2025-11-05T11:00:00", "1970-01-01T00:59:59"]


def test_too_many_bytes_are_refused_by_the_footer(monkeypatch):
    content = stored(pa.table({"q": ["x" * 1000]}), use_dictionary=False)
    monkeypatch.setattr(parquet, "MAX_BYTES", 500)
    assert refused(content) == Reason.TOO_LARGE


def test_flipped_byte_in_a_page_is_found_by_its_checksum():
    table = pa.table({"q": [f"text{i}" for i in range(2000)]})
    content = bytearray(
        stored(table, write_page_checksum=True, compression="none", use_dictionary=False)
    )
    at = content.index(b"text1500")
    content[at + 4] ^= 1
    assert refused(bytes(content)) == Reason.UNREADABLE


def test_encrypted_and_cut_files_are_refused():
    content = stored(pa.table({"q": ["a", "b"]}))
    for end in range(0, len(content), 7):
        assert refused(content[:end]) == Reason.UNREADABLE
    assert refused(b"PARE" + content[4:-4] + b"PARE") == Reason.UNREADABLE


# In a child, because a damaged file may bring the whole process down.
_FUZZ = """
import sys
import numpy as np
from transforms.readers.parquet import read_parquet
from transforms.readers.reading import FileProblem

content = sys.stdin.buffer.read()
chance = np.random.default_rng(20260801)
counts = {"read": 0, "refused": 0}
for _ in range(400):
    damaged = bytearray(content)
    for at in chance.integers(0, len(content), chance.integers(1, 4)):
        damaged[at] = chance.integers(0, 256)
    try:
        reading = read_parquet(bytes(damaged))
        assert reading.table.num_rows == len(reading.row_no)
        counts["read"] += 1
    except FileProblem:
        counts["refused"] += 1
print(counts["read"], counts["refused"])
"""


def test_damaged_bytes_end_as_a_reading_or_a_problem():
    chance = np.random.default_rng(7)
    table = pa.table(
        {
            "code": [f"P-{i:04}" for i in range(300)],
            "score": chance.integers(0, 5, 300),
            "at": pa.array(chance.integers(0, 2**31, 300), pa.timestamp("s", "UTC")),
        }
    )
    child = subprocess.run(
        [sys.executable, "-c", _FUZZ],
        check=False,
        input=stored(table, write_page_checksum=True),
        capture_output=True,
        timeout=200,
    )
    assert child.returncode == 0, child.stderr.decode()[-500:]
    read, refused = map(int, child.stdout.split())
    assert read + refused == 400
    assert refused > 200
