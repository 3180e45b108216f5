"""What [schedule] and [server] of klassepuls.toml may say."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from pydantic import ValidationError

from schemas.settings_server import Schedule, Server

WORD = "hemmelig-ord"


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"cron": "30 2 * * *"}, "between 02 and 03"),
        ({"cron": "often"}, "five fields"),
        ({"no_runs_in": [0]}, "1 to 12"),
        ({"cron": "15 5 * 7 *"}, "no month is left"),
        ({"no_runs_in": list(range(1, 13))}, "no month is left"),
        ({"timezone": "Europe/Nowhere"}, "not a time zone"),
    ],
)
def test_schedule_that_would_never_or_wrongly_fire_is_refused(said, word) -> None:
    with pytest.raises(ValidationError, match=word):
        Schedule.model_validate(said)


def test_nightly_run_is_at_the_same_hour_all_year_and_never_in_july() -> None:
    schedule = Schedule()
    zone = ZoneInfo(schedule.timezone)
    fires = CronSim(schedule.nightly, datetime(2026, 1, 1, tzinfo=zone))
    moments = [next(fires) for _ in range(235)]
    assert moments[-1] - moments[0] > timedelta(days=350)
    assert {(moment.hour, moment.minute) for moment in moments} == {(5, 15)}
    assert {moment.month for moment in moments} == set(range(1, 13)) - {7}
    assert {moment.isoweekday() for moment in moments} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"port": 80}, "1024"),
        ({"database": "mysql://localhost/prefect"}, "postgresql"),
        ({"database": "postgresql+asyncpg:///prefect"}, "postgresql"),
        ({"database": f"postgresql+asyncpg://prefect:{WORD}@127.0.0.1/prefect"}, "no password"),
        ({"database": f"postgresql+asyncpg://127.0.0.1/p?password={WORD}"}, "no password"),
        ({"password_file": "/etc/klassepuls/word"}, "SQLite has none"),
        ({"look_every_seconds": 0}, "0.2"),
    ],
)
def test_server_that_could_not_run_or_would_tell_a_password_is_refused(said, word) -> None:
    with pytest.raises(ValidationError, match=word) as refused:
        Server.model_validate(said)
    assert not any(WORD in one["msg"] for one in refused.value.errors())
