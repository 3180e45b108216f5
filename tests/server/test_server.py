"""The whole thing for real: a file is dropped, and reports and a published file come out.

One server, worker and watcher for all of it; the tests stand in the order that things happen.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from uuid import uuid4
from zoneinfo import ZoneInfo

import duckdb
import httpx
import polars as pl
import pytest

from flows.due import find_due
from flows.home import Home, init_home, load_config, open_home
from flows.intake import ingest
from flows.road import at_work
from flows.road import run as run_the_road
from flows.simulate import write_home_settings
from flows.stage import open_stage
from schemas.settings import Wave
from tests.erase.tokens import contents_below
from tests.faults.compare import as_it_stands, filed_files, same_key
from tests.server.conftest import ROOT, Prefect, eventually, served
from tests.server.three_tools import declare
from tests.support.home import make_home
from tests.support.planted import OF_PUPILS, fill, found_in
from transforms.synthetic.formats import to_csv
from transforms.synthetic.municipality import make_municipality
from warehouse.store import WarehouseBusyError, only_writer

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]

OSLO = ZoneInfo("Europe/Oslo")
WAVE = "VAAR"
CELL_FAULT = "99"


@dataclass(frozen=True)
class Town:
    """A home, and the two files of its two schools; every pupil code is random and planted."""

    home: Home
    first: bytes = field(repr=False)
    second: bytes = field(repr=False)
    tools: Mapping[str, bytes] = field(repr=False)
    codes: frozenset[str] = field(repr=False)

    def report(self, school: str, language: str = "nb") -> Path:
        """Where the school's report appears."""
        return self.home.health / school / WAVE / f"report.{language}.html"

    def drop(self, name: str, content: bytes) -> None:
        """Put a file into the inbox in one step."""
        partial = self.home.root / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(self.home.inbox / name)

    def held(self) -> ExitStack | None:
        """The writer's lock, as another run holds it; None while a run has it."""
        with ExitStack() as stack:
            try:
                stack.enter_context(only_writer(self.home.restricted))
            except WarehouseBusyError:
                return None
            return stack.pop_all()

    def rows(self) -> dict[str, int] | None:
        """Row counts of the warehouse; None while a run holds it."""
        try:
            with (
                only_writer(self.home.restricted),
                duckdb.connect(self.home.restricted / "warehouse.duckdb", read_only=True) as con,
            ):
                tables = ("core.delivery", "core.response", "core.flag", "quarantine.row")
                return {name: len(con.table(name)) for name in tables}
        except WarehouseBusyError:
            return None


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    today = datetime.now(OSLO).date()
    wave = Wave(
        id=WAVE,
        name="Våren",
        school_year="2026-27",
        opens=today - timedelta(days=30),
        closes=today - timedelta(days=10),
    )
    municipality = make_municipality(schools=2, grades=range(6, 8), waves=[wave], seed=1)
    old = municipality.answers["pupil_code"].unique(maintain_order=True)
    new = pl.Series("pupil_code", [f"QX{token_hex(6).upper()}" for _ in old])
    answers = municipality.answers.with_columns(pl.col("pupil_code").replace_strict(old, new))
    home = init_home(tmp_path_factory.mktemp("home"))
    write_home_settings(home.root, municipality)
    first, second = (
        to_csv(_with_a_fault(answers.filter(pl.col("school") == school.id)))
        for school in municipality.schools
    )
    return Town(home, first, second, declare(home), frozenset(new))


def _with_a_fault(answers: pl.DataFrame) -> pl.DataFrame:
    """The rows as text; the first has an answer that no option of its item has."""
    is_first = pl.int_range(pl.len()) == 0
    faulty = pl.when(is_first).then(pl.lit(CELL_FAULT)).otherwise(pl.col("who5_v1.who5_1"))
    return answers.cast(pl.String).with_columns(faulty.alias("who5_v1.who5_1"))


@pytest.fixture(scope="module")
def deployed(town: Town) -> Iterator[Prefect]:
    """All that runs by itself, as `klassepuls serve` keeps it."""
    with served(town.home) as prefect:
        # So that no sweep comes in between by the clock; one of the tests starts its own.
        sweep = prefect.deployment("sweep-due/every-ten-minutes")
        prefect.post(f"/deployments/{sweep}/pause_deployment", {})
        eventually("the first sweep to end", prefect.is_idle)
        yield prefect
        sys.stderr.write(f"\nserver test, seconds: {prefect.seconds}\n")


