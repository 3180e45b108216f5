"""Every look at a pupil's row, in the log: who, when, and which flag or case; never a code."""

from collections.abc import Mapping

from reports.board.office import Room
from warehouse import audit
from warehouse.store import transaction


def log_look(room: Room, action: str, subject: str, detail: Mapping[str, object]) -> None:
    """Add the event of a look; the page is given only once it is there."""
    with transaction(room.con):
        audit.append(
            room.con, by=room.by, action=action, subject=subject, detail=detail, now=room.now
        )
