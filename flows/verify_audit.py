"""`klassepuls audit verify`: whether the log of decisions is whole."""

from datetime import datetime
from typing import Any

from flows.home import Home, load_config
from flows.road import at_work
from warehouse.audit import verify_chain


def verify_audit(home: Home, *, anchor: str | None, now: datetime) -> dict[str, Any]:
    """Count, head, and the first event that does not fit; `anchor` is a head of an earlier day."""
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        chain = verify_chain(con, key=config.key, anchor=anchor)
    return {
        "events": chain.events,
        "head": chain.head,
        "broken_at": chain.broken_at,
        "holds_head": chain.holds_anchor,
        "is_whole": chain.is_whole,
    }
