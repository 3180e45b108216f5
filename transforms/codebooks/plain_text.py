"""Text of a form, which survey tools keep as HTML, as one plain line."""

import re
from html import unescape

_SCRIPTS = re.compile(r"<(style|script)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_BREAKS = re.compile(r"</?(?:br|p|div|li|ul|ol|tr|td|th|h[1-6])\b[^<>]*>", re.IGNORECASE)
_TAGS = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?-->", re.DOTALL)


def plain_text(markup: str) -> str:
    """The words of an HTML snippet on one line; a text without markup keeps its words.

    A "<" that opens no tag is a less-than sign and stays.
    """
    words = _TAGS.sub("", _BREAKS.sub(" ", _SCRIPTS.sub(" ", markup)))
    return " ".join(unescape(words).split())
