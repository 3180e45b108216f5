"""Tokens of who may deliver: shown once, kept as digests, revoked by name.

A token is 32 random bytes, so a plain SHA-256 of it is as hard to turn back as any slower digest.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from fcntl import LOCK_EX, flock
from pathlib import Path

from flows.home import Home, HomeError
from warehouse.swap import whole

PREFIX = "kp_"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


def add_token(home: Home, name: str, *, now: datetime) -> str:
    """Make a token for a deliverer and return it; HomeError where the name has one."""
    if not _NAME.fullmatch(name):
        raise HomeError("a token's name has up to 40 small letters, digits, dots and hyphens")
    token = PREFIX + secrets.token_urlsafe(32)
    with _changing(home) as known:
        if name in known:
            raise HomeError("there is a token of that name: revoke it first")
        known[name] = {"sha256": _digest(token), "made_at": now.isoformat(timespec="seconds")}
    return token


def revoke_token(home: Home, name: str) -> None:
    """Take a token's power; HomeError where there is none of the name."""
    with _changing(home) as known:
        if known.pop(name, None) is None:
            raise HomeError("there is no token of that name")


def list_tokens(home: Home) -> list[dict[str, str]]:
    """Names of the tokens, and when each was made."""
    return [{"name": name, "made_at": one["made_at"]} for name, one in _read(home).items()]


def bearer_of(home: Home, token: str) -> str | None:
    """The name of the token, as it stands now; None for one that is none."""
    given, found = _digest(token), None
    for name, one in _read(home).items():
        if hmac.compare_digest(one["sha256"], given):
            found = name
    return found


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _place(home: Home) -> Path:
    return home.restricted / "intake_tokens.json"


def _read(home: Home) -> dict[str, dict[str, str]]:
    try:
        known: dict[str, dict[str, str]] = json.loads(_place(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise HomeError("restricted/intake_tokens.json cannot be read: restore it") from None
    return known


@contextmanager
def _changing(home: Home) -> Iterator[dict[str, dict[str, str]]]:
    """The tokens, to be changed by one at a time and written whole."""
    lock = os.open(home.restricted / "intake_tokens.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        flock(lock, LOCK_EX)
        known = _read(home)
        yield known
        with whole(str(_place(home)), mode=0o600) as file:
            file.write(json.dumps(dict(sorted(known.items())), indent=1))
    finally:
        os.close(lock)
