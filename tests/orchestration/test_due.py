"""What the ledger and the inbox say is due, step by step."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flows.due import Due, find_due
from flows.home import init_home, load_config
from flows.intake import ingest
from flows.reporting import write_reports
from flows.road import at_work, flag_waves, publish_waves
from flows.simulate import write_home_settings
from flows.stage import Stage
from schemas.settings import Wave
from transforms.synthetic.formats import to_csv
from transforms.synthetic.municipality import Municipality, make_municipality

WAVE = Wave(
    id="2026V", name="V", school_year="2025-26", opens=date(2026, 3, 9), closes=date(2026, 3, 27)
)
LONG_AFTER = datetime(2026, 5, 4, 5, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def town() -> Municipality:
    return make_municipality(schools=1, grades=range(6, 8), waves=[WAVE], seed=1)


@pytest.fixture
def at(tmp_path: Path, town: Municipality) -> Iterator[Stage]:
    """A home where one file waits."""
    home = init_home(tmp_path)
    write_home_settings(home.root, town)
    (home.inbox / "answers.csv").write_bytes(to_csv(town.answers))
    config = load_config(home)
    with at_work(home, config, now=LONG_AFTER) as con:
        yield Stage(con, home, config, LONG_AFTER)


def stages(at: Stage) -> list[str]:
    """The steps that are due."""
    return [step.stage for step in find_due(at)]


def load(at: Stage) -> None:
    ingest(at.con, at.home, at.config, now=at.now, settle=0)


def flag(at: Stage) -> None:
    flag_waves(at.con, at.config, [WAVE.id], now=at.now)


def report(at: Stage) -> None:
    write_reports(at.con, at.home, at.config, WAVE.id, now=at.now)


def publish(at: Stage) -> None:
    publish_waves(at.con, at.home, at.config, [WAVE.id], now=at.now)


def test_each_step_is_due_when_the_one_before_it_is_done(at: Stage) -> None:
    assert stages(at) == ["ingest"]
    load(at)
    assert stages(at) == ["flag"]
    flag(at)
    assert stages(at) == ["report", "publish"]
    report(at)
    assert stages(at) == ["publish"]
    publish(at)
    assert stages(at) == []


def test_what_went_missing_is_due_again(at: Stage) -> None:
    for step in (load, flag, report, publish):
        step(at)
    for path in (at.home.health / "S01" / WAVE.id).iterdir():
        path.unlink()
    assert stages(at) == ["report"]
    (at.home.analyst / "manifest.json").unlink()
    assert stages(at) == ["report", "publish"]
    report(at)
    publish(at)
    assert stages(at) == []


def test_wave_is_not_due_for_publication_in_its_days_of_grace(at: Stage) -> None:
    for step in (load, flag, report):
        step(at)
    soon = datetime.combine(WAVE.closes + timedelta(days=7), LONG_AFTER.timetz())
    assert stages(Stage(at.con, at.home, at.config, soon)) == []


def test_a_step_is_asked_for_once_in_ten_minutes_and_then_again() -> None:
    step = Due("flag", "2026V", "f1", "2026V")
    on_time = datetime(2026, 5, 4, 12, 10, tzinfo=UTC)
    late = on_time + timedelta(minutes=9, seconds=59)
    assert step.key(on_time) == step.key(late)
    assert step.key(on_time) != step.key(on_time + timedelta(minutes=10))
    assert step.key(on_time) != Due("flag", "2026V", "f2", "2026V").key(on_time)
    assert step.key(on_time) != Due("flag", "2026H", "f1", "2026H").key(on_time)


OLDER = [
    Wave(id="2024H", name="O", school_year="2024-25", opens="2024-11-04", closes="2024-11-22"),
    Wave(id="2025V", name="P", school_year="2024-25", opens="2025-03-10", closes="2025-03-28"),
]


def test_after_weeks_away_each_step_is_started_once_the_newest_wave_first(tmp_path: Path) -> None:
    town = make_municipality(schools=1, grades=range(6, 7), waves=[*OLDER, WAVE], seed=1)
    home = init_home(tmp_path)
    write_home_settings(home.root, town)
    (home.inbox / "answers.csv").write_bytes(to_csv(town.answers))
    config = load_config(home)
    with at_work(home, config, now=LONG_AFTER) as con:
        at = Stage(con, home, config, LONG_AFTER)
        load(at)
        due = find_due(at)
        assert [(step.stage, step.wave_id) for step in due] == [
            ("flag", WAVE.id),
            ("flag", "2025V"),
            ("flag", "2024H"),
        ]
        # A sweep that comes again before anything is done asks with the same keys: no second run.
        keys = {step.key(LONG_AFTER) for step in due}
        assert keys == {step.key(LONG_AFTER) for step in find_due(at)}
        assert len(keys) == len(due)
        flag_waves(at.con, at.config, [WAVE.id], now=at.now)
        assert [(step.stage, step.wave_id) for step in find_due(at)][:2] == [
            ("report", WAVE.id),
            ("flag", "2025V"),
        ]
