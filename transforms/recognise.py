"""Which survey a file belongs to, told by its columns and never by its name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from schemas.instrument import Instrument
from schemas.reason import Reason
from schemas.survey import CONTEXT_COLUMNS, Survey
from transforms.drift import columns_decision
from transforms.gate import personal_heading
from transforms.readers.reading import FileProblem
from transforms.spelling import composed

_CLASS_COLUMNS = frozenset({"school_year", "school", "class_group", "grade"})
CLASS_LIST_COLUMNS = _CLASS_COLUMNS | {"enrolled"}
PUPIL_LIST_COLUMNS = _CLASS_COLUMNS | {"pupil_code"}
PUPIL_LIST_DATES = frozenset({"enrolled_on", "left_on"})


@dataclass(frozen=True, slots=True)
class Layout:
    """How the columns of an export map to canonical ones.

    `source` maps a canonical column to the export's. `missing` are canonical columns that the
    survey must have and the export lacks; `unknown` are the columns that nobody has decided on,
    by the names that the file gives them: data from outside.
    """

    survey: Survey
    source: Mapping[str, str]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the export has all that the survey must have, and nothing undecided."""
        return not self.missing and not self.unknown


def is_class_list(columns: Sequence[str]) -> bool:
    """Whether the columns are those of our own class lists: a row a class, or a row a pupil."""
    return set(columns) == CLASS_LIST_COLUMNS or is_pupil_list(columns)


def is_pupil_list(columns: Sequence[str]) -> bool:
    """Whether the columns are those of the list with a row a pupil; its dates may be left out."""
    return PUPIL_LIST_COLUMNS <= set(columns) <= PUPIL_LIST_COLUMNS | PUPIL_LIST_DATES


def is_like_a_class_list(columns: Sequence[str]) -> bool:
    """Whether the columns are nearly those of a class list: no survey's file names these."""
    names = set(columns)
    marks = names & {"school_year", "enrolled", "left_on"}
    return bool(marks) and len(names & _CLASS_COLUMNS) >= len(_CLASS_COLUMNS) - 1


def missing_of_class_list(columns: Sequence[str]) -> str | None:
    """The first column that a class list must have and these lack; None where none is missing."""
    count = "pupil_code" if "pupil_code" in columns else "enrolled"
    needed = ("school_year", "school", "class_group", "grade", count)
    return next((name for name in needed if name not in columns), None)


def lay_out(
    columns: Sequence[str], survey: Survey, instruments: Mapping[str, Instrument]
) -> Layout:
    """Map an export's columns to the canonical ones as `survey` says.

    Headings are compared with each letter and its accent as one sign: a Mac writes them as two. Of
    our own format they may be in capitals, all of them, as some systems write them.
    """
    plain = _plain_heading(columns, survey)
    wanted = {name: plain(column) for name, column in _wanted(survey, instruments).items()}
    present = {plain(column): column for column in columns}
    source = {name: present[column] for name, column in wanted.items() if column in present}
    decided = {*wanted.values(), *map(plain, (*survey.dropped, *survey.free_text))}
    return Layout(
        survey=survey,
        source=source,
        missing=tuple(name for name in _required(survey, instruments) if name not in source),
        unknown=tuple(name for name in columns if plain(name) not in decided),
    )


def _plain_heading(columns: Sequence[str], survey: Survey) -> Callable[[str], str]:
    in_capitals = survey.tool == "canonical" and all(name.isupper() for name in columns)
    return (lambda name: composed(name).lower()) if in_capitals else composed


def recognise(
    table: pa.Table,
    surveys: Mapping[str, Survey],
    instruments: Mapping[str, Instrument],
    folder: str | None = None,
) -> Layout:
    """The one survey that the table's columns fit; raises as `choose` does."""
    layouts = [lay_out(table.column_names, survey, instruments) for survey in surveys.values()]
    return choose(layouts, table, folder)


def of_folder(layouts: Sequence[Layout], folder: str | None) -> list[Layout]:
    """Of several layouts that fit, those of the survey whose folder the file lies in.

    `folder` are the folders of the inbox with `/` between, None where it lies in none: the nearest
    that is somebody's wins. A folder is called as `inbox_folder` says, or else as the survey or its
    one school is; capitals and how accents are stored make no difference. A survey of no such name
    is not taken for the one that is meant: a file in a wrong place would be another school's.
    """
    if len(layouts) < 2 or folder is None:  # noqa: PLR2004 - there is a choice
        return list(layouts)
    for name in reversed(folder.split("/")):
        lies_in = _plain_folder(name)
        own = [one for one in layouts if lies_in == _plain_folder(one.survey.inbox_folder or "")]
        own = own or [one for one in layouts if lies_in in _other_names(one.survey)]
        if own:
            return own
    return list(layouts)


