"""From answers to scale scores: one query expression a scale, made from the instrument.

An item counts when its code is one of the item's options; a reversed item counts as
lowest + highest - code. With fewer answers than `min_answered` there is no score. Otherwise the
mean of the answered items stands for all of them (prorating), so that a sum with one item missing
is on the same scale. Rounding is as the scale declares it, to the declared number of decimals.

`count` sums a one for each item at `at_least` or above. `any` is 1 where one item is, whatever is
missing, and 0 only with `min_answered` answers: one answer is enough to say that it happens, and
not to say that nothing does. `table` looks the sum up. A supplied score is taken as it is stored.
"""

from fractions import Fraction

from schemas.instrument import LOWEST_OPTION, Band, Instrument, Scale

_ROUND = {"half_away_from_zero": "round({})", "half_to_even": "round_even({}, 0)"}


def score_sql(instrument: Instrument, scale: Scale) -> tuple[str, str, str]:
    """Columns SCALE, SCALE_n and SCALE_band: the score, how many items were answered, its band.

    A tool that supplies a score does not tell how many were answered: null.
    """
    if scale.formula == "supplied":
        answered = "null::tinyint"
        score = f"case when {scale.id} >= {LOWEST_OPTION} then {scale.id}::double end"
    else:
        answered = answered_sql(scale)
        score = _score(instrument, scale, answered)
    return (
        f"{score} as {scale.id}",
        f"{answered} as {scale.id}_n",
        f"{_band(scale, score)} as {scale.id}_band",
    )


def answered_sql(scale: Scale) -> str:
    """How many of the scale's items were answered."""
    return " + ".join(f"({item} >= {LOWEST_OPTION})::tinyint" for item in _coalesced(scale))


def item_sql(instrument: Instrument, item_id: str) -> str:
    """An item's code, turned where it is reversed; only of use where it was answered."""
    codes = instrument.codes(item_id)
    value = f"{item_id}::integer"  # a sum of tinyints would overflow
    if instrument.item(item_id).is_reversed:
        return f"{min(codes) + max(codes)} - {value}"
    return value


def _score(instrument: Instrument, scale: Scale, answered: str) -> str:
    total = " + ".join(_contribution(instrument, scale, item) for item in scale.items)
    enough = f"{answered} >= {scale.min_answered}"
    if scale.formula == "any":
        return f"case when {total} > 0 then 1.0::double when {enough} then 0.0::double end"
    if scale.formula == "table":
        scores = ", ".join(repr(float(score)) for _, score in scale.table)
        place = f"({total})::integer - {scale.table[0][0] - 1}"
        looked_up = f"([{scores}]::double[])[{place}]"
        return f"case when {enough} then {_rounded(scale, f'{looked_up} * {_shift(scale)}')} end"
    shifted = f"({total})::double * {_factor(scale)!r}::double / nullif({answered}, 0)"
    return f"case when {enough} then {_rounded(scale, shifted)} end"


def _rounded(scale: Scale, shifted: str) -> str:
    """A score in whole units of the last decimal, rounded and shifted back."""
    return f"{_ROUND[scale.rounding].format(shifted)} / {_shift(scale)}"


def _shift(scale: Scale) -> int:
    return int(10**scale.decimals)


def _factor(scale: Scale) -> float:
    """What the mean is multiplied by, shifted to whole units of the last decimal.

    Multiplied before the division, a half is a half and not 2.4999999999999996.
    """
    times = 1 if scale.formula == "mean" else len(scale.items)
    return float(Fraction(str(scale.multiply_by)) * times * _shift(scale))


def _coalesced(scale: Scale) -> list[str]:
    return [f"coalesce({item}, {LOWEST_OPTION - 1})" for item in scale.items]


def _contribution(instrument: Instrument, scale: Scale, item_id: str) -> str:
    """An item's part of the sum: 0 where it is missing."""
    value = item_sql(instrument, item_id)
    if scale.at_least is not None:
        value = f"({value} >= {scale.at_least})::integer"
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
