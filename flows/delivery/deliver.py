"""Delivers what is due: every version of every sealed report, once to each, tried until it is done.

What is due follows from what lies in the health folder, from the settings, and from the ledger of
what has been done. A delivery is written down once it is done: a run that is killed in between
repeats it, under the same reference. Nothing is promised to happen exactly once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from flows.delivery.by_mail import mail_parcel
from flows.delivery.by_svarut import export_parcel, remove_exports
from flows.delivery.error import DeliveryError
from flows.home import Config, Home
from flows.sealing.recipients import recipients_of
from schemas.settings_delivery import Delivery
from transforms.pseudonym import keyed_digest
from warehouse.failpoint import reach
from warehouse.report_deliveries import Attempt, Parcel, attempts, note_attempt, parcels

Channel = Literal["mail", "sftp", "svarut"]

# A server that is away is away for the next message too; the next run tries them all.
_IN_VAIN = 3
_SIGNS = 16  # of the keyed digest of an address


@dataclass(frozen=True, slots=True)
class Errand:
    """A parcel for somebody; `address` never stands in a log, `recipient` is its keyed digest."""

    parcel: Parcel
    channel: Channel
    recipient: str
    address: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What the ledger knows it by."""
        return self.parcel.version, self.channel, self.recipient


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many deliveries were done now, and how many are still to be done."""

    done: int = 0
    waiting: int = 0


def deliver(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config, *, now: datetime
) -> Delivered:
    """Try all that is due; what fails is tried again by the next run."""
    current = parcels(con)
    remove_exports(home, but={parcel.version for parcel in current})
    due = _due(con, config, current)
    for channel, carry in (("svarut", _export), ("sftp", _put), ("mail", _mail)):
        errands = [errand for errand in due if errand.channel == channel]
        if errands:
            carry(con, home, config, errands, now)
    left = len(_due(con, config, current))
    return Delivered(len(due) - left, left)


def errands_of(config: Config, current: list[Parcel]) -> Iterator[Errand]:
    """Every delivery that the settings ask for, done or not."""
    wanted = config.settings.delivery
    if wanted is None:
        return
    for parcel in current:
        for channel, address in _addresses(config, wanted, parcel):
            told = keyed_digest(f"{channel}|{address}".encode(), key=config.key)
            yield Errand(parcel, channel, told[:_SIGNS], address)


def _addresses(config: Config, wanted: Delivery, parcel: Parcel) -> Iterator[tuple[Channel, str]]:
    if wanted.mail:
        people = recipients_of(config.settings, parcel.school_id, parcel.route)
        yield from (("mail", one) for one in dict.fromkeys(p.mail for p in people if p.mail))
    if wanted.sftp:
        yield "sftp", f"{wanted.sftp.host}:{wanted.sftp.port}/{wanted.sftp.folder}"
    if wanted.svarut:
        yield "svarut", wanted.svarut.digital_id


def _due(con: duckdb.DuckDBPyConnection, config: Config, current: list[Parcel]) -> list[Errand]:
    tried = attempts(con)
    return [
        errand
        for errand in errands_of(config, current)
        if errand.key not in tried or tried[errand.key].state != "done"
    ]


def _mail(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config, errands: list[Errand], now: datetime
) -> None:
    in_vain = 0
    for errand in errands:
        if in_vain == _IN_VAIN:
            return
        reason = None
        try:
            mail_parcel(
                config.settings, home, errand.parcel,
                address=errand.address, recipient=errand.recipient,
            )  # fmt: skip
        except DeliveryError as error:
            reason = str(error)
        in_vain = in_vain + 1 if reason else 0
        _note(con, errand, reason, now)


def _put(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config, errands: list[Errand], now: datetime
) -> None:
    # It takes a quarter of a second to load: only a home that delivers so waits for it.
    from flows.delivery.by_sftp import put_parcels  # noqa: PLC0415

    to = config.settings.delivery.sftp if config.settings.delivery else None
    of = {errand.parcel: errand for errand in errands}
    if to:
        put_parcels(to, home, list(of), lambda one, why: _note(con, of[one], why, now))


def _export(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config, errands: list[Errand], now: datetime
) -> None:
    to = config.settings.delivery.svarut if config.settings.delivery else None
    for errand in errands if to else ():
        assert to  # noqa: S101 - for the type alone
        export_parcel(config.settings, home, errand.parcel, to)
        _note(con, errand, None, now)


def _note(
    con: duckdb.DuckDBPyConnection, errand: Errand, reason: str | None, now: datetime
) -> None:
    reach("before-delivery-noted")
    note_attempt(
        con, errand.parcel, channel=errand.channel, recipient=errand.recipient, reason=reason,
        now=now,
    )  # fmt: skip


def list_deliveries(con: duckdb.DuckDBPyConnection, config: Config) -> list[dict[str, object]]:
    """Every delivery that is asked for now; before them those that are not asked for any more."""
    errands = list(errands_of(config, parcels(con)))
    tried = attempts(con)
    wanted = {errand.key for errand in errands}
    rows = [
        _row(one, one.channel, one.tried_at, "done" if one.state == "done" else "dropped", "")
        for one in tried.values()
        if one.key not in wanted
    ]
    for errand in errands:
        known = tried.get(errand.key)
        told = (known.tried_at, known.state, known.reason) if known else (None, "due", "")
        rows.append(_row(errand.parcel, errand.channel, *told))
    return rows


def _row(
    of: Parcel | Attempt, channel: str, when: datetime | None, state: str, why: str
) -> dict[str, object]:
    return {
        "reference": of.version,
        "school": of.school_id,
        "wave": of.wave_id,
        "route": of.route,
        "channel": channel,
        "when": when,
        "state": state,
        "why": why,
    }
