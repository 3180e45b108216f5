"""The format is told by content; half an upload and other kinds of file are never a table."""

import io
import json
import subprocess
import sys
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from schemas.reason import Reason
from transforms.readers.ndjson import read_ndjson
from transforms.readers.parquet import read_parquet
from transforms.readers.reading import FileProblem
from transforms.readers.sniff import sniff
from transforms.readers.xlsx import read_xlsx


def xlsx():
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for row in range(30):
            sheet.write_row(row, 0, [f"a{row}", row])
    return buffer.getvalue()


def parquet():
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": ["1", "2"], "b": ["x", "y"]}), buffer)
    return buffer.getvalue()


def zipped(**parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a;b\n1;2\n", "delimited"),
        (b"\xef\xbb\xbfa;b\n", "delimited"),
        (b"\xff\xfea\x00;\x00", "delimited"),
        ("navn;skår\n".encode("cp1252"), "delimited"),
        (b"PAR1;PAR2\n1;2\n", "delimited"),
        (b"PK;navn\n1;2\n", "delimited"),
        (b'{"a":1}\n{"a":2}\n', "ndjson"),
        (b'\xef\xbb\xbf \n{"a":1}\n', "ndjson"),
        (b'{"a":1}', "ndjson"),
        (b'{\n "a": 1\n}', "json"),
        (b'[{"a":1}]', "json"),
        (b"<html></html>", "unknown"),
        (b"\x1f\x8b\x08rest", "unknown"),
        (b"\x89PNG\r\n\x1a\n", "unknown"),
        (b"%PDF-1.7", "unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "unknown"),
        (b"a;b\n\x00\x01\x02", "unknown"),
        (b"a\x00;\x00b\x00\n\x00", "unknown"),
        (xlsx(), "xlsx"),
        (parquet(), "parquet"),
        (zipped(word="<x/>"), "unknown"),
        (zipped(**{"xl/workbook.bin": "x"}), "unknown"),
        (b"PK\x05\x06" + b"\x00" * 18, "unknown"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_format_is_told_by_content(content, expected):
    assert sniff(content).format == expected


@pytest.mark.parametrize("content", [b"", b"  \r\n\t ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n\n"])
def test_nothing_but_blanks_is_an_empty_file(content):
    with pytest.raises(FileProblem) as problem:
        sniff(content)
    assert problem.value.reason == Reason.EMPTY_FILE


@pytest.mark.parametrize("whole", [xlsx(), parquet()], ids=["xlsx", "parquet"])
def test_file_without_its_end_is_an_incomplete_upload_wherever_it_is_cut(whole):
    for end in range(5, len(whole)):
        with pytest.raises(FileProblem) as problem:
            sniff(whole[:end])
        assert problem.value.reason == Reason.INCOMPLETE_UPLOAD


def test_zip_whose_end_is_there_and_middle_is_not_is_unknown():
    whole = xlsx()
    assert sniff(whole[:200] + whole[-22:]).format == "unknown"


def locked(content):
    """The zip with the mark of a password on each entry, as a packer sets it."""
    at, marked = 0, bytearray(content)
    while (at := content.find(b"PK\x01\x02", at) + 1) > 0:
        marked[at + 7] |= 1
    return bytes(marked)


@pytest.mark.parametrize(
    "content",
    [
        locked(xlsx()),
        locked(zipped(**{"svar.csv": "a;b"})),
        b"PARE" + parquet()[4:-4] + b"PARE",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
    ],
    ids=["xlsx", "zip", "parquet", "office"],
)
def test_file_with_a_password_is_told_as_such(content):
    with pytest.raises(FileProblem) as problem:
        sniff(content)
    assert problem.value.reason == Reason.PASSWORD_PROTECTED


def test_zip_with_entries_beyond_measure_is_refused_before_they_are_listed():
    whole = bytearray(zipped(a="x"))
    whole[-22 + 12 : -22 + 16] = (1 << 21).to_bytes(4, "little")
    with pytest.raises(FileProblem) as problem:
        sniff(bytes(whole))
    assert problem.value.reason == Reason.TOO_LARGE


def test_a_problem_holds_no_text_of_the_file():
    with pytest.raises(FileProblem) as problem:
        read_ndjson(b'{"navn": "Kari Nordmann", "navn": 1}')
    assert "Kari" not in str(problem.value)
    assert problem.value.__cause__ is None


# Read in a child: a reader that brings down the process must fail this test, not end the run.
_CHILD = """
import json, sys
from pathlib import Path
from transforms.readers.ndjson import read_ndjson
from transforms.readers.parquet import read_parquet
from transforms.readers.reading import FileProblem
from transforms.readers.sniff import sniff
from transforms.readers.xlsx import read_xlsx

readers = {"xlsx": read_xlsx, "parquet": read_parquet, "ndjson": read_ndjson, "json": read_ndjson}

def outcome(call):
    try:
        return call()
    except FileProblem as problem:
        return problem.reason.value
    except BaseException as error:
        return "raised " + type(error).__name__

def sniff_and_read(content):
    found = sniff(content).format
    if found not in readers:
        return found
    reading = readers[found](content)
    assert reading.table.num_rows == len(reading.row_no) > 0
    assert reading.table.num_columns > 0
    return "read"

def every_reader(content):
    every = (read_xlsx, read_parquet, read_ndjson)
    return [outcome(lambda read=read: len(read(content).row_no)) for read in every]

found = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    content = path.read_bytes()
    found[path.name] = [outcome(lambda: sniff_and_read(content)), *every_reader(content)]
print(json.dumps(found))
"""


def outcomes(folder):
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(folder)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert child.returncode == 0
    return json.loads(child.stdout)


@pytest.mark.parametrize(
    ("corpus", "files"), [("calamine", 19), ("parquet-testing", 13), ("JSONTestSuite", 318)]
)
def test_every_file_of_a_bad_corpus_is_read_or_refused(shared, corpus, files):
    found = outcomes(shared / "badinput" / corpus)
    assert len(found) == files
    raised = {name for name, ways in found.items() if "raised" in str(ways)}
    assert raised == set()


def test_what_the_corpora_hold_comes_out_as_their_authors_say(shared):
    workbooks = outcomes(shared / "badinput" / "calamine")
    assert workbooks["pass_protected.xlsx"][0] == Reason.PASSWORD_PROTECTED
    assert workbooks["issue_186.xlsb"][0] == "unknown"
    assert workbooks["empty_sheet.xlsx"][0] == Reason.NO_ROWS
    assert workbooks["strict_iso_paths.xlsx"][1] == 75
    tables = outcomes(shared / "badinput" / "parquet-testing")
    assert {name for name, ways in tables.items() if ways[0] == "read"} == {
        "ARROW-GH-43605.parquet",
        "nation.dict-malformed.parquet",
        "unknown-logical-type.parquet",
    }


@pytest.mark.parametrize("read", [read_xlsx, read_parquet], ids=["xlsx", "parquet"])
def test_reader_given_another_kind_of_file_refuses_it(read):
    for content in (b"", b"a;b\n1;2\n", b"PK\x03\x04", b"PAR1PAR1PAR1", b'{"a":1}'):
        with pytest.raises(FileProblem) as problem:
            read(content)
        assert problem.value.reason == Reason.UNREADABLE
