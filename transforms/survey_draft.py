"""A first `surveys/*.toml` from an export and its codebook, so that setting up is editing.

Only what is certain is filled in: a question worded like one of ours, an option worded like one of
ours, a column that the tool itself writes. The rest stands there as comments to decide on. Nothing
of a pupil's is written: headings, the codebook's labels, counts, and texts of our own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from schemas.instrument import Instrument, Item
from transforms.gate import personal_heading
from transforms.readers.reading import Question, Reading
from transforms.toml_text import quoted
from transforms.tools.labels import text_key

# The columns that each tool writes itself, in our names for them.
_OF_TOOL: Mapping[str, Mapping[str, str]] = {
    "nettskjema": {
        "submission": "submission_id",
        "submitted_on": "created",
        "answer_time_ms": "answer_time_ms",
    },
    "limesurvey": {
        "submission": "id",
        "submitted_on": "submitdate",
        "answer_time_s": "interviewtime",
    },
    "qualtrics": {
        "submission": "ResponseId",
        "submitted_on": "EndDate",
        "answer_time_s": "Duration (in seconds)",
    },
    "microsoft_forms": {
        "submission": "submission_id",
        "submitted_on": "created",
        "answer_time_ms": "answer_time_ms",
    },
    "google_forms": {"submitted_on": "created"},
    "kobo": {"submission": "_id", "submitted_on": "_submission_time"},
    "odk": {"submission": "KEY", "submitted_on": "SubmissionDate"},
    "fhir": {"submission": "response.id", "submitted_on": "response.authored"},
}
_WORDS: Mapping[str, str] = {
    "school": "skole skolen skule school",
    "class_group": "klasse klassen klassegruppe class classgroup",
    "grade": "trinn klassetrinn årstrinn steg grade",
    "gender": "kjønn kjonn kjoenn gender sex",
    "pupil_code": "elevkode elevkoden elevnummer pupilcode kode code",
    "enrolled_on": "begynte startdato enrolledon enrolled",
}
_CONTEXT = {word: name for name, words in _WORDS.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class _Match:
    """An item of an instrument, and the column that asks the same question."""

    key: str
    item: Item
    column: str

    @property
    def name(self) -> str:
        return f"{self.key}.{self.item.id}"


def draft_survey(
    reading: Reading,
    instruments: Mapping[str, Instrument],
    *,
    tool: str,
    survey_id: str,
    codebook: str | None = None,
) -> str:
    """TOML text of a survey file for an export in the one shape (see transforms/tools)."""
    columns = reading.table.column_names
    context = _context(reading, tool)
    matches = [
        match for match in _matches(reading, instruments) if match.column not in context.values()
    ]
    used = _used(matches) or {"klassepuls_core_v1"}
    decided = {*context.values(), *(match.column for match in matches)}
    parts = [
        _head(survey_id, tool, sorted(used), codebook, linked="pupil_code" in context),
        _undecided_part([name for name in columns if name not in decided], reading),
        _columns_part(context),
        _items_part(matches, {key: instruments[key] for key in sorted(used)}),
        _codes_part(matches, reading, instruments),
    ]
    return "\n".join(parts)


def _context(reading: Reading, tool: str) -> dict[str, str]:
    present = reading.table.column_names
    found = {name: column for name, column in _OF_TOOL.get(tool, {}).items() if column in present}
    if tool == "redcap" and present:
        found["submission"] = present[0]
    for column in present:
        for text in (column, _question(reading, column).label):
            name = _CONTEXT.get(text_key(text).strip("?:.* "))
            if name and name not in found and column not in found.values():
                found[name] = column
    return found


def _question(reading: Reading, column: str) -> Question:
    return reading.codebook.get(column, Question())


def _matches(reading: Reading, instruments: Mapping[str, Instrument]) -> Iterator[_Match]:
    """Items and the one column that asks them: by our own name for it, or in our very words."""
    for key, instrument in instruments.items():
        for item in instrument.items:
            names = {text_key(item.id), text_key(f"{key}.{item.id}")}
            words = names | {text_key(text) for text in item.text.values()}
            asking = [
                column
                for column in reading.table.column_names
                if words & {text_key(text) for text in _texts(reading, column)}
            ]
            if len(asking) == 1:
                yield _Match(key, item, asking[0])


def _texts(reading: Reading, column: str) -> Iterable[str]:
    question = _question(reading, column)
    return (column, question.label, *question.labels.values())


def _used(matches: Sequence[_Match]) -> set[str]:
    return {match.key for match in matches}


def _head(
    survey_id: str, tool: str, instruments: Sequence[str], codebook: str | None, *, linked: bool
) -> str:
    advice = "a column of pupil codes was found" if linked else "no column of pupil codes was found"
    lines = [
        "# A draft: look at every line, then save it in surveys/ with the ending .toml.",
        f"id = {quoted(survey_id)}  # never change it once forms are stored",
        'name = ""  # as people know it',
        f"tool = {quoted(tool)}",
        f"# Decide, and take away the sign before one of the two ({advice}):",
        '# linkage = "pseudonymous"  # a code links a form to a pupil, and the school can find it',
        '# linkage = "none"          # no code: class signals only',
        f"instruments = {_list(instruments)}",
    ]
    if codebook:
        lines.append(f"codebook = {quoted(codebook)}")
    return "\n".join(lines) + "\n"


def _columns_part(context: Mapping[str, str]) -> str:
    wanted = ("school", "class_group", "grade", "gender", "pupil_code", "submission")
    lines = ["[columns]  # what a row says of the pupil and the class = the export's column"]
    times = [name for name in ("answer_time_ms", "answer_time_s") if name in context]
    for name in (*wanted, "submitted_on", "enrolled_on", *times):
        if name in context:
            lines.append(f"{name} = {quoted(context[name])}")
        else:
            lines.append(f'# {name} = ""')
    lines.append("# What is the same for every row stands in [constants] instead:")
    lines += ["# [constants]", '# wave = ""', '# school = ""']
    return "\n".join(lines) + "\n"


def _items_part(matches: Sequence[_Match], instruments: Mapping[str, Instrument]) -> str:
    column_of = {match.name: match.column for match in matches}
    lines = ["[items]  # which column answers which item"]
    for key, instrument in instruments.items():
        for item in instrument.items:
            name = f"{key}.{item.id}"
            wording = item.text.get("nb", "")
            if name in column_of:
                lines.append(f"{quoted(name)} = {quoted(column_of[name])}  # {wording}")
            else:
                lines.append(f'# {quoted(name)} = ""  # {wording}')
    return "\n".join(lines) + "\n"


def _codes_part(
    matches: Sequence[_Match], reading: Reading, instruments: Mapping[str, Instrument]
) -> str:
    lines = ["[codes]  # the export's answer = our code. Look hard: 1 may be the best or the worst"]
    for match in matches:
        lines += _codes_of(match, reading, instruments[match.key])
    return "\n".join(lines) + "\n"


def _codes_of(match: _Match, reading: Reading, instrument: Instrument) -> Iterator[str]:
    ours = _our_labels(match.item, instrument)
    options = _question(reading, match.column).options
    if options:
        pairs = {code: ours.get(text_key(label)) for code, label in options.items()}
        known = {code: str(ours_code) for code, ours_code in pairs.items() if ours_code is not None}
        if known and any(code != own for code, own in known.items()):
            yield f"{quoted(match.name)} = {_table(known)}"
        for code in (code for code, own in pairs.items() if own is None):
            yield f"# {match.name}: {quoted(code)} reads {quoted(options[code])}: which is it?"
        return
    cells = _distinct(reading.table.column(match.column))
    own_codes = {str(code) for code in instrument.codes(match.item.id)}
    worded = {text_key(cell) for cell in cells} & set(ours)
    if worded:
        # A cell that is a label of ours, capitals and spaces apart, gives nobody away.
        texts = {cell: str(ours[text_key(cell)]) for cell in cells if text_key(cell) in ours}
        yield f"{quoted(match.name)} = {_table(texts)}"
    unknown = sum(text_key(cell) not in ours and cell not in own_codes for cell in cells)
    if unknown:
        yield f"# {match.name}: {unknown} different answers in the file are none of ours"


def _our_labels(item: Item, instrument: Instrument) -> dict[str, int]:
    labels: dict[str, set[int]] = {}
    for option in instrument.option_sets[item.options]:
        for label in option.label.values():
            labels.setdefault(text_key(label), set()).add(option.code)
    return {key: codes.pop() for key, codes in labels.items() if len(codes) == 1}


def _distinct(column: pa.ChunkedArray) -> list[str]:
    cells = pc.unique(column.cast(pa.string())).to_pylist()
    return [cell for cell in cells if cell and cell.strip()]


def _undecided_part(columns: Sequence[str], reading: Reading) -> str:
    texts = [name for name in columns if _question(reading, name).kind == "text"]
    return "\n".join(
        [
            "# No file is loaded until every column is decided on. Map those here below, or take",
            "# away the sign before a line: what is dropped is known and never stored.",
            "dropped = [",
            *(_undecided(name, reading) for name in columns if name not in texts),
            "]",
            "# Of what pupils write in their own words, only whether they wrote is stored.",
            "free_text = [",
            *(_undecided(name, reading) for name in texts),
            "]",
            "",
        ]
    )


def _undecided(column: str, reading: Reading) -> str:
    kind = personal_heading(column)
    label = f"personal: {kind}" if kind else _one_line(_question(reading, column).label)
    return f"    # {quoted(column)}," + (f"  # {label}" if label else "")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:100]


def _table(pairs: Mapping[str, str]) -> str:
    inside = ", ".join(f"{quoted(text)} = {quoted(code)}" for text, code in pairs.items())
    return f"{{ {inside} }}"


def _list(words: Sequence[str]) -> str:
    return "[" + ", ".join(quoted(word) for word in words) + "]"
