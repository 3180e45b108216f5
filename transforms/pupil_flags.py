"""Pupil rules as query expressions over one wave's linked forms.

`form_sql` gives a row a form with every input that the rules name, as columns called `in_0`,
`in_1`, ..., and what some of them were the last time that the pupil answered them as `was_0`,
`was_1`, ...; `hit_sql` gives the forms that any rule flags, and `evidence_sql` why.
No weighted total, no ranking: a rule looks at answers; its level is the highest step that holds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from schemas.instrument import LOWEST_OPTION, Instrument
from schemas.network_rule import NETWORK_INPUTS
from schemas.rule import NEW_PUPIL, ClassRule, Condition, PupilRule, PupilStep

FORM_NETWORK = "form_network"  # what class mates' choices say, measured before the rules run
NEW_FOR_DAYS = 70  # enrolled at most 10 weeks ago (domain notes S13)
LAST_TIME_DAYS = 366  # an answer that is older than a year is not "the last time"

_OPERATOR = {
    "at_least": ">=",
    "at_most": "<=",
    "fallen_by": ">=",
    "below_percentile": "<",
    "fallen_reliably": ">",
}


# A grade of this wave, or of an earlier one: (wave, grade).
Grade: TypeAlias = int | tuple[str, int]
# For each condition whose limit the municipality's own grades set: the limit by grade.
Limits: TypeAlias = Mapping[Condition, Mapping[Grade, float]]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs that some rules look at, those they also look back at, and measured limits."""

    names: tuple[str, ...]
    earlier: tuple[str, ...] = ()
    limits: Limits = field(default_factory=dict)

    def column(self, name: str) -> str:
        """The column of `form_sql` that holds an input."""
        return f"in_{self.names.index(name)}"

    def before(self, name: str) -> str:
        """The column of `form_sql` that holds what an input was the last time."""
        return f"was_{self.earlier.index(name)}"

    def wave_before(self, name: str) -> str:
        """The column that holds the wave of that answer."""
        return f"was_wave_{self.earlier.index(name)}"

    def grade_before(self, name: str) -> str:
        """The column that holds the pupil's grade then, where a condition needs it."""
        return f"was_grade_{self.earlier.index(name)}"

    @property
    def by_grade_before(self) -> Sequence[str]:
        """The inputs that are held against a limit of the grade that the pupil was in then."""
        return sorted({limit.input for limit in self.limits if limit.wave == "previous"})


def inputs_of(
    rules: Sequence[PupilRule | ClassRule],
    instruments: Mapping[str, Instrument],
    limits: Limits | None = None,
) -> Inputs:
    """Every input of the rules; ValueError where a rule names one that nobody declared."""
    asked = [condition for rule in rules for condition in conditions(rule)]
    scales = {rule.scale for rule in rules if isinstance(rule, ClassRule) and rule.scale}
    names = sorted({condition.input for condition in asked} | scales)
    for name in names:
        if name != NEW_PUPIL and name not in NETWORK_INPUTS:
            _require_declared(name, instruments)
    earlier = sorted({condition.input for condition in asked if condition.looks_back})
    return Inputs(tuple(names), tuple(earlier), limits or {})


def _require_declared(name: str, instruments: Mapping[str, Instrument]) -> None:
    key, _, part = name.partition(".")
    instrument = instruments.get(key)
    known = instrument and part in {
        *(item.id for item in instrument.items),
        *(scale.id for scale in instrument.scales),
    }
    if not known:
        raise ValueError(f"a rule looks at {name}, which no instrument declares")


def conditions(rule: PupilRule | ClassRule) -> list[Condition]:
    """All conditions of a rule."""
    if rule.target == "class":
        return list(rule.counted)
    return [condition for step in rule.steps for condition in (*step.reasons, *step.none_of)]


def form_sql(inputs: Inputs, instruments: Mapping[str, Instrument]) -> str:
    """One row a form of wave $wave: context, and the inputs; a missing answer is null."""
    columns = [f"{_input_sql(name, instruments)} as {inputs.column(name)}" for name in inputs.names]
    joins = _joins(inputs.names, instruments)
    if NEW_PUPIL in inputs.names:
        columns.append("r.enrolled_on")
        joins.append("left join listed_start using (school_id, pupil)")
    if inputs.earlier:
        columns.append("before.* exclude (school_id, pupil)")
        joins.append("left join before using (school_id, pupil)")
    return f"""
        select r.response_id, r.survey_id, r.wave_id, r.school_id, r.class_group, r.grade, r.pupil,
            {", ".join(columns) or "1"}
        from core.response r {" ".join(joins)}
        where r.wave_id = $wave
    """


def wave_form_sql(inputs: Inputs, instruments: Mapping[str, Instrument]) -> list[str]:
    """Statements for the temporary table `wave_form`, the rows of `form_sql`; each takes $wave.

    Every rule looks there: joining answers and scores to the forms anew for each would take longer
    than all rules together.
    """
    rows = f"create or replace temp table wave_form as {form_sql(inputs, instruments)}"
    return [*history_sql(inputs, instruments), rows]


def _joins(names: Iterable[str], instruments: Mapping[str, Instrument]) -> list[str]:
    return [
        f"left join core.{table} {table} using (response_id)"
        for table in sorted({_source(name, instruments) for name in names} - {""})
    ]


def _source(name: str, instruments: Mapping[str, Instrument]) -> str:
    """The table or view that an input stands in; none for what the register says."""
    key = name.partition(".")[0]
    if name == NEW_PUPIL:
        return ""
    if name in NETWORK_INPUTS:
        return FORM_NETWORK
    return f"answer_{key}" if is_item(name, instruments) else f"given_score_{key}"


