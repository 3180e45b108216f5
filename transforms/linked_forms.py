"""The forms of one pupil in one wave, read together where the pupil answered several surveys.

A core in one survey and five questions in another are one pupil's answers. Each form keeps its own
and is shown, for what it did not ask or what was skipped there, the answer of the pupil's other
forms at the same school. What a flag is about has to be the form's own: so nobody is flagged twice
for one answer, the flag stands in the survey that asked it, and no form's own answer gives way.
What the register says is of the pupil, and of no form: such a flag stands in one survey alone.
"""

from collections.abc import Sequence

from schemas.rule import NEW_PUPIL, Condition, PupilRule, PupilStep
from transforms.flag_inputs import Inputs
from transforms.pupil_flags import condition_sql, step_sql

LINKED_FORM = "linked_form"


def linked_form_sql(inputs: Inputs) -> str:
    """Linked forms of `wave_form` with each other's answers, and `from_i`: the survey of each.

    Where several other forms have an answer, that of the last survey by name counts, whichever
    came first. A day of enrolment in one of the forms holds for those without.
    """
    names = [inputs.column(name) for name in inputs.names if name != NEW_PUPIL]
    others = "".join(
        f", arg_max({name}, survey_id) as {name}"
        f", max(survey_id) filter ({name} is not null) as {_origin(name)}"
        for name in names
    )
    filled = ", ".join(f"coalesce(f.{name}, o.{name}) as {name}" for name in names)
    origins = "".join(
        f", case when f.{name} is null then o.{_origin(name)} else f.survey_id end"
        f" as {_origin(name)}"
        for name in names
    )
    if NEW_PUPIL in inputs.names:
        new = inputs.column(NEW_PUPIL)
        others += f", arg_max({new}, survey_id) filter (enrolled_on is not null) as dated"
        filled += f", if(f.enrolled_on is null, coalesce(o.dated, f.{new}), f.{new}) as {new}"
        origins += f", f.survey_id as {_origin(new)}"
    return f"""
        with several as (
            select school_id, pupil {others} from wave_form where pupil is not null
            group by all having count(*) > 1
        )
        select f.* replace ({filled}) {origins}
        from wave_form f left join several o using (school_id, pupil)
        where f.pupil is not null
    """


def _origin(column: str) -> str:
    return column.replace("in_", "from_", 1)


def origin_of(condition: Condition, inputs: Inputs) -> str:
    """The column that says in which survey what a condition looks at was answered."""
    return _origin(inputs.column(condition.input))


def own_step_sql(step: PupilStep, inputs: Inputs) -> str:
    """Whether a step holds for a row of `linked_form` that answered itself what the step is about.

    That is the first that has to hold, or else one that does of those of which one is enough. The
    register speaks for every form alike (see `once_sql`).
    """
    musts = [condition for condition in step.all_of if condition.is_answered]
    holds = step_sql(step, inputs)
    if musts:
        return f"{holds} and {_is_own(musts[0], inputs)}"
    held = [
        f"({condition_sql(condition, inputs)} and {_is_own(condition, inputs)})"
        for condition in step.any_of
        if condition.is_answered
    ]
    return f"{holds} and ({' or '.join(held)})" if held else holds


def is_of_the_register(rule: PupilRule) -> bool:
    """Whether every step of a rule needs what the register says of the pupil."""
    return all(any(not condition.is_answered for condition in step.all_of) for step in rule.steps)


def once_sql(hits: str, rules: Sequence[PupilRule]) -> str:
    """The rows of `hit_sql` over linked forms, where such a rule speaks of a pupil once.

    It speaks in the form with the highest step, and of equal ones in the first survey by name.
    """
    kept = [
        f"if(row_number() over (partition by school_id, pupil order by step_{i}, survey_id) = 1,"
        f" step_{i}, null) as step_{i}"
        for i, rule in enumerate(rules)
        if is_of_the_register(rule)
    ]
    return f"select * replace ({', '.join(kept)}) from ({hits})" if kept else hits


def _is_own(condition: Condition, inputs: Inputs) -> str:
    return f"{origin_of(condition, inputs)} = survey_id"
