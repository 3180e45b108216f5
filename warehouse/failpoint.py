"""Named points of the road at which a test ends the process, to prove that nothing comes of it.

`KLASSEPULS_FAILPOINT=NAME` kills the process (SIGKILL, so nothing is tidied) when it comes there;
`NAME:3` when it comes there for the third time. Where the variable is not set nothing happens.
"""

import os
import signal
from collections import Counter

VARIABLE = "KLASSEPULS_FAILPOINT"

# In the order of the road.
POINTS = (
    "after-read",
    "after-vault",
    "before-load-commit",
    "after-load-commit",
    "between-notes-and-move",
    "after-move",
    "before-flag-commit",
    "after-flag-commit",
    "mid-report",
    "after-report",
    "before-publish-move",
    "between-publish-moves",
)
# Of a backup and of a restore, apart from the road.
BACKUP_POINTS = ("backup-after-database", "backup-before-manifest", "backup-before-name")
RESTORE_POINTS = (
    "restore-after-copy",
    "restore-before-commit",
    "restore-after-commit",
    "restore-between-moves",
)

# Of the commands of the keys for pupils, each point of another command.
KEY_POINTS = ("after-key-file", "before-carry-commit", "before-key-removed")
# Between a report's delivery and its note of it.
DELIVERY_POINTS = ("before-delivery-noted",)

# In the order of an action on a case.
CASE_POINTS = ("case-before-audit", "case-before-commit")

# Between telling people and writing down that they were told.
NOTICE_POINTS = ("after-notices-sent",)

# In the order of an erasing.
ERASE_POINTS = (
    "before-erase-commit",
    "after-erase-commit",
    "after-vault-erase",
    "mid-strike",
    "after-strike",
    "before-swap",
    "between-swaps",
    "after-swap",
    "before-proof",
)

_passed: Counter[str] = Counter()


def reach(name: str) -> None:
    """Die here, if this is the point, and the time, that the environment names."""
    asked = os.environ.get(VARIABLE)
    if asked is None:
        return
    point, _, times = asked.partition(":")
    if point == name:
        _passed[name] += 1
        if _passed[name] == int(times or 1):
            os.kill(os.getpid(), signal.SIGKILL)
