"""Small files that unfold to much: made here in moments, refused with a reason, costing nothing."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.outcome import Outcome
from flows.reading import room as reading_room
from schemas.reason import Reason
from tests.support.home import csv_bytes, drop, make_home, outcomes, run, school_class
from transforms.readers.reading import FileProblem
from transforms.synthetic.formats import to_parquet, to_xlsx

ROWS = pl.DataFrame(school_class(3))
SHEET = "xl/worksheets/sheet1.xml"
MIB = 1 << 20


def rebuilt(edit: Callable[[str, bytes], bytes], **more: bytes) -> bytes:
    """A sound workbook with its parts edited, and with further ones."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(to_xlsx(ROWS))) as sound,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in sound.namelist():
            made.writestr(name, edit(name, sound.read(name)))
        for name, part in more.items():
            made.writestr(name, part)
    return buffer.getvalue()


def unchanged(_name: str, part: bytes) -> bytes:
    return part


def giant_cell(name: str, part: bytes) -> bytes:
    cell = b'<row r="9"><c r="A9" t="str"><v>' + b"x" * (16 * MIB) + b"</v></c></row></sheetData>"
    return part.replace(b"</sheetData>", cell) if name == SHEET else part


def far_cell(name: str, part: bytes) -> bytes:
    cell = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return part.replace(b"</sheetData>", cell) if name == SHEET else part


def entities(name: str, part: bytes) -> bytes:
    layers = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    dtd = f'<!DOCTYPE x [<!ENTITY a0 "ha">{layers}]>'.encode()
    head, mark, rest = part.partition(b"?>")
    return head + mark + dtd + rest if name == SHEET else part


def outside_entity(name: str, part: bytes) -> bytes:
    dtd = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    head, mark, rest = part.partition(b"?>")
    return head + mark + dtd + rest if name == SHEET else part


def wide_parquet() -> bytes:
    column = pa.repeat(pa.scalar("1"), 260_000)
    buffer = io.BytesIO()
    table = pa.table({f"q{number}": column for number in range(200)})
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def deep_json() -> bytes:
    return b'{"q":' + b"[" * 990 + b"]" * 990 + b',"r":"\\ud83d\\ude00"}\n'


def huge_integer() -> bytes:
    return b'{"submissionId":' + b"7" * 5000 + b'}\n{"submissionId":1\n'


BOMBS: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "gzip": (lambda: gzip.compress(b"1;2\n" * 16 * MIB), Reason.FILE_PACKED),
    "giant cell": (lambda: rebuilt(giant_cell), Reason.TOO_LARGE),
    "part that nobody reads": (
        lambda: rebuilt(unchanged, spare=b"\0" * (64 * MIB)),
        Reason.TOO_LARGE,
    ),
    "many entries": (
        lambda: rebuilt(unchanged, **{f"p{number}": b"" for number in range(1001)}),
        Reason.TOO_LARGE,
    ),
    "endless list of entries": (
        lambda: rebuilt(unchanged, **{f"p{number}": b"" for number in range(25_000)}),
        Reason.TOO_LARGE,
    ),
    "far cell": (lambda: rebuilt(far_cell), Reason.TOO_LARGE),
    "entities": (lambda: rebuilt(entities), Reason.UNREADABLE),
    "outside entity": (lambda: rebuilt(outside_entity), Reason.UNREADABLE),
    "parquet of equal cells": (wide_parquet, Reason.TOO_LARGE),
    "field without end": (
        lambda: csv_bytes(school_class(1)) + b"x" * (32 * MIB) + b";",
        Reason.TOO_LARGE,
    ),
    "quoted field without end": (
        lambda: csv_bytes(school_class(1)) + b'"' + b"x;\n" * (8 * MIB) + b'"',
        Reason.TOO_LARGE,
    ),
    "heading without end": (lambda: b"a;" + b"b" * (8 * MIB), Reason.TOO_LARGE),
    "many columns": (
        lambda: b";".join(b"c%d" % number for number in range(20_000)) + b"\n",
        Reason.NOT_RECOGNISED,
    ),
    "nested too deeply": (deep_json, Reason.UNREADABLE),
    "integer without end": (huge_integer, Reason.INCOMPLETE_UPLOAD),
    "many keys": (
        lambda: json.dumps({f"q{number}": 1 for number in range(20_000)}).encode(),
        Reason.TOO_LARGE,
    ),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    home = make_home(tmp_path_factory.mktemp("bombs") / "home")
    for name, (make, _) in BOMBS.items():
        drop(home, name, make())
    drop(home, "zz good.csv", csv_bytes(school_class(3)))
    drop(home, "zz good.parquet", to_parquet(pl.DataFrame(school_class(3, prefix="Q"))))
    reading_room._ROOM.close()
    reading_room._ROOM.peak = 0
    return outcomes(run(home))


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_with_its_reason(found, name):
    assert found[name].reason == BOMBS[name][1]
    assert found[name].accepted == 0


def test_files_after_the_bombs_are_loaded(found):
    assert [found[f"zz good.{ending}"].accepted for ending in ("csv", "parquet")] == [3, 3]


def test_no_bomb_unfolds_in_the_child(found):
    assert found
    reading_room._ROOM.close()
    assert 0 < reading_room._ROOM.peak < 400 * MIB


def test_parent_of_the_child_hardly_grows():
    bomb = rebuilt(giant_cell)
    with pytest.raises(FileProblem):
        reading_room.read("xlsx", bomb)
    before = peak_of_this_process()
    for _ in range(3):
        with pytest.raises(FileProblem):
            reading_room.read("xlsx", bomb)
    assert peak_of_this_process() - before < 50 * MIB


def peak_of_this_process() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if "VmHWM" in line)
