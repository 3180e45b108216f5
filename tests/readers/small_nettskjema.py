"""A small Nettskjema: one form, and each export of it written as the tool would write it."""

import csv
import datetime as dt
import io
import json
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import xlsxwriter
from hypothesis import strategies as st

from transforms.codebooks.nettskjema_elements import read_elements

OSLO = ZoneInfo("Europe/Oslo")
clock = dt.datetime.fromisoformat  # a moment without a zone, as the files have them


def options(*pairs):
    return [
        {"answerOptionId": number, "externalAnswerOptionId": code, "text": f"svar {code}"}
        for number, code in pairs
    ]


def element(number, kind, code, **more):
    text = f"Spørsmål {code}"
    return {
        "elementId": number,
        "elementType": kind,
        "externalElementId": code,
        "text": text,
        **more,
    }


ROWS = [
    {"subElementId": 50, "externalElementId": "tur"},
    {"subElementId": 51, "externalElementId": "mat"},
]
TRIVES = options((31, "1"), (32, "-1"), (33, "3"))
VENNER = options((41, "æ"), (42, "b"))
FORM = [
    {"elementType": "PAGE_BREAK"},
    element(2, "QUESTION", "kode"),
    element(3, "RADIO", "trives", answerOptions=TRIVES),
    element(4, "CHECKBOX", "venner", answerOptions=VENNER),
    element(5, "MATRIX_RADIO", "rm", answerOptions=options((52, "1"), (53, "2")), subElements=ROWS),
    element(
        6,
        "MATRIX_CHECKBOX",
        "bm",
        answerOptions=options((62, "x"), (63, "y")),
        subElements=[{"subElementId": 60, "externalElementId": "1"}],
    ),
    element(7, "NUMBER", "tall"),
    element(8, "LINEAR_SCALE", "skala"),
    element(9, "DATE", "dato", dateFormat="DATE"),
    element(10, "DATE", "kl", dateFormat="TIME"),
    element(11, "DATE", "tid", dateFormat="DATE_TIME"),
    element(12, "ATTACHMENT", "fil"),
    # Asked only of those who chose -1, or ticked b.
    element(
        13,
        "RADIO",
        "hvorfor",
        answerOptions=options((131, "1"), (132, "2")),
        answerOptionsVisibilityFilter=[TRIVES[1], VENNER[1]],
    ),
    element(
        14,
        "CHECKBOX",
        "hvem",
        answerOptions=options((141, "p")),
        answerOptionsVisibilityFilter=[TRIVES[1]],
    ),
]
ELEMENTS = read_elements(json.dumps(FORM).encode())
COLUMNS = [column.name for column in ELEMENTS.columns]


@dataclass(frozen=True)
class Submission:
    """What one pupil answered; None and empty sets are questions left blank."""

    number: int
    sent: dt.datetime
    kode: str = ""
    trives: str = ""
    venner: frozenset = frozenset()
    tur: str = ""
    mat: str = ""
    bm: frozenset = frozenset()
    tall: float | None = None
    skala: int | None = None
    dato: dt.date | None = None
    kl: dt.time | None = None
    tid: dt.datetime | None = None
    fil: str = ""
    hvorfor: str = ""
    hvem: frozenset = frozenset()

    @property
    def is_asked_why(self):
        return self.trives == "-1" or "b" in self.venner


def java_number(value):
    if value is None:
        return ""
    if abs(value) < 10_000_000:
        return repr(float(value))
    digits = repr(float(value)).replace(".0", "").lstrip("-")
    return (
        f"{'-' if value < 0 else ''}{digits[0]}.{digits[1:].rstrip('0') or '0'}E{len(digits) - 1}"
    )


def row_cells(s, cell):
    """The cells of the form's columns; `cell` writes a number, a day, a clock or a moment."""
    return {
        "kode": s.kode,
        "trives": s.trives,
        "venner.æ": "01"["æ" in s.venner],
        "venner.b": "01"["b" in s.venner],
        "rm.tur": s.tur,
        "rm.mat": s.mat,
        "bm.1.x": "01"["x" in s.bm],
        "bm.1.y": "01"["y" in s.bm],
        "tall": cell(s.tall),
        "skala": "" if s.skala is None else str(s.skala),
        "dato": cell(s.dato),
        "kl": "" if s.kl is None else s.kl.isoformat("minutes"),
        "tid": cell(s.tid),
        "fil": s.fil,
        "hvorfor": s.hvorfor,
        "hvem.p": "01"["p" in s.hvem],
    }


def csv_cell(value):
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="minutes")
    return (
        ""
        if value is None
        else value.isoformat()
        if isinstance(value, dt.date)
        else java_number(value)
    )


