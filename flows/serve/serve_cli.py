"""`klassepuls serve`: what it says while it runs."""

import argparse
from typing import TYPE_CHECKING

from flows.home import open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    from flows.serve.place import Place
    from flows.serve.processes import Kept

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_serve(commands: "Commands") -> None:
    """`klassepuls serve`."""
    parser = commands.add_parser(
        "serve", help="keep server, worker and watcher running on this machine, loopback only"
    )
    add_home(parser)
    parser.set_defaults(command=_serve)


def _serve(parsed: argparse.Namespace) -> int:
    from flows.serve.serve import serve

    serve(open_home(home_of(parsed)), say=_say, show=_show)
    return 0


def _say(text: str) -> None:
    """One plain line, at once: whoever reads it may be a service manager."""
    print(text, flush=True)


def _show(place: "Place", table: "list[Kept]") -> None:
    print()
    for kept in table:
        print(f"  {kept.name:<8}  {kept.where:<32}  {kept.what}".rstrip())
    print()
    print(f"User and password of Prefect's pages: {place.password_file}")
    print(f"What happens is written to:           {place.log_file}")
    print("To stop: Ctrl-C, or SIGTERM to this process.", flush=True)
