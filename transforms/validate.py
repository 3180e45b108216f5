"""From canonical text to typed answers: what is sound goes on, what is not is held with a reason.

Every check of the row model is element-wise, so it is run on the distinct cells of each column and
not on the rows: 650,000 rows hold a few hundred distinct cells. A property test keeps the result
equal to pandera on every row. Pandera's own errors carry cells and end here.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
import pandera.polars as pandera
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pandera.errors import SchemaErrors

from schemas.answer import answer_texts, raw_answer_model, required_columns
from schemas.instrument import SKIPPED, Instrument
from schemas.reason import Reason
from schemas.settings import Settings
from schemas.survey import Survey
from transforms.drift import MIN_ROWS, MIN_SHARE
from transforms.gate import Person, Place, persons_among
from transforms.readers.reading import Batch
from transforms.recognise import item_columns

# A column with more distinct cells than this is not remembered from block to block.
REMEMBERED_CELLS = 5_000
# Cells that differ between two encodings of the same form: no part of what a row is known by. The
# wave that they lead to is, for the same pupil may well be held for the same cell in the next one.
NOT_IN_DIGEST = frozenset({"submitted_on", "wave"})

# What makes one version of a form differ from another, besides the answers.
COMPARED = {
    "school": "school_id",
    "class_group": "class_group",
    "grade": "grade",
    "gender": "gender",
}

Codes = npt.NDArray[np.int16]
Strangers = dict[str, dict[str, int]]  # item -> answer -> pupils
ModelOf = Callable[[tuple[str, ...]], pandera.DataFrameSchema]


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row for the quarantine. `content` is canonical text for a keyed digest, never for a log.

    `pupil_code` and `wave_id` are null where they are not sound; `sound` says the typed values of
    the compared columns that are, in the words of `sound_text_sql`.
    """

    file_no: int
    row_no: int
    reasons: tuple[Reason, ...]
    columns: tuple[str, ...]
    content: bytes = field(repr=False)
    pupil_code: str | None = field(default=None, repr=False)
    wave_id: str | None = None
    sound: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Validated:
    """`accepted`: file_no, row_no, context and int8 answers, a row a form; `held`: the rest.

    Where there are `persons`, or answers of a changed form in `strangers` (by file, item and
    answer: how many pupils), nothing of their files may be stored.
    """

    accepted: pa.Table = field(repr=False)
    held: tuple[HeldRow, ...]
    persons: tuple[Person, ...] = ()
    strangers: Mapping[int, Strangers] = field(default_factory=dict, repr=False)


class FilesStopped(Exception):  # noqa: N818 - the files' problem, not an error of ours
    """Files of a block of which nothing may be stored: persons in them, or a changed form."""

    def __init__(self, persons: Sequence[Person], strangers: Mapping[int, Strangers]) -> None:
        super().__init__(f"{len({one.file_no for one in persons} | set(strangers))} file(s)")
        self.persons = tuple(persons)
        self.strangers = dict(strangers)


