"""Serves the case board on loopback: one process, no access log, no trace that may quote a cell."""

import socket
import sys

import uvicorn

from flows.board.desk import BoardDesk
from flows.board.users import address
from flows.doctor.zones import require_closed_zones
from flows.fault import place_of
from flows.home import Home, load_config
from reports.board.app import make_app

HOST = "127.0.0.1"


def serve(home: Home, *, port: int | None = None) -> int:
    """Answer until stopped; returns the exit code. HomeError and the like before it begins."""
    require_closed_zones(home)
    settings = load_config(home).settings
    desk = BoardDesk(home)
    chosen = port if port is not None else settings.board.port
    place = socket.create_server((HOST, chosen))  # OSError where somebody is there already
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(desk, tell=tell_fault),
            access_log=False,  # addresses of pages name cases, and links let people in
            log_config=None,
            server_header=False,
            proxy_headers=False,
        )
    )
    print(f"The case board answers on {address(settings, chosen)}. Ctrl-C stops it.")  # noqa: T201
    sys.stdout.flush()
    with place:
        server.run(sockets=[place])
    return 0


def tell_fault(error: Exception) -> None:
    """A fault's kind and place, on standard error: its words may quote a cell."""
    print(f"board: {type(error).__name__} at {place_of(error)}", file=sys.stderr)  # noqa: T201
