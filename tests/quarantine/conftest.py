"""The commands, for every test of the quarantine."""

from tests.quarantine.home import asked, command

__all__ = ["asked", "command"]
