"""OneRoster 1.1 and 1.2 class lists: which classes there are, and which pupil goes to which.

The package is a zip of CSV files; `manifest.csv` says of each whether it is whole (`bulk`), tells
changes only (`delta`) or is `absent`. Of users only the number and the status are read.

- `school` is the organisation's `identifier` (in Norway the organisation number) where it has one
  that no other has, else its `sourcedId`.
- `class_group` is the class's `title`, or its `classCode` where it has no title.
- `grade` is the class's, or else its course's, without noughts in front. A class of several grades
  keeps them all (`5,6`).
- `school_year` comes from the dates of the class's sessions. Only where they have none is it read
  from `schoolYear`, which is the year the school year ends in, and which some fill in otherwise.
- A school's classes are its `homeroom` ones, for the others are subjects. A school without any
  `homeroom` class has all of its classes listed.
- A user, a class or an enrolment whose status is anything but `active` or blank has left.

A date that is not ISO counts where the file proves the order of day and month; else it is null, and
counted. Pupils are named by their `sourcedId`: the caller turns it into a pseudonym before anything
is stored. Which column is the pupil code of the surveys, if any is, is the municipality's setting.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl
import pyarrow as pa

from schemas.answer import LOOKS_PERSONAL, PUPIL_CODE
from schemas.reason import Reason
from transforms.oneroster_files import MAX_BROKEN, Mode, read_package
from transforms.oneroster_years import class_years, dates, school_years
from transforms.readers.reading import FileProblem

ACTIVE, LEFT = "active", "tobedeleted"
CLASS_COLUMNS = (
    "class_id",
    "school",
    "school_id",
    "class_group",
    "grade",
    "school_year",
    "class_type",
    "status",
)
ENROLMENT_COLUMNS = (
    "enrolment",
    "school",
    "school_id",
    "class_id",
    "class_group",
    "pupil",
    "begin_date",
    "end_date",
    "status",
)

CODE_COLUMNS = ("pupil", "code")
PupilCode = Literal["sourcedId", "identifier", "none"]

_NO_CODES = pl.DataFrame(schema=dict.fromkeys(CODE_COLUMNS, pl.String))
_ENDS = ("status", "end_date")
_PLACE = ("classsourcedid", "usersourcedid")
_DATES = ("begin_date", "end_date")
# Who else has a place in a class. Any other word may mean a pupil, and a person has to look.
_NO_PUPILS = (
    *("administrator", "aide", "counselor", "districtadministrator", "guardian", "parent"),
    *("principal", "proctor", "relative", "siteadministrator", "systemadministrator", "teacher"),
)


@dataclass(frozen=True, slots=True)
class Roster:
    """What one package says.

    `classes`: `CLASS_COLUMNS`, all text. `enrolment`: `ENROLMENT_COLUMNS`, one row a pupil and
    class, the dates as date32, the rest text; those who left are in it, with their status. In a
    delta both hold what changed, and null is what the package does not say. `removed_pupils` are
    users that are no longer there. `codes` has columns pupil and code, the pupil code of the
    surveys in capitals. `unread` counts by file the rows that could not be used, under `dates` the
    dates of enrolments that no proof reads, and under `codes` those that can be no pupil code.
    """

    classes: pa.Table = field(repr=False)
    enrolment: pa.Table = field(repr=False)
    modes: Mapping[str, Mode]
    removed_pupils: pa.Array = field(repr=False)
    unread: Mapping[str, int]
    codes: pa.Table = field(default_factory=lambda: _arrow(_NO_CODES, CODE_COLUMNS), repr=False)


def read_rosters(content: bytes, *, pupil_code: PupilCode = "none") -> Roster:
    """The classes and enrolments of a package; `pupil_code` is the column of users that is it.

    Raises `FileProblem`: NO_ROWS where the manifest promises neither classes nor enrolments, nor
    changes of users, and what `read_package` raises.
    """
    package = read_package(content, with_identifier=pupil_code == "identifier")
    tables, modes = package.tables, package.modes
    if modes["classes"] == modes["enrollments"] == "absent" and modes["users"] != "delta":
        raise FileProblem(Reason.NO_ROWS)
    schools = _schools(tables["orgs"])
    classes = _classes(tables, schools, is_whole=modes["classes"] == "bulk")
    removed = tables["users"].filter(_status() == LEFT)["sourcedid"].drop_nulls().unique().sort()
    pupils, unusable = _pupils_only(tables["enrollments"], tables["roles"])
    enrolment = _mark_left(_enrolment(pupils, classes, schools), removed, classes)
    more = {
        "classes": tables["classes"].height - classes.height,
        "enrollments": unusable,
        "dates": _count(pupils, "begindate", "enddate") - _count(enrolment, *_DATES),
    }
    told = _told_codes(enrolment, tables["users"], pupil_code)
    codes = told.filter(
        pl.col("code").str.contains(PUPIL_CODE), ~pl.col("code").str.contains(LOOKS_PERSONAL)
    )
    more["codes"] = told.height - codes.height
    if unusable > MAX_BROKEN:
        raise FileProblem(Reason.TOO_LARGE)
    unread = {name: package.unread.get(name, 0) + more.get(name, 0) for name in {**modes, **more}}
    return Roster(
        classes=_arrow(classes, CLASS_COLUMNS),
        enrolment=_arrow(enrolment, ENROLMENT_COLUMNS),
        modes=modes,
        removed_pupils=removed.to_arrow().cast(pa.string()),
        unread={name: count for name, count in unread.items() if count},
        codes=_arrow(codes, CODE_COLUMNS),
    )


def _told_codes(
    enrolment: pl.DataFrame, users: pl.DataFrame, pupil_code: PupilCode
) -> pl.DataFrame:
    """What stands for each pupil's code, sound or not, once a pupil."""
    if pupil_code == "none":
        return _NO_CODES
    told = enrolment.select("pupil", pl.col("pupil").alias("code"))
    if pupil_code == "identifier":
        told = users.select(pl.col("sourcedid").alias("pupil"), pl.col("identifier").alias("code"))
    return (
        told.drop_nulls()
        .unique("pupil", keep="last", maintain_order=True)
        .with_columns(pl.col("code").str.to_uppercase())
    )


