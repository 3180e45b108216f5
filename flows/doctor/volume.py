"""Whether the volume below a folder is encrypted, as far as this machine's own devices tell.

Seen are dm-crypt and LUKS, also below LVM or RAID, and file systems that encrypt by themselves. Not
seen is what lies below the machine: a hypervisor's disk, a cloud volume, a drive that encrypts.
"""

from enum import StrEnum
from pathlib import Path

_ENCRYPTING = ("ecryptfs", "fuse.gocryptfs", "fuse.encfs", "fuse.cryfs")
_CRYPT = "CRYPT-"


class Volume(StrEnum):
    """What can be seen of it."""

    ENCRYPTED = "encrypted"
    PLAIN = "plain"
    UNSEEN = "unseen"


def volume_below(
    folder: Path,
    *,
    mounts: Path = Path("/proc/self/mountinfo"),
    devices: Path = Path("/sys/dev/block"),
) -> Volume:
    """What can be seen of the volume that a folder lies on."""
    try:
        number, kind = _mount_of(folder.resolve(), mounts)
    except (OSError, ValueError):
        return Volume.UNSEEN
    if kind in _ENCRYPTING:
        return Volume.ENCRYPTED
    device = devices / number
    if not device.exists():
        return Volume.UNSEEN  # a network's, a container's layer, or a pool of several
    return Volume.ENCRYPTED if _is_encrypted(device.resolve()) else Volume.PLAIN


def _mount_of(folder: Path, mounts: Path) -> tuple[str, str]:
    """Device number and file system of the mount that the folder lies in (proc(5), mountinfo)."""
    found: tuple[int, str, str] | None = None
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split(" ")
        point = Path(fields[4].encode().decode("unicode_escape"))
        depth = len(point.parts)
        # A later mount at the same place hides the earlier one.
        if folder.is_relative_to(point) and (found is None or depth >= found[0]):
            found = (depth, fields[2], fields[fields.index("-") + 1])
    if found is None:
        raise ValueError("no mount")
    return found[1], found[2]


def _is_encrypted(device: Path) -> bool:
    """Whether it is dm-crypt's, or all that it consists of is."""
    uuid = device / "dm" / "uuid"
    if uuid.is_file() and uuid.read_text(encoding="utf-8").startswith(_CRYPT):
        return True
    parts = device / "slaves"
    below = [part.resolve() for part in parts.iterdir()] if parts.is_dir() else []
    return bool(below) and all(_is_encrypted(part) for part in below)
