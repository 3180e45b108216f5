"""What the machine owes an installation: an encrypted volume, room, versions, Prefect's place."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flows.doctor.finding import Finding, all_fine, fine, note, to_mend, unseen
from flows.doctor.volume import Volume, volume_below
from flows.home import Config, Home
from warehouse.manifest import WAREHOUSE
from warehouse.selftest import can_write_encrypted

LOCK = Path(__file__).resolve().parents[2] / "requirements" / "runtime.txt"
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)(\s*;)?", re.MULTILINE)
_LEAST_ROOM = 1 << 30
_TIMES_WAREHOUSE = 3  # a run spills, and a restore or an erasure makes a second one


def check_machine(home: Home, config: Config | None) -> list[Finding]:
    """Everything below and around the home."""
    return [
        *check_volume(home, config),
        check_own_encryption(home),
        *all_fine("spill", "inside restricted/, and empty", _spill(home)),
        *all_fine("room", "enough", _room(home)),
        note("umask", f"every run sets its own, 027; this shell's is {_umask():03o}"),
        *check_prefect(home, os.environ),
        *check_versions(LOCK),
    ]


def check_volume(home: Home, config: Config | None, volume: Volume | None = None) -> list[Finding]:
    """What the settings say of encryption at rest, held against what can be seen."""
    place = home.restricted if home.restricted.is_dir() else home.root
    seen = volume or volume_below(place)
    told = {
        Volume.ENCRYPTED: "the volume is encrypted, as far as this machine sees",
        Volume.PLAIN: "the volume lies on a disk that this machine sees no encryption of (what a"
        " hypervisor or the drive itself does cannot be seen from here)",
        Volume.UNSEEN: "the volume is no disk of this machine's own, and whether it is encrypted"
        " cannot be seen from here",
    }[seen]
    if config is None:
        return [unseen("volume", told)]
    said = config.settings.security
    if said is None:
        return [to_mend("volume", f"{told}; nobody has signed for it", "fill in [security]")]
    signed = f"{said.encrypted_volume} by {said.decided_by} on {said.decided_on}: {said.why}"
    if said.encrypted_volume == "waived":
        return [note("volume", f"{told}; {signed}")]
    if seen is Volume.PLAIN:
        return [
            to_mend(
                "volume",
                f"{told}; {signed}",
                "encrypt the volume, or say `waived` and what protects instead",
            )
        ]
    say = fine if seen is Volume.ENCRYPTED else unseen
    return [say("volume", f"{told}; {signed}")]


def check_own_encryption(home: Home) -> Finding:
    """DuckDB's own encryption is not used; whether it could be is tried and told."""
    if can_write_encrypted(home.restricted / "spill"):
        return note(
            "duckdb_encryption",
            "this build of DuckDB can write encrypted databases; Klassepuls does not use that yet,"
            " so its files are plain, and the volume and the folders protect them",
        )
    return note(
        "duckdb_encryption",
        "this build of DuckDB cannot write encrypted databases safely without an extension from"
        " the network: databases and spill are plain files, and the volume and the folders"
        " protect them",
    )


def _spill(home: Home) -> Iterator[Finding]:
    spill = home.restricted / "spill"
    if spill.is_symlink():
        yield to_mend("spill", "restricted/spill is a link", "make it a folder: rows lie there")
    elif spill.is_dir() and any(spill.iterdir()):
        yield to_mend(
            "spill",
            "restricted/spill/ is not empty: a run is working, or one was killed",
            "delete what lies there while nothing runs",
        )


def _room(home: Home) -> Iterator[Finding]:
    database = home.root / WAREHOUSE
    size = database.stat().st_size if database.exists() else 0
    needed = max(_LEAST_ROOM, _TIMES_WAREHOUSE * size)
    free = shutil.disk_usage(home.root).free
    if free < needed:
        yield to_mend(
            "room",
            f"{free / 1e9:.1f} GB are free, and {needed / 1e9:.1f} GB may be needed",
            "make room before a run ends with 5",
        )


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def check_prefect(home: Home, environment: Mapping[str, str]) -> list[Finding]:
    """Prefect's database keeps parameters and messages, so it belongs in the restricted zone."""
    store = environment.get("PREFECT_HOME")
    if not store:
        return [unseen("prefect", "PREFECT_HOME is not set here: ask where Prefect runs")]
    wrong = []
    if not Path(store).resolve().is_relative_to(home.restricted):
        wrong.append(
            to_mend(
                "prefect",
                "PREFECT_HOME is not inside restricted/",
                "set it to restricted/prefect of the home, and move what is there",
            )
        )
    if "://" in environment.get("PREFECT_SERVER_DATABASE_CONNECTION_URL", "sqlite"):
        wrong.append(unseen("prefect", "Prefect has a database of its own, which is not looked at"))
    return all_fine("prefect", "its home is inside restricted/", wrong)


def check_versions(lock: Path) -> list[Finding]:
    """The installed packages against the versions that this program was tested with."""
    if not lock.is_file():
        return [unseen("versions", "the lock is not here: Klassepuls was not run from a checkout")]
    pins = _PIN.findall(lock.read_text(encoding="utf-8"))
    other = [name for name, pinned, marker in pins if not marker and not _is(name, pinned)]
    if other:
        told = f"{len(other)} package(s) are not of the locked version: {', '.join(other[:5])}"
        return [to_mend("versions", told, "install requirements/runtime.txt anew")]
    return [fine("versions", f"{len(pins)} packages are as locked")]


def _is(name: str, pinned: str) -> bool:
    try:
        return version(name) == pinned
    except PackageNotFoundError:
        return False
