"""How the pipeline is, as its last check wrote it down: nobody opens the warehouse to ask.

A monitor that asks every few seconds must not be in the way of a run. So every run, sweep and
check leaves a small file of sums, and this reads it, with what the disk says now.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb

from flows.home import Home
from warehouse.health import health_of
from warehouse.overdue import Overdue
from warehouse.swap import whole

# A weekend with two holidays beside it, and a night: longer, and no run comes to its end any more.
STALE_AFTER = timedelta(days=5, hours=12)
LEAST_ROOM = 1_000_000_000  # bytes
_FILE = "health.json"


def write_health(
    con: duckdb.DuckDBPyConnection, home: Home, late: Sequence[Overdue], *, now: datetime
) -> None:
    """Leave the sums of now for whoever asks."""
    kinds = {kind: sum(one.kind == kind for one in late) for kind in _KINDS}
    with whole(str(home.restricted / _FILE), mode=0o600) as file:
        file.write(json.dumps(health_of(con, now=now) | {"overdue": kinds}))


_KINDS = ("wave", "prompt", "review", "case")


def read_health(home: Home) -> dict[str, Any] | None:
    """The sums of the last check; None where there was none, or they cannot be read."""
    try:
        found: dict[str, Any] = json.loads((home.restricted / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def checks(home: Home, *, now: datetime) -> dict[str, bool]:
    """What a pipeline that is well has: each with whether it holds."""
    known = read_health(home)
    ended = max((known or {}).get("last_ended", {}).values(), default=None)
    age = None if ended is None else now.timestamp() - ended
    return {
        "warehouse": (home.restricted / "warehouse.duckdb").is_file() and known is not None,
        "recent_run": age is not None and age < STALE_AFTER.total_seconds(),
        "room": shutil.disk_usage(home.root).free >= LEAST_ROOM,
        "inbox": home.inbox.is_dir(),
    }


def metrics(home: Home, *, now: datetime) -> str:
    """The same in the text format of Prometheus."""
    return "\n".join(_lines(home, now)) + "\n"


def _lines(home: Home, now: datetime) -> Iterator[str]:
    known = read_health(home) or {}
    for name, kind, about, label in (
        ("deliveries", "gauge", "Deliveries by outcome.", "outcome"),
        ("rows", "gauge", "Rows of deliveries by fate.", "fate"),
        (
            "flags_open",
            "gauge",
            "Open flags by level, rounded down to a multiple of five.",
            "level",
        ),
        ("overdue", "gauge", "Overdue entries by kind.", "kind"),
    ):
        yield from _head(name, kind, about)
        for key, value in known.get(name, {}).items():
            yield f'klassepuls_{name}{{{label}="{key}"}} {value}'
    for name, about in (
        ("quarantine_waiting", "Deliveries of which something waits."),
        ("notices_failed", "Notices that no channel has taken yet."),
    ):
        yield from _head(name, "gauge", about)
        if name in known:
            yield f"klassepuls_{name} {known[name]}"
    yield from _head("last_end_seconds", "gauge", "When a road last came to its end (Unix time).")
    for road, at in known.get("last_ended", {}).items():
        yield f'klassepuls_last_end_seconds{{road="{road}"}} {at:.0f}'
    yield from _head("disk_free_bytes", "gauge", "Room on the volume of the home.")
    yield f"klassepuls_disk_free_bytes {shutil.disk_usage(home.root).free}"
    yield from _head("well", "gauge", "Whether a check of /healthz holds.")
    for name, holds in checks(home, now=now).items():
        yield f'klassepuls_well{{check="{name}"}} {int(holds)}'


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP klassepuls_{name} {about}"
    yield f"# TYPE klassepuls_{name} {kind}"
