"""`klassepuls overdue`: what should have come or been done by now and has not."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.home import open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_WORDS = {
    "wave": "no answers have come",
    "prompt": "prompts that nobody has taken up",
    "review": "flags that nobody has decided on",
    "case": "cases whose next step is late",
}


def add_overdue(commands: "Commands") -> None:
    """`klassepuls overdue`."""
    parser = commands.add_parser(
        "overdue", help="what should have come or been done by now and has not"
    )
    add_home(parser)
    parser.add_argument("--json", action="store_true", help="the same as JSON, with freshness")
    parser.set_defaults(command=_overdue)


def _overdue(parsed: argparse.Namespace) -> int:
    from flows.overdue.look import list_overdue

    found = list_overdue(open_home(home_of(parsed)), now=datetime.now(UTC))
    if parsed.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return int(bool(found["overdue"]))
    for one in found["overdue"]:
        where = " ".join(filter(None, (one["school_id"], one["wave_id"]))) or "-"
        classes = f" ({', '.join(one['classes'])})" if one["classes"] else ""
        count = f"{one['count']} " if one["kind"] != "wave" else ""
        print(f"{where}: {count}{_WORDS[one['kind']]}{classes}, due {one['due_on']},", end=" ")
        print(f"{one['days_late']} day(s) late")
    if not found["overdue"]:
        print("Nothing is overdue.")
    for one in found["freshness"]:
        expected = f" of {one['classes_expected']}" if one["classes_expected"] else ""
        last = one["last_file"][:10] if one["last_file"] else "none yet"
        print(
            f"{one['school_id']} {one['wave_id']}: {one['classes_came']}{expected} classes,",
            end=" ",
        )
        print(f"last file {last}")
    return int(bool(found["overdue"]))
