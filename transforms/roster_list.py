"""From what a register has told, whole or in changes, to the class list that it makes.

Both functions work on pseudonyms: whoever calls them has turned every number of a class, a user and
an enrolment before (warehouse/rosters.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import polars as pl
import pyarrow as pa

from schemas.class_list import first_year, is_near, roster_class_model
from schemas.reason import Reason
from schemas.settings import Settings
from transforms.class_spelling import plain_class
from transforms.held import HeldRow
from transforms.listed import (
    LISTED_CLASSES,
    LISTED_PUPILS,
    Listed,
    arrow,
    failed_rows,
    is_unlike_class,
    our_school,
)
from transforms.oneroster import ACTIVE, Roster, apply_class_delta, apply_delta

_YEAR = ["school_id", "school_year"]
_CLASS = [*_YEAR, "class_group"]


@dataclass(frozen=True, slots=True)
class Register:
    """All that a register has told: classes and enrolments as in `Roster`, and `touched`.

    `touched` are the schools (`school`, `school_id` as the register has them) and school years that
    the last package spoke of.
    """

    classes: pa.Table = field(repr=False)
    enrolment: pa.Table = field(repr=False)
    touched: pa.Table = field(repr=False)


def merge_roster(classes: pa.Table, enrolment: pa.Table, told: Roster) -> Register:
    """The register after a package.

    A whole package replaces the school years of the schools that it names, and no others: each
    school may deliver its own.
    """
    known, named = pl.DataFrame(classes), pl.DataFrame(enrolment)
    after = _merged_classes(known, told)
    both = pl.concat([known, after]).unique("class_id", keep="last", maintain_order=True)
    placed = _merged_enrolment(named, both, told)
    touched = pl.concat([_changed(known, after), _changed(named, placed), *_ids_told(told)])
    years = both.join(touched, on="class_id", how="semi")
    return Register(
        after.to_arrow(),
        placed.to_arrow(),
        years.select("school", *_YEAR).unique(maintain_order=True).to_arrow(),
    )


def register_as_it_is(classes: pa.Table, enrolment: pa.Table, told: Roster) -> Register:
    """The register as known, touched where a package speaks: for one that counts already.

    To apply it again would undo what has come since.
    """
    known = pl.DataFrame(classes)
    years = known.join(pl.concat(_ids_told(told)), on="class_id", how="semi")
    touched = years.select("school", *_YEAR).unique(maintain_order=True)
    return Register(classes, enrolment, touched.to_arrow())


def _merged_classes(known: pl.DataFrame, told: Roster) -> pl.DataFrame:
    if told.modes["classes"] != "bulk":
        return pl.DataFrame(apply_class_delta(known.to_arrow(), told)).select(known.columns)
    new = pl.DataFrame(told.classes)
    of_no_year = pl.col("school_year").is_null() & pl.col("school_id").is_in(
        new["school_id"].unique().implode()
    )
    kept = (
        known.join(new, on=_YEAR, how="anti")
        .filter(~of_no_year)
        .join(new, on="class_id", how="anti")
    )
    return pl.concat([kept, new.select(known.columns)])


def _merged_enrolment(known: pl.DataFrame, classes: pl.DataFrame, told: Roster) -> pl.DataFrame:
    if told.modes["enrollments"] != "bulk":
        return pl.DataFrame(apply_delta(known.to_arrow(), told)).select(known.columns)
    new = pl.DataFrame(apply_delta(known.to_arrow(), told)).select(known.columns)
    whole = pl.DataFrame(told.classes) if told.modes["classes"] == "bulk" else classes.clear()
    named = pl.concat([new.select("class_id"), whole.select("class_id")])
    years = classes.join(named, on="class_id", how="semi")
    replaced = classes.join(years, on=_YEAR, how="semi", nulls_equal=True)
    elsewhere = known.join(replaced, on="class_id", how="anti").join(
        new, on="enrolment", how="anti"
    )
    # Who is no longer a user is nowhere enrolled, here or there.
    ended = replace(
        told, enrolment=told.enrolment.slice(0, 0), modes={**told.modes, "enrollments": "delta"}
    )
    kept = pl.DataFrame(apply_delta(elsewhere.to_arrow(), ended)).select(known.columns)
    return pl.concat([kept, new])


def _changed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The classes of rows that are new, other or gone."""
    names = before.columns
    gone = before.join(after, on=names, how="anti", nulls_equal=True)
    new = after.join(before, on=names, how="anti", nulls_equal=True)
    return pl.concat([gone, new]).select("class_id").drop_nulls()


