"""Which texts of an export may be told to a person, and which may be somebody's own data.

Headings, keys and labels are a form's words, and are told in drafts and decisions. But a file
without headings begins with a pupil, a program may make a key of a code, and a label may have been
pasted. What may be a person is never repeated: it is told by its number.
"""

import re
from collections.abc import Sequence

import polars as pl

from transforms.identifiers import find_identifiers, find_number_codes
from transforms.own_words import own_words

# A day with its year is a birth date until somebody has looked.
_DAY = re.compile(r"\b(\d{1,2}[./-]\d{1,2}[./-](19|20)\d\d|(19|20)\d\d-\d\d-\d\d)\b")
# "Kari Nordmann": two to four words, each with a capital and nothing but letters, anywhere.
_NAME = r"[^\W\d_a-zæøå][^\W\d_]*[a-zæøå](?:-[^\W\d_]+)*"
_NAMES = re.compile(rf"(?<![\w-]){_NAME}(?: +{_NAME})+(?![\w-])")
_MOST_NAMES = 4
# Of a question that asks for persons, the row of a grid: "Hvem leker du med? [Ola]".
_WHO = re.compile(
    r"\b(?:hvem|kven|whom?|(?:beste)?venn(?:er|en)?|vener|venen|friends?|sammen med|saman med)\b",
    re.IGNORECASE,
)
_ROW = re.compile(r"[\[(:]\s*([^\W\d_]+(?:-[^\W\d_]+)*)\s*(?:[])]|$)")


def revealing(texts: Sequence[str]) -> set[str]:
    """Those of the texts that hold an identifier or a day, or that look like a person's name."""
    cells = pl.Series(texts, dtype=pl.String)
    found = {texts[at] for at in _hits(find_identifiers(cells))}
    found |= {texts[at] for at in _hits(find_number_codes(cells))}
    return found | {text for text in texts if _DAY.search(text) or _names_somebody(text)}


def _hits(found: dict) -> list[int]:  # type: ignore[type-arg]
    return [at for hits in found.values() for at in hits.nonzero()[0].tolist()]


def _names_somebody(text: str) -> bool:
    runs = (len(run.group().split()) for run in _NAMES.finditer(text))
    if any(length <= _MOST_NAMES for length in runs) or _is_strange(text):
        return True
    return bool(_WHO.search(text)) and any(
        row.lower() not in own_words() for row in _ROW.findall(text)
    )


def _is_strange(text: str) -> bool:
    """Two to four words, all in capitals or all small, with one that our texts do not use."""
    words = text.split()
    is_plain = text.isupper() or text.islower()
    return (
        is_plain
        and 1 < len(words) <= _MOST_NAMES
        and all(word.replace("-", "").replace(".", "").isalpha() for word in words)
        and any(word.lower().strip(".") not in own_words() for word in words)
    )
