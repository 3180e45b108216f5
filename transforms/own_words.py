"""The words of our own texts: what our questions, options and notes use is no name by itself.

No list of names is whole. The other way round, a heading in small letters or in capitals whose
every word is one of ours is hardly a person; one with a strange word may be.
"""

import re
from collections.abc import Iterator
from functools import cache

from schemas.instrument import shipped_instruments
from schemas.reason import reason_texts
from transforms.gate import heading_words

_WORD = re.compile(r"[^\W\d_]+")


@cache
def own_words() -> frozenset[str]:
    """Every word of our questions, options and reasons in all languages, in small letters."""
    return heading_words() | {word for text in _texts() for word in _WORD.findall(text.lower())}


def _texts() -> Iterator[str]:
    for instrument in shipped_instruments().values():
        for item in instrument.items:
            yield from item.text.values()
        for options in instrument.option_sets.values():
            yield from (label for option in options for label in option.label.values())
    for said in reason_texts().values():
        yield from (said.nb, said.nn, said.en)
