"""From files to rows: recognise, read, validate and load what lies in the inbox.

Files of one survey with the same headings are read as one block and loaded in one transaction, each
with its own ledger entry: 900 class files cost little more than one file of their size. A file that
cannot be read stops nobody else.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from flows import class_lists
from flows.copies import told_as_they_stand
from flows.erasure.come_again import without_erased
from flows.home import OUTCOMES, Config, Home, make_inbox_folders
from flows.inbox import Arrival, clear_folders, file_away, lying_in, take, take_back, waiting
from flows.outcome import ASKING, HeldPlace, Outcome, copy_of
from flows.recognition import Delivery, recognise_arrival
from flows.refusal import recognised_as, refuse, stop
from flows.row_counts import rows_read
from flows.validation import validated_blocks
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.readers.reading import FileProblem, Reading
from transforms.stops import FilesStopped
from warehouse import ledger
from warehouse.choice_zeros import choices_of_nobody
from warehouse.entries import Loaded
from warehouse.failpoint import reach
from warehouse.left_blank import left_blank_in
from warehouse.list_zeros import pupils_listed_without_zeros
from warehouse.load import load_answers
from warehouse.requests import Listening, without_school
from warehouse.unlikely import unlikely_in
from warehouse.witness import bear_witness

UNIT_BYTES = 48 << 20
UNIT_FILES = 2_000

Progress = Callable[[int, int], None]


def ingest(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    *,
    now: datetime,
    settle: float,
    progress: Progress = lambda _done, _total: None,
) -> list[tuple[str, Outcome]]:
    """Take everything in the inbox to its outcome; returns each file's name and outcome."""
    for folder in OUTCOMES:
        take_back(home, folder)
    paths = waiting(home, settle=settle)
    outcomes: list[tuple[str, Outcome]] = []
    for unit in _units(take(paths, settle=settle)):
        filed = _ingest_unit(con, home, config, unit, now=now)
        outcomes += filed
        progress(len(outcomes), len(paths))
    ledger.mark_all_filed(con, now=now)
    clear_folders(home)
    make_inbox_folders(home, config)
    return outcomes


def _units(arrivals: Iterable[Arrival]) -> Iterator[list[Arrival]]:
    """Arrivals in groups that fit in memory; a giant is a group of its own."""
    unit: list[Arrival] = []
    size = 0
    for arrival in arrivals:
        arriving = len(arrival.content or b"")
        if unit and (size + arriving > UNIT_BYTES or len(unit) >= UNIT_FILES):
            yield unit
            unit, size = [], 0
        unit.append(arrival)
        size += arriving
    if unit:
        yield unit


def _ingest_unit(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    unit: Sequence[Arrival],
    *,
    now: datetime,
) -> list[tuple[str, Outcome]]:
    entries = ledger.known(con, [arrival.delivery_id for arrival in unit])
    done, fresh, copies = _sort_out(con, home, config, unit, entries)
    deliveries: list[Delivery] = []
    for arrival in fresh:
        placed = _where_it_belongs(arrival, entries.get(arrival.delivery_id), config)
        try:
            deliveries.append(replace(recognise_arrival(placed, config), arrival=arrival))
        except FileProblem as problem:
            done[arrival.path] = refuse(con, arrival, problem, now=now)
    reach("after-read")
    for loaded in _load(con, config, deliveries, now=now):
        done |= loaded
    first = {arrival.delivery_id: done[arrival.path] for arrival in fresh}
    for arrival in copies:
        done[arrival.path] = copy_of(first[arrival.delivery_id])
    read = {arrival.path for arrival in fresh}
    unread = [arrival for arrival in unit if arrival.path not in read]
    done |= told_as_they_stand(con, config, unread, done, now=now)
    reach("after-load-commit")
    bear_witness(con, home.restricted)
    return _file(con, home, config, [(arrival, done[arrival.path]) for arrival in unit], now=now)


def _where_it_belongs(arrival: Arrival, entry: ledger.Entry | None, config: Config) -> Arrival:
    """A file that is read again, as if in the folder of the survey that it was read for."""
    survey = config.surveys.get(entry.survey_id or "") if entry else None
    if entry and entry.is_withdrawn:
        return arrival  # it lay in a wrong folder, perhaps
    if survey is None or survey.inbox_folder is None or config.inbox is None:
        return arrival
    return replace(arrival, path=config.inbox / survey.inbox_folder / arrival.path.name)


