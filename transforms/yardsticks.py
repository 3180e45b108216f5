"""Limits that a grade of the municipality sets for itself in one wave, for scales without a norm.

They come from everybody of the grade who answered, in linked surveys and others, never from those
who were flagged (domain notes 6.1), and from `FEWEST_ANSWERS` forms or more (8.1, S8). A condition
whose grade has too few never holds.
"""

from collections.abc import Mapping, Sequence
from math import sqrt

from schemas.instrument import Instrument, Scale
from schemas.rule import HIGHEST_GRADE, ClassRule, Condition, PupilRule
from transforms.flag_inputs import Grade, Limits, conditions
from transforms.statistics.reliable_change import smallest_reliable_change
from transforms.use_for import allowed_part

FEWEST_ANSWERS = 200


def local_conditions(rules: Sequence[PupilRule | ClassRule]) -> list[Condition]:
    """The conditions of the rules whose limit is measured, each once."""
    found = [condition for rule in rules for condition in conditions(rule) if condition.is_local]
    return list(dict.fromkeys(found))


def as_far_as_measured(
    rules: Sequence[PupilRule | ClassRule], limits: Limits
) -> list[PupilRule | ClassRule]:
    """The rules without conditions that no grade has a limit for: they could hold for nobody."""

    def is_measured(condition: Condition) -> bool:
        return not condition.is_local or condition in limits

    kept = [allowed_part(rule, is_measured) for rule in rules]
    return [rule for rule in kept if rule is not None]


def declared_reliability(scale: Scale) -> float | None:
    """The lowest that its instrument declares, so that fewer changes count as more than error."""
    return min((said.value for said in scale.reliability), default=None)


def change_limits(
    spreads: Mapping[int, float], reliability: Mapping[int, float], critical: float
) -> dict[int, float]:
    """The smallest reliable change in each grade, from its standard deviation (Jacobson & Truax).

    A grade of equal answers, or whose answers do not hang together, has none.
    """
    return {
        grade: smallest_reliable_change(sd, reliability[grade], critical=critical)
        for grade, sd in spreads.items()
        if sd > 0 and 0 < reliability.get(grade, 0) < 1
    }


# Of examples, whose grades are invented: no other figure is needed to work them out by hand.
EXAMPLE_RELIABILITY = 0.8


def even_limits(
    rules: Sequence[PupilRule | ClassRule], instruments: Mapping[str, Instrument], *, before: str
) -> Limits:
    """Limits of grades whose scores are spread evenly over the upper two thirds of a scale.

    They are the same in the wave `before`.
    """
    found: dict[Condition, Mapping[Grade, float]] = {}
    for condition in local_conditions(rules):
        scale = scale_of(condition, instruments)
        spread = float(scale.maximum - scale.minimum) * 2 / 3
        if condition.op == "below_percentile":
            limit = scale.maximum - spread * (1 - condition.threshold / 100)
        else:
            limit = smallest_reliable_change(
                spread / sqrt(12), EXAMPLE_RELIABILITY, critical=condition.threshold
            )
        found[condition] = {
            at if condition.wave == "this" else (before, at): limit
            for at in range(1, HIGHEST_GRADE + 1)
        }
    return found


def scale_of(condition: Condition, instruments: Mapping[str, Instrument]) -> Scale:
    """The scale that a condition looks at; ValueError where it looks at an answer or at nothing."""
    key, _, name = condition.input.partition(".")
    scales = instruments[key].scales if key in instruments else ()
    for scale in scales:
        if scale.id == name:
            return scale
    raise ValueError(f"a rule looks at {condition.input}, which is no scale of an instrument")
