"""The documents themselves: wording, filled in with what the settings and the code say."""

from collections.abc import Iterator

from reports.duties.facts import Municipality, Told, told
from reports.duties.wording import BLANK, DOCUMENTS, TABLE, TICK, Section
from reports.pages.blocks import Blank, Block, Heading, Link, Page, Paragraph, Table, Tick
from schemas.settings import DocLanguage


def documents(of: Municipality, language: DocLanguage) -> dict[str, Page]:
    """Every document by its name, in one language; KeyError where a value lacks."""
    facts = told(of, language)
    return {name: _page(name, facts) for name in DOCUMENTS}


def _page(name: str, facts: Told) -> Page:
    page, values = facts.words.page, facts.values
    document = facts.words.document(name)
    return Page(
        language=facts.texts.language,
        title=document.title.format_map(values),
        kicker=page["kicker"].format_map(values),
        about=document.about.format_map(values),
        seal=(page["draft"], page["draft_for"]),
        blocks=tuple(
            block
            for number, section in enumerate(document.sections, start=1)
            for block in _section(section, number, facts)
        ),
        footer=page["footer"].format_map(values),
        skip=page["skip"],
        fill=page["fill"],
        nav_name=page["documents"],
        nav=tuple(
            Link(
                f"{other}.html",
                facts.words.document(other).title.format_map(values),
                here=other == name,
            )
            for other in DOCUMENTS
        ),
    )


def _section(section: Section, number: int, facts: Told) -> Iterator[Block]:
    yield Heading(section.heading, f"part-{number}")
    for line in section.lines:
        yield _block(line, facts)


def _block(line: str, facts: Told) -> Block:
    if line.startswith(TABLE):
        return _table(line.removeprefix(TABLE), facts)
    if line.startswith(BLANK):
        return Blank(line.removeprefix(BLANK).format_map(facts.values))
    if line.startswith(TICK):
        return Tick(line.removeprefix(TICK).format_map(facts.values))
    return Paragraph(line.format_map(facts.values))


def _table(name: str, facts: Told) -> Table:
    words = {str(known): table for known, table in facts.words.table.items()}[name]
    given = {str(known): rows for known, rows in facts.rows.items()}
    written = tuple(tuple(cell.format_map(facts.values) for cell in row) for row in words.rows)
    return Table(words.caption, words.headings, given.get(name, written))
