"""Files that a town may drop, sound and broken, and what has to become of each."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from schemas.reason import Reason
from tests.support.home import ITEMS, Row, class_list, csv_bytes, form, school_class
from transforms.synthetic.formats import to_ndjson, to_parquet, to_xlsx


def rows_of(name: str, count: int = 10) -> list[Row]:
    """A class whose pupil codes no other case has."""
    return school_class(count, prefix=f"{CASES_BY_NAME.index(name):02}-")


def csv_of(name: str, count: int = 10) -> bytes:
    return csv_bytes(rows_of(name, count))


def frame_of(name: str) -> pl.DataFrame:
    return pl.DataFrame(rows_of(name))


def with_row(name: str, number: int, **changes: str) -> bytes:
    rows = rows_of(name)
    code = rows[number]["pupil_code"]
    rows[number] = form(changes.pop("pupil_code", code), **changes)
    return csv_bytes(rows)


def swapped(name: str) -> bytes:
    rows = rows_of(name)
    columns = list(rows[0])
    turned = [columns[-1], *columns[1:-1][::-1], columns[0]]
    return csv_bytes([{column: row[column] for column in turned} for row in rows])


def damaged_part(content: bytes) -> bytes:
    """A workbook that has an entry without a name, over which Python's own zip reader stumbles."""
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("q", b"")
    written = buffer.getvalue()
    at = written.rindex(b"PK\x01\x02")
    # The name of the last entry gets the length 0, and its one letter becomes an extra field.
    return written[: at + 28] + b"\0\0\1\0" + written[at + 32 :]


@dataclass(frozen=True)
class Case:
    """One file: how it is made, and what must become of it."""

    make: Callable[[str], bytes]
    outcome: str
    reason: Reason | None = None
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)  # delivered, accepted, quarantined, dropped
    rows: dict[str, int] = field(default_factory=dict)
    ending: str = ".csv"


