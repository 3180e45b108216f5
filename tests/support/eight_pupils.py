"""One invented class of eight pupils, and the survey file that a tool's export of it needs.

What only a tool fills in (a name, an address) is planted, so that a test can look for it.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

import xlsxwriter

from schemas.instrument import shipped_instruments
from tests.support.home import CORE

OSLO, UTC = ZoneInfo("Europe/Oslo"), ZoneInfo("UTC")
NAME, EMAIL, IP, DEVICE = (
    "Planta Hemmelig", "planta.hemmelig@skole.example", "203.0.113.77", "ee.skole:Pl4nt4Dv"
)  # fmt: skip
PLANTED = (NAME, EMAIL, IP, DEVICE, "hemmelig")

_INSTRUMENT = shipped_instruments()[CORE]
ITEMS = tuple(item.id for item in _INSTRUMENT.items)
SHORT = dict(
    zip(
        ITEMS,
        ("trives", "trygg", "friminutt", "elever", "nett", "voksne", "sett", "snakke"),
        strict=True,
    )
)
WORDS = {item.id: item.text["nb"] for item in _INSTRUMENT.items}
LABELS = {
    item.id: {
        str(option.code): option.label["nb"] for option in _INSTRUMENT.option_sets[item.options]
    }
    for item in _INSTRUMENT.items
}
DONT_KNOW = "9"
DONT_KNOW_WORDS = "vet ikke"
GENDERS = {"1": "girl", "2": "boy", "3": "other"}
GENDER_WORDS = {"1": "Jente", "2": "Gutt", "3": "Annet"}

SKIPPED = "skipped"
DK = "dont_know"


@dataclass(frozen=True)
class Pupil:
    """What one pupil answered. `sent` is the clock on the wall; answers are our codes or words."""

    number: int
    code: str
    gender: str
    sent: datetime
    enrolled: date
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Export:
    """A file of the class, and what a home needs to read it."""

    tool: str
    content: bytes = field(repr=False)
    survey: str = field(repr=False)
    sure: str | None = "certain"
    codebook: bytes | None = field(default=None, repr=False)
    has_persons: bool = True


_HAPPY = dict(zip(ITEMS, ("5", "5", "5", "1", "1", "1", "1", "0"), strict=True))
_CHANGES: tuple[Mapping[str, str], ...] = (
    {},
    {"safety": "1", "bullied_by_pupils": "4"},
    {"wants_talk": "2"},
    {"thriving": SKIPPED, "company_in_breaks": "2"},
    {"bullied_by_adults": DK},
    {"thriving": "1", "bullied_digitally": "5"},
    {"witnessed_bullying": DK, "wants_talk": SKIPPED},
    {"bullied_by_adults": "3", "safety": "4"},
)
# One was sent in half an hour after midnight: the day before, on a clock in UTC.
_SENT = ("05T10:01:07", "05T10:03:12", "06T00:30:20", "06T09:12:31", "13T13:59:59", "14T08:00:00")
PUPILS = tuple(
    Pupil(
        number=41_000_001 + at,
        code=f"KX{at:02}",
        gender=("1", "2", "", "3")[at % 4],
        sent=datetime.fromisoformat(f"2025-11-{_SENT[at % 6]}"),
        enrolled=date(2025, 10, 27) if at == 5 else date(2025, 8, 18),
        answers={**_HAPPY, **changes},
    )
    for at, changes in enumerate(_CHANGES)
)

# What the survey file calls each context column, where a tool has short names.
CONTEXT = {"pupil_code": "kode", "gender": "kjonn", "enrolled_on": "begynte"}


def codes_of(pupil: Pupil) -> dict[str, str]:
    """The tool's own codes: ours, blank where the pupil answered nothing, 9 for don't know."""
    told = {SKIPPED: "", DK: DONT_KNOW}
    return {item: told.get(said, said) for item, said in pupil.answers.items()}


def words_of(pupil: Pupil) -> dict[str, str]:
    """The same in the words that the pupil saw."""
    return {
        item: DONT_KNOW_WORDS if code == DONT_KNOW else LABELS[item].get(code, "")
        for item, code in codes_of(pupil).items()
    }


def utc(pupil: Pupil) -> datetime:
    return pupil.sent.replace(tzinfo=OSLO).astimezone(UTC)


def survey_toml(
    tool: str,
    *,
    items: Mapping[str, str] = SHORT,
    dropped: Sequence[str] = (),
    words: bool = False,
    codebook: str | None = None,
    more: str = "",
    **context: str,
) -> str:
    """The survey file, as the how-to of the tool tells to write it."""
    columns = {**CONTEXT, **context}
    genders = {GENDER_WORDS[code] if words else code: ours for code, ours in GENDERS.items()}
    codes = {"gender": genders}
    for item in ITEMS:
        told = {label: code for code, label in LABELS[item].items()} if words else {}
        codes[f"{CORE}.{item}"] = {**told, DONT_KNOW_WORDS if words else DONT_KNOW: DK}
    lines = [
        f'id = "klasse"\nname = "Klassen"\ntool = "{tool}"\nlinkage = "pseudonymous"',
        f'instruments = ["{CORE}"]\ndropped = {json.dumps(list(dropped), ensure_ascii=False)}',
        f'codebook = "{codebook}"' if codebook else "",
        more,
        '[constants]\nschool = "S01"\nclass_group = "7A"\ngrade = "7"',
        "[columns]",
        *(f"{name} = {_quoted(column)}" for name, column in columns.items() if column),
        "[items]",
        *(f'"{CORE}.{item}" = {_quoted(items[item])}' for item in ITEMS),
    ]
    for name, table in codes.items():
        lines.append(f'[codes."{name}"]')
        lines += [f"{_quoted(cell)} = {_quoted(ours)}" for cell, ours in table.items()]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def delimited(
    *rows: Sequence[object], delimiter: str = ",", quote_all: bool = False, end: str = "\n"
) -> bytes:
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    return text.getvalue().encode()


def workbook(*rows: Sequence[object]) -> bytes:
    """A workbook in which moments and days are date cells, and numbers are numbers."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Svar")
        moment = book.add_format({"num_format": "m/d/yy hh:mm:ss"})
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, datetime | date):
                    kind = moment if isinstance(cell, datetime) else day
                    sheet.write_datetime(at, column, cell, kind)
                elif isinstance(cell, int):
                    sheet.write_number(at, column, cell)
                else:
                    sheet.write_string(at, column, cell)
    return content.getvalue()
