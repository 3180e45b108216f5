"""The road, from the inbox to the reports and the published file, as plain functions.

Every step is idempotent: it looks in the warehouse for what is due, does that, and records it in
the same transaction. So the road may be run at any time, by hand, by a schedule or by an event, and
a run that was cut off is simply run again. Nothing here knows Prefect.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from importlib import import_module
from threading import Thread

import duckdb

from flows.delivery.deliver import Delivered, deliver
from flows.doctor.zones import require_closed_zones
from flows.hand import hand
from flows.home import Config, Home, HomeError, load_config
from flows.inbox import SETTLE_SECONDS, count_changed, count_left
from flows.intake import ingest
from flows.old_languages import remove_old_languages
from flows.outcome import Outcome, fresh
from flows.quarantine.decisions_log import tell_decisions
from flows.quarantine.given_up import give_up_old
from flows.quarantine.told_anew import tell_anew
from flows.reporting import write_reports
from flows.sealing.recipients import is_sealing
from schemas.settings import Wave
from warehouse.erase import unfinished
from warehouse.flag import Beside, Flagged, open_flags, score_and_flag
from warehouse.instruments import register
from warehouse.keys import require_free_years, require_known_keys
from warehouse.lapse import expire_flags
from warehouse.ledger import tell
from warehouse.printed import Places
from warehouse.publish import Publication, PublicationError, publish
from warehouse.requests import Raised, Unheard, raised_by, unheard
from warehouse.same_pupils import renew_same_pupils
from warehouse.stages import answered_waves
from warehouse.store import only_writer, open_warehouse
from warehouse.vault import require_same_key

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Summary:
    """What a run did: files with their outcomes, waves, reports, the publication, and seconds.

    `reported` has the number of files written for each wave, and the state that they tell of;
    `removed` counts those of languages that are no longer written; `expired` what waited in
    quarantine for too long; `unheard` those that wait and ask for help.
    """

    files: list[tuple[str, Outcome]] = field(default_factory=list)
    waves: list[Flagged] = field(default_factory=list)
    reports: int = 0
    removed: int = 0
    sealed: bool = False  # whether reports are sealed to recipients
    delivered: Delivered = field(default_factory=Delivered)
    reported: dict[str, tuple[int, str]] = field(default_factory=dict)
    publication: Publication | None = None
    refused: str = ""  # why the disclosure gate let nothing out
    untold: bool = False  # something of a run that was cut off needs a person
    expired: int = 0
    left: int = 0  # files that may not be complete yet
    changed: int = 0  # files in outcome/loaded/ that are not what was loaded any more
    raised: dict[str, Raised] = field(default_factory=dict)  # new files with forms that ask
    unproven: int = 0  # erasings that were begun and are not proven
    unheard: Unheard = field(default_factory=lambda: Unheard(0, 0))
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def needs_a_person(self) -> bool:
        """Whether something waits for somebody: a refused file, a held row, or a decision."""
        refused = any(outcome.outcome in ("quarantined", "rejected") for _, outcome in self.files)
        held = any(outcome.has_waiting_rows or outcome.asks_a_person for _, outcome in self.files)
        unheard = self.unheard.without_school > 0
        off = any(wave.pupil_flags_off for wave in self.waves)
        undelivered = self.delivered.waiting > 0
        told = self.untold or self.unproven > 0 or bool(self.refused) or undelivered
        return refused or held or told or unheard or off


def load_meanwhile() -> None:
    """Begin to load what flags and the attack need, while files are read and the database works.

    A third of a second: as long as a municipality's whole wave takes to load.
    """
    for module in ("scipy.special", "scipy.sparse.csgraph", "holidays.countries.norway"):
        Thread(target=import_module, args=(module,), daemon=True).start()


@contextmanager
def at_work(home: Home, config: Config, *, now: datetime) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold the writer's lock and an open warehouse that knows the home's settings.

    ZonesOpenError where the home lies open to people that it is not for.
    """
    require_closed_zones(home)
    with only_writer(home.restricted), opened(home, config, now=now) as con:
        yield con


@contextmanager
def opened(home: Home, config: Config, *, now: datetime) -> Iterator[duckdb.DuckDBPyConnection]:
    """The open warehouse, for who holds the writer's lock and has to keep it once it is closed."""
    os.umask(0o027)
    with open_warehouse(home.restricted, analyst=home.analyst, now=now) as con:
        require_same_key(con, config.key)
        require_known_keys(con, config.key, by=hand(config), now=now)
        register(con, config.instruments, config.settings)
        require_free_years(con, config.key)
        tell_decisions(con, config, by=hand(config), now=now)
        yield con


