"""`klassepuls board`: the case board on this machine, and who may open it."""

import argparse
import json
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.home import HomeError, open_home
from flows.home_option import add_home, home_of
from schemas.settings_board import BOARD_ROLES

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE = 0
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


def add_board(commands: "Commands") -> None:
    """`klassepuls board [invite|users|revoke]`."""
    parser = commands.add_parser(
        "board", help="the case board: a web page on this machine for nurse and resource group"
    )
    add_home(parser)
    parser.add_argument("--port", type=int, help="where on 127.0.0.1; else as [board] says")
    parser.set_defaults(command=_serve)
    tasks = parser.add_subparsers(metavar="TASK")
    invite = tasks.add_parser("invite", help="let somebody in: prints a link that works once")
    invite.add_argument("name", help="what the log calls them: small letters and digits, as kari.n")
    add_home(invite)
    invite.add_argument(
        "--school", action="append", required=True, help="a school, by its id; may be repeated"
    )
    invite.add_argument("--role", choices=BOARD_ROLES, default="nurse", help="what they do here")
    invite.set_defaults(command=_invite)
    users = tasks.add_parser("users", help="who may open the board, and who may no more")
    add_home(users)
    users.add_argument("--json", action="store_true", help="the list as JSON")
    users.set_defaults(command=_users)
    revoke = tasks.add_parser("revoke", help="shut somebody out, at once")
    revoke.add_argument("name", help="as they were invited")
    add_home(revoke)
    revoke.set_defaults(command=_revoke)


def _serve(parsed: argparse.Namespace) -> int:
    from flows.board.serve import serve

    home = open_home(home_of(parsed))
    return serve(home, port=parsed.port)


def _invite(parsed: argparse.Namespace) -> int:
    from flows.board.users import invite
    from warehouse.board.door import User

    if not _NAME.fullmatch(parsed.name):
        raise HomeError("a name has 2 to 40 small letters a-z, digits, dots, hyphens: as kari.n")
    home = open_home(home_of(parsed))
    user = User(parsed.name, parsed.role, tuple(dict.fromkeys(parsed.school)))
    link, minutes = invite(home, user, now=datetime.now(UTC))
    print(link)
    print(f"It works once, within {minutes} minutes. Give it to {user.name} alone.")
    return DONE


def _users(parsed: argparse.Namespace) -> int:
    from warehouse.board.door import Door

    rows = Door(open_home(home_of(parsed)).restricted).users()
    if parsed.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return DONE
    for row in rows:
        schools = ", ".join(str(one) for one in row["schools"])  # type: ignore[attr-defined]
        seen = row["signed_in_at"] or "never signed in"
        shut = "  shut out" if row["revoked_at"] else ""
        print(f"{row['name']}  {row['role']}  {schools}  {seen}{shut}")
    if not rows:
        print("Nobody has been invited.", file=sys.stderr)
    return DONE


def _revoke(parsed: argparse.Namespace) -> int:
    from flows.board.users import revoke

    revoke(open_home(home_of(parsed)), parsed.name, now=datetime.now(UTC))
    print("Shut out, and signed out wherever they were.")
    return DONE
