"""What the clock does in quarantine: rows that waited too long, and files that nobody needs."""

from datetime import datetime, timedelta

import duckdb

from flows.home import Config, Home
from flows.quarantine.bring_back import delete_files, quarantined_files
from warehouse import audit
from warehouse.audit import Hand
from warehouse.decide import BY_CLOCK, expire
from warehouse.quarantine import given_up_files
from warehouse.store import transaction

# A file stays some days after the decision on its last row, for decisions that are regretted.
REGRET = timedelta(days=7)


def give_up_old(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config, *, now: datetime
) -> int:
    """Give up what has waited too long, and delete the files that have been given up for a week.

    Returns how many rows, contradictions and files were given up. Only files under
    outcome/quarantined are deleted, of which no row counts: those of loaded/ prove what counts.
    """
    keep = timedelta(days=config.settings.quarantine.keep_days)
    by = Hand(BY_CLOCK, config.key)
    expired = sum(expire(con, by=by, keep=keep, now=now).values())
    files = given_up_files(con, before=now - REGRET)
    paths = quarantined_files(home, files) if files else []
    if paths:
        with transaction(con):
            audit.append(
                con,
                by=by,
                action="quarantine.files_deleted",
                subject="quarantine",
                detail={"files": len(paths)},
                now=now,
            )
        delete_files(paths, today=config.local(now).date())
    return expired
