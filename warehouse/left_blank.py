"""Cells that accepted rows do without: how many, for the note that tells of the file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from transforms.left_blank import LeftBlank


@dataclass(frozen=True, slots=True)
class Left:
    """In `rows` of `told` rows with a cell in this column, nobody could read it."""

    column: str
    rows: int
    told: int


def write_left_blank(
    con: duckdb.DuckDBPyConnection, found: Sequence[LeftBlank], *, first_no: int
) -> None:
    """Enter the counts of the files of one load; part of the transaction that loads them."""
    con.execute("""
        delete from core.left_blank
        where delivery_no not in (select delivery_no from core.delivery)
    """).fetchall()
    if not any(one.rows for one in found):
        return
    rows: Counter[tuple[int, str]] = Counter()
    told: Counter[tuple[int, str]] = Counter()
    for one in found:
        rows[one.file_no, one.column] += one.rows
        told[one.file_no, one.column] += one.of
    places = [place for place, count in rows.items() if count]
    entries = {
        "delivery_no": pa.array([first_no + file_no for file_no, _ in places], pa.int32()),
        "column_name": [column for _, column in places],
        "rows": [rows[place] for place in places],
        "told": [told[place] for place in places],
    }
    con.register("left_blank", pa.table(entries))
    con.execute("insert into core.left_blank by name from left_blank").fetchall()
    con.unregister("left_blank")


def left_blank_in(
    con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str]
) -> dict[str, list[Left]]:
    """For each of these deliveries what its rows do without, column by column."""
    found = con.execute(
        """
        select delivery_id, column_name, rows, told
        from core.left_blank join core.delivery using (delivery_no)
        where list_contains($ids, delivery_id) order by all
        """,
        {"ids": list(delivery_ids)},
    ).fetchall()
    left: dict[str, list[Left]] = {}
    for delivery_id, *entry in found:
        left.setdefault(delivery_id, []).append(Left(*entry))
    return left
