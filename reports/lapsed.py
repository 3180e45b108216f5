"""Lapsed flags: what was raised in the wave and calls for nothing any longer, apart from the rest.

A report may be written long after its wave. What has lapsed by then has no deadline and is in no
count; it is told once, so that nobody who read it before wonders where it went.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from reports.class_rows import class_signals
from reports.model import LEVEL_ORDER, LapsedRow, ReportContext
from reports.pupil_rows import shown_level
from warehouse.school_data import ClassFlag, PupilFlag, SchoolData


def standing(data: SchoolData) -> SchoolData:
    """What is known of a school without its lapsed flags."""
    return replace(
        data,
        pupil_flags=tuple(flag for flag in data.pupil_flags if not flag.has_lapsed),
        class_flags=tuple(flag for flag in data.class_flags if not flag.has_lapsed),
    )


def lapsed_rows(data: SchoolData, context: ReportContext) -> tuple[LapsedRow, ...]:
    """The lapsed flags, classes first, then a row a pupil in the order of class and code."""
    classes, pupils = defaultdict(list), defaultdict(list)
    for flag in data.class_flags:
        if flag.has_lapsed:
            classes[flag.class_group].append(flag)
    for found in data.pupil_flags:
        if found.has_lapsed:
            pupils[found.class_group, found.pupil].append(found)
    rows = [_class_row(name, flags, context) for name, flags in sorted(classes.items())]
    told = [_pupil_row(name, pupil, flags, context) for (name, pupil), flags in pupils.items()]
    return (*rows, *sorted(told, key=lambda row: (row.class_group, row.code or "~")))


def _class_row(name: str, flags: list[ClassFlag], context: ReportContext) -> LapsedRow:
    return LapsedRow(
        class_group=name,
        code=None,
        is_class=True,
        raised=class_signals(flags, context),
        why=_why(flags, "class", context),
    )


def _pupil_row(name: str, pupil: str, flags: list[PupilFlag], context: ReportContext) -> LapsedRow:
    named = [(shown_level(flag), _name(flag, context)) for flag in flags]
    return LapsedRow(
        class_group=name,
        code=context.codes.get(pupil),
        is_class=False,
        raised=tuple(sorted(named, key=lambda one: (LEVEL_ORDER.index(one[0]), one[1]))),
        why=_why(flags, "pupil", context),
    )


def _name(flag: PupilFlag, context: ReportContext) -> str:
    rule = context.pupil_rule(flag.rule_id, flag.rule_version)
    return context.texts.translated(rule.texts.name)


def _why(flags: Iterable[ClassFlag | PupilFlag], whose: str, context: ReportContext) -> str:
    """A flag lapses by its last day, or else by a newer answer: there is no third way."""
    by_day = all(flag.expires_on < context.issued_on for flag in flags)
    return context.texts.say("lapsed.by_day" if by_day else f"lapsed.by_{whose}")