def run(
    home: Home,
    *,
    now: datetime,
    wave: str | None = None,
    settle: float = SETTLE_SECONDS,
    progress: Progress = lambda _step, _done, _total: None,
) -> Summary:
    """The whole road: inbox -> loaded -> scored and flagged -> reported -> published."""
    load_meanwhile()
    config = load_config(home)
    if wave and wave not in {known.id for known in config.settings.waves}:
        raise HomeError("klassepuls.toml has no such wave: --wave takes the id of one")
    summary = Summary()
    with at_work(home, config, now=now) as con:
        with _timed(summary, "ingest"):
            summary.files = ingest(
                con, home, config, now=now, settle=settle, progress=partial(progress, "ingest")
            )
        summary.raised = raised_by(con, fresh([outcome for _, outcome in summary.files]))
        summary.left, summary.changed = count_left(home), count_changed(home)
        summary.expired = give_up_old(con, home, config, now=now)
        tell_anew(con, home, config, now=now)
        waves = [wave] if wave else answered_waves(con)
        with _timed(summary, "flag"):
            tell_flag = partial(progress, "flag")
            summary.waves = flag_waves(con, config, waves, now=now, progress=tell_flag)
        summary.sealed = is_sealing(config.settings)
        tell_report = partial(progress, "report")
        for wave_id in waves:
            with _timed(summary, "report"):
                written = write_reports(con, home, config, wave_id, now=now, progress=tell_report)
            summary.reported[wave_id] = written
            summary.reports += written[0]
        known = waves if wave else {*waves, *(one.id for one in config.settings.waves)}
        summary.removed = remove_old_languages(home, config.settings.languages, known)
        with _timed(summary, "publish"):
            try:
                summary.publication = publish_waves(con, home, config, waves, now=now)
            except PublicationError as error:
                # Whoever waits for a report or has asked for help must not wait for figures.
                summary.refused = str(error)
            progress("publish", 1, 1)
        with _timed(summary, "deliver"):
            summary.delivered = deliver(con, home, config, now=now)
        summary.unheard = unheard(con)
        summary.unproven = unfinished(con)
        summary.untold = tell(con, now=now)
    return summary


def flag_waves(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    waves: Sequence[str],
    *,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Flagged]:
    """Score and flag the waves of which anything has changed; then let old flags lapse.

    A later wave's answers may end flags of an earlier one, so what is open is counted last; how
    many lapsed or stand again, of whatever wave, is told with the last one.
    """
    renew_same_pupils(con, config.key)
    flagged = []
    for done, wave_id in enumerate(waves, start=1):
        wave = score_and_flag(
            con,
            wave_id,
            instruments=config.instruments,
            rules=config.rules,
            beside=Beside(config.network),
            settings=config.settings,
            now=config.local(now),
        )
        flagged.append(wave)
        progress(done, len(waves))
    lapsed = expire_flags(con, today=config.local(now).date())
    return [
        replace(
            wave, raised=open_flags(con, wave.wave_id), lapsed=lapsed if wave is flagged[-1] else 0
        )
        for wave in flagged
    ]


def publish_waves(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    waves: Sequence[str],
    *,
    now: datetime,
) -> Publication | None:
    """Publish the waves whose days of grace for late files are over; None where there are none.

    A published wave is frozen, for a second edition with one pupil more would give that pupil away.
    So it is not published before late files have had their time.
    """
    ripe = ripe_waves(config, waves, now=now)
    if not ripe:
        return None
    return publish(
        con,
        Places(home.publication_ledger, home.published),
        wave_ids=ripe,
        settings=config.settings,
        instruments=config.instruments,
        rules=config.rules,
        published_at=now,
    )


def ripe_waves(config: Config, waves: Sequence[str], *, now: datetime) -> list[str]:
    """Those of the waves that may be published now."""
    return [
        wave.id
        for wave in config.settings.waves
        if wave.id in waves and ripe_on(config, wave) <= config.local(now).date()
    ]


def ripe_on(config: Config, wave: Wave) -> date:
    """The first day on which a wave may be published: late files have had their days of grace."""
    return wave.closes + timedelta(days=config.settings.publication.days_after_close + 1)


@contextmanager
def _timed(summary: Summary, step: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    elapsed = time.perf_counter() - started
    summary.seconds[step] = summary.seconds.get(step, 0.0) + elapsed
