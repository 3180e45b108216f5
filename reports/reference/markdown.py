"""The little Markdown that the reference pages need: a page, a table, code."""

from collections.abc import Iterable, Sequence

MADE = "<!-- Made by `python -m reports.reference docs/reference`. Edit what it is made from. -->"


def page(title: str, about: str, *parts: str) -> str:
    """A whole page: title, what it is about, and its parts, with a blank line between them."""
    return "\n\n".join((f"# {title}", MADE, about, *parts)) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar in a cell does not end it, and a line end becomes a space."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def bullets(lines: Iterable[str]) -> str:
    """A list, a line each."""
    return "\n".join(f"- {line}" for line in lines)


def code(text: object) -> str:
    """Text as it is typed."""
    return f"`{text}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
