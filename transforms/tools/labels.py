"""From what a person reads in an export, headings and labels, back to the tool's own codes.

Only what is certain is turned: a text that belongs to two codes, or to none, stays as it is, and is
seen by whoever maps the form.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.codebooks.plain_text import plain_text
from transforms.readers.reading import Codebook, FileProblem, Question

Cells: TypeAlias = "pa.ChunkedArray"

_SPACES = re.compile(r"[\s_]+")


def text_key(text: str) -> str:
    """What two spellings of one text share: no HTML, no spaces or underscores, no capitals."""
    return _SPACES.sub("", plain_text(text)).casefold()


def unique_texts(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """`text_key` -> code for every text that stands for one code only."""
    found: dict[str, set[str]] = {}
    for text, code in pairs:
        found.setdefault(text_key(text), set()).add(code)
    return {key: codes.pop() for key, codes in found.items() if key and len(codes) == 1}


def question_texts(codebook: Codebook) -> Iterator[tuple[str, str]]:
    """Pairs of label and column, in every language of the codebook."""
    for column, question in codebook.items():
        for label in (question.label, *question.labels.values()):
            yield label, column


def short_names(
    headings: Sequence[str],
    aliases: Mapping[str, str],
    texts: Mapping[str, str],
    *,
    separator: str = "",
) -> list[str]:
    """The code of each heading, or the heading itself.

    `aliases` are exact headings, `texts` are keys as `unique_texts` makes them. Where `separator`
    is given, groups may stand before the question's own name or label, parted by it. A code that
    two headings lay claim to is given to neither.
    """
    names = [_short_name(heading, aliases, texts, separator) for heading in headings]
    while len(set(names)) < len(names):
        count = Counter(names)
        names = [
            heading if count[name] > 1 else name
            for heading, name in zip(headings, names, strict=True)
        ]
    return names


def _short_name(
    heading: str, aliases: Mapping[str, str], texts: Mapping[str, str], separator: str
) -> str:
    for tail in _tails(heading, separator):
        name = aliases.get(tail) or texts.get(text_key(tail))
        if name:
            return name
    return heading


def _tails(heading: str, separator: str) -> Iterator[str]:
    """The heading, then what is left of it when one group after the other is taken off."""
    yield heading
    while separator and separator in heading:
        heading = heading.partition(separator)[2]
        yield heading


def without_columns(
    table: pa.Table, personal: Mapping[str, Personal]
) -> tuple[pa.Table, dict[Personal, int]]:
    """The table without the columns of `personal` that it has, and how many of each kind it had."""
    found = [name for name in table.column_names if name in personal]
    return table.drop_columns(found), dict(Counter(personal[name] for name in found))


def replaced(cells: Cells, words: Mapping[str, str]) -> Cells:
    """The cells as plain text, each that is a key of `words` replaced by its value."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(pa.string())
    keys, values = pa.array(list(words), pa.string()), pa.array(list(words.values()), pa.string())
    return pc.coalesce(pc.take(values, pc.index_in(cells, value_set=keys)), cells)


def answer_codes(table: pa.Table, codebook: Codebook) -> pa.Table:
    """Cells of one-choice questions that hold an option's label, in any language, as its code.

    A tool writes codes or labels in a whole file. Raises `FileProblem` NOT_RECOGNISED with the
    column where a cell may be the code of one option and the label of another, and the other
    columns do not tell which of the two the file has.
    """
    columns = {
        name: _sorted_cells(codebook[name], table[name])
        for name in table.column_names
        if name in codebook and codebook[name].kind == "one" and codebook[name].options
    }
    labels = any(column.labels for column in columns.values())
    codes = any(column.codes for column in columns.values())
    for name, column in columns.items():
        if column.either and labels == codes:
            raise FileProblem(Reason.NOT_RECOGNISED, column=name)
        words = {**column.labels, **(column.either if labels else {})}
        if words:
            at = table.column_names.index(name)
            table = table.set_column(at, name, replaced(table[name], words))
    return table


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A column's distinct cells: surely labels, with their codes; possibly either; surely codes."""

    labels: dict[str, str]
    either: dict[str, str]
    codes: bool


def _sorted_cells(question: Question, cells: Cells) -> _Sorted:
    distinct = [cell for cell in pc.unique(cells).to_pylist() if cell]
    texts = unique_texts(
        (label, code)
        for labels in (question.options, *question.option_labels.values())
        for code, label in labels.items()
    )
    told = {cell: texts[text_key(cell)] for cell in distinct if text_key(cell) in texts}
    known = {cell for cell in distinct if cell in question.options}
    return _Sorted(
        labels={cell: code for cell, code in told.items() if cell not in known},
        either={cell: code for cell, code in told.items() if cell in known and cell != code},
        codes=bool(known - set(told)),
    )
