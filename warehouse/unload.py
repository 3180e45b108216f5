"""Takes a delivery's rows out again, so that the same file can be loaded under mended settings.

What a person has decided on stays as it is and only gets the delivery's new number: the content is
the same, so the decision is.
"""

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from schemas.survey import Survey
from warehouse.instruments import answer_table
from warehouse.nominations import strike_choices

FORMS = ("core.response", "quarantine.response", "quarantine.set_aside")


def unload(
    con: duckdb.DuckDBPyConnection,
    delivery_ids: Sequence[str],
    survey: Survey,
    *,
    first_no: int,
) -> None:
    """Strike what is held of these contents; part of the transaction that loads them again.

    A form of another delivery that waits because of one of these goes on waiting: the file comes
    back in the same transaction. Waves that lose a form are due again. The temporary tables
    `arriving` (the files with their new numbers, and when they came first), `ruled` (rows that are
    decided on), `since` (since when a row has waited) and `was_beside` (rows that were kept for
    what they say beside their answers) are for the load.
    """
    _name_files(con, delivery_ids, first_no)
    if con.execute("select count(old_no) from arriving").fetchall() == [(0,)]:
        return
    _note_what_stays(con)
    con.execute("""
        create or replace temp table struck_form as
        select response_id, wave_id
        from (
            from core.response union all from quarantine.response
            union all from quarantine.set_aside
        )
        where delivery_no in (select old_no from arriving)
            and response_id not in (select response_id from staying)
    """).fetchall()
    for key in survey.instruments:
        con.execute(f"""
            delete from {answer_table(key)}
            where response_id in (from struck_form select response_id)
        """).fetchall()
    strike_choices(con)
    con.execute("""
        delete from core.stage
        where stage = 'flagged' and subject in (from struck_form select wave_id)
    """).fetchall()
    _strike(con)
    for table in ("struck_form", "staying"):
        con.execute(f"drop table temp.{table}").fetchall()


def _name_files(con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str], first_no: int) -> None:
    numbers = pa.array(range(first_no, first_no + len(delivery_ids)), pa.int32())
    ids = pa.array(delivery_ids, pa.string())
    con.register("asked", pa.table({"delivery_no": numbers, "delivery_id": ids}))
    con.execute("""
        create or replace temp table arriving as
        select a.*, d.delivery_no as old_no, d.received_at
        from asked a left join core.delivery d using (delivery_id)
    """).fetchall()
    con.unregister("asked")
    con.execute("""
        create or replace temp table was_beside as
        select a.delivery_no, row_no
        from quarantine.set_aside join arriving a on a.old_no = set_aside.delivery_no
    """).fetchall()
    # Time alone has not judged a row, so what waited too long is judged anew; and a file that was
    # taken out as a whole was taken out where it lay then.
    con.execute("""
        create or replace temp table ruled as
        select a.delivery_no, row_no, decision
        from quarantine.decided join arriving a using (delivery_id)
        where decision not in ('expired', 'file_withdrawn')
    """).fetchall()
    con.execute("""
        create or replace temp table since as
        select a.delivery_no, row_no, min(held_at) as held_at
        from quarantine.row q join arriving a on a.old_no = q.delivery_no group by all
    """).fetchall()


def _note_what_stays(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
        create or replace temp table staying as
        with form as (
            select response_id, delivery_no, row_no, true as counts from core.response
            union all
            select response_id, delivery_no, row_no, false from quarantine.set_aside
        )
        select response_id, a.delivery_no
        from form f join arriving a on a.old_no = f.delivery_no
            join ruled r on r.delivery_no = a.delivery_no and r.row_no = f.row_no
        where counts = (decision = 'released')
    """).fetchall()


def _strike(con: duckdb.DuckDBPyConnection) -> None:
    for table in FORMS:
        con.execute(f"""
            delete from {table} where response_id in (from struck_form select response_id)
        """).fetchall()
        con.execute(f"""
            update {table} f set delivery_no = s.delivery_no
            from staying s where s.response_id = f.response_id
        """).fetchall()
    con.execute("""
        update core.form_number f set delivery_no = r.delivery_no
        from ruled r join arriving a using (delivery_no)
        where f.delivery_no = a.old_no and f.row_no = r.row_no
    """).fetchall()
    con.execute("""
        delete from quarantine.renumbered
        where delivery_no in (select old_no from arriving)
            or other_no in (select old_no from arriving)
    """).fetchall()
    for table in ("core.form_number", "quarantine.fell_under", "quarantine.row", "core.delivery"):
        con.execute(f"""
            delete from {table} where delivery_no in (select old_no from arriving)
        """).fetchall()
    forget_traces(con)
    con.execute("""
        delete from quarantine.decided
        where decision in ('expired', 'file_withdrawn')
            and delivery_id in (select delivery_id from arriving)
    """).fetchall()


def forget_traces(con: duckdb.DuckDBPyConnection) -> None:
    """Strike the traces and the places of rows that wait no longer."""
    for table in ("quarantine.trace", "quarantine.place"):
        con.execute(f"""
            delete from {table}
            where quarantine_id not in (select quarantine_id from quarantine.row)
        """).fetchall()


def leave_out_ruled(
    con: duckdb.DuckDBPyConnection, accepted: pa.Table, *, first_no: int
) -> pa.Table:
    """The sound rows that nobody has decided on; the others are noted in `left_out`.

    One that was struck off as mended while a cell of it could not be read says now what it says: it
    is judged by that, and is not struck off any more.
    """
    con.execute("create or replace temp table left_out as from ruled limit 0").fetchall()
    rows = con.execute(
        "select delivery_no, row_no, decision = 'mended' as is_mended from ruled"
    ).fetchnumpy()
    if not len(rows["row_no"]):
        return accepted
    stands = _place(accepted.column("file_no").to_numpy() + first_no, accepted.column("row_no"))
    places = _place(rows["delivery_no"], rows["row_no"])
    is_ruled = np.isin(stands, places)
    ruled = accepted.filter(pa.array(is_ruled)).select(["file_no", "row_no"])
    con.register("ruled_row", ruled)
    con.execute(
        """
        insert into left_out
        select r.* from ruled r join ruled_row s
            on r.delivery_no = s.file_no + $first_no and r.row_no = s.row_no
        where decision <> 'mended'
        """,
        {"first_no": first_no},
    ).fetchall()
    con.execute(
        """
        delete from quarantine.decided
        where decision = 'mended' and (delivery_id, row_no) in (
            select (delivery_id, row_no)
            from ruled_row join arriving on delivery_no = file_no + $first_no
        )
        """,
        {"first_no": first_no},
    ).fetchall()
    con.unregister("ruled_row")
    return accepted.filter(pa.array(~np.isin(stands, places[~rows["is_mended"].astype(np.bool_)])))


def _place(delivery_no: "np.ndarray", row_no: "np.ndarray") -> "np.ndarray":
    """Delivery and row as one number."""
    return (np.asarray(delivery_no).astype(np.int64) << 32) | np.asarray(row_no).astype(np.int64)
