"""Codes, cells, names and persons, planted wherever a delivery may hold one, and searched for.

Each has gone its way: counted, held, refused, or stopped at the gate.
"""

import unicodedata

import polars as pl

from flows.home import Home
from tests.support.home import CORE, SPRING, Row, class_list, csv_bytes, drop, form
from transforms.synthetic.formats import to_ndjson, to_xlsx

# No word of these is anywhere in the code, the settings or a text of ours. They are random, for a
# database packs what repeats itself, and then a search for it finds nothing.
CODES = (
    *("QX7-81KZPD", "WV3-55MTLB", "ZJ9-20HRCG", "KF6-47YNSE", "BT1-93DUXW", "HM4-68QPVA"),
    *("RC8-12LJFK", "NY2-76EGZO", "VD5-39SWIT", "PL0-84XBHM"),
)
PERSONS = ("01017012345", "93481267", "Ola.Xyberg@heia.no")
NO_CODES = ("Ælfrida 7!", "Hjørdis?")
PHONE = "tlf 934 81 267"
CELLS = ("Torvald Qvigstad-Zwicky", "=HYPERLINK(dult)", "mobba av Frk. Xandra")
NAME = 'jfr. Wilhelmine Quisthus "7A" klage\n\N{RIGHT-TO-LEFT OVERRIDE}'
COLUMN = "navn på bestevenn Ysolde"

# Pupils of another school: no code of theirs is to be where these are, nor the other way round.
BESIDE = ("GW9-71TQMX", "SN3-28VKYB", "UC6-50ZRFD")
# What a class is called in rows that wait for it.
CLASS = "Zq Vrengt 7"


def planted_rows() -> list[Row]:
    rows = [form(code, safety=str(number % 5 + 1)) for number, code in enumerate(CODES)]
    rows += [form(code, bullied_by_adults="4") for code in NO_CODES]
    rows += [form(f"OK{number}", thriving=cell) for number, cell in enumerate(CELLS)]
    rows += [form(code, school="S02", safety="1") for code in BESIDE]
    return [*rows, form("OK8", class_group=CLASS, safety="1")]


def rows_with_persons() -> list[Row]:
    """Rows that stop their whole file at the gate."""
    rows = [form(code, bullied_by_adults="4") for code in PERSONS]
    return [*rows, form("OK9", thriving=PHONE)]


def fill(home: Home) -> None:
    """Sound files, and every way to fail that holds something of a pupil."""
    rows = planted_rows()
    drop(home, "klasseliste.csv", class_list(("S01", "7A", 24)))
    drop(home, NAME + ".csv", csv_bytes(rows))
    drop(home, NAME + ".xlsx", to_xlsx(pl.DataFrame(rows)))
    drop(home, NAME + " igjen.csv", csv_bytes(rows))
    changed = [row | {f"{CORE}.thriving": "4"} for row in rows[:3]]
    drop(home, "persons.csv", csv_bytes([*rows[:4], *rows_with_persons()]))
    drop(home, "contradicts.csv", csv_bytes(changed))
    spring = [row | {"wave": SPRING, "submitted_on": "2026-03-10"} for row in rows]
    drop(home, "spring.json", to_ndjson(pl.DataFrame(spring)))
    text = csv_bytes([row | {"class_group": "7C"} for row in rows])
    drop(home, "quote.csv", text.replace(CODES[0].encode(), b'"' + CODES[0].encode(), 1))
    drop(home, "mid.csv", text.replace(b"girl", b'gi"r"l', 2))
    drop(home, "cut.csv", text[:-40])
    drop(home, "glued.csv", text.replace(b";", b",", 30))
    drop(home, "latin.csv", text.replace(b"girl", "jenté".encode("latin-1")))
    drop(home, "column.csv", csv_bytes([row | {COLUMN: CELLS[0]} for row in rows]))
    drop(home, "no heading.csv", csv_bytes(rows).split(b"\n", 1)[1])
    drop(home, "torn.xlsx", to_xlsx(pl.DataFrame(rows))[:-30])
    drop(home, "torn.json", to_ndjson(pl.DataFrame(rows))[:-30])
    (home.inbox / (NAME + " link")).symlink_to(home.settings_file)


def spellings(*texts: str) -> list[bytes]:
    """A text as a log, a database, a page or JSON may write it."""
    found = set()
    for text in texts:
        for form_of in (text, unicodedata.normalize("NFC", text), text.upper(), text.lower()):
            found |= {form_of.encode(), form_of.encode("utf-16-le"), repr(form_of)[1:-1].encode()}
    return sorted(found)


SECRETS = [*CODES, *BESIDE, *PERSONS, *NO_CODES, PHONE, *CELLS, COLUMN, CLASS]
OF_PUPILS = list(range(len(CODES) + len(BESIDE)))
SECRETS += ["Wilhelmine Quisthus", "Qvigstad", "Ysolde"]


def found_in(content: bytes) -> list[int]:
    """The numbers of the secrets that a content holds: a secret is not to be in a test's words."""
    return [
        number
        for number, secret in enumerate(SECRETS)
        if any(spelling in content for spelling in spellings(secret))
    ]