def as_csv(submissions):
    buffer = io.StringIO()
    write = csv.writer(buffer, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n").writerow
    write(["$submission_id", "$created", *COLUMNS, "$answer_time_ms"])
    for s in submissions:
        sent = s.sent.astimezone(OSLO).isoformat(timespec="seconds")
        write([s.number, sent, *row_cells(s, csv_cell).values(), 1000 + s.number])
    return buffer.getvalue().encode()


def as_xlsx(submissions):
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Klasseundersøkelse")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(0, 0, ["$submission_id", "$created", *COLUMNS, "$answer_time_ms"])
        for row, s in enumerate(submissions, 1):
            sent = s.sent.astimezone(OSLO).replace(tzinfo=None)
            cells = [s.number, sent, *row_cells(s, lambda value: value).values(), 1000 + s.number]
            for column, cell in enumerate(cells):
                if isinstance(cell, dt.date):
                    kind = moment if isinstance(cell, dt.datetime) else day
                    sheet.write_datetime(row, column, cell, kind)
                elif isinstance(cell, str):
                    sheet.write_string(row, column, cell)
                elif cell is not None:
                    sheet.write_number(row, column, cell)
    return buffer.getvalue()


def answer_lines(s):
    """The lines that the tool writes: none for what was not answered, in the order it likes."""
    sent = s.sent.astimezone(OSLO).replace(tzinfo=None).isoformat(timespec="seconds")

    def line(number, *, text=None, chosen=(), row=None):
        form = next(e for e in FORM if e.get("elementId") == number)
        ids = {
            o["externalAnswerOptionId"]: o["answerOptionId"] for o in form.get("answerOptions", [])
        }
        found = {
            "formId": 1,
            "submissionId": s.number,
            "elementId": number,
            "externalElementId": form["externalElementId"],
            "answerOptionIds": [ids[code] for code in chosen],
            "externalAnswerOptionIds": list(chosen),
            "elementType": form["elementType"],
            "createdDate": sent,
            "attachment": {"filename": text},
        }
        if text is not None:
            found["textAnswer"] = text
        if row is not None:
            found["subElementId"] = row
        return json.dumps(found, ensure_ascii=False)

    def codes(number, code, row=None):
        return [line(number, chosen=[code], row=row)] if code else []

    def texts(number, text):
        return [line(number, text=text)] if text else []

    tall = "" if s.tall is None else f"{s.tall:.10f}".rstrip("0").rstrip(".").replace(".", ",")
    return [
        *codes(3, s.trives),
        line(4, chosen=sorted(s.venner, reverse=True)),
        *codes(5, s.mat, 51),
        *codes(5, s.tur, 50),
        *([line(6, chosen=sorted(s.bm), row=60)] if s.bm else []),
        *texts(2, s.kode),
        *texts(7, tall),
        *texts(8, "" if s.skala is None else str(s.skala)),
        *texts(9, s.dato and s.dato.strftime("%d.%m.%Y")),
        *texts(10, s.kl and s.kl.isoformat("minutes")),
        *texts(11, s.tid and s.tid.strftime("%d.%m.%Y %H:%M")),
        *texts(12, s.fil),
        *codes(13, s.hvorfor),
        *([line(14, chosen=sorted(s.hvem))] if s.hvem else []),
    ]


def as_answers(submissions):
    return "\n".join(line for s in submissions for line in answer_lines(s)).encode()


def expected_row(s):
    """The naive oracle: the canonical cells of one submission, written out one by one."""
    tall = "" if s.tall is None else f"{s.tall:.10f}".rstrip("0").rstrip(".")
    cells = row_cells(s, lambda value: "") | {
        "tall": "0" if tall == "-0" else tall,
        "dato": s.dato.isoformat() if s.dato else "",
        "tid": s.tid.isoformat() if s.tid else "",
        "fil": "",
        "hvorfor": s.hvorfor if s.is_asked_why else None,
        "hvem.p": cells_of_whom(s),
    }
    created = s.sent.astimezone(OSLO).date().isoformat()
    return {"submission_id": str(s.number), "created": created, **cells}


def cells_of_whom(s):
    return "01"["p" in s.hvem] if s.trives == "-1" else None


SENT = dt.datetime(2025, 3, 3, 10, 15, 30, tzinfo=dt.UTC)
KARI = Submission(
    27685292,
    SENT,
    kode="BLÅ-07",
    trives="-1",
    venner=frozenset("æb"),
    tur="2",
    bm=frozenset("y"),
    tall=4.5,
    skala=3,
    dato=dt.date(2023, 6, 1),
    kl=dt.time(12, 0),
    tid=clock("2023-06-12T13:33"),
    fil="kari.png",
    hvorfor="2",
    hvem=frozenset("p"),
)
BLANK = Submission(27685293, SENT + dt.timedelta(hours=13))


def with_reasons(s):
    """Answers to the hidden questions only where the form would have shown them."""
    return replace(
        s,
        hvorfor=str(1 + s.number % 2) if s.is_asked_why and s.number % 3 else "",
        hvem=frozenset("p") if s.trives == "-1" and s.number % 2 else frozenset(),
    )


moments = st.datetimes(clock("2000-01-01T00:00:00"), clock("2060-01-01T00:00:00"))
submission = st.builds(
    Submission,
    number=st.integers(1, 2**40),
    sent=moments.map(lambda m: m.replace(microsecond=0, tzinfo=dt.UTC)),
    kode=st.sampled_from(
        ["", "ÆØÅ-1", "007", "8.10", "1.0", 'sa "hei"; og', "a\nb", "-1", "2023-06-01"]
    ),
    trives=st.sampled_from(["", "1", "-1", "3"]),
    venner=st.frozensets(st.sampled_from(["æ", "b"])),
    tur=st.sampled_from(["", "1", "2"]),
    mat=st.sampled_from(["", "1", "2"]),
    bm=st.frozensets(st.sampled_from(["x", "y"])),
    tall=st.none()
    | st.integers(-(10**9), 10**9).map(float)
    | st.decimals(-1000, 1000, places=2).map(float),
    skala=st.none() | st.integers(0, 10),
    dato=st.none() | st.dates(dt.date(1950, 1, 1), dt.date(2060, 1, 1)),
    kl=st.none() | st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    tid=st.none()
    | moments.map(lambda m: m.replace(second=0, microsecond=0))
    | st.dates(dt.date(1950, 1, 1), dt.date(2060, 1, 1)).map(
        lambda d: dt.datetime.combine(d, dt.time())
    ),
    fil=st.sampled_from(["", "sølvi.png"]),
).map(with_reasons)
