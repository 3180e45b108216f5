"""From answers to scale scores: one query expression a scale, made from the instrument.

An item counts when its code is one of the item's options; a reversed item counts as
lowest + highest - code. With fewer answers than `min_answered` there is no score. Otherwise the
mean of the answered items stands for all of them (prorating), so that a sum with one item missing
is on the same scale. Rounding is half away from zero, to the declared number of decimals.
"""

from collections.abc import Mapping
from fractions import Fraction

from schemas.instrument import LOWEST_OPTION, Band, Instrument, Scale


def score_sql(instrument: Instrument, scale: Scale) -> tuple[str, str, str]:
    """Columns SCALE, SCALE_n and SCALE_band: the score, how many items were answered, its band."""
    answered = " + ".join(f"({item} >= {LOWEST_OPTION})::tinyint" for item in _coalesced(scale))
    total = " + ".join(_contribution(instrument, item) for item in scale.items)
    score = (
        f"case when {answered} >= {scale.min_answered}"
        f" then round(({total})::double * {_factor(scale)!r}::double / nullif({answered}, 0))"
        f" / {10**scale.decimals} end"
    )
    return (
        f"{score} as {scale.id}",
        f"{answered} as {scale.id}_n",
        f"{_band(scale, score)} as {scale.id}_band",
    )


def score_answers(
    instrument: Instrument, scale: Scale, answers: Mapping[str, int | None]
) -> tuple[float | None, int]:
    """The score of one form, step by step: the plain reading that `score_sql` is tested against."""
    known = []
    for item_id in scale.items:
        code = answers.get(item_id)
        if code is None or code < LOWEST_OPTION:
            continue
        codes = instrument.codes(item_id)
        reverse = instrument.item(item_id).is_reversed
        known.append(min(codes) + max(codes) - code if reverse else code)
    if len(known) < scale.min_answered:
        return None, len(known)
    shifted = sum(known) * _factor(scale) / len(known)
    rounded = int(abs(shifted) + 0.5) / 10**scale.decimals
    return (rounded if shifted >= 0 else -rounded), len(known)


def _factor(scale: Scale) -> float:
    """What the mean is multiplied by, shifted to whole units of the last decimal.

    Multiplied before the division, a half is a half and not 2.4999999999999996.
    """
    times = len(scale.items) if scale.formula == "sum" else 1
    return float(Fraction(str(scale.multiply_by)) * times * 10**scale.decimals)


def _coalesced(scale: Scale) -> list[str]:
    return [f"coalesce({item}, {LOWEST_OPTION - 1})" for item in scale.items]


def _contribution(instrument: Instrument, item_id: str) -> str:
    """An item's part of the sum: its code, reversed if so declared, and 0 where it is missing."""
    codes = instrument.codes(item_id)
    value = f"{item_id}::integer"  # a sum of tinyints would overflow
    if instrument.item(item_id).is_reversed:
        value = f"{min(codes) + max(codes)} - {value}"
    return f"case when {item_id} >= {LOWEST_OPTION} then {value} else 0 end"


def _band(scale: Scale, score: str) -> str:
    if not scale.bands:
        return "null::varchar"
    ordered = sorted(scale.bands, key=lambda band: band.at_most)
    cases = " ".join(f"when {_within(score, band)} then '{band.id}'" for band in ordered)
    return f"case {cases} end"


def _within(score: str, band: Band) -> str:
    """Whether a score lies in a band; a gap between two bands belongs to neither."""
    above = "" if band.above is None else f"{score} > {band.above!r} and "
    return f"{above}{score} <= {band.at_most!r}"
