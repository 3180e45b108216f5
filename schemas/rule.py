"""Flag rules as data: what is looked at, the threshold, the level, and the words for it.

A pupil rule lists its levels from the highest to the lowest; the first that holds is the flag's.
A class rule tests one share against the grade band, or a scale's mean or spread.
`docs/reference/rules.md` is made from these.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schemas.declared import Declared
from schemas.instrument import Language, Texts

Situation = Literal[
    "new_pupil", "vulnerable_situation", "not_thriving", "unsafe", "exclusion", "bullying"
]
# A pupil who asks for a talk has not said which of the six it is about, and it is not inferred.
AnySituation = Literal["any"]
PupilLevel = Literal["prompt", "flag", "watch"]

# Domain notes 6.7 and 8.2: below these a class share is noise or a person.
CLASS_MIN_ANSWERED_FLOOR = 8
CLASS_MIN_COUNT_FLOOR = 3

# A class without a baseline would be tested against nothing, and anything is more than nothing.
HIGHEST_GRADE = 13

Op = Literal["at_least", "at_most", "fallen_by", "below_percentile", "fallen_reliably"]
# Less is error of measurement (domain notes 6.1); a quarter of a grade is not the low end of it.
LEAST_CRITICAL = 1.96
MOST_OF_100 = 25


class Condition(Declared):
    """One comparison: an item's answer code or a scale's score against a threshold.

    `input` is `instrument_key.item` or `instrument_key.scale`, or `register.new_pupil`, which is
    1 where the pupil is new by the rule in the domain notes (S13).

    `wave = "previous"` looks at what the same pupil answered to it in the same school the last
    time: in the latest wave before this one, of a year, in which there is an answer. `fallen_by`:
    now at least `threshold` lower than it was then. A condition never holds where an answer that
    it needs is missing.

    Two limits are set by the municipality's own grade in that wave, where enough have answered
    (transforms/yardsticks.py). `below_percentile`: below the score that `threshold` of 100 lie
    under. `fallen_reliably`: lower than it was then by more than `threshold` standard errors of a
    difference (domain notes 6.1).
    """

    input: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    op: Op
    threshold: float
    wave: Literal["this", "previous"] = "this"

    @property
    def looks_back(self) -> bool:
        """Whether the condition needs the last time that the pupil answered it."""
        return self.wave == "previous" or self.is_fall

    @property
    def is_fall(self) -> bool:
        """Whether it compares this wave with the last time."""
        return self.op in ("fallen_by", "fallen_reliably")

    @property
    def is_local(self) -> bool:
        """Whether the municipality's own grade sets the limit."""
        return self.op in ("below_percentile", "fallen_reliably")

    @property
    def is_answered(self) -> bool:
        """Whether a form says it; the register speaks of the pupil, whatever the form."""
        return not self.input.startswith("register.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.looks_back and not self.is_answered:
            raise ValueError("the register has no previous wave")
        if self.is_fall and self.wave == "previous":
            raise ValueError("a fall is seen from this wave")
        if self.op == "fallen_by" and self.threshold <= 0:
            raise ValueError("a fall is more than nothing")
        if self.op == "fallen_reliably" and self.threshold < LEAST_CRITICAL:
            raise ValueError(f"a reliable fall is {LEAST_CRITICAL} standard errors or more")
        if self.op == "below_percentile" and not 0 < self.threshold <= MOST_OF_100:
            raise ValueError(f"a low percentile is one of {MOST_OF_100} of 100, or lower")
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
    """What the reader is told: why the flag was raised, and what it does not mean.

    `why_at` takes the place of `why` at the levels that it names. Its words hold whatever the
    limits are, for a municipality may move them.
    """

    name: Texts
    why: Texts
    not_meaning: Texts
    why_at: dict[PupilLevel, Texts] = Field(default_factory=dict)

    def why_of(self, level: str) -> Texts:
        """Why a flag of this level was raised."""
        return next((said for at, said in self.why_at.items() if at == level), self.why)


def _is_in_english(source: str | Texts) -> str | Texts:
    if not isinstance(source, str) and "en" not in source:
        raise ValueError("a source in several languages must be there in English")
    return source


# As it is everywhere, or in each language: people look up a law by the name that they know.
Source = Annotated[str | Texts, AfterValidator(_is_in_english)]


def source_in(source: Source, language: Language) -> tuple[str, Language]:
    """A source in a language, and the one that it stands in: the nearest where it lacks ours.

    That is bokmål for nynorsk, and English otherwise.
    """
    if isinstance(source, str):
        return source, "en"
    nearest: Language = "nb" if language == "nn" and "nb" in source else "en"
    own = language if language in source else nearest
    return source[own], own


class PupilRule(Declared):
    """A rule that suggests to look at one pupil."""

    target: Literal["pupil"]
    id: str = Field(pattern=r"^rule\.[a-z][a-z0-9_]*$")
    version: int = Field(ge=1, lt=LOCAL_EDITIONS)
    situation: Situation | AnySituation
    route: Literal["health_service", "adult_route"] = "health_service"
    steps: tuple[PupilStep, ...] = Field(min_length=1)
    texts: RuleTexts
    rationale: str
    source: Source

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

    @model_validator(mode="after")
    def _words_are_for_its_levels(self) -> Self:
        if not {*self.texts.why_at} <= {step.level for step in self.steps}:
            raise ValueError("why_at names a level that the rule does not give")
        return self


class Baseline(Declared):
    """A share for a band of grades, used while the municipality's own band is small.

    `is_estimate`: nobody has published one for this wording, so it is ours.
    """

    grades: tuple[int, int]
    share: float = Field(gt=0, lt=1)
    source: str
    is_estimate: bool = False


class MeanOfScale(Declared):
    """A class's mean of a scale, drawn towards its grade by normal empirical Bayes.

    Watch: the true mean is more than `by_sd` between-class standard deviations on the worse side
    of the grade's mean with a probability above `watch_above`; alert: above `alert_above` (domain
    notes 6.3 and 8.2, C5). Compared are the classes of the grade, or, where they are fewer than
    `min_classes`, those of its band in `bands`; where they are too few as well, nothing.
    """

    scale: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    worse: Literal["low", "high"] = "low"
    bands: tuple[tuple[int, int], ...] = ((1, 4), (5, 7), (8, 10), (11, 13))
    by_sd: float = Field(default=0.5, ge=0.5)
    watch_above: float = Field(default=0.9, ge=0.9, lt=1)
    alert_above: float = Field(default=0.975, ge=0.95, lt=1)
    min_classes: int = Field(default=10, ge=10)


class SpreadOfScale(Declared):
    """How far apart a class's answers to a scale lie, against pupils of the grade drawn at random.

    `permutations` classes of the same size are drawn from the grade, at least `min_classes` of
    which can be compared. The probability that one is as spread is known to within
    sqrt(p (1 - p) / permutations).
    """

    scale: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    permutations: int = Field(default=4999, ge=999, le=99999)
    min_classes: int = Field(default=5, ge=2)


class Newcomers(Declared):
    """New pupils of a class by code: `at_least` of them, and at most `at_most_share` of those seen.

    A class that is new as a whole receives nobody.
    """

    at_least: int = Field(default=2, ge=2)
    at_most_share: float = Field(default=0.5, gt=0, le=0.5)


NEW_PUPIL = "register.new_pupil"


class ClassRule(Declared):
    """A rule that compares one class with others: a share of it, or a scale's mean or spread.

    A share, or a spread. Watch: exact one-sided p below `watch_below`, and mid-p passes
    Benjamini-Hochberg at `watch_fdr` over this rule's tests of the wave. Alert: also at `alert_fdr`
    over all class tests of the wave (domain notes 6.4), unless the rule `may_alert` not. A watch or
    alert of the rule named in `unless` leaves the class to that rule. The same signal in
    `repeat_times` of the latest `repeat_of` waves of the school year, this one included, is an
    alert (domain notes 8.2, C9).
    """

    target: Literal["class"]
    id: str = Field(pattern=r"^rule\.[a-z][a-z0-9_]*$")
    version: int = Field(ge=1, lt=LOCAL_EDITIONS)
    situation: Situation
    any_of: tuple[Condition, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    mean: MeanOfScale | None = None
    spread: SpreadOfScale | None = None
    newcomers: Newcomers | None = None
    min_answered: int = Field(default=8, ge=CLASS_MIN_ANSWERED_FLOOR)
    min_response: float = Field(default=0.6, ge=0.6, le=1)
    min_count: int = Field(default=3, ge=CLASS_MIN_COUNT_FLOOR)
    watch_below: float = Field(default=0.025, gt=0, le=0.05)
    watch_fdr: float = Field(default=0.2, gt=0, le=1)
    alert_fdr: float = Field(default=0.10, gt=0, le=0.2)
    may_alert: bool = True
    unless: str | None = None
    repeat_times: int = Field(default=2, ge=2)
    repeat_of: int = Field(default=3, ge=2, le=3)
    texts: RuleTexts
    rationale: str
    source: Source

    @property
    def edition(self) -> str:
        """The version in words."""
        return edition(self.version)

    @property
    def measure(self) -> Literal["share", "mean", "spread", "newcomers"]:
        """What of a class the rule looks at."""
        if self.mean:
            return "mean"
        if self.spread:
            return "spread"
        return "newcomers" if self.newcomers else "share"

    @property
    def scale(self) -> str | None:
        """The scale that it looks at, for a mean or a spread."""
        of = self.mean or self.spread
        return of.scale if of else None

    @property
    def counted(self) -> tuple[Condition, ...]:
        """The conditions that count a pupil; none for a scale."""
        if self.newcomers:
            return (Condition(input=NEW_PUPIL, op="at_least", threshold=1),)
        return self.any_of

    @model_validator(mode="after")
    def _looks_at_one_thing(self) -> Self:
        others = [part for part in (self.mean, self.spread, self.newcomers) if part]
        is_share = bool(self.any_of or self.baselines)
        if len(others) + is_share != 1 or is_share != bool(self.any_of and self.baselines):
            raise ValueError("expected any_of with baselines, or one of mean, spread and newcomers")
        return self

    @model_validator(mode="after")
    def _looks_at_one_wave(self) -> Self:
        if any(condition.looks_back or condition.is_local for condition in self.any_of):
            raise ValueError("a class is compared with other classes, not with an earlier wave")
        return self

    @model_validator(mode="after")
    def _every_grade_has_one_baseline(self) -> Self:
        if self.any_of:
            _require_every_grade([baseline.grades for baseline in self.baselines], "baselines")
        if self.mean:
            _require_every_grade(self.mean.bands, "bands")
        return self


def _require_every_grade(bands: Iterable[tuple[int, int]], name: str) -> None:
    covered = [grade for first, last in bands for grade in range(first, last + 1)]
    if sorted(covered) != list(range(1, HIGHEST_GRADE + 1)):
        raise ValueError(f"{name} must cover each grade from 1 to {HIGHEST_GRADE} once")


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
    for rule in found:
        if rule.target == "class" and rule.unless not in (None, *ids):
            raise ValueError(f"{rule.id}: unless names a rule that is not there")
    return tuple(found)
