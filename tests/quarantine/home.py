"""A home whose quarantine is worked with through the command line, and what the commands say."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from flows.home import Home
from flows.quarantine import cli as quarantine_cli
from tests.support.home import NOW, Row, csv_bytes, drop, make_home, run
from tests.support.state import warehouse_of

Said = tuple[int, str]
NOTHING: dict[str, list[Any]] = {"deliveries": [], "contradictions": [], "to_delete": []}


class Clock(datetime):
    """The clock of the commands stands where the runs of the tests are."""

    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Gives a command to a home: exit code and all that was printed."""
    monkeypatch.setattr(quarantine_cli, "datetime", Clock)

    def give(home: Home, *words: str) -> Said:
        code = main([*words, "--home", str(home.root)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return give


@pytest.fixture
def asked(command):
    """Gives a command to a home and reads its answer as JSON."""

    def ask(home: Home, *words: str) -> Any:
        return json.loads(command(home, *words, "--json")[1])

    return ask


def home_with(root: Path, *files: list[Row], **settings: Any) -> Home:
    """A home that got these files, one a run; every such home has the same key."""
    key = root / "restricted" / "vault" / "pseudonym.key"
    key.parent.mkdir(parents=True)
    for folder in (key.parent, key.parent.parent):
        folder.chmod(0o700)
    key.write_bytes(b"q" * 32)
    key.chmod(0o400)
    home = make_home(root, **settings)
    for number, rows in enumerate(files):
        drop(home, f"{number}.csv", csv_bytes(rows))
        run(home)
    return home


def counts_hold(home: Home) -> bool:
    """Promise 1 for every delivery, and that `quarantined` is just what waits."""
    with warehouse_of(home) as con:
        [(whole,)] = con.execute("""
            select bool_and(accepted + quarantined + dropped = delivered
                and accepted = coalesce(forms, 0)
                and (reason_code is not null or quarantined = coalesce(rows, 0)))
            from core.delivery
                left join (select delivery_no, count(*) as forms from core.response group by all)
                    using (delivery_no)
                left join (select delivery_no, count(*) as rows from quarantine.row group by all)
                    using (delivery_no)
            where kind = 'answers' or kind = 'unknown'
        """).fetchall()
    return bool(whole)


def flags_of(home: Home) -> list[tuple[object, ...]]:
    """The open flags with their evidence, without the times."""
    with warehouse_of(home) as con:
        return con.execute("""
            select f.flag_id, f.wave_id, level, situation, f.rule_id, item_or_scale, observed
            from core.flag f left join core.flag_evidence using (flag_id)
            where status = 'open' order by all
        """).fetchall()


def decisions_of(home: Home) -> list[str]:
    """The actions of people in the log, in order; what the pipeline told by itself is left out."""
    return [action for action, _, _ in events_of(home) if action != "prompt.raised"]


def events_of(home: Home) -> list[tuple[str, str, dict[str, Any]]]:
    """Action, actor and detail of every audit event, in order."""
    with warehouse_of(home) as con:
        found = con.execute(
            "select action, actor, detail from audit.event order by event_no"
        ).fetchall()
    return [(action, actor, json.loads(detail)) for action, actor, detail in found]
