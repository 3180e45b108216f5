"""What stops a whole file: a person in it, or answers of a form that has changed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.personal import Personal
from schemas.survey import CHOSEN
from transforms.birth_dates import LOOKED_AT, are_birth_dates, classes_are_birth_dates
from transforms.choices import split_choices
from transforms.code_numbers import numbers_by_chance, numbers_of_persons
from transforms.drawn_codes import drawn_forms, form_of, is_of_form, may_be_chance
from transforms.drift import MIN_ROWS, MIN_SHARE
from transforms.encoded import distinct, indices
from transforms.form_marks import is_answer_time
from transforms.gate import Person, Place, persons_among
from transforms.held import Codes
from transforms.readers.reading import Batch
from transforms.undecided import numbers_in_broken

Strangers = dict[str, dict[str, int]]  # item -> answer -> pupils


class FilesStopped(Exception):  # noqa: N818 - the files' problem, not an error of ours
    """Files of a block of which nothing may be stored: persons, names for codes, a changed form."""

    def __init__(
        self,
        persons: Sequence[Person],
        strangers: Mapping[int, Strangers],
        named: Collection[int] = (),
    ) -> None:
        files = {one.file_no for one in persons} | set(strangers) | set(named)
        super().__init__(f"{len(files)} file(s)")
        self.persons = tuple(persons)
        self.named = frozenset(named)
        self.strangers = dict(strangers)


def strangers_in(
    batch: Batch, verdicts: Mapping[str, Codes], items: Iterable[str]
) -> dict[int, Strangers]:
    """For each file that has many of them, the answers that are none of an item's options."""
    found: dict[int, Strangers] = {}
    file_no = batch.file_no.to_numpy()
    for name in items:
        if not verdicts[name].any():
            continue
        cells = distinct(batch.table.column(name)).to_pylist()
        at = indices(batch.table.column(name), if_null=len(cells))
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


# What a sound cell may say is listed, but for these: a name of a class, a number of a tool's.
_OPEN_COLUMNS = ("class_group", "submission")
_CODE: Place = "code"
_PLACES: Mapping[str, Place] = {
    "pupil_code": _CODE,
    "submission": "id",
    "submitted_on": "id",
    "answer_time_ms": "id",
}


# A code that is sound may still be somebody's number, written with hyphens or behind a letter.
_NUMBER = r"[0-9](-?[0-9]){7}"


def _flags(found: pa.Array) -> npt.NDArray[np.bool_]:
    flags: npt.NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return flags


def numbers_in_broken_rows(batch: Batch) -> Iterator[Person]:
    """Records that are no rows and hold somebody's number, whichever column that stood in."""
    for file_no in sorted({file_no for file_no, _ in batch.malformed}):
        rows = [row for own, row in batch.malformed if own == file_no]
        for row_no, kind, column in numbers_in_broken(rows):
            yield Person(file_no, row_no, kind, column)


def numbers_in_codes(batch: Batch, judged: pl.DataFrame) -> Iterator[Person]:
    """The rows whose pupil codes (`bare_codes`) hold somebody's number, behind what all share."""
    for kind, hits in numbers_of_persons(judged).items():
        rows = np.flatnonzero(hits)
        places = (column.take(rows).to_pylist() for column in (batch.file_no, batch.row_no))
        for file_no, row_no in zip(*places, strict=True):
            yield Person(file_no, row_no, kind, "pupil_code")


def born_in(typed: pa.Table, years: pa.Array, judged: pl.DataFrame) -> Iterator[Person]:
    """The rows of files whose pupil codes, or classes, are birth dates.

    `years`: see `are_birth_dates`; `judged`: the `bare_codes` of the same rows.
    """
    known = {name: pl.Series(typed.column(name)) for name in ("file_no", "grade")}
    known["year"] = pl.Series(years)
    ways = {"pupil_code": are_birth_dates, "class_group": classes_are_birth_dates}
    for column, are_births in ways.items():
        cells = pl.Series(typed.column(column).cast(pa.string()), dtype=pl.String)
        told = pl.DataFrame({**known, "code": cells})
        if column == "pupil_code":
            told = told.with_columns(judged.select(LOOKED_AT))
        rows = pa.array(np.flatnonzero(are_births(told)))
        places = (typed.column(name).take(rows).to_pylist() for name in ("file_no", "row_no"))
        for file_no, row_no in zip(*places, strict=True):
            yield Person(file_no, row_no, Personal.BIRTH_DATE, column)


