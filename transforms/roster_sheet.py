"""A register's package as one text table and back: what the child that reads it hands over.

The child has read hostile bytes, so nothing that the parent relies on is taken on trust: every
number stands once, every code is one, every date is a date, and every count is a small number.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import cast, get_args

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.answer import LOOKS_PERSONAL, PUPIL_CODE
from schemas.reason import Reason
from transforms.oneroster import (
    ACTIVE,
    CLASS_COLUMNS,
    CODE_COLUMNS,
    ENROLMENT_COLUMNS,
    LEFT,
    Roster,
)
from transforms.oneroster_files import FILES, MAX_BROKEN, MAX_ROWS, Mode
from transforms.readers.reading import FileProblem, Reading

FORMAT = "oneroster"

_PART = "part"
_NUMBER = ("name", "number")
_DATES = ("begin_date", "end_date")
_REMOVED = ("pupil",)
_PARTS: Mapping[str, Sequence[str]] = {
    "class": CLASS_COLUMNS,
    "enrolment": ENROLMENT_COLUMNS,
    "removed": _REMOVED,
    "code": CODE_COLUMNS,
    "mode": ("name", "status"),
    "unread": _NUMBER,
}
_COLUMNS = (_PART, *dict.fromkeys(name for names in _PARTS.values() for name in names))
_COUNTED = {*FILES, "dates", "codes"}
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def to_sheet(roster: Roster) -> Reading:
    """The roster as a table of text, a row a fact; `part` says what kind of fact."""
    modes = {"name": list(roster.modes), "status": list(roster.modes.values())}
    unread = {"name": list(roster.unread), "number": [str(n) for n in roster.unread.values()]}
    parts: Mapping[str, pa.Table] = {
        "class": roster.classes,
        "enrolment": roster.enrolment,
        "removed": pa.table({"pupil": roster.removed_pupils}),
        "code": roster.codes,
        "mode": pa.table(modes),
        "unread": pa.table(unread),
    }
    # Put together without a copy: a large register has a million rows, and the child little room.
    sheet = pa.concat_tables([_rows(part, table) for part, table in parts.items()])
    return Reading(sheet, pa.array(np.arange(sheet.num_rows, dtype=np.int32)), FORMAT)


def _rows(part: str, table: pa.Table) -> pa.Table:
    nothing = pa.nulls(table.num_rows, pa.string())
    columns = {
        name: table.column(name).cast(pa.string()) if name in table.column_names else nothing
        for name in _COLUMNS
    }
    columns[_PART] = pa.repeat(pa.scalar(part), table.num_rows)
    return pa.table(columns)


def from_sheet(reading: Reading) -> Roster:
    """The roster of a sheet; `FileProblem` UNREADABLE where it is none that a reader makes."""
    if tuple(reading.table.column_names) != _COLUMNS or reading.malformed:
        raise FileProblem(Reason.UNREADABLE)
    sheet = pl.DataFrame(reading.table)
    found = {
        part: sheet.filter(pl.col(_PART) == part).select(names) for part, names in _PARTS.items()
    }
    dates = [pl.col(name).str.to_date("%Y-%m-%d", strict=False) for name in _DATES]
    if sum(frame.height for frame in found.values()) != sheet.height or not _is_sound(found):
        raise FileProblem(Reason.UNREADABLE)
    unread = {name: int(number) for name, number in found["unread"].rows()}
    return Roster(
        classes=_arrow(found["class"]),
        enrolment=_arrow(found["enrolment"].with_columns(dates)),
        modes=cast("dict[str, Mode]", dict(found["mode"].rows())),
        removed_pupils=_arrow(found["removed"])["pupil"].combine_chunks(),
        unread=unread,
        codes=_arrow(found["code"]),
    )


def _is_sound(found: Mapping[str, pl.DataFrame]) -> bool:
    enrolment, code, mode, unread = (
        found[part] for part in ("enrolment", "code", "mode", "unread")
    )
    status = [found[part].filter(~_is_in("status", (ACTIVE, LEFT))) for part in _WITH_STATUS]
    days = [
        enrolment.filter(
            pl.col(name).is_not_null()
            & pl.col(name).str.to_date("%Y-%m-%d", strict=False).is_null()
        )
        for name in _DATES
    ]
    wrong = [
        *status,
        *days,
        *(enrolment.filter(~_matches(name, _DAY)) for name in _DATES),
        code.filter(~_matches("code", PUPIL_CODE) | pl.col("code").str.contains(LOOKS_PERSONAL)),
        mode.filter(~_is_in("status", get_args(Mode))),
        unread.filter(~_is_in("name", _COUNTED) | ~_matches("number", r"^[0-9]{1,7}$")),
        unread.filter(
            _is_in("name", FILES), pl.col("number").cast(pl.Int64, strict=False) > MAX_BROKEN
        ),
    ]
    return (
        not any(frame.height for frame in wrong)
        and all(_stands_once(found[part][key]) for part, key in _KEYS.items())
        and not found["code"]["code"].null_count() + unread["number"].null_count()
        and set(mode["name"]) == set(FILES)
        and max(frame.height for frame in found.values()) <= MAX_ROWS
    )


_WITH_STATUS = ("class", "enrolment")
_KEYS = {
    "class": "class_id",
    "enrolment": "enrolment",
    "removed": "pupil",
    "code": "pupil",
    "mode": "name",
    "unread": "name",
}


def _stands_once(key: pl.Series) -> bool:
    return not key.null_count() and key.n_unique() == len(key)


def _is_in(name: str, words: Collection[str]) -> pl.Expr:
    return pl.col(name).is_in(list(words)).fill_null(value=False)


def _matches(name: str, pattern: str) -> pl.Expr:
    """Whether a cell is blank or fits."""
    return pl.col(name).str.contains(pattern).fill_null(value=True)


def _arrow(frame: pl.DataFrame) -> pa.Table:
    table = frame.to_arrow()
    types = [pa.string() if pa.types.is_large_string(one) else one for one in table.schema.types]
    return table.cast(pa.schema(list(zip(table.column_names, types, strict=True))))
