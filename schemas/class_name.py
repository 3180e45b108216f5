"""What may stand as the name of a class: what marks one, or what a municipality has declared.

A class's name goes into tables and reports, and an export may have a child's name in its place. No
list of children's names is whole, and those there are hold words that classes are called by. So it
is asked the other way round: a name is taken for a class's if each of its parts marks one.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from tomllib import loads

from schemas.declared import Declared

LONGEST = 40
# Regular expressions that pandera, polars and Arrow all understand: no look-ahead.
_GRADE = r"(?:1[0-3]|0?[1-9])"
_YEAR = r"20[0-9]{2}"
_LETTERS = r"[A-Za-zÆØÅæøåÁáČčĐđŊŋŠšŦŧŽž]"
_CAPITALS = r"[A-ZÆØÅÁČĐŊŠŦŽ]"
_DASH = "\N{EN DASH}"
_APART = rf"(?: *[./+&{_DASH}-]{{1,2}} *| +)"
_MOST_PARTS = 6


class Words(Declared):
    """The words of `class_names.toml`."""

    kinds: tuple[str, ...]
    colours: tuple[str, ...]
    marks: tuple[str, ...]
    programmes: tuple[str, ...]


@cache
def class_pattern(declared: tuple[str, ...] = ()) -> str:
    """A regular expression for a whole cell that names a class; `declared`: further names.

    Capitals, spaces, dots at the end and "klasse" before it make no difference in a declared name.
    """
    own = (" *".join(re.escape(sign) for sign in "".join(name.split())) for name in declared)
    return f"^(?:{'|'.join((_marked(), *(_declared(name) for name in own)))})$"


def _declared(name: str) -> str:
    """A declared name, with dots behind it or the word for a class before it as well."""
    return f"(?i:(?:klassen? *)?{name} *[.]*)"


def _marked() -> str:
    """A number, up to three capitals, or parts that each mark a class.

    A colour is a part beside another one: alone it may be a child, and Rosa is one.
    """
    words = Words.model_validate(
        loads((files("schemas") / "class_names.toml").read_text(encoding="utf-8"))
    )
    parts = (
        rf"{_GRADE}(?:{_LETTERS}{{1,2}}[0-9]?)?",
        _YEAR,
        rf"[1-3](?:{_any(words.programmes)}){_CAPITALS}{{0,2}}[0-9]?",
        rf"(?:{_any(words.programmes)}){_CAPITALS}?[0-9]?",
        rf"(?i:vg ?[1-3]){_CAPITALS}{{0,2}}",
        rf"{_CAPITALS}{{1,2}}[0-9]{{0,2}}",
        r"[a-zæøå]",
        rf"(?i:{_any(words.kinds)})(?i:n|en|ene|et|a|s|r|er|ar|ane)? ?[0-9]{{0,2}}{_CAPITALS}?",
        rf"(?i:{_any(words.marks)})[0-9]?",
        rf"(?i:{_any(words.colours)})[0-9]",
    )
    colour = f"(?i:{_any(words.colours)})"
    part, more = f"(?:{'|'.join(parts)})", f"(?:{_APART}(?:{'|'.join((*parts, colour))}))"
    most = _MOST_PARTS - 1
    several = rf"(?:{part}{more}{{0,{most}}}|{colour}{more}{{1,{most}}})"
    return rf"[0-9]{{1,3}}|{_CAPITALS}{{3}}|{several}[.]?"


def _any(words: Iterable[str]) -> str:
    """Any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
