"""LimeSurvey: the CSV and Excel exports of responses.

Columns are named by question codes as LimeSurvey writes them: `q1`, `q1[SQ001]`, `q1[other]`. An
export headed "code. text" is cut back to the code. One headed with full texts or with codes for
expressions (`q1_SQ001`) gets its codes from the codebook; a text of two questions stays. The tool's
own columns are `id`, `submitdate`, `lastpage`, `startlanguage`, `seed`, `startdate`, `datestamp`.

- An unfinished response is kept: its `submitdate` is "". Where the survey stores no dates, that of
  a finished one is 1980-01-01.
- Answers in full words become codes with the codebook; a text that is no label of the question, or
  the label of two answers, stays.
- A box is "Y" where it is ticked and "" otherwise, in both kinds of export.
- What was not asked and what was left blank are both "". An export in full words does tell them
  apart for boxes (N/A), one in codes does not, and the same answers must read the same from both.

Left out: IP address, referrer, and of the participant list name, e-mail, token and its numbers;
files that pupils upload, if the codebook tells which question takes them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from schemas.personal import Personal
from transforms.codebooks.lss import GENDER, TICKED, YES_NO
from transforms.readers.reading import Codebook, Question, Reading
from transforms.tools.evidence import Evidence
from transforms.tools.labels import (
    answer_codes,
    question_texts,
    replaced,
    short_names,
    unique_texts,
    without_columns,
)

TOOL = "limesurvey"
PERSONAL = {
    "ipaddr": Personal.IP_ADDRESS,
    "refurl": Personal.ACCOUNT,
    "token": Personal.ACCOUNT,
    "tid": Personal.ACCOUNT,
    "participant_id": Personal.ACCOUNT,
    "firstname": Personal.NAME,
    "lastname": Personal.NAME,
    "email": Personal.EMAIL,
}

# Full headings in English, and in Norwegian as the tool's translation and its users have them.
_FULL = {
    "id": ("Response ID", "Respons-ID", "Svar-ID"),
    "submitdate": ("Date submitted", "Dato sendt", "Dato innsendt", "Innsendt dato"),
    "lastpage": ("Last page", "Last page seen", "Siste side", "Siste side vist"),
    "startlanguage": ("Start language", "Startspråk"),
    "seed": ("Seed",),
    "startdate": ("Date started", "Dato for oppstart", "Dato startet", "Startdato"),
    "datestamp": ("Date last action", "Dato for siste hendelse", "Dato for siste handling"),
    "ipaddr": ("IP address", "IP-adresse"),
    "refurl": (
        "Referrer URL",
        "Referring URL",
        "Avsenders URL",
        "Henvisnings-URL",
        "Henvisende URL",
    ),
    "token": ("Access code", "Token", "Adgangskode", "Tilgangskode", "Tilgangsnøkkel", "Nøkkel"),
    "tid": ("Token ID", "Adgangskode-ID", "Nøkkel-ID"),
    "participant_id": ("Participant ID", "Deltaker-ID", "Deltakar-ID"),
    "firstname": ("First name", "Fornavn", "Førenamn"),
    "lastname": ("Last name", "Etternavn", "Etternamn"),
    "email": (
        "Email address",
        "E-mail address",
        "Email",
        "E-mail",
        "E-postadresse",
        "E-post",
        "Epost",
    ),
}
_OWN_TEXTS = unique_texts((text, code) for code, texts in _FULL.items() for text in texts)

OWN = frozenset({*_FULL, "interviewtime"})

_CODE_AND_TEXT = re.compile(r"([A-Za-z][A-Za-z0-9_]*(?:\[[^\[\]]*\]){0,2})\. ?(.*)", re.DOTALL)
_DUAL_SCALE = re.compile(r"(.+)\[(.+)\]\[([12])\]")

_NO_ANSWER = dict.fromkeys(("N/A", "I/T"), "")
_TICKED_WORDS = {**_NO_ANSWER, "Yes": "Y", "Ja": "Y", "No": "", "Nei": "", "N": ""}


def recognise(columns: Sequence[str], first: Sequence[Sequence[str | None]]) -> Evidence | None:
    """Whether the headings are LimeSurvey's: codes, full texts, or both. The rows tell nothing."""
    del first
    own = set(_known({}).names(_codes(columns))) & set(_FULL)
    marks = tuple(name for name in _FULL if name in own)
    if len(own & {"submitdate", "lastpage", "startlanguage"}) > 1:
        return Evidence(TOOL, "certain", marks)
    if {"id", "submitdate"} <= own:
        return Evidence(TOOL, "likely", marks)
    return None


