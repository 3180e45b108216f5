"""Who may open the case board: invited and shut out, each with an event in the log."""

from datetime import datetime

from flows.hand import hand
from flows.home import Home, HomeError, load_config
from flows.road import at_work
from schemas.settings import Settings
from warehouse import audit
from warehouse.board.door import Door, User
from warehouse.store import transaction


def invite(home: Home, user: User, *, now: datetime) -> tuple[str, int]:
    """Let somebody in; returns a link that works once, and for how many minutes."""
    config = load_config(home)
    known = {school.id for school in config.settings.schools}
    if not set(user.schools) <= known:
        raise HomeError("klassepuls.toml has no [[school]] with the id of --school")
    _require_reason(user, config.settings)
    minutes = config.settings.board.link_minutes
    with at_work(home, config, now=now) as con, transaction(con):
        audit.append(
            con,
            by=hand(config),
            action="board.invited",
            subject=user.name,
            detail={"role": user.role, "schools": sorted(user.schools)},
            now=now,
        )
        secret = Door(home.restricted).invite(user, now=now, minutes=minutes)
    return f"{address(config.settings)}/enter/{secret}", minutes


def revoke(home: Home, name: str, *, now: datetime) -> None:
    """Shut somebody out: at once, and then told to the log, which a run may be holding."""
    config = load_config(home)
    if not Door(home.restricted).revoke(name, now=now):
        raise HomeError("nobody of that name may open the board: `klassepuls board users` has all")
    with at_work(home, config, now=now) as con, transaction(con):
        audit.append(con, by=hand(config), action="board.revoked", subject=name, detail={}, now=now)


def address(settings: Settings, port: int | None = None) -> str:
    """How people reach the board."""
    return settings.board.address or f"http://127.0.0.1:{port or settings.board.port}"


def _require_reason(user: User, settings: Settings) -> None:
    """A school owner comes in only where the municipality sends them something."""
    routing = settings.routing
    if user.role == "owner" and (routing is None or routing.bullied_by_adults_to != "school_owner"):
        raise HomeError(
            'the owner\'s page has what bullied_by_adults_to = "school_owner" in [routing] sends'
            " there, and that is not what was decided"
        )