def class_list(classes: pa.Table, enrolment: pa.Table, *, on: date | None = None) -> pa.Table:
    """The class list: school_year, school, class_group, grade and `enrolled`, the number of pupils.

    Counted are pupils with an active enrolment, once each; with `on`, only where the enrolment's
    dates, as far as it has any, include that day. Classes of one name, year and school are one.
    """
    listed = pl.DataFrame(classes).filter(_status() == ACTIVE)
    is_home = pl.col("class_type") == "homeroom"
    has_home = is_home.any().over("school_id")
    counted = pl.DataFrame(enrolment).filter(_status() == ACTIVE)
    if on is not None:
        begin, end = (pl.col(name).is_null() for name in _DATES)
        counted = counted.filter(begin | (pl.col(_DATES[0]) <= on), end | (pl.col(_DATES[1]) >= on))
    counts = (
        listed.filter(is_home.fill_null(value=False) | ~has_home.fill_null(value=False))
        .with_columns(pl.coalesce("school", "school_id").alias("school"))
        .join(counted.select("class_id", "pupil"), on="class_id", how="left")
        .group_by("school_year", "school", "class_group", "grade", maintain_order=True)
        .agg(pl.col("pupil").drop_nulls().n_unique().cast(pl.Int32).alias("enrolled"))
    )
    return _arrow(counts, counts.columns)


def apply_delta(before: pa.Table, delta: Roster) -> pa.Table:
    """The enrolments after a package: those of `before`, changed and added to as `delta` says.

    Who left stays in the table as `tobedeleted`, so a pupil who moved stands in both classes. What
    a deletion leaves blank is known from `before`. Whole enrolments (`bulk`) replace all of them.
    """
    known, told = pl.DataFrame(before), pl.DataFrame(delta.enrolment)
    is_whole = delta.modes["enrollments"] == "bulk"
    merged = told if is_whole else _merged(known, told, "enrolment", ENROLMENT_COLUMNS[1:])
    removed = pl.Series(delta.removed_pupils, dtype=pl.String)
    # A deletion of what was never there tells nothing.
    after = _mark_left(merged, removed, pl.DataFrame(delta.classes)).drop_nulls(
        ["class_id", "pupil"]
    )
    return _arrow(_named(after, known, delta), ENROLMENT_COLUMNS)