def _ids_told(told: Roster) -> Iterator[pl.DataFrame]:
    for table in (told.classes, told.enrolment):
        yield pl.DataFrame(table).select("class_id").drop_nulls()


def list_of_roster(
    register: Register,
    codes: pa.Table,
    told: Roster,
    settings: Settings,
    *,
    settled: pa.Table | None = None,
) -> Listed:
    """The class list of the schools and years that a package spoke of.

    `codes` has columns person and pupil. `settled` (school_id, school_year) are left as they are.
    A class's grade is the lowest of its grades.
    """
    classes = _home_classes(pl.DataFrame(register.classes), settings)
    failed = _failed_classes(classes, settings)
    touched = pl.DataFrame(register.touched).with_columns(
        our_school(settings, "school", "school_id")
    )
    scope = touched.select(pl.col("school").alias("school_id"), "school_year").drop_nulls().unique()
    one_name = plain_class(settings.classes.names)
    sound = classes.join(failed, on="class_id", how="anti").with_columns(one_name)
    sound = sound.with_columns(pl.col("school").alias("school_id")).join(
        scope, on=_YEAR, how="semi"
    )
    sound = sound.with_columns(pl.col("grades").str.split(",").cast(pl.List(pl.Int8)))
    pupils, absurd = _pupils(pl.DataFrame(register.enrolment), sound, pl.DataFrame(codes))
    held, delivered = _account(told, register, classes, failed, absurd)
    lists = _merge_names(sound)
    if settled is not None:
        left = pl.DataFrame(settled).select(_YEAR)
        lists, pupils, scope = (
            one.join(left, on=_YEAR, how="anti") for one in (lists, pupils, scope)
        )
    return Listed(
        classes=arrow(lists, LISTED_CLASSES),
        pupils=arrow(pupils.unique(maintain_order=True), LISTED_PUPILS),
        scope=scope.to_arrow(),
        held=held,
        delivered=delivered,
        accepted=delivered - len(held),
        is_whole=True,
        not_listed=_not_listed(classes.with_columns(one_name), failed, lists).to_arrow(),
        warned=_warnings(lists, told),
    )


