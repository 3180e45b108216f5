"""Identities: the files that open sealed reports. They are kept by people, never by the pipeline.

The format is that of `age-keygen`, so a file made here works there, and the other way round. One
with a passphrase is itself sealed in the age format.
"""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from flows.home_error import HomeError
from flows.sealing.age import MAGIC

FILE = "klassepuls-identity.txt"
_SECRET = "AGE-SECRET-KEY-1"  # noqa: S105 - how every one of them begins

AskPassphrase = Callable[[str], str]


def new_identity(folder: Path, *, now: datetime, passphrase: str | None = None) -> tuple[Path, str]:
    """Make an identity file in a folder; returns where it is and its public key.

    HomeError where there is one already, and in the home of a pipeline, where it must not lie.
    """
    from pyrage import passphrase as locked  # noqa: PLC0415 - few commands need it
    from pyrage import x25519  # noqa: PLC0415

    if home_around(folder):
        raise HomeError(
            "this folder is in a pipeline's home: an identity there would open what is sealed from"
            " it. Make it on the machine of the person who reads the reports"
        )
    identity = x25519.Identity.generate()
    public_key = str(identity.to_public())
    made_at = now.isoformat(timespec="seconds")
    content = f"# created: {made_at}\n# public key: {public_key}\n{identity}\n".encode()
    if passphrase is not None:
        content = locked.encrypt(content, passphrase)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    except FileExistsError:
        raise HomeError(f"there is a {FILE} in this folder already: it stays as it is") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return path, public_key


def read_identities(path: Path, *, ask: AskPassphrase) -> list[str]:
    """The identities in a file; `ask` is called where it has a passphrase.

    HomeError where there is none: the message never quotes the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HomeError(f"the identity file cannot be read ({error.strerror})") from None
    if content.startswith(MAGIC):
        content = _unlocked(content, ask("Passphrase of the identity: "))
    found = list(_secrets(content))
    if not found:
        raise HomeError(
            "--identity takes the file that `klassepuls recipients new` or age-keygen has made:"
            " there is no AGE-SECRET-KEY in this one"
        )
    return found


def _secrets(content: bytes) -> Iterator[str]:
    from pyrage import IdentityError, x25519  # noqa: PLC0415

    for line in content.decode("ascii", errors="replace").splitlines():
        if line.strip().startswith(_SECRET):
            try:
                x25519.Identity.from_str(line.strip())
            except IdentityError:
                raise HomeError("the identity in this file is damaged: restore the file") from None
            yield line.strip()


def _unlocked(content: bytes, passphrase: str) -> bytes:
    from pyrage import DecryptError  # noqa: PLC0415
    from pyrage import passphrase as locked  # noqa: PLC0415

    try:
        opened: bytes = locked.decrypt(content, passphrase)
    except DecryptError:
        raise HomeError("this is not the passphrase of the identity") from None
    return opened


def home_around(path: Path) -> Path | None:
    """The pipeline's home that a place is in, if it is in one."""
    whole = path.resolve()
    return next((one for one in (whole, *whole.parents) if _is_home(one)), None)


def _is_home(folder: Path) -> bool:
    return (folder / "klassepuls.toml").is_file() and (folder / "health").is_dir()
