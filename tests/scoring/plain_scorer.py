"""Scores one form in exact fractions, step by step as the definitions say: slow, and plain to read.

Nothing of the product's scoring is used here; the query expressions are held against it.
"""

import math
from collections.abc import Mapping
from fractions import Fraction

from schemas.instrument import Instrument, Scale

Answers = Mapping[str, int | None]


def score(
    instrument: Instrument, scale: Scale, answers: Answers
) -> tuple[float | None, int, str | None]:
    """The score, how many items were answered, and the band."""
    known = known_codes(instrument, scale, answers)
    exact = put_together(instrument, scale, known)
    if exact is None:
        return None, len(known), None
    rounded = round_as_declared(exact, scale)
    return float(rounded), len(known), band_of(scale, rounded)


def known_codes(instrument: Instrument, scale: Scale, answers: Answers) -> list[int]:
    """The answered items' codes, the reversed ones from the other end."""
    known = []
    for name in scale.items:
        codes, code = instrument.codes(name), answers.get(name)
        if code in codes:
            is_reversed = instrument.item(name).is_reversed
            known.append(min(codes) + max(codes) - code if is_reversed else code)
    return known


def put_together(instrument: Instrument, scale: Scale, known: list[int]) -> Fraction | None:
    """The score before rounding; None where there is none."""
    hits = [code for code in known if scale.at_least is not None and code >= scale.at_least]
    if scale.formula == "any" and hits:
        return Fraction(1)
    if len(known) < scale.min_answered:
        return None
    if scale.formula == "any":
        return Fraction(0)
    if scale.formula == "table":
        return Fraction(str(dict(scale.table)[sum(known)]))
    counted = len(hits) if scale.formula == "count" else sum(known)
    mean = Fraction(counted, len(known))
    times = 1 if scale.formula == "mean" else len(scale.items)
    return mean * times * Fraction(str(scale.multiply_by))


def round_as_declared(value: Fraction, scale: Scale) -> Fraction:
    """To the declared decimals; halves as declared."""
    shift = 10**scale.decimals
    if scale.rounding == "half_to_even":
        return Fraction(round(value * shift), shift)  # Python's own rule for fractions
    units = math.floor(abs(value) * shift + Fraction(1, 2))
    return Fraction(units if value >= 0 else -units, shift)


def band_of(scale: Scale, score: Fraction) -> str | None:
    """The first band that the score lies in."""
    for band in scale.bands:
        is_above = band.above is None or score > Fraction(str(band.above))
        if is_above and score <= Fraction(str(band.at_most)):
            return band.id
    return None
