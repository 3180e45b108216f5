"""`klassepuls outcome`: what was done with the flags, and what changed, beside a comparison."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE = 0


def add_outcome(commands: "Commands") -> None:
    """`klassepuls outcome`."""
    parser = commands.add_parser(
        "outcome", help="did it help: counts, and a comparison with its interval or 'cannot tell'"
    )
    add_home(parser)
    parser.add_argument("--wave", help="only this wave's flags")
    parser.add_argument("--school", help="counts of this school, by its id, where it has enough")
    parser.add_argument(
        "--pages",
        action="store_true",
        help="only write the programme owner's page anew, from what is published",
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.set_defaults(command=_outcome)


def _outcome(parsed: argparse.Namespace) -> int:
    from flows.did_it_help.work import outcome, write_pages
    from flows.home import open_home

    home, now = open_home(home_of(parsed)), datetime.now(UTC)
    if parsed.pages:
        written = write_pages(home)
        told: dict[str, Any] = {"pages": [str(path) for path in written]}
    else:
        told = outcome(home, now=now, wave=parsed.wave, school=parsed.school)
    if parsed.json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    elif parsed.pages:
        _show_pages(told["pages"])
    else:
        from flows.did_it_help.display import show_outcome

        show_outcome(told)
    return DONE


def _show_pages(paths: list[str]) -> None:
    if not paths:
        print("Nothing is published yet, so there is no page.")
    for path in paths:
        print(path)
