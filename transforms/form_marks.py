"""What a delivered form says beside its answers: how long it took, and whether there was free text.

The time is the tool's, for the whole form. A time that cannot be one says nothing, and holds no
form back. Of a text only its being there is kept.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

# Five hours. No form takes longer, and every telephone number of eight digits is a greater number.
LONGEST_MS = 18_000_000
_NUMBER = r"^[0-9]{1,8}([.,][0-9]{1,9})?$"


def whole_milliseconds(cells: pa.Array, *, unit_ms: int = 1) -> pa.Array:
    """Texts of numbers of `unit_ms` milliseconds as texts of whole ones; any other text stays."""
    is_time = pc.match_substring_regex(cells, _NUMBER)
    numbers = pc.if_else(is_time, pc.replace_substring(cells, ",", "."), "0").cast(pa.float64())
    told = pc.round(pc.multiply(numbers, unit_ms)).cast(pa.int64()).cast(pa.string())
    return pc.if_else(is_time, told, cells)


def is_answer_time(cells: pa.Array) -> pa.Array:
    """Which texts are whole milliseconds that a form can have taken."""
    is_number = pc.match_substring_regex(cells, "^[0-9]{1,18}$")
    numbers = pc.if_else(is_number, cells, "0").cast(pa.int64())
    return pc.and_(is_number, pc.and_(pc.greater(numbers, 0), pc.less_equal(numbers, LONGEST_MS)))


def had_text(columns: Sequence[pa.ChunkedArray], rows: int) -> pa.DictionaryArray:
    """Per row "1" where any of the columns says something and "0" where none does.

    Null where there is no such column, or none of them was asked.
    """
    nobody = pa.repeat(pa.scalar(value=False), rows)
    asked, said = nobody, nobody
    for column in columns:
        cells = column.combine_chunks().dictionary_encode()
        whole = cells.chunk(0) if isinstance(cells, pa.ChunkedArray) else cells
        has_words = pc.not_equal(pc.utf8_trim_whitespace(whole.dictionary.cast(pa.string())), "")
        asked = pc.or_(asked, whole.is_valid())
        said = pc.or_(said, has_words.take(whole.indices).fill_null(fill_value=False))
    known = pc.if_else(asked, said.cast(pa.int32()), pa.scalar(None, pa.int32()))
    return pa.DictionaryArray.from_arrays(known, pa.array(["0", "1"]))
