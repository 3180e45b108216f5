"""Class lists on their way in: our own two templates, and what a register exports."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb
import pyarrow.compute as pc
from polars.exceptions import PolarsError
from pyarrow import ArrowException

from flows.home import Config
from flows.reading import room as reading_room
from schemas.reason import Reason
from transforms.class_list import list_of_counts
from transforms.code_names import codes_may_be_names, files_of_names
from transforms.gate import Place, persons_among
from transforms.listed import Listed
from transforms.oneroster import ACTIVE, Roster
from transforms.oneroster_files import is_oneroster
from transforms.pupil_list import list_of_pupils
from transforms.readers.reading import FileProblem, Reading
from transforms.recognise import is_pupil_list
from transforms.roster_list import list_of_roster, merge_roster
from transforms.roster_sheet import FORMAT, from_sheet
from transforms.undecided import (
    births_in_list,
    codes_in_list,
    numbers_in_broken,
    numbers_in_list,
    persons_in_columns,
    without_chance,
)
from warehouse.class_lists import load_class_list
from warehouse.entries import Incoming, Loaded
from warehouse.list_zeros import require_whole_codes
from warehouse.rosters import load_roster
from warehouse.stages import fingerprint


@dataclass(frozen=True, slots=True)
class ClassList:
    """A class list that was recognised: a table of ours, or a register's package."""

    content: Reading | Roster = field(repr=False)


def package_of(content: bytes, config: Config) -> ClassList | None:
    """A register's package, read by the child; None where the file is none. Raises FileProblem.

    A whole package without pupils who are there is refused: it would empty every class.
    """
    if not is_oneroster(content):
        return None
    reader = f"{FORMAT} {config.settings.class_lists.pupil_code}"
    roster = from_sheet(reading_room.read(reader, content))
    there = pc.equal(roster.enrolment["status"], ACTIVE)
    if roster.modes["enrollments"] == "bulk" and not pc.any(there).as_py():
        raise FileProblem(Reason.NO_ROWS)
    return ClassList(roster)


def declared(config: Config) -> str:
    """A digest of the settings that a class list's rows are held against."""
    settings = config.settings
    return fingerprint(
        [school.model_dump() for school in settings.schools],
        settings.class_lists.model_dump(),
        sorted(settings.classes.names),
    )


def _require_nobody(found: ClassList) -> None:
    """Raise PERSONAL_DATA where a code or a class's name is a person's number or address.

    A register's package is no table: of its persons the columns are told, and no rows.
    """
    if isinstance(found.content, Reading):
        reading = found.content
        people = [*without_chance(persons_in_columns(reading, _PLACES), reading)]
        people += numbers_in_broken(reading.malformed)
        people += [*births_in_list(reading), *numbers_in_list(reading)]
    else:
        roster = found.content
        cells = {
            "pupil_code": pc.unique(roster.codes.column(1)),
            "class_group": pc.unique(roster.classes["class_group"]),
        }
        told = persons_among(cells, _PLACES)
        people = [(0, kind, name) for name, kinds in told.items() for kind in kinds]
    if people:
        column = next((column for _, _, column in people if column), None)
        raise FileProblem(Reason.PERSONAL_DATA, column=column, persons=tuple(sorted(set(people))))


def _require_codes(found: ClassList, config: Config) -> None:
    """Raise CODES_MAY_BE_NAMES where most codes of a list are words, and nobody has said why."""
    if config.settings.pupil_codes.of_letters or not isinstance(found.content, Reading):
        return
    reading = found.content
    if "pupil_code" in reading.table.column_names and files_of_names(codes_in_list(reading)):
        raise codes_may_be_names(rows=reading.delivered)


_PLACES: Mapping[str, Place] = {
    "pupil_code": "code",
    "enrolled": "id",
    "enrolled_on": "id",
    "left_on": "id",
}


def load(
    con: duckdb.DuckDBPyConnection,
    found: ClassList,
    config: Config,
    *,
    incoming: Incoming,
    now: datetime,
) -> Loaded:
    """Load a class list; FileProblem where it cannot be read, holds persons, or lost its zeros."""
    _require_nobody(found)
    _require_codes(found, config)
    try:
        return _load(con, found, config, replace(incoming, declared=declared(config)), now=now)
    except (PolarsError, ArrowException):
        # What nobody foresaw in one list must not stop the files of everybody else.
        raise FileProblem(Reason.UNREADABLE) from None


def _load(
    con: duckdb.DuckDBPyConnection,
    found: ClassList,
    config: Config,
    incoming: Incoming,
    *,
    now: datetime,
) -> Loaded:
    if isinstance(found.content, Roster):
        return load_roster(
            con,
            found.content,
            settings=config.settings,
            incoming=incoming,
            key=config.key,
            now=now,
        )
    listed = _of_table(found.content, config)
    require_whole_codes(con, listed.pupils, key=config.key)
    return load_class_list(con, listed, incoming=incoming, key=config.key, now=now)


def preview(found: ClassList, config: Config) -> Listed:
    """What a class list says, for a look at it; changes are seen without what they change."""
    _require_nobody(found)
    _require_codes(found, config)
    if isinstance(found.content, Reading):
        return _of_table(found.content, config)
    roster = found.content
    register = merge_roster(roster.classes.slice(0, 0), roster.enrolment.slice(0, 0), roster)
    codes = roster.codes.rename_columns(["person", "pupil"])
    return list_of_roster(register, codes, roster, config.settings)


def _of_table(reading: Reading, config: Config) -> Listed:
    if is_pupil_list(reading.table.column_names):
        return list_of_pupils(reading, config.settings)
    return list_of_counts(reading, config.settings)
