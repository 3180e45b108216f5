"""True counts on their way to the disclosure gate, and what they are the sums of."""

from dataclasses import dataclass

import polars as pl
import pyarrow as pa

PLACES = ("wave_id", "school_id", "grade", "gender")


@dataclass(frozen=True, slots=True)
class Counted:
    """Cells of one table, and the groups of pupils that they add up.

    `groups` has n_i and t_i of figure i of `figures` (pupils and their total) in groups no larger
    than those who share PLACES. Where it is None the schools are all there is.
    """

    cells: pa.Table
    groups: pl.DataFrame | None = None
    figures: tuple[str, ...] = ()

    def by_place(self) -> pl.DataFrame | None:
        """The groups of those who share PLACES, a row each."""
        if self.groups is None:
            return None
        sums = [f"{kind}_{i}" for i in range(len(self.figures)) for kind in "nt"]
        return self.groups.group_by(*PLACES).agg(pl.col(sums).sum()).sort(*PLACES)
