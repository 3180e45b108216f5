"""What a check found, after a run: in a few lines, or as JSON."""

from collections import Counter
from typing import Any

from flows.notices.tell import Checked


def checked_as_dict(checked: Checked) -> dict[str, Any]:
    """Counts of what is overdue by kind, and of notices."""
    return {
        "overdue": dict(Counter(one.kind for one in checked.late)),
        "notices": {"told": checked.told, "failed": checked.failed, "nobody": checked.nobody},
    }


def show_checked(checked: Checked) -> None:
    """Nothing where all is as it should be."""
    if checked.late:
        print(f"Overdue: {len(checked.late)} entries. See them with `klassepuls overdue`.")  # noqa: T201
    if checked.told:
        print(f"Told: {checked.told} receiver(s).")  # noqa: T201
    if checked.failed:
        print(f"Could not tell {checked.failed} receiver(s): the next run tries again.")  # noqa: T201
    if checked.nobody:
        print(f"{checked.nobody} matter(s) with nobody to tell: see [notices].")  # noqa: T201
