"""The wording of the documents in one language, as data: `reports/texts/duties/`.

Each line of a section is a paragraph, or begins with a sign that says what it is:
`? ` something that a person fills in, `+ ` a box to tick, `@` the name of a table.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import Field, model_validator

from schemas.declared import Declared
from schemas.settings import DocLanguage

DOCUMENTS = ("record", "dpia", "control", "guardians", "pupils_young", "pupils_older")
TableName = Literal[
    "surveys", "schools", "waves", "instruments", "rules", "retention", "zones", "risks"
]
BLANK, TICK, TABLE = "? ", "+ ", "@"


class TableWords(Declared):
    """Caption and headings of a table; `rows` where its rows are wording, too."""

    caption: str = Field(min_length=1)
    headings: tuple[str, ...] = Field(min_length=1)
    rows: tuple[tuple[str, ...], ...] = ()

    @model_validator(mode="after")
    def _has_a_cell_for_each_heading(self) -> "TableWords":
        if any(len(row) != len(self.headings) for row in self.rows):
            raise ValueError("a row has more or fewer cells than there are headings")
        return self


class Section(Declared):
    """A heading and what stands under it."""

    heading: str = Field(min_length=1)
    lines: tuple[str, ...] = Field(min_length=1)


class Document(Declared):
    """One document."""

    title: str = Field(min_length=1)
    about: str = Field(min_length=1)
    sections: tuple[Section, ...] = Field(min_length=1, alias="section")


class Wording(Declared):
    """All wording of one language."""

    page: dict[str, str]
    word: dict[str, str]
    fact: dict[str, str]
    table: dict[TableName, TableWords]
    record: Document
    dpia: Document
    control: Document
    guardians: Document
    pupils_young: Document
    pupils_older: Document

    def document(self, name: str) -> Document:
        """The document of this name; AttributeError where there is none."""
        found: Document = getattr(self, name)
        return found


@cache
def wording(language: DocLanguage) -> Wording:
    """Everything that the documents say in a language; DeclarationError where something lacks."""
    file = files("reports") / "texts" / "duties" / f"{language}.toml"
    return Wording.from_toml(file.read_text(encoding="utf-8"), name=file.name)
