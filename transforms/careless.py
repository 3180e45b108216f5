"""Marks for forms that may have been filled in without reading: for a person to weigh, no more.

A mark deletes nothing, changes no score and lowers no flag. It is false for many honest pupils, so
it is told beside a result and never as a result. True: looks careless; false: does not; null: there
is too little to tell by.

- `straight_line`: one code for all answered items of a matrix, six at least, although some of them
  are worded the other way round, so that the answers contradict each other. In a matrix whose items
  all point one way the same answer to each is what a pupil who is always left out, or always well,
  would give: it is never marked. Of Nordic 15-year-olds 23 % answered one short scale in a straight
  line (Aarø et al. 2022, doi:10.1002/jad.12066). Not marked either: the middle code, which is no
  contradiction. A matrix is what shares an option set in one instrument.
- `all_extremes`: every answered item of a matrix, six at least with four options or more, has the
  first or the last code, and within a scale both, after reversed items are turned. Who says the
  worst (or the best) throughout is consistent and is not marked. Young children rate feelings at
  the ends of a scale (Chambers & Johnston 2002, doi:10.1093/jpepsy/27.1.27): expect many false
  marks below grade 5.
- `too_fast`: less than two seconds for each answered item. The cut is that of Huang et al. (2012)
  and held among adults, for items of different lengths (Bowling et al. 2023,
  doi:10.1177/10944281211056520). Ours is the time of the whole form, breaks and further questions
  included, so it misses many and is seldom wrong; a form typed in from paper is wrongly marked.
- `identical`: another pupil of the class has the same answer to every item, ten answered at least.
  Few options, few items and a class that thrives make equal forms by chance, so it is a poor sign
  by itself (Simmons et al. 2016, Pew Research Center). All of them are marked, for nobody can tell
  who copied.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.instrument import LOWEST_OPTION, Instrument, Item

LEAST_MATRIX = 6
LEAST_OPTIONS = 4
LEAST_IDENTICAL = 10
FASTEST_ITEM_MS = 2_000

Bools = npt.NDArray[np.bool_]
Verdicts = tuple[Bools, Bools]  # for each row: could it be judged, and is it marked

_NOT_ANSWERED = LOWEST_OPTION - 1
_CLASS = ("wave_id", "school_id", "class_group")


def careless_marks(
    answers: pa.Table,
    instruments: Sequence[Instrument],
    *,
    answer_time_ms: pa.Array | pa.ChunkedArray | None = None,
) -> pa.Table:
    """One row of nullable booleans a row of `answers`, in its order; see above for the columns.

    `answers`: accepted rows as the validator types them, items as int8 in `instrument_key.item`;
    items that it lacks were not asked. `answer_time_ms`: milliseconds for the whole form, null
    where the tool does not tell.
    """
    matrices = [matrix for one in instruments for matrix in _matrices(answers, one)]
    columns = [name for one in instruments for name in _columns(answers, one, one.items)]
    answered = _codes(answers, columns) >= LOWEST_OPTION
    return pa.table(
        {
            "straight_line": _any_of(answers.num_rows, [_straight_line(one) for one in matrices]),
            "all_extremes": _any_of(answers.num_rows, [_all_extremes(one) for one in matrices]),
            "too_fast": _told(*_too_fast(answered.sum(axis=1), answer_time_ms)),
            "identical": _told(*_identical(answers, columns, answered.sum(axis=1))),
        }
    )


@dataclass(frozen=True, slots=True)
class _Matrix:
    """Items of one instrument with one option set. `scales`: which items each scale counts."""

    codes: npt.NDArray[np.int16]
    lowest: int
    highest: int
    options: int
    is_reversed: Bools
    scales: tuple[Bools, ...]

    @property
    def answered(self) -> Bools:
        return self.codes >= LOWEST_OPTION


def _matrices(answers: pa.Table, instrument: Instrument) -> Iterator[_Matrix]:
    for options in instrument.option_sets:
        items = [item for item in instrument.items if item.options == options]
        columns = _columns(answers, instrument, items)
        if len(columns) < LEAST_MATRIX:
            continue
        items = [item for item in items if f"{instrument.key}.{item.id}" in columns]
        codes = instrument.codes(items[0].id)
        yield _Matrix(
            codes=_codes(answers, columns),
            lowest=min(codes),
            highest=max(codes),
            options=len(codes),
            is_reversed=np.array([item.is_reversed for item in items]),
            scales=tuple(
                np.array([item.id in scale.items for item in items]) for scale in instrument.scales
            ),
        )


def _columns(answers: pa.Table, instrument: Instrument, items: Sequence[Item]) -> list[str]:
    names = [f"{instrument.key}.{item.id}" for item in items]
    have = set(answers.column_names)
    return [name for name in names if name in have]


def _codes(answers: pa.Table, columns: Sequence[str]) -> npt.NDArray[np.int16]:
    """Rows times items; whatever is no answer is below the lowest option."""
    codes = np.full((answers.num_rows, len(columns)), _NOT_ANSWERED, np.int16)
    for at, name in enumerate(columns):
        codes[:, at] = answers.column(name).fill_null(_NOT_ANSWERED).to_numpy()
    return codes


def _straight_line(matrix: _Matrix) -> Verdicts:
    answered, turned = matrix.answered, matrix.is_reversed
    least = np.where(answered, matrix.codes, np.iinfo(np.int16).max).min(axis=1)
    most = np.where(answered, matrix.codes, np.iinfo(np.int16).min).max(axis=1)
    both_ways = answered[:, turned].any(axis=1) & answered[:, ~turned].any(axis=1)
    judged = (answered.sum(axis=1) >= LEAST_MATRIX) & both_ways
    is_middle = least + most == matrix.lowest + matrix.highest
    return judged, judged & (least == most) & ~is_middle


def _all_extremes(matrix: _Matrix) -> Verdicts:
    answered, sum_of_ends = matrix.answered, matrix.lowest + matrix.highest
    codes = np.where(matrix.is_reversed, sum_of_ends - matrix.codes, matrix.codes)
    low, high = answered & (codes == matrix.lowest), answered & (codes == matrix.highest)
    comparable, contradicting = np.zeros((2, len(codes)), np.bool_)
    for scale in matrix.scales:
        comparable |= answered[:, scale].sum(axis=1) > 1
        contradicting |= low[:, scale].any(axis=1) & high[:, scale].any(axis=1)
    enough = answered.sum(axis=1) >= LEAST_MATRIX
    judged = comparable & enough & (matrix.options >= LEAST_OPTIONS)
    return judged, judged & contradicting & ((low | high) == answered).all(axis=1)


def _too_fast(
    answered: npt.NDArray[np.int64], answer_time_ms: pa.Array | pa.ChunkedArray | None
) -> Verdicts:
    if answer_time_ms is None:
        nothing = np.zeros(len(answered), np.bool_)
        return nothing, nothing
    times = answer_time_ms.cast(pa.float64()).fill_null(0).to_numpy()
    judged = (times > 0) & (answered > 0)
    return judged, judged & (times < FASTEST_ITEM_MS * answered)


def _identical(
    answers: pa.Table, columns: Sequence[str], answered: npt.NDArray[np.int64]
) -> Verdicts:
    """Rows whose class and answers are those of another pupil, or of a row without a code."""
    rows = pl.DataFrame(pl.from_arrow(answers.select([*_CLASS, "pupil_code", *columns])))
    rows = rows.with_row_index("row").with_columns(
        pl.coalesce(pl.col("pupil_code").cast(pl.String), pl.format("row {}", "row"))
    )
    same = [*_CLASS, *columns]
    others = pl.col("pupil_code").min().over(same) != pl.col("pupil_code").max().over(same)
    judged = (answered >= LEAST_IDENTICAL) & rows["class_group"].is_not_null().to_numpy()
    return judged, judged & rows.select(others).to_series().to_numpy()


def _any_of(rows: int, verdicts: Sequence[Verdicts]) -> pa.Array:
    """Marked by any matrix; null where none could judge."""
    judged, marked = np.zeros((2, rows), np.bool_)
    for one_judged, one_marked in verdicts:
        judged |= one_judged
        marked |= one_marked
    return _told(judged, marked)


def _told(judged: Bools, marked: Bools) -> pa.Array:
    return pa.array(marked, pa.bool_(), mask=~judged)
