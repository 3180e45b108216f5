"""The files of a home's keys, and what each is for.

`pseudonym.key` is the first key for pupils; `pseudonym.2.from-2027-28.key` the second, for the
school years from that one on: the name says it, so that a key is made by making one file.
`home.key` is the home's own key, for seals and digests, which no school year changes. Homes that
were made before it existed have none: their first key does its work.

They lie in restricted/vault, each for the pipeline's user alone, or come as credentials of the
service (systemd's LoadCredential under the same names): then in the folder that
CREDENTIALS_DIRECTORY names, which is no secret.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from flows.home_error import HomeError
from schemas.declared import DeclarationError
from schemas.settings import Settings
from transforms.pseudonym import KEY_BYTES, PseudonymKey, YearKey

FIRST, OWN = "pseudonym.key", "home.key"
FIRST_VERSION, OWN_VERSION = 1, 0
_LATER = re.compile(r"pseudonym\.([1-9][0-9]{0,3})\.from-([0-9]{4}-[0-9]{2})\.key")


def later_name(version: int, since: str) -> str:
    """The name of the file of a later key."""
    return f"pseudonym.{version}.from-{since}.key"


def is_key_name(name: str) -> bool:
    """Whether a file of this name in the key place is a key."""
    return name in (FIRST, OWN) or bool(_LATER.fullmatch(name))


def credentials() -> Path | None:
    """The folder of the service's credentials, where this is a service that has any."""
    told = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return Path(told) if told else None


def key_files(vault: Path) -> dict[str, Path]:
    """Every key file by its name; one in the home stands before one among the credentials."""
    given = credentials()
    return dict(sorted(((files_in(given) if given else {}) | files_in(vault)).items()))


def files_in(folder: Path) -> dict[str, Path]:
    """The key files of one folder."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.name: path for path in found if is_key_name(path.name)}


def has_keys(vault: Path) -> bool:
    """Whether there is a key to turn pupils with, and one for the home."""
    return is_whole(key_files(vault))


def is_whole(files: Mapping[str, Path]) -> bool:
    """The same of files by their names."""
    return FIRST in files or (OWN in files and len(files) > 1)


def require_closed(files: Mapping[str, Path]) -> None:
    """HomeError where others may read a key of the home's; credentials are systemd's to close."""
    for name, path in files.items():
        if path.parent != credentials() and path.stat().st_mode & 0o077:
            raise HomeError(f"others may read restricted/vault/{name}: chmod it to 400")


def keys_of(files: Mapping[str, Path], municipality: str) -> PseudonymKey:
    """The keys in these files; HomeError where one is damaged or they do not fit together."""
    secrets = {name: _secret(path) for name, path in files.items()}
    years = [YearKey(secrets[FIRST], FIRST_VERSION)] if FIRST in secrets else []
    for name, secret in secrets.items():
        if told := _LATER.fullmatch(name):
            years.append(YearKey(secret, int(told[1]), told[2]))
    years.sort(key=lambda one: one.version)
    try:
        if OWN in secrets:
            return PseudonymKey(secrets[OWN], OWN_VERSION, municipality, tuple(years))
        if FIRST not in secrets:
            raise HomeError("home.key is missing from restricted/vault: put it back")
        later = tuple(years) if len(years) > 1 else ()
        return PseudonymKey(secrets[FIRST], FIRST_VERSION, municipality, later)
    except ValueError as error:
        raise HomeError(f"the key files in restricted/vault do not fit: {error}") from None


def _secret(path: Path) -> bytes:
    secret = path.read_bytes()
    if len(secret) != KEY_BYTES:
        raise HomeError(
            f"restricted/vault/{path.name} has {len(secret)} bytes and not {KEY_BYTES}: it is"
            " damaged; restore it"
        )
    return secret


def load_key(vault: Path, settings: Settings) -> PseudonymKey:
    """The home's keys, for the municipality and the waves of its settings."""
    files = key_files(vault)
    require_closed(files)
    key = keys_of(files, settings.municipality.number)
    first = key.versions[0]
    too_old = [wave.id for wave in settings.waves if wave.school_year < first.since]
    if too_old:
        raise DeclarationError(
            f"klassepuls.toml: {too_old[0]} is of a school year whose key was retired: strike the"
            " wave, so that its late files wait for a person"
        )
    return key


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Make a file; one that is there already stays as it is."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
