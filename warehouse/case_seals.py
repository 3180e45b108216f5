"""Whether the events of cases are as the log tells of them."""

import hashlib
import hmac
import json
from datetime import date

import duckdb

from transforms.pseudonym import PseudonymKey


def event_seal(key: PseudonymKey, *told: str | int | date) -> str:
    """The seal of one event of a case: its audit event holds it, so a changed row does not fit.

    HMAC-SHA-256 (RFC 2104), with a key of its own: case, step, action, event, day, role, detail.
    """
    secret = hmac.digest(key.secret, key.message("case seal").encode(), hashlib.sha256)
    message = json.dumps([str(part) for part in told], ensure_ascii=False).encode()
    return hmac.digest(secret, message, hashlib.sha256).hex()


def unsound_events(con: duckdb.DuckDBPyConnection, *, key: PseudonymKey) -> int:
    """How many events were changed, or added or taken away without the log.

    A case that was erased is gone with all its events, and that is sound.
    """
    rows = con.execute("""
        select a.detail, e.case_id, step, e.action, event, happened_on, actor_role, e.detail
        from core.case_event e
            left join audit.event a on a.event_no = e.audit_no and a.subject = e.case_id
    """).fetchall()
    changed = sum(
        sealed is None or json.loads(sealed).get("seal") != event_seal(key, *told)
        for sealed, *told in rows
    )
    [(gone,)] = con.execute("""
        with noted as (select case_id, count(*) as events from core.case_event group by all),
        told as (
            select subject as case_id, count(*) as events from audit.event
            where starts_with(action, 'case.') and contains(detail, '"seal"') group by all
        )
        select coalesce(sum(greatest(told.events - coalesce(noted.events, 0), 0)), 0)
        from core.support_case left join told using (case_id) left join noted using (case_id)
    """).fetchall()
    return int(changed) + int(gone)
