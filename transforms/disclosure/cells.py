"""Cells with their true counts, as the disclosure gate gets them: a row each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
SCORE_UNIT = 10_000  # totals of scores are whole ten-thousandths, so that sums are exact

CELLS = pa.schema(
    [
        pa.field("table", pa.string()),  # cells of one table add up: one wave, figure, statistic
        pa.field("kind", pa.string()),  # share, mean or count
        pa.field("level", pa.string()),  # municipality (one a table), school, grade or gender
        pa.field("n", pa.int64()),  # pupils or classes that the figure is about
        pa.field("total", pa.int64()),  # those for whom it holds; for a mean the sum of scores
        pa.field("lowest", pa.int64()),  # least that one pupil can add to the total
        pa.field("highest", pa.int64()),  # most that one pupil can add
        pa.field("classes", pa.int64()),  # classes behind n
        pa.field("one_piece", pa.bool_()),  # of the table: see schools_and_grades_hang_together
    ]
)


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of one table. `part` is the total above the least possible, `reach` its cap a pupil."""

    kind: str
    level: npt.NDArray[np.str_]
    n: Ints
    part: Ints
    reach: int
    classes: Ints

    @property
    def rest(self) -> Ints:
        """What the cells lack of the most that they could be."""
        return self.n * self.reach - self.part

    def where(self, mask: Mask) -> "Cells":
        """Some of the cells."""
        return Cells(
            kind=self.kind,
            level=self.level[mask],
            n=self.n[mask],
            part=self.part[mask],
            reach=self.reach,
            classes=self.classes[mask],
        )


def one_table(cells: pa.Table) -> Cells:
    """The cells of one table; `part` is counted from the least that they can be."""
    n, lowest = ints(cells, "n"), ints(cells, "lowest")
    return Cells(
        kind=str(cells.column("kind")[0].as_py()),
        level=strings(cells, "level"),
        n=n,
        part=ints(cells, "total") - n * lowest,
        reach=int((ints(cells, "highest") - lowest)[0]),
        classes=ints(cells, "classes"),
    )


def ints(cells: pa.Table, name: str) -> Ints:
    """A column of whole numbers."""
    return np.asarray(cells.column(name).to_numpy(), dtype=np.int64)


def strings(cells: pa.Table, name: str) -> npt.NDArray[np.str_]:
    """A column of texts."""
    return np.asarray(cells.column(name).to_numpy(), dtype=np.str_)