class Validator:
    """Checks and types the canonical rows of one survey, block after block."""

    def __init__(
        self, survey: Survey, instruments: Mapping[str, Instrument], settings: Settings
    ) -> None:
        model = raw_answer_model(survey, dict(instruments), settings)
        # Pandera copies the whole model to select from it, and the columns are always the same few.
        self._model_of = cache(lambda names: model.select_columns(list(names)))
        self._items = {
            name: answer_texts(survey, instruments[name.split(".")[0]], name.split(".")[1])
            for name in item_columns(survey, instruments)
        }
        self._required = required_columns(survey)
        self._waves = settings.waves
        self._wave_ids = [wave.id for wave in settings.waves]
        self._verdicts: dict[str, dict[str, int]] = {}

    def validate(self, batch: Batch) -> Validated:
        """Split a canonical batch (see `canonical_batch`) into accepted and held rows."""
        verdicts = self._judge(batch.table)
        failures = self._failures(batch.table, verdicts)
        wave = self._wave_of(batch.table)
        failures["wave"] = np.where(wave < 0, np.int16(_CODE[Reason.WAVE_UNKNOWN]), 0)
        bad = {column: codes for column, codes in failures.items() if codes.any()}
        is_held = np.zeros(batch.table.num_rows, np.bool_)
        for codes in bad.values():
            is_held |= codes > 0
        accepted = typed = self._typed(batch, wave)
        if is_held.any():
            accepted = typed.filter(pa.array(~is_held))
        rows = np.flatnonzero(is_held)
        waves = [self._wave_ids[at] if at >= 0 else None for at in wave[rows].tolist()]
        known_by = _known_by(typed.take(rows), {name: codes[rows] for name, codes in bad.items()})
        held = [*_held_rows(batch, bad, rows, waves, known_by), *_malformed_rows(batch)]
        return Validated(
            accepted,
            tuple(held),
            persons=tuple(_persons(batch, verdicts)),
            strangers=self._strangers(batch, verdicts),
        )

    def _strangers(self, batch: Batch, verdicts: Mapping[str, Codes]) -> dict[int, Strangers]:
        """For each file that has many of them, the answers that are none of an item's options."""
        found: dict[int, Strangers] = {}
        file_no = batch.file_no.to_numpy()
        for name in self._items:
            if not verdicts[name].any():
                continue
            cells = _distinct(batch.table.column(name)).to_pylist()
            at = _indices(batch.table.column(name), if_null=len(cells))
            strange = np.append(verdicts[name] > 0, np.False_)[at]
            answered = np.array([*(bool(cell) for cell in cells), False])[at]
            counts = np.bincount(file_no[strange], minlength=file_no.max() + 1)
            enough = np.maximum(
                MIN_ROWS, MIN_SHARE * np.bincount(file_no[answered], minlength=len(counts))
            )
            for file in np.flatnonzero(counts >= enough).tolist():
                own = at[strange & (file_no == file)]
                which, rows = np.unique(own, return_counts=True)
                told = {cells[i]: n for i, n in zip(which.tolist(), rows.tolist(), strict=True)}
                found.setdefault(file, {})[name] = told
        return found

    def _failures(self, table: pa.Table, verdicts: Mapping[str, Codes]) -> dict[str, Codes]:
        """For each column the reason code of each row, 0 where the cell is sound."""
        return {
            name: _per_row(table.column(name), verdicts[name], self._required.get(name))
            for name in table.column_names
        }

    def _judge(self, table: pa.Table) -> dict[str, Codes]:
        """For each column the reason code of each distinct cell."""
        cells = {name: _distinct(table.column(name)) for name in table.column_names}
        few = {name: values for name, values in cells.items() if len(values) <= REMEMBERED_CELLS}
        many = {name: values for name, values in cells.items() if name not in few}
        fresh = {
            name: pa.array(unseen, pa.string())
            for name, values in few.items()
            if (unseen := self._unseen(name, values.to_pylist()))
        }
        found = _check(self._model_of, {**fresh, **many})
        for name, values in fresh.items():
            known = zip(values.to_pylist(), found[name].tolist(), strict=True)
            self._verdicts.setdefault(name, {}).update(known)
        return {
            **{name: self._remember(name, values) for name, values in few.items()},
            **_blank_is_sound({name: found[name] for name in many}, many),
        }

    def _unseen(self, name: str, cells: Sequence[str]) -> list[str]:
        """The cells that no earlier block has shown; a blank is never judged."""
        known = self._verdicts.get(name, {})
        return [cell for cell in cells if cell and cell not in known]

    def _remember(self, name: str, values: pa.Array) -> Codes:
        known = self._verdicts.get(name, {})
        return np.array([known.get(cell, 0) for cell in values.to_pylist()], np.int16)

    def _wave_of(self, table: pa.Table) -> Codes:
        """The number of each row's wave in the settings: by name, else by date, else -1."""
        number = {wave_id: at for at, wave_id in enumerate(self._wave_ids)}
        named = _map(table.column("wave"), lambda cell: number.get(cell, -1), if_null=-1)
        if (named >= 0).all():
            return named
        dated = _map(table.column("submitted_on"), self._wave_on, if_null=-1)
        unnamed = table.column("wave").is_null().to_numpy(zero_copy_only=False)
        return np.where(unnamed, dated, named)

    def _wave_on(self, cell: str) -> int:
        day = _day(cell)
        for at, wave in enumerate(self._waves):
            if day is not None and wave.opens <= day <= wave.closes:
                return at
        return -1

    def _typed(self, batch: Batch, wave: Codes) -> pa.Table:
        table = batch.table
        columns: dict[str, pa.Array] = {
            "file_no": batch.file_no,
            "row_no": batch.row_no,
            "wave_id": pa.DictionaryArray.from_arrays(
                pa.array(np.where(wave < 0, 0, wave), pa.int32()), pa.array(self._wave_ids)
            ),
            "school_id": _whole(table.column("school")),
            "class_group": _recode(table.column("class_group"), _plain_class, pa.string()),
            "grade": _recode(table.column("grade"), _whole_number, pa.int8()),
            "gender": _whole(table.column("gender")),
            "pupil_code": _upper(table.column("pupil_code")),
            "submission": _whole(table.column("submission")),
            "submitted_on": _recode(table.column("submitted_on"), _day, pa.date32()),
            "enrolled_on": _recode(table.column("enrolled_on"), _day, pa.date32()),
        }
        for name, texts in self._items.items():
            codes = {"": SKIPPED, **texts}
            columns[name] = _recode(table.column(name), codes.get, pa.int8())
        return pa.table(columns)


