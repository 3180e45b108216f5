"""Short names in three languages, kept as data beside the codes that they are for."""

from importlib.resources import files
from tomllib import loads

from schemas.declared import Declared


class Words(Declared):
    """What a code is called, in words that a school secretary understands."""

    nb: str
    nn: str
    en: str


def words_of(file: str) -> dict[str, Words]:
    """The names in one file of `schemas/messages/`, by code."""
    text = (files("schemas") / "messages" / file).read_text(encoding="utf-8")
    return {code: Words.model_validate(entry) for code, entry in loads(text).items()}