def read(reading: Reading, codebook: Codebook | None) -> Reading:
    """The export with columns named by code, answers as codes and no personal columns.

    Raises `FileProblem` NOT_RECOGNISED where nobody can tell a label from a code (`answer_codes`).
    """
    questions = codebook or {}
    known = _known(questions)
    headings = reading.table.column_names
    codes = dict(zip(headings, _codes(headings), strict=True))
    personal = _personal(codes, known, questions)
    table, dropped = without_columns(reading.table, personal)
    kept = table.column_names
    table = table.rename_columns(known.names([codes[heading] for heading in kept]))
    told = {
        name: Question(heading)
        for name, heading in zip(table.column_names, kept, strict=True)
        if name != heading
    }
    return replace(
        reading,
        table=answer_codes(_without_own_words(table, questions), questions),
        codebook={**told, **questions},
        dropped=dropped,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What tells a column's code: other spellings of the code, and texts of one question only."""

    aliases: Mapping[str, str]
    texts: Mapping[str, str]

    def names(self, codes: Sequence[str]) -> list[str]:
        return short_names(codes, self.aliases, self.texts)


def _known(codebook: Codebook) -> _Known:
    exact = {code: code for code in (*codebook, *_FULL)}
    texts = unique_texts(question_texts(codebook))
    return _Known({**_expression_codes(codebook), **exact}, {**texts, **_OWN_TEXTS})


def _codes(headings: Sequence[str]) -> list[str]:
    """The headings, cut back to the code where every one of them is a code and a text."""
    both = [_CODE_AND_TEXT.fullmatch(heading) for heading in headings]
    codes = [found.group(1) for found in both if found]
    return codes if len(set(codes)) == len(headings) else list(headings)


def _personal(codes: Mapping[str, str], known: _Known, codebook: Codebook) -> dict[str, Personal]:
    """Headings to leave out, each looked at by itself: of two that claim one code both go."""
    found = {}
    for heading, code in codes.items():
        name = known.names([code])[0]
        if name in PERSONAL:
            found[heading] = PERSONAL[name]
        elif name in codebook and codebook[name].personal:
            found[heading] = Personal.FREE_TEXT
    return found


def _expression_codes(codebook: Codebook) -> dict[str, str]:
    """`q1_SQ001` -> `q1[SQ001]`; the scales of a dual scale count from 0 there, and from 1 here."""
    found: dict[str, set[str]] = {}
    for code in codebook:
        dual = _DUAL_SCALE.fullmatch(code)
        stem = f"{dual[1]}_{dual[2]}_{int(dual[3]) - 1}" if dual else code
        found.setdefault(stem.replace("[", "_").removesuffix("]"), set()).add(code)
    return {alias: codes.pop() for alias, codes in found.items() if len(codes) == 1}


def _without_own_words(table: pa.Table, codebook: Codebook) -> pa.Table:
    """The words for no answer and for boxes that LimeSurvey itself puts into an export."""
    for at, name in enumerate(table.column_names):
        words = _own_words(codebook.get(name, Question()))
        if words:
            table = table.set_column(at, name, replaced(table[name], words))
    return table


def _own_words(question: Question) -> Mapping[str, str]:
    if question.kind == "many" and question.options == TICKED:
        return _TICKED_WORDS
    return _NO_ANSWER if question.options in (YES_NO, GENDER) else {}
