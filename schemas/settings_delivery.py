"""Who may open flag reports, and how a report gets to them: settings of `klassepuls.toml`.

Reports are sealed with age (https://age-encryption.org/v1) to public keys that stand here. What
opens them, the identity, never comes near this machine.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from schemas.declared import Declared
from schemas.settings_mail import ADDRESS, HOST

_PREFIX, _LENGTH = "age1", 62  # of an X25519 recipient in Bech32


def _is_age_key(text: str) -> str:
    # Only a home that seals waits for the library.
    from pyrage import RecipientError, x25519  # noqa: PLC0415

    said = "not the public key of an age identity: `klassepuls recipients new DIR` prints one"
    if text.upper().startswith("AGE-SECRET-KEY"):
        raise ValueError(
            "this is what opens reports, and it must not stand here: take it out, make a new one,"
            " and put its public key (age1...) here"
        )
    if not text.startswith(_PREFIX) or len(text) != _LENGTH:
        raise ValueError(said)
    try:
        x25519.Recipient.from_str(text)
    except RecipientError:
        raise ValueError(said) from None
    return text


AgeKey = Annotated[str, AfterValidator(_is_age_key)]


class KeyHolder(Declared):
    """A key that opens every report: for the day when a recipient's is lost."""

    name: str = Field(min_length=2, description="A name or a role, as helsesykepleier.")
    age: AgeKey = Field(description="The public key: `age1` and 58 more signs.")


class Recipient(KeyHolder):
    """Who may open a school's reports: with any, all reports of the home are sealed."""

    mail: str | None = Field(
        default=None,
        pattern=ADDRESS,
        description="Where to write that a report waits; without it nobody is written to.",
    )


class RecipientAboutAdults(Recipient):
    """Who receives what pupils answer about adults, at every school.

    It is who `routing.bullied_by_adults_to` names. No school's recipients open those reports.
    """


class MailDelivery(Declared):
    """Recipients with a mail address are told that a report waits, by the server in `[mail]`.

    The message says nothing of the school, the wave or what the report says.
    """

    attach: bool = Field(
        default=False, description="Attach the sealed report; else the message tells of it alone."
    )


class SftpDelivery(Declared):
    """Sealed reports are put on an SFTP server, in a folder for each school."""

    host: str = Field(pattern=HOST, description="Name of the server.")
    port: int = Field(default=22, ge=1, le=65535, description="Its port.")
    username: str = Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$", description="The account there."
    )
    key_file: str = Field(
        pattern=r"^/",
        description="Whole path of the private SSH key, for the pipeline's user alone.",
    )
    host_key: str = Field(
        pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]+={0,2}$",
        description="The server's public key, as `ssh-keyscan` shows it and its owner confirms it:"
        " no other server is given anything.",
    )
    folder: str = Field(
        pattern=r"^/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$",
        description="Folder on the server, where one is made for each school.",
    )

    @field_validator("folder")
    @classmethod
    def _stays_below(cls, folder: str) -> str:
        if {".", ".."} & set(folder.split("/")):
            raise ValueError("a folder's name, without . and ..")
        return folder


class SvarutDelivery(Declared):
    """Sealed reports are laid out for SvarUt, each in a folder with its metadata.

    They lie in `health/_svarut/`; the municipality's own SvarUt client sends them.
    """

    digital_id: str = Field(
        pattern=r"^[0-9]{9}$", description="Organisation number of who receives them."
    )
    name: str = Field(min_length=2, description="Its name.")
    address: str = Field(min_length=2, description="Its address, first line.")
    postcode: str = Field(pattern=r"^[0-9]{4}$", description="Its postcode.")
    place: str = Field(min_length=2, description="Its postal place.")


class Delivery(Declared):
    """Who else may open reports besides each school's `recipients`, and how reports reach them."""

    bullied_by_adults: tuple[RecipientAboutAdults, ...] = ()
    escrow: tuple[KeyHolder, ...] = ()
    mail: MailDelivery | None = None
    sftp: SftpDelivery | None = None
    svarut: SvarutDelivery | None = None
