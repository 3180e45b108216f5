"""Files of which nothing is stored: why, with what their notes say of them, and their entries."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from flows.inbox import Arrival
from flows.outcome import HeldPlace, Outcome
from flows.recognition import Delivery
from flows.row_counts import rows_of, rows_read
from schemas.reason import Reason
from transforms.code_names import codes_may_be_names
from transforms.drift import options_decision
from transforms.readers.reading import FileProblem
from transforms.stops import FilesStopped, Strangers
from warehouse import ledger
from warehouse.entries import Incoming

# A refusal that a change of settings can lift is quarantine; one that only a new export can lift is
# rejection.
QUARANTINED_WHOLE = frozenset(
    {
        Reason.NOT_RECOGNISED,
        Reason.SURVEYS_ALIKE,
        Reason.HEADER_MISMATCH,
        Reason.CODEBOOK_MISSING,
        Reason.SURVEY_MISSING,
        Reason.OPTIONS_CHANGED,
        Reason.CODES_MAY_BE_NAMES,
        Reason.CODE_WITHOUT_ZEROS,
    }
)


def refuse(
    con: duckdb.DuckDBPyConnection, arrival: Arrival, problem: FileProblem, *, now: datetime
) -> Outcome:
    """Enter a refused file into the ledger; the rows of a quarantined one are counted with it."""
    outcome = "quarantined" if problem.reason in QUARANTINED_WHOLE else "rejected"
    rows, is_held = 0, outcome == "quarantined"
    if is_held or problem.reason is Reason.PERSONAL_DATA:
        rows = rows_of(arrival) if problem.rows is None else problem.rows
    incoming = Incoming(arrival.delivery_id, "unknown", len(arrival.content or b""))
    ledger.refuse(con, incoming, outcome=outcome, reason=problem.reason, delivered=rows, now=now)
    return Outcome(
        arrival.delivery_id,
        outcome,
        reason=problem.reason,
        column=problem.column,
        folders=problem.folders,
        lacking=problem.lacking,
        added=problem.added,
        other_sheet=problem.sheet,
        tool=problem.tool,
        decision=problem.decision,
        delivered=rows,
        quarantined=rows if is_held else 0,
        dropped=0 if is_held else rows,
        rows=[
            HeldPlace(row_no, [kind.value], [column] if column else [])
            for row_no, kind, column in problem.persons or ()
        ],
    )


def recognised_as(delivery: Delivery) -> dict[str, Any]:
    """What the note says of the tool: which, how sure, why, and what was taken away at once."""
    taken = delivery.reading.dropped if delivery.reading else {}
    found: dict[str, Any] = {
        "taken_away": {kind.value: count for kind, count in taken.items()},
        "unread": delivery.reading.unread if delivery.reading else 0,
    }
    if delivery.evidence:
        evidence = delivery.evidence
        found |= {"tool": evidence.tool, "sure": evidence.sure, "marks": evidence.marks}
    return found


def stop(
    con: duckdb.DuckDBPyConnection,
    stopped: FilesStopped,
    deliveries: Sequence[Delivery],
    *,
    now: datetime,
) -> tuple[dict[Path, Outcome], list[Delivery]]:
    """Refuse the files of which nothing may be stored, saying where; and give the others."""
    places: dict[int, list[HeldPlace]] = {}
    for person in stopped.persons:
        place = HeldPlace(
            person.row_no, [person.kind.value], [person.column] if person.column else []
        )
        places.setdefault(person.file_no, []).append(place)
    numbers = sorted({*places, *stopped.strangers, *stopped.named})
    refused = {}
    for file_no in numbers:
        delivery = deliveries[file_no]
        if file_no in stopped.named and file_no not in places:
            problem = codes_may_be_names(rows=rows_read(delivery))
        else:
            problem = _why(delivery, file_no in places, stopped.strangers.get(file_no, {}))
        outcome = replace(
            refuse(con, delivery.arrival, problem, now=now), rows=places.get(file_no, ())
        )
        refused[delivery.arrival.path] = replace(outcome, **recognised_as(delivery))
    others = [delivery for at, delivery in enumerate(deliveries) if at not in numbers]
    return refused, others


def _why(delivery: Delivery, has_persons: bool, strangers: Strangers) -> FileProblem:  # noqa: FBT001
    if has_persons or delivery.layout is None:
        return FileProblem(Reason.PERSONAL_DATA, rows=rows_read(delivery))
    return FileProblem(
        Reason.OPTIONS_CHANGED,
        column=next(iter(strangers)),
        rows=rows_read(delivery),
        decision=options_decision(delivery.layout.survey.id, strangers),
    )
