"""The section `[mail]` of `klassepuls.toml`: the mail server that takes what is sent to people."""

import ipaddress
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.declared import Declared

# Narrower than the standard on purpose: what a mail server in an office takes, and one address.
ADDRESS = r"^[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}$"
HOST = r"^[A-Za-z0-9][A-Za-z0-9.:-]{0,250}$|^::1$"


def is_loopback(host: str) -> bool:
    """Whether a name or number of a machine can only be this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Mail(Declared):
    """The mail server that messages are handed to. Without this section none is sent."""

    host: str = Field(pattern=HOST, description="Name of the mail server.")
    port: int = Field(
        default=587, ge=1, le=65535, description="587 is usual for `starttls`, 465 for `tls`."
    )
    security: Literal["tls", "starttls", "none"] = Field(
        default="starttls",
        description="The server's certificate is always checked. `none` is for a mail server on"
        " this machine alone.",
    )
    sender: str = Field(pattern=ADDRESS, description="The address that messages come from.")
    username: str | None = Field(
        default=None, min_length=1, description="Where the server asks who sends."
    )
    password_file: str | None = Field(
        default=None,
        description="Whole path of the file with the password, for the pipeline's user alone.",
    )
    ca_file: str | None = Field(
        default=None,
        description="Whole path of a file with the certificates that vouch for the server, where"
        " the machine does not know them.",
    )

    @field_validator("password_file", "ca_file")
    @classmethod
    def _is_whole(cls, path: str | None) -> str | None:
        if path is not None and not Path(path).is_absolute():
            raise ValueError("a whole path is needed, that begins with /")
        return path

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("security may be none for a mail server on this machine only")
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file go together")
        return self
