"""Which rules may look at which instruments: `use_for` of an instrument, enforced.

An instrument for classes only says too little of one pupil to point at anybody (UCLA-3: "not
robust" for adolescents, domain notes 4), so no pupil rule sees it; and the other way round.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from schemas.instrument import Instrument
from schemas.rule import ClassRule, Condition, PupilRule, PupilStep

Rules = Sequence[PupilRule | ClassRule]
Allowed = Callable[[Condition], bool]


def as_instruments_allow(rules: Rules, instruments: Mapping[str, Instrument]) -> Rules:
    """The rules without the conditions that an instrument's `use_for` forbids.

    A step that needs all of what is forbidden falls away, and so does a rule of which no step is
    left. A rule that looks at nothing forbidden comes back as it is.
    """

    def may_see(rule: PupilRule | ClassRule, name: str) -> bool:
        instrument = instruments.get(name.partition(".")[0])
        return instrument is None or instrument.use_for in (rule.target, "both")

    kept = [part_that_sees(rule, partial(may_see, rule)) for rule in rules]
    return [rule for rule in kept if rule is not None]


def part_that_sees(
    rule: PupilRule | ClassRule, may_see: Callable[[str], bool]
) -> PupilRule | ClassRule | None:
    """A rule without what looks at inputs that it may not see; None where no step is left."""
    if isinstance(rule, ClassRule) and rule.scale is not None and not may_see(rule.scale):
        return None
    return allowed_part(rule, lambda condition: may_see(condition.input))


def allowed_part(rule: PupilRule | ClassRule, is_allowed: Allowed) -> PupilRule | ClassRule | None:
    """A rule without the conditions that are not allowed; None where no step of it is left."""
    if isinstance(rule, ClassRule):
        if rule.measure != "share":
            return rule
        any_of = tuple(filter(is_allowed, rule.any_of))
        return rule.model_copy(update={"any_of": any_of}) if any_of else None
    steps = tuple(left for step in rule.steps if (left := _allowed_step(step, is_allowed)))
    return rule.model_copy(update={"steps": steps}) if steps else None


def _allowed_step(step: PupilStep, is_allowed: Allowed) -> PupilStep | None:
    any_of = tuple(filter(is_allowed, step.any_of))
    lost_one_of_all = not all(map(is_allowed, step.all_of))
    lost_every_choice = bool(step.any_of) and not any_of
    if lost_one_of_all or lost_every_choice:
        return None
    return step.model_copy(update={"any_of": any_of})
