"""Kinds of personal data that a survey tool may put into an export, and that we never keep."""

from enum import StrEnum
from functools import cache

from schemas.words import Words, words_of


class Personal(StrEnum):
    """Stable codes: told in notes and counted, so they are never renamed."""

    NATIONAL_ID = "national_id"  # fødselsnummer, D-number, H-number and synthetic ones
    EMAIL = "email"
    PHONE = "phone"
    IP_ADDRESS = "ip_address"
    PLACE = "place"  # coordinates
    ADDRESS = "address"
    NAME = "name"
    BIRTH_DATE = "birth_date"
    DEVICE = "device"  # browser, operating system, device number
    ACCOUNT = "account"  # who was logged in, and links to single answers
    FREE_TEXT = "free_text"
    IDENTIFIER = "identifier"  # called identifying by the author of the form


@cache
def personal_texts() -> dict[Personal, Words]:
    """The text of every kind."""
    return {Personal(kind): words for kind, words in words_of("personal.toml").items()}
