"""Instruments as data: items, option codes, scales and where each figure comes from.

One TOML file per instrument version in `schemas/instruments/`; a municipality adds its own in
`HOME/instruments/`. Scores are never compared across versions, so `key` carries the version.
What is declared here is checked here: an instrument that loads can be scored.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
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
    """A named stretch of a scale, with the population and the source that it was set on.

    `ages`: the youngest and the oldest of that population, in years, where the source says it.
    """

    id: str = Field(pattern=_NAME)
    above: float | None = None
    at_most: float
    label: Texts
    population: str
    source: str
    ages: tuple[int, int] | None = None


class Reliability(Declared):
    """How far a score can be trusted, in whom it was found, and who says so.

    `mean` and `sd` of that population's scores, where they are known: a reliable change needs them.
    """

    kind: Literal["alpha", "omega", "retest", "icc"]
    value: float = Field(gt=0, le=1)
    population: str
    source: str
    n: int | None = Field(default=None, ge=2)
    mean: float | None = None
    sd: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _mean_and_sd_come_together(self) -> Self:
        if (self.mean is None) != (self.sd is None):
            raise ValueError("mean and sd come together")
        return self


Formula = Literal["sum", "mean", "count", "any", "table", "supplied"]


class Scale(Declared):
    """How items become a score: reversed first, then put together, multiplied and rounded.

    `sum`, `mean`; `count` of the items at `at_least` or above; `any`: 1 where one of them is;
    `table`: the sum looked up in `table`; `supplied`: no items, the survey tool gives the score.
    Fewer answers than `min_answered` give no score; a missing item of a sum or a count is stood in
    for by the mean of the others. `part_of` names the scale that this one is a subscale of.
    """

    id: str = Field(pattern=_NAME)
    items: tuple[str, ...] = ()
    formula: Formula
    multiply_by: float = 1.0
    at_least: int | None = None
    table: tuple[tuple[int, float], ...] = ()
    min_answered: int = Field(default=0, ge=0)
    decimals: int = Field(ge=0, le=4)
    rounding: Literal["half_away_from_zero", "half_to_even"] = "half_away_from_zero"
    minimum: float
    maximum: float
    label: Texts
    part_of: str | None = None
    bands: tuple[Band, ...] = ()
    reliability: tuple[Reliability, ...] = ()

    @model_validator(mode="after")
    def _has_what_its_formula_needs(self) -> Self:
        for is_wrong, said in _faults_of(self):
            if is_wrong:
                raise ValueError(f"scale {self.id}: {said}")
        return self


def _faults_of(scale: Scale) -> Iterator[tuple[bool, str]]:
    """What may be wrong with a scale whatever its items are, and whether it is."""
    is_supplied = scale.formula == "supplied"
    yield is_supplied and bool(scale.items), "a supplied score has no items"
    yield not is_supplied and not scale.items, "it has no items"
    yield is_supplied == (scale.min_answered > 0), "min_answered counts its items, 1 at least"
    yield scale.min_answered > len(scale.items), "min_answered is more than its items"
    yield len(set(scale.items)) != len(scale.items), "an item stands twice"
    counts = scale.formula in ("count", "any")
    yield counts != (scale.at_least is not None), "at_least belongs to count and any"
    yield (scale.formula == "table") != bool(scale.table), "a table belongs to the formula table"
    fixed = scale.formula in ("any", "table", "supplied")
    yield fixed and scale.multiply_by != 1, "what it gives is not multiplied"
    lacking = scale.formula == "table" and scale.min_answered < len(scale.items)
    yield lacking, "a table needs every item: min_answered must be all of them"
    no_range = scale.minimum >= scale.maximum
    yield is_supplied and no_range, "minimum must be less than maximum"
    yield _overlap(scale.bands), "two of its bands overlap: above is where the one below ends"
    outside = scale.minimum < LOWEST_OPTION or scale.maximum > HIGHEST_OPTION
    yield is_supplied and outside, f"supplied scores lie from {LOWEST_OPTION} to {HIGHEST_OPTION}"


def _overlap(bands: Sequence[Band]) -> bool:
    """Whether a score lies in two bands. It may lie in none: a source may leave some unnamed."""
    ordered = sorted(bands, key=lambda band: band.at_most)
    return any(
        above.above is None or above.above < below.at_most for below, above in pairwise(ordered)
    )


class Licence(Declared):
    """Who owns the instrument, and what may be shipped.

    `questions`, only the `scoring` of items without their wording, or nothing but `scores` that a
    survey tool supplies.
    """

    name: str
    source: str
    note: str = ""
    may_ship: Literal["questions", "scoring", "scores"] = "questions"


class Instrument(Declared):
    """One version of a questionnaire.

    `languages`: where it is given, every text is there in each of them; those in `not_reviewed`
    are drafts that no speaker has read, and are shown to nobody. `off_by_default`: a survey has to
    say who switched the instrument on.
    """

    id: str = Field(pattern=_NAME)
    version: int = Field(ge=1)
    name: Texts
    use_for: Literal["pupil", "class", "both"]
    min_grade: int = Field(ge=1, le=13)
    max_grade: int = Field(default=13, ge=1, le=13)
    off_by_default: bool = False
    languages: tuple[Language, ...] = ()
    not_reviewed: tuple[Language, ...] = ()
    licence: Licence
    option_sets: dict[str, tuple[Option, ...]] = {}
    items: tuple[Item, ...] = ()
    scales: tuple[Scale, ...] = ()

    @property
    def key(self) -> str:
        """Id and version in one word, as tables and survey files name it: `who5_v1`."""
        return f"{self.id}_v{self.version}"

    def item(self, item_id: str) -> Item:
        """The item with this id; KeyError where there is none."""
        return {item.id: item for item in self.items}[item_id]

    @property
    def supplied(self) -> dict[str, Scale]:
        """The scales whose scores a survey tool gives, by id."""
        return {scale.id: scale for scale in self.scales if scale.formula == "supplied"}

    @property
    def columns(self) -> tuple[str, ...]:
        """What an export has of the instrument: its items, and its supplied scores."""
        return (*(item.id for item in self.items), *self.supplied)

    def codes(self, item_id: str) -> tuple[int, ...]:
        """The option codes of an item, in the order shown; none for a supplied score."""
        if item_id in self.supplied:
            return ()
        return tuple(option.code for option in self.option_sets[self.item(item_id).options])

    def label(self, item_id: str, code: int, language: Language) -> str:
        """The wording of one answer, in `language` if that is reviewed, or else in bokmål."""
        spoken = "nb" if language in self.not_reviewed else language
        for option in self.option_sets[self.item(item_id).options]:
            if option.code == code:
                return option.label.get(spoken) or option.label["nb"]
        raise KeyError(code)

    def texts(self) -> Iterator[tuple[str, Texts]]:
        """Every text that is there in several languages, and where it stands."""
        yield "name", self.name
        for name, options in self.option_sets.items():
            yield from ((f"option_sets.{name}.{one.code}", one.label) for one in options)
        yield from ((f"items.{item.id}", item.text) for item in self.items if item.text)
        for scale in self.scales:
            yield f"scales.{scale.id}", scale.label
            yield from ((f"scales.{scale.id}.{band.id}", band.label) for band in scale.bands)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        _require_names(self)
        for item in self.items:
            if item.options not in self.option_sets:
                raise ValueError(f"item {item.id}: its option set is not declared")
            codes = self.codes(item.id)
            if len(set(codes)) != len(codes):
                raise ValueError(f"item {item.id}: a code stands twice in its option set")
        for scale in self.scales:
            _require_items(self, scale)
        _require_texts(self)
        _require_licence(self)
        if self.min_grade > self.max_grade:
            raise ValueError("min_grade is above max_grade")
        return self


def _require_names(instrument: Instrument) -> None:
    if not instrument.columns:
        raise ValueError("it has neither an item nor a supplied score")
    items = [item.id for item in instrument.items]
    scales = [scale.id for scale in instrument.scales]
    reserved = sorted(RESERVED_WORDS.intersection(items + scales))
    if reserved:
        raise ValueError(f"an id is a word that the database reserves: {reserved[0]}")
    if len(set(items)) != len(items):
        raise ValueError("two items have the same id")
    if len(set(scales)) != len(scales):
        raise ValueError("two scales have the same id")
    if set(items).intersection(instrument.supplied):
        raise ValueError("an item and a supplied score have the same id")


def _require_items(instrument: Instrument, scale: Scale) -> None:
    strangers = set(scale.items) - {item.id for item in instrument.items}
    if strangers:
        raise ValueError(f"scale {scale.id}: {len(strangers)} of its items are not declared")
    if scale.part_of:
        _require_whole(instrument, scale)
    if scale.formula == "supplied":
        return
    spans = {(min(codes), max(codes)) for codes in map(instrument.codes, scale.items)}
    if scale.min_answered < len(scale.items) and len(spans) > 1:
        raise ValueError(
            f"scale {scale.id}: items of different spans cannot stand for each other; "
            "min_answered must be all of them"
        )
    if scale.at_least is not None and not all(low < scale.at_least <= high for low, high in spans):
        raise ValueError(f"scale {scale.id}: at_least must divide the options of each item")
    low, high = _reach(instrument, scale)
    if (low, high) != (scale.minimum, scale.maximum):
        raise ValueError(
            f"scale {scale.id}: its items reach {low:g} to {high:g}; "
            "minimum and maximum say otherwise"
        )


def _require_whole(instrument: Instrument, scale: Scale) -> None:
    wholes = [whole for whole in instrument.scales if whole.id == scale.part_of]
    if not wholes or wholes[0] is scale or not set(scale.items) <= set(wholes[0].items):
        raise ValueError(f"scale {scale.id}: part_of must name a scale that has its items")


def _reach(instrument: Instrument, scale: Scale) -> tuple[float, float]:
    """The lowest and the highest score that the options allow."""
    if scale.formula in ("count", "any"):
        return 0, (1 if scale.formula == "any" else len(scale.items)) * scale.multiply_by
    lows = sum(min(instrument.codes(item)) for item in scale.items)
    highs = sum(max(instrument.codes(item)) for item in scale.items)
    if scale.formula == "table":
        if [raw for raw, _ in scale.table] != list(range(lows, highs + 1)):
            raise ValueError(f"scale {scale.id}: its table must go from {lows} to {highs} by ones")
        scores = [score for _, score in scale.table]
        return min(scores), max(scores)
    n = 1 if scale.formula == "sum" else len(scale.items)
    return lows / n * scale.multiply_by, highs / n * scale.multiply_by


def _require_texts(instrument: Instrument) -> None:
    if not set(instrument.not_reviewed) <= set(instrument.languages) - {"nb"}:
        raise ValueError("not_reviewed must be among the languages, and cannot be nb")
    for place, text in instrument.texts():
        lacking = set(instrument.languages) - {spoken for spoken, said in text.items() if said}
        if lacking:
            raise ValueError(f"{place}: no text in {', '.join(sorted(lacking))}")


def _require_licence(instrument: Instrument) -> None:
    ships = instrument.licence.may_ship
    if ships != "questions" and any(item.text for item in instrument.items):
        raise ValueError("licence.may_ship: the wording of the items may not be shipped")
    if ships == "scores" and instrument.items:
        raise ValueError("licence.may_ship: only supplied scores, so there can be no items")


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
