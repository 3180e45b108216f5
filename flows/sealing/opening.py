"""`klassepuls open`: unseals one report for the person who holds the identity, and notes it.

With the pipeline's home at hand it becomes an event of the log of decisions. On a person's own
machine there is none: then a note of their own is kept. That promises no more than it says: who
has an identity can open a report with any program that knows the age format.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from flows.hand import account, hand
from flows.home import Home, HomeError, load_config
from flows.road import at_work
from flows.sealing.age import ENDING, MAGIC, WrongIdentityError, unseal
from flows.sealing.filing import told_by_path
from flows.sealing.identities import home_around
from warehouse import audit
from warehouse.report_files import report_of_bytes
from warehouse.store import transaction

OPENED, REFUSED = "report.opened", "report.open_refused"
NOTES = "opened.jsonl"
_LONGEST = 64 * 1024 * 1024  # bytes; a report has some hundred thousand
_KEY_SIGNS = 12  # of a public key, enough to tell whose it was


@dataclass(frozen=True, slots=True)
class Opened:
    """A report in the clear; `noted_in` is the person's own note, None where the home's log has it.

    `content` never stands in a message or a log.
    """

    content: bytes
    name: str
    noted_in: Path | None


def open_report(report: Path, identities: list[str], *, home: Home | None, now: datetime) -> Opened:
    """Unseal a report, and note that before anybody sees it.

    Raises WrongIdentityError where it is sealed for others; in a home that is noted as well.
    """
    sealed = _read(report)
    where = home or _home_of(report)
    if where is None:
        content, key = unseal(sealed, identities)
        name = report.name.removesuffix(ENDING)
        return Opened(content, name, _note_own(sealed, report.name, key, now=now))
    content = _open_in_home(where, report, sealed, identities, now=now)
    return Opened(content, report.name.removesuffix(ENDING), None)


def _read(report: Path) -> bytes:
    try:
        with report.open("rb") as file:
            sealed = file.read(_LONGEST + 1)
    except OSError as error:
        raise HomeError(f"the report cannot be read ({error.strerror})") from None
    if not sealed.startswith(MAGIC):
        raise HomeError("this is no sealed report: one ends in .age, and was sealed by a run")
    if len(sealed) > _LONGEST:
        raise HomeError("this is larger than any report")
    return sealed


def _home_of(report: Path) -> Home | None:
    """The home that a report lies in, where this account may write in its log."""
    root = home_around(report.parent)
    if root is None:
        return None
    home = Home(root)
    return home if os.access(home.restricted, os.R_OK | os.W_OK | os.X_OK) else None


def _open_in_home(
    home: Home, report: Path, sealed: bytes, identities: list[str], *, now: datetime
) -> bytes:
    config = load_config(home)
    sha256 = hashlib.sha256(sealed).hexdigest()
    with at_work(home, config, now=now) as con:
        told = report_of_bytes(con, sha256) or told_by_path(home, report.resolve())
        detail = {"sha256": sha256, **_about(told)}
        action, refused, content = OPENED, None, b""
        try:
            content, key = unseal(sealed, identities)
            detail["key"] = key[:_KEY_SIGNS]
        except WrongIdentityError as error:
            action, refused = REFUSED, error
        with transaction(con):
            audit.append(
                con, by=hand(config), action=action, subject="report", detail=detail, now=now
            )
    if refused:
        raise refused
    return content


def _about(told: tuple[str, str, str] | None) -> dict[str, str]:
    """Which report it is; an older version that lies elsewhere is known by its bytes alone."""
    return dict(zip(("wave", "school", "route"), told, strict=True)) if told else {}


def _note_own(sealed: bytes, name: str, key: str, *, now: datetime) -> Path:
    """A line in the person's own notes: when, which file, which key; nothing of what it says."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    notes = Path(state) / "klassepuls" / NOTES
    notes.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    line = {
        "at": now.isoformat(timespec="seconds"),
        "by": account(),
        "file": name,
        "sha256": hashlib.sha256(sealed).hexdigest(),
        "key": key[:_KEY_SIGNS],
    }
    descriptor = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return notes


def require_free(out: Path | None) -> None:
    """HomeError where there is a file already, and in a home: there reports lie sealed."""
    if out is None:
        return
    if home_around(out.parent):
        raise HomeError("--out is in a pipeline's home, where reports lie sealed: choose another")
    if out.exists():
        raise HomeError("there is a file at --out already: choose another name")
    if not out.parent.is_dir():
        raise HomeError("the folder of --out is not there")


def put_down(opened: Opened, out: Path | None) -> Path:
    """Write the report where the person says, or else into a fresh folder of their own; 0600."""
    path = out or Path(mkdtemp(prefix="klassepuls-")) / opened.name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise HomeError("there is a file at --out already: choose another name") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(opened.content)
    return path
