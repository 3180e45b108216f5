"""Why a file or a row did not become answers: stable codes, and their texts as data.

A text may name a column, a count or a limit from our own settings, never a value from the file.
"""

from enum import StrEnum
from functools import cache
from importlib.resources import files
from tomllib import loads
from typing import Literal

from schemas.declared import Declared
from schemas.words import Words, words_of


class Reason(StrEnum):
    """Stable codes: stored, so they are never renamed and never used for something else."""

    # the whole file
    EMPTY_FILE = "EMPTY_FILE"
    NO_ROWS = "NO_ROWS"
    ALL_WITHDRAWN = "ALL_WITHDRAWN"
    UNREADABLE = "UNREADABLE"
    FILE_PACKED = "FILE_PACKED"
    WEB_PAGE = "WEB_PAGE"
    NOT_A_TABLE = "NOT_A_TABLE"
    OLD_WORKBOOK = "OLD_WORKBOOK"
    OTHER_WORKBOOK = "OTHER_WORKBOOK"
    JSON_WITHOUT_ROWS = "JSON_WITHOUT_ROWS"
    CODEBOOK_DELIVERED = "CODEBOOK_DELIVERED"
    ENCODING_UNKNOWN = "ENCODING_UNKNOWN"
    INCOMPLETE_UPLOAD = "INCOMPLETE_UPLOAD"
    UNTERMINATED_QUOTE = "UNTERMINATED_QUOTE"
    NOT_RECOGNISED = "NOT_RECOGNISED"
    SURVEYS_ALIKE = "SURVEYS_ALIKE"
    CLASS_LIST_COLUMNS = "CLASS_LIST_COLUMNS"
    HEADER_MISMATCH = "HEADER_MISMATCH"
    HEADER_REPEATED = "HEADER_REPEATED"
    HEADER_MISSING = "HEADER_MISSING"
    SHEETS_ALIKE = "SHEETS_ALIKE"
    ANSWERS_ON_OTHER_SHEET = "ANSWERS_ON_OTHER_SHEET"
    CODEBOOK_MISSING = "CODEBOOK_MISSING"
    SURVEY_MISSING = "SURVEY_MISSING"
    OPTIONS_CHANGED = "OPTIONS_CHANGED"
    CODES_MAY_BE_NAMES = "CODES_MAY_BE_NAMES"
    PERSONAL_DATA = "PERSONAL_DATA"
    COUNTS_DO_NOT_ADD_UP = "COUNTS_DO_NOT_ADD_UP"
    NOT_A_FILE = "NOT_A_FILE"
    TOO_LARGE = "TOO_LARGE"
    TOO_COSTLY = "TOO_COSTLY"
    PASSWORD_PROTECTED = "PASSWORD_PROTECTED"  # noqa: S105 - a reason, not a password
    DECIDED_NOT_TO_USE = "DECIDED_NOT_TO_USE"
    WAITED_TOO_LONG = "WAITED_TOO_LONG"
    # a file or a row that is there already
    ALREADY_DELIVERED = "ALREADY_DELIVERED"
    DUPLICATE_ROW = "DUPLICATE_ROW"
    STILL_HELD = "STILL_HELD"
    NOW_CONTRADICTED = "NOW_CONTRADICTED"
    DECIDED_AGAINST = "DECIDED_AGAINST"
    BLANK_FORM = "BLANK_FORM"
    ERASED = "ERASED"
    # one row
    FIELD_COUNT = "FIELD_COUNT"
    QUOTE_MISPLACED = "QUOTE_MISPLACED"
    ROW_CUT_OFF = "ROW_CUT_OFF"
    PUPIL_CODE_MISSING = "PUPIL_CODE_MISSING"
    PUPIL_CODE_INVALID = "PUPIL_CODE_INVALID"
    SCHOOL_UNKNOWN = "SCHOOL_UNKNOWN"
    CLASS_INVALID = "CLASS_INVALID"
    GRADE_INVALID = "GRADE_INVALID"
    GENDER_INVALID = "GENDER_INVALID"
    WAVE_UNKNOWN = "WAVE_UNKNOWN"
    DATE_INVALID = "DATE_INVALID"
    DATE_ORDER_UNPROVEN = "DATE_ORDER_UNPROVEN"
    ANSWER_NOT_AN_OPTION = "ANSWER_NOT_AN_OPTION"
    CONFLICTING_ANSWERS = "CONFLICTING_ANSWERS"
    CODE_IN_TWO_SCHOOLS = "CODE_IN_TWO_SCHOOLS"
    SUBMISSION_CHANGED = "SUBMISSION_CHANGED"
    MAY_BE_CORRECTED = "MAY_BE_CORRECTED"
    FORM_GONE = "FORM_GONE"
    WITHDRAWN = "WITHDRAWN"
    CHOICE_INVALID = "CHOICE_INVALID"
    ENROLLED_INVALID = "ENROLLED_INVALID"
    PUPIL_LISTED_TWICE = "PUPIL_LISTED_TWICE"
    GRADE_NOT_AS_CLASS = "GRADE_NOT_AS_CLASS"
    DATE_OUTSIDE_WAVE = "DATE_OUTSIDE_WAVE"
    CODE_OF_LETTERS = "CODE_OF_LETTERS"
    CODE_WITHOUT_ZEROS = "CODE_WITHOUT_ZEROS"
    CHOICES_UNKNOWN = "CHOICES_UNKNOWN"
    LIST_WITHOUT_ZEROS = "LIST_WITHOUT_ZEROS"


class ReasonText(Declared):
    """What a code means and what to do, in words that a school secretary understands."""

    level: Literal["file", "row"]
    nb: str
    nn: str
    en: str


@cache
def reason_texts() -> dict[Reason, ReasonText]:
    """The text of every reason code."""
    text = (files("schemas") / "messages" / "reasons.toml").read_text(encoding="utf-8")
    return {Reason(code): ReasonText.model_validate(entry) for code, entry in loads(text).items()}


@cache
def reason_names() -> dict[Reason, Words]:
    """The short name of every reason code, for where there is no room for its text."""
    return {Reason(code): words for code, words in words_of("reason_names.toml").items()}
