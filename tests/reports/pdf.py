"""Reads a PDF report back: its words without page footers, its alternative texts, its outline."""

import io
import re
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader


class Pdf:
    """What a PDF says, in the order in which it is set."""

    def __init__(self, content: bytes) -> None:
        self.reader = PdfReader(io.BytesIO(content))
        self.pages = [page.extract_text() for page in self.reader.pages]

    def glued(self, footer: str) -> str:
        """All words of all pages with no space between; `footer` is a pattern of glued words."""
        return "".join(re.sub(footer, "", glue(page)) for page in self.pages)

    @property
    def outline(self) -> list[str]:
        return [str(one.title) for one in _flat(self.reader.outline)]

    @property
    def alternatives(self) -> set[str]:
        """The texts of figures for who cannot see them."""
        return {str(one["/Alt"]) for one in self.elements() if "/Alt" in one}

    @property
    def tags(self) -> list[str]:
        return [str(one["/S"]) for one in self.elements() if "/S" in one]

    @property
    def fonts(self) -> set[str]:
        found = (page["/Resources"].get("/Font", {}) for page in self.reader.pages)
        every = (font.get_object() for fonts in found for font in fonts.get_object().values())
        return {str(font["/BaseFont"]).partition("+")[2] for font in every}

    def elements(self) -> Iterator[Any]:
        """The elements of the structure, in the order in which they are read out."""
        waiting = [self.reader.trailer["/Root"]["/StructTreeRoot"]]
        while waiting:
            one = waiting.pop(0).get_object()
            if isinstance(one, list):
                waiting = [*one, *waiting]
            elif isinstance(one, dict):
                yield one
                waiting = [one["/K"], *waiting] if "/K" in one else waiting


def glue(text: str) -> str:
    return "".join(text.split())


def _flat(outline: Any) -> Iterator[Any]:
    for one in outline:
        if isinstance(one, list):
            yield from _flat(one)
        else:
            yield one
