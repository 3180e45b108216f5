"""Who is to be told of which matters now: what a receiver was told before, it is not told again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flows.notices.matters import ADULTS, UNPLACED, Matter
from schemas.settings_notices import Channel, Notices, Receivers
from warehouse.notices import Key, Told


@dataclass(frozen=True, slots=True)
class Receiver:
    """A channel, or a school's recipients by mail; `name` is what the ledger knows it by."""

    name: str
    way: Channel


@dataclass(frozen=True, slots=True)
class Message:
    """The matters that one receiver is told of at once."""

    receiver: Receiver
    matters: tuple[Matter, ...]

    @property
    def keys(self) -> list[tuple[Key, int]]:
        """The matters as the ledger knows them, each with its mark."""
        return [(_key(self.receiver, matter), matter.mark) for matter in self.matters]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to tell whom; matters that nobody is named for; and what is over."""

    messages: tuple[Message, ...]
    without_receiver: tuple[Matter, ...]
    over: tuple[Key, ...]


def plan(
    matters: Sequence[Matter], told: Mapping[Key, Told], notices: Notices, *, now: datetime
) -> Plan:
    """Hold what there is to tell against what was told."""
    by_name: dict[str, Receiver] = {}
    to_tell: dict[str, list[Matter]] = {}
    nobody, standing = [], set[Key]()
    for matter in matters:
        receivers = list(receivers_of(matter, notices))
        if not receivers:
            nobody.append(matter)
        for receiver in receivers:
            by_name[receiver.name] = receiver
            key = _key(receiver, matter)
            standing.add(key)
            if _is_news(matter, told.get(key), notices, now):
                to_tell.setdefault(receiver.name, []).append(matter)
    messages = [Message(by_name[name], tuple(found)) for name, found in to_tell.items()]
    over = tuple(sorted(set(told) - standing))
    return Plan(tuple(messages), tuple(nobody), over)


def _is_news(matter: Matter, before: Told | None, notices: Notices, now: datetime) -> bool:
    if before is None or before.told_at is None or matter.mark > before.mark:
        return True
    return matter.goes_on and now - before.told_at >= timedelta(days=notices.again_after_days)


def receivers_of(matter: Matter, notices: Notices) -> Iterator[Receiver]:
    """Channels that hear of the kind, and whoever reads the reports that it is about.

    A call for help of no known school concerns whoever settles the quarantine.
    """
    for channel in notices.channels:
        is_unplaced = matter.subject == UNPLACED and "quarantine" in channel.kinds
        if matter.kind in channel.kinds or is_unplaced:
            yield Receiver(channel.name, channel)
    for school in notices.schools:
        if matter.subject == school.id and matter.kind != "wave_overdue":
            yield _by_mail(f"school:{school.id}", school, matter)
    if matter.subject == ADULTS and notices.adults:
        yield _by_mail("adults:", notices.adults, matter)


def _by_mail(name: str, receivers: Receivers, matter: Matter) -> Receiver:
    """A prompt that nobody has taken up reaches the second addresses, too."""
    second = receivers.second if matter.kind == "prompt_unanswered" else ()
    name = f"{name}+second" if second else name
    to = (*receivers.to, *second)
    return Receiver(name, Channel(name="reports", by="mail", owner=receivers.owner, to=to))


def _key(receiver: Receiver, matter: Matter) -> Key:
    return receiver.name, matter.kind, matter.subject
