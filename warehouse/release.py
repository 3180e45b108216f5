"""A person lets a version of a contradiction count, in one transaction with its event.

Only a contradiction can be released: its forms are stored. Of a row that is held for one of its
cells nothing is stored but its place, so it comes back through a map or a corrected file.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import duckdb
import pyarrow as pa

from schemas.decision import Why
from schemas.speakable import SpeakableError
from warehouse.audit import Hand
from warehouse.decide import told
from warehouse.one_number import counts_under_another_code
from warehouse.quarantine import ALL_FORMS, NothingWaitsError, Version, versions_of
from warehouse.rulings import rule_versions
from warehouse.store import transaction


class CannotReleaseError(SpeakableError):
    """What was asked for cannot be released, and why."""


def release_one(
    con: duckdb.DuckDBPyConnection,
    contradiction_id: str,
    which: Literal["first", "latest"],
    *,
    by: Hand,
    why: Why,
    now: datetime,
) -> int:
    """Let the version that came first, or last, of those that wait count. Returns 1."""
    waiting = [entry for entry in versions_of(con, contradiction_id) if entry.state == "waits"]
    if not waiting:
        raise NothingWaitsError(
            "it is decided already; to decide anew, name the version with --delivery and --row"
        )
    chosen = waiting[0] if which == "first" else waiting[-1]
    return _release(con, [chosen.response_id], subject=contradiction_id, by=by, why=why, now=now)


def release_rows(
    con: duckdb.DuckDBPyConnection,
    delivery_id: str,
    rows: Sequence[int],
    *,
    by: Hand,
    why: Why,
    now: datetime,
) -> int:
    """Let the forms at these places count; their other versions are set aside. Returns how many.

    What was decided before can be decided anew this way. All of them are released, or none.
    """
    found = {
        row_no: (response_id, contradiction_id)
        for row_no, response_id, contradiction_id in con.execute(
            f"""
            select row_no, response_id, contradiction_id
            from {ALL_FORMS} join core.delivery using (delivery_no)
            where delivery_id = $id and list_contains($rows, row_no)
            """,
            {"id": delivery_id, "rows": list(rows)},
        ).fetchall()
    }
    for row_no in rows:
        if row_no not in found:
            _refuse_row(con, delivery_id, row_no)
    if len({contradiction_id for _, contradiction_id in found.values()}) < len(found):
        raise CannotReleaseError(
            "two of these rows are versions of one contradiction, and only one of them can count"
        )
    for response_id, contradiction_id in found.values():
        versions: Sequence[Version] = versions_of(con, contradiction_id)
        if any(one.response_id == response_id and one.state == "counts" for one in versions):
            raise NothingWaitsError("this version counts already")
    subject = delivery_id if len(found) > 1 else next(iter(found.values()))[1]
    chosen = [response_id for response_id, _ in found.values()]
    return _release(con, chosen, subject=subject, by=by, why=why, now=now)


def has_waiting(con: duckdb.DuckDBPyConnection, delivery_id: str) -> bool:
    """Whether a version of a contradiction in this delivery waits."""
    found = con.execute(
        f"""
        select 1 from {ALL_FORMS} join core.delivery using (delivery_no)
        where delivery_id = $id and state = 'waits' limit 1
        """,
        {"id": delivery_id},
    ).fetchall()
    return bool(found)


def release_delivery(
    con: duckdb.DuckDBPyConnection, delivery_id: str, *, by: Hand, why: Why, now: datetime
) -> int:
    """Let this delivery's versions count wherever they wait; returns how many contradictions."""
    found = con.execute(
        f"""
        select contradiction_id, list(response_id)
        from {ALL_FORMS} join core.delivery using (delivery_no)
        where delivery_id = $id and state = 'waits' group by all
        """,
        {"id": delivery_id},
    ).fetchall()
    if not found:
        _refuse_row(con, delivery_id, None)
    twice = sum(len(forms) > 1 for _, forms in found)
    if twice:
        raise CannotReleaseError(
            f"{twice} contradiction(s) are between rows of this very delivery:"
            " release those first, each with --row"
        )
    chosen = [forms[0] for _, forms in found]
    return _release(con, chosen, subject=delivery_id, by=by, why=why, now=now)


def _refuse_row(con: duckdb.DuckDBPyConnection, delivery_id: str, row_no: int | None) -> None:
    held = con.execute(
        """
        select count(*) from quarantine.row join core.delivery using (delivery_no)
        where delivery_id = $id and ($row is null or row_no = $row)
        """,
        {"id": delivery_id, "row": row_no},
    ).fetchall()
    if held != [(0,)]:
        raise CannotReleaseError(
            "no cell of a held row is stored, so it cannot be released: map the text that is not"
            " understood (`klassepuls quarantine map`), or deliver a corrected file"
        )
    raise NothingWaitsError("no form waits there: `klassepuls quarantine show` has the rows")


def _release(
    con: duckdb.DuckDBPyConnection,
    chosen: Sequence[int],
    *,
    subject: str,
    by: Hand,
    why: Why,
    now: datetime,
) -> int:
    if counts_under_another_code(con, chosen):
        raise CannotReleaseError(
            "by the tool's number a form here counts under another code already, and one form would"
            " count as two pupils: release the version of the pupil who keeps the code"
            " (`klassepuls quarantine show C-...` has them; --delivery and --row), or, where nobody"
            " keeps it, `klassepuls quarantine reject C-... --why shared_code`"
        )
    con.register("chosen", pa.table({"response_id": pa.array(chosen, pa.int64())}))
    with transaction(con):
        con.execute(f"""
            create or replace temp table ruled_form as
            select form.response_id,
                case when c.response_id is null then 'not_chosen' else 'released' end as decision
            from {ALL_FORMS} form left join chosen c using (response_id)
            where contradiction_id in (
                select contradiction_id from {ALL_FORMS} semi join chosen using (response_id)
            ) or pupil is not null and (survey_id, wave_id, pupil) in (
                select (survey_id, wave_id, pupil)
                from {ALL_FORMS} semi join chosen using (response_id)
            )
        """).fetchall()
        places = con.execute(f"""
            select left(d.delivery_id, 12), row_no
            from {ALL_FORMS} join chosen using (response_id)
                join core.delivery d using (delivery_no)
            order by all limit 1
        """).fetchall()
        detail: dict[str, object] = {"contradictions": len(chosen), "why": why.value}
        if len(chosen) == 1:
            detail |= dict(zip(("delivery", "row"), places[0], strict=True))
        ruling = told(con, "released", subject, detail, by=by, why=why, now=now)
        rule_versions(con, ruling)
    con.unregister("chosen")
    return len(chosen)
