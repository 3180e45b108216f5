"""What a row itself says of its pupil, taken off the code: school, class, grade, year of birth.

In a whole school's export the grade before the codes is another for each class (`07-150314`,
`05-100416`), so it is not what all codes share, and hides what stands behind it all the same. The
year of birth follows from the grade (`KARI-2014`, `OLA14`). Each is taken off in the files of which
nearly all codes have it, in front or behind; a year one more or less is that of pupils who began
early or late.

A grade stands by itself: with letters or a gap beside it, and in a file of several grades; what the
codes of one grade begin with, they share. A year goes with letters only: of digits it may be part
of a date. A grade that is glued to digits may as well be their first: `graded` is for those.
"""

from dataclasses import dataclass

import polars as pl

from transforms.birth_dates import SCHOOL_AGE

NEARLY_ALL = 0.8
GAPS = " .-"
_FRONT, _BACK = "front", "back"

_BORN = pl.col("year") - SCHOOL_AGE - pl.col("grade")
_PLAIN = pl.col("grade").cast(pl.String)
_GRADE = (_PLAIN.str.zfill(2), _PLAIN)
_YEAR = tuple(
    (_BORN + late).cast(pl.String).str.tail(digits) for digits in (4, 2) for late in (0, -1, 1)
)


@dataclass(frozen=True, slots=True)
class _Part:
    """The ways of writing one thing, and what has to stand behind it or before it, as patterns."""

    ways: tuple[pl.Expr, ...]
    behind: str
    before: str
    grades: int = 0  # the fewest grades of the codes that have it


_PARTS = (
    _Part((pl.col("school"),), "^.", ".$"),
    _Part((pl.col("class_group"),), "^.", ".$"),
    _Part(_GRADE, "^[^0-9]", "[^0-9]$", grades=2),
    _Part(_YEAR, r"^[ .-]*\pL", r"\pL[ .-]*$"),
)


def without_own(told: pl.DataFrame, sample: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both with `rest`: `code` without what its row says, in files of such codes.

    Both have `file_no`, `code`, `school`, `class_group`, `grade` and `year`, all in capitals; the
    files are told by `sample`.
    """
    told, sample = (frame.with_columns(pl.col("code").alias("rest")) for frame in (told, sample))
    for part in _PARTS:
        for side in (_FRONT, _BACK):
            has = pl.any_horizontal(_has(way, part, side) for way in part.ways)
            files = sample.group_by("file_no").agg(
                has.mean().alias("share"), pl.col("grade").filter(has).n_unique()
            )
            files = files.filter((pl.col("share") >= NEARLY_ALL) & (pl.col("grade") >= part.grades))
            if files.is_empty():
                continue
            is_one = pl.col("file_no").is_in(files["file_no"].implode())
            bare = _strip(part, side, is_one).alias("rest")
            told, sample = told.with_columns(bare), sample.with_columns(bare)
    return told, sample


def graded(digits: pl.Expr) -> list[pl.Expr]:
    """What is left of digits without the row's own `grade`, in front and behind; else null."""
    return [
        pl.coalesce(
            pl.when(_is_there(way, side, digits)).then(_off(way, side, digits)) for way in _GRADE
        )
        for side in (_FRONT, _BACK)
    ]


def _is_there(way: pl.Expr, side: str, code: pl.Expr) -> pl.Expr:
    is_there = code.str.starts_with(way) if side == _FRONT else code.str.ends_with(way)
    return (is_there & (way != "")).fill_null(value=False)


def _off(way: pl.Expr, side: str, code: pl.Expr) -> pl.Expr:
    return code.str.strip_prefix(way) if side == _FRONT else code.str.strip_suffix(way)


def _has(way: pl.Expr, part: _Part, side: str) -> pl.Expr:
    rest = pl.col("rest")
    beside = part.behind if side == _FRONT else part.before
    is_apart = _off(way, side, rest).str.contains(beside).fill_null(value=False)
    return _is_there(way, side, rest) & is_apart


def _strip(part: _Part, side: str, is_one: pl.Expr) -> pl.Expr:
    """The `rest` without the first of the ways that it has, and the gap beside."""
    rest = pl.col("rest")
    bare = rest
    for way in reversed(part.ways):
        left = _off(way, side, rest)
        left = (
            left.str.strip_chars_start(GAPS) if side == _FRONT else left.str.strip_chars_end(GAPS)
        )
        bare = pl.when(is_one & _has(way, part, side)).then(left).otherwise(bare)
    return bare
