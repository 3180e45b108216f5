"""The commands of the quarantine and of the audit log: arguments in, sentences and codes out."""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from flows.home import HomeError, open_home
from flows.home_option import add_home, home_of
from schemas.decision import BY_PERSON, Why

if TYPE_CHECKING:
    from flows.home import Home

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

T = TypeVar("T")

DONE, NEEDS_A_PERSON, FAULT = 0, 1, 5
_WHY = "why, for the record; `other` where no word fits"


def add_quarantine(commands: "Commands") -> None:
    """`klassepuls quarantine list|show|map|release|reject|withdraw`."""
    parser = commands.add_parser("quarantine", help="what waits for a person, and decisions on it")
    steps = parser.add_subparsers(
        required=True, metavar="STEP", dest="step", help="one of those below"
    )
    _add_list(steps)
    _add_show(steps)
    _add_map(steps)
    _add_release(steps)
    _add_reject(steps)
    _add_withdraw(steps)


def add_audit(commands: "Commands") -> None:
    """`klassepuls audit verify`."""
    parser = commands.add_parser("audit", help="the log of what people and the clock decided")
    steps = parser.add_subparsers(
        required=True, metavar="STEP", dest="step", help="one of those below"
    )
    verify = _step(steps, "verify", "whether the log is whole, and the seal of its last event")
    verify.add_argument(
        "--head", help="a seal that was written down earlier: it must still be there"
    )
    verify.set_defaults(command=_verify)


def _step(steps: "Commands", name: str, about: str) -> argparse.ArgumentParser:
    parser = steps.add_parser(name, help=about)
    add_home(parser)
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    return parser


def _home_of(parsed: argparse.Namespace) -> "Home":
    return open_home(home_of(parsed))


def _say(parsed: argparse.Namespace, answer: T, in_words: Callable[[T], None]) -> None:
    if parsed.json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))
    else:
        in_words(answer)


def _add_list(steps: "Commands") -> None:
    parser = _step(steps, "list", "what waits: deliveries and contradictions, why, and how long")
    parser.set_defaults(command=_list)


def _list(parsed: argparse.Namespace) -> int:
    from flows.quarantine.desk import list_waiting
    from flows.quarantine.display import show_waiting

    waiting = list_waiting(_home_of(parsed), now=datetime.now(UTC))
    _say(parsed, waiting, show_waiting)
    return NEEDS_A_PERSON if any(waiting.values()) else DONE


def _add_show(steps: "Commands") -> None:
    parser = _step(steps, "show", "one delivery's rows, or one contradiction's versions")
    parser.add_argument("id", help="the id of a delivery or a contradiction, as listed")
    parser.set_defaults(command=_show)


def _show(parsed: argparse.Namespace) -> int:
    from flows.quarantine.desk import show
    from flows.quarantine.display import show_one

    _say(parsed, show(_home_of(parsed), parsed.id, now=datetime.now(UTC)), show_one)
    return DONE


def _add_map(steps: "Commands") -> None:
    parser = _step(steps, "map", "read a text of an export as one of our values from now on")
    parser.add_argument("--survey", help="the survey's id; without it, the fixes are listed")
    parser.add_argument("--column", help="our name of the column, as `show` has it")
    parser.add_argument(
        "--from", dest="text", help="the text in the export; `-` reads it from standard input"
    )
    parser.add_argument("--to", dest="ours", help="our value, or `dont_know` or `skipped`")
    parser.add_argument("--forget", action="store_true", help="take the fix back, without --to")
    parser.set_defaults(command=_map)


def _map(parsed: argparse.Namespace) -> int:
    from flows.quarantine.display import show_brought_back, show_fixes
    from flows.quarantine.fix_map import Fix, add_fix, forget_fix, list_fixes

    home, now = _home_of(parsed), datetime.now(UTC)
    if parsed.survey is None:
        _say(parsed, list_fixes(home), show_fixes)
        return DONE
    if not (parsed.column and parsed.text) or bool(parsed.ours) == parsed.forget:
        raise HomeError("map takes --survey, --column, --from, and either --to or --forget")
    text = (sys.stdin.readline() if parsed.text == "-" else parsed.text).strip()
    if parsed.forget:
        brought = forget_fix(home, parsed.survey, parsed.column, text, now=now)
    else:
        brought = add_fix(home, Fix(parsed.survey, parsed.column, text, parsed.ours), now=now)
    _say(parsed, {"files": brought.files, "missing": brought.missing}, show_brought_back)
    return NEEDS_A_PERSON if brought.missing else DONE