def _sort_out(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    unit: Sequence[Arrival],
    entries: Mapping[str, ledger.Entry],
) -> tuple[dict[Path, Outcome], list[Arrival], list[Arrival]]:
    """Outcomes that are known already, contents to read, and further copies of those."""
    done: dict[Path, Outcome] = {}
    fresh: dict[str, Arrival] = {}
    copies = []
    resumed = _put_away(home, entries)
    for arrival in unit:
        entry = entries.get(arrival.delivery_id)
        if entry and entry.is_final and not _may_be_mended(entry, config):
            known = _entered(arrival.delivery_id, entry)
            is_copy = entry.is_filed or arrival.delivery_id in resumed
            resumed.add(arrival.delivery_id)
            done[arrival.path] = copy_of(known) if is_copy else known
        elif arrival.delivery_id in fresh:
            copies.append(arrival)
        else:
            fresh[arrival.delivery_id] = arrival
    ledger.forget_refused(con, list(fresh))
    return done, list(fresh.values()), copies


def _put_away(home: Home, entries: Mapping[str, ledger.Entry]) -> set[str]:
    """Contents whose file was moved by a run that was stopped before it could say so."""
    unsaid = {key: entry.outcome for key, entry in entries.items() if not entry.is_filed}
    lying = {outcome: lying_in(home, outcome) for outcome in set(unsaid.values())}
    return {key for key, outcome in unsaid.items() if key in lying[outcome]}


def _may_be_mended(entry: ledger.Entry, config: Config) -> bool:
    """Whether a file with held rows is worth reading again.

    It is where what they were held against has changed, where rows were given up for their age, and
    where a person took the file out.
    """
    survey_id = entry.survey_id
    if entry.is_withdrawn:
        return True
    if entry.kind == "class_list":
        return bool(entry.quarantined) and entry.declared != class_lists.declared(config)
    if survey_id is None or survey_id not in config.surveys:
        return False
    if entry.expired:
        return True  # nobody has judged those rows, so they wait anew
    if not entry.has_rows_left and entry.declared != ledger.READ_AGAIN:
        return False
    return entry.declared != config.declared.get(survey_id, "")


def _entered(delivery_id: str, entry: ledger.Entry) -> Outcome:
    """The outcome of a file that the ledger knows, from a run that may have been stopped."""
    return Outcome(
        delivery_id,
        entry.outcome,
        survey_id=entry.survey_id,
        format=entry.format,
        reason=Reason(entry.reason_code) if entry.reason_code else None,
        delivered=entry.delivered,
        accepted=entry.accepted,
        quarantined=entry.quarantined,
        dropped=entry.dropped,
        with_text=entry.with_text or 0,
        alone=entry.alone,
        fewest_alike=entry.fewest_alike,
        own_choices=entry.own_choices or 0,
        outside_choices=entry.outside_choices or 0,
        decided={"against": entry.against} if entry.against else {},
        erased=entry.erased,
    )


def _load(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    deliveries: Sequence[Delivery],
    *,
    now: datetime,
) -> Iterator[dict[Path, Outcome]]:
    """Load the class lists, then each survey's deliveries together."""
    by_survey: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        if delivery.class_list is not None:
            yield {delivery.arrival.path: _load_class_list(con, config, delivery, now=now)}
        elif delivery.layout is not None:
            by_survey.setdefault(delivery.layout.survey.id, []).append(delivery)
    for survey_id, group in by_survey.items():
        yield _load_survey(con, config, config.surveys[survey_id], group, now=now)


def _load_class_list(
    con: duckdb.DuckDBPyConnection, config: Config, delivery: Delivery, *, now: datetime
) -> Outcome:
    if delivery.class_list is None:
        raise FileProblem(Reason.UNREADABLE)
    try:
        loaded = class_lists.load(
            con, delivery.class_list, config, incoming=delivery.incoming, now=now
        )
    except FileProblem as problem:
        counted = problem.with_tool(rows=rows_read(delivery))
        return refuse(con, delivery.arrival, counted, now=now)
    content = delivery.class_list.content
    unread = content.unread if isinstance(content, Reading) else 0
    return replace(_outcome(loaded, None, delivery.format), unread=unread)


def _load_survey(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    survey: Survey,
    deliveries: Sequence[Delivery],
    *,
    now: datetime,
) -> dict[Path, Outcome]:
    """Load one survey's files in one transaction; where one fails, each on its own."""
    try:
        loaded = load_answers(
            con,
            validated_blocks(deliveries, config),
            incoming=[
                replace(delivery.incoming, declared=config.declared.get(survey.id, ""))
                for delivery in deliveries
            ],
            survey=survey,
            listening=Listening(config.instruments, config.rules),
            key=config.key,
            now=now,
        )
    except FilesStopped as stopped:
        refused, others = stop(con, stopped, deliveries, now=now)
        return refused | (_load_survey(con, config, survey, others, now=now) if others else {})
    except FileProblem as problem:
        if len(deliveries) == 1:
            arrival = deliveries[0].arrival
            refusal = refuse(con, arrival, problem, now=now)
            return {arrival.path: replace(refusal, **recognised_as(deliveries[0]))}
        outcomes: dict[Path, Outcome] = {}
        for delivery in deliveries:
            outcomes |= _load_survey(con, config, survey, [delivery], now=now)
        return outcomes
    formats = {delivery.arrival.delivery_id: delivery for delivery in deliveries}
    return {
        delivery.arrival.path: replace(
            _outcome(entry, survey.id, delivery.format), **recognised_as(delivery)
        )
        for entry in loaded
        for delivery in [formats[entry.delivery_id]]
    }


