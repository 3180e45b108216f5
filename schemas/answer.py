"""The grain of a delivered row, before and after it is typed: pupil x wave x survey.

`raw_answer_model` is the one definition of what a delivered cell may be. Every check is
element-wise and carries its reason code, so that it holds for distinct values as for rows.
"""

import re
from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.class_date import is_date
from schemas.class_name import class_pattern
from schemas.declared import DeclarationError
from schemas.instrument import DONT_KNOW, SKIPPED, Instrument, Scale
from schemas.reason import Reason
from schemas.settings import Settings
from schemas.survey import Survey

GENDERS = ("girl", "boy", "other")
# The same in the words that people and tools use, in small letters; "" is said to be left open.
# The single letters do not clash: nobody writes M for "mann" beside M for anything else, K is
# "kvinne", F "female", J "jente", G "gutt". Numbers are codes, and every tool counts its own way.
GENDER_WORDS = {
    **dict.fromkeys(("girl", "jente", "jenta", "jenter", "female", "woman", "f"), "girl"),
    **dict.fromkeys(("kvinne", "kvinna", "kvinnelig", "kvinneleg", "dame", "k", "j"), "girl"),
    **dict.fromkeys(("boy", "gutt", "gut", "guten", "gutten", "gutter", "gutar", "g"), "boy"),
    **dict.fromkeys(("male", "man", "mann", "mannlig", "mannleg", "herre", "m"), "boy"),
    **dict.fromkeys(("other", "annet", "anna", "andre", "annet kjønn", "anna kjønn"), "other"),
    **dict.fromkeys(("ikke-binær", "ikkje-binær", "ikkebinær", "ikkjebinær"), "other"),
    **dict.fromkeys(("non-binary", "nonbinary", "other gender"), "other"),
    **dict.fromkeys(("vil ikke svare", "vil ikkje svare", "vil ikke si", "vil ikkje seie"), ""),
    **dict.fromkeys(("ønsker ikke å svare", "ønskjer ikkje å svare", "ubesvart"), ""),
    **dict.fromkeys(("prefer not to say", "prefer not to answer", "ikke oppgitt"), ""),
    **dict.fromkeys(("ikkje oppgitt", "not stated", "ukjent", "unknown", "-"), ""),
}
# Columns that a row can do without: what nobody can read there is left blank and counted, and the
# row counts. A form must not wait, and whoever asks for help in it, for a word like these.
MAY_BE_LEFT_BLANK = ("gender", "enrolled_on")
# What a survey file may map an answer to instead of an option code.
MISSING = {"dont_know": DONT_KNOW, "skipped": SKIPPED}
NOT_ASKED = "not_asked"  # likewise; such a cell becomes null before it is judged
GRADES = tuple(str(grade) for grade in range(1, 14))
MAX_ENROLLED = 60

# An 11-digit code may be a national identity number, and 8 digits from 4 or 9 a mobile number:
# both are refused as codes, whatever they are (privacy notes, section 2).
LOOKS_LIKE_A_CLASS = r"^[0-9]{1,2}[ -]?[A-Za-zÆØÅæøå]$"
PUPIL_CODE = r"^[A-Za-z0-9][A-Za-z0-9-]{1,18}[A-Za-z0-9]$"
LOOKS_PERSONAL = r"^([0-9]{11}|[49][0-9]{7})$"
# A score that a tool supplies. A comma is a decimal point: no score has thousands.
SUPPLIED_NUMBER = re.compile(r"-?[0-9]{1,3}([.,][0-9]{1,12})?")
ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?$"

# What proves no order by itself; where another date of the column does, it is ISO by now.
EITHER_ORDER = r"^(0?[1-9]|1[0-2])[/-](0?[1-9]|1[0-2])[/-]([0-9]{4}|[0-9]{2})([T ,].*)?$"


def _is_calendar_date(data: PolarsData) -> pl.LazyFrame:
    day = pl.col(data.key).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    told_apart = pl.col(data.key).str.contains(EITHER_ORDER)  # it has a reason of its own
    return data.lazyframe.select(day.is_not_null() | told_apart | pl.col(data.key).is_null())


def _is_no_identity(data: PolarsData) -> pl.LazyFrame:
    looks_personal = pl.col(data.key).str.contains(LOOKS_PERSONAL)
    return data.lazyframe.select(~looks_personal.fill_null(value=False))


def _is_no_class(data: PolarsData) -> pl.LazyFrame:
    """In swapped columns 10A stands for a code, and a code would be stored as a class's name."""
    looks_like_one = pl.col(data.key).str.contains(LOOKS_LIKE_A_CLASS)
    return data.lazyframe.select(~looks_like_one.fill_null(value=False))


def _is_no_date(data: PolarsData) -> pl.LazyFrame:
    """Whatever a municipality has declared: Excel makes dates of classes, and pupils have one."""
    return data.lazyframe.select(~is_date(data.key))


# What stands between the codes that a pupil chose, where a tool writes several into one cell.
BETWEEN_CHOICES = r"[;,|\s]+"


def _are_codes(data: PolarsData) -> pl.LazyFrame:
    """Pupil codes, each with a digit in it: a word of letters alone may be a class mate's name."""
    plain = pl.col(data.key).str.replace_all(BETWEEN_CHOICES, " ").str.strip_chars(" ")
    told = plain.str.split(" ")
    one = pl.element()
    is_code = (
        one.str.contains(PUPIL_CODE)
        & one.str.contains("[0-9]")
        & ~one.str.contains(LOOKS_PERSONAL)
        & ~one.str.contains(LOOKS_LIKE_A_CLASS)
    )
    return data.lazyframe.select(told.list.eval(is_code).list.all().fill_null(value=True))


