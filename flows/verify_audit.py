"""`klassepuls audit verify`: whether the log of decisions is whole."""

import re
from datetime import datetime
from typing import Any

from flows.home import Home, HomeError, load_config
from flows.road import at_work
from warehouse.audit import verify_chain

_HEAD = r"[0-9a-fA-F]{64}"


def verify_audit(home: Home, *, anchor: str | None, now: datetime) -> dict[str, Any]:
    """Count, head, and the first event that does not fit; `anchor` is a head of an earlier day."""
    if anchor is not None and not re.fullmatch(_HEAD, anchor.strip()):
        raise HomeError("--head takes a whole head: the 64 signs that `audit verify` printed")
    anchor = anchor and anchor.strip().lower()
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        chain = verify_chain(con, key=config.key, anchor=anchor)
    return {
        "events": chain.events,
        "head": chain.head,
        "broken_at": chain.broken_at,
        "holds_head": chain.holds_anchor,
        "decisions_without_event": chain.unsealed,
        "decisions_emptied": chain.is_emptied,
        "is_whole": chain.is_whole,
    }
