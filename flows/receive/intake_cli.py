"""`klassepuls intake`: deliveries over HTTP on loopback, and the tokens of who may deliver."""

import argparse
import json
import logging
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.home import HomeError, load_config, open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

LOOPBACK = "127.0.0.1"
AT_ONCE = 32


def add_intake(commands: "Commands") -> None:
    """`klassepuls intake [token add|list|revoke]`."""
    parser = commands.add_parser(
        "intake", help="take deliveries over HTTP, on this machine; /healthz and /metrics"
    )
    add_home(parser)
    parser.add_argument("--port", type=int, help="the port; otherwise that of [intake]")
    parser.set_defaults(command=_serve)
    tasks = parser.add_subparsers(metavar="TASK")
    tokens = tasks.add_parser("token", help="who may deliver").add_subparsers(
        required=True, metavar="STEP"
    )
    for name, about, command in (
        ("add", "make a token: it is shown once", _add),
        ("revoke", "take a token's power", _revoke),
    ):
        step = tokens.add_parser(name, help=about)
        add_home(step)
        step.add_argument("name", help="who has it, in small letters")
        step.set_defaults(command=command)
    step = tokens.add_parser("list", help="who has one, and since when")
    add_home(step)
    step.add_argument("--json", action="store_true", help="the same as JSON")
    step.set_defaults(command=_list)


def _serve(parsed: argparse.Namespace) -> int:
    import uvicorn

    from flows.doctor.zones import require_closed_zones
    from flows.receive.app import make_app
    from flows.receive.drop import clear_partial

    home = open_home(home_of(parsed))
    require_closed_zones(home)
    intake = load_config(home).settings.intake
    clear_partial(home.inbox)
    app = make_app(home, max_bytes=intake.max_megabytes << 20)
    listening = _listen(intake.port if parsed.port is None else parsed.port)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s intake: %(message)s")
    print(
        f"Deliveries go to http://{LOOPBACK}:{listening.getsockname()[1]}/deliveries/", flush=True
    )
    # No log of addresses: a delivery's name may be somebody's.
    config = uvicorn.Config(
        app, access_log=False, log_config=None, limit_concurrency=AT_ONCE, server_header=False
    )
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(port: int) -> socket.socket:
    """A socket on loopback; HomeError where somebody has the port."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
    except (OSError, OverflowError):
        listening.close()
        raise HomeError("the port is taken, or not allowed: choose another with --port") from None
    return listening


def _add(parsed: argparse.Namespace) -> int:
    from flows.receive.tokens import add_token

    print(add_token(open_home(home_of(parsed)), parsed.name, now=datetime.now(UTC)))
    return 0


def _revoke(parsed: argparse.Namespace) -> int:
    from flows.receive.tokens import revoke_token

    revoke_token(open_home(home_of(parsed)), parsed.name)
    print("Revoked.")
    return 0


def _list(parsed: argparse.Namespace) -> int:
    from flows.receive.tokens import list_tokens

    found = list_tokens(open_home(home_of(parsed)))
    if parsed.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return 0
    for one in found:
        print(f"{one['name']:<40}  since {one['made_at'][:10]}")
    if not found:
        print("Nobody may deliver over HTTP: `klassepuls intake token add NAME` makes a token.")
    return 0
