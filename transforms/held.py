"""Rows that are held: what the quarantine keeps of each, and what it is known by when it returns.

Nothing here judges a row. Its text goes into a keyed digest and nowhere else.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.reason import Reason
from transforms.readers.reading import Batch

Codes = npt.NDArray[np.int16]

# A verdict is the place of its reason in this list; 0 is sound.
REASONS: tuple[Reason | None, ...] = (None, *Reason)
CODE_OF: dict[Reason | None, int] = {reason: code for code, reason in enumerate(REASONS)}

# Cells that differ between two encodings of the same form: no part of what a row is known by. The
# wave that they lead to is, for the same pupil may well be held for the same cell in the next one.
NOT_IN_DIGEST = frozenset({"submitted_on", "wave", "answer_time_ms", "had_text"})

# What makes one version of a form differ from another, besides the answers. Class, grade and gender
# do not: a pupil moves, a gender is filled in.
COMPARED = {"school": "school_id"}


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row for the quarantine. `content` is canonical text for a keyed digest, never for a log.

    `pupil_code` and `wave_id` are null where they are not sound; `sound` says the typed values of
    the compared columns that are, in the words of `sound_text_sql`, and before them the class where
    one of those columns is not (`in_class_sql`).
    """

    file_no: int
    row_no: int
    reasons: tuple[Reason, ...]
    columns: tuple[str, ...]
    content: bytes = field(repr=False)
    pupil_code: str | None = field(default=None, repr=False)
    wave_id: str | None = None
    sound: str = field(default="", repr=False)


def held_rows(
    batch: Batch,
    bad: Mapping[str, Codes],
    rows: npt.NDArray[np.int64],
    waves: Sequence[str | None],
    marks: tuple[pa.Array, pa.Array],
) -> list[HeldRow]:
    """The rows that failed: `bad` has the verdict of every row of the batch on each bad column.

    `rows`: their places in the batch; `waves` and `marks` (see `known_by`): one a held row.
    """
    if not len(rows):
        return []
    names = sorted(bad)
    codes = np.column_stack([bad[name][rows] for name in names])
    patterns, pattern = np.unique(codes, axis=0, return_inverse=True)
    causes = [_cause(names, codes_of.tolist()) for codes_of in patterns]
    table = batch.table.take(rows)
    return [
        HeldRow(
            file_no,
            row_no,
            causes[at][0],
            causes[at][1],
            content.encode(),
            code,
            wave,
            sound,
        )
        for file_no, row_no, at, content, wave, code, sound in zip(
            batch.file_no.take(rows).to_pylist(),
            batch.row_no.take(rows).to_pylist(),
            pattern.ravel().tolist(),
            _contents(table, pa.array(waves, pa.string())).to_pylist(),
            waves,
            *(column.to_pylist() for column in marks),
            strict=True,
        )
    ]


def compared_columns(items: Sequence[str]) -> dict[str, str]:
    """What makes one version of a form differ from another: canonical column -> typed column."""
    return {**COMPARED, **{name: name for name in items}}


def sound_text_sql(items: Sequence[str], *, but: str) -> str:
    """A query expression for the text of `HeldRow.sound`, of a stored form; `but` is a list.

    The form's columns are named as in core.response and, an item, as its canonical column.
    """
    told = ", ".join(
        f"""case when not list_contains({but}, '{name}') then '{name}=' || "{typed}" end"""
        for name, typed in sorted(compared_columns(items).items())
    )
    return f"concat_ws('|', {told})"


def in_class_sql(text: str, class_group: str) -> str:
    """The text of `HeldRow.sound` where a compared column is not sound, from that of the others."""
    return f"concat_ws('|', 'class_group=' || {class_group}, nullif({text}, ''))"


