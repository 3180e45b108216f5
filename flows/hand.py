"""Who gives a command, for the log of decisions."""

import os
import pwd

from flows.home import Config
from warehouse.audit import Hand


def account() -> str:
    """Who gives the command, as the machine knows them."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def hand(config: Config) -> Hand:
    """The account that gives the command, and the key that its events are sealed with."""
    return Hand(account(), config.key)
