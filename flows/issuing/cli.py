"""`klassepuls report`: flag reports written anew, as HTML or PDF."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from flows.home import open_home
from flows.home_option import add_home, home_of
from schemas.settings import ReportLanguage

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE = 0


def add_report(commands: "Commands") -> None:
    """Add `report`."""
    parser = commands.add_parser(
        "report", help="write flag reports anew into a folder, as HTML or PDF; it is logged"
    )
    add_home(parser)
    parser.add_argument("--school", help="only this school's, by its id")
    parser.add_argument("--wave", help="this wave's; without it the newest that was answered")
    parser.add_argument(
        "--lang", choices=get_args(ReportLanguage), help="without it every language of the settings"
    )
    parser.add_argument("--format", choices=["html", "pdf"], default="html", help="html or pdf")
    parser.add_argument(
        "--adults",
        action="store_true",
        help="instead the separate reports on bullying by adults, for whom [routing] names",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="the folder; only its owner can read what is written",
    )
    parser.set_defaults(command=_report)


def _report(parsed: argparse.Namespace) -> int:
    from flows.issuing.anew import Wanted, write_anew

    wanted = Wanted(
        school=parsed.school,
        wave=parsed.wave,
        language=parsed.lang,
        format=parsed.format,
        route="adult_route" if parsed.adults else "health_service",
    )
    home = open_home(home_of(parsed))
    written = write_anew(home, wanted, parsed.out, now=datetime.now(UTC))
    print(f"Reports written: {len(written)}, in {parsed.out}. The log of decisions tells of it.")
    print("They name pupil codes: give them to the health service, and to nobody else.")
    return DONE
