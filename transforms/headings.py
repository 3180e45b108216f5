"""Whether a table's headings are headings at all, or the answers of its first row."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from schemas.answer import GENDER_WORDS
from transforms.readers.heading import is_value
from transforms.readers.reading import Reading
from transforms.spelling import spelling_key

_FEWEST = 2  # signs: one column alone may be headed with the number of its question
_FROM_ROWS = ("csv", "xlsx")
_SHORTEST = 3  # a letter or two, or a number, may well be the name of a column
_GENDERS = frozenset(word for word, gender in GENDER_WORDS.items() if gender)


def is_a_row_of_answers(
    reading: Reading, options: Collection[str] = (), *, none_is_known: bool = False
) -> bool:
    """Whether what should be headings are answers: numbers, days, or words that come again below.

    So are words for gender, and `options`: the words that our questions are answered with. One such
    word is enough where no heading of the file is one that we know. Only for files of no known
    tool: where a heading is known, the first row has them.
    """
    if reading.format not in _FROM_ROWS:
        return False
    keys = {spelling_key(word) for word in (*_GENDERS, *options)}
    words = {key for key in keys if len(key) >= _SHORTEST and any(map(str.isalpha, key))}
    names = reading.table.column_names
    if none_is_known and any(spelling_key(name) in words for name in names):
        return True
    return sum(_is_answer(name, reading.table[name], words) for name in names) >= _FEWEST


def _is_answer(heading: str, cells: pa.ChunkedArray, words: Collection[str]) -> bool:
    return (
        is_value(heading)
        or spelling_key(heading) in words
        or bool(pc.any(pc.equal(cells.cast(pa.string()), heading)).as_py())
    )
