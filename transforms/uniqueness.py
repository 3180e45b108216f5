"""How many pupils a few plain facts would give away: k-anonymity, as numbers only.

Rows that have the same school, class, grade and gender are one group. Whoever knows those facts of
a pupil knows that her row is one of the group's, so a group of one is a pupil with no code at all.
A blank is a value like any other: being the only one who gave no gender stands out too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

# Facts that a classmate, a parent or a teacher knows of a pupil.
QUASI_IDENTIFIERS = ("school_id", "class_group", "grade", "gender")
LEAST_GROUP = 5


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """Counts of rows and groups. `small`: rows in groups of fewer than `k`; `alone`: of one."""

    k: int
    rows: int
    groups: int
    smallest: int
    small: int
    alone: int

    @property
    def share_small(self) -> float:
        """Rows in groups under `k`, as a share of all rows; 0 where there are no rows."""
        return self.small / self.rows if self.rows else 0.0


def measure_uniqueness(
    rows: pa.Table, *, by: Sequence[str] = QUASI_IDENTIFIERS, k: int = LEAST_GROUP
) -> Uniqueness:
    """Count the groups that rows fall into by some facts: one row a pupil, so one wave at a time.

    Raises ValueError where a column is missing: without it the groups would look larger.
    """
    missing = sorted(set(by) - set(rows.column_names))
    if missing or not by:
        raise ValueError(
            f"expected a column for each fact; {len(missing)} of {len(by)} are missing"
        )
    frame = pl.DataFrame(pl.from_arrow(rows.select(list(by))))
    sizes = frame.group_by(by).len()["len"]
    return Uniqueness(
        k=k,
        rows=frame.height,
        groups=len(sizes),
        smallest=min(sizes, default=0),
        small=int(sizes.filter(sizes < k).sum()),
        alone=int((sizes == 1).sum()),
    )
