"""Every matter that somebody has to be told of now, found anew each time from what stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import duckdb

from flows.doctor.finding import Verdict
from flows.doctor.machine import check_machine
from flows.doctor.zones import check_key, check_zones
from flows.due import published_waves
from flows.home import Config, Home
from flows.road import ripe_on, ripe_waves
from reports.notices.letter import Line
from schemas.settings_notices import NoticeKind
from transforms.working_days import add_working_days
from warehouse.notices import last_walked, newest_rejected, newest_waiting, prompts_by_school
from warehouse.overdue import Overdue
from warehouse.stages import answered_waves

HOME, ADULTS, UNPLACED = "home", "adults", "unplaced"
# Working days without a run that came to its end.
SILENT_DAYS = 2


@dataclass(frozen=True, slots=True)
class Matter:
    """Something to tell of. `subject`: a school, a wave, or HOME, ADULTS, UNPLACED.

    `mark` grows when it gets worse; what `goes_on` is told again after some days.
    """

    kind: NoticeKind
    subject: str
    mark: int
    goes_on: bool = True

    @property
    def line(self) -> Line:
        """As a letter has it."""
        if self.kind == "wave_overdue":
            return Line(self.kind, wave_id=self.subject)
        is_school = self.subject not in (HOME, ADULTS, UNPLACED)
        return Line(self.kind, school_id=self.subject if is_school else None)


def find_matters(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    late: Sequence[Overdue],
    *,
    faults: int,
    now: datetime,
) -> list[Matter]:
    """All of them; none where everything is as it should be. `faults`: of the installation."""
    return [
        *_prompts(con),
        *_late(late),
        *_deliveries(con, now),
        *_publication(con, home, config, now),
        *([Matter("machine", HOME, faults)] if faults else []),
        *_silence(con, config, now),
    ]


def _prompts(con: duckdb.DuckDBPyConnection) -> Iterator[Matter]:
    for route, school, newest in prompts_by_school(con):
        subject = (school or UNPLACED) if route == "health_service" else ADULTS
        yield Matter("prompt_raised", subject, newest, goes_on=False)


def _late(late: Sequence[Overdue]) -> Iterator[Matter]:
    """One matter a wave, or a kind and school, however many there are of it."""
    marks: dict[tuple[NoticeKind, str], int] = {}
    for one in late:
        key: tuple[NoticeKind, str]
        if one.kind == "wave":
            key = "wave_overdue", one.wave_id or HOME
        else:
            kind: NoticeKind = "prompt_unanswered" if one.kind == "prompt" else "review_overdue"
            key = kind, one.school_id or ADULTS
        marks[key] = max(one.mark, marks.get(key, 0))
    for (kind, subject), mark in marks.items():
        yield Matter(kind, subject, mark)


def _deliveries(con: duckdb.DuckDBPyConnection, now: datetime) -> Iterator[Matter]:
    if (newest := newest_waiting(con)) is not None:
        yield Matter("quarantine", HOME, newest)
    if (newest := newest_rejected(con, now=now)) is not None:
        yield Matter("delivery_failed", HOME, newest, goes_on=False)


def _publication(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config, now: datetime
) -> Iterator[Matter]:
    """Waves that a run since they were ripe should have put out."""
    walked = last_walked(con, "run")
    missing = set(ripe_waves(config, answered_waves(con), now=now)) - published_waves(home)
    due = [
        datetime.combine(ripe_on(config, wave), time(), ZoneInfo(config.settings.schedule.timezone))
        for wave in config.settings.waves
        if wave.id in missing
    ]
    withheld = [day for day in due if walked is not None and walked >= day]
    if withheld:
        yield Matter("publication_withheld", HOME, int(max(withheld).timestamp()))


def faults_of(home: Home, config: Config) -> int:
    """How much `klassepuls doctor` has to say of zones, keys, disk and versions.

    Asked while no run has the warehouse open: what a run leaves lying about is no fault before it
    has ended.
    """
    findings = (*check_zones(home), *check_key(home), *check_machine(home, config))
    return sum(one.verdict in (Verdict.MEND, Verdict.REFUSED) for one in findings)


def _silence(con: duckdb.DuckDBPyConnection, config: Config, now: datetime) -> Iterator[Matter]:
    """A home whose runs have stopped coming to their end, in July as well."""
    walked = last_walked(con, "run")
    if walked is None:
        return
    local = config.local(walked)
    last = datetime.combine(add_working_days(local.date(), SILENT_DAYS), local.time(), local.tzinfo)
    if last + timedelta(hours=12) < now:
        yield Matter("run_failed", HOME, int(walked.timestamp()))
