"""Who gives a command, for the log of decisions."""

import os
import pwd
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from flows.home import Config
from warehouse.audit import Hand

# What sudo, doas and pkexec say of who asked for a command that another account carries out.
_ASKED_AS = ("SUDO_USER", "DOAS_USER")
_ASKED_BY_NUMBER = "PKEXEC_UID"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}")


# Whom a program of ours acts for, that has asked them who they are: the case board.
_ASKED_BY: ContextVar[str | None] = ContextVar("asked_by", default=None)


@contextmanager
def asked_by(name: str) -> Iterator[None]:
    """Within it every event is told with the account and with whom it acts for."""
    token = _ASKED_BY.set(name)
    try:
        yield
    finally:
        _ASKED_BY.reset(token)


def account() -> str:
    """Who gives the command, as the machine knows them; and who asked for it, where that differs.

    A service's account gives commands for several people: `klassepuls, asked by kari`.
    """
    name = _name_of(os.getuid())
    asked = _ASKED_BY.get() or _asked()
    return name if asked in (None, name) else f"{name}, asked by {asked}"


def _asked() -> str | None:
    for variable in _ASKED_AS:
        if _NAME.fullmatch(told := os.environ.get(variable, "")):
            return told
    number = os.environ.get(_ASKED_BY_NUMBER, "")
    return _name_of(int(number)) if re.fullmatch(r"[0-9]{1,10}", number) else None


def _name_of(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except (KeyError, OverflowError):
        return f"uid {number}"


def hand(config: Config) -> Hand:
    """The account that gives the command, and the key that its events are sealed with."""
    return Hand(account(), config.key)
