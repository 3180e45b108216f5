"""From canonical text to typed answers: what is sound goes on, what is not is held with a reason.

Every check of the row model is element-wise, so it is run on the distinct cells of each column and
not on the rows: 650,000 rows hold a few hundred distinct cells. A property test keeps the result
equal to pandera on every row. Pandera's own errors carry cells and end here.
"""

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

from schemas.answer import (
    GENDER_WORDS,
    MAY_BE_LEFT_BLANK,
    answer_texts,
    raw_answer_model,
    required_columns,
)
from schemas.instrument import SKIPPED, Instrument
from schemas.reason import Reason
from schemas.settings import Settings
from schemas.survey import Survey
from transforms.bare_codes import bare_codes
from transforms.class_spelling import plain_class
from transforms.code_names import files_of_names
from transforms.encoded import distinct, indices, whole
from transforms.form_marks import is_answer_time
from transforms.gate import Person
from transforms.held import (
    CODE_OF,
    Codes,
    HeldRow,
    held_rows,
    known_by,
    malformed_rows,
    only_sound,
    sound_only,
)
from transforms.left_blank import LeftBlank, left_blank
from transforms.readers.reading import Batch
from transforms.recognise import item_columns
from transforms.stops import (
    Strangers,
    born_in,
    numbers_in_broken_rows,
    numbers_in_codes,
    persons_in,
    strangers_in,
)
from transforms.supplied import STORED, reader_of

# A column with more distinct cells than this is not remembered from block to block.
REMEMBERED_CELLS = 5_000
ModelOf = Callable[[tuple[str, ...]], pandera.DataFrameSchema]


@dataclass(frozen=True, slots=True)
class Validated:
    """`accepted`: file_no, row_no, context and int8 answers, a row a form; `held`: the rest.

    Where there are `persons`, or answers of a changed form in `strangers` (by file, item and
    answer: how many pupils), nothing of their files may be stored, nor of the files of `named`, of
    which most codes may be names. `readable` is what can be read
    of the held forms, in the columns of `accepted`; null where a cell is not sound. `left_blank`
    counts cells that accepted rows do without.
    """

    accepted: pa.Table = field(repr=False)
    held: tuple[HeldRow, ...]
    readable: pa.Table = field(repr=False)
    persons: tuple[Person, ...] = ()
    strangers: Mapping[int, Strangers] = field(default_factory=dict, repr=False)
    left_blank: tuple[LeftBlank, ...] = ()
    named: tuple[int, ...] = ()


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
        supplied = {
            f"{key}.{scale.id}": scale
            for key in survey.instruments
            for scale in instruments[key].supplied.values()
        }
        self._scores = {
            name: reader_of(scale, {"": SKIPPED, **self._items.pop(name)})
            for name, scale in supplied.items()
        }
        self._required = required_columns(survey)
        self._chosen = tuple(survey.chosen)
        self._waves = settings.waves
        self._has_codes_of_letters = bool(settings.pupil_codes.of_letters)
        self._one_name = plain_class(settings.classes.names)
        self._wave_ids = [wave.id for wave in settings.waves]
        self._verdicts: dict[str, dict[str, int]] = {}

    def validate(self, batch: Batch) -> Validated:
        """Split a canonical batch (see `canonical_batch`) into accepted and held rows."""
        verdicts = self._judge(batch.table)
        failures = self._failures(batch.table, verdicts)
        wave = self._wave_of(batch.table)
        # A date that says nothing is told as such, and not as a date outside every wave as well.
        undated = (failures["submitted_on"] > 0) & _is_null(batch.table.column("wave"))
        is_unknown = (wave < 0) & ~undated
        failures["wave"] = np.where(is_unknown, np.int16(CODE_OF[Reason.WAVE_UNKNOWN]), 0)
        bad = {column: codes for column, codes in failures.items() if codes.any()}
        is_held = np.zeros(batch.table.num_rows, np.bool_)
        for name, codes in bad.items():
            if name not in MAY_BE_LEFT_BLANK:
                is_held |= codes > 0
        accepted = typed = self._typed(batch, wave, bad)
        if is_held.any():
            accepted = typed.filter(pa.array(~is_held))
        rows = np.flatnonzero(is_held)
        waves = [self._wave_ids[at] if at >= 0 else None for at in wave[rows].tolist()]
        unsound = {name: codes[rows] for name, codes in bad.items()}
        unread = typed.take(rows)
        marks = known_by(unread, unsound)
        held = [*held_rows(batch, bad, rows, waves, marks), *malformed_rows(batch)]
        years = self._school_years(wave)
        judged = bare_codes(_codes_of(typed, years))
        persons = (
            *persons_in(batch, verdicts, judged),
            *numbers_in_codes(batch, judged),
            *numbers_in_broken_rows(batch),
            *born_in(typed, years, judged),
        )
        return Validated(
            accepted,
            tuple(held),
            only_sound(unread, {**unsound, "wave": (wave[rows] < 0).astype(np.int16)}),
            persons=tuple(dict.fromkeys(persons)),
            strangers=strangers_in(batch, verdicts, self._items),
            left_blank=left_blank(batch, bad, ~is_held),
            named=self._named(judged),
        )

    def _failures(self, table: pa.Table, verdicts: Mapping[str, Codes]) -> dict[str, Codes]:
        """For each column the reason code of each row, 0 where the cell is sound."""
        return {
            name: _per_row(table.column(name), verdicts[name], self._required.get(name))
            for name in table.column_names
        }

    def _judge(self, table: pa.Table) -> dict[str, Codes]:
        """For each column the reason code of each distinct cell."""
        cells = {name: distinct(table.column(name)) for name in table.column_names}
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
        return np.where(_is_null(table.column("wave")), dated, named)

    def _wave_on(self, cell: str) -> int:
        day = _day(cell)
        for at, wave in enumerate(self._waves):
            if day is not None and wave.opens <= day <= wave.closes:
                return at
        return -1

    def _school_years(self, wave: Codes) -> pa.Array:
        """The first year of the school year that each row was answered in; null for no wave."""
        years = pa.array([*(int(one.school_year[:4]) for one in self._waves), None], pa.int32())
        return years.take(pa.array(np.where(wave < 0, len(self._waves), wave)))

    def _typed(self, batch: Batch, wave: Codes, bad: Mapping[str, Codes]) -> pa.Table:
        table = batch.table
        columns: dict[str, pa.Array] = {
            "file_no": batch.file_no,
            "row_no": batch.row_no,
            "wave_id": pa.DictionaryArray.from_arrays(
                pa.array(np.where(wave < 0, 0, wave), pa.int32()), pa.array(self._wave_ids)
            ),
            "school_id": whole(table.column("school")),
            "class_group": self._class_of(table.column("class_group")),
            "grade": _recode(table.column("grade"), _whole_number, pa.int8()),
            "gender": _recode(table.column("gender"), _gender, pa.string()),
            "pupil_code": _upper(table.column("pupil_code")),
            "submission": whole(table.column("submission")),
            "submitted_on": _recode(table.column("submitted_on"), _day, pa.date32()),
            "enrolled_on": _recode(table.column("enrolled_on"), _day, pa.date32()),
            "answer_time_ms": _answer_time(table.column("answer_time_ms")),
            "had_text": _recode(table.column("had_text"), "1".__eq__, pa.bool_()),
        }
        for name in MAY_BE_LEFT_BLANK:
            columns[name] = sound_only(columns[name], bad.get(name))
        for name in self._chosen:
            if name in table.column_names:
                columns[name] = _upper(table.column(name))
        for name, texts in self._items.items():
            codes = {"": SKIPPED, **texts}
            columns[name] = _recode(table.column(name), codes.get, pa.int8())
        for name, read in self._scores.items():
            columns[name] = _recode(table.column(name), read, STORED)
        return pa.table(columns)

    def _named(self, judged: pl.DataFrame) -> tuple[int, ...]:
        """The files whose pupil codes may be names, unless the municipality says that none are."""
        return () if self._has_codes_of_letters else tuple(files_of_names(judged))

    def _class_of(self, column: pa.ChunkedArray) -> pa.Array:
        names = pl.Series("class_group", distinct(column), dtype=pl.String).to_frame()
        plain = names.select(self._one_name).to_series().to_arrow().cast(pa.string())
        return plain.take(whole(column).indices)


