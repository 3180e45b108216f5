"""What the classes of a wave with several surveys answered, as SQL: each pupil once a theme.

The forms under one code are one pupil's, and of several answers to a question that rules count the
more serious one counts, as for the pupil's own flag: one that is fine does not take back one that
is not. Of several scores on a scale it is their mean, which lies no lower for being asked twice.
So no survey's name and no order of arrival decides.

Whose a form without a code is nobody can tell. Those of several surveys count together where that
makes no more pupils than the class list names, as where each language has its form; a list is
seldom right to the pupil, so a tenth more is no more (SLACK). Else, and without a list, the fullest
of the parts that surely are different pupils counts: those with a code, or one survey. So a class
stands once with a rule, and never beside itself.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from schemas.rule import NEW_PUPIL, ClassRule
from transforms.flag_inputs import Inputs

# How many answers, of as many as the class list names, are still its pupils': some have moved in
# since. Pupils who have answered two of the surveys make more.
SLACK = 1.1
# The parts of a class's answers of which one counts, and which it is where they are equally full.
ONE_SURVEY, CODED, TOGETHER = range(3)


@dataclass(frozen=True, slots=True)
class Looked:
    """Class rules and what they look at in a wave.

    `surveys` are the wave's, by name; `asked_in` those that asked for each column.
    """

    rules: Sequence[ClassRule]
    inputs: Inputs
    surveys: Sequence[str]
    asked_in: Mapping[str, Set[str]]

    def columns(self) -> list[str]:
        """The columns of all rules, each once."""
        return sorted({column for rule in self.rules for column in columns_of(rule, self.inputs)})

    def names(self) -> str:
        """The surveys as a list of SQL; a survey's number is its place there, from 1."""
        named = ", ".join(f"'{survey}'" for survey in self.surveys)
        return f"[{named}]"

    def is_in(self, surveys: Set[str]) -> str:
        """Whether a form is of one of these surveys."""
        numbers = [str(i) for i, one in enumerate(self.surveys, start=1) if one in surveys]
        return f"survey_no in ({', '.join(numbers)})" if numbers else "false"


def columns_of(rule: ClassRule, inputs: Inputs) -> list[str]:
    """The columns of `wave_form` in which a rule counts pupils, or the one of its scale."""
    names = [rule.scale] if rule.scale else [part.input for part in rule.counted]
    return [inputs.column(name) for name in names]


def class_form_sql(looked: Looked, *, with_parts: bool) -> str:
    """A row a pupil, or form without a code, of each part of the answers in `wave_form`.

    Surveys are numbered: numbers are far quicker to compare than names. Every class has the part
    TOGETHER. `with_parts`: whether classes that have forms without a code in one of several surveys
    have the others too.
    """
    parts = [_pupils(looked, TOGETHER, "wave_form")]
    if with_parts:
        parts.append(_pupils(looked, CODED, f"(from ({_LOOSE_SQL}) where pupil is not null)"))
        parts.append(_pupils(looked, ONE_SURVEY, f"({_LOOSE_SQL})"))
    return " union all by name ".join(parts)


_LOOSE_SQL = """
    from wave_form semi join (
        select school_id, class_group from wave_form group by all
        having count(distinct survey_id) > 1 and count(*) > count(pupil)
    ) using (school_id, class_group)
"""


def _pupils(looked: Looked, part: int, forms: str) -> str:
    only = "survey_no" if part == ONE_SURVEY else "0"
    answers = "".join(f", {_answer(name, looked)} as {name}" for name in looked.columns())
    together = {name for rule in looked.rules for name in _told_together(rule, looked.inputs)}
    asked = "".join(
        f", bool_or({looked.is_in(looked.asked_in[name])}) as asked_{name}"
        for name in sorted(together)
    )
    surveys = "".join(_surveys(i, rule, looked) for i, rule in enumerate(looked.rules))
    return f"""
        select {part}::tinyint as part, {only}::smallint as only_survey, wave_id, school_id,
            class_group, pupil, max(grade) as grade {answers} {asked} {surveys}
        from (select *, list_position({looked.names()}, survey_id)::smallint as survey_no
            from {forms})
        group by wave_id, school_id, class_group, pupil, if(pupil is null, response_id, null),
            only_survey
    """


