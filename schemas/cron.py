"""When a cron line fires, read far enough to check it and to leave months out of it."""

from collections.abc import Iterable

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# What each of the five fields is called, its least and greatest value, and words for values.
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {word: number for number, word in enumerate(_MONTHS, start=1)}),
    ("day of the week", 0, 7, {word: number for number, word in enumerate(_DAYS)}),
)
_HOUR, _MONTH = 1, 3


def read_cron(line: str) -> list[frozenset[int]]:
    """The values of the five fields: minute, hour, day, month, weekday (0 and 7 are Sunday).

    ValueError says which field is wrong, never what stood there.
    """
    texts = line.split()
    if len(texts) != len(_FIELDS):
        raise ValueError("a cron line has five fields: minute hour day month weekday")
    return [_values(text, *field) for text, field in zip(texts, _FIELDS, strict=True)]


def hours_of(line: str) -> frozenset[int]:
    """The hours in which the line fires."""
    return read_cron(line)[_HOUR]


def without_months(line: str, months: Iterable[int]) -> str:
    """The same line, but silent in these months; ValueError where none would be left."""
    silent = set(months)
    fires = read_cron(line)[_MONTH]
    if not silent & fires:
        return line
    if not fires - silent:
        raise ValueError("no month is left in which the nightly run starts")
    texts = line.split()
    texts[_MONTH] = ",".join(map(str, sorted(fires - silent)))
    return " ".join(texts)


def _values(
    text: str, name: str, least: int, greatest: int, words: dict[str, int]
) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        try:
            found.update(_part(part, least, greatest, words))
        except ValueError:
            raise ValueError(f"the {name} of the cron line is not one") from None
    return frozenset(found)


def _part(part: str, least: int, greatest: int, words: dict[str, int]) -> range:
    """One value, a range of them, or every so many of a range: `5`, `1-5`, `*/2`, `8-16/4`."""
    span, is_stepped, step = part.partition("/")
    first, is_range, last = span.partition("-")
    if span == "*":
        begins, ends = least, greatest
    else:
        begins = _number(first, words)
        ends = _number(last, words) if is_range else (greatest if is_stepped else begins)
    every = _number(step, {}) if is_stepped else 1
    if not (least <= begins <= ends <= greatest and every > 0):
        raise ValueError
    return range(begins, ends + 1, every)


def _number(text: str, words: dict[str, int]) -> int:
    if text in words:
        return words[text]
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)
