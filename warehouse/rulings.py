"""Carries out decisions on what waits: rows and forms leave, and the counts go with them.

What is not used counts as dropped, so that `quarantined` is what waits and the sum still holds.
"""

from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from schemas.decision import Why
from warehouse.unload import forget_traces


@dataclass(frozen=True, slots=True)
class Ruling:
    """Who decided, why and when, and the audit event that tells of it."""

    by: str
    why: Why
    at: datetime
    event_no: int

    def parameters(self) -> dict[str, object]:
        """The values to bind in a query."""
        return {"why": self.why.value, "by": self.by, "at": self.at, "event": self.event_no}


def rule_rows(
    con: duckdb.DuckDBPyConnection, quarantine_ids: pa.Array, decision: str, ruling: Ruling
) -> None:
    """Take held rows (not those of contradictions) out of the quarantine; they are not used."""
    con.register("asked", pa.table({"quarantine_id": quarantine_ids}))
    con.execute(
        """
        insert into quarantine.decided
        select quarantine_id, delivery_id, row_no, q.survey_id, reason_codes, column_names, digest,
            occurrence, held_at, $decision, $why, $by, $at, $event
        from quarantine.row q semi join asked using (quarantine_id)
            join core.delivery using (delivery_no)
        """,
        {"decision": decision, **ruling.parameters()},
    ).fetchall()
    con.execute("""
        update core.delivery d
        set quarantined = quarantined - r.rows, dropped = dropped + r.rows
        from (
            select delivery_no, count(*) as rows
            from quarantine.row semi join asked using (quarantine_id) group by all
        ) r
        where r.delivery_no = d.delivery_no
    """).fetchall()
    con.execute("""
        delete from quarantine.row where quarantine_id in (select quarantine_id from asked)
    """).fetchall()
    con.unregister("asked")
    forget_traces(con)


def rule_versions(con: duckdb.DuckDBPyConnection, ruling: Ruling) -> None:
    """Give every form in the temporary table `ruled_form` (response_id, decision) its place.

    `released` forms count from now on, all others are set aside. The forms of one contradiction
    are all in the table, wherever they are now. Their waves, and later ones, are due again.
    """
    _find_forms(con)
    _write_decisions(con, ruling)
    _move_counts(con)
    for table, fate in _PLACES.items():
        con.execute(f"""
            insert into {table}
            select form.* from moving m join (
                from core.response union all from quarantine.response
                union all from quarantine.set_aside
            ) form using (response_id)
            where m.fate = '{fate}' and m.was <> '{fate}'
        """).fetchall()
    for table, fate in _PLACES.items():
        con.execute(f"""
            delete from {table} where response_id in (
                select response_id from moving where was = '{fate}' and fate <> '{fate}'
            )
        """).fetchall()
    con.execute("""
        delete from core.stage
        where stage = 'flagged' and subject in (
            select w.wave_id from core.dim_wave w
            where w.opens >= (select min(opens) from core.dim_wave semi join moving using (wave_id))
        )
    """).fetchall()
    for table in ("moving", "ruled_form"):
        con.execute(f"drop table temp.{table}").fetchall()


_PLACES = {
    "core.response": "accepted",
    "quarantine.response": "quarantined",
    "quarantine.set_aside": "dropped",
}


def _find_forms(con: duckdb.DuckDBPyConnection) -> None:
    forms = " union all ".join(
        f"select response_id, delivery_no, row_no, survey_id, wave_id, '{fate}' as was from {table}"
        for table, fate in _PLACES.items()
    )
    con.execute(f"""
        create or replace temp table moving as
        select f.*, delivery_id, decision,
            case decision when 'released' then 'accepted' else 'dropped' end as fate
        from ({forms}) f join ruled_form using (response_id)
            join (select delivery_no, delivery_id from core.delivery) using (delivery_no)
    """).fetchall()


def _write_decisions(con: duckdb.DuckDBPyConnection, ruling: Ruling) -> None:
    """A form that was decided on before gets the new decision in the old one's place."""
    con.execute(
        """
        create or replace temp table newly as
        select coalesce(q.quarantine_id, d.quarantine_id, nextval('quarantine.row_id'))
                as quarantine_id, m.delivery_id, m.row_no, m.survey_id,
            coalesce(q.reason_codes, d.reason_codes,
                if(contains(m.decision, 'withdrawn'), [], ['CONFLICTING_ANSWERS'])
            ) as reason_codes,
            []::varchar[] as column_names, 'conflict' as digest, 1 as occurrence,
            coalesce(q.held_at, d.held_at, $at) as held_at, m.decision, $why, $by, $at, $event
        from moving m
            left join quarantine.row q
                on q.delivery_no = m.delivery_no and q.row_no = m.row_no and q.digest = 'conflict'
            left join quarantine.decided d
                on d.delivery_id = m.delivery_id and d.row_no = m.row_no
        """,
        ruling.parameters(),
    ).fetchall()
    con.execute("""
        delete from quarantine.row where quarantine_id in (select quarantine_id from newly)
    """).fetchall()
    con.execute("""
        delete from quarantine.decided where quarantine_id in (select quarantine_id from newly)
    """).fetchall()
    con.execute("insert into quarantine.decided from newly").fetchall()
    con.execute("drop table temp.newly").fetchall()


def _move_counts(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
        update core.delivery d
        set accepted = d.accepted + m.accepted, quarantined = d.quarantined + m.quarantined,
            dropped = d.dropped + m.dropped
        from (
            select delivery_no,
                count(*) filter (fate = 'accepted') - count(*) filter (was = 'accepted')
                    as accepted,
                -count(*) filter (was = 'quarantined') as quarantined,
                count(*) filter (fate = 'dropped') - count(*) filter (was = 'dropped') as dropped
            from moving group by all
        ) m
        where m.delivery_no = d.delivery_no
    """).fetchall()


def reopen(con: duckdb.DuckDBPyConnection) -> None:
    """A version that a person chose waits again, for there is a further one to choose from."""
    con.execute("""
        delete from quarantine.decided
        where decision = 'released' and (delivery_id, row_no) in (
            select (n.delivery_id, r.row_no)
            from verdict v join core.response r using (response_id) join (
                select delivery_no, delivery_id from core.delivery
                union
                select delivery_no, delivery_id from arriving
            ) n on n.delivery_no = r.delivery_no
            where kind = 'moved'
        )
    """).fetchall()
