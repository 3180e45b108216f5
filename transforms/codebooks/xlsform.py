"""The codebook in an XLSForm, as KoboToolbox and ODK use it: the sheets survey, choices, settings.

XLSX, or CSV with the sheets one below the other. Columns are named by the question's `name`; where
two groups have a question of one name, by the path `group/name`. A select-multiple question has a
column of its own, and one `name/choice` for each choice, ticked 1 or not 0. Questions in a repeat
are left out: their answers are in a table of their own.

A label in another language stands under the code that the form gives for it, `label::Norsk (nb)`,
or else under the language's name. `label` is the one without language, or in the default language,
or in the first. Which answers are missing ones no XLSForm says.
"""

import csv
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from python_calamine import CalamineWorkbook

from schemas.reason import Reason
from transforms.codebooks.plain_text import plain_text
from transforms.readers.cells import float_text
from transforms.readers.reading import Codebook, FileProblem, Question, QuestionKind
from transforms.readers.xlsx_parts import measure, pack, read_parts, sheet_parts

TICKED = {"1": "Yes", "0": "No"}
SHEETS = ("survey", "choices", "settings")
MAX_BYTES = 20_000_000
MAX_CELLS = 2_000_000

_ZIP = b"PK\x03\x04"

_Rows = list[list[str]]
_Row = dict[str, str]

# Answers of these types say who or where a person is, or are files.
_PERSONAL_TYPES = frozenset(
    {
        *("username", "email", "phonenumber", "phone_number", "subscriberid", "simserial"),
        *("deviceid", "imei", "audit", "geopoint", "geotrace", "geoshape", "start-geopoint", "gps"),
        *("image", "photo", "audio", "video", "file", "background-audio"),
    }
)
_KINDS: Mapping[str, QuestionKind] = {
    **dict.fromkeys(("integer", "int", "decimal", "range"), "number"),
    **dict.fromkeys(("date", "today", "datetime", "start", "end"), "date"),
    **dict.fromkeys(("text", "string", "calculate", "barcode", "hidden", "time"), "text"),
}
_SELECT = re.compile(
    r"(?:add )?(?P<kind>select[_ ]one|select1|select[_ ]multiple|select all that apply|rank)"
    r"(?: prompt using)?(?: from)?\s+(?P<list>\S+)(?P<other>\s+or[_ ]other)?",
    re.IGNORECASE,
)
_GROUP = re.compile(r"(?P<edge>begin|end)[_ ](?P<what>group|repeat|lgroup|loop|looped group)\b.*")
_LANGUAGE = re.compile(r"\(\s*([A-Za-z]{2,3}(?:-[A-Za-z]+)?)\s*\)\s*$")
_HEADING = re.compile(r"([^:]+?)\s*::?\s*(\S.*)")
_ALIASES = {
    "list name": "list_name",
    "caption": "label",
    "command": "type",
    "tag": "name",
    "value": "name",
}
_WORKBOOK_SHEET = re.compile(rb"<(?:\w+:)?sheet\b[^>]*?\sname\s*=\s*[\"']([^\"']*)[\"']")
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question of the main table: its row, and the groups that it stands in."""

    row: _Row
    groups: tuple[str, ...]

    @property
    def path(self) -> str:
        """The question's name behind its groups."""
        return "/".join((*self.groups, self.row["name"]))


@dataclass(frozen=True, slots=True)
class _Choice:
    """One option of a list, with its label in each language."""

    label: str
    labels: dict[str, str]


def is_xlsform(content: bytes) -> bool:
    """Whether a file is an XLSForm: a workbook with its sheets, or a CSV that begins with one."""
    if content.startswith(_ZIP):
        names = _sheet_names(content)
        return "survey" in names and bool(names & {"choices", "settings"})
    try:
        first, second = _records(content[:65_536].rpartition(b"\n")[0], most=2)
    except (FileProblem, ValueError):
        return False
    headings = {_heading(cell) for cell in second}
    return _starts_sheet(first) == "survey" and {"type", "name"} <= headings


