"""What a page is made of. Every field is text in one language; nothing here is markup but a chart.

A `Code` is a text that is shown as it is typed: a name, a checksum.
"""

from dataclasses import dataclass

from markupsafe import Markup


class Code(str):
    """A text that is shown as it is typed."""

    __slots__ = ()


Cell = str | Code


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a section; `anchor` is its name in links."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class SubHeading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph; `soft` for what explains a table."""

    text: str
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; `numbered` where the order matters."""

    lines: tuple[Cell, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; the first cell of a row is what the row is about."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a word and what it stands at."""

    pairs: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Blank:
    """A line that a person has to fill in: what for, and room to write."""

    prompt: str
    lines: int = 2


@dataclass(frozen=True, slots=True)
class Tick:
    """A box to tick with what is ticked, and room for who and when."""

    text: str


@dataclass(frozen=True, slots=True)
class Folded:
    """A long list that is closed until somebody opens it."""

    summary: str
    lines: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of our own, as SVG that says in words what it shows."""

    svg: Markup


Block = Heading | SubHeading | Paragraph | Bullets | Table | Facts | Blank | Tick | Folded | Chart


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go: its address from the page, its name, and whether it is the page itself."""

    address: str
    text: str
    here: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its heads and its blocks."""

    language: str
    title: str
    kicker: str
    about: str
    blocks: tuple[Block, ...]
    footer: str
    skip: str
    seal: tuple[str, str] | None = None  # a word, and for whom it is
    nav: tuple[Link, ...] = ()
    nav_name: str = ""
    languages: tuple[Link, ...] = ()
    languages_name: str = ""
    fill: str = ""  # what a line to be filled in is marked with
