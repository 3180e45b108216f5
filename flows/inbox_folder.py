"""The folder of the inbox that a file lies in: it tells surveys apart whose exports look alike."""

from contextlib import suppress
from pathlib import Path


def folder_of(path: Path, inbox: Path | None) -> str | None:
    """The folders of the inbox that a file lies in, with `/` between; None for one in none."""
    if inbox is None:
        return None
    with suppress(ValueError):
        within = path.absolute().relative_to(inbox).parts
        return "/".join(within[:-1]) or None
    return None
