"""From a tool's table to the canonical one: canonical names, constants filled in, cells trimmed."""

from collections.abc import Mapping

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.answer import GENDER_WORDS, NOT_ASKED
from schemas.survey import CONTEXT_COLUMNS, Survey
from transforms.form_marks import had_text, whole_milliseconds
from transforms.readers.days import iso_days
from transforms.readers.letters import require_unspoilt_cells
from transforms.readers.reading import Batch
from transforms.recognise import Layout
from transforms.spelling import composed, respelled

TEXT = pa.dictionary(pa.int32(), pa.string())
DATES = frozenset({"submitted_on", "enrolled_on"})


def canonical_batch(batch: Batch, layout: Layout, items: list[str]) -> Batch:
    """The batch with canonical columns only, every one dictionary-encoded and in one chunk.

    A blank context cell becomes null. A blank answer stays blank, for it was asked; a column that
    the file does not have is null, for it was not. Dates are ISO where that is proven. `had_text`
    stands in the place of all free text. Raises
    `FileProblem` ENCODING_UNKNOWN with the column where letters were spoilt on their way.
    """
    rows = batch.table.num_rows
    columns = {}
    for name in (*CONTEXT_COLUMNS, *items):
        if name in layout.source:
            cells = _encoded(batch.table.column(layout.source[name]))
            require_unspoilt_cells(cells.dictionary, name)
            if name in layout.survey.codes:
                cells = _respelled(cells, layout.survey.codes[name])
            if name in CONTEXT_COLUMNS and name in layout.survey.codes:
                cells = _recoded(cells, layout.survey.codes[name])
            if name in DATES:
                # Our own format alone comes in blocks of several files, and of parts of one.
                days = iso_days(cells.dictionary, is_whole=layout.survey.tool != "canonical")
                cells = pa.DictionaryArray.from_arrays(cells.indices, days)
            if name == "grade" or name in items:
                cells = _without_noughts(cells, layout.survey.codes.get(name, {}))
            if name == "gender":
                cells = _respelled(_lower(cells), GENDER_WORDS)
            columns[name] = _to_null(cells, _nothing(name, layout.survey))
        else:
            columns[name] = _constant(layout.survey.constants.get(name), rows)
    columns["answer_time_ms"] = _answer_time(columns)
    free = set(map(composed, layout.survey.free_text))
    texts = [name for name in batch.table.column_names if composed(name) in free]
    columns["had_text"] = had_text([batch.table.column(name) for name in texts], rows)
    return Batch(pa.table(columns), batch.file_no, batch.row_no, batch.malformed)


def _answer_time(columns: dict[str, pa.DictionaryArray]) -> pa.DictionaryArray:
    """The time for the form in whole milliseconds, whichever of the two units the export has."""
    seconds, milliseconds = columns.pop("answer_time_s"), columns["answer_time_ms"]
    of = 1_000 if milliseconds.null_count == len(milliseconds) else 1
    cells = seconds if of > 1 else milliseconds
    return pa.DictionaryArray.from_arrays(
        cells.indices, whole_milliseconds(cells.dictionary, unit_ms=of)
    )


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """One dictionary array, its distinct cells trimmed."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], TEXT)
    trimmed = pc.utf8_trim_whitespace(whole.dictionary.cast(pa.string()))
    return pa.DictionaryArray.from_arrays(whole.indices.cast(pa.int32()), trimmed)


def _without_noughts(cells: pa.DictionaryArray, codes: Mapping[str, str]) -> pa.DictionaryArray:
    """Whole numbers without the decimals that R, pandas and REDCap write: `5.0` and `5,0` are 5.

    A text that the survey file speaks of stays as it is.
    """
    said = pl.Series(cells.dictionary, dtype=pl.String)
    whole = said.str.replace(r"^(-?[0-9]{1,9})[.,]0{1,9}$", "${1}")
    kept = said.zip_with(said.is_in(list(codes)).fill_null(value=True), whole)
    return pa.DictionaryArray.from_arrays(cells.indices, kept.to_arrow().cast(pa.string()))


def _respelled(cells: pa.DictionaryArray, codes: Mapping[str, str]) -> pa.DictionaryArray:
    """Each cell as the survey file spells it, where the two differ in capitals or spaces only."""
    said = cells.dictionary.to_pylist()
    spelled = respelled(said, codes)
    if spelled == said:
        return cells
    whole: pa.DictionaryArray = pa.array(spelled, pa.string()).take(cells.indices)
    return whole.dictionary_encode()


def _recoded(cells: pa.DictionaryArray, codes: Mapping[str, str]) -> pa.DictionaryArray:
    """The export's own codes of a context column in our words; what is not mapped stays."""
    known = [codes.get(cell, cell) for cell in cells.dictionary.to_pylist()]
    recoded: pa.DictionaryArray = pa.array(known, pa.string()).take(cells.indices)
    return recoded.dictionary_encode()


def _lower(cells: pa.DictionaryArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(cells.indices, pc.utf8_lower(cells.dictionary))


def _nothing(name: str, survey: Survey) -> list[str]:
    """Cells that say nothing: blanks of the context, and what the survey calls not asked."""
    if name in CONTEXT_COLUMNS:
        return [""]
    return [text for text, code in survey.codes.get(name, {}).items() if code == NOT_ASKED]


def _to_null(cells: pa.DictionaryArray, texts: list[str]) -> pa.DictionaryArray:
    blank = pc.is_in(cells.dictionary, value_set=pa.array(texts, pa.string()))
    if not pc.any(blank).as_py():
        return cells
    is_blank = pc.take(blank, cells.indices)
    indices = pc.if_else(is_blank, pa.scalar(None, pa.int32()), cells.indices)
    return pa.DictionaryArray.from_arrays(indices, cells.dictionary)


def _constant(value: str | None, rows: int) -> pa.DictionaryArray:
    if value is None:
        return pa.nulls(rows, TEXT)
    indices = pa.repeat(pa.scalar(0, pa.int32()), rows)
    return pa.DictionaryArray.from_arrays(indices, pa.array([value]))
