"""The quarantine as people work with it: what waits, and what they decide. No cell is ever told.

Each decision and its audit event are one transaction, so a command that was cut off is given again.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from flows.hand import hand
from flows.home import Config, Home, load_config
from flows.outcome import HeldPlace as ToldPlace
from flows.outcome_note import SHORT, persons_found
from flows.quarantine.bring_back import bring_back, files_of
from flows.quarantine.told_anew import tell_anew
from flows.road import at_work
from schemas.decision import Why
from schemas.reason import Reason, reason_texts
from warehouse import decide, ledger, release
from warehouse.let_back import let_back, let_file_back, rejected_rows
from warehouse.quarantine import (
    HeldPlace,
    WaitingDelivery,
    delivery_named,
    held_places,
    refused_for_persons,
    ruled_rows,
    versions_of,
    waiting_contradictions,
    waiting_deliveries,
)
from warehouse.withdraw import withdraw as take_out


def list_waiting(home: Home, *, now: datetime) -> dict[str, Any]:
    """What waits: per delivery reasons and counts, and every contradiction, with dates.

    And files that nobody may keep: those that were refused for personal data and still lie there.
    """
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        deliveries, contradictions = waiting_deliveries(con), waiting_contradictions(con)
        refused = refused_for_persons(con)
    return {
        "deliveries": [_delivery(entry, config) for entry in deliveries],
        "contradictions": [
            {
                "id": entry.contradiction_id,
                "survey": entry.survey_id,
                "wave": entry.wave_id,
                "versions": entry.versions,
                **_dates(entry.since, config),
            }
            for entry in contradictions
        ],
        "to_delete": _to_delete(home, config, refused),
    }


def _to_delete(home: Home, config: Config, refused: Mapping[str, datetime]) -> list[dict[str, Any]]:
    """The refused deliveries of which files lie in outcome/rejected, with how many there are."""
    lying = Counter(delivery_id for delivery_id, _ in files_of(home, "rejected", refused))
    return [
        {
            "delivery": delivery_id[:SHORT],
            "files": lying[delivery_id],
            "reason": _reason(Reason.PERSONAL_DATA.value, 0),
            "since": config.local(since).date().isoformat(),
        }
        for delivery_id, since in refused.items()
        if lying[delivery_id]
    ]


def _delivery(entry: WaitingDelivery, config: Config) -> dict[str, Any]:
    return {
        "delivery": entry.delivery_id[:SHORT],
        "survey": entry.survey_id,
        "what": "file" if entry.is_whole_file else "rows",
        "rows": entry.rows,
        "reasons": [_reason(code, rows) for code, rows in entry.reasons.items()],
        **_dates(entry.since, config),
    }


def _reason(code: str, rows: int) -> dict[str, Any]:
    text = reason_texts()[Reason(code)]
    return {"code": code, "rows": rows, "nb": text.nb, "nn": text.nn, "en": text.en}


def _dates(since: datetime, config: Config) -> dict[str, str]:
    keep = timedelta(days=config.settings.quarantine.keep_days)
    return {
        "since": config.local(since).date().isoformat(),
        "expires_on": config.local(since + keep).date().isoformat(),
    }


def show(home: Home, name: str, *, now: datetime) -> dict[str, Any]:
    """One contradiction with its versions, or one delivery with its waiting rows."""
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        if _is_contradiction(name):
            versions = versions_of(con, name)
            return {
                "contradiction": name,
                "versions": [
                    {
                        "delivery": version.delivery_id[:SHORT],
                        "row": version.row_no,
                        "school": version.school_id,
                        "received": config.local(version.received_at).date().isoformat(),
                        "state": version.state,
                    }
                    for version in versions
                ],
            }
        delivery_id = delivery_named(con, name)
        entry = ledger.known(con, [delivery_id])[delivery_id]
        places, ruled = held_places(con, delivery_id), ruled_rows(con, delivery_id)
    return {
        "delivery": delivery_id,
        "survey": entry.survey_id,
        "reason": _reason(entry.reason_code, entry.quarantined) if entry.reason_code else None,
        "delivered": entry.delivered,
        "accepted": entry.accepted,
        "quarantined": entry.quarantined,
        "dropped": entry.dropped,
        "personal_data": _persons_told(home, entry.outcome, delivery_id),
        "rows": [_place(place, config) for place in places],
        "decided": [
            {
                "row": one.row_no,
                "decision": one.decision,
                "why": one.why,
                "on": config.local(one.decided_at).date().isoformat(),
                "of": {"delivery": one.delivery_id[:SHORT], "row": one.decided_row},
            }
            for one in ruled
        ],
    }


def _persons_told(home: Home, folder: str, delivery_id: str) -> dict[str, Any]:
    """What the note of a refused file says of persons in it: kinds, and the rows of each."""
    for _, path in files_of(home, folder, [delivery_id]):
        note = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
        rows = [ToldPlace(row["row"], row["reasons"], row["columns"]) for row in note["rows"]]
        return {
            kind: {
                "rows": count,
                "row_numbers": sorted({row.row_no for row in rows if kind in row.reasons}),
                "columns": sorted({c for row in rows if kind in row.reasons for c in row.columns}),
            }
            for kind, count in persons_found(rows).items()
        }
    return {}


def _place(place: HeldPlace, config: Config) -> dict[str, Any]:
    return {
        "row": place.row_no,
        "reasons": list(place.reasons),
        "columns": list(place.columns),
        "contradiction": place.contradiction_id,
        **_dates(place.since, config),
    }


def _is_contradiction(name: str) -> bool:
    return name.upper().startswith("C-")


def release_version(
    home: Home, name: str, which: Literal["first", "latest"], *, why: Why, now: datetime
) -> int:
    """Let the first or the latest waiting version of a contradiction count."""
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        count = release.release_one(con, name, which, by=hand(config), why=why, now=now)
        tell_anew(con, home, config, now=now)
    return count


def release_place(
    home: Home, delivery: str, rows: Sequence[int], *, why: Why, now: datetime
) -> Mapping[str, int]:
    """Let the forms in these rows count, or all that wait of the delivery.

    Where none is named and no form waits, what was decided against the delivery is taken back: the
    whole file, or every held row of it. Returns how many contradictions are decided. Held rows that
    were decided against are `rows` besides, a file that was is `whole`: the file lies in the inbox
    again, or is `missing` in outcome/.
    """
    config = load_config(home)
    by = hand(config)
    with at_work(home, config, now=now) as con:
        delivery_id = delivery_named(con, delivery)
        may_wait = not rows and release.has_waiting(con, delivery_id)
        again = [] if may_wait else rejected_rows(con, delivery_id, rows)
        forms = sorted(set(rows) - set(again))
        count, back = 0, {}
        if not rows and let_file_back(con, delivery_id, by=by, why=why, now=now):
            back = {"whole": 1}
        elif not rows and not again:
            count = release.release_delivery(con, delivery_id, by=by, why=why, now=now)
        elif forms:
            count = release.release_rows(con, delivery_id, forms, by=by, why=why, now=now)
        if again:
            let_back(con, delivery_id, again, by=by, why=why, now=now)
            back = {"rows": len(again)}
        if back:
            found = bring_back(home, [delivery_id], also=("rejected",))
            back["missing"] = int(delivery_id not in found)
        if count:
            tell_anew(con, home, config, now=now)
    return {"contradictions": count, **back}


def reject(
    home: Home, name: str, rows: Sequence[int], *, why: Why, now: datetime
) -> Mapping[str, int]:
    """Decide that a contradiction's forms, or a delivery's held rows or file, are not used."""
    config = load_config(home)
    by = hand(config)
    with at_work(home, config, now=now) as con:
        if _is_contradiction(name):
            count = decide.reject_contradiction(con, name, by=by, why=why, now=now)
        else:
            delivery_id = delivery_named(con, name)
            count = decide.reject_delivery(con, delivery_id, rows, by=by, why=why, now=now)
        tell_anew(con, home, config, now=now)
    return {"rows": count}


def withdraw(
    home: Home, delivery: str, rows: Sequence[int], *, why: Why, now: datetime
) -> Mapping[str, int]:
    """Take out what counts of a delivery: the forms in these rows, or the file as a whole.

    Files that may hold copies of a whole file's forms go back to the inbox.
    """
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        delivery_id = delivery_named(con, delivery)
        done = take_out(con, delivery_id, rows, by=hand(config), why=why, now=now)
        found = bring_back(home, done.unread)
        tell_anew(con, home, config, now=now)
    missing = len(set(done.unread) - found)
    return {
        "forms": done.forms,
        "waiting": done.waiting,
        "files": len(found),
        "missing": missing,
    }
