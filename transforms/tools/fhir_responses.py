"""FHIR R4 QuestionnaireResponses as they stand in a file: taken apart, and judged one by one.

A response of which an answer would be lost (an item without a name, a value that is none) is no
response: it is held, for a pupil's answer must not go missing unseen.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.codebooks.fhir_questionnaire import (
    ABSENT_SYSTEMS,
    NOT_ASKED,
    Element,
    list_of,
    missing_of,
    objects_of,
    parse_json,
    text_of,
)
from transforms.readers.ndjson import Source, json_sources, require_whole
from transforms.readers.reading import FileProblem, MalformedRow

RESPONSE = "QuestionnaireResponse"
OWN = ("response.id", "response.status", "response.authored", "response.subject")
WITHDRAWN = "entered-in-error"
# Answers of these types hold files, or point at somebody.
PERSONAL_TYPES: Mapping[str, Personal] = {
    "Attachment": Personal.FREE_TEXT,
    "Reference": Personal.ACCOUNT,
}

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_REASON = "data-absent-reason"
_PERSONS = frozenset({"Patient", "Person", "RelatedPerson", "Practitioner"})
# The Norwegian registers' numbers of persons, as FHIR names them; and how long they are.
_NATIONAL_IDS = "2.16.578.1.12.4.1.4."
_NATIONAL_ID_DIGITS = 11


class Record(NamedTuple):
    """A resource as delivered; None where it is not one."""

    row_no: int
    text: bytes
    resource: Element | None
    address: str = ""


class Said(NamedTuple):
    """One answer: the cell, what type of value it was, and the coding if it was one."""

    link: str
    text: str | None  # None: not asked
    type: str
    coding: Element


@dataclass(frozen=True, slots=True)
class Form:
    """A response that counts: the cells of `OWN`, its answers, and the label of each question."""

    row_no: int
    own: tuple[str, ...] = field(repr=False)
    said: list[Said] = field(repr=False)
    asked: dict[str, str]


def records_of(content: bytes) -> list[Record]:
    """Every resource of the file, in the order delivered.

    Raises `FileProblem` INCOMPLETE_UPLOAD, UNREADABLE where no JSON object can be read, NO_ROWS,
    EMPTY_FILE.
    """
    text = content.removeprefix(_BOM).strip(_BLANK)
    document = _parsed(text) if text.startswith(b"{") else None
    if document is None:
        records = [Record(one.row_no, one.text, _parsed(one.text)) for one in _sources(content)]
        _require_whole(records, text)
        return records
    if document.get("resourceType") != "Bundle":
        return [Record(1, text, document)]
    entries = document.get("entry")
    return list(_entries(entries)) if isinstance(entries, list) else []


def _entries(entries: list[Any]) -> Iterator[Record]:
    for place, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            yield Record(place, b"", None)
        elif isinstance(entry.get("resource"), dict):
            yield Record(place, b"", entry["resource"], text_of(entry.get("fullUrl")))


def _sources(content: bytes) -> list[Source]:
    try:
        return json_sources(content)
    except ValueError:  # a number of thousands of digits
        raise FileProblem(Reason.UNREADABLE) from None


def _parsed(text: bytes) -> Element | None:
    with suppress(ValueError):
        document = parse_json(text)
        return document if isinstance(document, dict) else None
    return None


def _require_whole(records: list[Record], text: bytes) -> None:
    """A file that was cut off must not pass for one with bad lines."""
    last = records[-1]
    with suppress(ValueError):
        if last.resource is None:
            require_whole(Source(last.row_no, last.text))
        if all(one.resource is None for one in records):
            require_whole(Source(1, text))
    if all(one.resource is None for one in records):
        raise FileProblem(Reason.UNREADABLE)


def is_response(record: Record) -> bool:
    """Whether a record is a response, or nobody can tell what it is."""
    return record.resource is None or record.resource.get("resourceType") == RESPONSE


def status_of(record: Record) -> str:
    """The response's status; "" where it has none."""
    return text_of((record.resource or {}).get("status"))


def malformed_of(record: Record, reason: Reason) -> MalformedRow:
    """The record as a row that is none."""
    text = record.text.decode("utf-8", errors="replace").rstrip("\r\n")
    with suppress(RecursionError):
        text = text or json.dumps(record.resource, ensure_ascii=False, sort_keys=True)
    return MalformedRow(record.row_no, reason, text)


def form_of(record: Record, one_answer: Collection[str]) -> Form | Reason:
    """The response, or why it is none; the questions of `one_answer` may have one and no more."""
    resource, status = record.resource, status_of(record)
    if status == WITHDRAWN:
        return Reason.WITHDRAWN
    if resource is None or not status:
        return Reason.UNREADABLE
    asked: dict[str, str] = {}
    said: list[Said] = []
    try:
        for item in _items(resource):
            link, answers = _link(item), _all_objects(item.get("answer"))
            asked[link] = asked.get(link) or text_of(item.get("text"))
            said += [_answer(link, answer) for answer in answers or [_why_blank(item)]]
    except ValueError:
        return Reason.UNREADABLE
    own = (_id(record), status, text_of(resource.get("authored")), _subject(resource))
    form = Form(record.row_no, own, [one for one in said if one.text != ""], asked)
    return Reason.CONFLICTING_ANSWERS if _contradicts(form, one_answer) else form


