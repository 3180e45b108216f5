"""The figures that analysts are shown, as data: `schemas/indicators.toml`.

A definition that is changed is a new id: figures of waves that are out already stay as they are.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from schemas.declared import Declared
from schemas.instrument import Band, Instrument, Scale

DictionaryLanguage = Literal["nb", "nn", "en"]


def _is_in_every_language(texts: dict[DictionaryLanguage, str]) -> dict[DictionaryLanguage, str]:
    lacking = [name for name in get_args(DictionaryLanguage) if not texts.get(name, "").strip()]
    if lacking:
        raise ValueError(f"no text in {', '.join(lacking)}")
    return texts


DictionaryTexts = Annotated[dict[DictionaryLanguage, str], AfterValidator(_is_in_every_language)]
_NAME = r"^[a-z][a-z0-9_]{0,39}$"


class ItemCondition(Declared):
    """One comparison of an item's answer code with a threshold."""

    item: str = Field(pattern=_NAME)
    op: Literal["at_least", "at_most"]
    threshold: int


class Indicator(Declared):
    """One share: the pupils for whom any of the conditions holds."""

    id: str = Field(pattern=_NAME)
    instrument: str
    any_of: tuple[ItemCondition, ...] = Field(min_length=1)
    label: DictionaryTexts
    definition: DictionaryTexts


class FigureTexts(Declared):
    """Label and definition of the figures that every scale gets, with {names} to fill in."""

    label: DictionaryTexts
    definition: DictionaryTexts


class IndicatorFile(Declared):
    """`schemas/indicators.toml`."""

    scale_mean: FigureTexts
    lowest_band: FigureTexts
    indicators: tuple[Indicator, ...] = Field(alias="indicator")

    @model_validator(mode="after")
    def _ids_stand_once(self) -> Self:
        ids = [(indicator.instrument, indicator.id) for indicator in self.indicators]
        if len(ids) != len(set(ids)):
            raise ValueError("two indicators of one instrument have the same id")
        return self


class Figure(Declared):
    """One published figure: a share of pupils, or a mean score between `minimum` and `maximum`.

    `any_of` defines a share of answers; `scale` a mean score, or with `band` a share in that band.
    """

    id: str
    instrument: str
    statistic: Literal["share", "mean"]
    any_of: tuple[ItemCondition, ...] = ()
    scale: str | None = None
    band: str | None = None
    minimum: float = 0
    maximum: float = 1
    label: DictionaryTexts
    definition: DictionaryTexts


@cache
def shipped_indicators() -> IndicatorFile:
    """The indicators that come with Klassepuls."""
    text = (files("schemas") / "indicators.toml").read_text(encoding="utf-8")
    return IndicatorFile.from_toml(text, name="indicators.toml")


def published_figures(
    instruments: Mapping[str, Instrument], declared: IndicatorFile | None = None
) -> tuple[Figure, ...]:
    """Every figure that these instruments give, ordered by id.

    An indicator of an instrument that is not among them is left out; one that names an item its
    instrument does not have is an error (KeyError).
    """
    source = declared or shipped_indicators()
    found = [
        _of_answers(indicator, instruments[indicator.instrument])
        for indicator in source.indicators
        if indicator.instrument in instruments
    ]
    for instrument in instruments.values():
        for scale in instrument.scales:
            found += _of_scale(instrument, scale, source)
    return tuple(sorted(found, key=lambda figure: figure.id))


def _of_answers(indicator: Indicator, instrument: Instrument) -> Figure:
    for condition in indicator.any_of:
        instrument.item(condition.item)
    return Figure(
        id=f"{instrument.key}.{indicator.id}",
        instrument=instrument.key,
        statistic="share",
        any_of=indicator.any_of,
        label=indicator.label,
        definition=indicator.definition,
    )


def _of_scale(instrument: Instrument, scale: Scale, source: IndicatorFile) -> Iterator[Figure]:
    yield Figure(
        id=f"{instrument.key}.{scale.id}",
        instrument=instrument.key,
        statistic="mean",
        scale=scale.id,
        minimum=scale.minimum,
        maximum=scale.maximum,
        label=_fill(source.scale_mean.label, scale),
        definition=_fill(source.scale_mean.definition, scale),
    )
    if scale.bands:
        lowest = min(scale.bands, key=lambda band: band.at_most)
        yield Figure(
            id=f"{instrument.key}.{scale.id}.{lowest.id}",
            instrument=instrument.key,
            statistic="share",
            scale=scale.id,
            band=lowest.id,
            label=_fill(source.lowest_band.label, scale, lowest),
            definition=_fill(source.lowest_band.definition, scale, lowest),
        )


def _fill(texts: DictionaryTexts, scale: Scale, band: Band | None = None) -> DictionaryTexts:
    return {
        language: text.format(
            scale=scale.label.get(language) or scale.label["nb"],
            minimum=f"{scale.minimum:g}",
            maximum=f"{scale.maximum:g}",
            band=(band.label.get(language) or band.label["nb"]) if band else "",
            at_most=f"{band.at_most:g}" if band else "",
            population=band.population if band else "",
        )
        for language, text in texts.items()
    }