def _outcome(loaded: Loaded, survey_id: str | None, kind: str) -> Outcome:
    return Outcome(
        delivery_id=loaded.delivery_id,
        outcome=loaded.outcome,
        survey_id=survey_id,
        format=kind,
        reason=Reason.ALREADY_DELIVERED if loaded.outcome == "duplicate" else None,
        delivered=loaded.delivered,
        accepted=loaded.accepted,
        quarantined=loaded.quarantined,
        dropped=loaded.dropped,
        with_text=loaded.with_text or 0,
        alone=loaded.alone,
        fewest_alike=loaded.fewest_alike,
        own_choices=loaded.own_choices or 0,
        outside_choices=loaded.outside_choices or 0,
        moved=loaded.moved,
        erased=loaded.erased,
        reasons=loaded.reasons,
        rows=[HeldPlace(row_no, [Reason.NOW_CONTRADICTED.value], []) for row_no in loaded.copies],
    )


def _file(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    done: Sequence[tuple[Arrival, Outcome]],
    *,
    now: datetime,
) -> list[tuple[str, Outcome]]:
    """Put the files away with their notes. What is interrupted here is taken up by the next run."""
    with_rows = [outcome.delivery_id for _, outcome in done if outcome.quarantined]
    places = ledger.held_rows(con, with_rows) if with_rows else {}
    unplaced = without_school(con, with_rows) if with_rows else {}
    left = left_blank_in(con, [outcome.delivery_id for _, outcome in done])
    loaded = [outcome.delivery_id for _, outcome in done if outcome.outcome == "loaded"]
    are_codes = bool(config.settings.pupil_codes.of_letters)
    unlikely = unlikely_in(con, loaded, key=config.key, are_codes=are_codes) if loaded else {}
    asking = _asking(con, loaded, config) if loaded else {}
    filed = []
    for arrival, outcome in done:
        held = [HeldPlace(*place) for place in places.get(outcome.delivery_id, [])]
        reasons = dict(outcome.reasons) or _reasons_of(outcome, held)
        # A copy of the same run has the same content, and none of its rows counts.
        odd = unlikely.get(outcome.delivery_id, {}) if outcome.outcome == "loaded" else {}
        asks = asking.get(outcome.delivery_id, {}) if outcome.outcome == "loaded" else {}
        told = replace(
            outcome,
            rows=_in_order([*held, *outcome.rows]) if held else outcome.rows,
            reasons=reasons | odd | asks,
            asking_unplaced=unplaced.get(outcome.delivery_id, 0),
            left_blank=() if outcome.outcome == "duplicate" else left.get(outcome.delivery_id, ()),
        )
        if outcome.erased or outcome.outcome == "duplicate":
            arrival = without_erased(con, arrival, told, config)  # noqa: PLW2901 - another copy
        file_away(home, arrival, told)
        filed.append((arrival.path.name, replace(outcome, reasons={**outcome.reasons, **asks})))
    ledger.mark_filed(con, [outcome.delivery_id for _, outcome in done], now=now)
    return filed


def _asking(
    con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str], config: Config
) -> dict[str, dict[str, int]]:
    """What of these files somebody should look at, though nothing waits: rows by reason."""
    asking: dict[str, dict[str, int]] = {}
    for reason, found in zip(
        ASKING,
        (
            choices_of_nobody(con, delivery_ids),
            pupils_listed_without_zeros(con, delivery_ids, key=config.key),
        ),
        strict=True,
    ):
        for delivery_id, rows in found.items():
            asking.setdefault(delivery_id, {})[reason.value] = rows
    return asking


def _in_order(rows: Sequence[HeldPlace]) -> list[HeldPlace]:
    return sorted(rows, key=lambda place: place.row_no)


def _reasons_of(outcome: Outcome, rows: Sequence[HeldPlace]) -> dict[str, int]:
    """The rows by reason of a file that was loaded by a run that did not come to tell of it."""
    counted = Counter(code for row in rows for code in row.reasons)
    if outcome.survey_id and outcome.dropped:
        counted[Reason.DUPLICATE_ROW.value] = outcome.dropped
    return dict(sorted(counted.items()))
