"""The codebook in a FHIR Questionnaire (R4, and R5 where it says the same in other words).

A question is named by its `linkId`. Groups and displayed texts are no questions. A code counts as
missing only where the Questionnaire takes it from FHIR's own list of reasons for absent data.

Systems and extensions are known by the last part of their address, for the address itself has
changed from version to version.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from schemas.reason import Reason
from transforms.codebooks.nettskjema_elements import TICKED
from transforms.readers.ndjson import strict_json
from transforms.readers.reading import Codebook, FileProblem, Missing, Question, QuestionKind

Element = Mapping[str, Any]

# Absent data, as both of HL7's lists word it. None of the other reasons says whether it was asked.
NOT_ASKED: Missing = "not_asked"
ABSENT: dict[tuple[str, str], Missing] = {
    ("data-absent-reason", "asked-unknown"): "dont_know",
    ("data-absent-reason", "asked-declined"): "skipped",
    ("data-absent-reason", "not-asked"): NOT_ASKED,
    ("data-absent-reason", "not-applicable"): NOT_ASKED,
    ("v3-NullFlavor", "ASKU"): "dont_know",
    ("v3-NullFlavor", "NASK"): NOT_ASKED,
    ("v3-NullFlavor", "NA"): NOT_ASKED,
}
ABSENT_SYSTEMS = frozenset(system for system, _ in ABSENT)

_QUESTIONNAIRE = re.compile(rb'"resourceType"\s*:\s*"Questionnaire"')
_RESPONSE = re.compile(rb'"resourceType"\s*:\s*"QuestionnaireResponse"')
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_KINDS: dict[str, QuestionKind] = {
    "boolean": "one",
    "choice": "one",
    "open-choice": "one",
    "coding": "one",
    "decimal": "number",
    "integer": "number",
    "quantity": "number",
    "date": "date",
    "dateTime": "date",
    "time": "text",
    "string": "text",
    "text": "text",
    "url": "text",
}
_NO_QUESTIONS = frozenset({"group", "display"})
# What these hold says who a child is, or points at somebody.
_PERSONAL_TYPES = frozenset({"attachment", "reference"})
_PERSONAL_ELEMENT = re.compile(
    r"\b(Patient|Person|RelatedPerson)\.(name|telecom|address|birthDate|photo|contact)\b"
)


def is_fhir_questionnaire(content: bytes) -> bool:
    """Whether a JSON file is a Questionnaire rather than the responses to one."""
    is_object = content[:65_536].removeprefix(_BOM).lstrip(_BLANK).startswith(b"{")
    return is_object and bool(_QUESTIONNAIRE.search(content)) and not is_fhir_response(content)


def is_fhir_response(content: bytes) -> bool:
    """Whether a JSON file holds a QuestionnaireResponse.

    Inside a text the quotes would be escaped, so nothing that a pupil wrote can look like this.
    """
    return bool(_RESPONSE.search(content))


def read_fhir_questionnaire(content: bytes) -> Codebook:
    """The questions of a Questionnaire by linkId, in its order.

    A question that may have several answers is of the kind `many`, and so is a choice in a group
    that may be filled in several times. Raises `FileProblem`: UNREADABLE unless the file holds one
    Questionnaire in strict JSON, CODEBOOK_MISSING where it has no question, or where one question
    has one code for two answers, and HEADER_REPEATED where two questions have one linkId.
    """
    resources = _resources(content)
    forms = [one for one in resources if one.get("resourceType") == "Questionnaire"]
    if len(forms) != 1:
        raise FileProblem(Reason.UNREADABLE)
    value_sets = _value_sets([*resources, *objects_of(forms[0].get("contained"))])
    codebook: Codebook = {}
    for item, is_repeated in _questions(forms[0]):
        link = text_of(item.get("linkId"))
        if not link:
            raise FileProblem(Reason.UNREADABLE)
        if link in codebook:
            raise FileProblem(Reason.HEADER_REPEATED, column=link)
        codebook[link] = _question(link, item, value_sets, is_repeated=is_repeated)
    if not codebook:
        raise FileProblem(Reason.CODEBOOK_MISSING)
    return codebook


def parse_json(content: bytes) -> Any:  # noqa: ANN401 - what JSON holds is not known before
    """One strict JSON document in UTF-8, numbers as text; ValueError for anything else."""
    try:
        return strict_json(content.removeprefix(_BOM).decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def objects_of(value: object) -> list[Element]:
    """The objects of a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """A text, or "" for anything else."""
    return value if isinstance(value, str) else ""


def list_of(address: object) -> str:
    """The last part of the address of a code system or an extension."""
    return text_of(address).rstrip("/").rpartition("/")[2]


def missing_of(system: object, code: str) -> Missing | None:
    """Why a coded answer is none, where FHIR's own lists say so."""
    return ABSENT.get((list_of(system), code))


def options_of(link: str, codings: Iterable[Element]) -> dict[str, str]:
    """Code -> label; CODEBOOK_MISSING where one code stands for answers of two code systems."""
    systems: dict[str, str] = {}
    options: dict[str, str] = {}
    for coding in codings:
        code, system = text_of(coding.get("code")), text_of(coding.get("system"))
        if not code:
            continue
        if system and systems.setdefault(code, system) != system:
            raise FileProblem(Reason.CODEBOOK_MISSING, column=link)
        options[code] = options.get(code) or text_of(coding.get("display"))
    return options


