"""The folder of the inbox that a file lies in: it tells surveys apart whose exports look alike."""

from contextlib import suppress
from pathlib import Path


def folder_of(path: Path, inbox: Path | None) -> str | None:
    """The folder of the inbox that a file lies in, however deep; None for one that lies in none."""
    if inbox is None:
        return None
    with suppress(ValueError):
        within = path.absolute().relative_to(inbox).parts
        return within[0] if len(within) > 1 else None
    return None