def _items(resource: Element) -> Iterator[Element]:
    """Every item that may hold an answer, in form order, from within groups and answers too."""
    left = list(reversed(_all_objects(resource.get("item"))))
    while left:
        item = left.pop()
        below = _all_objects(item.get("item"))
        if "answer" in item or not below:
            yield item
        for answer in _all_objects(item.get("answer")):
            below = below + _all_objects(answer.get("item"))
        left.extend(reversed(below))


def _all_objects(value: object) -> list[Element]:
    """The objects of a list; ValueError for anything else, for it may have been an answer."""
    if value is None:
        return []
    objects = objects_of(value)
    if not isinstance(value, list) or len(objects) < len(value):
        raise ValueError("not a list of objects")
    return objects


def _link(item: Element) -> str:
    link = text_of(item.get("linkId"))
    if not link:
        raise ValueError("an item without a name")
    return link


def _why_blank(item: Element) -> Element:
    """An answer without a value, with the item's own reason for that."""
    return {"extension": item.get("extension")}


def _answer(link: str, answer: Element) -> Said:
    """One answer; ValueError for what is no value, or two. "" where nothing is said."""
    values = [key for key in answer if key.startswith("value")]
    if len(values) > 1:
        raise ValueError("two values in one answer")
    if not values:
        return _coded(link, {"system": _REASON, "code": _reason(answer)})
    kind, value = values[0].removeprefix("value"), answer[values[0]]
    if kind in PERSONAL_TYPES:
        return Said(link, "?", kind, {})  # the column goes, and this cell with it
    if kind not in ("Coding", "Quantity"):
        return Said(link, _scalar(value), kind, {})
    if not isinstance(value, dict):
        raise ValueError("not a value of this type")
    return _coded(link, value) if kind == "Coding" else Said(link, _quantity(value), kind, {})


def _quantity(value: Element) -> str:
    """The number with its unit: hours and minutes must not become one column of numbers."""
    parts = (text_of(value.get("value")), text_of(value.get("unit") or value.get("code")))
    return " ".join(part for part in parts if part)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if not isinstance(value, str):
        raise ValueError("not a value of this type")
    return value


def _reason(answer: Element) -> str:
    """The sender's reason for a value that is not there; "" where none is given."""
    beside = [answer, *(one for one in answer.values() if isinstance(one, dict))]
    for extension in (e for one in beside for e in objects_of(one.get("extension"))):
        if list_of(extension.get("url")) == _REASON:
            return text_of(extension.get("valueCode"))
    return ""


def _coded(link: str, coding: Element) -> Said:
    code = text_of(coding.get("code"))
    if list_of(coding.get("system")) in ABSENT_SYSTEMS:
        why = missing_of(coding.get("system"), code)
        return Said(link, None if why == NOT_ASKED else code if why else "", "Coding", coding)
    if not code:
        return Said(link, text_of(coding.get("display")), "String", {})
    return Said(link, code, "Coding", coding)


def _contradicts(form: Form, one_answer: Collection[str]) -> bool:
    answers = Counter(link for link, _ in {(one.link, one.text) for one in form.said})
    return any(count > 1 and link in one_answer for link, count in answers.items())


def _id(record: Record) -> str:
    own = text_of((record.resource or {}).get("id"))
    return own or record.address.rpartition("/")[2].rpartition(":")[2]


def _subject(resource: Element) -> str:
    """Whom the response is about, in the sender's words; "" for a national identity number."""
    subject = resource.get("subject")
    if not isinstance(subject, dict) or _is_national_id(subject):
        return ""
    return _reference(subject) or text_of(_identifier(subject).get("value"))


def _reference(subject: Element) -> str:
    address = text_of(subject.get("reference")).partition("/_history/")[0]
    return "" if address.startswith("#") else address.rpartition("/")[2].rpartition(":")[2]


def _identifier(subject: Element) -> Element:
    identifier = subject.get("identifier")
    return identifier if isinstance(identifier, dict) else {}


def _is_national_id(subject: Element) -> bool:
    named = _identifier(subject)
    code = _reference(subject) or text_of(named.get("value"))
    is_named = not _reference(subject) and _NATIONAL_IDS in text_of(named.get("system"))
    return is_named or (code.isdigit() and len(code) == _NATIONAL_ID_DIGITS)


def hidden_in(records: list[Record]) -> Counter[Personal]:
    """What of the resources says who somebody is and is never read, each element counted once."""
    kinds: dict[str, Personal] = {}
    for resource in (one.resource for one in records if one.resource):
        kinds |= dict(_hidden_in(resource))
    return Counter(kinds.values())


def _hidden_in(resource: Element) -> Iterator[tuple[str, Personal]]:
    if resource.get("text"):
        yield "text", Personal.FREE_TEXT
    for name in ("author", "source"):
        if resource.get(name):
            yield name, Personal.ACCOUNT
    subject = resource.get("subject")
    if isinstance(subject, dict) and subject.get("display"):
        yield "subject.display", Personal.NAME
    if isinstance(subject, dict) and _is_national_id(subject):
        yield "subject", Personal.NATIONAL_ID
    inside = [resource, *objects_of(resource.get("contained"))]
    if any(text_of(one.get("resourceType")) in _PERSONS for one in inside):
        yield "person", Personal.NAME
