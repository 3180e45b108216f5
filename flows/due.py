"""What the ledger and the inbox say is due: the truth that makes up for every lost event."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flows.home import Home
from flows.inbox import waiting
from flows.reporting import report_state, reports_due
from flows.road import ripe_waves
from flows.stage import Stage
from schemas.settings import Settings
from warehouse.flag import flag_state
from warehouse.printed import MANIFEST
from warehouse.stages import fingerprint, is_done

SWEEP_EVERY = timedelta(minutes=10)

# In prefect.yaml: the work pool, and the deployment that does each step.
POOL = "klassepuls"
DEPLOYMENTS = {
    "ingest": "ingest-inbox/on-drop",
    "flag": "flag-pupils/on-load",
    "report": "report-flags/on-score",
    "publish": "publish-marts/on-report",
}


@dataclass(frozen=True, slots=True)
class Due:
    """A step that is due: for which subject (a wave, or the whole home), in which state of it."""

    stage: str
    subject: str
    state: str
    wave_id: str | None = None

    def key(self, now: datetime) -> str:
        """One run a step and state in ten minutes; a step whose run failed is due in the next."""
        passed = now.astimezone(UTC).timestamp() // SWEEP_EVERY.total_seconds()
        return f"{self.stage}:{self.subject}:{self.state}:{passed:.0f}"


def find_due(at: Stage) -> list[Due]:
    """The first due step of the inbox, of each wave and of the publication; the newest wave first.

    Whoever answered last may need somebody first. The step that follows is found by the event of
    the one before it, or by the next sweep.
    """
    waves = newest_first(at.config.settings, at.waves(None))
    steps = [step for wave_id in waves if (step := _due_of_wave(at, wave_id))]
    return [*_due_of_inbox(at.home), *steps, *_due_of_publication(at, waves, waiting_for=steps)]


def newest_first(settings: Settings, waves: Collection[str]) -> list[str]:
    """The waves in the order of their closing, the last one first."""
    closes = {wave.id: wave.closes for wave in settings.waves}
    return sorted(waves, key=lambda wave: (closes.get(wave, date.min), wave), reverse=True)


def _due_of_inbox(home: Home) -> list[Due]:
    seen = [str(path.relative_to(home.inbox)) for path in waiting(home, settle=0)]
    return [Due("ingest", "inbox", fingerprint(seen))] if seen else []


def _due_of_wave(at: Stage, wave_id: str) -> Due | None:
    config = at.config
    state = flag_state(
        at.con,
        wave_id,
        instruments=config.instruments,
        rules=config.rules,
        settings=config.settings,
    )
    if not is_done(at.con, "flagged", wave_id, state):
        return Due("flag", wave_id, state, wave_id)
    if reports_due(at.con, at.home, config, wave_id):
        return Due("report", wave_id, report_state(at.con, config, wave_id), wave_id)
    return None


def _due_of_publication(at: Stage, waves: list[str], *, waiting_for: list[Due]) -> list[Due]:
    """Ripe waves that are not out; one that is to be flagged first comes with a later sweep."""
    unready = {step.wave_id for step in waiting_for if step.stage == "flag"}
    ripe = set(ripe_waves(at.config, waves, now=at.now)) - unready
    missing = sorted(ripe - published_waves(at.home))
    return [Due("publish", "analyst", fingerprint(missing))] if missing else []


def published_waves(home: Home) -> set[str]:
    """What the manifest says is out; where it says nothing, publishing is due and mends it."""
    try:
        manifest = json.loads((home.analyst / MANIFEST).read_text(encoding="utf-8"))
        return set(manifest["waves"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()
