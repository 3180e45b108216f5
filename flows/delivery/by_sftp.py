"""Puts sealed reports on an SFTP server whose key is known beforehand, over one connection.

A file is written under a hidden name and then given its own, so nobody there takes half of one.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

import asyncssh

from flows.delivery.error import DeliveryError
from flows.delivery.parcel import sealed_files
from flows.home import Home
from flows.sealing.filing import ADULT_FOLDER
from flows.sealing.recipients import ADULT_ROUTE
from schemas.settings_delivery import SftpDelivery
from warehouse.report_deliveries import Parcel

TIMEOUT_SECONDS = 30
_FOR_OTHERS = 0o077

Tell = Callable[[Parcel, str | None], None]  # the parcel, and why it did not get there


def put_parcels(to: SftpDelivery, home: Home, parcels: Sequence[Parcel], tell: Tell) -> None:
    """Put each parcel there, and tell of each as soon as it is there, or why it is not."""
    # In a thread of its own: whoever calls may have a loop of events that is running already.
    with ThreadPoolExecutor(1) as own:
        own.submit(asyncio.run, _put_all(to, home, parcels, tell)).result()


async def _put_all(to: SftpDelivery, home: Home, parcels: Sequence[Parcel], tell: Tell) -> None:
    waiting = list(parcels)
    try:
        async with _server(to) as server:
            while waiting:
                try:
                    await _put(server, to, home, waiting[0])
                    tell(waiting.pop(0), None)
                except asyncssh.SFTPError as error:
                    tell(waiting.pop(0), f"the SFTP server refused: {type(error).__name__}")
    except DeliveryError as error:
        for parcel in waiting:
            tell(parcel, str(error))


@asynccontextmanager
async def _server(to: SftpDelivery) -> AsyncIterator[asyncssh.SFTPClient]:
    """A session with the server that has the pinned key, and with no other."""
    try:
        pinned = asyncssh.import_public_key(to.host_key)
        own = asyncssh.read_private_key(_closed(Path(to.key_file)))
    except (asyncssh.KeyImportError, OSError):
        raise DeliveryError("[delivery.sftp] host_key or key_file cannot be read") from None
    try:
        async with (
            asyncssh.connect(
                to.host, to.port,
                username=to.username, client_keys=[own], known_hosts=([pinned], [], []),
                config=[], agent_path=None, preferred_auth="publickey",
                connect_timeout=TIMEOUT_SECONDS, login_timeout=TIMEOUT_SECONDS,
            ) as connection,
            connection.start_sftp_client() as server,
        ):  # fmt: skip
            yield server
    except asyncssh.SFTPError:
        raise
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise DeliveryError(f"the SFTP server: {_why(error)}") from None


def _why(error: Exception) -> str:
    """What kind of fault it was; never the server's words."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "it has another key than the one in host_key, and was given nothing"
    if isinstance(error, asyncssh.PermissionDenied):
        return "it does not know this account with this key"
    return type(error).__name__


def _closed(path: Path) -> str:
    if path.stat().st_mode & _FOR_OTHERS:
        raise DeliveryError("[delivery.sftp] key_file: others may read it; run chmod 0400 on it")
    return str(path)


async def _put(server: asyncssh.SFTPClient, to: SftpDelivery, home: Home, parcel: Parcel) -> None:
    """All files of a parcel; one that is there already has the same name and is the same report."""
    school = ADULT_FOLDER if parcel.route == ADULT_ROUTE else parcel.school_id
    folder = PurePosixPath(to.folder) / school
    await server.makedirs(str(folder), exist_ok=True)
    for name, place in sealed_files(home, parcel):
        partial = str(folder / f".{name}.partial")
        await server.put(str(place), partial)
        if await server.getsize(partial) != os.stat(place).st_size:  # noqa: PTH116
            raise asyncssh.SFTPFailure("it has not the length that was sent")
        await server.posix_rename(partial, str(folder / name))