def _codes_of(typed: pa.Table, years: pa.Array) -> pl.DataFrame:
    """The pupil codes with what each row says of its pupil, as `bare_codes` asks for them."""
    texts = {"code": "pupil_code", "school": "school_id", "class_group": "class_group"}
    return pl.DataFrame(
        {
            **{name: pl.Series(typed.column(name)) for name in ("file_no", "grade")},
            **{own: pl.Series(typed.column(name).cast(pa.string())) for own, name in texts.items()},
            "year": pl.Series(years),
        }
    )


def _is_null(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    nulls: npt.NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    return nulls


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
            verdicts[name][index] = CODE_OF[reason]
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


def _per_row(column: pa.ChunkedArray, verdicts: Codes, required: Reason | None) -> Codes:
    by_cell = np.append(verdicts, np.int16(CODE_OF[required]))
    if not by_cell.any():
        return np.zeros(len(column), np.int16)
    return by_cell[indices(column, if_null=len(verdicts))]


def _map(column: pa.ChunkedArray, function, *, if_null: int) -> Codes:  # type: ignore[no-untyped-def]  # noqa: ANN001
    by_cell = np.array([*map(function, distinct(column).to_pylist()), if_null], np.int16)
    return by_cell[indices(column, if_null=len(by_cell) - 1)]


def _recode(column: pa.ChunkedArray, function, kind: pa.DataType) -> pa.Array:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Each cell as `function` of it; a cell that has no typed value becomes null."""
    by_cell = pa.array([function(cell) for cell in distinct(column).to_pylist()], kind)
    return by_cell.take(whole(column).indices)


def _answer_time(column: pa.ChunkedArray) -> pa.Array:
    cells = distinct(column)
    times = pc.if_else(is_answer_time(cells), cells, pa.scalar(None, pa.string()))
    return times.cast(pa.int32()).take(whole(column).indices)


def _upper(column: pa.ChunkedArray) -> pa.Array:
    return pc.utf8_upper(distinct(column)).take(whole(column).indices)


def _gender(cell: str) -> str | None:
    return GENDER_WORDS.get(cell) or None


def _day(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell[:10])
    except ValueError:
        return None


def _whole_number(cell: str) -> int | None:
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) <= 2 else None  # noqa: PLR2004
