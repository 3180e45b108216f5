"""Which texts of an export may be told to a person, and which may be somebody's own data.

Headings, keys and labels are a form's words, and are told in drafts and decisions. But a file
without headings begins with a pupil, a program may make a key of a code, and a label may have been
pasted. What may be a person is never repeated: it is told by its number.
"""

import re
from collections.abc import Sequence

import polars as pl

from transforms.identifiers import find_identifiers, find_number_codes

# A day with its year is a birth date until somebody has looked.
_DAY = re.compile(r"\b(\d{1,2}[./-]\d{1,2}[./-](19|20)\d\d|(19|20)\d\d-\d\d-\d\d)\b")
# "Kari Nordmann": two to four words, each with a capital and nothing but letters.
_NAME = re.compile(r"[^\W\d_a-zæøå][^\W\d_]*[a-zæøå](-[^\W\d_]+)*")
_MOST_NAMES = 4


def revealing(texts: Sequence[str]) -> set[str]:
    """Those of the texts that hold an identifier or a day, or that look like a person's name."""
    cells = pl.Series(texts, dtype=pl.String)
    found = {texts[at] for at in _hits(find_identifiers(cells))}
    found |= {texts[at] for at in _hits(find_number_codes(cells))}
    return found | {text for text in texts if _DAY.search(text) or _is_like_a_name(text)}


def _hits(found: dict) -> list[int]:  # type: ignore[type-arg]
    return [at for hits in found.values() for at in hits.nonzero()[0].tolist()]


def _is_like_a_name(text: str) -> bool:
    words = text.split()
    return 1 < len(words) <= _MOST_NAMES and all(_NAME.fullmatch(word) for word in words)
