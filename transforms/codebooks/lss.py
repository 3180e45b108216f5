"""The codebook in a LimeSurvey survey structure (`.lss`): every column that its exports can have.

Columns are named as LimeSurvey's export with question codes names them: `q`, `q[SQ001]`, a dual
scale `q[SQ001][1]`, an array of numbers or texts `q[SQ001_SQ002]`, a rank `q[1]`, `q[other]`,
`q[comment]`. A label is the question's text and, in brackets, the subquestion's, as an export with
full headings has it. `label` is in the survey's base language, `labels` in its others.

Answers that LimeSurvey itself words (yes, no, ...) are listed in English and, as far as we know its
translation, in Norwegian. Which answers are missing ones no `.lss` says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

from schemas.reason import Reason
from transforms.codebooks.plain_text import plain_text
from transforms.readers.reading import Codebook, FileProblem, Question, QuestionKind

YES_NO = {"Y": "Yes", "N": "No"}
UNCERTAIN = {"Y": "Yes", "U": "Uncertain", "N": "No"}
GENDER = {"F": "Female", "M": "Male"}
CHANGE = {"I": "Increase", "S": "Same", "D": "Decrease"}
TICKED = {"Y": "Yes"}

MAX_BYTES = 50_000_000

_ANSWERS_NB = {"Y": "Ja", "N": "Nei", "U": "Usikker", "F": "Kvinne", "M": "Mann", "-oth-": "Annet"}
_WORDS_NB = {"Other": "Annet", "Comment": "Kommentar"}

# Nothing may stand before the root but the declaration: that leaves no place for a DTD.
_START = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml\s+version=[\"']1\.0[\"']"
    rb"(?:\s+encoding=[\"'](?i:utf-8)[\"'])?[^?>]*\?>)?\s*<document>\s*"
    rb"<LimeSurveyDocType>Survey</LimeSurveyDocType>"
)

_Row = dict[str, str]
_Texts = dict[str, str]

_TEXT, _NUMBER = Question(kind="text"), Question(kind="number")
_KINDS: dict[str, QuestionKind] = {
    **dict.fromkeys(("S", "T", "U", "Q", ";", "*"), "text"),
    **dict.fromkeys(("N", "K", ":"), "number"),
    "D": "date",
}
_FIXED: dict[str, dict[str, str]] = {
    "5": {str(n): str(n) for n in range(1, 6)},
    "Y": YES_NO,
    "G": GENDER,
    "A": {str(n): str(n) for n in range(1, 6)},
    "B": {str(n): str(n) for n in range(1, 11)},
    "C": UNCERTAIN,
    "E": CHANGE,
}


@dataclass(frozen=True, slots=True)
class _Survey:
    """The tables of the file.

    `texts`: question id -> language -> text. `answers`: question id and scale -> code -> language
    -> label. `ranks`: question id -> the most answers that may be ranked.
    """

    base: str
    questions: list[_Row]
    below: dict[str, list[_Row]]
    texts: dict[str, _Texts]
    answers: dict[tuple[str, str], dict[str, _Texts]]
    ranks: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Part:
    """What a column adds to its question: the code in brackets, subquestions, and fixed words."""

    code: str = ""
    subs: tuple[_Row, ...] = ()
    words: tuple[str, ...] = ()


def is_lss(content: bytes) -> bool:
    """Whether a file is a LimeSurvey survey structure."""
    return _START.match(content) is not None


def read_lss(content: bytes) -> Codebook:
    """Every column of the survey, in the survey's order.

    Raises `FileProblem`: TOO_LARGE, UNREADABLE for damaged XML or anything but such a file,
    ENCODING_UNKNOWN unless UTF-8, CODEBOOK_MISSING without a question, HEADER_REPEATED where two
    columns would have one name.
    """
    survey = _survey(_tables(content))
    columns = [column for row in survey.questions for column in _columns(survey, row)]
    if not columns:
        raise FileProblem(Reason.CODEBOOK_MISSING)
    codebook = dict(columns)
    if len(codebook) < len(columns):
        raise FileProblem(Reason.HEADER_REPEATED)
    return codebook


def _tables(content: bytes) -> dict[str, list[_Row]]:
    if len(content) > MAX_BYTES:
        raise FileProblem(Reason.TOO_LARGE)
    if not is_lss(content):
        raise FileProblem(Reason.UNREADABLE)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        raise FileProblem(Reason.ENCODING_UNKNOWN) from None
    try:
        root = ET.fromstring(content)  # noqa: S314 - `_START` leaves no place for a DTD
    except ET.ParseError:
        raise FileProblem(Reason.UNREADABLE) from None
    return {
        table.tag: [
            {cell.tag: cell.text or "" for cell in row} for row in table.iterfind("rows/row")
        ]
        for table in root
    }


def _survey(tables: dict[str, list[_Row]]) -> _Survey:
    rows = _once([*tables.get("questions", []), *tables.get("subquestions", [])])
    groups = {
        row.get("gid", ""): _number(row.get("group_order")) for row in tables.get("groups", [])
    }
    rows.sort(
        key=lambda row: (groups.get(row.get("gid", ""), 0), _number(row.get("question_order")))
    )
    questions = [row for row in rows if row.get("parent_qid", "0") == "0"]
    below: dict[str, list[_Row]] = {}
    for row in rows:
        below.setdefault(row.get("parent_qid", "0"), []).append(row)
    return _Survey(
        base=next((row.get("language", "") for row in tables.get("surveys", [])), ""),
        questions=questions,
        below=below,
        texts=_texts(tables),
        answers=_answers(tables),
        ranks={
            row.get("qid", ""): _number(row.get("value"))
            for row in tables.get("question_attributes", [])
            if row.get("attribute") == "max_subquestions"
        },
    )


def _once(rows: list[_Row]) -> list[_Row]:
    # Before version 4 a question has one row for each language.
    found: dict[str, _Row] = {}
    for row in rows:
        found.setdefault(row.get("qid", ""), row)
    return list(found.values())


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004


def _texts(tables: dict[str, list[_Row]]) -> dict[str, _Texts]:
    found: dict[str, _Texts] = {}
    for name in ("questions", "subquestions", "question_l10ns"):
        for row in tables.get(name, []):
            if "question" in row:
                texts = found.setdefault(row.get("qid", ""), {})
                texts[row.get("language", "")] = plain_text(row["question"])
    return found


def _answers(tables: dict[str, list[_Row]]) -> dict[tuple[str, str], dict[str, _Texts]]:
    rows = sorted(tables.get("answers", []), key=lambda row: _number(row.get("sortorder")))
    said: dict[str, _Texts] = {}
    for row in tables.get("answer_l10ns", []):
        said.setdefault(row.get("aid", ""), {})[row.get("language", "")] = row.get("answer", "")
    found: dict[tuple[str, str], dict[str, _Texts]] = {}
    for row in rows:
        codes = found.setdefault((row.get("qid", ""), row.get("scale_id") or "0"), {})
        texts = said.get(row.get("aid", ""), {})
        if "answer" in row:
            texts = {row.get("language", ""): row["answer"]}
        labels = {language: plain_text(text) for language, text in texts.items()}
        codes.setdefault(row.get("code", ""), {}).update(labels)
    return found


def _columns(survey: _Survey, row: _Row) -> Iterator[tuple[str, Question]]:
    """The columns of one question, each with what is in it."""
    kind, qid = row.get("type", ""), row.get("qid", "")
    content = _content(survey, row, "0")
    if kind in {":", ";"}:
        yield from _grid(survey, row, content)
    elif kind == "1":
        yield from _dual_scale(survey, row)
    elif kind == "R":
        most = survey.ranks.get(qid, 0) or len(content.options)
        for rank in range(1, min(most, len(content.options)) + 1):
            yield _column(survey, row, _Part(f"[{rank}]", words=(f"Rank {rank}",)), content)
    elif survey.below.get(qid):
        for sub in _scale(survey, qid, "0"):
            yield from _cells(survey, row, sub, content)
    else:
        yield _column(survey, row, _Part(), content)
    yield from _extras(survey, row)


def _scale(survey: _Survey, qid: str, scale: str) -> list[_Row]:
    return [sub for sub in survey.below.get(qid, []) if (sub.get("scale_id") or "0") == scale]


def _grid(survey: _Survey, row: _Row, content: Question) -> Iterator[tuple[str, Question]]:
    qid = row.get("qid", "")
    for sub in _scale(survey, qid, "0"):
        for across in _scale(survey, qid, "1"):
            code = f"[{sub.get('title', '')}_{across.get('title', '')}]"
            yield _column(survey, row, _Part(code, (sub, across)), content)


def _dual_scale(survey: _Survey, row: _Row) -> Iterator[tuple[str, Question]]:
    for sub in _scale(survey, row.get("qid", ""), "0"):
        for scale in (0, 1):
            part = _Part(f"[{sub.get('title', '')}][{scale + 1}]", (sub,), (f"Scale {scale + 1}",))
            yield _column(survey, row, part, _content(survey, row, str(scale)))


def _cells(
    survey: _Survey, row: _Row, sub: _Row, content: Question
) -> Iterator[tuple[str, Question]]:
    code = sub.get("title", "")
    yield _column(survey, row, _Part(f"[{code}]", (sub,)), content)
    if row.get("type") == "P":
        yield _column(survey, row, _Part(f"[{code}comment]", (sub,), ("Comment",)), _TEXT)


def _extras(survey: _Survey, row: _Row) -> Iterator[tuple[str, Question]]:
    """What stands beside an answer: texts under "other", comments, the number of files."""
    kind, other = row.get("type", ""), row.get("other") == "Y"
    if other and kind in {"L", "!", "M", "P"}:
        yield _column(survey, row, _Part("[other]", words=("Other",)), _TEXT)
    if other and kind == "P":
        yield _column(survey, row, _Part("[othercomment]", words=("Other comment",)), _TEXT)
    if kind == "O":
        yield _column(survey, row, _Part("[comment]", words=("Comment",)), _TEXT)
    if kind == "|":
        yield _column(survey, row, _Part("[filecount]", words=("filecount",)), _NUMBER)


def _column(survey: _Survey, row: _Row, part: _Part, content: Question) -> tuple[str, Question]:
    labels = {
        language: _label(survey, text, part, language)
        for language, text in survey.texts.get(row.get("qid", ""), {}).items()
    }
    base = survey.base if survey.base in labels else next(iter(labels), "")
    label = labels.pop(base, "")
    return row.get("title", "") + part.code, replace(content, label=label, labels=labels)


def _label(survey: _Survey, text: str, part: _Part, language: str) -> str:
    subs = [
        _in_language(survey.texts.get(sub.get("qid", ""), {}), language, survey)
        for sub in part.subs
    ]
    words = [_WORDS_NB.get(word, word) if language in {"nb", "nn"} else word for word in part.words]
    return " ".join([text, "".join(f"[{each}]" for each in (*subs, *words))]).strip()


def _in_language(texts: _Texts, language: str, survey: _Survey) -> str:
    return texts.get(language) or texts.get(survey.base) or next(iter(texts.values()), "")


def _content(survey: _Survey, row: _Row, scale: str) -> Question:
    """What a column of this question holds, still without its label."""
    kind = row.get("type", "")
    if kind == "|":
        return replace(_TEXT, personal=True)  # names of files, and whatever is in them
    if kind in {"M", "P"}:
        return replace(_worded(TICKED), kind="many")
    if kind in _FIXED:
        return _worded(_FIXED[kind])
    if kind in {"L", "!", "O", "F", "H", "R", "1"}:
        return _chosen(survey, row, scale)
    return Question(kind=_KINDS.get(kind, "unknown"))


def _worded(options: dict[str, str]) -> Question:
    norwegian = {code: _ANSWERS_NB[code] for code in options if code in _ANSWERS_NB}
    labels = {"nb": norwegian} if norwegian else {}
    return Question("", dict(options), "one", option_labels=labels)


def _chosen(survey: _Survey, row: _Row, scale: str) -> Question:
    answers = survey.answers.get((row.get("qid", ""), scale), {})
    options = {code: _in_language(texts, survey.base, survey) for code, texts in answers.items()}
    others: dict[str, _Texts] = {}
    for code, texts in answers.items():
        for language, text in texts.items():
            if language != survey.base:
                others.setdefault(language, {})[code] = text
    if row.get("other") == "Y" and row.get("type") in {"L", "!"}:
        options["-oth-"] = "Other"
        others.setdefault("nb", {})["-oth-"] = _ANSWERS_NB["-oth-"]
    return Question("", options, "one", option_labels=others)
