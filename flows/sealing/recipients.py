"""For whom each report is sealed, as the settings say."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.settings import Settings
from schemas.settings_delivery import Recipient

ADULT_ROUTE = "adult_route"


@dataclass(frozen=True, slots=True)
class Seal:
    """The public keys that a report is sealed to. With none nobody could open it."""

    keys: tuple[str, ...]

    @property
    def digest(self) -> str:
        """One word for these keys in whatever order."""
        return hashlib.sha256("\n".join(self.keys).encode()).hexdigest()[:32]


def is_sealing(settings: Settings) -> bool:
    """Whether this home seals its reports: then it seals all of them."""
    return any(school.recipients for school in settings.schools)


def recipients_of(settings: Settings, school_id: str, route: str) -> Sequence[Recipient]:
    """Who receives a school's report on a route; none of a school that the settings do not name."""
    if route == ADULT_ROUTE:
        return settings.delivery.bullied_by_adults if settings.delivery else ()
    found = [school.recipients for school in settings.schools if school.id == school_id]
    return found[0] if found else ()


def seal_of(settings: Settings, school_id: str, route: str) -> Seal | None:
    """Who may open a school's report on a route, the escrow among them; None: it is not sealed."""
    if not is_sealing(settings):
        return None
    escrow = settings.delivery.escrow if settings.delivery else ()
    holders = (*recipients_of(settings, school_id, route), *escrow)
    return Seal(tuple(sorted({holder.age for holder in holders})))


def who_opens(settings: Settings) -> list[dict[str, str]]:
    """Whose key opens which reports: a school's, those about adults, or all."""
    delivery = settings.delivery
    named = [
        *((school.id, one) for school in settings.schools for one in school.recipients),
        *(("about adults", one) for one in (delivery.bullied_by_adults if delivery else ())),
        *(("all", one) for one in (delivery.escrow if delivery else ())),
    ]
    return [{"opens": opens, "name": one.name, "age": one.age} for opens, one in named]
