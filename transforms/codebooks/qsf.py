"""Qualtrics' survey definition (`.qsf`, JSON): labels, choices with their recode values, kinds.

A column is listed under its ImportId (`QID3_2`, the third heading row of an export; for one choice
of several, `QID3_` and the choice), which nothing changes, and under its export tag (`Q3_2`, the
first heading row). A tag is left out where it could be misread: where two questions share it, and
where the number behind it may be the choice's own, its recode value or its place in the list, and
these are not the same. Then only a file with ImportIds finds the question.

No code counts as missing: whether -99 stands for "seen but unanswered" is chosen at each export,
and the definition does not know of it. Questions in the bin are passed over.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from schemas.reason import Reason
from transforms.codebooks.nettskjema_elements import TICKED
from transforms.codebooks.plain_text import plain_text
from transforms.readers.ndjson import strict_json
from transforms.readers.reading import Codebook, FileProblem, Question, QuestionKind

_SEVERAL = re.compile(r"^(MA|MSB$)")  # the selectors of multiple choice with several answers
_SCALES = {"Likert", "Bipolar"}  # matrices in which every row has the same scale
_DEFAULT_TAG = re.compile(r"^(Q\d+(?:\.\d+)?)_\w+$")
_CONTENT: dict[str, QuestionKind] = {"ValidNumber": "number", "ValidDate": "date"}
_TELLING = {"ValidEmail", "ValidPhone"}
_NAMED = re.compile(rb'^\s*\{\s*"Survey(Entry|Elements)"\s*:')

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column's ImportId, its tag (None where that is not certain), and its question."""

    import_id: str
    tag: str | None
    question: Question


def is_qsf(content: bytes) -> bool:
    """Whether a JSON file is a survey definition rather than answers."""
    text = content.removeprefix(b"\xef\xbb\xbf")
    return bool(_NAMED.match(text)) and b'"SurveyElements"' in text


def read_qsf(content: bytes) -> Codebook:
    """The questions of a survey by ImportId and by export tag, in file order.

    Raises `FileProblem`: ENCODING_UNKNOWN unless UTF-8, UNREADABLE for anything else than such a
    file, CODEBOOK_MISSING where it has no question.
    """
    elements = _elements(content)
    binned = set(_binned(elements))
    payloads = [payload for payload in _payloads(elements, "SQ") if isinstance(payload, dict)]
    used = [payload for payload in payloads if payload.get("QuestionID") not in binned]
    columns = [column for payload in used for column in _columns(payload)]
    if not columns:
        raise FileProblem(Reason.CODEBOOK_MISSING)
    tags = Counter(column.tag for column in columns)
    by_tag = {c.tag: c.question for c in columns if c.tag is not None and tags[c.tag] == 1}
    return by_tag | {column.import_id: column.question for column in columns}


