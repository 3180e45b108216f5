"""Flag rules as data: what is looked at, the threshold, the level, and the words for it.

A pupil rule lists its levels from the highest to the lowest; the first that holds is the flag's.
A class rule tests one share against the grade band. `docs/reference/rules.md` is made from these.
"""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.declared import Declared
from schemas.instrument import Texts

Situation = Literal[
    "new_pupil", "vulnerable_situation", "not_thriving", "unsafe", "exclusion", "bullying"
]
PupilLevel = Literal["prompt", "flag", "watch"]

# Domain notes 6.7 and 8.2: below these a class share is noise or a person.
CLASS_MIN_ANSWERED_FLOOR = 8
CLASS_MIN_COUNT_FLOOR = 3

# A class without a baseline would be tested against nothing, and anything is more than nothing.
HIGHEST_GRADE = 13


class Condition(Declared):
    """One comparison: an item's answer code or a scale's score against a threshold.

    `input` is `instrument_key.item` or `instrument_key.scale`, or `register.new_pupil`, which is
    1 where the pupil is new by the rule in the domain notes (S13).

    `wave = "previous"` looks at what the same pupil answered in the same school in the latest wave
    that opened before this one. `fallen_by`: now at least `threshold` lower than it was then. A
    condition never holds where an answer that it needs is missing.
    """

    input: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    op: Literal["at_least", "at_most", "fallen_by"]
    threshold: float
    wave: Literal["this", "previous"] = "this"

    @property
    def looks_back(self) -> bool:
        """Whether the condition needs the previous wave."""
        return self.wave == "previous" or self.op == "fallen_by"

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.looks_back and self.input.startswith("register."):
            raise ValueError("the register has no previous wave")
        if self.op == "fallen_by" and self.wave == "previous":
            raise ValueError("a fall is seen from this wave")
        if self.op == "fallen_by" and self.threshold <= 0:
            raise ValueError("a fall is more than nothing")
        return self


class PupilStep(Declared):
    """A level and what it takes.

    At least one of `any_of` (if given), every one of `all_of`, and not one of `none_of`. A missing
    answer is no reason against: it does not make a condition of `none_of` hold.
    """

    level: PupilLevel
    any_of: tuple[Condition, ...] = ()
    all_of: tuple[Condition, ...] = ()
    none_of: tuple[Condition, ...] = ()

    @property
    def reasons(self) -> tuple[Condition, ...]:
        """The conditions that speak for the flag, and are its evidence where they hold."""
        return (*self.all_of, *self.any_of)

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.any_of and not self.all_of:
            raise ValueError("a level needs any_of or all_of")
        now = {condition.input for condition in self.reasons if condition.wave == "this"}
        if any(condition.input not in now for condition in self.reasons):
            raise ValueError("what is looked at in the previous wave must be looked at now too")
        return self


# A municipality's edition of a rule is one whole number with the version, as flags store it.
LOCAL_EDITIONS = 1000


def edition(version: int) -> str:
    """A stored version in words: 2, or 2+local3 for a municipality's third edition of it."""
    shipped, local = divmod(version, LOCAL_EDITIONS)
    return f"{shipped}+local{local}" if shipped else f"{version}"


class RuleTexts(Declared):
    """What the reader is told: why the flag was raised, and what it does not mean."""

    name: Texts
    why: Texts
    not_meaning: Texts


class PupilRule(Declared):
    """A rule that suggests to look at one pupil."""

    target: Literal["pupil"]
    id: str = Field(pattern=r"^rule\.[a-z][a-z0-9_]*$")
    version: int = Field(ge=1, lt=LOCAL_EDITIONS)
    situation: Situation
    route: Literal["health_service", "adult_route"] = "health_service"
    steps: tuple[PupilStep, ...] = Field(min_length=1)
    texts: RuleTexts
    rationale: str
    source: str

    @property
    def edition(self) -> str:
        """The version in words."""
        return edition(self.version)

    @model_validator(mode="after")
    def _highest_level_first(self) -> Self:
        order = ["prompt", "flag", "watch"]
        ranks = [order.index(step.level) for step in self.steps]
        if ranks != sorted(ranks):
            raise ValueError("steps must run from prompt over flag to watch")
        return self


class Baseline(Declared):
    """A published share for a band of grades, used while the municipality's own band is small."""

    grades: tuple[int, int]
    share: float = Field(gt=0, lt=1)
    source: str


class ClassRule(Declared):
    """A rule that compares one class's share with the rest of its grade band.

    Watch: exact one-sided p below `watch_below`. Alert: mid-p passes Benjamini-Hochberg at
    `alert_fdr` over all class tests of the wave (domain notes 6.4).
    """

    target: Literal["class"]
    id: str = Field(pattern=r"^rule\.[a-z][a-z0-9_]*$")
    version: int = Field(ge=1, lt=LOCAL_EDITIONS)
    situation: Situation
    any_of: tuple[Condition, ...] = Field(min_length=1)
    baselines: tuple[Baseline, ...] = Field(min_length=1)
    min_answered: int = Field(default=8, ge=CLASS_MIN_ANSWERED_FLOOR)
    min_response: float = Field(default=0.6, ge=0.6, le=1)
    min_count: int = Field(default=3, ge=CLASS_MIN_COUNT_FLOOR)
    watch_below: float = Field(default=0.025, gt=0, le=0.05)
    alert_fdr: float = Field(default=0.10, gt=0, le=0.2)
    texts: RuleTexts
    rationale: str
    source: str

    @property
    def edition(self) -> str:
        """The version in words."""
        return edition(self.version)

    @model_validator(mode="after")
    def _looks_at_one_wave(self) -> Self:
        if any(condition.looks_back for condition in self.any_of):
            raise ValueError("a class is compared with other classes, not with an earlier wave")
        return self

    @model_validator(mode="after")
    def _every_grade_has_one_baseline(self) -> Self:
        covered = [
            grade for band in self.baselines for grade in range(band.grades[0], band.grades[1] + 1)
        ]
        if sorted(covered) != list(range(1, HIGHEST_GRADE + 1)):
            raise ValueError(f"baselines must cover each grade from 1 to {HIGHEST_GRADE} once")
        return self


Rule = Annotated[PupilRule | ClassRule, Field(discriminator="target")]


class RuleFile(Declared):
    """The rules of one file in `schemas/rules/`."""

    rules: tuple[Rule, ...] = Field(min_length=1, alias="rule")


@cache
def shipped_rules() -> tuple[PupilRule | ClassRule, ...]:
    """The rules that come with Klassepuls, in the order of their files and in them."""
    folder = files("schemas") / "rules"
    found: list[PupilRule | ClassRule] = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            found += RuleFile.from_toml(file.read_text(encoding="utf-8"), name=file.name).rules
    ids = [rule.id for rule in found]
    if len(ids) != len(set(ids)):
        raise ValueError("two rules have the same id")
    return tuple(found)
