"""What the child hands over of a package is what it read, and nothing that a child may not say."""

from dataclasses import replace

import polars as pl
import pyarrow as pa
import pytest

from schemas.reason import Reason
from tests.class_lists.packages import a_class, goes, package, user
from transforms.oneroster import read_rosters
from transforms.readers.reading import FileProblem, MalformedRow
from transforms.roster_sheet import from_sheet, to_sheet

WHOLE = package(
    classes=[a_class("c1", "7A"), a_class("c2", "5-6", "5,6", status="tobedeleted")],
    enrollments=[
        goes("e1", "u1", "c1", begin="2025-08-18", end="2026-01-31"),
        goes("e2", "u2", "c1"),
        "e3,,c1",
    ],
    users=[user("u1", identifier="abc1"), user("u9", status="tobedeleted")],
)
EMPTY = package("delta", enrollments=[])


@pytest.mark.parametrize("content", [WHOLE, EMPTY], ids=["whole", "empty"])
@pytest.mark.parametrize("column", ["none", "identifier"])
def test_package_comes_back_as_it_was_read(content, column):
    roster = read_rosters(content, pupil_code=column)
    found = from_sheet(to_sheet(roster))
    for table in ("classes", "enrolment", "codes", "removed_pupils"):
        assert getattr(found, table).equals(getattr(roster, table))
    assert (found.modes, found.unread) == (roster.modes, roster.unread)


@pytest.mark.parametrize(
    ("part", "column", "said"),
    [
        ("class", "class_id", "c1"),
        ("class", "class_id", None),
        ("class", "status", "left"),
        ("class", "part", "school"),
        ("enrolment", "enrolment", "e1"),
        ("enrolment", "begin_date", "18.08.2025"),
        ("enrolment", "end_date", "2025-02-30"),
        ("removed", "pupil", None),
        ("code", "code", "01017012345"),
        ("code", "code", None),
        ("mode", "status", "full"),
        ("mode", "name", "demographics"),
        ("unread", "number", "-1"),
        ("unread", "number", "9999999"),
        ("unread", "name", "teachers"),
    ],
)
def test_sheet_that_no_reader_makes_is_refused(part, column, said):
    sheet = to_sheet(read_rosters(WHOLE, pupil_code="identifier"))
    table = pl.DataFrame(sheet.table)
    told = pl.when(pl.col("part") == part).then(pl.lit(said)).otherwise(pl.col(column))
    changed = table.with_columns(told.alias(column)).to_arrow().cast(sheet.table.schema)
    assert not changed.equals(sheet.table)
    assert refused(replace(sheet, table=changed)) == Reason.UNREADABLE


def test_sheet_of_other_columns_or_with_broken_rows_is_refused():
    sheet = to_sheet(read_rosters(WHOLE))
    fewer = replace(sheet, table=sheet.table.drop_columns(["part"]))
    broken = replace(sheet, malformed=(MalformedRow(2, Reason.FIELD_COUNT, ""),))
    none = replace(sheet, table=pa.table({}))
    assert {refused(one) for one in (fewer, broken, none)} == {Reason.UNREADABLE}


def refused(sheet):
    with pytest.raises(FileProblem) as problem:
        from_sheet(sheet)
    return problem.value.reason