@pytest.fixture(scope="module")
def first_drop(deployed: Prefect, town: Town) -> Prefect:
    """The first school's file has gone the whole road."""
    began = time.monotonic()
    town.drop("skole 1.csv", town.first)
    for what, path in (
        ("the report", town.report("S01")),
        ("the published file", town.home.published),
    ):
        eventually(what, lambda path=path: path.is_file() or (deployed.is_idle() and None))
        deployed.seconds[f"drop to {what}"] = time.monotonic() - began
    eventually("the runs to end", deployed.is_idle)
    return deployed


def test_nightly_run_is_scheduled_for_a_quarter_past_five_in_oslo(deployed: Prefect) -> None:
    runs = eventually(
        "scheduled nightly runs", lambda: deployed.runs_of("run-road/nightly", "SCHEDULED")
    )
    times = [datetime.fromisoformat(run["expected_start_time"]).astimezone(OSLO) for run in runs]
    assert {(at.hour, at.minute) for at in times} == {(5, 15)}
    assert {at.isoweekday() for at in times} <= {1, 2, 3, 4, 5}


def test_second_serve_of_the_same_home_is_refused(deployed: Prefect, town: Town) -> None:
    command = [sys.executable, "-m", "flows.cli", "serve", "--home", str(town.home.root)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 3
    assert "nothing done: another `klassepuls serve` keeps this home running" in second.stderr


def test_changed_schedule_is_deployed_anew(deployed: Prefect, town: Town) -> None:
    before = town.home.settings_file.read_text(encoding="utf-8")
    schedule = '\n[schedule]\ncron = "45 4 * * *"\nno_runs_in = [6, 7]\n'
    town.home.settings_file.write_text(before + schedule, encoding="utf-8")
    nightly = deployed.deployment("run-road/nightly")
    eventually(
        "the new schedule",
        lambda: (
            [
                one["schedule"]["cron"]
                for one in deployed.ask("GET", f"/deployments/{nightly}")["schedules"]
            ]
            == ["45 4 * 1,2,3,4,5,8,9,10,11,12 *"]
        ),
    )
    eventually("serve to say so", lambda: "[schedule] was changed: deployed" in deployed.said())


def test_dropped_file_becomes_a_report_and_a_published_file(
    first_drop: Prefect, town: Town
) -> None:
    assert town.report("S01", "en").is_file()
    assert not list(town.home.inbox.iterdir())
    assert [path.name for path in (town.home.outcome / "loaded").glob("*.csv")] == ["skole 1.csv"]
    rows = eventually("the warehouse to be free", town.rows)
    assert rows["core.delivery"] == 1
    assert rows["core.response"] == town.first.count(b"\n") - 2
    assert rows["quarantine.row"] == 1
    ran = {
        name: len(first_drop.runs_of(name, "COMPLETED"))
        for name in ("flag-pupils/on-load", "report-flags/on-score", "publish-marts/on-report")
    }
    assert set(ran.values()) == {1}, ran


def test_same_content_again_waits_for_its_turn_and_adds_no_row(
    first_drop: Prefect, town: Town
) -> None:
    before = eventually("the warehouse to be free", town.rows)
    began = time.monotonic()
    with eventually("the warehouse to be free", town.held):
        town.drop("skole 1 igjen.csv", town.first)
        eventually("the run to wait for its turn", lambda: first_drop.tasks_in("AwaitingRetry"))
    duplicate = town.home.outcome / "duplicate" / "skole 1 igjen.csv"
    eventually("the duplicate to be filed", duplicate.is_file)
    first_drop.seconds["same again"] = time.monotonic() - began
    eventually("the runs to end", first_drop.is_idle)
    assert eventually("the warehouse to be free", town.rows) == before


def test_a_survey_tool_may_say_itself_that_a_file_has_come(first_drop: Prefect) -> None:
    before = len(first_drop.runs_of("ingest-inbox/on-drop"))
    event = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": "klassepuls.delivery.received",
        "resource": {"prefect.resource.id": "klassepuls.inbox"},
    }
    first_drop.post("/events", [event])
    eventually("a run", lambda: len(first_drop.runs_of("ingest-inbox/on-drop")) == before + 1)
    eventually("the runs to end", first_drop.is_idle)


