"""Instruments as data: items, option codes, scales and where each figure comes from.

One TOML file per instrument version in `schemas/instruments/`; a municipality adds its own in
`HOME/instruments/`. Scores are never compared across versions, so `key` carries the version.
"""

from functools import cache
from importlib.resources import files
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.declared import Declared

Language = Literal["nb", "nn", "en", "se"]
Texts = dict[Language, str]

# Codes stored instead of an answer, outside every option code an instrument may declare.
# NULL means that the question was not asked; these two mean that it was.
SKIPPED = -101
DONT_KNOW = -102
LOWEST_OPTION, HIGHEST_OPTION = -99, 127

_NAME = r"^[a-z][a-z0-9_]{0,39}$"

# Ids become column names, and these words cannot be one (the SQL words that DuckDB reserves).
RESERVED_WORDS = frozenset(
    """
    all analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create default deferrable desc describe distinct do else end except false
    fetch for foreign from group having in initially intersect into lambda lateral leading
    limit not null offset on only or order pivot pivot_longer pivot_wider placing primary
    qualify references returning select show some summarize symmetric table then to trailing
    true union unique unpivot using variadic when where window with response_id wave_id
    """.split()  # noqa: SIM905 - a list of words reads better as words
)


class Option(Declared):
    """One answer that can be chosen: its code and its wording."""

    code: int = Field(ge=LOWEST_OPTION, le=HIGHEST_OPTION)
    label: Texts


class Item(Declared):
    """One question. `options` names the option set that its answers come from."""

    id: str = Field(pattern=_NAME)
    options: str
    text: Texts = {}
    is_reversed: bool = False


class Band(Declared):
    """A named stretch of a scale, with the population and the source that it was set on."""

    id: str = Field(pattern=_NAME)
    above: float | None = None
    at_most: float
    label: Texts
    population: str
    source: str


class Scale(Declared):
    """How items become a score: reversed first, then summed or averaged, then multiplied."""

    id: str = Field(pattern=_NAME)
    items: tuple[str, ...] = Field(min_length=1)
    formula: Literal["sum", "mean"]
    multiply_by: float = 1.0
    min_answered: int = Field(ge=1)
    decimals: int = Field(ge=0, le=4)
    minimum: float
    maximum: float
    label: Texts
    bands: tuple[Band, ...] = ()


class Licence(Declared):
    """Who owns the instrument, and what may be shipped."""

    name: str
    source: str
    note: str = ""


class Instrument(Declared):
    """One version of a questionnaire."""

    id: str = Field(pattern=_NAME)
    version: int = Field(ge=1)
    name: Texts
    use_for: Literal["pupil", "class", "both"]
    min_grade: int = Field(ge=1, le=13)
    licence: Licence
    option_sets: dict[str, tuple[Option, ...]]
    items: tuple[Item, ...] = Field(min_length=1)
    scales: tuple[Scale, ...] = ()

    @property
    def key(self) -> str:
        """Id and version in one word, as tables and survey files name it: `who5_v1`."""
        return f"{self.id}_v{self.version}"

    def item(self, item_id: str) -> Item:
        """The item with this id; KeyError where there is none."""
        return {item.id: item for item in self.items}[item_id]

    def codes(self, item_id: str) -> tuple[int, ...]:
        """The option codes of an item, in the order that they are shown."""
        return tuple(option.code for option in self.option_sets[self.item(item_id).options])

    def label(self, item_id: str, code: int, language: Language) -> str:
        """The wording of one answer, in `language` or else in bokmål."""
        for option in self.option_sets[self.item(item_id).options]:
            if option.code == code:
                return option.label.get(language) or option.label["nb"]
        raise KeyError(code)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        ids = [item.id for item in self.items] + [scale.id for scale in self.scales]
        reserved = sorted(RESERVED_WORDS.intersection(ids))
        if reserved:
            raise ValueError(f"an id is a word that the database reserves: {reserved[0]}")
        known = {item.id for item in self.items}
        if len(known) != len(self.items):
            raise ValueError("two items have the same id")
        for item in self.items:
            if item.options not in self.option_sets:
                raise ValueError(f"item {item.id}: its option set is not declared")
            codes = self.codes(item.id)
            if len(set(codes)) != len(codes):
                raise ValueError(f"item {item.id}: a code stands twice in its option set")
        if len({scale.id for scale in self.scales}) != len(self.scales):
            raise ValueError("two scales have the same id")
        for scale in self.scales:
            self._check_scale(scale, known)
        return self

    def _check_scale(self, scale: Scale, known: set[str]) -> None:
        strangers = set(scale.items) - known
        if strangers:
            raise ValueError(f"scale {scale.id}: {len(strangers)} of its items are not declared")
        if len(set(scale.items)) != len(scale.items):
            raise ValueError(f"scale {scale.id}: an item stands twice")
        if scale.min_answered > len(scale.items):
            raise ValueError(f"scale {scale.id}: min_answered is more than its items")
        spans = {(min(self.codes(item)), max(self.codes(item))) for item in scale.items}
        if scale.min_answered < len(scale.items) and len(spans) > 1:
            raise ValueError(
                f"scale {scale.id}: items of different spans cannot stand for each other; "
                "min_answered must be all of them"
            )
        low, high = self._reach(scale)
        if (low, high) != (scale.minimum, scale.maximum):
            raise ValueError(
                f"scale {scale.id}: its items reach {low:g} to {high:g}; "
                "minimum and maximum say otherwise"
            )

    def _reach(self, scale: Scale) -> tuple[float, float]:
        lows = [min(self.codes(item)) for item in scale.items]
        highs = [max(self.codes(item)) for item in scale.items]
        n = 1 if scale.formula == "sum" else len(scale.items)
        return sum(lows) / n * scale.multiply_by, sum(highs) / n * scale.multiply_by


@cache
def shipped_instruments() -> dict[str, Instrument]:
    """The instruments that come with Klassepuls, by key."""
    folder = files("schemas") / "instruments"
    found = [
        Instrument.from_toml(file.read_text(encoding="utf-8"), name=file.name)
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    ]
    return {instrument.key: instrument for instrument in found}
