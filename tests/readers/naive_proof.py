"""Dates as a patient person would read them: a cell at a time, then the rules one after another."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from transforms.readers.proof import Doubt

OFFSETS = {"Z": 0, "GMT": 0, "CET": 60, "MEZ": 60, "CEST": 120, "EET": 120, "EEST": 180}
CELL = re.compile(
    r"([0-9]+)([-./])([0-9]+)([-./])([0-9]+)"
    r"(?:(?:T|, | kl\. | )([0-9]+)[:.]([0-9]{2})(?:[:.]([0-9]{2}))?(?: ?([AP])\.?M\.?)?(.*))?",
    re.IGNORECASE,
)


@dataclass
class Cell:
    mark: str
    short: bool
    clock: tuple[int, int, int] | None
    half: str | None
    offset: int | None
    dates: dict[str, date]


def naive(cells):
    """What `prove_dates` has to say: the doubt, or the ISO text of each cell."""
    said = [cell.strip() for cell in cells if cell and cell.strip()]
    try:
        read = [naive_cell(cell) for cell in said]
    except (ValueError, KeyError):
        return Doubt.UNREADABLE
    orders = ("D/M/Y", "M/D/Y", "Y-M-D")
    fitting = [order for order in orders if all(order in cell.dates for cell in read)]
    rules = [
        (Doubt.MARKS_MIXED, len({cell.mark for cell in read}) > 1),
        (Doubt.CLOCKS_MIXED, len({bool(cell.half) for cell in read if cell.clock}) > 1),
        (Doubt.ZONES_MIXED, len({cell.offset is None for cell in read}) > 1),
        (Doubt.CENTURY_OPEN, any(c.short for c in read) and any(not c.clock for c in read)),
        (Doubt.UNREADABLE, not fitting and any(not cell.dates for cell in read)),
        (Doubt.ORDERS_DISAGREE, not fitting),
        (Doubt.ORDER_OPEN, any(len({c.dates[order] for order in fitting}) > 1 for c in read)),
    ]
    for doubt, holds in rules:
        if holds:
            return doubt
    left = iter(read)
    return [iso(next(left), fitting[0]) if cell and cell.strip() else cell for cell in cells]


def naive_cell(text):
    """The parts of one cell; ValueError or KeyError where it is no date."""
    found = CELL.fullmatch(text)
    if not found or found[2] != found[4]:
        raise ValueError
    first, mark, second, _, third, hour, minute, seconds, half, rest = found.groups()
    return Cell(
        mark=mark,
        short=len(first) <= 2 and len(third) <= 2,
        clock=naive_clock(hour, minute, seconds, half) if hour else None,
        half=half,
        offset=naive_offset((rest or "").strip()),
        dates=dict(naive_dates(first, second, third, mark)),
    )


def naive_clock(hour, minute, seconds, half):
    number = int(hour)
    if half:
        if not 1 <= number <= 12:
            raise ValueError
        number = number % 12 + (12 if half.upper() == "P" else 0)
    clock = (number, int(minute), int(seconds or 0))
    datetime(2000, 1, 1, *clock)  # noqa: DTZ001
    return clock


def naive_offset(text):
    """Minutes east of Greenwich, None for no zone."""
    if not text:
        return None
    told = re.fullmatch(r"(?:GMT|UTC)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?", text)
    if not told:
        return OFFSETS[text]
    minutes = int(told[2]) * 60 + int(told[3] or 0)
    return -minutes if told[1] == "-" else minutes


def naive_dates(first, second, third, mark):
    """The date in every order that the cell may be in."""
    yield from dated("D/M/Y", third, second, first)
    if mark != ".":
        yield from dated("M/D/Y", third, first, second)
    if len(first) == 4 or (mark != "." and len(first + second + third) == 6):
        yield from dated("Y-M-D", first, second, third)


def dated(order, year, month, day):
    if len(year) not in (2, 4) or len(month) > 2 or len(day) > 2:
        return
    try:
        when = date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return
    if 1900 <= when.year < 2100:
        yield order, when


def iso(cell, order):
    day = cell.dates[order]
    if cell.clock is None:
        return day.isoformat()
    moment = datetime(day.year, day.month, day.day, *cell.clock)  # noqa: DTZ001
    if cell.offset is not None:
        there = moment.replace(tzinfo=timezone(timedelta(minutes=cell.offset)))
        moment = there.astimezone(ZoneInfo("Europe/Oslo")).replace(tzinfo=None)
    return moment.isoformat()
