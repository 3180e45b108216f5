"""What rules look at, as query expressions over one wave's forms.

`form_sql` gives a row a form with every input that the rules name, as columns called `in_0`,
`in_1`, ..., and what some of them were the last time that the pupil answered them as `was_0`,
`was_1`, ...
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from schemas.instrument import LOWEST_OPTION, Instrument
from schemas.network_rule import NETWORK_INPUTS
from schemas.rule import NEW_PUPIL, ClassRule, Condition, PupilRule

FORM_NETWORK = "form_network"  # what class mates' choices say, measured before the rules run
NEW_FOR_DAYS = 70  # enrolled at most 10 weeks ago (domain notes S13)
LAST_TIME_DAYS = 366  # an answer that is older than a year is not "the last time"

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
