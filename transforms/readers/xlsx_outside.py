"""What a workbook says outside its cells: notes, text boxes, headers and footers, and about itself.

None of it is read as answers, and all of it would lie with us in the delivered file. It is XML
beside the sheets, so a look at it costs next to nothing. Who made the workbook or wrote a note is
left alone, for programs put an employee's address there; a national number is told there as well.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from html import unescape

# The place of a find, where a cell's column stands else.
OUTSIDE = "outside_cells"

_OF_TEXTS = ("xl/comments", "xl/threadedcomments/", "xl/drawings/", "xl/charts/", "xl/diagrams/")
_ABOUT_ITSELF = ("docprops/core.xml", "docprops/custom.xml")  # app.xml has sheets' names
_AUTHORS_END = re.compile(r"</(?:\w+:)?authors>")  # they stand first in a part of notes
# A text, or the end of what may be one text in several runs.
_TEXT_OR_END = re.compile(
    r"<(?:\w+:)?t(?:ext)?(?:\s[^<>]*)?>([^<]*)<|</(?:\w+:)?(?:comment|p|threadedComment)>"
)
_EDGE = re.compile(r"<(?:\w+:)?(?:odd|even|first)(?:Header|Footer)(?:\s[^<>]*)?>([^<]*)<")
_EDGE_SIGN = re.compile(r'&(?:"[^"]*"|[A-Za-z])')  # where a part stands, and its letters
_TAG = re.compile(r"<[^<>]*>")


def said_outside(parts: Mapping[str, bytes], sheets: Collection[str]) -> list[str]:
    """Texts that somebody wrote for a reader: notes, text boxes, charts, headers and footers.

    `sheets` are the names of the sheets' own parts.
    """
    found: list[str] = []
    for name, part in parts.items():
        if name.startswith(_OF_TEXTS) and name.endswith(".xml"):
            found += _texts(part)
        elif name in sheets and (at := part.rfind(b"headerFooter")) >= 0:
            edges = _EDGE.findall(_decoded(part[part.find(b"headerFooter") : at]))
            found += [_EDGE_SIGN.sub(" ", unescape(text)) for text in edges]
    return [text for text in found if text.strip()]


def said_of_itself(parts: Mapping[str, bytes]) -> list[str]:
    """The workbook's title, subject, keywords and whatever else stands among its properties."""
    told = (parts[name] for name in _ABOUT_ITSELF if name in parts)
    return [unescape(text) for part in told for text in _TAG.split(_decoded(part)) if text.strip()]


def _texts(part: bytes) -> Iterator[str]:
    """Each note's or paragraph's text, its runs put together."""
    said = _decoded(part)
    authors = _AUTHORS_END.search(said)
    text = ""
    for found in _TEXT_OR_END.finditer(said, authors.end() if authors else 0):
        if found[1] is None:
            yield unescape(text)
            text = ""
        else:
            text += found[1]
    yield unescape(text)


def _decoded(part: bytes) -> str:
    return part.decode("utf-8", errors="replace")
