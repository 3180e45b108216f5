"""`klassepuls quarantine map`: a text that no check understood is read as ours from now on.

The text is a cell, so it is stored in the restricted fix-map and told nowhere. The order of steps
makes a command that was cut off safe to give again: first the audit event, then the map, then the
files go back to the inbox, where the next run reads them once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from flows.hand import hand
from flows.home import Config, Home, HomeError, load_config
from flows.quarantine.bring_back import bring_back
from flows.quarantine.fixes import read_fixes, write_fixes
from flows.road import at_work
from schemas.survey import Survey
from transforms.class_spelling import plain_name
from transforms.fixes import fixable_columns, is_target, is_understood
from transforms.pseudonym import keyed_digest
from warehouse import audit
from warehouse.ledger import ask_again
from warehouse.quarantine import (
    deliveries_of_class,
    deliveries_read_since,
    deliveries_waiting_for,
)
from warehouse.store import transaction

MAPPED, FORGOTTEN = "quarantine.mapped", "quarantine.map_forgotten"


@dataclass(frozen=True, slots=True)
class Fix:
    """A text of a survey's export in one column, and our value that it means."""

    survey: str
    column: str
    text: str
    ours: str


@dataclass(frozen=True, slots=True)
class BroughtBack:
    """Files that lie in the inbox again, and files that should and are not there any more."""

    files: int
    missing: int


def add_fix(home: Home, fix: Fix, *, now: datetime) -> BroughtBack:
    """Remember a fix, and put the files back whose rows could not be read for that column."""
    config = load_config(home)
    _require_sound(fix, config)
    book = read_fixes(home.fixes_file)
    texts = book.setdefault(fix.survey, {}).setdefault(fix.column, {})
    with at_work(home, config, now=now) as con:
        mapped, forgotten = _told(con, MAPPED, fix, config), _told(con, FORGOTTEN, fix, config)
        if not mapped or (forgotten and forgotten > mapped):
            _tell(con, MAPPED, fix, config, now=now)
        texts[fix.text] = fix.ours
        write_fixes(home.fixes_file, book)
        declared = load_config(home).declared[fix.survey]
        unread = deliveries_waiting_for(con, fix.survey, fix.column, declared=declared)
        if fix.column == "class_group":
            names = config.settings.classes.names
            unread += deliveries_of_class(
                con, fix.survey, plain_name(fix.text, names), declared=declared
            )
        with transaction(con):
            ask_again(con, unread)
        return _bring_back(home, sorted(set(unread)))


def forget_fix(home: Home, survey: str, column: str, text: str, *, now: datetime) -> BroughtBack:
    """Take a fix back, and read every file of the survey again that was read with it."""
    config = load_config(home)
    book = read_fixes(home.fixes_file)
    ours = book.get(survey, {}).get(column, {}).get(text)
    if ours is None:
        raise HomeError("no such text is mapped in this survey and column")
    fix = Fix(survey, column, text, ours)
    with at_work(home, config, now=now) as con:
        mapped, forgotten = _told(con, MAPPED, fix, config), _told(con, FORGOTTEN, fix, config)
        since = mapped[1] if mapped else datetime.min.replace(tzinfo=now.tzinfo)
        read_with_it = deliveries_read_since(con, survey, since)
        with transaction(con):
            if not forgotten or (mapped and mapped > forgotten):
                _tell(con, FORGOTTEN, fix, config, now=now)
            ask_again(con, read_with_it)
        brought = _bring_back(home, read_with_it)
        # Last of all, so that the command can be given again until every file is on its way.
        del book[survey][column][text]
        write_fixes(home.fixes_file, book)
    return brought


def list_fixes(home: Home) -> list[dict[str, Any]]:
    """Every fix: survey, column and our value; of the text only a digest and its length."""
    config = load_config(home)
    return [
        {
            "survey": survey,
            "column": column,
            "read_as": ours,
            "text_digest": _digest(text, config),
            "text_length": len(text),
        }
        for survey, columns in sorted(read_fixes(home.fixes_file).items())
        for column, texts in sorted(columns.items())
        for text, ours in sorted(texts.items())
    ]


def _require_sound(fix: Fix, config: Config) -> None:
    survey = config.surveys.get(fix.survey)
    if survey is None:
        raise HomeError("no survey has this id: --survey takes the id in a file of surveys/")
    if fix.column not in fixable_columns(survey, config.instruments):
        raise HomeError(
            "this column cannot be mapped: --column takes wave, school, class_group, grade, gender"
            " or a question as `klassepuls quarantine show` names it"
        )
    if not fix.text or not fix.text.isprintable():
        raise HomeError("--from takes the text of a cell: some signs on one line")
    known = (survey, config.instruments, config.settings)
    if not is_target(fix.column, fix.ours, *known):
        raise HomeError("--to is none of our values in this column: see the survey's settings")
    _require_unknown_text(fix, survey, config)


def _require_unknown_text(fix: Fix, survey: Survey, config: Config) -> None:
    """A text that is read already keeps its meaning: sound rows stand on it.

    Not so the name of a class: what pupils call it is theirs, and its rows are read again.
    """
    said = survey.codes.get(fix.column, {}).get(fix.text)
    if said not in (None, fix.ours):
        raise HomeError(
            "this text is read as something else already: forget that first (--forget), or mend"
            " the survey file"
        )
    if fix.column == "class_group":
        _require_another_class(fix, config)
        return
    known = (survey, config.instruments, config.settings)
    if said is None and is_understood(fix.column, fix.text, *known):
        raise HomeError("this text is one of our values in this column: no row waits for it")


def _require_another_class(fix: Fix, config: Config) -> None:
    names = config.settings.classes.names
    if plain_name(fix.text, names) == plain_name(fix.ours, names):
        raise HomeError("these are spellings of one class already: no row stands in another one")


def _bring_back(home: Home, delivery_ids: Sequence[str]) -> BroughtBack:
    found = bring_back(home, delivery_ids)
    return BroughtBack(len(found), len(set(delivery_ids) - found))


def _detail(fix: Fix, config: Config) -> dict[str, object]:
    return {"column": fix.column, "read_as": fix.ours, "text_digest": _digest(fix.text, config)}


def _digest(text: str, config: Config) -> str:
    return keyed_digest(text.encode(), key=config.key)[:12]


def _told(
    con: duckdb.DuckDBPyConnection, action: str, fix: Fix, config: Config
) -> tuple[int, datetime] | None:
    return audit.last_told(con, action=action, subject=fix.survey, detail=_detail(fix, config))


def _tell(
    con: duckdb.DuckDBPyConnection, action: str, fix: Fix, config: Config, *, now: datetime
) -> None:
    audit.append(
        con,
        by=hand(config),
        action=action,
        subject=fix.survey,
        detail=_detail(fix, config),
        now=now,
    )
