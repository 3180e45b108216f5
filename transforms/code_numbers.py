"""Numbers of persons within pupil codes: behind a school, a class or letters, with hyphens.

Any such form is enough, valid or not: of random numbers nobody could tell a false alarm from a
person's. Looked at is what tells one pupil from another (`bare_codes`), so that a municipality's
own number before a hyphen (`4601-0412`) makes no telephone number of a serial one.

Where most codes are drawn of 0 to F (`drawn_codes`), chance makes such numbers. A few of the form
of the drawn ones are none; else, there, only those count that stand alone or beside a hyphen.

Digits that a grade is glued to are a number only where nearly all are, and hardly two begin alike:
`846010412` may be grade 8, municipality and serial number.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.personal import Personal
from transforms.drawn_codes import drawn_forms, is_of_form, may_be_chance, own_form
from transforms.identifiers import Found, find_identifiers
from transforms.own_parts import NEARLY_ALL, graded

_COUNTRY = "(?:(?:00)?47-?)?"
_WHOLE = {Personal.NATIONAL_ID: "[0-9]{11}", Personal.PHONE: f"{_COUNTRY}[49][0-9]{{7}}"}
# The lengths of the parts that people write such a number in.
_IN_PARTS = {
    Personal.NATIONAL_ID: ((6, 5), (6, 3, 2)),
    Personal.PHONE: ((4, 4), (3, 2, 3), (2, 2, 2, 2), (2, 3, 3), (3, 3, 2)),
}
# Of digits behind a grade: the fewest codes, and how many of them, or of 100, begin otherwise.
_GRADED = "^[0-9]{9,13}$"
_FEWEST, _FIRST, _BEGIN, _UNLIKE = 5, 100, 4, 0.5
LOOKED_AT = ("code", "own", "number", "glued_8", "glued_11")  # of what `bare_codes` tells
_SUSPECT = "[0-9](-?[0-9]){7}"


def numbers_of_persons(judged: pl.DataFrame) -> Found:
    """Which rows of `bare_codes` have codes with somebody's number in them, by kind."""
    suspects = _suspects(judged)
    found: Found = {}
    for kind in _WHOLE if suspects.height else ():
        rows = suspects.filter(pl.col(kind) & ~pl.col("by_chance"))["row"].to_list()
        rows += _behind_a_grade(suspects, kind, judged)
        if rows:
            found[kind] = np.zeros(judged.height, np.bool_)
            found[kind][rows] = True
    return found


def numbers_by_chance(judged: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows of `bare_codes` look like somebody's number, as a few drawn codes do."""
    by_chance = np.zeros(judged.height, np.bool_)
    suspects = _suspects(judged)
    if suspects.height:
        by_chance[suspects.filter("by_chance")["row"].to_numpy()] = True
    return by_chance


def _suspects(judged: pl.DataFrame) -> pl.DataFrame:
    """The rows (`row`) with digits enough; for each kind whether it is one, and if `by_chance`."""
    suspects = judged.with_row_index("row").filter(pl.col("code").str.contains(_SUSPECT))
    if suspects.is_empty():
        return suspects
    files = judged.join(suspects.select("file_no").unique(), on="file_no", how="semi")
    told = suspects.with_columns(own_form()).join(
        drawn_forms(files), on="file_no", how="left", maintain_order="left"
    )
    told = told.with_columns(pl.col("forms").is_not_null().alias("is_hex")).with_columns(
        pl.any_horizontal(_holds(name, kind) for name in LOOKED_AT).alias(kind) for kind in _WHOLE
    )
    is_one = pl.any_horizontal(*_WHOLE) & is_of_form()
    few = may_be_chance(is_one.sum().over("file_no"), pl.col("rows"))
    told = told.with_columns((is_one & few).fill_null(value=False).alias("by_chance"))
    # Of eleven digits two in 100 have the check digits of a national number: those are no chance.
    valid = find_identifiers(told["code"].set(~told["by_chance"], "")).get(Personal.NATIONAL_ID)
    return told if valid is None else told.with_columns(pl.col("by_chance") & ~pl.Series(valid))


def _behind_a_grade(suspects: pl.DataFrame, kind: Personal, judged: pl.DataFrame) -> list[int]:
    """The rows of files in which nearly all codes are a grade and somebody's number behind it."""
    rows: list[int] = []
    suspects = suspects.filter(pl.col("number").str.contains(_GRADED))
    if suspects.is_empty():
        return rows
    codes = judged.group_by("file_no").agg(pl.col("code").n_unique().alias("codes"))
    for left in graded(pl.col("number")):
        told = suspects.select("file_no", "row", "code", left.alias("left"))
        told = told.filter(pl.col("left").str.contains(f"^{_WHOLE[kind]}$"))
        begin = pl.col("left").str.head(_BEGIN).n_unique()
        files = (
            told.group_by("file_no")
            .agg(pl.col("code").n_unique().alias("of"), begin.alias("begin"))
            .join(codes, on="file_no")
            .filter(
                (pl.col("of") >= _FEWEST)
                & (pl.col("of") >= NEARLY_ALL * pl.col("codes"))
                & (pl.col("begin") >= _UNLIKE * pl.min_horizontal("of", _FIRST))
            )
        )
        rows += told.join(files, on="file_no", how="semi")["row"].to_list()
    return rows


def _holds(name: str, kind: Personal) -> pl.Expr:
    """Whether what is left of the code has the number, alone, beside a hyphen or beside letters."""
    cell, whole = pl.col(name).str, _WHOLE[kind]
    alone = cell.contains(f"(?:^|-){whole}(?:-|$)")
    glued = cell.contains(rf"^(?:.*-)?\pL+{whole}(?:-|$)|(?:^|-){whole}\pL+(?:-.*)?$")
    found = alone | (glued & ~pl.col("is_hex"))
    if name.startswith("glued"):  # of digits alone any eight may be the last ones
        found &= pl.col("code").str.contains(r"\pL")
    in_parts = cell.contains(rf"^(?:.*\pL-?)?(?:{_in_parts(kind)})(?:-?\pL.*)?$")
    # As it stands a code may begin with a number that all of them have.
    if name == "number":
        found |= in_parts
    if name == "own":
        found |= in_parts & (pl.col("number") == pl.col("code"))
    return found.fill_null(value=False)


def _in_parts(kind: Personal) -> str:
    ways = []
    for first, *others in _IN_PARTS[kind]:
        begins = f"{_COUNTRY}[49][0-9]{{{first - 1}}}" if kind is Personal.PHONE else "[0-9]{6}"
        ways.append("-".join((begins, *(f"[0-9]{{{length}}}" for length in others))))
    return "|".join(ways)