def folders_of(layouts: Sequence[Layout]) -> dict[str, str]:
    """For each survey of several layouts that fit, a folder that says it is this one's.

    As the survey file calls it, or else as its school or the survey is called; a survey that no
    name tells from the others has none.
    """
    found = {}
    for survey in {one.survey.id: one.survey for one in layouts}.values():
        names = (survey.inbox_folder, survey.constants.get("school"), survey.name, survey.id)
        for name in filter(None, names):
            if {one.survey.id for one in of_folder(layouts, name)} == {survey.id}:
                found[name] = survey.id
                break
    return found


def _plain_folder(name: str) -> str:
    return composed(name).strip().casefold()


def _other_names(survey: Survey) -> set[str]:
    """What people may call the folder of a survey besides what its file says."""
    return {
        _plain_folder(name)
        for name in (survey.id, survey.name, survey.constants.get("school", ""))
        if name
    }


def choose(layouts: Sequence[Layout], table: pa.Table, folder: str | None = None) -> Layout:
    """The one layout that fits; where several do, that of the folder of the inbox, if it is one's.

    Raises NOT_RECOGNISED where none comes near, SURVEYS_ALIKE where several fit, HEADER_MISMATCH,
    with the first column that is missing, where one comes near: most of its columns are there.
    PERSONAL_DATA where a column that nobody has decided on asks for a person and is filled in.
    """
    fitting = of_folder([layout for layout in layouts if layout.fits], folder)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise FileProblem(Reason.SURVEYS_ALIKE).with_folders(folders_of(fitting))
    near = [layout for layout in layouts if len(layout.source) > len(layout.missing)]
    if not near:
        raise FileProblem(Reason.NOT_RECOGNISED)
    closest = max(near, key=lambda layout: len(layout.source))
    require_no_person(closest.unknown, table)
    raise FileProblem(
        Reason.HEADER_MISMATCH,
        column=next(iter(closest.missing), None),
        decision=columns_decision(
            closest.survey.id,
            missing={name: _column_of(closest.survey, name) for name in closest.missing},
            added=closest.unknown,
        ),
    ).with_columns(closest.missing, len(closest.unknown))


def require_no_person(columns: Sequence[str], table: pa.Table) -> None:
    """Raise PERSONAL_DATA where one of these asks for a person and is filled in."""
    for name in columns:
        if personal_heading(name) and _is_filled_in(name, table):
            raise FileProblem(Reason.PERSONAL_DATA, column=_told(name, table))


def _is_filled_in(name: str, table: pa.Table) -> bool:
    if name not in table.column_names:  # another codebook calls it something else
        return True
    cells = pc.utf8_trim_whitespace(pc.unique(table.column(name).cast(pa.string())))
    return bool(pc.any(pc.not_equal(cells, "")).as_py())


def _told(name: str, table: pa.Table) -> str:
    """A heading that only asks, in words that we know; one with more in it by its number."""
    if all(sign.isalpha() or sign in " -_" for sign in name):
        return name
    return str(table.column_names.index(name) + 1) if name in table.column_names else "?"


def _column_of(survey: Survey, name: str) -> str:
    """The export's column that a canonical one stands in; our own name in our own format."""
    told = survey.chosen.get(name) or survey.items.get(name) or survey.columns.get(name)
    return told or name


def item_columns(survey: Survey, instruments: Mapping[str, Instrument]) -> list[str]:
    """The canonical answer columns of a survey, in the order of its instruments."""
    return [f"{key}.{name}" for key in survey.instruments for name in instruments[key].columns]


def told_columns(survey: Survey, instruments: Mapping[str, Instrument]) -> list[str]:
    """The canonical columns of what pupils tell: their answers, and whom they chose."""
    return [*item_columns(survey, instruments), *survey.chosen]


def _wanted(survey: Survey, instruments: Mapping[str, Instrument]) -> dict[str, str]:
    """Canonical column -> export column. Our own format names columns canonically."""
    own = survey.tool == "canonical"
    context = {
        name: survey.columns.get(name, name if own else "")
        for name in CONTEXT_COLUMNS
        if name not in survey.constants
    }
    if survey.linkage == "none":
        context.pop("pupil_code", None)
    items = {
        name: survey.items.get(name, name if own else "")
        for name in item_columns(survey, instruments)
    }
    asked = {**context, **items, **survey.chosen}
    return {name: column for name, column in asked.items() if column}


def _required(survey: Survey, instruments: Mapping[str, Instrument]) -> list[str]:
    context = ["school", "class_group", "grade"]
    if survey.linkage == "pseudonymous":
        context.append("pupil_code")
    context = [name for name in context if name not in survey.constants]
    items = item_columns(survey, instruments)
    asked = (*context, *items, *survey.chosen)
    return [name for name in asked if name not in survey.not_asked]
