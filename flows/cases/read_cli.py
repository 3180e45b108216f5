"""`klassepuls case list|show|due`: what the school health service reads of cases."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flows.home import open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, NEEDS_A_PERSON = 0, 1
_ADULTS = "those that begin with what a pupil says of adults at school, for whom they go to"


def _reader(steps: "Commands", name: str, about: str) -> argparse.ArgumentParser:
    parser = steps.add_parser(name, help=about)
    add_home(parser)
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.add_argument("--adults", action="store_true", help=_ADULTS)
    return parser


def add_list(steps: "Commands") -> None:
    """`case list`."""
    parser = _reader(steps, "list", "cases with their pupil codes: for the health service")
    parser.add_argument("--school", help="only this school's, by its id")
    parser.add_argument(
        "--over", action="store_true", help="those that are over, not the open ones"
    )
    parser.set_defaults(command=_list)


def _list(parsed: argparse.Namespace) -> int:
    from flows.cases.listing import list_cases
    from flows.cases.words import show_cases

    found = list_cases(
        open_home(home_of(parsed)),
        now=datetime.now(UTC),
        school=parsed.school,
        over=parsed.over,
        adults=parsed.adults,
    )
    _say(parsed, found, show_cases)
    return DONE


def add_show(steps: "Commands") -> None:
    """`case show`."""
    parser = _reader(steps, "show", "one case with its whole history: for the health service")
    parser.add_argument("id", help="the case, by its id")
    parser.set_defaults(command=_show)


def _show(parsed: argparse.Namespace) -> int:
    from flows.cases.listing import show_case
    from flows.cases.words import show_history

    found = show_case(
        open_home(home_of(parsed)), parsed.id, now=datetime.now(UTC), adults=parsed.adults
    )
    _say(parsed, found, show_history)
    return DONE


def add_due(steps: "Commands") -> None:
    """`case due`."""
    parser = _reader(steps, "due", "what is overdue or due soon, in Norwegian working days")
    parser.add_argument("--school", help="only this school's, by its id")
    parser.add_argument("--days", type=int, default=3, help="how many days ahead is soon")
    parser.add_argument("--summary", action="store_true", help="counts only, without a pupil")
    parser.set_defaults(command=_due)


def _due(parsed: argparse.Namespace) -> int:
    from flows.cases.listing import due, due_counts
    from flows.cases.words import show_due, show_due_counts

    home, now = open_home(home_of(parsed)), datetime.now(UTC)
    named: dict[str, Any] = {"school": parsed.school, "adults": parsed.adults, "days": parsed.days}
    if parsed.summary:
        found = due_counts(home, now=now, **named)
        _say(parsed, found, show_due_counts)
    else:
        found = due(home, now=now, **named)
        _say(parsed, found, show_due)
    return NEEDS_A_PERSON if any(row["is_overdue"] for row in found) else DONE


def _say(parsed: argparse.Namespace, found: Any, in_words: Any) -> None:  # noqa: ANN401
    if parsed.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        in_words(found)
