"""Figures to suppress, a row each, and what is shown of them."""

from collections.abc import Sequence

import pyarrow as pa

from transforms.disclosure import CELLS, suppress

GENDERS = ("girl", "boy", "other", "not_stated")
Row = tuple[str, str, int, int]  # level, name, n, total


def cells(
    rows: Sequence[Row], *, kind="share", highest=1, classes=2, one_piece=True, table="t"
) -> pa.Table:
    return (
        pa.table(
            {
                "table": [table] * len(rows),
                "kind": [kind] * len(rows),
                "level": [row[0] for row in rows],
                "n": [row[2] for row in rows],
                "total": [row[3] for row in rows],
                "lowest": [0] * len(rows),
                "highest": [highest] * len(rows),
                "classes": [classes] * len(rows),
                "one_piece": [one_piece] * len(rows),
            }
        )
        .cast(CELLS)
        .append_column("name", pa.array([row[1] for row in rows]))
    )


def shown(table: pa.Table, *, min_n: int = 5) -> dict[str, float | None]:
    published = suppress(table, min_n=min_n)
    return dict(zip(published["name"].to_pylist(), published["value"].to_pylist(), strict=True))
