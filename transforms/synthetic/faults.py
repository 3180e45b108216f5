"""Known damage: what goes wrong with files and rows on their way, and what must come of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl
from numpy.random import Generator

from schemas.reason import Reason

# Stands in for a school of the municipality next door.
STRANGE_SCHOOL = "X99"
_FAULT, _SOURCE = "fault", "source"


class RowFault(StrEnum):
    """One thing wrong with one row."""

    OUT_OF_RANGE = "out_of_range"
    TEXT_IN_ITEM = "text_in_item"
    CODE_MISSING = "code_missing"
    CODE_INVALID = "code_invalid"
    GRADE_BAD = "grade_bad"
    TWO_CLASSES = "two_classes"
    CLASS_MISSING = "class_missing"
    SCHOOL_UNKNOWN = "school_unknown"
    WAVE_UNKNOWN = "wave_unknown"
    DATE_BAD = "date_bad"
    DUPLICATE = "duplicate_identical"
    CONFLICT = "duplicate_conflicting"


# The column (None: an item) and what stands in it instead.
_CELLS: dict[RowFault, tuple[str | None, str, Reason]] = {
    RowFault.OUT_OF_RANGE: (None, "9", Reason.ANSWER_NOT_AN_OPTION),
    RowFault.TEXT_IN_ITEM: (None, "vet ikke", Reason.ANSWER_NOT_AN_OPTION),
    RowFault.CODE_MISSING: ("pupil_code", "", Reason.PUPIL_CODE_MISSING),
    RowFault.CODE_INVALID: ("pupil_code", "nr. 7 ?", Reason.PUPIL_CODE_INVALID),
    RowFault.GRADE_BAD: ("grade", "99", Reason.GRADE_INVALID),
    RowFault.TWO_CLASSES: ("class_group", "7A/7B", Reason.CLASS_INVALID),
    RowFault.CLASS_MISSING: ("class_group", "", Reason.CLASS_INVALID),
    RowFault.SCHOOL_UNKNOWN: ("school", STRANGE_SCHOOL, Reason.SCHOOL_UNKNOWN),
    RowFault.WAVE_UNKNOWN: ("wave", "1999V", Reason.WAVE_UNKNOWN),
    RowFault.DATE_BAD: ("submitted_on", "2026-02-30", Reason.DATE_INVALID),
}

REASON_OF = {
    **{fault: reason for fault, (_, _, reason) in _CELLS.items()},
    RowFault.DUPLICATE: Reason.DUPLICATE_ROW,
    RowFault.CONFLICT: Reason.CONFLICTING_ANSWERS,
}


@dataclass(frozen=True, slots=True)
class Damaged:
    """Rows after the damage; the arrays have one entry a row of `rows`.

    `fault`: the row's `RowFault`, '' for a sound one. Of two conflicting rows both have it, of two
    identical ones the second. `source`: which row it was before.
    """

    rows: pl.DataFrame
    fault: np.ndarray
    source: np.ndarray

    @property
    def counts(self) -> dict[str, int]:
        """Rows by reason code, as the ledger must count them."""
        names, sizes = np.unique(self.fault[self.fault != ""], return_counts=True)
        found: dict[str, int] = {}
        for name, size in zip(names.tolist(), sizes.tolist(), strict=True):
            reason = REASON_OF[RowFault(name)].value
            found[reason] = found.get(reason, 0) + size
        return found

    @property
    def sound(self) -> np.ndarray:
        """For each row whether it must be accepted."""
        return np.asarray(self.fault == "")


def damage_rows(rows: pl.DataFrame, plan: Mapping[RowFault, int], rng: Generator) -> Damaged:
    """Damage as many rows as `plan` says, each in one way, drawn at random.

    `rows` are all text, one a pupil. Repeated rows are put in anywhere behind their first.
    Raises ValueError where the plan takes more rows than there are.
    """
    if sum(plan.values()) > rows.height:
        raise ValueError(f"the plan damages {sum(plan.values())} of {rows.height} rows")
    fault = np.full(rows.height, "", dtype="U21")
    chosen = rng.permutation(rows.height)[: sum(plan.values())]
    fault[chosen] = np.repeat([kind.value for kind in plan], list(plan.values()))
    damaged = _spoil_cells(rows, fault)
    return _repeat_rows(damaged, fault, rng)


def _spoil_cells(rows: pl.DataFrame, fault: np.ndarray) -> pl.DataFrame:
    items = [name for name in rows.columns if "." in name]
    marked = rows.with_columns(pl.Series(_FAULT, fault), pl.row_index(_SOURCE))
    for kind in np.unique(fault[fault != ""]).tolist():
        if kind not in _CELLS:
            continue
        column, text, _ = _CELLS[RowFault(kind)]
        for turn, name in enumerate([column] if column else items[:4]):
            its_turn = pl.lit(column is not None) | (pl.col(_SOURCE) % 4 == turn)
            hit = (pl.col(_FAULT) == kind) & its_turn
            marked = marked.with_columns(
                pl.when(hit).then(pl.lit(text)).otherwise(name).alias(name)
            )
    return marked.drop(_FAULT, _SOURCE)


def _repeat_rows(rows: pl.DataFrame, fault: np.ndarray, rng: Generator) -> Damaged:
    repeated = np.flatnonzero(np.isin(fault, (RowFault.DUPLICATE, RowFault.CONFLICT)))
    behind = repeated + 0.5 + rng.random(len(repeated)) * (rows.height - repeated)
    order = np.argsort(np.concatenate([np.arange(rows.height), behind]), kind="stable")
    source = np.concatenate([np.arange(rows.height), repeated])[order]
    is_second = order >= rows.height
    fault = fault[source]
    again = rows[source]
    fault = np.where((fault == RowFault.DUPLICATE) & ~is_second, "", fault)
    changed = (fault == RowFault.CONFLICT) & is_second
    return Damaged(_change_answer(again, changed), fault, source)


def _change_answer(rows: pl.DataFrame, where: np.ndarray) -> pl.DataFrame:
    """Give the first item another answer that its instrument has too."""
    item = next(name for name in rows.columns if "." in name)
    other = pl.when(pl.col(item) == "1").then(pl.lit("2")).otherwise(pl.lit("1"))
    return rows.with_columns(pl.when(pl.Series(where)).then(other).otherwise(item).alias(item))


def edit_lines(content: bytes, edits: Mapping[int, Callable[[bytes], bytes]]) -> bytes:
    """Rewrite some lines of a text; line 0 is the heading, and an edit gets no line end."""
    ends = np.flatnonzero(np.frombuffer(content, np.uint8) == ord("\n"))
    parts, done = [], 0
    for line in sorted(edits):
        start, end = (int(ends[line - 1]) + 1 if line else 0), int(ends[line])
        parts += [content[done:start], edits[line](content[start:end])]
        done = end
    return b"".join([*parts, content[done:]])


def too_few_fields(line: bytes) -> bytes:
    """The line without its last field."""
    return line[: line.rindex(b";")]


def too_many_fields(line: bytes) -> bytes:
    """The line with one field more."""
    return line + b";1"


def other_delimiter(line: bytes) -> bytes:
    """The line as a program with another setting would have saved it: one single field."""
    return line.replace(b";", b",")


def opened_quote(line: bytes) -> bytes:
    """The line with a quotation mark before its first field that nobody closes."""
    return b'"' + line


def cut_off(content: bytes, share: float) -> bytes:
    """The first part of an upload that was interrupted."""
    return content[: int(len(content) * share)]
