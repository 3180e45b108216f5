"""Why a table is no survey's answers: a list with persons or a flaw, a form, a missing heading."""

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.gate import goes_in_a_list, is_of_people
from transforms.headings import is_a_row_of_answers
from transforms.readers.foreign import is_form_definition
from transforms.readers.reading import FileProblem, Reading
from transforms.recognise import (
    is_like_a_class_list,
    missing_of_class_list,
    require_no_person,
)

# A list may have a column or two of its own; a form asks more than whose it is.
_OTHERS = 0.25
_WORDS, _MOST = r"^\pL{2,}([ ,.'-]+\pL+)*[.]?$", 0.5


def strange_table(reading: Reading) -> FileProblem:
    """The problem of a table that comes near no survey.

    Raises `FileProblem` PERSONAL_DATA for a list of persons: no survey file will drop its names.
    """
    columns = reading.table.column_names
    is_list = is_like_a_class_list(columns)
    if is_list or _is_list_of_pupils(columns):
        require_no_person(columns, reading.table)
        _require_no_names(reading)
    if is_list:
        return FileProblem(Reason.CLASS_LIST_COLUMNS, column=missing_of_class_list(columns))
    if is_form_definition(columns):
        return FileProblem(Reason.CODEBOOK_DELIVERED)
    is_data = is_a_row_of_answers(reading)
    return FileProblem(Reason.HEADER_MISSING if is_data else Reason.NOT_RECOGNISED)


def _require_no_names(reading: Reading) -> None:
    """Raise PERSONAL_DATA where a column of pupils ("Elev") holds words: a key of names."""
    for at, heading in enumerate(reading.table.column_names):
        if not is_of_people(heading):
            continue
        cells = pl.Series(reading.table.column(at).cast(pa.string()), dtype=pl.String)
        filled = (cells.str.strip_chars().fill_null("") != "").arg_true()
        words = cells.gather(filled).str.strip_chars().str.contains(_WORDS)
        if words.sum() > _MOST * len(filled):
            rows = reading.row_no.take(filled.to_arrow()).to_pylist()
            persons = tuple((row_no, Personal.NAME, str(at + 1)) for row_no in rows)
            raise FileProblem(Reason.PERSONAL_DATA, column=str(at + 1), persons=persons)


def _is_list_of_pupils(columns: Sequence[str]) -> bool:
    others = sum(not goes_in_a_list(name) for name in columns)
    return others <= _OTHERS * len(columns)
