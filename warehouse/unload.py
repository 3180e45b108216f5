"""Takes a delivery's rows out again, so that the same file can be loaded under mended settings."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from schemas.survey import Survey
from warehouse.instruments import answer_table


def unload(con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str], survey: Survey) -> None:
    """Strike what is held of these contents; part of the transaction that loads them again.

    A form of another delivery that waits because of one of these goes on waiting: the file comes
    back in the same transaction. Waves that lose a form are due again.
    """
    con.register("struck", pa.table({"delivery_id": pa.array(delivery_ids, pa.string())}))
    numbers = con.execute("""
        select delivery_no from core.delivery semi join struck using (delivery_id)
    """).fetchall()
    con.unregister("struck")
    if not numbers:
        return
    scope = {"numbers": [number for (number,) in numbers]}
    con.execute(
        """
        create or replace temp table struck_form as
        select response_id, wave_id from core.response where delivery_no in $numbers
        union all
        select response_id, wave_id from quarantine.response where delivery_no in $numbers
        """,
        scope,
    ).fetchall()
    for key in survey.instruments:
        con.execute(f"""
            delete from {answer_table(key)}
            where response_id in (from struck_form select response_id)
        """).fetchall()
    con.execute("""
        delete from core.stage
        where stage = 'flagged' and subject in (from struck_form select wave_id)
    """).fetchall()
    for table in ("core.response", "quarantine.response", "quarantine.row", "core.delivery"):
        con.execute(f"delete from {table} where delivery_no in $numbers", scope).fetchall()
    con.execute("drop table temp.struck_form").fetchall()
