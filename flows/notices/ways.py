"""The three ways of a notice: a letter, a call of a webhook, a line in a file.

A way that fails says so (NoticeError) and has told nobody anything that it would have to take back:
whoever is told twice has lost nothing.
"""

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx

from flows.mail import MailError, send
from flows.notices.plan import Message
from reports.notices.letter import RUNBOOK, letter, section, subject_of
from schemas.settings import Settings
from schemas.settings_notices import Channel
from schemas.speakable import SpeakableError

SPEC_VERSION = "1.0"
TIMEOUT_SECONDS = 10.0
_FOR_OTHERS = 0o007


class NoticeError(SpeakableError):
    """A way is closed; the message says which step failed, without address, secret or answer."""


def deliver(message: Message, settings: Settings, *, now: datetime) -> None:
    """Tell one receiver; NoticeError where that did not come off."""
    way = message.receiver.way
    _WAYS[way.by](message, way, settings, now)


def _by_mail(message: Message, way: Channel, settings: Settings, now: datetime) -> None:
    if settings.mail is None:
        raise NoticeError("[mail] is missing from klassepuls.toml")
    lines = [matter.line for matter in message.matters]
    post = EmailMessage()
    post["To"] = ", ".join(way.to)
    post["Subject"] = subject_of(lines, settings)
    # Answering machines leave it alone.
    post["Auto-Submitted"] = "auto-generated"
    post.set_content(letter(lines, settings, owner=way.owner))
    try:
        send(settings.mail, post)
    except MailError as error:
        raise NoticeError(str(error)) from None


def _by_webhook(message: Message, way: Channel, _settings: Settings, now: datetime) -> None:
    secret = {"Authorization": f"Bearer {_secret(way.secret_file)}"} if way.secret_file else {}
    body = {"specversion": SPEC_VERSION, "told_at": now.isoformat(), "notices": as_json(message)}
    try:
        # Neither a redirect nor the machine's proxy settings may send a secret anywhere else.
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            answer = client.post(str(way.url), json=body, headers=secret)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NoticeError(f"the webhook cannot be reached: {type(error).__name__}") from None
    if not answer.is_success:
        raise NoticeError(f"the webhook answered {answer.status_code}")


def _by_file(message: Message, way: Channel, _settings: Settings, now: datetime) -> None:
    lines = [
        json.dumps({"specversion": SPEC_VERSION, "told_at": now.isoformat(), **one}) + "\n"
        for one in as_json(message)
    ]
    try:
        descriptor = os.open(
            str(way.path), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o640
        )
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write("".join(lines))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise NoticeError(f"the file cannot be written: {error.strerror}") from None


_WAYS: Mapping[str, Callable[[Message, Channel, Settings, datetime], None]] = {
    "mail": _by_mail,
    "webhook": _by_webhook,
    "file": _by_file,
}


def as_json(message: Message) -> list[dict[str, Any]]:
    """The matters as a program reads them: kind, where, whose task, and where it is described."""
    return [
        {
            "kind": matter.kind,
            "subject": matter.subject,
            "owner": message.receiver.way.owner,
            "runbook": f"{RUNBOOK}#{section(matter.kind)}",
        }
        for matter in message.matters
    ]


def _secret(path: str) -> str:
    try:
        if Path(path).stat().st_mode & _FOR_OTHERS:
            raise NoticeError("secret_file: others may read it; run chmod 0400 on it")
        secret = Path(path).read_text(encoding="ascii").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        raise NoticeError("secret_file: cannot be read") from None
    if not secret or not secret.isprintable():
        raise NoticeError("secret_file: has no secret in its first line")
    return secret
