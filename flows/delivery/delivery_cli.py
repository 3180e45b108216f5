"""`klassepuls deliveries`: what has reached whom, and what has not."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.home import load_config, open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, NEEDS_A_PERSON = 0, 1


def add_deliveries(commands: "Commands") -> None:
    """`klassepuls deliveries [--json]`."""
    parser = commands.add_parser(
        "deliveries", help="which report went where and when, and what has not got there"
    )
    add_home(parser)
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.set_defaults(command=_deliveries)


def _deliveries(parsed: argparse.Namespace) -> int:
    from rich.table import Table

    from flows.delivery.deliver import list_deliveries
    from flows.display import console
    from flows.plain import as_plain
    from flows.road import at_work

    home = open_home(home_of(parsed))
    config = load_config(home)
    with at_work(home, config, now=datetime.now(UTC)) as con:
        rows = list_deliveries(con, config)
    if parsed.json:
        print(json.dumps(as_plain(rows), ensure_ascii=False, indent=1))
    else:
        table = Table("Reference", "School", "Wave", "Route", "Channel", "When", "State", "Why")
        for row in rows:
            when = row["when"]
            day = f"{config.local(when):%Y-%m-%d %H:%M}" if isinstance(when, datetime) else "-"
            table.add_row(*(day if name == "when" else str(cell) for name, cell in row.items()))
        console.print(table if rows else "Nothing is to be delivered.")
    waiting = any(row["state"] in ("due", "failed") for row in rows)
    return NEEDS_A_PERSON if waiting else DONE