def _elements(content: bytes) -> list[Payload]:
    try:
        document = strict_json(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise FileProblem(Reason.ENCODING_UNKNOWN) from None
    except ValueError:  # its message holds the survey's text
        document = None
    elements = document.get("SurveyElements") if isinstance(document, dict) else None
    if not isinstance(elements, list):
        raise FileProblem(Reason.UNREADABLE)
    return [element for element in elements if isinstance(element, dict)]


def _payloads(elements: list[Payload], kind: str) -> Iterator[Any]:
    return (element.get("Payload") for element in elements if element.get("Element") == kind)


def _binned(elements: list[Payload]) -> Iterator[str]:
    """The ids of the questions in the bin."""
    for payload in _payloads(elements, "BL"):
        blocks = [payload] if isinstance(payload, dict) and "Type" in payload else payload
        for _, block in _listed(blocks):
            if block.get("Type") == "Trash":
                entries = _listed(block.get("BlockElements"))
                yield from (_text(entry.get("QuestionID")) for _, entry in entries)


def _listed(value: object) -> list[tuple[str, Payload]]:
    """A PHP array of objects: JSON writes it as an object, or as a list where ids count from 0."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    pairs = value.items() if isinstance(value, dict) else ()
    return [(str(key), entry) for key, entry in pairs if isinstance(entry, dict)]


def _texts(value: object) -> dict[str, str]:
    """A PHP array of texts or numbers by id, such as recode values; empty is written as a list."""
    pairs = value.items() if isinstance(value, dict) else ()
    return {str(key): text for key, text in pairs if isinstance(text, str) and text}


def _columns(payload: Payload) -> Iterator[_Column]:
    kind = _text(payload.get("QuestionType"))
    if kind in _NO_ANSWERS or not payload.get("QuestionID"):
        return
    yield from _BY_TYPE.get(kind, _one_column)(payload)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _label(payload: Payload, part: Payload | None = None) -> str:
    """The question's text, and behind it that of its part, as the second heading row has it."""
    words = [plain_text(_text(payload.get("QuestionText")))]
    words += [] if part is None else [plain_text(_text(part.get("Display")))]
    return " - ".join(word for word in words if word)


def _labels(payload: Payload, group: str = "", part_id: str = "") -> dict[str, str]:
    """The label in each further language; `group` and `part_id` name a part of the question."""
    return {
        language.lower(): _label(words, dict(_listed(words.get(group))).get(part_id))
        for language, words in _listed(payload.get("Language"))
        if words.get("QuestionText")
    }


def _ordered(payload: Payload, group: str, order: str) -> list[tuple[str, Payload]]:
    """The parts of a question in the order that is shown, then those that it does not list."""
    parts = dict(_listed(payload.get(group)))
    order_of = payload.get(order) or []
    keys = order_of.values() if isinstance(order_of, dict) else order_of
    listed = [str(key) for key in keys if str(key) in parts]
    return [(key, parts[key]) for key in dict.fromkeys([*listed, *parts])]


def _options(payload: Payload, group: str) -> dict[str, str]:
    """Recode value -> label; labels that share a value stand together."""
    return _coded(payload, _ordered(payload, group, f"{group[:-1]}Order"))


def _option_labels(payload: Payload, group: str) -> dict[str, dict[str, str]]:
    """Language -> recode value -> label."""
    return {
        language.lower(): _coded(payload, _listed(words.get(group)))
        for language, words in _listed(payload.get("Language"))
        if _listed(words.get(group))
    }


def _coded(payload: Payload, parts: list[tuple[str, Payload]]) -> dict[str, str]:
    recodes, options = _texts(payload.get("RecodeValues")), dict[str, str]()
    for key, part in parts:
        code, label = recodes.get(key, key), plain_text(_text(part.get("Display")))
        options[code] = f"{options[code]} / {label}" if code in options else label
    return options


def _of_part(
    payload: Payload, part: tuple[str, Payload], kind: QuestionKind, options: dict[str, str]
) -> Question:
    key, words = part
    labels = _labels(payload, "Choices", key)
    return Question(_label(payload, words), options, kind, labels=labels)


def _one_column(payload: Payload) -> Iterator[_Column]:
    question = Question(_label(payload), labels=_labels(payload))
    yield _Column(payload["QuestionID"], _tag(payload), question)


def _tag(payload: Payload) -> str | None:
    return _text(payload.get("DataExportTag")) or None


def _part_tag(payload: Payload, suffix: str, *, certain: bool = True) -> str | None:
    tag = _tag(payload)
    return f"{tag}_{suffix}" if tag and certain else None


def _multiple_choice(payload: Payload) -> Iterator[_Column]:
    several = bool(_SEVERAL.match(_text(payload.get("Selector"))))
    options, recodes = _options(payload, "Choices"), _texts(payload.get("RecodeValues"))
    kind: QuestionKind = "many" if several else "one"
    whole = Question(
        _label(payload),
        options,
        kind,
        labels=_labels(payload),
        option_labels=_option_labels(payload, "Choices"),
    )
    yield _Column(payload["QuestionID"], _tag(payload), whole)
    for key, part in _ordered(payload, "Choices", "ChoiceOrder"):
        if several:
            tag = _part_tag(payload, key, certain=recodes.get(key, key) == key)
            question = _of_part(payload, (key, part), "many", dict(TICKED))
            yield _Column(f"{payload['QuestionID']}_{key}", tag, question)
        if part.get("TextEntry"):
            yield _text_beside(payload, (key, part), _part_tag(payload, f"{key}_TEXT"))


def _text_beside(payload: Payload, part: tuple[str, Payload], tag: str | None) -> _Column:
    question = _of_part(payload, part, "text", {})
    return _Column(f"{payload['QuestionID']}_{part[0]}_TEXT", tag, question)


def _matrix(payload: Payload) -> Iterator[_Column]:
    for place, (key, row) in enumerate(_ordered(payload, "Choices", "ChoiceOrder"), start=1):
        tag = _row_tag(payload, key, place)
        yield from _row(payload, (key, row), tag)
        if row.get("TextEntry"):
            yield _text_beside(payload, (key, row), f"{tag}_TEXT" if tag else None)


def _row(payload: Payload, row: tuple[str, Payload], tag: str | None) -> Iterator[_Column]:
    """The columns of a row: one, or one for each answer where it takes several, or texts."""
    import_id, selector = f"{payload['QuestionID']}_{row[0]}", _text(payload.get("Selector"))
    answers = _ordered(payload, "Answers", "AnswerOrder")
    several = _text(payload.get("SubSelector")).startswith("Multiple")
    if several or selector == "TE":
        kind: QuestionKind = "many" if several else "text"
        for place, (key, answer) in enumerate(answers, start=1):
            words = {"Display": f"{_text(row[1].get('Display'))} - {_text(answer.get('Display'))}"}
            question = Question(_label(payload, words), dict(TICKED) if several else {}, kind)
            certain = f"{tag}_{place}" if tag and key == str(place) else None
            yield _Column(f"{import_id}_{key}", certain, question)
    elif selector in _SCALES:
        question = _of_part(payload, row, "one", _options(payload, "Answers"))
        labels = _option_labels(payload, "Answers")
        yield _Column(import_id, tag, replace(question, option_labels=labels))
    else:
        yield _Column(import_id, tag, _of_part(payload, row, "unknown", {}))


def _row_tag(payload: Payload, key: str, place: int) -> str | None:
    """A row's own tag, or the question's with the row's place.

    A row may still bear a tag made of the question's former one, which exports do not use.
    """
    own = _texts(payload.get("ChoiceDataExportTags")).get(key, "")
    default = _DEFAULT_TAG.match(own)
    if own and not (default and default[1] != _tag(payload)):
        return own
    return _part_tag(payload, str(place), certain=key == str(place))


def _text_entry(payload: Payload) -> Iterator[_Column]:
    if payload.get("Selector") == "FORM":
        yield from _parts(payload, "text")
        return
    content = _content_type(payload)
    kind = _CONTENT.get(content, "text")
    question = Question(
        _label(payload), kind=kind, personal=content in _TELLING, labels=_labels(payload)
    )
    yield _Column(f"{payload['QuestionID']}_TEXT", _tag(payload), question)


def _content_type(payload: Payload) -> str:
    """What a text has to be; the settings keep old demands that no longer hold."""
    validation = payload.get("Validation")
    settings = validation.get("Settings") if isinstance(validation, dict) else None
    if not isinstance(settings, dict) or settings.get("Type") != "ContentType":
        return ""
    return _text(settings.get("ContentType"))


def _parts(payload: Payload, kind: QuestionKind) -> Iterator[_Column]:
    """One column for each part of the question, numbered as the part is."""
    for place, (key, part) in enumerate(_ordered(payload, "Choices", "ChoiceOrder"), start=1):
        certain = kind == "text" or key == str(place)  # sliders are numbered by place in some
        tag = _part_tag(payload, key, certain=certain)
        import_id = f"{payload['QuestionID']}_{key}"
        yield _Column(import_id, tag, _of_part(payload, (key, part), kind, {}))


def _numbers(payload: Payload) -> Iterator[_Column]:
    return _parts(payload, "number")


def _side_by_side(payload: Payload) -> Iterator[_Column]:
    for _, question in _listed(payload.get("AdditionalQuestions")):
        yield from _columns(question)


# Texts to read and what the tool notes by itself; files and signatures are dropped when read.
_NO_ANSWERS = {"DB", "Timing", "Meta", "Captcha", "FileUpload", "Draw", ""}
_BY_TYPE: dict[str, Callable[[Payload], Iterator[_Column]]] = {
    "MC": _multiple_choice,
    "Matrix": _matrix,
    "TE": _text_entry,
    "Slider": _numbers,
    "CS": _numbers,
    "RO": _numbers,
    "SBS": _side_by_side,
}
