"""An export in the one shape, read in the reading room: by its format, or by its tool."""

from dataclasses import replace
from functools import lru_cache

from flows.reading import room as reading_room
from schemas.reason import Reason
from transforms.codebooks.nettskjema_elements import is_elements, read_elements
from transforms.readers import nettskjema
from transforms.readers.ndjson import first_keys
from transforms.readers.reading import Codebook, FileProblem, Reading
from transforms.readers.sniff import sniff
from transforms.spelling import composed_table
from transforms.tools import known
from transforms.tools.evidence import Evidence

elements_of = lru_cache(maxsize=32)(read_elements)  # of a few forms, for hundreds of files


def marks_of(content: bytes) -> list[Evidence]:
    """The tools whose marks a file has that is no table, the surest first."""
    found = reading_room.read("marks", content).table.to_pylist()
    return [Evidence(row["tool"], row["sure"], tuple(row["marks"].split("\n"))) for row in found]


def read_bytes(tool: str, content: bytes, codebook: Codebook | None) -> Reading:
    """A file that is no table, by its tool's own reader."""
    return known.in_our_words(reading_room.read(tool, content, codebook=codebook))


def read_table(kind: str, content: bytes) -> Reading:
    """A table, by its format; UNREADABLE where that is none that we know."""
    if kind == "unknown":
        raise FileProblem(Reason.UNREADABLE)
    return reading_room.read(kind, content)


def read_export(content: bytes, book: bytes | None) -> tuple[str, Reading]:
    """The tool and the one shape of an export that no survey describes yet, with its codebook.

    FileProblem where it is nothing that we can read. Our own format is `canonical`.
    """
    codebook = known.read_codebook(book) if book else None
    is_form = book is not None and is_elements(book)
    kind = sniff(content).format
    if kind in ("ndjson", "json") and nettskjema.is_nettskjema_answers(first_keys(content)):
        forms = [book] if book and is_form else []
        return "nettskjema", reading_room.read("nettskjema_answers", content, forms=forms)
    if kind in ("ndjson", "json", "unknown"):
        for evidence in marks_of(content):
            return evidence.tool, read_bytes(evidence.tool, content, codebook)
    reading = read_table(kind, content)
    reading = replace(reading, table=composed_table(reading.table))
    if nettskjema.is_nettskjema_table(reading.table.column_names):
        elements = elements_of(book) if book and is_form else None
        return "nettskjema", _told_by(codebook, nettskjema.from_table(reading, elements))
    books = {"redcap": [codebook]} if codebook else {}
    for evidence in known.recognise_table(reading, books):
        return evidence.tool, known.read_table(evidence.tool, reading, codebook)
    return "canonical", _told_by(codebook, reading)


def _told_by(codebook: Codebook | None, reading: Reading) -> Reading:
    """The reading with what a codebook without a reader of its own, such as `.sps`, says of it."""
    known = {name: question for name, question in (codebook or {}).items() if name in _in(reading)}
    return replace(reading, codebook={**reading.codebook, **known})


def _in(reading: Reading) -> set[str]:
    return set(reading.table.column_names)
