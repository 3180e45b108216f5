"""Notes that are told anew: what people, the clock and later files decided on rows and files.

A note says what became of a file on the day it was put away. What waited then is decided later, and
a note that goes on saying that it waits misleads whoever reads it, the secretary and the auditor.
So the counts are written as they are now, and nothing that was told is lost: an old note stays
below the sentence that settles it, and every decision stands in the log.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from flows.home import Config, Home
from flows.outcome import ASKING, HeldPlace, Outcome
from flows.outcome_note import DECISION_ENDING, OUTCOME_WORDS, machine_note, person_note
from flows.quarantine.bring_back import SEARCHED, content_of, files_of
from schemas.reason import Reason
from warehouse import ledger
from warehouse.left_blank import Left
from warehouse.quarantine import (
    Decided,
    contradicted_deliveries,
    decided_after,
    last_decided,
)
from warehouse.requests import without_school
from warehouse.unlikely import TOLD
from warehouse.withdraw import once_withdrawn

# Where files lie that did not get in. What becomes of them later is told beside their old place.
_REFUSED = ("quarantined", "rejected")
_BY_DECISION = (Reason.DECIDED_NOT_TO_USE, Reason.WAITED_TOO_LONG)


def tell_anew(con: duckdb.DuckDBPyConnection, home: Home, config: Config, *, now: datetime) -> None:
    """Bring the notes up to what the ledger says; what is cut off is taken up by the next call."""
    _settle(con, home, today=config.local(now).date())
    last, told = last_decided(con), _told_until(home)
    # A later file may contradict rows that counted, and nobody has decided on anything then.
    changed = [*contradicted_deliveries(con), *once_withdrawn(con)]
    if last != told:
        changed += decided_after(con, told if told < last else 0)
    if changed:
        renew(con, home, config, changed)
    if last != told:
        _write_over(_mark(home), f"{last}\n")


def _mark(home: Home) -> Path:
    """The number of the last event that the notes tell of; it may be lost without harm."""
    return home.restricted / "quarantine" / "notes_until"


def _told_until(home: Home) -> int:
    try:
        return int(_mark(home).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return 0


def renew(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config, delivery_ids: Sequence[str]
) -> None:
    """The notes beside these files, with the counts of now; one that says so already is left."""
    decided = decided_after(con, 0)
    entries = ledger.known(con, delivery_ids)
    held = ledger.held_rows(con, list(entries))
    unplaced = without_school(con, list(entries))
    for folder in SEARCHED:
        for delivery_id, path in files_of(home, folder, entries):
            note, entry = _read_note(path.with_name(f"{path.name}.json")), entries[delivery_id]
            if note["outcome"] == "duplicate":
                note["still_waiting"] = entry.quarantined
            else:
                places = [HeldPlace(*place) for place in held.get(delivery_id, [])]
                note = _as_now(note, entry, places)
                note |= _decisions(decided.get(delivery_id), config)
                note["asking_unplaced"] = unplaced.get(delivery_id, 0)
            _write_notes(path, _outcome_of(note))


def _decisions(decided: Decided | None, config: Config) -> dict[str, Any]:
    """What was decided, in the words of a note; nothing where every decision was reopened."""
    if decided is None:
        return {"decided": {}, "decided_on": None}
    day = config.local(decided.last).date()
    return {"decided": dict(decided.rows), "decided_on": day.isoformat()}


def _as_now(
    note: Mapping[str, Any],
    entry: ledger.Entry,
    places: list[HeldPlace],
) -> dict[str, Any]:
    """What a note said, with what the ledger says now."""
    # What no row of the file waits for is told as it was when the file was loaded.
    counted = (
        Reason.DUPLICATE_ROW,
        Reason.STILL_HELD,
        Reason.NOW_CONTRADICTED,
        Reason.DECIDED_AGAINST,
        Reason.BLANK_FORM,
        Reason.ERASED,
        Reason.FORM_GONE,
        *TOLD,
        *ASKING,
    )
    kept = [code.value for code in counted]
    as_before = {code: note["reasons"][code] for code in kept if code in note["reasons"]}
    waiting = Counter(code for place in places for code in place.reasons)
    copies = [row for row in note["rows"] if row["reasons"] == [Reason.NOW_CONTRADICTED]]
    return {
        **note,
        "outcome": entry.outcome,
        "reason": entry.reason_code,
        "accepted": entry.accepted,
        "quarantined": entry.quarantined,
        "dropped": entry.dropped,
        "reasons": {**waiting, **as_before},
        "rows": [
            {"row": place.row_no, "reasons": place.reasons, "columns": place.columns}
            for place in places
        ]
        + copies,
    }


def _outcome_of(note: Mapping[str, Any]) -> Outcome:
    """What a note for a program says, as it was before it was written."""
    named = {
        **note,
        "survey_id": note["survey"],
        "reason": note["reason"] and Reason(note["reason"]),
    }
    rows = [HeldPlace(row["row"], row["reasons"], row["columns"]) for row in note["rows"]]
    left = [Left(*entry) for entry in note.get("left_blank", [])]
    known = {name: value for name, value in named.items() if name in Outcome.__slots__}
    return replace(Outcome(**known), rows=rows, left_blank=left)


def _settle(con: duckdb.DuckDBPyConnection, home: Home, *, today: date) -> None:
    """Say beside the old place of a refused content what it became when it was read again."""
    notes = {folder: dict(_notes_in(home, folder)) for folder in _REFUSED}
    contents = {delivery_id for found in notes.values() for delivery_id in found.values()}
    entries = ledger.known(con, sorted(contents)) if contents else {}
    for folder, found in notes.items():
        for path, delivery_id in found.items():
            entry = entries.get(delivery_id)
            if entry and entry.outcome != folder and entry.reason_code not in _BY_DECISION:
                _tell_settled(path, entry.outcome, today)


def _notes_in(home: Home, folder: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((home.outcome / folder).glob("*.json")):
        if path.is_file() and not path.is_symlink() and (delivery_id := content_of(path)):
            yield path, delivery_id


def _tell_settled(path: Path, outcome: str, today: date) -> None:
    """Put the sentence above the old notes; the note for a program goes last, for it is asked."""
    note = _read_note(path)
    if note.get("settled", {}).get("outcome") == outcome:
        return
    norwegian, english = OUTCOME_WORDS[outcome]
    sentence = [
        f"Avgjort {today}: innholdet er lest på nytt ({norwegian.lower()}, outcome/{outcome}/).",
        "Det som står under, gjelder ikke lenger.",
        f"Settled on {today}: the content was read again ({english.lower()}, outcome/{outcome}/).",
        "What stands below holds no more.",
    ]
    _put_above(path.with_name(f"{path.stem}.txt"), [*sentence, ""])
    _put_above(path.with_name(f"{path.stem}{DECISION_ENDING}"), [f"# {line}" for line in sentence])
    note["settled"] = {"on": today.isoformat(), "outcome": outcome}
    _write_over(path, json.dumps(note, ensure_ascii=False) + "\n")


def _put_above(path: Path, lines: list[str]) -> None:
    if path.is_file() and not path.is_symlink():
        above, below = "\n".join(lines) + "\n", path.read_text(encoding="utf-8")
        if not below.startswith(above):
            _write_over(path, above + below)


def _read_note(path: Path) -> dict[str, Any]:
    note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return note


def _write_notes(path: Path, outcome: Outcome) -> None:
    note = path.with_name(f"{path.name}.json")
    told = machine_note(outcome, size=_read_note(note).get("size", 0))
    if told == note.read_text(encoding="utf-8"):
        return
    # The note for a program goes last, for it tells whether both are written.
    _write_over(path.with_name(f"{path.name}.txt"), person_note(outcome))
    _write_over(note, told)


def tell_struck(path: Path, delivery_id: str, *, size: int, rows: int) -> None:
    """Let the notes beside a file name its new content, and the rows that are not in it any more.

    They are written before the file is: one that already says so was written by a run that was
    stopped. A file without notes has none to mend.
    """
    place = path.with_name(f"{path.name}.json")
    if not place.is_file() or content_of(place) == delivery_id:
        return
    note = _read_note(place)
    told = note["reasons"].get(Reason.ERASED.value, 0) + rows
    note |= {"delivery_id": delivery_id, "size": size}
    if told:
        note["reasons"] = {**note["reasons"], Reason.ERASED.value: told}
    outcome = _outcome_of(note)
    _write_over(path.with_name(f"{path.name}.txt"), person_note(outcome))
    _write_over(place, machine_note(outcome, size=size))


def _write_over(path: Path, text: str) -> None:
    """Put a text in a file's place at once, as old as it was: a file that is younger has grown."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    if path.exists():
        was = path.stat()
        os.utime(partial, ns=(was.st_atime_ns, was.st_mtime_ns))
    partial.replace(path)
