"""The survey tools that are known: who recognises an export, who reads it, and who reads codebooks.

A module is loaded when it is needed: most files are of one tool.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.reason import Reason
from transforms.readers.reading import Codebook, FileProblem, Reading
from transforms.tools.evidence import Evidence

# In the order in which they are asked; a certain answer goes before a likely one.
TABLE_TOOLS = (
    "qualtrics",
    "limesurvey",
    "redcap",
    "odk",
    "kobo",
    "microsoft_forms",
    "google_forms",
)
BYTES_TOOLS = ("odk", "fhir", "surveyjs")

_CODEBOOKS = (
    ("lss", "lss"),
    ("qsf", "qsf"),
    ("fhir_questionnaire", "fhir_questionnaire"),
    ("redcap_dictionary", "redcap_dictionary"),
    ("xlsform", "xlsform"),
)
FIRST_ROWS = 3


def recognise_table(
    reading: Reading, codebooks: Mapping[str, Sequence[Codebook]]
) -> list[Evidence]:
    """The tools whose marks a table has, the surest first; `codebooks` by tool.

    Only REDCap needs codebooks to be known: its plain columns could be anybody's.
    """
    columns = reading.table.column_names
    first = _first_rows(reading.table)
    found = [
        evidence
        for tool in TABLE_TOOLS
        if (evidence := _module(tool).recognise(columns, first)) is not None
    ]
    if not any(evidence.tool == "redcap" for evidence in found):
        found += _by_dictionary(columns, first, codebooks.get("redcap", ()))
    return sorted(found, key=lambda evidence: evidence.sure != "certain")


def tool_of_headings(columns: Sequence[str]) -> str | None:
    """The tool that headings alone point to: for a file whose rows cannot be read."""
    blank = pa.table({name: pa.array([], pa.string()) for name in dict.fromkeys(columns)})
    found = recognise_table(Reading(blank, pa.array([], pa.int32()), "csv"), {})
    return found[0].tool if found else None


def recognise_bytes(content: bytes) -> list[Evidence]:
    """The tools whose marks a file that is no table has, the surest first."""
    found = [_module(tool).recognise_bytes(content) for tool in BYTES_TOOLS]
    known = [evidence for evidence in found if evidence is not None]
    return sorted(known, key=lambda evidence: evidence.sure != "certain")


def read_table(tool: str, reading: Reading, codebook: Codebook | None) -> Reading:
    """A tool's table in the one shape, with what its codebook calls missing in our words."""
    return in_our_words(_module(tool).read(reading, codebook))


def read_bytes(tool: str, content: bytes, codebook: Codebook | None) -> Reading:
    """The same for a file that is no table."""
    return in_our_words(_module(tool).read_bytes(content, codebook))


def read_codebook(content: bytes) -> Codebook:
    """A codebook of whatever kind, told by its content; CODEBOOK_MISSING where it is none."""
    for module, name in _CODEBOOKS:
        book = import_module(f"transforms.codebooks.{module}")
        if getattr(book, f"is_{name}")(content):
            read: Callable[[bytes], Codebook] = getattr(book, f"read_{name}")
            return read(content)
    elements = import_module("transforms.codebooks.nettskjema_elements")
    if elements.is_elements(content):
        form: Codebook = elements.read_elements(content).codebook
        return form
    syntax: Codebook = import_module("transforms.codebooks.spss_syntax").read_spss_syntax(content)
    return syntax


def in_our_words(reading: Reading) -> Reading:
    """The reading with `dont_know` and `skipped` for such answers, and null for not asked.

    Only where the codebook says that a code means so: -1 is an answer like any other.
    """
    table = reading.table
    for name, question in reading.codebook.items():
        if question.missing and name in table.column_names:
            words = {code: _WORD[kind] for code, kind in question.missing.items()}
            column = pl.Series(table.column(name).cast(pa.string()))
            told = column.replace(words).to_arrow().cast(pa.string())
            asked = pc.if_else(pc.equal(told, _NOT_ASKED), None, told)
            at = table.column_names.index(name)
            table = table.set_column(at, name, asked)
    return Reading(
        table, reading.row_no, reading.format, reading.malformed, reading.codebook, reading.dropped
    )


_NOT_ASKED = "\x00not asked"
_WORD = {"dont_know": "dont_know", "skipped": "skipped", "not_asked": _NOT_ASKED}


def _by_dictionary(
    columns: Sequence[str], first: Sequence[Sequence[str | None]], books: Sequence[Codebook]
) -> Iterator[Evidence]:
    for book in books:
        evidence: Evidence | None = _module("redcap").recognise(columns, first, book)
        if evidence is not None:
            yield evidence
            return


def _first_rows(table: pa.Table) -> list[list[str | None]]:
    rows = table.slice(0, FIRST_ROWS).to_pylist() if table.num_rows else []
    return [list(row.values()) for row in rows]


def _module(tool: str) -> Any:  # noqa: ANN401 - a module with recognise and read
    if tool not in {*TABLE_TOOLS, *BYTES_TOOLS}:
        raise FileProblem(Reason.NOT_RECOGNISED)
    return import_module(f"transforms.tools.{tool}")