def _add_release(steps: "Commands") -> None:
    parser = _step(steps, "release", "decide which version of a contradiction counts")
    parser.add_argument("id", nargs="?", help="the contradiction, with --latest or --first")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--latest", action="store_true", help="the version that came last")
    which.add_argument("--first", action="store_true", help="the version that came first")
    parser.add_argument("--delivery", help="the version of this delivery, by its id")
    parser.add_argument(
        "--row",
        type=int,
        action="append",
        default=[],
        help="the version in this row; may be given again; without it, all of the delivery's",
    )
    parser.add_argument("--why", choices=BY_PERSON, required=True, help=_WHY)
    parser.set_defaults(command=_release)


def _release(parsed: argparse.Namespace) -> int:
    from flows.quarantine.desk import release_place, release_version
    from flows.quarantine.display import show_released

    home, now, why = _home_of(parsed), datetime.now(UTC), Why(parsed.why)
    by_age = parsed.latest or parsed.first
    if bool(parsed.id) != by_age or bool(parsed.delivery) == by_age:
        raise HomeError("release takes C-... with --latest or --first, or --delivery with --row")
    if parsed.row and not parsed.delivery:
        raise HomeError("--row goes with --delivery: a row is a place in one")
    if parsed.delivery:
        done = release_place(home, parsed.delivery, parsed.row, why=why, now=now)
    else:
        which = "latest" if parsed.latest else "first"
        count = release_version(home, parsed.id, which, why=why, now=now)  # type: ignore[arg-type]
        done = {"contradictions": count}
    _say(parsed, done, show_released)
    return NEEDS_A_PERSON if done.get("missing") else DONE


def _add_rows_and_why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--row", type=int, action="append", default=[], help="only this row; may be given again"
    )
    parser.add_argument("--why", choices=BY_PERSON, required=True, help=_WHY)


def _add_reject(steps: "Commands") -> None:
    parser = _step(steps, "reject", "decide that rows, forms or a file are not to be used")
    parser.add_argument("id", help="the id of a delivery or a contradiction, as listed")
    _add_rows_and_why(parser)
    parser.set_defaults(command=_reject)


def _reject(parsed: argparse.Namespace) -> int:
    from flows.quarantine.desk import reject
    from flows.quarantine.display import show_rejected

    why, now = Why(parsed.why), datetime.now(UTC)
    _say(parsed, reject(_home_of(parsed), parsed.id, parsed.row, why=why, now=now), show_rejected)
    return DONE


def _add_withdraw(steps: "Commands") -> None:
    parser = _step(steps, "withdraw", "take out what counts: forms of a file, or the whole file")
    parser.add_argument("id", help="the id of a delivery, as its note has it")
    _add_rows_and_why(parser)
    parser.set_defaults(command=_withdraw)


def _withdraw(parsed: argparse.Namespace) -> int:
    from flows.quarantine.desk import withdraw
    from flows.quarantine.display import show_withdrawn

    why, now = Why(parsed.why), datetime.now(UTC)
    done = withdraw(_home_of(parsed), parsed.id, parsed.row, why=why, now=now)
    _say(parsed, done, show_withdrawn)
    return NEEDS_A_PERSON if done["missing"] else DONE


def _verify(parsed: argparse.Namespace) -> int:
    from flows.quarantine.display import show_chain
    from flows.verify_audit import verify_audit

    chain = verify_audit(_home_of(parsed), anchor=parsed.head, now=datetime.now(UTC))
    _say(parsed, chain, show_chain)
    return DONE if chain["is_whole"] else FAULT