_REASONS: tuple[Reason | None, ...] = (None, *Reason)
_CODE: dict[Reason | None, int] = {reason: code for code, reason in enumerate(_REASONS)}


def _check(model_of: ModelOf, cells: Mapping[str, pa.Array]) -> dict[str, Codes]:
    """The verdict of the row model on distinct cells: the first check that each one fails."""
    if not cells:
        return {}
    frame = pl.concat(
        [pl.Series(name, values).to_frame() for name, values in cells.items()],
        how="horizontal_extend",
    )
    verdicts = {name: np.zeros(len(values), np.int16) for name, values in cells.items()}
    for name, index, reason in _failed_cells(model_of(tuple(cells)), frame):
        if not verdicts[name][index]:
            verdicts[name][index] = _CODE[reason]
    return verdicts


def _blank_is_sound(verdicts: dict[str, Codes], cells: Mapping[str, pa.Array]) -> dict[str, Codes]:
    """A blank was asked and not answered: that is no matter for the model, which knows answers."""
    for name, values in cells.items():
        verdicts[name][pc.equal(values, "").to_numpy(zero_copy_only=False)] = 0
    return verdicts


def _failed_cells(
    model: pandera.DataFrameSchema, frame: pl.DataFrame
) -> Iterator[tuple[str, int, Reason]]:
    try:
        model.validate(frame, lazy=True)
    except SchemaErrors as error:
        found = error.failure_cases.select("column", "index", "check", "check_number")
    else:
        return
    for name, index, check, _ in found.sort("column", "index", "check_number").iter_rows():
        yield name, index, Reason(check)


# What a sound cell may say is listed, but for these: a name of a class, a number of a tool's.
_OPEN_COLUMNS = ("class_group", "submission")
_PLACES: Mapping[str, Place] = {"pupil_code": "code", "submission": "id", "submitted_on": "id"}


