"""Who may open flag reports, and how a report gets to them: settings of `klassepuls.toml`.

Reports are sealed with age (https://age-encryption.org/v1) to public keys that stand here. What
opens them, the identity, never comes near this machine.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.declared import Declared

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
        pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
        description="Where to write that a report waits; without it nobody is written to.",
    )


class RecipientAboutAdults(Recipient):
    """Who receives what pupils answer about adults, at every school.

    It is who `routing.bullied_by_adults_to` names. No school's recipients open those reports.
    """


class Delivery(Declared):
    """Who else may open reports, besides each school's `recipients`."""

    bullied_by_adults: tuple[RecipientAboutAdults, ...] = ()
    escrow: tuple[KeyHolder, ...] = ()
