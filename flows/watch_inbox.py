"""Watches the inbox by looking, and asks the server for a run when files have come to rest.

Looking works on network shares, where a file system's own notices do not. The request is durable:
it survives the server's end, and the same set of files asks for one run only. Whatever is missed
here, the sweep finds.
"""

import argparse
import hashlib
import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from flows.due import DEPLOYMENTS
from flows.home import Home, open_home
from flows.inbox import waiting

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 2.0

# Place, size, time of the last change of content, and of the entry itself: a file that is moved
# back into the inbox has the same content and age as before, and is new here all the same.
Entry = tuple[str, int, int, int]


def look(home: Home) -> set[Entry]:
    """What lies in the inbox at this moment."""
    seen = set()
    for path in waiting(home, settle=0):
        with suppress(FileNotFoundError):  # taken by a run meanwhile
            status, place = path.lstat(), str(path.relative_to(home.inbox))
            seen.add((place, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return seen


def key_of(entries: set[Entry]) -> str:
    """The idempotency key of a request: the stage, and the digest of the set of files."""
    return f"ingest:{hashlib.sha256(json.dumps(sorted(entries)).encode()).hexdigest()}"


def watch(
    home: Home, request: Callable[[str], None], *, every: float, stop: threading.Event
) -> None:
    """Look every so many seconds until told to stop; request a run for files at rest.

    A file is at rest when it is the same in two looks. A request that fails is made again.
    """
    before: set[Entry] = set()
    asked: set[Entry] = set()
    while not stop.wait(every):
        try:
            now = look(home)
            at_rest = now & before
            before = now
            if at_rest - asked:
                request(key_of(at_rest))
                asked = at_rest
                log.info("%d file(s) in the inbox: asked for a run", len(at_rest))
        except Exception as error:  # noqa: BLE001 - share or server away: look again
            log.warning("will try again: %s", type(error).__name__)


def request_ingest(home: Home) -> Callable[[str], None]:
    """A request to the Prefect server to run the ingest deployment."""
    from prefect.deployments import run_deployment  # noqa: PLC0415 - takes a second; looking does not

    def request(key: str) -> None:
        run_deployment(
            DEPLOYMENTS["ingest"],
            parameters={"home": str(home.root)},
            timeout=0,
            idempotency_key=key,
            as_subflow=False,
        )

    return request


def main(arguments: Sequence[str] | None = None) -> None:
    """Watch until SIGTERM or an interrupt."""
    parser = argparse.ArgumentParser(prog="python -m flows.watch_inbox", description=__doc__)
    parser.add_argument("--home", type=Path, default=os.environ.get("KLASSEPULS_HOME"))
    parser.add_argument("--every", type=float, default=LOOK_EVERY_SECONDS, help="seconds")
    parsed = parser.parse_args(arguments)
    if parsed.home is None:
        parser.error("which home? Give --home HOME, or set KLASSEPULS_HOME")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s watch_inbox: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    home = open_home(Path(parsed.home))
    watch(home, request_ingest(home), every=parsed.every, stop=stop)


if __name__ == "__main__":
    main()
