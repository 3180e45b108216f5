"""Remembered fixes: how a text of an export, that no check understood, is to be read from now on.

A fix becomes part of the survey's `codes`, the same mechanism as in the survey file, which goes
first where both speak of the same text.
"""

from collections.abc import Mapping

import polars as pl
from pandera.errors import SchemaError

from schemas.answer import MISSING, raw_answer_model
from schemas.instrument import Instrument
from schemas.settings import Settings
from schemas.survey import Survey
from transforms.recognise import item_columns

# The context whose texts mean one of a few things. A code is a pupil's: no text stands for one.
FIXABLE_CONTEXT = ("wave", "school", "class_group", "grade", "gender")

# column -> text of the export -> our value
Fixes = Mapping[str, Mapping[str, str]]


def fixable_columns(survey: Survey, instruments: Mapping[str, Instrument]) -> list[str]:
    """The canonical columns whose texts may be mapped."""
    return [*FIXABLE_CONTEXT, *item_columns(survey, instruments)]


def is_understood(
    column: str,
    text: str,
    survey: Survey,
    instruments: Mapping[str, Instrument],
    settings: Settings,
) -> bool:
    """Whether a cell may say this in the column, as the row model has it."""
    model = raw_answer_model(survey, dict(instruments), settings).select_columns([column])
    try:
        model.validate(pl.DataFrame({column: [text]}))
    except SchemaError:
        return False
    return True


def is_target(
    column: str,
    value: str,
    survey: Survey,
    instruments: Mapping[str, Instrument],
    settings: Settings,
) -> bool:
    """Whether a text may be read as this: an option code, a kind of missing, or a known context."""
    if column in FIXABLE_CONTEXT:
        return is_understood(column, value, survey, instruments, settings)
    key, _, item = column.partition(".")
    return value in {str(code) for code in instruments[key].codes(item)} | set(MISSING)


def with_fixes(survey: Survey, fixes: Fixes, instruments: Mapping[str, Instrument]) -> Survey:
    """The survey with its remembered fixes; those that its items no longer know are left out."""
    usable = {
        column: {**_still_options(column, texts, instruments), **survey.codes.get(column, {})}
        for column, texts in fixes.items()
        if column in fixable_columns(survey, instruments)
    }
    if not usable:
        return survey
    return survey.model_copy(update={"codes": {**survey.codes, **usable}})


def _still_options(
    column: str, texts: Mapping[str, str], instruments: Mapping[str, Instrument]
) -> dict[str, str]:
    if column in FIXABLE_CONTEXT:
        return dict(texts)
    key, _, item = column.partition(".")
    options = {str(code) for code in instruments[key].codes(item)} | set(MISSING)
    return {text: value for text, value in texts.items() if value in options}
