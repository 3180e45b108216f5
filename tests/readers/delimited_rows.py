"""What is read of a delimited text, row by row, whole and in blocks."""

import pytest

from transforms.readers.delimited import BLOCK_BYTES, read_batches, read_delimited
from transforms.readers.heading import read_heading
from transforms.readers.letters import as_utf8
from transforms.readers.reading import FileProblem, Reading

TINY_BLOCKS = (1, 7, 16, 40, BLOCK_BYTES)


def rows_of(reading):
    """[(line, cell, cell, ...)] of a reading."""
    cells = zip(*(column.to_pylist() for column in reading.table.columns), strict=True)
    return [(line, *row) for line, row in zip(reading.row_no.to_pylist(), cells, strict=True)]


def read(content):
    """Rows and malformed records of a file, each with its line."""
    reading = read_delimited(content)
    held = [(row.row_no, row.reason, row.text) for row in reading.malformed]
    return rows_of(reading), held


def problem_of(content):
    with pytest.raises(FileProblem) as caught:
        read_delimited(content)
    return caught.value.reason


def read_in_blocks(files, block_bytes):
    """{file number: (rows, malformed)}, files with the same heading read as one stream."""
    found = {number: ([], []) for number in files}
    groups = {}
    for number, content in files.items():
        text = as_utf8(content)
        groups.setdefault(read_heading(text), []).append((number, text))
    for heading, texts in groups.items():
        for batch in read_batches(texts, heading, block_bytes=block_bytes):
            reading = Reading(batch.table, batch.row_no, "csv")
            for number, row in zip(batch.file_no.to_pylist(), rows_of(reading), strict=True):
                found[number][0].append(row)
            for number, row in batch.malformed:
                found[number][1].append((row.row_no, row.reason, row.text))
    return found
