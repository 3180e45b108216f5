"""The command on a disk of its own that is too small: `python -m tests.faults.disk HOME PLACE`.

To be started in a mount namespace of its own (`unshare --mount`), where a small memory disk is laid
over PLACE; it goes when the process does. The home is copied there, the command runs with less and
less of the disk taken up by something else, and what is left of the home is copied back.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

MEBIBYTE = 1 << 20
DISK = 64 * MEBIBYTE


def main(home: Path, place: Path, moment: str) -> int:
    """Prints exit code and words of each run, from the fullest disk to the emptiest."""
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0755", "none", str(place)], check=True
    )
    shutil.copytree(home, place / "home", copy_function=shutil.copy2)
    told = []
    room = 32 * 1024
    while not told or told[-1][0] != 0:
        _leave(place, room)
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.one_run", str(place / "home"), moment],
            capture_output=True,
            text=True,
            check=False,
        )
        told.append((done.returncode, done.stderr))
        room *= 2
        if room > DISK:
            break
    shutil.rmtree(home)
    shutil.copytree(place / "home", home, copy_function=shutil.copy2)
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


def _leave(place: Path, room: int) -> None:
    """Take up all of the disk but `room` bytes."""
    ballast = place / "ballast"
    ballast.unlink(missing_ok=True)
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free - room, 1))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
