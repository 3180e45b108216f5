"""What a further copy of a content is told: whether its rows count, wait, or were decided against.

The ledger knows of a delivery what waits of its own rows. A row that was a copy of another file's
form stands as that form does now, and no table says which that was. So where anything of the survey
waits or was decided on, the copy is judged as it would be under other bytes, and nothing is stored.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from flows.home import Config
from flows.inbox import Arrival
from flows.outcome import Outcome
from flows.recognition import Delivery, recognise_arrival
from flows.validation import validated_blocks
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.readers.reading import FileProblem
from transforms.stops import FilesStopped
from warehouse.come_again import is_anything_out
from warehouse.entries import Loaded
from warehouse.load import judge_copies
from warehouse.requests import Listening

_TOLD = (
    Reason.DUPLICATE_ROW,
    Reason.STILL_HELD,
    Reason.NOW_CONTRADICTED,
    Reason.DECIDED_AGAINST,
    Reason.BLANK_FORM,
)
_NAME = "copy of "  # no content has it


def told_as_they_stand(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    copies: Sequence[Arrival],
    done: Mapping[Path, Outcome],
    *,
    now: datetime,
) -> dict[Path, Outcome]:
    """The outcomes of copies, each row counted as it stands now; those that nothing is out of stay.

    `copies` were not read; `done` has what the ledger says of each.
    """
    by_survey: defaultdict[str, dict[str, Arrival]] = defaultdict(dict)
    for arrival in copies:
        survey_id = done[arrival.path].survey_id
        if done[arrival.path].outcome == "duplicate" and survey_id in config.surveys:
            by_survey[survey_id or ""][arrival.delivery_id] = arrival
    counts: dict[str, dict[str, int]] = {}
    for survey_id, arrivals in by_survey.items():
        if is_anything_out(con, survey_id):
            survey = config.surveys[survey_id]
            counts |= _counts(con, config, survey, list(arrivals.values()), now=now)
    return {
        arrival.path: _told(done[arrival.path], counts[arrival.delivery_id])
        for arrival in copies
        if arrival.delivery_id in counts and done[arrival.path].outcome == "duplicate"
    }


def _told(outcome: Outcome, counts: Mapping[str, int]) -> Outcome:
    """The file's own waiting rows are `still_waiting`, which is told anew once decided on."""
    others = counts.get(Reason.STILL_HELD.value, 0) - outcome.still_waiting
    reasons = {**counts, Reason.STILL_HELD.value: max(others, 0)}
    return replace(outcome, reasons={code: rows for code, rows in reasons.items() if rows})


def _counts(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    survey: Survey,
    arrivals: Sequence[Arrival],
    *,
    now: datetime,
) -> dict[str, dict[str, int]]:
    """For each content its rows by reason; left out is what would not be a copy throughout."""
    try:
        deliveries = [_recognised(arrival, survey, config) for arrival in arrivals]
        judged = judge_copies(
            con,
            validated_blocks(deliveries, config),
            incoming=[
                replace(one.incoming, delivery_id=f"{_NAME}{one.arrival.delivery_id}")
                for one in deliveries
            ],
            survey=survey,
            listening=Listening(config.instruments, config.rules),
            key=config.key,
            now=now,
        )
    except (FileProblem, FilesStopped):
        return {}  # the settings have changed since it was loaded
    return {
        one.delivery_id.removeprefix(_NAME): _of_copy(one)
        for one in judged
        if not one.accepted and not one.quarantined
    }


def _recognised(arrival: Arrival, survey: Survey, config: Config) -> Delivery:
    """The content as the survey's that it was loaded for, in whatever folder the copy lies."""
    path = arrival.path
    if survey.inbox_folder is not None and config.inbox is not None:
        path = config.inbox / survey.inbox_folder / path.name
    delivery = recognise_arrival(replace(arrival, path=path), config)
    if delivery.layout is None or delivery.layout.survey.id != survey.id:
        raise FileProblem(Reason.NOT_RECOGNISED)
    return replace(delivery, arrival=arrival)


def _of_copy(judged: Loaded) -> dict[str, int]:
    told = {reason.value for reason in _TOLD}
    return {code: rows for code, rows in judged.reasons.items() if code in told}