def read_xlsform(content: bytes) -> Codebook:
    """The columns of the form's main table, in the form's order.

    Raises `FileProblem`: UNREADABLE for anything but an XLSForm, ENCODING_UNKNOWN for a CSV that is
    not UTF-8, TOO_LARGE, CODEBOOK_MISSING without a question, HEADER_REPEATED where two questions
    would have one column.
    """
    sheets = _workbook(content) if content.startswith(_ZIP) else _stacked(content)
    survey, choices = _dicts(sheets.get("survey", [])), _dicts(sheets.get("choices", []))
    settings = next(iter(_dicts(sheets.get("settings", []))), {})
    default = _language(settings.get("default_language", ""))
    asked = list(_asked(survey))
    lists = _lists(choices, default)
    count = Counter(each.row["name"] for each in asked)
    columns = [
        column
        for each in asked
        for column in _columns(
            each.row["name"] if count[each.row["name"]] == 1 else each.path,
            each.row,
            lists,
            default,
        )
    ]
    if not columns:
        raise FileProblem(Reason.CODEBOOK_MISSING)
    if len({name for name, _ in columns}) < len(columns):
        raise FileProblem(Reason.HEADER_REPEATED)
    return dict(columns)


def _sheet_names(content: bytes) -> set[str]:
    """The names of a workbook's sheets in small letters; none where it cannot be opened."""
    try:
        with (
            zipfile.ZipFile(io.BytesIO(content)) as archive,
            archive.open("xl/workbook.xml") as part,
        ):
            found = _WORKBOOK_SHEET.findall(part.read(1_000_000))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, RuntimeError):
        return set()
    return {name.decode("utf-8", "replace").strip().lower() for name in found}


def _workbook(content: bytes) -> dict[str, _Rows]:
    parts = read_parts(content)
    where = sheet_parts(parts)
    wanted = {name: part for name, part in where.items() if name.strip().lower() in SHEETS}
    for part in wanted.values():
        extent = measure(parts[part])
        if extent.rows * extent.columns > MAX_CELLS:
            raise FileProblem(Reason.TOO_LARGE)
    package = pack(parts, set(where.values()))
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(package))
        sheets = {name: workbook.get_sheet_by_name(name).to_python() for name in wanted}
    except BaseException as error:  # a panic in Rust is not an Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        sheets = {}
    if not sheets:
        raise FileProblem(Reason.UNREADABLE)
    return {
        name.strip().lower(): [[_cell(value) for value in row] for row in rows]
        for name, rows in sheets.items()
    }


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    return float_text(value) if isinstance(value, float) else str(value).strip()


def _stacked(content: bytes) -> dict[str, _Rows]:
    """The sheets of a CSV: a line with a sheet's name, then its rows from the second cell on."""
    sheets: dict[str, _Rows] = {}
    rows: _Rows = []
    for record in _records(content):
        name = _starts_sheet(record)
        if name:
            rows = sheets.setdefault(name, [])
        else:
            rows.append([cell.strip() for cell in record[1:]])
    if "survey" not in sheets:
        raise FileProblem(Reason.UNREADABLE)
    return sheets


def _records(content: bytes, *, most: int | None = None) -> _Rows:
    if len(content) > MAX_BYTES:
        raise FileProblem(Reason.TOO_LARGE)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileProblem(Reason.ENCODING_UNKNOWN) from None
    start = text[:2000]
    delimiter = max(",;\t", key=start.count)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        records = list(islice(lines, most))
    except csv.Error:
        records = []
    if not records:
        raise FileProblem(Reason.UNREADABLE)
    return [record for record in records if any(cell.strip() for cell in record)]


def _starts_sheet(record: list[str]) -> str:
    """The sheet that begins with this record, or nothing."""
    name = record[0].strip().lower()
    return name if name in SHEETS and not any(cell.strip() for cell in record[1:]) else ""


