"""What "did it help" is measured by, as data: `schemas/outcome.toml`."""

from functools import cache
from importlib.resources import files
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.declared import Declared
from schemas.words import Words

VerdictWord = Literal["helped", "worse", "cannot_tell"]
Reason = Literal[
    "no_next_wave",
    "not_asked",
    "another_instrument",
    "nobody_followed",
    "no_comparison",
    "too_few",
    "not_apart",
    "within",
    "beyond",
]


class OutcomeLimits(Declared):
    """Limits that were decided in advance; what each costs is measured in the tests."""

    confidence: float = Field(ge=0.95, lt=1)
    fewest_pupils: int = Field(ge=10)
    fewest_classes: int = Field(ge=3)
    worse_margin: float = Field(ge=0)
    ripe_days: int = Field(ge=98)
    reopened_days: int = Field(ge=1)
    next_wave_days: int = Field(ge=28)


class Primary(Declared):
    """A scale that may decide the word: `instrument.scale`."""

    input: str = Field(pattern=r"^[a-z0-9_]+_v\d+\.[a-z0-9_]+$")


class Claim(Declared):
    """What the pilot says came of groups, whom it is about, and the answers that tell of it."""

    id: str = Field(pattern=r"^[a-z_]+$")
    who: Literal["pupil", "classmates", "helpers"]
    inputs: tuple[str, ...]
    label: Words
    measured: Words

    @model_validator(mode="after")
    def _helpers_are_not_asked(self) -> Self:
        if (self.who == "helpers") == bool(self.inputs):
            raise ValueError("a claim on helpers has no inputs, and every other has some")
        return self


class Measure(Declared):
    """A share, or a median, of the programme: what it counts, and of whom."""

    id: str = Field(pattern=r"^[a-z_]+$")
    unit: Literal["pupil", "case", "review", "helper"]
    statistic: Literal["share", "median"] = "share"
    categories: Literal["situation", "outcome", "question"] | None = None
    published: bool = True
    label: Words
    of: Words

    @property
    def in_outcome(self) -> bool:
        """Whether it has rows in mart.outcome: a published share."""
        return self.published and self.statistic == "share"


class OutcomePlan(Declared):
    """`outcome.toml`."""

    limits: OutcomeLimits
    primaries: tuple[Primary, ...] = Field(alias="primary", min_length=1)
    claims: tuple[Claim, ...] = Field(alias="claim")
    measures: tuple[Measure, ...] = Field(alias="measure", min_length=1)
    verdicts: dict[VerdictWord, Words] = Field(alias="verdict")
    reasons: dict[Reason, Words] = Field(alias="reason")
    questions: dict[str, Words] = Field(alias="question")

    def measure(self, measure_id: str) -> Measure:
        """One measure; KeyError where there is none of that name."""
        return {measure.id: measure for measure in self.measures}[measure_id]

    @model_validator(mode="after")
    def _all_counts_of_several_stay_here(self) -> Self:
        """The disclosure gate counts pupils: what counts several of one does not pass it."""
        several = [one.id for one in self.measures if one.published and one.unit in _SEVERAL]
        if several:
            raise ValueError(f"counts several of one pupil, and is published: {several}")
        ids = [one.id for one in self.measures] + [one.id for one in self.claims]
        if len(ids) != len(set(ids)):
            raise ValueError("two measures or claims have the same id")
        return self


_SEVERAL = ("review", "helper")


@cache
def outcome_plan() -> OutcomePlan:
    """The plan as it is shipped."""
    text = (files("schemas") / "outcome.toml").read_text(encoding="utf-8")
    return OutcomePlan.from_toml(text, name="outcome.toml")