def _resources(content: bytes) -> list[Element]:
    """The document, or what is in it if it is a Bundle."""
    try:
        document = parse_json(content)
    except ValueError:
        raise FileProblem(Reason.UNREADABLE) from None
    if not isinstance(document, dict):
        raise FileProblem(Reason.UNREADABLE)
    if document.get("resourceType") != "Bundle":
        return [document]
    entries = objects_of(document.get("entry"))
    return [entry["resource"] for entry in entries if isinstance(entry.get("resource"), dict)]


def _questions(form: Element) -> Iterator[tuple[Element, bool]]:
    """Each question in form order, and whether a group that may be repeated holds it."""
    left = [(item, False) for item in reversed(objects_of(form.get("item")))]
    while left:
        item, is_repeated = left.pop()
        is_group = item.get("type") == "group"
        if text_of(item.get("type")) not in _NO_QUESTIONS:
            yield item, is_repeated
        below = is_repeated or (is_group and item.get("repeats") is True)
        left.extend((child, below) for child in reversed(objects_of(item.get("item"))))


def _question(
    link: str, item: Element, value_sets: Mapping[str, list[Element]], *, is_repeated: bool
) -> Question:
    codings = _codings(item, value_sets)
    options = options_of(link, codings)
    reasons = {
        text_of(one.get("code")): missing_of(one.get("system"), text_of(one.get("code")))
        for one in codings
    }
    kind = _KINDS.get(text_of(item.get("type")), "unknown")
    if options:
        kind = "one"
    if kind == "one" and (is_repeated or item.get("repeats") is True):
        kind = "many"
    return Question(
        label=text_of(item.get("text")),
        options=dict(TICKED) if item.get("type") == "boolean" else options,
        kind=kind,
        missing={code: why for code, why in reasons.items() if why},
        personal=_is_personal(item),
        labels=dict(_translations(item.get("_text"))),
        option_labels=_option_labels(codings),
    )


def _is_personal(item: Element) -> bool:
    named = _PERSONAL_ELEMENT.search(text_of(item.get("definition")))
    return text_of(item.get("type")) in _PERSONAL_TYPES or named is not None


def _codings(item: Element, value_sets: Mapping[str, list[Element]]) -> list[Element]:
    """Every option as a coding; an option that is a number, a date or a text is its own code."""
    options = [_coding(option) for option in objects_of(item.get("answerOption"))]
    address = text_of(item.get("answerValueSet")).partition("|")[0]
    return options or value_sets.get(address, [])


def _coding(option: Element) -> Element:
    coding = option.get("valueCoding")
    if isinstance(coding, dict):
        return coding
    own = [text_of(value) for key, value in option.items() if key.startswith("value")]
    return {"code": own[0], "display": own[0]} if own else {}


def _value_sets(resources: Iterable[Element]) -> dict[str, list[Element]]:
    """The codings of each value set by its address, and by `#id` where it is contained."""
    found: dict[str, list[Element]] = {}
    for one in resources:
        if one.get("resourceType") == "ValueSet":
            names = (text_of(one.get("url")), f"#{text_of(one.get('id'))}")
            found |= dict.fromkeys(names, _concepts(one))
    return found


def _concepts(value_set: Element) -> list[Element]:
    """What a value set lists; nothing where it only tells how to work out the list."""
    expansion = value_set.get("expansion")
    if isinstance(expansion, dict):
        return list(_expanded(expansion))
    compose = value_set.get("compose")
    if not isinstance(compose, dict) or compose.get("exclude"):
        return []
    includes = objects_of(compose.get("include"))
    if not all(objects_of(include.get("concept")) for include in includes):
        return []
    return [
        {**concept, "system": include.get("system")}
        for include in includes
        for concept in objects_of(include.get("concept"))
    ]


def _expanded(expansion: Element) -> Iterator[Element]:
    left = list(reversed(objects_of(expansion.get("contains"))))
    while left:
        coding = left.pop()
        if coding.get("abstract") is not True:
            yield coding
        left.extend(reversed(objects_of(coding.get("contains"))))


def _option_labels(codings: Iterable[Element]) -> dict[str, dict[str, str]]:
    """The labels of the codes by language: as translations, or as a value set's designations."""
    found: dict[str, dict[str, str]] = {}
    for coding in codings:
        designations = objects_of(coding.get("designation"))
        pairs = [(text_of(one.get("language")), text_of(one.get("value"))) for one in designations]
        for language, label in [*pairs, *_translations(coding.get("_display"))]:
            if language and label:
                found.setdefault(language, {})[text_of(coding.get("code"))] = label
    return found


def _translations(beside: object) -> Iterator[tuple[str, str]]:
    """Language and text of each translation in what stands beside a text: `_text`, `_display`."""
    extensions = objects_of(beside.get("extension")) if isinstance(beside, dict) else []
    for extension in extensions:
        if list_of(extension.get("url")) == "translation":
            parts = {text_of(one.get("url")): one for one in objects_of(extension.get("extension"))}
            language = text_of(parts.get("lang", {}).get("valueCode"))
            content = parts.get("content", {})
            label = text_of(content.get("valueString") or content.get("valueMarkdown"))
            if language and label:
                yield language, label
