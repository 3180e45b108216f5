"""The `[codes]` of a drafted survey file: what the answers of an export mean, in our codes.

Where a question is answered in our words, all of its options are written, in the languages of the
file. Written from the answers alone, the rarest would be missing, and those are the ones in which a
child asks for help; and whoever read the draft would learn what a small class had answered.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from schemas.answer import GENDERS
from schemas.instrument import Instrument, Item, Language
from transforms.readers.reading import Question, Reading
from transforms.revealing import revealing
from transforms.spelling import spelling_key
from transforms.toml_text import quoted
from transforms.tools.labels import text_key

_GENDER_WORDS = {
    "jente": "girl",
    "gutt": "boy",
    "annet": "other",
    "anna": "other",
    "annet kjønn": "other",
    "anna kjønn": "other",
    "ikke-binær": "other",
    "ikkje-binær": "other",
    "vil ikke svare": "",
    "vil ikkje svare": "",
    "ønsker ikke å svare": "",
    "ønskjer ikkje å svare": "",
    "girl": "girl",
    "boy": "boy",
    "other": "other",
    "non-binary": "other",
    "prefer not to say": "",
}
_GENDER_OF = {text_key(word): code for word, code in _GENDER_WORDS.items()}


@dataclass(frozen=True, slots=True)
class Match:
    """An item of an instrument, and the column that asks the same question."""

    key: str
    item: Item
    column: str

    @property
    def name(self) -> str:
        """The item's canonical name."""
        return f"{self.key}.{self.item.id}"


def languages_of(
    matches: Sequence[Match], reading: Reading, instruments: Mapping[str, Instrument]
) -> list[Language]:
    """The languages that the file is answered in, the fewest that explain its answers.

    Some words are the same in two languages, so all questions are looked at together.
    """
    said: dict[Language, set[tuple[str, str]]] = {}
    for match in matches:
        cells = {spelling_key(cell) for cell in _distinct(reading.table.column(match.column))}
        for option in instruments[match.key].option_sets[match.item.options]:
            for language, label in option.label.items():
                if (word := spelling_key(label)) in cells:
                    said.setdefault(language, set()).add((match.name, word))
    left, languages = set().union(*said.values()), list[Language]()
    while left:
        best = max(said, key=lambda language: len(said[language] & left))
        languages.append(best)
        left -= said[best]
    return languages


def codes_of(
    match: Match, reading: Reading, instrument: Instrument, languages: Sequence[Language]
) -> Iterator[str]:
    """The lines of one question: its table, and what is left for a person to say."""
    options = reading.codebook.get(match.column, Question()).options
    if options:
        ours = _our_labels(match.item, instrument, list(instrument_languages(match, instrument)))
        known = {text_key(label): str(code) for label, code in ours.items()}
        yield from _of_options(match.name, options, known)
        return
    cells = _distinct(reading.table.column(match.column))
    own_codes = {str(code) for code in instrument.codes(match.item.id)}
    ours = _our_labels(match.item, instrument, languages)
    if ours and not (cells and set(cells) <= own_codes):
        yield f"{quoted(match.name)} = {_table({text: str(code) for text, code in ours.items()})}"
    words = {spelling_key(label) for label in ours}
    yield from _unknown(match.name, [c for c in cells if c not in own_codes], words)


def instrument_languages(match: Match, instrument: Instrument) -> dict[Language, None]:
    """Every language that the options of an item are worded in, in order."""
    options = instrument.option_sets[match.item.options]
    return dict.fromkeys(language for option in options for language in option.label)


def genders_of(column: str, reading: Reading) -> Iterator[str]:
    """The lines on gender: every word for it that we know, whether or not the file has it."""
    options = reading.codebook.get(column, Question()).options
    cells = _distinct(reading.table.column(column))
    if options:
        yield from _of_options("gender", options, _GENDER_OF)
    elif not cells or not set(cells) <= set(GENDERS):
        yield f"gender = {_table(_GENDER_WORDS)}"
        yield from _unknown("gender", cells, {spelling_key(word) for word in _GENDER_WORDS})


def _of_options(name: str, options: Mapping[str, str], ours: Mapping[str, str]) -> Iterator[str]:
    """What the codebook's codes mean by their labels; the others are asked about."""
    pairs = {code: ours.get(text_key(label)) for code, label in options.items()}
    known = {code: own for code, own in pairs.items() if own is not None}
    hidden = revealing([*options, *options.values()])
    key = quoted(name) if "." in name else name
    if any(code != own for code, own in known.items()):
        told = {code: own for code, own in known.items() if code not in hidden}
        yield f"{key} = {_table(told)}"
    for number, (code, label) in enumerate(options.items(), start=1):
        if {code, label} & hidden:
            yield f"# {name}: option {number} may be a person's data: mend the form first"
        elif pairs[code] is None:
            yield f"# {name}: {quoted(code)} reads {quoted(label)}: which is it?"


def _unknown(name: str, cells: Sequence[str], words: set[str]) -> Iterator[str]:
    """How many answers are none of ours. Which, the draft does not tell: a pupil wrote them."""
    unknown = sum(spelling_key(cell) not in words for cell in cells)
    if unknown:
        yield f"# {name}: {unknown} different answers in the file are none of ours"


def _our_labels(
    item: Item, instrument: Instrument, languages: Sequence[Language]
) -> dict[str, int]:
    """Every option's words in these languages; words that stand for two options are left out."""
    labels: dict[str, dict[int, str]] = {}
    for language in languages:
        for option in instrument.option_sets[item.options]:
            if language in option.label:
                label = option.label[language]
                labels.setdefault(spelling_key(label), {}).setdefault(option.code, label)
    single = [next(iter(codes.items())) for codes in labels.values() if len(codes) == 1]
    return {label: code for code, label in single}


def _distinct(column: pa.ChunkedArray) -> list[str]:
    cells = pc.unique(column.cast(pa.string())).to_pylist()
    return [cell.strip() for cell in cells if cell and cell.strip()]


def _table(pairs: Mapping[str, str]) -> str:
    inside = ", ".join(f"{quoted(text)} = {quoted(code)}" for text, code in pairs.items())
    return f"{{ {inside} }}"
