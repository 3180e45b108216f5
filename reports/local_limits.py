"""Limits that a grade of the municipality sets for itself: those that there were, and why not more.

They need some 200 answers of a grade. Smaller grades have none, and a reader must not be told that
the lowest of a grade are listed where nobody ever is.
"""

from collections import defaultdict
from collections.abc import Iterator

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
    """Which limits of this wave no grade of the school set, and why; none where all did."""
    key = asked, data.route, data.grades, data.limits
    if key not in context.notes:
        context.notes[key] = tuple(_notes(data, asked, context))
    return context.notes[key]


def _notes(data: SchoolData, asked: frozenset[str], context: ReportContext) -> Iterator[str]:
    texts = context.texts
    rules = [
        rule
        for rule in context.rules.values()
        if isinstance(rule, PupilRule) and rule.route == data.route
    ]
    scales: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for condition in local_conditions(rules):
        is_asked = condition.wave == "this" and condition.input.partition(".")[0] in asked
        if is_asked and (grades := _grades_without(condition, data, context)):
            scales[grades].append(about_words(condition.input, context))
    for grades, names in sorted(scales.items()):
        yield texts.count(
            "method.no_limit",
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
