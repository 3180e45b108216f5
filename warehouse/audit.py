"""The log of decisions: rows are only added, and each seals the one before it with the home's key.

An edit or a gap shows, and only who holds the key can seal a log anew. That the newest events were
cut off shows only to somebody who has written down an earlier head, so the head is told whenever
the chain is verified.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from transforms.pseudonym import PseudonymKey
from warehouse.case_seals import unsound_events

FIRST = "0" * 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hand:
    """Who does it, as an account of the machine or the program's own, and the key that seals it."""

    actor: str
    key: PseudonymKey


@dataclass(frozen=True, slots=True)
class Chain:
    """How many events there are, the seal of the last, and the first event that does not fit.

    `unsealed` counts decisions on rows, and events of cases, that are not as the log tells of them;
    `is_emptied` says that the log tells of decisions and the table of them holds none.
    """

    events: int
    head: str
    broken_at: int | None
    holds_anchor: bool
    unsealed: int = 0
    is_emptied: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether every event fits, the head is among them, and what was decided is still there."""
        decided = not self.unsealed and not self.is_emptied
        return self.broken_at is None and self.holds_anchor and decided


def append(
    con: duckdb.DuckDBPyConnection,
    *,
    by: Hand,
    action: str,
    subject: str,
    detail: Mapping[str, object],
    now: datetime,
) -> int:
    """Add an event, within the transaction that does what it tells of; returns its number.

    `detail` holds codes and counts, never a cell, a pupil code or the name of a file.
    """
    last = con.execute("""
        select event_no, sha256 from audit.event order by event_no desc limit 1
    """).fetchall()
    number, previous = (last[0][0] + 1, last[0][1]) if last else (1, FIRST)
    told = json.dumps(detail, sort_keys=True, ensure_ascii=False)
    at = (now - _EPOCH) // timedelta(microseconds=1)
    seal = _seal(_sealing_key(by.key), number, at, by.actor, action, subject, told, previous)
    con.execute(
        """
        insert into audit.event
        values ($number, $now, $actor, $action, $subject, $told, $previous, $seal)
        """,
        {
            "number": number,
            "now": now,
            "actor": by.actor,
            "action": action,
            "subject": subject,
            "told": told,
            "previous": previous,
            "seal": seal,
        },
    ).fetchall()
    return number


def newest_head(con: duckdb.DuckDBPyConnection) -> str:
    """The seal of the last event, or nothing where there is none yet: no seal is checked."""
    found = con.execute("select sha256 from audit.event order by event_no desc limit 1").fetchall()
    return str(found[0][0]) if found else ""


def verify_chain(
    con: duckdb.DuckDBPyConnection, *, key: PseudonymKey, anchor: str | None = None
) -> Chain:
    """Check every seal; `anchor` is a head that was written down earlier."""
    secret = _sealing_key(key)
    events = con.execute("""
        select event_no, epoch_us(happened_at), actor, action, subject, detail, previous, sha256
        from audit.event order by event_no
    """).fetchall()
    head, broken_at, seals = FIRST, None, {FIRST}
    for expected, (*told, seal) in enumerate(events, start=1):
        fits = told[0] == expected and told[-1] == head and _seal(secret, *told) == seal
        if not fits and broken_at is None:
            broken_at = expected
        head = seal
        seals.add(seal)
    unsealed, is_emptied = _decisions(con)
    unsealed += unsound_events(con, key=key)
    holds_anchor = anchor is None or anchor in seals
    return Chain(len(events), head, broken_at, holds_anchor, unsealed, is_emptied)


def _decisions(con: duckdb.DuckDBPyConnection) -> tuple[int, bool]:
    """How many decisions no event tells of; and whether all are gone though events tell of some.

    A single one may be gone soundly: a version that was chosen waits again when a further one
    comes. Rows that a person gave up stay given up.
    """
    [(unsealed, decided, given_up)] = con.execute("""
        select
            (select count(*) from quarantine.decided anti join audit.event using (event_no)),
            (select count(*) from quarantine.decided),
            (select count(*) from audit.event where action = 'quarantine.rejected')
    """).fetchall()
    return unsealed, not decided and bool(given_up)


def last_told(
    con: duckdb.DuckDBPyConnection, *, action: str, subject: str, detail: Mapping[str, object]
) -> tuple[int, datetime] | None:
    """Number and time of the last event that says just this.

    A command that was cut off must not tell the same twice.
    """
    told = json.dumps(detail, sort_keys=True, ensure_ascii=False)
    found = con.execute(
        """
        select event_no, happened_at from audit.event
        where action = $action and subject = $subject and detail = $told
        order by event_no desc limit 1
        """,
        {"action": action, "subject": subject, "told": told},
    ).fetchall()
    return (found[0][0], found[0][1]) if found else None


def _sealing_key(key: PseudonymKey) -> bytes:
    """A key of the log's own, so that no seal is ever a pseudonym or a digest of anything else."""
    return hmac.digest(key.secret, key.message("audit seal").encode(), hashlib.sha256)


def _seal(secret: bytes, *told: object) -> str:
    """HMAC-SHA-256 (RFC 2104) of an event and the seal before it."""
    message = json.dumps(told, ensure_ascii=False).encode()
    return hmac.digest(secret, message, hashlib.sha256).hex()
