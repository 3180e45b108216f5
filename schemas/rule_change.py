"""A municipality's own limits: `rules.toml` in its home, one signed decision a rule.

What a file may change is held here: a rule that the duty to act rests on can be made to find more
pupils and never fewer, and nobody can change who a flag goes to.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from schemas.amended_words import in_own_words, own_source
from schemas.declared import Declared
from schemas.instrument import Instrument
from schemas.network_rule import NetworkRule, network_rule
from schemas.rule import (
    LEAST_CRITICAL,
    LOCAL_EDITIONS,
    MOST_OF_100,
    ClassRule,
    Condition,
    Op,
    PupilLevel,
    PupilRule,
    PupilStep,
)

RuleList: TypeAlias = Sequence[PupilRule | ClassRule]
AnyRule: TypeAlias = PupilRule | ClassRule | NetworkRule

# The pupil asks, or the law asks (Education Act §§ 12-4 and 12-5): never off, never stricter.
HELD = frozenset(
    {"rule.wants_talk", "rule.bullied_by_pupils", "rule.bullied_by_adults", "rule.unsafe"}
)
# What a class must reach before it is spoken of: these may rise, and those may fall.
_MAY_RISE = ("min_answered", "min_response", "min_count")
_MAY_FALL = ("watch_below", "alert_fdr")
# Which of them a rule of each measure looks at: a change without effect would be told as decided.
_LOOKS_AT = {
    "share": (*_MAY_RISE, *_MAY_FALL),
    "spread": ("min_answered", "min_response", *_MAY_FALL),
    "mean": ("min_answered", "min_response"),
    "newcomers": ("min_answered", "min_response"),
}
# The same of the rule of choices.
_CHOICES_MAY_RISE = ("min_unchosen", "min_groups", "marks")
_CHOICES_MAY_FALL = ("cohesion_below",)
_CHOICES = (*_CHOICES_MAY_RISE, *_CHOICES_MAY_FALL)


class Limit(Declared):
    """Another threshold for one condition of a pupil rule, named by what it looks at."""

    level: PupilLevel = Field(description="The level that the condition belongs to.")
    input: str = Field(description="As in the rule: `who5_v1.wellbeing`.")
    op: Op = Field(description="As in the rule.")
    wave: Literal["this", "previous"] = Field(default="this", description="As in the rule.")
    threshold: float = Field(description="The municipality's own.")

    def fits(self, step: PupilStep, condition: Condition) -> bool:
        """Whether this is the condition that is meant."""
        meant = (self.level, self.input, self.op, self.wave)
        return meant == (step.level, condition.input, condition.op, condition.wave)


class RuleChange(Declared):
    """What a municipality has decided on one rule. `edition` is its own count, raised each time."""

    rule: str = Field(description="The id of the rule.")
    version: int = Field(
        ge=1,
        lt=LOCAL_EDITIONS,
        description="The shipped version that it amends; a newer one must be decided on anew.",
    )
    edition: int = Field(
        ge=1,
        lt=LOCAL_EDITIONS,
        description="Your own count of this rule's changes: raise it each time. Flags carry it.",
    )
    decided_by: str = Field(min_length=2, description="Who decided: a role or a name.")
    decided_on: date = Field(description="When it was decided.")
    why: str = Field(min_length=2, description="The reason, for whoever reads this later.")
    off: bool = Field(default=False, description="The rule flags nobody.")
    levels_off: tuple[PupilLevel, ...] = Field(
        default=(), description="Levels that the rule no longer gives."
    )
    limits: tuple[Limit, ...] = Field(default=(), alias="limit")
    min_answered: int | None = Field(
        default=None, description="Class rules: answers needed. Never fewer than shipped."
    )
    min_response: float | None = Field(
        default=None, le=1, description="Class rules: share needed. Never less than shipped."
    )
    min_count: int | None = Field(
        default=None, description="Class rules: pupils needed. Never fewer than shipped."
    )
    watch_below: float | None = Field(
        default=None, gt=0, description="Class rules: p for a watch. Never more than shipped."
    )
    alert_fdr: float | None = Field(
        default=None, gt=0, description="Class rules: rate for an alert. Never more than shipped."
    )
    min_unchosen: int | None = Field(
        default=None, description="Choices: pupils chosen by nobody. Never fewer than shipped."
    )
    min_groups: int | None = Field(
        default=None, description="Choices: groups of the class. Never fewer than shipped."
    )
    marks: int | None = Field(
        default=None, le=3, description="Choices: marks of the three. Never fewer than shipped."
    )
    cohesion_below: float | None = Field(
        default=None, gt=0, description="Choices: p of few mutual ones. Never more than shipped."
    )

    @property
    def gates(self) -> dict[str, float]:
        """The gates of a class rule that are changed."""
        return self._given(*_MAY_RISE, *_MAY_FALL)

    @property
    def choices(self) -> dict[str, float]:
        """The limits of the rule of choices that are changed."""
        return self._given(*_CHOICES)

    def _given(self, *names: str) -> dict[str, float]:
        named = {name: getattr(self, name) for name in names}
        return {name: value for name, value in named.items() if value is not None}

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        changes = bool(self.levels_off or self.limits or self.gates or self.choices)
        if self.off == changes:
            raise ValueError("a change is either off = true, or other limits, levels or gates")
        return self


class RuleChanges(Declared):
    """`rules.toml`."""

    changes: tuple[RuleChange, ...] = Field(default=(), alias="change")

    @model_validator(mode="after")
    def _each_rule_stands_once(self) -> Self:
        named = [change.rule for change in self.changes]
        if len(named) != len(set(named)):
            raise ValueError("a rule is changed twice")
        return self


def amend(
    rules: RuleList, changes: RuleChanges, instruments: Mapping[str, Instrument]
) -> tuple[PupilRule | ClassRule, ...]:
    """The rules as a municipality has decided; ValueError where it may not, or means another."""
    by_rule = {change.rule: change for change in changes.changes}
    strangers = sorted(set(by_rule) - {rule.id for rule in rules} - {network_rule().id})
    if strangers:
        raise ValueError(f"{len(strangers)} of its changes name a rule that is not there")
    amended = (
        _amended(rule, by_rule[rule.id], instruments) if rule.id in by_rule else rule
        for rule in rules
    )
    left = {rule.id: rule for rule in amended if rule is not None}
    return tuple(
        _giving_way(rule, rules, left, by_rule) if rule.target == "pupil" else rule
        for rule in left.values()
    )


def _giving_way(
    rule: PupilRule,
    shipped: RuleList,
    left: Mapping[str, PupilRule | ClassRule],
    changes: Mapping[str, RuleChange],
) -> PupilRule:
    """The rule, which gives way to others from where those now begin.

    An answer that the other rule no longer flags would else belong to nobody, and a better one
    would be looked at.
    """
    for other in shipped:
        if other.target != "pupil" or other.id == rule.id or other.id not in changes:
            continue
        now = left.get(other.id)
        steps = tuple(
            step.model_copy(update={"none_of": _moved(step.none_of, other, now)})
            for step in rule.steps
        )
        if steps != rule.steps:
            change = changes[other.id]
            own = in_own_words(rule, by=change.decided_by, day=change.decided_on)
            version = rule.version
            if version < LOCAL_EDITIONS:
                version = version * LOCAL_EDITIONS + change.edition
            rule = own.model_copy(update={"steps": steps, "version": version})
    return rule


def _moved(
    none_of: Sequence[Condition], other: PupilRule, now: PupilRule | ClassRule | None
) -> tuple[Condition, ...]:
    """Conditions that are the other rule's own, with its limits of now; none where it has none."""
    kept = []
    for condition in none_of:
        if condition not in _alone(other):
            kept.append(condition)
            continue
        still = [
            one
            for one in (_alone(now) if isinstance(now, PupilRule) else [])
            if (one.input, one.op, one.wave) == (condition.input, condition.op, condition.wave)
        ]
        mildest = max if condition.op == "at_most" else min
        kept += [mildest(still, key=lambda one: one.threshold)] if still else []
    return tuple(kept)