def _heading(text: str) -> str:
    """A column's heading in one spelling; its language, if any, behind two colons."""
    found = _HEADING.fullmatch(text.strip())
    name = (found[1] if found else text).strip().lower()
    name = _ALIASES.get(name, name)
    return f"{name}::{_language(found[2])}" if found else name


def _language(text: str) -> str:
    code = _LANGUAGE.search(text)
    return code[1].lower() if code else text.strip()


def _dicts(rows: _Rows) -> list[_Row]:
    if not rows:
        return []
    headings = [_heading(cell) for cell in rows[0]]
    return [
        {name: cell for name, cell in zip(headings, row, strict=False) if name and cell}
        for row in rows[1:]
    ]


def _asked(survey: Iterable[_Row]) -> Iterator[_Asked]:
    """The questions that stand in no repeat."""
    inside: list[tuple[str, bool]] = []
    for row in survey:
        kind = " ".join(row.get("type", "").split())
        edge = _GROUP.fullmatch(kind.lower())
        if row.get("disabled", "").lower() in {"yes", "true"}:
            continue
        if edge and edge["edge"] == "begin":
            inside.append((row.get("name", ""), edge["what"] != "group"))
        elif edge:
            del inside[-1:]
        elif _has_column(row) and not any(repeats for _, repeats in inside):
            yield _Asked({**row, "type": kind}, tuple(name for name, _ in inside if name))


def _has_column(row: _Row) -> bool:
    return bool(row.get("name")) and row.get("type", "").lower() not in {"note", ""}


def _lists(choices: Iterable[_Row], default: str) -> dict[str, dict[str, _Choice]]:
    """The choices of each list by name; of two with one name in one list the first is taken."""
    found: dict[str, dict[str, _Choice]] = {}
    for row in choices:
        if "list_name" in row and "name" in row:
            label, labels = _labels(row, default)
            found.setdefault(row["list_name"], {}).setdefault(row["name"], _Choice(label, labels))
    return found


def _labels(row: _Row, default: str) -> tuple[str, dict[str, str]]:
    """A row's label, and those in further languages."""
    found = {
        name.removeprefix("label").removeprefix("::"): plain_text(text)
        for name, text in row.items()
        if name == "label" or name.startswith("label::")
    }
    main = next((name for name in ("", default) if name in found), next(iter(found), ""))
    return found.pop(main, ""), found


def _columns(
    name: str, row: _Row, lists: Mapping[str, Mapping[str, _Choice]], default: str
) -> Iterator[tuple[str, Question]]:
    """The columns of one question, each with what is in it."""
    label, labels = _labels(row, default)
    kind = row["type"].lower()
    select = _SELECT.fullmatch(row["type"])
    plain = Question(
        label, {}, _KINDS.get(kind, "unknown"), personal=kind in _PERSONAL_TYPES, labels=labels
    )
    if not select:
        yield name, plain
        return
    choices = dict(lists.get(select["list"], {}))
    if select["other"]:
        choices.setdefault(_OTHER, _Choice("Other", {}))
    one = "one" in select["kind"].lower() or select["kind"].lower() == "select1"
    yield name, replace(_with_options(plain, choices), kind="one" if one else "many")
    if "multiple" in select["kind"].lower() or "all" in select["kind"].lower():
        for code, choice in choices.items():
            yield f"{name}/{code}", _box(plain, choice)
    if select["other"]:
        yield f"{name}_{_OTHER}", Question(kind="text")


def _with_options(question: Question, choices: Mapping[str, _Choice]) -> Question:
    others: dict[str, dict[str, str]] = {}
    for code, choice in choices.items():
        for language, label in choice.labels.items():
            others.setdefault(language, {})[code] = label
    options = {code: choice.label for code, choice in choices.items()}
    return replace(question, options=options, option_labels=others)


def _box(question: Question, choice: _Choice) -> Question:
    labels = {
        language: f"{label}/{choice.labels.get(language, choice.label)}"
        for language, label in question.labels.items()
    }
    return Question(f"{question.label}/{choice.label}", dict(TICKED), "many", labels=labels)