def apply_class_delta(before: pa.Table, delta: Roster) -> pa.Table:
    """The classes after a package: what `apply_delta` does, for `Roster.classes`."""
    if delta.modes["classes"] == "bulk":
        return delta.classes
    known, told = pl.DataFrame(before), pl.DataFrame(delta.classes)
    after = _merged(known, told, "class_id", CLASS_COLUMNS[1:], always_known=("school_year",))
    schools = _known_by(known, "school_id", "school")
    named = after.join(schools, on="school_id", how="left", maintain_order="left").with_columns(
        pl.coalesce("school", "school_known").alias("school")
    )
    return _arrow(named, CLASS_COLUMNS)


def _merged(
    known: pl.DataFrame,
    told: pl.DataFrame,
    key: str,
    columns: Sequence[str],
    always_known: Collection[str] = (),
) -> pl.DataFrame:
    """One row a key. An active row says all of it; a deletion ends what is known, and no more.

    A column of `always_known` is kept where an active row lacks it: it is told in another file.
    """
    both = known.join(
        told, on=key, how="full", suffix="_new", coalesce=True, maintain_order="left_right"
    )
    says_all = (pl.col("status_new") == ACTIVE).fill_null(value=False)
    return both.with_columns(
        pl.when(says_all & pl.lit(name not in always_known))
        .then(f"{name}_new")
        .otherwise(
            pl.coalesce(f"{name}_new", name) if name in _ENDS else pl.coalesce(name, f"{name}_new")
        )
        .alias(name)
        for name in columns
    )


def _named(after: pl.DataFrame, known: pl.DataFrame, delta: Roster) -> pl.DataFrame:
    """School and class by their numbers, where a package tells no more than those."""
    renamed = pl.DataFrame(delta.classes).select("class_id", pl.col("class_group").alias("renamed"))
    by_class = _known_by(known, "class_id", "class_group", "school_id")
    by_school = _known_by(known, "school_id", "school")
    return (
        after.join(renamed, on="class_id", how="left", maintain_order="left")
        .join(by_class, on="class_id", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("renamed", "class_group", "class_group_known").alias("class_group"),
            pl.coalesce("school_id", "school_id_known").alias("school_id"),
        )
        .join(by_school, on="school_id", how="left", maintain_order="left")
        .with_columns(pl.coalesce("school", "school_known").alias("school"))
    )


def _known_by(known: pl.DataFrame, key: str, *names: str) -> pl.DataFrame:
    """What is known of each key: the first cell of each column that is not null."""
    first = pl.col(names).drop_nulls().first().name.suffix("_known")
    return known.drop_nulls(key).group_by(key, maintain_order=True).agg(first)


def _status() -> pl.Expr:
    """Active or left: blank is active, for a whole file need not say so."""
    told = pl.col("status").str.to_lowercase().fill_null(ACTIVE)
    return pl.when(told == ACTIVE).then(pl.lit(ACTIVE)).otherwise(pl.lit(LEFT))


def _schools(orgs: pl.DataFrame) -> pl.DataFrame:
    """school_id and school: the identifier, unless it is blank or another has it too."""
    orgs = orgs.drop_nulls("sourcedid").unique("sourcedid", keep="last", maintain_order=True)
    own = pl.when(pl.col("identifier").is_unique()).then("identifier")
    return orgs.select(
        pl.col("sourcedid").alias("school_id"), pl.coalesce(own, "sourcedid").alias("school")
    )


def _classes(
    tables: Mapping[str, pl.DataFrame], schools: pl.DataFrame, *, is_whole: bool
) -> pl.DataFrame:
    """`CLASS_COLUMNS`; a class without a number, or an active one without a school, is left out."""
    courses = tables["courses"].select(
        pl.col("sourcedid").alias("coursesourcedid"), pl.col("grades").alias("course_grades")
    )
    listed = (
        tables["classes"]
        .rename({"sourcedid": "class_id", "schoolsourcedid": "school_id"})
        .with_columns(_status().alias("status"), pl.col("classtype").str.to_lowercase())
        .filter(pl.col("class_id").is_not_null())
        .filter(pl.col("school_id").is_not_null() | (pl.col("status") == LEFT))
        .unique("class_id", keep="last", maintain_order=True)
        .join(schools, on="school_id", how="left", maintain_order="left")
        .join(
            courses.unique("coursesourcedid"),
            on="coursesourcedid",
            how="left",
            maintain_order="left",
        )
    )
    years = class_years(listed, school_years(tables["academicsessions"]))
    return listed.join(years, on="class_id", how="left", maintain_order="left").select(
        "class_id",
        (pl.coalesce("school", "school_id") if is_whole else pl.col("school")).alias("school"),
        "school_id",
        pl.coalesce("title", "classcode").alias("class_group"),
        _plain_grades(pl.coalesce("grades", "course_grades")).alias("grade"),
        "school_year",
        pl.col("classtype").alias("class_type"),
        "status",
    )


