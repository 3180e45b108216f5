"""A page as plain Markdown, for who has to edit it in a word processor or a case system."""

from collections.abc import Iterator

from reports.pages.blocks import (
    Blank,
    Block,
    Bullets,
    Cell,
    Chart,
    Code,
    Facts,
    Folded,
    Heading,
    Page,
    Paragraph,
    SubHeading,
    Table,
    Tick,
)

_RULE = "\\_" * 60


def page_markdown(page: Page) -> str:
    """Write the page as Markdown; charts are left out, for they say what the text says."""
    seal = [f"**{page.seal[0]}** {_plain(page.seal[1])}"] if page.seal else []
    head = [f"# {_plain(page.title)}", *seal, _plain(page.about)]
    parts = [part for block in page.blocks for part in _part(block, page.fill)]
    return "\n\n".join([*head, *parts, "---", _plain(page.footer)]) + "\n"


def _part(block: Block, fill: str) -> Iterator[str]:
    match block:
        case Blank():
            yield f"**{_plain(fill)}** {_plain(block.prompt)}"
            yield from [_RULE] * block.lines
        case Table():
            yield from _table(block)
        case Bullets() | Folded() | Facts():
            yield from _list(block)
        case Chart():
            pass
        case _:
            yield f"{_MARKS[type(block)]}{_plain(block.text)}"


_MARKS: dict[type[Block], str] = {
    Heading: "## ",
    SubHeading: "### ",
    Paragraph: "",
    Tick: "- [ ] ",
}


def _list(block: Bullets | Folded | Facts) -> Iterator[str]:
    if isinstance(block, Facts):
        lines = [f"{_plain(word)}: {_cell(fact)}" for word, fact in block.pairs]
    else:
        lines = [_cell(line) for line in block.lines]
    if isinstance(block, Folded):
        yield _plain(block.summary)
    numbered = isinstance(block, Bullets) and block.numbered
    marks = [f"{n}." if numbered else "-" for n in range(1, len(lines) + 1)]
    yield "\n".join(f"{mark} {line}" for mark, line in zip(marks, lines, strict=True))


def _table(block: Table) -> Iterator[str]:
    yield _plain(block.caption)
    lines = [block.headings, ("---",) * len(block.headings), *block.rows]
    yield "\n".join(f"| {' | '.join(_in_a_row(cell) for cell in line)} |" for line in lines)


def _in_a_row(cell: Cell) -> str:
    return cell if cell == "---" else _cell(cell).replace("|", "\\|")


def _cell(text: Cell) -> str:
    return f"`{text}`" if isinstance(text, Code) else _plain(text)


def _plain(text: str) -> str:
    """The text with the signs that Markdown would take for its own marked as plain."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#" else sign for sign in " ".join(text.split()))
