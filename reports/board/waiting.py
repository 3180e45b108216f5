"""What waits at a school: forms that ask for help, flags with their clocks, cases that are due.

The words are those of the flag report. Pupils stand by their own wish, then by level and clock;
nobody is ranked by anything else.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, cast

from reports.asking import asking_rows
from reports.board.office import Room
from reports.model import LEVEL_ORDER, AskingRow, PupilRow, ReportContext
from reports.pupil_rows import pupil_rows, shown_level
from reports.school_report import report_context
from schemas.settings import ReportLanguage
from transforms.case_life import deadline
from warehouse.board.looks import class_flags, undecided, waves_of_flags, waves_that_wait
from warehouse.careless import marks_in
from warehouse.case_lists import cases_of
from warehouse.cases import all_facts
from warehouse.report_data import read_schools
from warehouse.school_data import PupilFlag, SchoolData
from warehouse.vault import codes_of_flagged

SOON_DAYS = 3
_REFERENCE = 8  # signs, as a report prints them


@dataclass(frozen=True, slots=True)
class WaitingPupil:
    """A pupil with flags that nobody has decided on; `reference` of the first of them."""

    reference: str
    row: PupilRow
    open_case: str | None


@dataclass(frozen=True, slots=True)
class WaitingClass:
    """A class's flag that nobody has decided on."""

    reference: str
    class_group: str
    level: str
    name: str
    why: str
    not_meaning: str
    due_on: date | None
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case in a list, with its clock where it is open."""

    case_id: str
    code: str | None
    class_group: str
    status: str
    clock: str | None
    due_on: date | None
    earliest: date | None
    is_overdue: bool
    is_soon: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """All that waits at one school on one route; `listed` are pupils without a clock."""

    asking: tuple[AskingRow, ...]
    pupils: tuple[WaitingPupil, ...]
    listed: tuple[WaitingPupil, ...]
    classes: tuple[WaitingClass, ...]

    def references(self) -> list[str]:
        """The flags whose rows are shown, for the log."""
        pupils = [one.reference for one in (*self.pupils, *self.listed)]
        return sorted([*pupils, *(one.reference for one in self.classes)])


def waiting_at(room: Room, school: str, route: str, language: str) -> Waiting:
    """What waits, in words."""
    ids = undecided(room.con, school, route)
    asking, found = list[AskingRow](), list[WaitingPupil]()
    for data, context in _told(
        room, school, route, language, waves_that_wait(room.con, school, route)
    ):
        asking += asking_rows(data, context)
        by_pupil: defaultdict[str, list[PupilFlag]] = defaultdict(list)
        for flag in data.pupil_flags:
            if flag.flag_id in ids and not flag.has_lapsed:
                by_pupil[flag.pupil].append(flag)
        found += [_pupil(flags, data, context, room) for flags in by_pupil.values()]
    found.sort(key=_reading_order)
    return Waiting(
        asking=tuple(asking),
        pupils=tuple(one for one in found if one.row.due_on),
        listed=tuple(one for one in found if not one.row.due_on),
        classes=_classes(room, school, route, language),
    )


def _reading_order(one: WaitingPupil) -> tuple[object, ...]:
    row = one.row
    rank = LEVEL_ORDER.index(row.level)
    return (not row.has_asked, rank, row.due_on or date.max, row.class_group, row.code or "~")


def _told(
    room: Room, school: str, route: str, language: str, waves: Sequence[str]
) -> list[tuple[SchoolData, ReportContext]]:
    """What a report would be made from, for each wave, with the school's own codes."""
    context = _context(room, language)
    found = []
    for wave_id in waves:
        codes = codes_of_flagged(room.con, wave_id, [school], key=room.key)
        marks = marks_in(room.con, wave_id, [school], room.instruments)
        data = read_schools(
            room.con, wave_id=wave_id, school_ids=[school], routes=[route], marks=marks
        )
        found.append((data[route, school], replace(context, codes=codes[school])))
    return found


def _context(room: Room, language: str) -> ReportContext:
    return report_context(
        settings=room.settings,
        instruments=room.instruments,
        rules=room.rules,
        language=cast("ReportLanguage", language),
        issued_on=room.today,
        surveys=room.surveys,
        network=room.network,
    )