def test_sweep_finds_what_no_event_told_and_closes_a_dead_run(
    first_drop: Prefect, town: Town
) -> None:
    _load_without_a_word(town)
    dead = _pretend_to_run(first_drop, "run-road/nightly", for_hours=5)
    began = time.monotonic()
    sweep = first_drop.deployment("sweep-due/every-ten-minutes")
    first_drop.post(f"/deployments/{sweep}/create_flow_run", {})
    eventually("the second school's report", town.report("S02").is_file)
    first_drop.seconds["sweep to report"] = time.monotonic() - began
    eventually("the dead run to be closed", lambda: first_drop.state_of(dead) == "CRASHED")
    first_drop.ask("DELETE", f"/flow_runs/{dead}")
    eventually("the runs to end", first_drop.is_idle)


def _load_without_a_word(town: Town) -> None:
    """Load the second file by the plain functions, as a run does whose events are lost."""
    config, now = load_config(town.home), datetime.now(UTC)

    def load() -> bool:
        try:
            with at_work(town.home, config, now=now) as con:
                town.drop("skole 2.csv", town.second)
                [(_, outcome)] = ingest(con, town.home, config, now=now, settle=0)
                return outcome.outcome == "loaded"
        except WarehouseBusyError:
            return False

    mask = os.umask(0o027)  # the road sets its own
    eventually("the warehouse to be free", load)
    os.umask(mask)


def _pretend_to_run(prefect: Prefect, name: str, *, for_hours: int) -> str:
    """A run that says it runs, and whose process is not there."""
    deployment = prefect.deployment(name)
    running = {"state": {"type": "RUNNING"}}
    run: str = prefect.post(f"/deployments/{deployment}/create_flow_run", running)["id"]
    # No call of the API makes a run older than it is.
    since = datetime.now(UTC) - timedelta(hours=for_hours)
    with closing(sqlite3.connect(prefect.store / "prefect.db", timeout=20)) as store, store:
        made_older = store.execute(
            "update flow_run set start_time = ? where replace(id, '-', '') = replace(?, '-', '')",
            (since.strftime("%Y-%m-%d %H:%M:%S.%f"), run),
        )
        assert made_older.rowcount == 1
    return run


# The codes come from outside, for a traceback quotes the lines of the script itself.
LEAK = """
import sys
from prefect import flow
from flows.boundary import without_values

CONTROL, OUTER, INNER = sys.argv[1:]

def fail(outer, inner):
    try:
        raise KeyError(inner)
    except KeyError as error:
        raise ValueError(f"cell {outer}") from error

@flow
def bare():
    fail(CONTROL, CONTROL)

@flow
def walled():
    without_values(fail)(OUTER, INNER)

for run in (bare, walled):
    run(return_state=True)
"""


def test_no_pupil_code_reaches_prefects_store(first_drop: Prefect, town: Town) -> None:
    control, *walled = (f"QX{token_hex(6).upper()}" for _ in range(3))
    script = town.home.root / "leak.py"
    script.write_text(LEAK, encoding="utf-8")
    command = [sys.executable, script, control, *walled]
    subprocess.run(command, cwd=ROOT, env=first_drop.env, check=True, capture_output=True)
    # The search finds a code where there is one: in the delivered file, and in Prefect's own
    # database after an error that was let through.
    filed = (town.home.outcome / "loaded" / "skole 1.csv").read_bytes()
    assert sum(code.encode() in filed for code in town.codes) > len(town.codes) // 3
    eventually("the control in the store", lambda: _found(first_drop.store, {control}))
    assert _found(first_drop.store, set(walled)) == 0
    assert _found(first_drop.store, set(town.codes)) == 0


# A whole road with every failure on the way, in Prefect's hands; the word is a control.
FLOWS = """
import sys
from prefect import flow
from prefect.logging import get_run_logger
from flows.run_road import run_road
@flow
def control(word):
    get_run_logger().info(word)
sound, broken, word = sys.argv[1:]
control(word)
for home in (sound, broken):
    print(run_road(home, return_state=True).type.value)
"""


