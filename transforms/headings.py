"""Whether a table's headings are headings at all, or the answers of its first row."""

import pyarrow as pa
import pyarrow.compute as pc

from schemas.answer import GENDERS
from transforms.readers.heading import is_value
from transforms.readers.reading import Reading

_FEWEST = 2  # signs: one column alone may be headed with the number of its question
_FROM_ROWS = ("csv", "xlsx")


def is_a_row_of_answers(reading: Reading) -> bool:
    """Whether what should be headings are answers: numbers, days, or words that come again below.

    Only for files of no known tool: where a heading is known, the first row has them.
    """
    if reading.format not in _FROM_ROWS:
        return False
    return sum(_is_answer(name, reading.table[name]) for name in reading.table.column_names) >= (
        _FEWEST
    )


def _is_answer(heading: str, cells: pa.ChunkedArray) -> bool:
    return (
        is_value(heading)
        or heading.casefold() in GENDERS
        or bool(pc.any(pc.equal(cells.cast(pa.string()), heading)).as_py())
    )
