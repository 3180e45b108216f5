"""What every process of `serve` is told, through its environment and never on a command line."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from flows.home import HomeError
from flows.serve.place import Place, password
from schemas.settings import Settings
from schemas.settings_server import SQLITE, Server

LOOPBACK = "127.0.0.1"
# A run that waits for another one of its kind asks again after this many looks.
LOOKS_A_TURN = 2.5

# The same in every home. Nothing leaves the machine, a page in a browser included; without the
# last two Prefect would keep runs for good, and start a server of its own where ours is away.
FIXED = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_LOGGING_COLORS": "false",
    "NO_COLOR": "1",
    "NO_PROXY": f"{LOOPBACK},localhost",
    "no_proxy": f"{LOOPBACK},localhost",
    "PYTHONUNBUFFERED": "1",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
}


def api_url(settings: Settings) -> str:
    """Where the server's API is."""
    return f"http://{LOOPBACK}:{settings.server.port}/api"


def variables(place: Place, settings: Settings) -> dict[str, str]:
    """Every variable that we set, by name."""
    server, secret = settings.server, password(place)
    return FIXED | {
        "KLASSEPULS_SRC": str(place.source),
        "KLASSEPULS_HOME": str(place.home.root),
        "KLASSEPULS_CRON": settings.schedule.nightly,
        "KLASSEPULS_TIMEZONE": settings.schedule.timezone,
        "PREFECT_HOME": str(place.store),
        "PREFECT_API_URL": api_url(settings),
        "PREFECT_API_AUTH_STRING": secret,
        "PREFECT_SERVER_API_AUTH_STRING": secret,
        "PREFECT_SERVER_API_HOST": LOOPBACK,
        "PREFECT_SERVER_UI_ENABLED": str(server.ui).lower(),
        "PREFECT_WORKER_QUERY_SECONDS": str(server.look_every_seconds),
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": str(
            max(1, round(LOOKS_A_TURN * server.look_every_seconds))
        ),
        **database(place, server),
    }


def environment(
    place: Place, settings: Settings, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The whole environment of a process; what a shell says of Prefect has no part in it."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("PREFECT_")}
    return kept | variables(place, settings)


def database(place: Place, server: Server) -> dict[str, str]:
    """Where Prefect keeps its runs; nothing for SQLite, which is a file in Prefect's home.

    The password comes from a file of its own, which may stand anywhere; a relative path begins at
    the home. HomeError where it cannot be read, or others can.
    """
    if server.database == SQLITE:
        return {}
    url = server.database
    if server.password_file is not None:
        parts = urlsplit(url)
        user, _, host = parts.netloc.rpartition("@")
        word = quote(_password_in(place.home.root / server.password_file), safe="")
        url = urlunsplit(parts._replace(netloc=f"{user}:{word}@{host}"))
    return {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}


def _password_in(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise HomeError("[server] password_file may be read by others: chmod 600 it")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise HomeError(f"[server] password_file cannot be read: {what}") from None