def _told_together(rule: ClassRule, inputs: Inputs) -> list[str]:
    """The columns of a rule of several questions, of which one that was skipped counts."""
    columns = columns_of(rule, inputs)
    return columns if len(columns) > 1 else []


_LOW_IS_WORSE = ("at_most", "below_percentile")


def _answer(column: str, looked: Looked) -> str:
    """The one of a pupil's answers, as SQL; nothing in it knows the surveys."""
    inputs = looked.inputs
    if NEW_PUPIL in inputs.names and column == inputs.column(NEW_PUPIL):
        # As the pupil's own flag: a day that any form has says it, and no form without one.
        return f"coalesce(max({column}) filter (enrolled_on is not null), max({column}))"
    counted = [
        part.op
        for rule in looked.rules
        for part in rule.counted
        if inputs.column(part.input) == column
    ]
    if not counted:  # a mean of equal numbers may be another one in its last digit
        return f"if(min({column}) = max({column}), min({column}), avg({column}))"
    return f"{'min' if set(counted) & set(_LOW_IS_WORSE) else 'max'}({column})"


def _surveys(i: int, rule: ClassRule, looked: Looked) -> str:
    """The first and last survey in which a pupil answered a rule, and the last that asked it."""
    columns = columns_of(rule, looked.inputs)
    answered = " or ".join(f"{column} is not null" for column in columns)
    asked = set().union(*(looked.asked_in[column] for column in columns))
    return f"""
        , min(survey_no) filter ({answered}) as first_{i}
        , max(survey_no) filter ({answered}) as last_{i}
        , max(survey_no) filter ({looked.is_in(asked)}) as asked_{i}
    """


def class_part_sql(looked: Looked, counts: str) -> str:
    """A row a class and part of `class_form`: how many of it answered each rule, and where.

    `counts`: the SQL of answered_i and observed_i for rules that count pupils.
    """
    of_rules = "".join(
        f", max(last_{i}) as last_{i}, max(asked_{i}) as asked_{i}"
        f", coalesce(min(first_{i}) < max(last_{i}), false)"
        f" and count(last_{i}) filter (pupil is null) > 0 as is_loose_{i}"
        for i in range(len(looked.rules))
    )
    scored = "".join(
        f", count({columns_of(rule, looked.inputs)[0]})::integer as answered_{i}"
        for i, rule in enumerate(looked.rules)
        if rule.scale
    )
    return f"""
        select part, only_survey, wave_id, school_id, class_group,
            mode(grade order by grade) as grade {counts} {scored} {of_rules}
        from class_form group by part, only_survey, wave_id, school_id, class_group
    """


def chosen_sql(looked: Looked) -> str:
    """A row a class of `class_part`, which knows `enrolled`: for each rule the part that counts."""
    chosen = "".join(f", {_chosen(i, rule)} as of_{i}" for i, rule in enumerate(looked.rules))
    asked = "".join(f", max(asked_{i}) as asked_{i}" for i in range(len(looked.rules)))
    columns = "".join(
        f", of_{i}.answered as answered_{i}, of_{i}.observed as observed_{i}"
        f", {looked.names()}[coalesce(of_{i}.survey, asked_{i})] as survey_{i}"
        f", of_{i}.part as part_{i}, of_{i}.only_survey as only_{i}"
        for i in range(len(looked.rules))
    )
    return f"""
        select wave_id, survey_id, school_id, class_group, grade, enrolled {columns}
        from (
            select wave_id, school_id, class_group, any_value(enrolled) as enrolled,
                max(grade) filter (part = {TOGETHER}) as grade, null::varchar as survey_id
                {chosen} {asked}
            from class_part group by wave_id, school_id, class_group
        )
    """


def _chosen(i: int, rule: ClassRule) -> str:
    # What the register says of a pupil stands in every form, whatever it asks: forms without a code
    # are no more pupils for that.
    is_too_many = (
        "true" if rule.newcomers else f"coalesce(answered_{i} > ceil({SLACK} * enrolled), true)"
    )
    observed = "0" if rule.scale else f"observed_{i}"
    return f"""
        arg_max(
            {{
                'part': part, 'only_survey': only_survey, 'survey': coalesce(last_{i}, asked_{i}),
                'answered': answered_{i}, 'observed': {observed}
            }},
            (part = {TOGETHER}, answered_{i}, part, {observed}, only_survey)
        ) filter (part < {TOGETHER} or not (is_loose_{i} and {is_too_many}))
    """
