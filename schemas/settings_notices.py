"""The section `[notices]` of `klassepuls.toml`: who is told of what, and by which way."""

from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from schemas.declared import Declared
from schemas.settings_mail import ADDRESS, is_loopback

NoticeKind = Literal[
    "quarantine",
    "delivery_failed",
    "wave_overdue",
    "prompt_raised",
    "prompt_unanswered",
    "review_overdue",
    "machine",
    "publication_withheld",
    "run_failed",
]
KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)
# What a school's own recipients, or those of the route of adults, are told of.
OF_SCHOOLS: tuple[NoticeKind, ...] = ("prompt_raised", "prompt_unanswered", "review_overdue")
OF_OPERATION: tuple[NoticeKind, ...] = tuple(kind for kind in KINDS if kind not in OF_SCHOOLS)
Address = Annotated[str, StringConstraints(pattern=ADDRESS)]


class Channel(Declared):
    """A way to tell somebody: mail, a webhook, or lines of JSON in a file."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_-]{0,29}$", description="Once given, what was told is known by it."
    )
    by: Literal["mail", "webhook", "file"] = Field(description="`mail` needs the section [mail].")
    owner: str = Field(min_length=2, description="The role that acts on it; it stands in each.")
    kinds: tuple[NoticeKind, ...] = Field(
        default=OF_OPERATION, min_length=1, description="What it is told of."
    )
    to: tuple[Address, ...] = Field(default=(), description="Addresses, for `mail`.")
    url: str | None = Field(
        default=None, description="For `webhook`: https, or http to this machine."
    )
    secret_file: str | None = Field(
        default=None, description="Whole path of a file whose first line is sent as bearer token."
    )
    path: str | None = Field(default=None, description="Whole path, for `file`.")

    @model_validator(mode="after")
    def _has_what_its_way_needs(self) -> Self:
        given = {"mail": bool(self.to), "webhook": bool(self.url), "file": bool(self.path)}
        if given != {way: way == self.by for way in given}:
            raise ValueError("mail takes `to`, webhook `url`, file `path`, and none of the others")
        if any(path and not Path(path).is_absolute() for path in (self.path, self.secret_file)):
            raise ValueError("a whole path is needed, that begins with /")
        if self.url and not _is_safe(self.url):
            raise ValueError("url: https, or http to this machine, without a name or password")
        return self


class Receivers(Declared):
    """Whom to tell of what is about pupils; mail says that there is something to read, no more."""

    to: tuple[Address, ...] = Field(min_length=1, description="Who reads these reports.")
    second: tuple[Address, ...] = Field(
        default=(), description="Told too where nobody took up a prompt in a working day."
    )
    owner: str = Field(default="skolehelsetjenesten", min_length=2, description="The role.")


class SchoolReceivers(Receivers):
    """Whom to tell of one school's prompts and reviews, by mail."""

    id: str = Field(description="The school, as in [[school]].")


class Notices(Declared):
    """Who is told. Each matter once, again when it gets worse, and what goes on after some days."""

    again_after_days: int = Field(
        default=3, ge=1, le=30, description="Days after which what goes on is told again."
    )
    channels: tuple[Channel, ...] = Field(default=(), alias="channel")
    schools: tuple[SchoolReceivers, ...] = Field(default=(), alias="school")
    adults: Receivers | None = Field(default=None)

    @field_validator("channels", "schools")
    @classmethod
    def _stand_once(
        cls, entries: tuple[Channel, ...] | tuple[SchoolReceivers, ...]
    ) -> tuple[Channel, ...] | tuple[SchoolReceivers, ...]:
        names = [one.name if isinstance(one, Channel) else one.id for one in entries]
        if len(names) != len(set(names)):
            raise ValueError("two entries with the same name or id")
        return entries

    @property
    def needs_mail(self) -> bool:
        """Whether anything goes by mail."""
        return bool(self.schools or self.adults) or any(one.by == "mail" for one in self.channels)


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if parts.username or parts.password or not host or any(sign <= " " for sign in url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