def _alone(rule: PupilRule) -> list[Condition]:
    """The conditions that flag by themselves."""
    found: list[Condition] = []
    for step in rule.steps:
        found += step.any_of if not step.all_of else ()
        found += step.all_of if len(step.all_of) == 1 and not step.any_of else ()
    return found


def amend_network(rule: NetworkRule, changes: RuleChanges) -> NetworkRule:
    """The rule of choices as a municipality has decided; ValueError where it may not."""
    for change in changes.changes:
        if change.rule == rule.id:
            return _amended_network(rule, change)
    return rule


def _amended_network(rule: NetworkRule, change: RuleChange) -> NetworkRule:
    _require_version(rule, change)
    if change.limits or change.levels_off or change.gates:
        raise ValueError(f"{rule.id}: only {', '.join(_CHOICES)} can be changed, or off")
    _require_stricter(rule, change.choices)
    return rule.model_copy(update={**change.choices, "off": change.off, **_decided(rule, change)})


def _decided(rule: ClassRule | NetworkRule, change: RuleChange) -> dict[str, object]:
    """The edition and the source of a class rule that a municipality has decided on."""
    source = own_source(rule.source, by=change.decided_by, day=change.decided_on)
    return {"version": _local_version(rule, change), "source": source}


def _require_version(rule: AnyRule, change: RuleChange) -> None:
    if change.version != rule.version:
        raise ValueError(
            f"{rule.id}: version {rule.version} is shipped, and the change amends"
            f" {change.version}: decide anew"
        )


def _require_stricter(rule: AnyRule, given: Mapping[str, float]) -> None:
    for name, value in given.items():
        shipped = getattr(rule, name)
        rises = name in (*_MAY_RISE, *_CHOICES_MAY_RISE)
        if value < shipped if rises else value > shipped:
            raise ValueError(f"{rule.id}: {name} can only be stricter than {shipped:g}")