def is_item(name: str, instruments: Mapping[str, Instrument]) -> bool:
    """Whether an input is one answer; otherwise it is a scale's score."""
    key, _, part = name.partition(".")
    return any(item.id == part for item in instruments[key].items)


def _input_sql(name: str, instruments: Mapping[str, Instrument]) -> str:
    if name == NEW_PUPIL:
        return _NEW_PUPIL_SQL
    source = _source(name, instruments)
    column = f"{source}.{name.partition('.')[2]}"
    if source == FORM_NETWORK:
        return column
    if not is_item(name, instruments):
        return (
            f"case when r.grade between {source}.from_grade and {source}.to_grade then {column} end"
        )
    return f"case when {column} >= {LOWEST_OPTION} then {column} end"


# A pupil is new where the form says so, or else the class list. Where neither has a date, a code
# that was not seen before says it only where everybody on the class list had answered an earlier
# wave of the school year: otherwise the pupil may simply have been away.
_NEW_PUPIL_SQL = f"""
    case
        when coalesce(r.enrolled_on, listed_start.enrolled_on) is not null
            then (coalesce(r.enrolled_on, listed_start.enrolled_on)
                >= (select opens from core.dim_wave where wave_id = $wave)
                - interval {NEW_FOR_DAYS} day)::tinyint
        when r.pupil is null then null
        else (
            (r.school_id, r.class_group) in (select (school_id, class_group) from complete_before)
            and r.pupil not in (select pupil from seen_before)
        )::tinyint
    end
"""

# What pupils of an older key are called in this wave, where a key holder has carried them over.
NAMED_NOW_SQL = """
    select pupil, known_as from core.same_pupil
    where known_as in (select pupil from core.response where wave_id = $wave)
"""

_HISTORY_SQL = f"""
    create or replace temp table seen_before as
    select distinct coalesce(s.known_as, r.pupil) as pupil
    from core.response r join core.dim_wave w using (wave_id) left join ({NAMED_NOW_SQL}) s
        on s.pupil = r.pupil
    where r.pupil is not null
        and w.opens < (select opens from core.dim_wave where wave_id = $wave);

    create or replace temp table listed_start as
    select school_id, pupil, enrolled_on from core.pupil_start where wave_id = $wave;

    create or replace temp table complete_before as
    select distinct school_id, class_group
    from (
        select r.school_id, r.class_group, r.wave_id,
            count(distinct r.pupil) as answered
        from core.response r join core.dim_wave w using (wave_id)
        where w.opens < (select opens from core.dim_wave where wave_id = $wave)
            and w.school_year = (select school_year from core.dim_wave where wave_id = $wave)
        group by all
    ) a
    join core.class_in_wave c using (wave_id, school_id, class_group)
    where a.answered >= c.enrolled
"""


def history_sql(inputs: Inputs, instruments: Mapping[str, Instrument]) -> list[str]:
    """Statements for the temporary tables that `form_sql` looks back at; each takes $wave."""
    statements = _HISTORY_SQL.split(";")
    return [*statements, _before_sql(inputs, instruments)] if inputs.earlier else statements


def _before_sql(inputs: Inputs, instruments: Mapping[str, Instrument]) -> str:
    """One row a pupil and school: what the pupil answered there the last time, and in which wave.

    Each input has a last time of its own: a wave that did not ask it, or in which the pupil did not
    answer it, takes nothing away, and nobody else's form has a say. Where two surveys of that wave
    asked the same, the last by name counts, whichever came first.
    """
    columns = ", ".join(
        f"arg_max({value}, turn) as {column}"
        for name in inputs.earlier
        for answer in [_input_sql(name, instruments)]
        for value, column in _last(name, answer, inputs)
    )
    return f"""
        create or replace temp table before as
        with turns as ({_TURNS_SQL})
        select r.school_id, coalesce(s.known_as, r.pupil) as pupil, {columns}
        from core.response r join turns using (wave_id, survey_id)
            left join ({NAMED_NOW_SQL}) s on s.pupil = r.pupil
            {" ".join(_joins(inputs.earlier, instruments))}
        where r.pupil is not null
        group by r.school_id, coalesce(s.known_as, r.pupil)
    """


def _last(name: str, answer: str, inputs: Inputs) -> list[tuple[str, str]]:
    """What is kept of an input's last time; a form without an answer to it is passed over."""
    kept = [
        (answer, inputs.before(name)),
        (f"case when {answer} is not null then r.wave_id end", inputs.wave_before(name)),
    ]
    if name in inputs.by_grade_before:
        grade = f"case when {answer} is not null then r.grade end"
        kept.append((grade, inputs.grade_before(name)))
    return kept


# Earlier waves that may hold the last time; one that opened more than a year ago does not.
WAVES_BEFORE_SQL = f"""
    select wave_id, opens from core.dim_wave
    where opens < (select opens from core.dim_wave where wave_id = $wave)
        and opens >= (select opens from core.dim_wave where wave_id = $wave) - {LAST_TIME_DAYS}
"""

# Their surveys in the order in which they count, the one that counts most last.
_TURNS_SQL = f"""
    select wave_id, survey_id, row_number() over (order by opens, wave_id, survey_id) as turn
    from (select distinct wave_id, survey_id from core.response) join ({WAVES_BEFORE_SQL})
        using (wave_id)
"""


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
