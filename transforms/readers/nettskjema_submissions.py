"""Nettskjema's whole submissions: one JSON document each, turned into the lines of their answers.

The tool hands them out one by one (`submissionMetadata` and `answers`); a program may have put them
into an array, or one a line. Who sent one in, where the form is not anonymous, is left behind here.
"""

import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from schemas.reason import Reason
from transforms.readers.ndjson import Source, json_sources, require_whole, strict_json
from transforms.readers.reading import FileProblem, MalformedRow

_METADATA, _ANSWERS = "submissionMetadata", "answers"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Submissions:
    """The answers as lines, and for each line the place of its submission, counted from 1.

    `times` is the time that each place's form took, as text; it may be missing.
    """

    lines: bytes = field(repr=False)
    places: tuple[int, ...]
    times: dict[int, str]
    malformed: tuple[MalformedRow, ...]


def is_submission(keys: Collection[str]) -> bool:
    """Whether the keys of a JSON file's first object are those of a whole submission."""
    return {_METADATA, _ANSWERS} <= set(keys)


def read_submissions(content: bytes) -> Submissions:
    """Take the submissions of a file apart.

    One that is none, or that has no answers, is a malformed row. Raises `FileProblem`:
    INCOMPLETE_UPLOAD where the last one does not end, UNREADABLE where there is none.
    """
    sources = _sources(content)
    lines: list[str] = []
    places: list[int] = []
    times: dict[int, str] = {}
    malformed: list[MalformedRow] = []
    for source in sources:
        metadata, answers = _parts(source.text)
        if not answers:
            malformed.append(_malformed(source))
            continue
        created = metadata.get("createdDate")
        lines += [json.dumps(answer | {"createdDate": created}) for answer in answers]
        places += [source.row_no] * len(answers)
        if isinstance(took := metadata.get("answerTime"), str):
            times[source.row_no] = took
    if malformed and malformed[-1].row_no == sources[-1].row_no:
        require_whole(sources[-1])
    if not lines:
        raise FileProblem(Reason.UNREADABLE)
    return Submissions("\n".join(lines).encode(), tuple(places), times, tuple(malformed))


def _sources(content: bytes) -> list[Source]:
    """Each submission as delivered; one alone may be spread over lines."""
    text = content.removeprefix(_BOM).strip()
    if text.startswith(b"{") and _parts(text)[1]:
        return [Source(1, text)]
    return json_sources(content)


def _parts(text: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The metadata and the answers, all of one submission; no answers where it is none."""
    with suppress(ValueError, TypeError, KeyError):
        found = strict_json(text.decode("utf-8"))
        metadata, answers = found[_METADATA], found[_ANSWERS]
        own = metadata["submissionId"]
        if own and all(answer["submissionId"] == own for answer in answers):
            return dict(metadata), [dict(answer) for answer in answers]
    return {}, []


def _malformed(source: Source) -> MalformedRow:
    text = source.text.decode("utf-8", errors="replace").rstrip("\r\n")
    return MalformedRow(source.row_no, Reason.UNREADABLE, text)
