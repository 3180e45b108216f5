"""The commands of sealing: `open`, for who reads reports, and `recipients`."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.home import Home, load_config, open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE = 0
_TO_STDOUT = "-"


def add_open(commands: "Commands") -> None:
    """`klassepuls open REPORT --identity KEYFILE`."""
    parser = commands.add_parser(
        "open", help="unseal a report with your identity; no home is needed, and it is noted"
    )
    parser.add_argument("report", type=Path, help="the sealed report: a file that ends in .age")
    parser.add_argument("--identity", type=Path, required=True, help="the file with your identity")
    parser.add_argument(
        "--out",
        help="write it there, or to the standard output with -; else into a new folder of your own",
    )
    add_home(parser)
    parser.set_defaults(command=_open)


def _open(parsed: argparse.Namespace) -> int:
    from getpass import getpass

    from flows.sealing.identities import read_identities
    from flows.sealing.opening import open_report, put_down, require_free

    out = None if parsed.out in (None, _TO_STDOUT) else Path(parsed.out)
    require_free(out)
    home = open_home(home_of(parsed)) if parsed.home else None
    identities = read_identities(parsed.identity, ask=getpass)
    opened = open_report(parsed.report, identities, home=home, now=datetime.now(UTC))
    if opened.noted_in:
        print(f"Noted in {opened.noted_in}; no home's log is at hand.", file=sys.stderr)
    if parsed.out == _TO_STDOUT:
        sys.stdout.buffer.write(opened.content)
        return DONE
    path = put_down(opened, out)
    print(f"Opened: {path}")
    if out is None:
        print("Delete the folder when you have read it: the report lies there in the clear.")
    return DONE


def add_recipients(commands: "Commands") -> None:
    """`klassepuls recipients new|list`."""
    parser = commands.add_parser("recipients", help="who may open reports, and with what")
    steps = parser.add_subparsers(required=True, metavar="STEP", help="one of those below")
    new = steps.add_parser("new", help="make an identity, on the machine of who reads reports")
    new.add_argument("folder", type=Path, help="where its file is made; what is there stays")
    new.add_argument(
        "--passphrase", action="store_true", help="ask for a passphrase that the file needs then"
    )
    new.set_defaults(command=_new)
    known = steps.add_parser("list", help="whose keys open which reports")
    add_home(known)
    known.add_argument("--json", action="store_true", help="the same as JSON")
    known.set_defaults(command=_list)


def _new(parsed: argparse.Namespace) -> int:
    from getpass import getpass

    from flows.home import HomeError
    from flows.sealing.identities import new_identity

    passphrase = None
    if parsed.passphrase:
        passphrase = getpass("New passphrase: ")
        if not passphrase or getpass("The same again: ") != passphrase:
            raise HomeError("the two were not the same, or nothing: no identity was made")
    path, public_key = new_identity(parsed.folder, now=datetime.now(UTC), passphrase=passphrase)
    print(f"Your identity: {path}")
    print("Keep it to yourself, keep a copy of it somewhere safe, and give it to nobody.")
    print("Give this public key to who runs the pipeline, for klassepuls.toml:")
    print(f'  age = "{public_key}"')
    return DONE


def _list(parsed: argparse.Namespace) -> int:
    from flows.display import console
    from flows.sealing.recipients import who_opens

    home: Home = open_home(home_of(parsed))
    rows = who_opens(load_config(home).settings)
    if parsed.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return DONE
    for row in rows:
        told = f"{row['opens']}: {row['name']} {row['age']}"
        console.print(told, markup=False, soft_wrap=True)
    if not rows:
        print("Reports are not sealed: no [[school.recipients]] in klassepuls.toml.")
    return DONE
