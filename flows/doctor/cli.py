"""`klassepuls doctor`: each finding with what it rests on and how to mend it."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_WORDS = {
    "fine": "ok",
    "note": "note",
    "unseen": "cannot see",
    "mend": "MEND",
    "refused": "REFUSED",
}


def add_doctor(commands: "Commands") -> None:
    """`klassepuls doctor`."""
    parser = commands.add_parser("doctor", help="check the installation; nothing is changed")
    add_home(parser)
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    parser.set_defaults(command=_doctor)


def _doctor(parsed: argparse.Namespace) -> int:
    from flows.doctor.checks import diagnose, exit_code

    findings = diagnose(home_of(parsed), now=datetime.now(UTC))
    if parsed.json:
        told = [
            {"check": one.check, "verdict": one.verdict, "told": one.told, "mend": one.mend}
            for one in findings
        ]
        print(json.dumps(told, ensure_ascii=False, indent=1))
        return exit_code(findings)
    for one in findings:
        print(f"{_WORDS[one.verdict]:<10}  {one.check}: {one.told}")
        if one.mend:
            print(f"{'':<10}  -> {one.mend}")
    return exit_code(findings)
