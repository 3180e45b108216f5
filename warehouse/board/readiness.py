"""What a school has in place before it runs support groups: agreement, people and training."""

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from warehouse import audit
from warehouse.audit import Hand
from warehouse.store import transaction

ITEMS = ("agreement", "health_service", "management", "training")


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was registered last of one item; `happened_on` None: nothing yet."""

    item: str
    is_in_place: bool = False
    happened_on: date | None = None
    people: int | None = None
    actor_role: str = ""


def readiness_of(con: duckdb.DuckDBPyConnection, school_id: str) -> list[Readiness]:
    """One entry an item, in the order of `ITEMS`."""
    found = con.execute(
        """
        select item, max_by((is_in_place, happened_on, people, actor_role), audit_no)
        from core.school_readiness where school_id = $school group by item
        """,
        {"school": school_id},
    ).fetchall()
    last = dict(found)
    return [Readiness(item, *last[item]) if item in last else Readiness(item) for item in ITEMS]


def register_readiness(
    con: duckdb.DuckDBPyConnection, school_id: str, told: Readiness, *, by: Hand, now: datetime
) -> None:
    """Add what somebody has registered, with its event in the log."""
    with transaction(con):
        number = audit.append(
            con,
            by=by,
            action="school.registered",
            subject=school_id,
            detail={
                "item": told.item,
                "is_in_place": told.is_in_place,
                "on": str(told.happened_on),
                "people": told.people,
                "role": told.actor_role,
            },
            now=now,
        )
        con.execute(
            "insert into core.school_readiness values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                school_id,
                told.item,
                told.is_in_place,
                told.happened_on,
                told.people,
                told.actor_role,
                now,
                number,
            ],
        ).fetchall()