HEADING = csv_bytes([form()]).split(b"\n")[0]
LOADED = "loaded"
REFUSED, ON_HOLD = "rejected", "quarantined"
CASES: dict[str, Case] = {
    # whole files
    "nothing at all": Case(lambda _: b"", REFUSED, Reason.EMPTY_FILE),
    "blanks only": Case(lambda _: b" \r\n\n", REFUSED, Reason.EMPTY_FILE),
    "heading only": Case(lambda _: HEADING + b"\n", REFUSED, Reason.NO_ROWS),
    "heading and blank lines": Case(lambda _: HEADING + b"\n\r\n  \n", REFUSED, Reason.NO_ROWS),
    "a picture": Case(
        lambda _: b"\x89PNG\r\n\x1a\n" + b"\0" * 99, REFUSED, Reason.NOT_A_TABLE, ending=".png"
    ),
    "a text of somebody's": Case(
        lambda _: b"Hei!\nHer er svarene.\n", ON_HOLD, Reason.NOT_RECOGNISED, ending=".txt"
    ),
    "another table": Case(
        lambda _: b"dag;rett\nmandag;fisk\ntirsdag;suppe\n",
        ON_HOLD,
        Reason.NOT_RECOGNISED,
        (2, 0, 2, 0),
    ),
    "line end inside the heading": Case(
        lambda name: csv_of(name).replace(b"grade;", b"gr\rade;", 1), ON_HOLD, Reason.NOT_RECOGNISED
    ),
    "heading without end": Case(
        lambda _: b"a;" + b"b" * 200_000, ON_HOLD, Reason.NOT_RECOGNISED, ending=".dump"
    ),
    "csv in latin-1": Case(
        lambda name: csv_of(name).replace(b"girl", "jentå".encode("latin-1")),
        REFUSED,
        Reason.ENCODING_UNKNOWN,
    ),
    "column missing": Case(
        lambda name: csv_bytes(
            [{key: cell for key, cell in row.items() if key != ITEMS[0]} for row in rows_of(name)]
        ),
        ON_HOLD,
        Reason.HEADER_MISMATCH,
        (10, 0, 10, 0),
    ),
    "column that asks for a name": Case(
        lambda name: csv_bytes([row | {"navn": "x"} for row in rows_of(name)]),
        REFUSED,
        Reason.PERSONAL_DATA,
        (10, 0, 0, 10),
    ),
    "column nobody knows": Case(
        lambda name: csv_bytes([row | {"humør": "x"} for row in rows_of(name)]),
        ON_HOLD,
        Reason.HEADER_MISMATCH,
        (10, 0, 10, 0),
    ),
    "column twice": Case(
        lambda name: csv_of(name).replace(b"gender", b"grade", 1), REFUSED, Reason.HEADER_REPEATED
    ),
    "quote never closed": Case(
        lambda name: csv_of(name).replace(b"girl", b'"girl', 1), REFUSED, Reason.UNTERMINATED_QUOTE
    ),
    "workbook cut off": Case(
        lambda name: to_xlsx(frame_of(name))[:-40],
        REFUSED,
        Reason.INCOMPLETE_UPLOAD,
        ending=".xlsx",
    ),
    "workbook with a nameless part": Case(
        lambda name: damaged_part(to_xlsx(frame_of(name))),
        REFUSED,
        Reason.UNREADABLE,
        ending=".xlsx",
    ),
    "parquet cut off": Case(
        lambda name: to_parquet(frame_of(name))[:-3],
        REFUSED,
        Reason.INCOMPLETE_UPLOAD,
        ending=".parquet",
    ),
    "json cut off": Case(
        lambda name: to_ndjson(frame_of(name))[:-30],
        REFUSED,
        Reason.INCOMPLETE_UPLOAD,
        ending=".json",
    ),
    "answers without a codebook": Case(
        lambda _: b'{"submissionId":1,"elementId":2,"elementType":"RADIO"}\n',
        ON_HOLD,
        Reason.SURVEY_MISSING,
        (1, 0, 1, 0),
        ending=".json",
    ),
    # rows
    "columns in another order": Case(swapped, LOADED, None, (10, 10, 0, 0)),
    "csv cut inside a row": Case(
        lambda name: csv_of(name)[:-9],
        LOADED,
        None,
        (10, 9, 1, 0),
        {"FIELD_COUNT": 1},
    ),
    "one line with another delimiter": Case(
        lambda name: b"\n".join(
            line.replace(b";", b",") if number == 4 else line
            for number, line in enumerate(csv_of(name).split(b"\n"))
        ),
        LOADED,
        None,
        (10, 9, 1, 0),
        {"FIELD_COUNT": 1},
    ),
    "commas all over": Case(
        lambda name: csv_bytes(rows_of(name), delimiter=","), LOADED, None, (10, 10, 0, 0)
    ),
    "quote inside a field": Case(
        lambda name: csv_of(name).replace(b"girl;", b'gi"r"l;', 1),
        LOADED,
        None,
        (10, 9, 1, 0),
        {"QUOTE_MISPLACED": 1},
    ),
    "answer out of range": Case(
        lambda name: with_row(name, 3, safety="6"),
        LOADED,
        None,
        (10, 9, 1, 0),
        {"ANSWER_NOT_AN_OPTION": 1},
    ),
    "code missing": Case(
        lambda name: with_row(name, 3, pupil_code=""),
        LOADED,
        None,
        (10, 9, 1, 0),
        {"PUPIL_CODE_MISSING": 1},
    ),
    "national identity number for a code": Case(
        lambda name: with_row(name, 3, pupil_code="01010199999"),
        REFUSED,
        Reason.PERSONAL_DATA,
        (10, 0, 0, 10),
    ),
    "telephone number for a class": Case(
        lambda name: with_row(name, 3, class_group="934 33 667"),
        REFUSED,
        Reason.PERSONAL_DATA,
        (10, 0, 0, 10),
    ),
    "address in an answer": Case(
        lambda name: with_row(name, 3, safety="ola@example.no"),
        REFUSED,
        Reason.PERSONAL_DATA,
        (10, 0, 0, 10),
    ),
    "school nobody knows": Case(
        lambda name: with_row(name, 3, school="X99"),
        LOADED,
        None,
        (10, 9, 1, 0),
        {"SCHOOL_UNKNOWN": 1},
    ),
    "grade out of range": Case(
        lambda name: with_row(name, 3, grade="14"),
        LOADED,
        None,
        (10, 9, 1, 0),
        {"GRADE_INVALID": 1},
    ),
    "day that is in no calendar": Case(
        lambda name: with_row(name, 3, submitted_on="2025-11-31"),
        LOADED,
        None,
        (10, 9, 1, 0),
        {"DATE_INVALID": 1},
    ),
    "wave nobody knows": Case(
        lambda name: with_row(name, 3, wave="1999V"),
        LOADED,
        None,
        (10, 9, 1, 0),
        {"WAVE_UNKNOWN": 1},
    ),
    "row twice": Case(
        lambda name: csv_bytes([*rows_of(name), rows_of(name)[4]]),
        LOADED,
        None,
        (11, 10, 0, 1),
        {"DUPLICATE_ROW": 1},
    ),
    "pupil twice": Case(
        lambda name: csv_bytes([*rows_of(name), rows_of(name)[4] | {ITEMS[0]: "1"}]),
        LOADED,
        None,
        (11, 9, 2, 0),
        {"CONFLICTING_ANSWERS": 2},
    ),
    "rows bad without exception": Case(
        lambda name: csv_bytes([row | {"school": "X99"} for row in rows_of(name)]),
        ON_HOLD,
        None,
        (10, 0, 10, 0),
        {"SCHOOL_UNKNOWN": 10},
    ),
    "line end inside a cell": Case(
        lambda name: csv_of(name).replace(b"girl;", b"gi\rrl;", 1),
        LOADED,
        None,
        (10, 9, 1, 0),
        {"FIELD_COUNT": 1},
    ),
    # class lists
    "class list with a bad row": Case(
        lambda _: class_list(("S01", "5A", 20), ("S01", "5A", 20), ("X99", "5B", 20)),
        LOADED,
        None,
        (3, 1, 1, 1),
        {"SCHOOL_UNKNOWN": 1},
    ),
    "class list that contradicts itself": Case(
        lambda _: class_list(("S01", "6A", 20), ("S01", "6A", 20), ("S01", "6A", 21)),
        ON_HOLD,
        None,
        (3, 0, 3, 0),
        {"CLASS_INVALID": 3},
    ),
    # and what is as it should be
    "sound csv": Case(csv_of, LOADED, None, (10, 10, 0, 0)),
    "sound workbook": Case(
        lambda name: to_xlsx(frame_of(name)), LOADED, None, (10, 10, 0, 0), ending=".xlsx"
    ),
    "sound parquet": Case(
        lambda name: to_parquet(frame_of(name)), LOADED, None, (10, 10, 0, 0), ending=".parquet"
    ),
    "sound json": Case(
        lambda name: to_ndjson(frame_of(name)), LOADED, None, (10, 10, 0, 0), ending=".json"
    ),
}
CASES_BY_NAME = list(CASES)