def known_by(typed: pa.Table, bad: Mapping[str, Codes]) -> tuple[pa.Array, pa.Array]:
    """The pupil code of each held row, null where it is not sound, and its sound cells as text."""
    items = [name for name in typed.column_names if "." in name]
    compared = compared_columns(items)
    cells = [_class_if_in_doubt(typed, bad, compared)]
    for name, column in sorted(compared.items()):
        values = typed.column(column).cast(pa.string()).combine_chunks()
        told = pc.binary_join_element_wise(f"{name}=", values, "")
        cells.append(sound_only(told, bad.get(name)))
    codes = typed.column("pupil_code").cast(pa.string()).combine_chunks()
    # Arrow's own join leaves out a row of nulls alone, and then there is a text too few.
    told = pl.select(pl.concat_str(map(pl.Series, cells), separator="|", ignore_nulls=True))
    return sound_only(codes, bad.get("pupil_code")), told.to_series().to_arrow()


def _class_if_in_doubt(
    typed: pa.Table, bad: Mapping[str, Codes], compared: Mapping[str, str]
) -> pa.Array:
    """The class of each row in which a compared column is not sound, if the class is."""
    in_doubt = np.zeros(typed.num_rows, np.bool_)
    for name in compared.keys() & bad.keys():
        in_doubt |= bad[name] > 0
    classes = typed.column("class_group").cast(pa.string()).combine_chunks()
    told = pc.binary_join_element_wise("class_group=", classes, "")
    return pc.if_else(pa.array(in_doubt), sound_only(told, bad.get("class_group")), None)


def only_sound(typed: pa.Table, bad: Mapping[str, Codes]) -> pa.Table:
    """Typed rows, null in every column that the row failed in."""
    failed = {_TYPED.get(name, name): codes for name, codes in bad.items()}
    columns = {}
    for name in typed.column_names:
        cells = typed.column(name)
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(pa.string())
        columns[name] = sound_only(cells, failed.get(name))
    return pa.table(columns)


_TYPED = {"school": "school_id", "wave": "wave_id"}


def sound_only(cells: pa.Array, failed: Codes | None) -> pa.Array:
    """A column, null wherever its cell failed."""
    return cells if failed is None else pc.if_else(pa.array(failed > 0), None, cells)


def _cause(
    names: Sequence[str], codes: Sequence[int]
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """The reasons of one pattern of failures, and the columns that failed, each sorted."""
    failed = {name: REASONS[code] for name, code in zip(names, codes, strict=True) if code}
    return tuple(sorted({reason for reason in failed.values() if reason})), tuple(failed)


def malformed_rows(batch: Batch) -> Iterator[HeldRow]:
    """Records that are no rows."""
    for file_no, row in batch.malformed:
        yield HeldRow(file_no, row.row_no, (row.reason,), (), row.text.encode(errors="replace"))


def _contents(cells: pa.Table, waves: pa.Array) -> pa.Array:
    """What each row is known by: its cells as a JSON object, keys in order, nulls left out."""
    dated = pc.utf8_slice_codeunits(_plain(cells.column("submitted_on")), 0, 10)
    wave = pc.coalesce(waves, _plain(cells.column("wave")), dated, "")
    names = [name for name in cells.column_names if name not in NOT_IN_DIGEST]
    known_by = {name: _plain(cells.column(name)) for name in names} | {"wave": wave}
    members = [_members(name, known_by[name]) for name in sorted(known_by)]
    inside = pc.binary_join_element_wise(*members, ", ", null_handling="skip")
    return pc.binary_join_element_wise("{", inside, "}", "")


def _members(name: str, column: pa.Array) -> pa.Array:
    """Each cell as a member of a JSON object; a null stays null."""
    cells = column.dictionary_encode()
    key = json.dumps(name, ensure_ascii=False)
    members = [
        f"{key}: {json.dumps(cell, ensure_ascii=False)}" for cell in cells.dictionary.to_pylist()
    ]
    return pa.array(members, pa.string()).take(cells.indices)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """A dictionary column's cells themselves."""
    whole = column.combine_chunks()
    return whole.dictionary.take(whole.indices)
