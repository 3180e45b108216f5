"""`erase` at a given moment, in a process: `python -m tests.erase.one_erase HOME CODE|- MOMENT`."""

import sys
from datetime import datetime
from pathlib import Path

from flows.erasure.expired import erase_expired
from flows.erasure.pupil import Asked, erase_pupil
from flows.home import open_home


def main(root: str, code: str, moment: str) -> None:
    home, now = open_home(Path(root)), datetime.fromisoformat(moment)
    if code == "-":
        erase_expired(home, allow_many=True, now=now)
    else:
        erase_pupil(home, Asked(code), now=now)


if __name__ == "__main__":
    main(*sys.argv[1:])
