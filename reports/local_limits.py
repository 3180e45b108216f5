"""Limits that a grade of the municipality sets for itself: those that there were, and why not more.

They need some 200 answers of a grade. Smaller grades have none, and a reader must not be told that
the lowest of a grade are listed where nobody ever is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from reports.answers import about_words
from reports.model import ReportContext
from schemas.rule import Condition, PupilRule
from transforms.yardsticks import FEWEST_ANSWERS, local_conditions
from warehouse.school_data import LocalLimit, SchoolData


def is_measured(condition: Condition, data: SchoolData) -> bool:
    """Whether the condition could hold for a pupil of the school: some grade of it has a limit."""
    return not condition.is_local or any(_is_of(one, condition) for one in data.limits)


def _is_of(limit: LocalLimit, condition: Condition) -> bool:
    told = condition.input, condition.op, condition.threshold, condition.wave
    return (limit.input, limit.op, limit.threshold, limit.looks_at) == told


def limit_notes(data: SchoolData, asked: frozenset[str], context: ReportContext) -> tuple[str, ...]:
    """Which limits were not set for which grades of the school, and why; none where all were."""
    key = asked, data.route, data.grades, data.limits, len(data.waves) > 1
    if key not in context.notes:
        context.notes[key] = _notes(data, asked, context)
    return context.notes[key]


def _notes(data: SchoolData, asked: frozenset[str], context: ReportContext) -> tuple[str, ...]:
    rules = [
        rule
        for rule in context.rules.values()
        if isinstance(rule, PupilRule) and rule.route == data.route
    ]
    ours = [part for part in local_conditions(rules) if part.input.partition(".")[0] in asked]
    told = [*_lacking(ours, data, context, wave="this")]
    if len(data.waves) > 1:
        told += _lacking(ours, data, context, wave="previous")
    return tuple(dict.fromkeys(told))


def _lacking(
    conditions: Sequence[Condition], data: SchoolData, context: ReportContext, *, wave: str
) -> Iterator[str]:
    texts = context.texts
    scales: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for condition in conditions:
        grades = _grades_without(condition, data, context)
        if wave == "previous" and condition.wave == wave:
            # What this round lacks as well has been told of it already.
            now = condition.model_copy(update={"wave": "this"})
            grades = tuple(set(grades) - set(_grades_without(now, data, context)))
        if condition.wave == wave and grades:
            scales[tuple(sorted(grades))].append(about_words(condition.input, context))
    for grades, names in sorted(scales.items()):
        yield texts.count(
            f"method.no_limit_{wave}",
            len(grades),
            grades=texts.join([str(grade) for grade in grades]),
            fewest=FEWEST_ANSWERS,
            scales=texts.join(list(dict.fromkeys(names))),
        )


def _grades_without(
    condition: Condition, data: SchoolData, context: ReportContext
) -> tuple[int, ...]:
    """Grades of the school that the instrument is for, and that set no limit."""
    instrument = context.instruments[condition.input.partition(".")[0]]
    has = {one.grade for one in data.limits if _is_of(one, condition)}
    return tuple(
        grade
        for grade in data.grades
        if instrument.min_grade <= grade <= instrument.max_grade and grade not in has
    )
