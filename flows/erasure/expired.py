"""`klassepuls erase --expired`: what has been kept for as long as the settings say goes."""

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flows.delivery.by_svarut import remove_exports
from flows.hand import hand
from flows.home import OUTCOMES, Config, Home, load_config
from flows.quarantine.bring_back import delete_files, files_of
from flows.quarantine.given_up import give_up_old
from flows.reporting import let_go_of_reports
from flows.road import opened
from warehouse.case_retention import let_go_of_helpers
from warehouse.erase import is_due, is_unfinished, mark_rebuilt, write_proof
from warehouse.expired import (
    delete_leavers,
    find_leavers,
    old_files,
    require_few,
    require_sound_clock,
)
from warehouse.failpoint import reach
from warehouse.rebuild import rebuild
from warehouse.report_deliveries import parcels
from warehouse.same_pupils import renew_same_pupils
from warehouse.store import only_writer
from warehouse.witness import bear_witness

_PSEUDONYM = re.compile(rb"k[0-9]+-[0-9a-f]{32}")


def erase_expired(home: Home, *, allow_many: bool, now: datetime) -> dict[str, Any]:
    """Delete old copies of files, old reports, what waited too long, and the rows of leavers.

    Raises ClockError or TooManyError before anything is deleted. Published figures stay.
    """
    config = load_config(home)
    retention = config.settings.retention
    with only_writer(home.restricted):
        with opened(home, config, now=now) as con:
            require_sound_clock(con, now=now, looked=allow_many)
            renew_same_pupils(con, config.key)
            timezone = config.settings.schedule.timezone
            leavers = find_leavers(con, years=retention.pupil_years, timezone=timezone, now=now)
            require_few(leavers, looked=allow_many)
            expired = give_up_old(con, home, config, now=now)
            files = old_files(con, before=now - timedelta(days=retention.raw_days))
            removed = _remove_copies(home, config, set(files), now=now)
            reports = let_go_of_reports(
                con,
                home,
                before=now - timedelta(days=retention.report_days),
                retired=leavers.waves,
                now=now,
            )
            remove_exports(home, but={parcel.version for parcel in parcels(con)})
            rows = delete_leavers(con, leavers, by=hand(config), now=now)
            helpers = let_go_of_helpers(
                con,
                days=config.settings.cases.helper_days,
                today=config.local(now).date(),
                by=hand(config),
                now=now,
            )
            begun = is_due(con) or is_unfinished(con, None)
            if begun:
                mark_rebuilt(con, now=now)
                bear_witness(con, home.restricted)
        if begun:
            rebuild(home.restricted)
            reach("after-swap")
        proof = _prove(home, config, leavers.pupils, now=now) if begun else None
    return {
        "waited_too_long": expired,
        "files_removed": removed,
        "reports_removed": reports,
        "pupils": len(leavers.pupils),
        "of": leavers.of,
        "rows": rows,
        "helpers": helpers,
        "proof": proof,
    }


def expire_under(
    copy: Home, config: Config, kept: Collection[str], *, now: datetime
) -> dict[str, Any] | None:
    """Delete from a copy of the home the leavers whom the home has deleted; the proof of it.

    Delivered files in it go by their own time limits.
    Who is in the home still stays in the copy, though an old one knows of no later answer.
    """
    retention, timezone = config.settings.retention, config.settings.schedule.timezone
    with only_writer(copy.restricted):
        with opened(copy, config, now=now) as con:
            give_up_old(con, copy, config, now=now)
            files = old_files(con, before=now - timedelta(days=retention.raw_days))
            _remove_copies(copy, config, set(files), now=now)
            renew_same_pupils(con, config.key)
            found = find_leavers(con, years=retention.pupil_years, timezone=timezone, now=now)
            leavers = replace(found, pupils=tuple(one for one in found.pupils if one not in kept))
            delete_leavers(con, leavers, by=hand(config), now=now)
            begun = is_due(con) or is_unfinished(con, None)
            if begun:
                mark_rebuilt(con, now=now)
                bear_witness(con, copy.restricted)
        if begun:
            rebuild(copy.restricted)
        return _prove(copy, config, leavers.pupils, now=now) if begun else None


def _remove_copies(
    home: Home, config: Config, delivery_ids: Collection[str], *, now: datetime
) -> int:
    """Copies in the outcome folders; their notes stay, and say when they went."""
    paths = [path for folder in OUTCOMES for _, path in files_of(home, folder, delivery_ids)]
    delete_files(paths, today=config.local(now).date())
    return len(paths)


def _prove(home: Home, config: Config, pupils: Collection[str], *, now: datetime) -> dict[str, Any]:
    """Look for the pseudonyms of those who left in every byte under the home."""
    wanted = {pupil.encode() for pupil in pupils}
    files, size, found = 0, 0, 0
    for path in sorted(home.root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            files, size = files + 1, size + len(content)
            found += sum(word in wanted for word in _PSEUDONYM.findall(content))
    reach("before-proof")
    told = {"files": files, "bytes": size, "tokens": len(wanted), "found": found}
    with opened(home, config, now=now) as con:
        event = write_proof(con, told, digest=None, is_clean=not found, by=hand(config), now=now)
        bear_witness(con, home.restricted)
    return told | {"event": event, "at": config.local(now).isoformat()}