def persons_in(
    batch: Batch, verdicts: Mapping[str, Codes], judged: pl.DataFrame
) -> Iterator[Person]:
    """Cells with personal data, looked for wherever a cell could say anything at all.

    `judged`: the `bare_codes` of the same rows; those drawn by lot are numbers by chance.
    """
    cells: dict[str, pa.Array] = {}
    places: dict[str, npt.NDArray[np.int64]] = {}
    for name, codes in verdicts.items():
        values = distinct(batch.table.column(name))
        at = _suspects(name, values, codes)
        if len(at):
            cells[name], places[name] = _looked_at(name, values.take(at), at)
    kinds_of = {**_PLACES, **{name: _CODE for name in cells if name.startswith(CHOSEN)}}
    for name, kinds in persons_among(cells, kinds_of).items():
        for kind, hits in kinds.items():
            among = np.zeros(len(verdicts[name]) + 1, np.bool_)
            among[places[name][hits]] = True
            rows = np.flatnonzero(among[indices(batch.table.column(name), len(among) - 1)])
            if kind in _NUMBERS and kinds_of.get(name) == _CODE:
                rows = rows[~_are_by_chance(batch, name, rows, judged)]
            found = zip(
                batch.file_no.take(rows).to_pylist(),
                batch.row_no.take(rows).to_pylist(),
                strict=True,
            )
            yield from (Person(file_no, row_no, kind, name) for file_no, row_no in found)


_NUMBERS = (Personal.PHONE, Personal.NATIONAL_ID)


def _are_by_chance(
    batch: Batch, name: str, rows: npt.NDArray[np.int64], judged: pl.DataFrame
) -> npt.NDArray[np.bool_]:
    """Which of these rows have codes, or choices, of the form in which their file draws codes."""
    if name == "pupil_code":
        return numbers_by_chance(judged)[rows]
    forms = drawn_forms(judged)
    if forms.is_empty():
        return np.zeros(len(rows), np.bool_)
    codes, at = split_choices(batch.table.column(name).take(pa.array(rows)).combine_chunks())
    said = pl.DataFrame({"at": at, "code": pl.Series(codes, dtype=pl.String)}).with_columns(
        form_of(pl.col("code").str.to_uppercase()).alias("form"),
        judged["file_no"].gather(rows).gather(at).alias("file_no"),
    )
    few = may_be_chance(pl.col("at").n_unique().over("file_no"), pl.col("rows"))
    others = said.join(forms, on="file_no", how="left").filter(
        ~is_of_form() | ~few.fill_null(value=False)
    )
    by_chance = np.ones(len(rows), np.bool_)
    by_chance[others["at"].to_numpy()] = False
    return by_chance


def _suspects(name: str, values: pa.Array, codes: Codes) -> npt.NDArray[np.int64]:
    """The places of the distinct cells that could hold a person."""
    if name in _OPEN_COLUMNS:
        return np.arange(len(codes))
    if name == "answer_time_ms":
        return np.flatnonzero(_flags(pc.invert(is_answer_time(values))))
    if name == "pupil_code" or name.startswith(CHOSEN):
        return np.flatnonzero((codes > 0) | _flags(pc.match_substring_regex(values, _NUMBER)))
    return np.flatnonzero(codes)


def _looked_at(
    name: str, cells: pa.Array, at: npt.NDArray[np.int64]
) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The cells and their places; of choices each code as well, for a number may be among them."""
    if not name.startswith(CHOSEN):
        return cells, at
    codes, of = split_choices(cells)
    return pa.concat_arrays([cells.cast(pa.string()), codes]), np.concatenate([at, at[of]])
