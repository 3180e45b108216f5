"""Where `klassepuls serve` keeps Prefect's things: in the restricted zone, for one user alone."""

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import flows
from flows.home import Home, HomeError
from schemas.speakable import SpeakableError

USER = "klassepuls"
PASSWORD_BYTES = 32
ONLY_OWNER, ONLY_OWNERS_FOLDER = 0o600, 0o700


class AlreadyServedError(SpeakableError):
    """Another `serve` keeps this home running."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folder `restricted/prefect`, and the checkout that the flows are read from."""

    home: Home
    source: Path

    @property
    def store(self) -> Path:
        """PREFECT_HOME: Prefect's database where it is SQLite, and these files."""
        return self.home.restricted / "prefect"

    @property
    def password_file(self) -> Path:
        """Who opens Prefect's pages is asked for what stands here: `user:password`."""
        return self.store / "password"

    @property
    def environment_file(self) -> Path:
        """What every process gets, for `prefect` commands by hand. Written at each start."""
        return self.store / "environment"

    @property
    def log_file(self) -> Path:
        """What happened and what the processes said, a JSON object a line."""
        return self.home.restricted / "logs" / "serve.jsonl"


def make_place(home: Home) -> Place:
    """Make the folder and the password where they are missing; HomeError without a checkout."""
    source = Path(flows.__file__).resolve().parents[1]
    if not (source / "prefect.yaml").is_file():
        raise HomeError(
            "prefect.yaml is not beside the package: serve needs a checkout, installed with"
            " `pip install -e .` or `make`"
        )
    place = Place(home, source)
    place.store.mkdir(mode=ONLY_OWNERS_FOLDER, exist_ok=True)
    place.store.chmod(ONLY_OWNERS_FOLDER)
    if not place.password_file.is_file():
        write_private(place.password_file, f"{USER}:{secrets.token_urlsafe(PASSWORD_BYTES)}")
    return place


def password(place: Place) -> str:
    """`user:password`; HomeError where others may read it, for it may be known then."""
    if place.password_file.stat().st_mode & 0o077:
        raise HomeError(
            "restricted/prefect/password may be read by others: remove it, and a new one is made"
        )
    return place.password_file.read_text(encoding="utf-8").strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read, not even while it is being written."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_OWNER)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def write_environment(place: Place, variables: Mapping[str, str]) -> None:
    """Keep what the processes get: `set -a; . FILE; set +a` gives it to a shell as well."""
    lines = [f"{name}='{_in_quotes(value)}'\n" for name, value in sorted(variables.items())]
    write_private(place.environment_file, "".join(lines))


def _in_quotes(value: str) -> str:
    return value.replace("'", "'\\''")


@contextmanager
def only_one(place: Place) -> Iterator[None]:
    """Be the one `serve` of the home; AlreadyServedError at once where there is another."""
    descriptor = os.open(place.home.restricted / "serve.lock", os.O_RDWR | os.O_CREAT, ONLY_OWNER)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyServedError("another `klassepuls serve` keeps this home running") from None
        yield
    finally:
        os.close(descriptor)