def _plain_grades(grades: pl.Expr) -> pl.Expr:
    """`5,6` of `05, 06,`."""
    plain = grades.str.replace_all(" ", "").str.strip_chars(",").replace("", None)
    return plain.str.replace_all(r"\b0+(\d)", "$1")


def _pupils_only(enrollments: pl.DataFrame, roles: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The enrolments of pupils, and how many rows are no use.

    Where an enrolment has no role, the user's role decides (1.2 has a file of them). A deletion
    needs no more than the enrolment's number.
    """
    role = pl.col("role").str.to_lowercase()
    is_student = role == "student"
    students = roles.filter(is_student & (_status() == ACTIVE))["usersourcedid"].drop_nulls()
    named = pl.col("classsourcedid").is_not_null() & pl.col("usersourcedid").is_not_null()
    is_pupil = is_student | pl.col("usersourcedid").is_in(students.unique().implode())
    may_be = enrollments.filter(role.is_null() | ~role.is_in(_NO_PUPILS))
    usable = may_be.filter(
        pl.col("sourcedid").is_not_null() & ((_status() == LEFT) | (named & is_pupil))
    )
    kept = usable.unique("sourcedid", keep="last", maintain_order=True)
    return kept, may_be.height - usable.height + _overwritten(usable)


def _overwritten(usable: pl.DataFrame) -> int:
    """Pupils who are lost because another has the same number, of those that stay."""
    standing = usable.filter(_status() == ACTIVE).select("sourcedid", *_PLACE)
    return standing.unique().height - standing["sourcedid"].n_unique()


def _enrolment(pupils: pl.DataFrame, classes: pl.DataFrame, schools: pl.DataFrame) -> pl.DataFrame:
    """`ENROLMENT_COLUMNS`; school and class null where the package does not name them."""
    begin, end = dates(pupils["begindate"], pupils["enddate"])
    own = classes.select("class_id", "class_group", "school", "school_id")
    elsewhere = schools.rename({"school_id": "schoolsourcedid", "school": "school_elsewhere"})
    return (
        pupils.with_columns(begin.alias("begin_date"), end.alias("end_date"))
        .rename({"sourcedid": "enrolment", "classsourcedid": "class_id", "usersourcedid": "pupil"})
        .join(own, on="class_id", how="left", maintain_order="left")
        .join(elsewhere, on="schoolsourcedid", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("school", "school_elsewhere").alias("school"),
            pl.coalesce("school_id", "schoolsourcedid").alias("school_id"),
            _status().alias("status"),
        )
    )


def _mark_left(enrolment: pl.DataFrame, removed: pl.Series, classes: pl.DataFrame) -> pl.DataFrame:
    """An enrolment has ended where the pupil or the class has."""
    closed = classes.filter(pl.col("status") == LEFT)["class_id"]
    has_left = pl.col("pupil").is_in(removed.implode()) | pl.col("class_id").is_in(closed.implode())
    status = pl.when(has_left).then(pl.lit(LEFT)).otherwise("status")
    return enrolment.with_columns(status.alias("status"))


def _arrow(frame: pl.DataFrame, columns: Sequence[str]) -> pa.Table:
    """The columns as an Arrow table with plain strings."""
    table = frame.select(columns).to_arrow()
    types = [pa.string() if pa.types.is_large_string(one) else one for one in table.schema.types]
    return table.cast(pa.schema(list(zip(table.column_names, types, strict=True))))


def _count(frame: pl.DataFrame, *columns: str) -> int:
    return sum(frame.height - frame[name].null_count() for name in columns)
