"""Kinds of personal data that a survey tool may put into an export, and that we never keep."""

from enum import StrEnum
from functools import cache
from importlib.resources import files
from tomllib import loads

from schemas.declared import Declared


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


class KindText(Declared):
    """What a kind is called, in words that a school secretary understands."""

    nb: str
    nn: str
    en: str


@cache
def personal_texts() -> dict[Personal, KindText]:
    """The text of every kind."""
    text = (files("schemas") / "messages" / "personal.toml").read_text(encoding="utf-8")
    return {Personal(kind): KindText.model_validate(entry) for kind, entry in loads(text).items()}
