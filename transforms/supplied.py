"""A score that the survey tool supplies, from the text of its cell: read, and rounded as declared.

Kept as an exact decimal, so that what is stored says the same in whatever format it came.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pyarrow as pa

from schemas.answer import SUPPLIED_NUMBER
from schemas.instrument import Scale

STORED = pa.decimal128(9, 4)

_ROUND = {"half_away_from_zero": ROUND_HALF_UP, "half_to_even": ROUND_HALF_EVEN}


def reader_of(scale: Scale, missing: Mapping[str, int]) -> Callable[[str], Decimal | None]:
    """What a cell says of the score; `missing` are the texts for none. None where it says neither.

    A comma is a decimal point: no score has thousands.
    """
    unit = Decimal(1).scaleb(-scale.decimals)

    def read(cell: str) -> Decimal | None:
        if cell in missing:
            return Decimal(missing[cell])
        if not SUPPLIED_NUMBER.fullmatch(cell):
            return None
        return Decimal(cell.replace(",", ".")).quantize(unit, _ROUND[scale.rounding])

    return read
