"""One text in different spellings: capitals, spaces, underscores and how accents are stored."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeGuard

import pyarrow as pa

_SPACES = re.compile(r"[\s_]+")


def composed(text: str) -> str:
    """The text with each letter and its accent as one sign (NFC); a Mac parts them."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def spelling_key(text: str) -> str:
    """What the spellings of one text share: no capitals, no spaces or underscores, NFC."""
    return _SPACES.sub("", composed(text)).casefold()


def respelled(cells: Sequence[str | None], codes: Mapping[str, str]) -> list[str | None]:
    """Each cell as the key of `codes` that it is a spelling of; any other cell as it is.

    The exact text goes first. A cell that could mean two things stays, and so does one without a
    letter: nothing but its signs tells a number or a code from another.
    """
    by_key: dict[str, list[str]] = {}
    for text in codes:
        by_key.setdefault(spelling_key(text), []).append(text)
    known = {
        key: texts[0] for key, texts in by_key.items() if len({codes[text] for text in texts}) == 1
    }
    return [
        known.get(spelling_key(cell), cell) if _may_be_spelt(cell, codes) else cell
        for cell in cells
    ]


def _may_be_spelt(cell: str | None, codes: Mapping[str, str]) -> TypeGuard[str]:
    return cell is not None and cell not in codes and any(sign.isalpha() for sign in cell)


def composed_table(table: pa.Table) -> pa.Table:
    """The table with composed headings, where that makes no two of them the same."""
    names = [composed(name) for name in table.column_names]
    if names == table.column_names or len(set(names)) < len(names):
        return table
    return table.rename_columns(names)
