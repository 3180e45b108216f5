"""The codebook in an SPSS syntax file: VARIABLE LABELS and VALUE LABELS, as Nettskjema writes it.

Only labels are taken. MISSING VALUES is passed over on purpose: which answers count as missing is
said in the survey's own file, by a person.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from schemas.reason import Reason
from transforms.readers.cells import number_text
from transforms.readers.reading import Codebook, FileProblem, Question

# A dot ends a command only where its line ends: names such as `matrix.row` hold dots too.
_TOKEN = re.compile(
    r"""(?P<comment>(?:(?<=\A)|(?<=\n))[ \t]*\*.*?(?:\.[ \t]*(?:\n|\Z)|\n[ \t]*(?:\n|\Z)|\Z))
      | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<end>\.(?=[ \t]*(?:\n|\Z)))
      | (?P<slash>/)
      | (?P<plus>\+(?=\s*['"]))
      | (?P<word>(?:(?!\.[ \t]*(?:\n|\Z))[^\s'"/])+)
      | (?P<open>['"])""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["word", "text"]
    value: str


_Group = list[_Token]


def read_spss_syntax(content: bytes) -> Codebook:
    """The questions of a `.sps` file by variable name, in file order.

    Raises `FileProblem`: ENCODING_UNKNOWN unless UTF-8, UNTERMINATED_QUOTE, and CODEBOOK_MISSING
    for a file without any label.
    """
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise FileProblem(Reason.ENCODING_UNKNOWN) from None
    labels: dict[str, str] = {}
    options: dict[str, dict[str, str]] = {}
    for groups in _commands(text):
        _take_labels(groups, labels, options)
    if not labels and not options:
        raise FileProblem(Reason.CODEBOOK_MISSING)
    names = dict.fromkeys([*labels, *options])
    return {name: Question(labels.get(name, ""), options.get(name, {})) for name in names}


def _take_labels(
    groups: list[_Group], labels: dict[str, str], options: dict[str, dict[str, str]]
) -> None:
    """Add what one command says; commands that are not about labels add nothing."""
    words = [token.value.upper() for token in groups[0][:3]]
    if words[:2] == ["VARIABLE", "LABELS"]:
        for group in [groups[0][2:], *groups[1:]]:
            labels.update(_variable_labels(group))
    for opening in (["VALUE", "LABELS"], ["ADD", "VALUE", "LABELS"]):
        if words[: len(opening)] == opening:
            for group in [groups[0][len(opening) :], *groups[1:]]:
                _merge(options, _value_labels(group))


def _merge(options: dict[str, dict[str, str]], found: dict[str, dict[str, str]]) -> None:
    for name, codes in found.items():
        options.setdefault(name, {}).update(codes)


def _variable_labels(group: _Group) -> dict[str, str]:
    return {
        name.value: label.value
        for name, label in zip(group[::2], group[1::2], strict=False)
        if name.kind == "word" and label.kind == "text"
    }


def _value_labels(group: _Group) -> dict[str, dict[str, str]]:
    """`name [name ...] code 'label' [code 'label' ...]` as the codes of each name."""
    for names in range(1, len(group)):
        pairs = group[names:]
        if len(pairs) % 2 == 0 and all(token.kind == "text" for token in pairs[1::2]):
            codes = {
                _code(code): label.value
                for code, label in zip(pairs[::2], pairs[1::2], strict=True)
            }
            return {token.value: dict(codes) for token in group[:names]}
    return {}


def _code(token: _Token) -> str:
    is_number = token.kind == "word" and _NUMBER.fullmatch(token.value)
    return number_text(token.value) if is_number else token.value


def _commands(text: str) -> Iterator[list[_Group]]:
    """Each command as its groups of tokens; a slash begins a new group."""
    groups: list[_Group] = [[]]
    joins = False
    for found in _TOKEN.finditer(text):
        kind, value = found.lastgroup, found.group()
        if kind == "open":
            raise FileProblem(Reason.UNTERMINATED_QUOTE)
        if kind == "end":
            yield groups
            groups = [[]]
        elif kind == "slash":
            groups.append([])
        elif kind == "text":
            _add_text(groups[-1], value, joins=joins)
        elif kind == "word":
            groups[-1].append(_Token("word", value))
        joins = kind == "plus"
    yield groups


def _add_text(group: _Group, quoted: str, *, joins: bool) -> None:
    quote = quoted[0]
    text = quoted[1:-1].replace(quote * 2, quote)
    if joins and group and group[-1].kind == "text":
        text = group.pop().value + text
    group.append(_Token("text", text))