def _pupil(
    flags: Sequence[PupilFlag], data: SchoolData, context: ReportContext, room: Room
) -> WaitingPupil:
    [row] = pupil_rows(flags, data.waves, context)
    first = min(flags, key=lambda flag: (LEVEL_ORDER.index(shown_level(flag)), flag.flag_id))
    open_states = room.life.open_states()
    cases = {
        flag.follow_up.case_id
        for flag in flags
        if flag.follow_up and flag.follow_up.status in open_states
    }
    return WaitingPupil(first.flag_id[:_REFERENCE], row, next(iter(cases), None))


def pupil_of_flags(
    room: Room, flag_ids: Sequence[str], school: str, route: str, language: str
) -> list[PupilRow]:
    """The rows of what some flags say, a row a wave, whatever has been decided on them."""
    rows = list[PupilRow]()
    for data, context in _told(room, school, route, language, waves_of_flags(room.con, flag_ids)):
        flags = [flag for flag in data.pupil_flags if flag.flag_id in set(flag_ids)]
        if flags:
            rows += pupil_rows(flags, data.waves, context)
    return rows


def waiting_pupil(
    room: Room, flag_id: str, school: str, route: str, language: str
) -> WaitingPupil | None:
    """The pupil whose flag waits, with all other flags that wait of the pupil."""
    waiting = undecided(room.con, school, route)
    if flag_id not in waiting:
        return None
    [wave_id] = waves_of_flags(room.con, [flag_id])
    [(data, context)] = _told(room, school, route, language, [wave_id])
    pupil = next((flag.pupil for flag in data.pupil_flags if flag.flag_id == flag_id), None)
    flags = [
        flag
        for flag in data.pupil_flags
        if flag.pupil == pupil and flag.flag_id in waiting and not flag.has_lapsed
    ]
    return _pupil(flags, data, context, room) if flags else None


def _classes(room: Room, school: str, route: str, language: str) -> tuple[WaitingClass, ...]:
    found = class_flags(room.con, school, route)
    return tuple(_class(row, room, language) for row in found)


def _class(row: Sequence[Any], room: Room, language: str) -> WaitingClass:
    flag_id, class_group, level, rule_id, version, due_on = row
    context = _context(room, language)
    rule = context.class_texts(rule_id, version)
    say = context.texts.translated
    return WaitingClass(
        reference=flag_id[:_REFERENCE],
        class_group=class_group,
        level=level,
        name=say(rule.name),
        why=say(rule.why_of(level)),
        not_meaning=say(rule.not_meaning),
        due_on=due_on,
        is_overdue=due_on is not None and due_on < room.today,
    )


def waiting_class(
    room: Room, flag_id: str, school: str, route: str, language: str
) -> WaitingClass | None:
    """The class's flag, where it waits."""
    found = _classes(room, school, route, language)
    return next((one for one in found if flag_id.startswith(one.reference)), None)


def case_lines(
    room: Room, school: str, route: str, *, over: bool, only: set[str] | None = None
) -> list[CaseLine]:
    """Cases of a school: those open, by their clock, or those that are over; `only` some ids."""
    life = room.life
    states = [state.id for state in life.states if state.is_over is over]
    cases = cases_of(room.con, key=room.key, route=route, school=school, states=states)
    shown = [case for case in cases if only is None or case["case_id"] in only]
    facts = all_facts(room.con, [case["case_id"] for case in shown])
    lines = []
    for case in shown:
        due = deadline(life, facts[case["case_id"]])
        begins = (due.earliest or due.due_on) if due else None
        lines.append(
            CaseLine(
                case_id=case["case_id"],
                code=case["pupil_code"],
                class_group=case["class_group"],
                status=case["status"],
                clock=due.clock if due else None,
                due_on=due.due_on if due else None,
                earliest=due.earliest if due else None,
                is_overdue=bool(due and due.due_on < room.today),
                is_soon=bool(begins and begins <= room.today + timedelta(SOON_DAYS)),
            )
        )
    return sorted(lines, key=lambda line: (line.due_on or date.max, line.case_id))