def test_nothing_planted_reaches_prefects_home_or_temporary_folders(
    first_drop: Prefect, tmp_path: Path
) -> None:
    """Files that count, wait, are refused or hold persons; in the second home the load fails."""
    homes = [make_home(tmp_path / name) for name in ("sound", "broken")]
    for home in homes:
        fill(home)
    with duckdb.connect(homes[1].restricted / "warehouse.duckdb") as con:
        con.execute("alter table quarantine.row rename to row_away").fetchall()
    control, temporary = f"QX{token_hex(6).upper()}", tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-c", FLOWS, *(str(home.root) for home in homes), control]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=first_drop.env | {"TMPDIR": str(temporary), "PREFECT_LOGGING_LEVEL": "DEBUG"},
        check=True,
        capture_output=True,
    )
    assert done.stdout.decode().split() == ["COMPLETED", "FAILED"]
    eventually("the control in the store", lambda: _found(first_drop.store, {control}))
    assert _found(first_drop.store, {"StepFailedError"})
    for folder in (first_drop.store, temporary):
        for content in contents_below(folder).values():
            assert found_in(content) == []
    assert found_in(done.stdout + done.stderr) == []
    # The same search finds them where they belong.
    assert found_in(contents_below(homes[0].restricted)["vault/vault.duckdb"]) == OF_PUPILS


def test_worker_that_is_killed_in_the_middle_of_a_run_costs_nothing(
    first_drop: Prefect, town: Town, tmp_path: Path
) -> None:
    """Files of three tools; what is there in the end is what `klassepuls run` makes of them."""
    worker = first_drop.pid_of("worker")
    eventually("the warehouse to be free", town.rows)
    for name, content in town.tools.items():
        town.drop(name, content)
    began = time.monotonic()
    eventually("a run to be at work", lambda: _is_held(town) or _nothing_waits(town))
    os.kill(worker, signal.SIGKILL)
    eventually("the worker to come back", lambda: first_drop.pid_of("worker") != worker)
    eventually("all to be done", lambda: first_drop.is_idle(may_crash=True) and _is_done(town))
    first_drop.seconds["all done after a killed worker"] = time.monotonic() - began
    assert "worker ended by itself (SIGKILL): again in 1 s" in first_drop.said()
    other = _home_that_runs_by_hand(town, tmp_path)
    assert as_it_stands(town.home, times=False) == as_it_stands(other, times=False)
    assert {path.name for path in filed_files(town.home.root)} == {
        path.name for path in filed_files(other.root)
    }


def _is_held(town: Town) -> bool:
    """Whether a run is at work just now."""
    stack = town.held()
    if stack is not None:
        stack.close()
    return stack is None


def _nothing_waits(town: Town) -> bool:
    return not list(town.home.inbox.iterdir())


def _is_done(town: Town) -> bool:
    """Whether the ledger and the inbox say that nothing is due."""
    try:
        with open_stage(str(town.home.root)) as at:
            return not find_due(at)
    except WarehouseBusyError:
        return False


def _home_that_runs_by_hand(town: Town, place: Path) -> Home:
    """Another home with the same settings and keys, where a person has started the run."""
    home = init_home(place / "other")
    shutil.copy(town.home.settings_file, home.settings_file)
    shutil.copytree(town.home.surveys, home.surveys, dirs_exist_ok=True)
    same_key(town.home, home)
    # In the order in which they came to the other.
    for files in (
        {"skole 1.csv": town.first},
        {"skole 1 igjen.csv": town.first},
        {"skole 2.csv": town.second},
        town.tools,
    ):
        for name, content in files.items():
            (home.inbox / name).write_bytes(content)
        run_the_road(open_home(home.root), now=datetime.now(UTC), settle=0)
    return home


def test_serve_ends_cleanly_when_told(first_drop: Prefect) -> None:
    assert first_drop.stop() == 0
    assert first_drop.said().splitlines()[-3:] == [
        "watcher has ended",
        "worker has ended",
        "server has ended",
    ]
    with pytest.raises(httpx.TransportError):
        first_drop.api.get("/health")


def _found(store: Path, codes: set[str]) -> int:
    """How many of the codes stand anywhere in the database, the logs or the stored results."""
    texts = [path.read_bytes() for path in store.rglob("*") if path.is_file()]
    return sum(any(code.encode() in text for text in texts) for code in codes)
