"""Pupil rules as query expressions over one wave's linked forms (`transforms/flag_inputs.py`).

`hit_sql` gives the forms that any rule flags, and `evidence_sql` why. No weighted total, no
ranking: a rule looks at answers; its level is the highest step that holds.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from schemas.rule import Condition, PupilRule, PupilStep
from transforms.flag_inputs import Grade, Inputs

_OPERATOR = {
    "at_least": ">=",
    "at_most": "<=",
    "fallen_by": ">=",
    "below_percentile": "<",
    "fallen_reliably": ">",
}


def condition_sql(condition: Condition, inputs: Inputs) -> str:
    """Whether a condition holds for a row of `form_sql`; a missing answer never holds."""
    if condition.is_local and condition not in inputs.limits:
        return "false"
    limit, operator = limit_sql(condition, inputs), _OPERATOR[condition.op]
    if condition.is_fall:
        now, was = inputs.column(condition.input), inputs.before(condition.input)
        return f"coalesce({was} - {now} {operator} {limit}, false)"
    return f"coalesce({_looked_at(condition, inputs)} {operator} {limit}, false)"


def limit_sql(condition: Condition, inputs: Inputs) -> str:
    """What a condition compares with: its threshold, or the measured limit of the pupil's grade."""
    if not condition.is_local:
        # A whole number is compared with answer codes as they are stored; 3.0 would cast each.
        return repr(condition.threshold).removesuffix(".0")
    limits = inputs.limits.get(condition, {})
    known = " ".join(
        f"when {_is_of(at, condition, inputs)} then {limit!r}" for at, limit in limits.items()
    )
    return f"(case {known} end)" if known else "null"


def _is_of(grade: Grade, condition: Condition, inputs: Inputs) -> str:
    """Whether the pupil is in a grade, or was in it in the wave of the last time."""
    if isinstance(grade, int):
        return f"grade = {grade}"
    wave_id, at = grade
    wave, was = inputs.wave_before(condition.input), inputs.grade_before(condition.input)
    return f"{wave} = '{wave_id}' and {was} = {at}"


def _looked_at(condition: Condition, inputs: Inputs) -> str:
    is_now = condition.wave == "this"
    return inputs.column(condition.input) if is_now else inputs.before(condition.input)


def step_sql(step: PupilStep, inputs: Inputs) -> str:
    """Whether a step holds: all of all_of, one of any_of where there are any, none of none_of."""
    parts = [condition_sql(condition, inputs) for condition in step.all_of]
    if step.any_of:
        parts.append(
            "(" + " or ".join(condition_sql(condition, inputs) for condition in step.any_of) + ")"
        )
    parts += [f"not {condition_sql(condition, inputs)}" for condition in step.none_of]
    return " and ".join(parts)


Holds: TypeAlias = Callable[[PupilStep, Inputs], str]


def hit_sql(
    rules: Sequence[PupilRule],
    inputs: Inputs,
    *,
    forms: str = "wave_form",
    holds: Holds = step_sql,
) -> str:
    """Forms that any of the rules flags, all rules in one pass over the forms.

    The columns of `forms`, and for rule number i `step_i`, the number of the highest step that
    holds (null where none does), and `evidence_i`, how many of its conditions hold.
    """
    columns = [
        column
        for i, rule in enumerate(rules)
        for column in (
            f"case {_steps(rule, inputs, holds)} end as step_{i}",
            f"case step_{i} {_counts(rule, inputs)} end as evidence_{i}",
        )
    ]
    flagged = " or ".join(f"step_{i} is not null" for i in range(len(rules)))
    return f"""
        select *, {", ".join(columns) or "1"}
        from {forms}
        where pupil is not null and ({flagged or "false"})
    """


def _steps(rule: PupilRule, inputs: Inputs, holds: Holds) -> str:
    return " ".join(f"when {holds(step, inputs)} then {at}" for at, step in enumerate(rule.steps))


def _counts(rule: PupilRule, inputs: Inputs) -> str:
    evidence = evidence_sql(rule, inputs)
    return " ".join(
        f"when {at} then "
        + " + ".join(f"({holds})::integer" for step, _, holds in evidence if step == at)
        for at in range(len(rule.steps))
    )


def evidence_sql(rule: PupilRule, inputs: Inputs) -> Sequence[tuple[int, Condition, str]]:
    """Each condition of each step: the step's number, the condition, and when it is evidence.

    Where a step holds, the conditions of the milder ones that hold besides are evidence as well, of
    answers that it does not rest on itself: a reader has to see all that speaks for the flag. What
    speaks for it only beside another answer is evidence where the other is there.
    """
    return [
        (at, condition, holds)
        for at, step in enumerate(rule.steps)
        for condition, holds in (
            *((condition, condition_sql(condition, inputs)) for condition in step.reasons),
            *_milder(step, rule.steps[at + 1 :], inputs),
        )
    ]


def _beside_its_others(condition: Condition, step: PupilStep, inputs: Inputs) -> str:
    """That a condition holds, and with it what its step asks for besides."""
    needed = [condition, *(other for other in step.all_of if other != condition)]
    parts = [condition_sql(part, inputs) for part in needed]
    if step.any_of and condition not in step.any_of:
        parts.append(f"({' or '.join(condition_sql(part, inputs) for part in step.any_of)})")
    return " and ".join(parts)


def _milder(
    step: PupilStep, others: Sequence[PupilStep], inputs: Inputs
) -> Iterable[tuple[Condition, str]]:
    """The milder steps' conditions, each where the step's own of the same input do not hold."""
    own = {condition.input: condition_sql(condition, inputs) for condition in step.reasons}
    always = {condition.input for condition in step.all_of}
    for milder in others:
        for condition in milder.reasons:
            if condition.input in always:
                continue
            holds = _beside_its_others(condition, milder, inputs)
            stricter = own.get(condition.input)
            own[condition.input] = f"({stricter} or {holds})" if stricter else holds
            yield condition, f"{holds} and not {stricter}" if stricter else f"({holds})"
