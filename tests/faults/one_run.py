"""`klassepuls run` at a given moment: `python -m tests.faults.one_run HOME 2026-04-20T05:15+00:00`.

The real command in a real process; only the clock stands still, so that two homes that are run at
different times may be held against each other to the last column.
"""

import sys
from datetime import datetime, tzinfo
from pathlib import Path

import flows.cli
import flows.road_cli


def run_at(moment: datetime, home: Path) -> int:
    """The command's exit code."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return moment.astimezone(tz)

    flows.road_cli.datetime = Clock
    try:
        return flows.cli.main(["run", "--home", str(home)])
    finally:
        flows.road_cli.datetime = datetime


if __name__ == "__main__":
    sys.exit(run_at(datetime.fromisoformat(sys.argv[2]), Path(sys.argv[1])))