def _persons(batch: Batch, verdicts: Mapping[str, Codes]) -> Iterator[Person]:
    """Cells with personal data, looked for wherever a cell could say anything at all."""
    suspects: dict[str, npt.NDArray[np.int64]] = {}
    for name, codes in verdicts.items():
        at = np.arange(len(codes)) if name in _OPEN_COLUMNS else np.flatnonzero(codes)
        if len(at):
            suspects[name] = at
    cells = {name: _distinct(batch.table.column(name)).take(at) for name, at in suspects.items()}
    for name, kinds in persons_among(cells, _PLACES).items():
        for kind, hits in kinds.items():
            among = np.zeros(len(verdicts[name]) + 1, np.bool_)
            among[suspects[name][hits]] = True
            rows = np.flatnonzero(among[_indices(batch.table.column(name), len(among) - 1)])
            places = zip(
                batch.file_no.take(rows).to_pylist(),
                batch.row_no.take(rows).to_pylist(),
                strict=True,
            )
            yield from (Person(file_no, row_no, kind, name) for file_no, row_no in places)


def _whole(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.chunk(0)


def _distinct(column: pa.ChunkedArray) -> pa.Array:
    return _whole(column).dictionary


def _indices(column: pa.ChunkedArray, if_null: int) -> npt.NDArray[np.int32]:
    numbers: npt.NDArray[np.int32] = _whole(column).indices.fill_null(if_null).to_numpy()
    return numbers


def _per_row(column: pa.ChunkedArray, verdicts: Codes, required: Reason | None) -> Codes:
    by_cell = np.append(verdicts, np.int16(_CODE[required]))
    if not by_cell.any():
        return np.zeros(len(column), np.int16)
    return by_cell[_indices(column, if_null=len(verdicts))]


def _map(column: pa.ChunkedArray, function, *, if_null: int) -> Codes:  # type: ignore[no-untyped-def]  # noqa: ANN001
    by_cell = np.array([*map(function, _distinct(column).to_pylist()), if_null], np.int16)
    return by_cell[_indices(column, if_null=len(by_cell) - 1)]


def _recode(column: pa.ChunkedArray, function, kind: pa.DataType) -> pa.Array:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Each cell as `function` of it; a cell that has no typed value becomes null."""
    by_cell = pa.array([function(cell) for cell in _distinct(column).to_pylist()], kind)
    return by_cell.take(_whole(column).indices)


def _upper(column: pa.ChunkedArray) -> pa.Array:
    return pc.utf8_upper(_distinct(column)).take(_whole(column).indices)


def _day(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell[:10])
    except ValueError:
        return None


def _whole_number(cell: str) -> int | None:
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) <= 2 else None  # noqa: PLR2004


def _plain_class(cell: str) -> str:
    """One spelling a class: `7a`, `7 A` and `7A` are the same."""
    return cell.upper().replace(" ", "")


def _held_rows(
    batch: Batch,
    bad: Mapping[str, Codes],
    rows: npt.NDArray[np.int64],
    waves: Sequence[str | None],
    known_by: tuple[pa.Array, pa.Array],
) -> list[HeldRow]:
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
            *(column.to_pylist() for column in known_by),
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


def _known_by(typed: pa.Table, bad: Mapping[str, Codes]) -> tuple[pa.Array, pa.Array]:
    """The pupil code of each held row, null where it is not sound, and its sound cells as text."""
    items = [name for name in typed.column_names if "." in name]
    cells = []
    for name, column in sorted(compared_columns(items).items()):
        values = typed.column(column).cast(pa.string()).combine_chunks()
        told = pc.binary_join_element_wise(f"{name}=", values, "")
        cells.append(_unless(bad.get(name), told))
    codes = typed.column("pupil_code").cast(pa.string()).combine_chunks()
    sound = pc.binary_join_element_wise(*cells, "|", null_handling="skip")
    return _unless(bad.get("pupil_code"), codes), sound


def _unless(failed: Codes | None, cells: pa.Array) -> pa.Array:
    return cells if failed is None else pc.if_else(pa.array(failed > 0), None, cells)


def _cause(
    names: Sequence[str], codes: Sequence[int]
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """The reasons of one pattern of failures, and the columns that failed, each sorted."""
    failed = {name: _REASONS[code] for name, code in zip(names, codes, strict=True) if code}
    return tuple(sorted({reason for reason in failed.values() if reason})), tuple(failed)


def _malformed_rows(batch: Batch) -> Iterator[HeldRow]:
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
