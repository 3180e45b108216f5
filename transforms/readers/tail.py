"""Columns behind the last one that have no heading and hold nothing: a sheet's traces, no columns.

Excel writes every column that was ever touched, so headings and rows of a file that it saved as
text may end in `;;`. Such a tail is taken off the bytes before anything is read; lines keep their
numbers. A tail in which any cell says something stays, and is told as columns without a heading.
"""

import numpy as np

from schemas.reason import Reason
from transforms.readers.heading import heading_as_named
from transforms.readers.reading import FileProblem
from transforms.readers.structure import QUOTE, RETURN, scan_records

_MOST = 32 << 20  # bytes: a larger file is no sheet of Excel's


def without_empty_tail(text: bytes) -> bytes:
    """The text without two or more empty columns at its end; as it is where there are none.

    One is forgiven by `structure`, for many tools end each line in a delimiter.
    """
    if len(text) > _MOST:
        return text
    try:
        heading = heading_as_named(text)
    except FileProblem:
        return text
    named = len(heading.columns)
    while named and not heading.columns[named - 1]:
        named -= 1
    extra = len(heading.columns) - named + 1  # the heading has lost one already
    return _cut(text, ord(heading.delimiter), named, extra) if named and extra > 1 else text


def _cut(text: bytes, delimiter: int, named: int, extra: int) -> bytes:
    """The text without the last `extra` delimiters of each record of that many fields more."""
    whole = text if text.endswith(b"\n") else text + b"\n"
    data = np.frombuffer(whole, np.uint8)
    if np.count_nonzero(data == QUOTE) % 2:
        return text
    try:
        records = scan_records(data, delimiter=delimiter, fields=named + extra)
    except FileProblem as problem:
        if problem.reason is Reason.TOO_LARGE:
            return text
        raise
    has_tail = records.sound & ~records.blank
    ends = records.end[has_tail]
    ends = ends - (data[ends - 1] == RETURN)
    tails = ends[:, None] - np.arange(1, extra + 1)
    if not len(ends) or not (data[tails] == delimiter).all():
        return text
    keep = np.ones(len(data), np.bool_)
    keep[tails.ravel()] = False
    cut = data[keep].tobytes()
    return cut if text.endswith(b"\n") else cut.removesuffix(b"\n")