def _has_an_order(data: PolarsData) -> pl.LazyFrame:
    """Not 5/11/2025: read as a day it is one, whichever of the two is the month."""
    either = pl.col(data.key).str.contains(EITHER_ORDER)
    return data.lazyframe.select(~either.fill_null(value=False))


def _date(reason: Reason) -> list[pa.Check]:
    return [
        pa.Check(_has_an_order, error=Reason.DATE_ORDER_UNPROVEN.value),
        pa.Check.str_matches(f"{ISO_DATE}|{EITHER_ORDER}", error=reason.value),
        pa.Check(_is_calendar_date, error=reason.value),
    ]


def _enrolled_on(settings: Settings) -> list[pa.Check]:
    """A calendar date from 25 years before the school years of the waves to a year after them."""
    years = [int(wave.school_year[:4]) for wave in settings.waves]
    earliest, end = date(min(years) - 25, 8, 1), date(max(years) + 2, 8, 1)

    def is_near(data: PolarsData) -> pl.LazyFrame:
        day = pl.col(data.key).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        return data.lazyframe.select(((day >= earliest) & (day < end)).fill_null(value=True))

    reason = Reason.ENROLLED_INVALID
    return [*_date(reason), pa.Check(is_near, error=reason.value)]


def _one_of(values: tuple[str, ...], reason: Reason) -> list[pa.Check]:
    return [pa.Check.isin(values, error=reason.value)]


def _supplied(scale: Scale, texts: tuple[str, ...]) -> list[pa.Check]:
    """A number in the scale's range, or one of the texts for none."""

    def is_score(data: PolarsData) -> pl.LazyFrame:
        cell = pl.col(data.key)
        number = cell.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        is_number = cell.str.contains(f"^{SUPPLIED_NUMBER.pattern}$")
        in_range = (is_number & number.is_between(scale.minimum, scale.maximum)).fill_null(
            value=False
        )
        return data.lazyframe.select(in_range | cell.is_in(texts) | cell.is_null())

    return [pa.Check(is_score, error=Reason.ANSWER_NOT_AN_OPTION.value)]


def answer_texts(survey: Survey, instrument: Instrument, item_id: str) -> dict[str, int]:
    """What a cell may say for an item, and the option code that it means.

    For a supplied score: the texts for none, beside which a cell may be a number.
    """
    own = {str(code): code for code in instrument.codes(item_id)}
    own_or_missing = own | MISSING
    codes = survey.codes.get(f"{instrument.key}.{item_id}", {})
    mapped = {text: code for text, code in codes.items() if code != NOT_ASKED}
    if not own_or_missing.keys() >= set(mapped.values()):
        raise DeclarationError(
            f"survey {survey.id}: codes of {instrument.key}.{item_id} must name its option codes"
        )
    # Looked up in what the instrument says, never in what is built: a tool may count backwards.
    # The words for a missing answer are understood in every file: readers write them.
    return own_or_missing | {text: own_or_missing[code] for text, code in mapped.items()}


def raw_answer_model(
    survey: Survey, instruments: dict[str, Instrument], settings: Settings
) -> pa.DataFrameSchema:
    """Every canonical column as text; null and blank are allowed, and mean what the column says."""
    columns = {
        "wave": _one_of(tuple(wave.id for wave in settings.waves), Reason.WAVE_UNKNOWN),
        "school": _one_of(tuple(school.id for school in settings.schools), Reason.SCHOOL_UNKNOWN),
        "class_group": [
            pa.Check.str_matches(
                class_pattern(settings.classes.names), error=Reason.CLASS_INVALID.value
            ),
            pa.Check(_is_no_date, error=Reason.CLASS_INVALID.value),
        ],
        "grade": _one_of(GRADES, Reason.GRADE_INVALID),
        "gender": _one_of(tuple(GENDER_WORDS), Reason.GENDER_INVALID),
        "pupil_code": [
            pa.Check.str_matches(PUPIL_CODE, error=Reason.PUPIL_CODE_INVALID.value),
            pa.Check(_is_no_identity, error=Reason.PUPIL_CODE_INVALID.value),
            pa.Check(_is_no_class, error=Reason.PUPIL_CODE_INVALID.value),
        ],
        "submission": [],
        "submitted_on": _date(Reason.DATE_INVALID),
        "enrolled_on": _enrolled_on(settings),
        "answer_time_ms": [],
        "had_text": [],
    }
    for name in survey.chosen:
        columns[name] = [pa.Check(_are_codes, error=Reason.CHOICE_INVALID.value)]
    for key in survey.instruments:
        for item in instruments[key].items:
            texts = tuple(answer_texts(survey, instruments[key], item.id))
            columns[f"{key}.{item.id}"] = _one_of(texts, Reason.ANSWER_NOT_AN_OPTION)
        for scale in instruments[key].supplied.values():
            texts = tuple(answer_texts(survey, instruments[key], scale.id))
            columns[f"{key}.{scale.id}"] = _supplied(scale, texts)
    return pa.DataFrameSchema(
        {name: pa.Column(pl.String, checks, nullable=True) for name, checks in columns.items()},
        name=f"raw_answer[{survey.id}]",
    )


def required_columns(survey: Survey) -> dict[str, Reason]:
    """Context that a row cannot do without, and the code for a row that lacks it."""
    required = {
        "school": Reason.SCHOOL_UNKNOWN,
        "class_group": Reason.CLASS_INVALID,
        "grade": Reason.GRADE_INVALID,
    }
    if survey.linkage == "pseudonymous":
        required["pupil_code"] = Reason.PUPIL_CODE_MISSING
    return required