def _home_classes(classes: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """The active home classes in the columns that the model of a register's class checks."""
    is_home = (pl.col("class_type") == "homeroom").fill_null(value=False)
    return (
        classes.filter(pl.col("status") == ACTIVE)
        .filter(is_home | ~is_home.any().over("school_id"))
        .with_columns(our_school(settings, "school", "school_id"))
        .select("class_id", "school_year", "school", "class_group", pl.col("grade").alias("grades"))
    )


def _failed_classes(classes: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Columns class_id and reason: home classes that cannot be listed."""
    cells = classes.drop("class_id")
    reasons = failed_rows(roster_class_model(settings), cells)
    return pl.DataFrame(
        {
            "class_id": classes["class_id"].gather(list(reasons)),
            "reason": pl.Series([reason.value for reason in reasons.values()], dtype=pl.String),
        }
    )


def _pupils(
    enrolment: pl.DataFrame, classes: pl.DataFrame, codes: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`LISTED_PUPILS` of the classes, and the enrolments whose dates cannot be true."""
    own = classes.select("class_id", *_CLASS, "grades")
    one_grade = pl.when(pl.col("grades").list.len() == 1).then(pl.col("grades").list.first())
    placed = (
        enrolment.filter(pl.col("status") == ACTIVE)
        .select("enrolment", "class_id", "pupil", "begin_date", "end_date")
        .rename({"pupil": "person", "begin_date": "enrolled_on", "end_date": "left_on"})
        .join(own, on="class_id", maintain_order="left")
        .join(codes, on="person", how="left", maintain_order="left")
        .with_columns(one_grade.alias("grade"))
    )
    near = pl.all_horizontal(
        is_near(pl.col(name), first_year()).fill_null(value=True)
        for name in ("enrolled_on", "left_on")
    )
    in_order = (pl.col("left_on") >= pl.col("enrolled_on")).fill_null(value=True)
    absurd = placed.filter(~(near & in_order)).select("enrolment")
    return placed.filter(near & in_order).select([*LISTED_PUPILS]), absurd


def _merge_names(classes: pl.DataFrame) -> pl.DataFrame:
    """Classes of one name, year and school are one."""
    grades = pl.col("grades").explode()
    return classes.group_by(_CLASS, maintain_order=True).agg(
        grades.min().alias("grade"),
        grades.unique().sort().alias("grades"),
        pl.lit(None, pl.Int32).alias("enrolled"),
    )


def _not_listed(classes: pl.DataFrame, failed: pl.DataFrame, lists: pl.DataFrame) -> pl.DataFrame:
    named = classes.join(failed, on="class_id", how="semi").select(
        pl.col("school").alias("school_id"), "class_group"
    )
    return named.drop_nulls().unique().join(lists, on=["school_id", "class_group"], how="anti")


def _warnings(lists: pl.DataFrame, told: Roster) -> Mapping[str, int]:
    one = lists.filter(pl.col("grades").list.len() == 1)
    counts = {
        Reason.GRADE_NOT_AS_CLASS.value: one.filter(is_unlike_class("grade")).height,
        Reason.PUPIL_CODE_INVALID.value: told.unread.get("codes", 0),
        Reason.DATE_INVALID.value: told.unread.get("dates", 0),
    }
    return {code: count for code, count in counts.items() if count}


def _account(
    told: Roster,
    register: Register,
    home: pl.DataFrame,
    failed: pl.DataFrame,
    absurd: pl.DataFrame,
) -> tuple[list[HeldRow], int]:
    """The package's rows that wait, and how many rows of it are about home classes and pupils.

    Subjects, and who goes to them, are not read, as teachers are not. A row's number is its place
    among those of its file that could be read, the heading being 1.
    """
    known = pl.DataFrame(register.classes)
    other = known.filter(pl.col("status") == ACTIVE).join(home, on="class_id", how="anti")
    classes = _numbered(told.classes).join(other, on="class_id", how="anti")
    rows = (
        _numbered(told.enrolment)
        .drop("class_id")
        .join(
            pl.DataFrame(register.enrolment).select("enrolment", "class_id"),
            on="enrolment",
            how="left",
        )
    )
    # The deletion of an enrolment that nobody knew tells of no class, and changes nothing.
    rows = rows.join(other, on="class_id", how="anti")
    unknown = rows.filter(pl.col("status") == ACTIVE).join(known, on="class_id", how="anti")
    waiting = {
        "classes.csv": [classes.join(failed, on="class_id")],
        "enrollments.csv": [
            rows.filter(pl.col("status") == ACTIVE).join(failed, on="class_id"),
            unknown.with_columns(reason=pl.lit(Reason.CLASS_INVALID.value)),
            rows.join(absurd, on="enrolment", how="semi").with_columns(
                reason=pl.lit(Reason.ENROLLED_INVALID.value)
            ),
        ],
    }
    held = [row for file, frames in waiting.items() for row in _held(file, frames)]
    broken = [*_broken(told, "classes"), *_broken(told, "enrollments")]
    removed = len(told.removed_pupils)
    return held + broken, classes.height + rows.height + len(broken) + removed


def _numbered(table: pa.Table) -> pl.DataFrame:
    return pl.DataFrame(table).with_row_index("row_no", offset=2)


def _held(file: str, frames: list[pl.DataFrame]) -> Iterator[HeldRow]:
    for frame in frames:
        contents = frame.drop("row_no").rows()
        for number, reason, row in zip(frame["row_no"], frame["reason"], contents, strict=True):
            yield HeldRow(0, number, (Reason(reason),), (file,), repr((file, row)).encode())


def _broken(told: Roster, name: str) -> Iterator[HeldRow]:
    """Lines that could not be read: nobody knows which they were, only how many."""
    for number in range(told.unread.get(name, 0)):
        content = repr((name, number, told.unread[name])).encode()
        yield HeldRow(0, 0, (Reason.FIELD_COUNT,), (f"{name}.csv",), content)
