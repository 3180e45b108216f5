"""Twelve days of operation, with a night on which clocks change and Easter in them; and July.

The schedules are those of prefect.yaml. Who is told of what, and when, stands in a table, and
nobody is told of anything else.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from cronsim import CronSim

from flows import road
from flows.events import overdue_facts
from flows.home import Home, open_home
from flows.notices.tell import check_and_tell, telling_of_failure
from schemas.settings import Schedule
from tests.support.home import SPRING, csv_bytes, drop, make_home, school_class
from tests.support.mail_server import Post, mail_server

ROOT = Path(__file__).resolve().parents[2]
SPRINGTIME = {"wave": SPRING, "submitted_on": "2026-03-26"}
OSLO = ZoneInfo("Europe/Oslo")
SETTINGS = """
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "klassepuls@eksempel.no"
[notices]
again_after_days = 3
[[notices.channel]]
name = "ops"
by = "file"
owner = "IT drift"
path = "{path}"
[[notices.school]]
id = "S01"
to = ["s01@eksempel.no"]
second = ["leder@eksempel.no"]
"""


def answers(group: str, prefix: str) -> bytes:
    """A class of happy pupils, one of whom asks to talk."""
    rows = school_class(
        6,
        class_group=group,
        prefix=prefix,
        changes={2: {"wants_talk": "1"}},
        **SPRINGTIME,
    )
    return csv_bytes(rows)


# What is dropped into the inbox before the run that takes it: day and hour, name, content.
DROPS = {
    "2026-03-26T12": ("first.csv", csv_bytes(school_class(6, class_group="7C", **SPRINGTIME))),
    "2026-03-30T12": ("a.csv", answers("7A", "N")),
    "2026-03-31T12": ("notes.txt", b"not a survey\n"),
    "2026-04-01T12": ("b.csv", answers("7B", "Q")),
}

# The wave closes on Friday 27 March; S02's files are due on Monday the 30th. The first call for
# help comes with Tuesday's run, the second with that of Maundy Thursday: the working day after it
# is Tuesday 7 April. What goes on is told again after three days, at the next check.
TOLD = [
    ("2026-03-31 05:15", "s01", "prompt_raised S01"),
    ("2026-03-31 05:15", "ops", "wave_overdue 2026V"),
    ("2026-04-01 05:15", "ops", "quarantine home"),
    ("2026-04-01 06:15", "s01 leder", "prompt_unanswered S01"),
    ("2026-04-02 05:15", "s01", "prompt_raised S01"),
    ("2026-04-03 05:15", "ops", "wave_overdue 2026V"),
    ("2026-04-04 06:15", "ops", "quarantine home"),
    ("2026-04-04 06:15", "s01 leder", "prompt_unanswered S01"),
    ("2026-04-06 05:15", "ops", "wave_overdue 2026V"),
    ("2026-04-07 06:15", "ops", "quarantine home"),
    ("2026-04-07 06:15", "s01 leder", "prompt_unanswered S01"),
]


def moments(first: str, last: str) -> Iterator[tuple[datetime, str]]:
    """When which deployment runs, by the schedules of prefect.yaml, in local time."""
    text = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
    manifest = yaml.safe_load(text.replace("{{ $KLASSEPULS_CRON }}", Schedule().nightly))
    start, end = (datetime.fromisoformat(day).replace(tzinfo=OSLO) for day in (first, last))
    found = []
    for entry in manifest["deployments"]:
        if entry["name"] in ("nightly", "daily"):
            for moment in CronSim(entry["schedules"][0]["cron"], start):
                if moment > end:
                    break
                found.append((moment, entry["name"]))
    return iter(sorted(found))


def walk(home: Home, name: str, now: datetime) -> list[str]:
    """What a deployment does, without the server: the events of what is overdue."""
    if name == "nightly":
        road.run(open_home(home.root), now=now, settle=0)
        check_and_tell(home, now=now, walked="run", faults=0)
        return []
    checked = check_and_tell(home, now=now, walked="check", faults=0)
    return [f"{fact.name} {fact.resource}" for fact in overdue_facts(checked.late)]


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server() as server:
        yield server


def make(tmp_path: Path, post: Post) -> Home:
    home = make_home(tmp_path / "home", waves=(SPRING,))
    with home.settings_file.open("a", encoding="utf-8") as file:
        file.write(SETTINGS.format(port=post.port, path=tmp_path / "ops.jsonl"))
    return home


def told_since(tmp_path: Path, post: Post, seen: list[int]) -> list[tuple[str, str]]:
    """Receivers and matters of the letters and lines since the last look."""
    path = tmp_path / "ops.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    read = [json.loads(line) for line in lines[seen[0] :]]
    found = [("ops", f"{one['kind']} {one['subject']}") for one in read]
    for _, to, letter in post.taken[seen[1] :]:
        text = letter.get_content()
        kinds = ("prompt_raised", "prompt_unanswered", "review_overdue")
        said = [kind for kind in kinds if f"«{kind.replace('_', '-')}»" in text]
        found += [(" ".join(one.partition("@")[0] for one in to), f"{kind} S01") for kind in said]
    seen[:] = [len(lines), len(post.taken)]
    return found


def test_twelve_days_tell_what_the_table_says_and_nothing_else(tmp_path: Path, post: Post) -> None:
    home, seen = make(tmp_path, post), [0, 0]
    drops = {
        datetime.fromisoformat(f"{day}:00").replace(tzinfo=OSLO): drop
        for day, drop in DROPS.items()
    }
    told, events = [], {}
    for now, name in moments("2026-03-27", "2026-04-08"):
        for day in [day for day in drops if day <= now]:
            drop(home, *drops.pop(day))
        facts = walk(home, name, now.astimezone(UTC))
        when = now.strftime("%Y-%m-%d %H:%M")
        told += [(when, *one) for one in told_since(tmp_path, post, seen)]
        if facts:
            events[when[:10]] = facts
    assert sorted(told) == sorted(TOLD)
    wave = "klassepuls.wave.overdue klassepuls.wave.2026V"
    prompt = "klassepuls.review.overdue klassepuls.school.S01"
    days = ["2026-03-31", *(f"2026-04-{day:02}" for day in range(1, 8))]
    assert events == {day: [wave] if day == "2026-03-31" else [wave, prompt] for day in days}


def test_nobody_is_told_of_a_wave_once_its_school_year_has_ended(
    tmp_path: Path, post: Post
) -> None:
    home = make(tmp_path, post)
    told = {}
    for day in ("2026-07-01", "2026-07-31", "2026-08-01", "2026-10-25"):
        now = datetime.fromisoformat(f"{day}T04:15").replace(tzinfo=UTC)
        checked = check_and_tell(home, now=now, faults=0)
        told[day] = (len(checked.late), checked.told)
    assert told == {
        "2026-07-01": (2, 1), "2026-07-31": (2, 1), "2026-08-01": (0, 0), "2026-10-25": (0, 0),
    }  # fmt: skip


TELL = """
import sys
from datetime import datetime
from pathlib import Path
from flows.home import open_home
from flows.notices.tell import check_and_tell
check_and_tell(open_home(Path(sys.argv[1])), now=datetime.fromisoformat(sys.argv[2]), faults=0)
"""


def test_check_killed_between_telling_and_writing_it_down_tells_again(
    tmp_path: Path, post: Post
) -> None:
    home = make(tmp_path, post)
    drop(home, *DROPS["2026-03-30T12"])
    now = datetime(2026, 3, 31, 3, 15, tzinfo=UTC)
    road.run(open_home(home.root), now=now, settle=0)
    killed = subprocess.run(
        [sys.executable, "-c", TELL, str(home.root), now.isoformat()],
        cwd=ROOT,
        env=os.environ | {"KLASSEPULS_FAILPOINT": "after-notices-sent"},
        check=False,
    )
    assert (killed.returncode, len(post.taken)) == (-signal.SIGKILL, 1)
    for told in (2, 2):
        check_and_tell(home, now=now, faults=0)
        assert len(post.taken) == told


def test_sweeps_of_a_day_have_nothing_more_to_tell(tmp_path: Path, post: Post) -> None:
    home = make(tmp_path, post)
    drop(home, *DROPS["2026-03-30T12"])
    now = datetime(2026, 3, 31, 3, 15, tzinfo=UTC)
    road.run(open_home(home.root), now=now, settle=0)
    told = [check_and_tell(home, now=now + timedelta(hours=h), faults=0).told for h in range(26)]
    # At once to the school and to the operator; a working day later to the second address too.
    assert [(hour, count) for hour, count in enumerate(told) if count] == [(0, 2), (25, 1)]


def test_failed_run_is_told_once_until_one_comes_to_its_end(tmp_path: Path, post: Post) -> None:
    home, now = make(tmp_path, post), datetime(2026, 3, 31, 3, 15, tzinfo=UTC)
    lines = []
    for day, fails in enumerate([True, True, False, True]):
        with suppress(ValueError), telling_of_failure(home, now=now + timedelta(days=day)):
            if fails:
                raise ValueError("a cell that no notice may quote")
        path = tmp_path / "ops.jsonl"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        lines.append(text.count("run_failed"))
        assert "cell" not in text
    assert lines == [1, 1, 1, 2]


def test_closed_way_is_tried_again_and_nothing_is_lost(tmp_path: Path, post: Post) -> None:
    home = make(tmp_path, post)
    drop(home, *DROPS["2026-03-30T12"])
    now = datetime(2026, 3, 31, 3, 15, tzinfo=UTC)
    road.run(open_home(home.root), now=now, settle=0)
    post.down = True
    first = check_and_tell(home, now=now, faults=0)
    assert (first.failed, first.needs_a_person, post.taken) == (1, True, [])
    post.down = False
    for minutes, told in ((10, 1), (20, 1)):
        check_and_tell(home, now=now + timedelta(minutes=minutes), faults=0)
        assert len(post.taken) == told