def _amended(
    rule: PupilRule | ClassRule, change: RuleChange, instruments: Mapping[str, Instrument]
) -> PupilRule | ClassRule | None:
    _require_version(rule, change)
    if change.choices:
        raise ValueError(f"{rule.id}: {', '.join(_CHOICES)} belong to the rule of choices")
    if rule.id in HELD and (change.off or change.levels_off):
        raise ValueError(f"{rule.id}: no part of it can be switched off")
    if change.off:
        return None
    if rule.target == "class":
        return _stricter(rule, change)
    return _relimited(rule, change, instruments)


def _local_version(rule: AnyRule, change: RuleChange) -> int:
    return rule.version * LOCAL_EDITIONS + change.edition


def _stricter(rule: ClassRule, change: RuleChange) -> ClassRule:
    if change.limits or change.levels_off:
        raise ValueError(f"{rule.id}: of a class rule only gates can be changed")
    looks_at = [name for name in _LOOKS_AT[rule.measure] if name != "alert_fdr" or rule.may_alert]
    without_effect = sorted(set(change.gates) - set(looks_at))
    if without_effect:
        raise ValueError(
            f"{rule.id}: {', '.join(without_effect)} would change nothing: it looks at"
            f" {', '.join(looks_at)}"
        )
    _require_stricter(rule, change.gates)
    return rule.model_copy(update={**change.gates, **_decided(rule, change)})


def _relimited(
    rule: PupilRule, change: RuleChange, instruments: Mapping[str, Instrument]
) -> PupilRule:
    if change.gates:
        raise ValueError(f"{rule.id}: gates belong to class rules")
    for limit in change.limits:
        _check_limit(rule, limit, instruments)
    missing = set(change.levels_off) - {step.level for step in rule.steps}
    steps = [
        _step_with(step, change.limits)
        for step in rule.steps
        if step.level not in change.levels_off
    ]
    if missing or not steps:
        raise ValueError(f"{rule.id}: levels_off must be some of its levels, and not all of them")
    made = {"steps": tuple(steps), "version": _local_version(rule, change)}
    if any(step not in rule.steps for step in steps):
        rule = in_own_words(rule, by=change.decided_by, day=change.decided_on)
    return rule.model_copy(update=made)


def _step_with(step: PupilStep, limits: Sequence[Limit]) -> PupilStep:
    def with_limits(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
        new = list(conditions)
        for at, condition in enumerate(new):
            for limit in limits:
                if limit.fits(step, condition):
                    new[at] = condition.model_copy(update={"threshold": limit.threshold})
        return tuple(new)

    return step.model_copy(
        update={"all_of": with_limits(step.all_of), "any_of": with_limits(step.any_of)}
    )


def _check_limit(rule: PupilRule, limit: Limit, instruments: Mapping[str, Instrument]) -> None:
    meant = [
        condition
        for step in rule.steps
        for condition in step.reasons
        if limit.fits(step, condition)
    ]
    if not meant:
        raise ValueError(f"{rule.id}: a limit fits no condition of its {limit.level}")
    _check_reach(rule, limit, instruments)
    key, _, name = limit.input.partition(".")
    is_scale = any(scale.id == name for scale in instruments[key].scales)
    if limit.op == "fallen_by" and is_scale and limit.threshold < meant[0].threshold:
        raise ValueError(
            f"{rule.id}: a fall of less than {meant[0].threshold:g} is within the error of one"
            " pupil's score"
        )
    is_tighter = (limit.threshold < meant[0].threshold) == (limit.op == "at_most")
    if rule.id in HELD and limit.threshold != meant[0].threshold and is_tighter:
        raise ValueError(
            f"{rule.id}: {limit.input} may find more pupils than at {meant[0].threshold:g},"
            " not fewer"
        )


def _check_reach(rule: PupilRule, limit: Limit, instruments: Mapping[str, Instrument]) -> None:
    """A threshold must hold for some answers and not for all of them."""
    key, _, name = limit.input.partition(".")
    if key not in instruments:
        raise ValueError(f"{rule.id}: what the register or choices say has no other limit")
    scales = {scale.id: (scale.minimum, scale.maximum) for scale in instruments[key].scales}
    codes = () if name in scales else instruments[key].codes(name)
    low, high = scales.get(name) or (min(codes), max(codes))
    within = {
        "at_least": low < limit.threshold <= high,
        "at_most": low <= limit.threshold < high,
        "fallen_by": 0 < limit.threshold <= high - low,
        "below_percentile": 0 < limit.threshold <= MOST_OF_100,
        "fallen_reliably": limit.threshold >= LEAST_CRITICAL,
    }
    if not within[limit.op]:
        raise ValueError(f"{rule.id}: a limit of {limit.input} holds for every answer or for none")
