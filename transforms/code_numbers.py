"""Numbers of persons within pupil codes: behind a school, a class or letters, with hyphens.

Any such form is enough, valid or not: of random numbers nobody could tell a false alarm from a
person's. Looked at is what tells one pupil from another (`bare_codes`), so that a municipality's
own number before a hyphen (`4601-0412`) makes no telephone number of a serial one.

Where most codes are drawn of 0 to F, whatever all begin with, chance makes such numbers behind
letters: there only those count that stand alone or beside a hyphen.
"""

import numpy as np
import polars as pl

from schemas.personal import Personal
from transforms.identifiers import Found

_COUNTRY = "(?:(?:00)?47-?)?"
_WHOLE = {Personal.NATIONAL_ID: "[0-9]{11}", Personal.PHONE: f"{_COUNTRY}[49][0-9]{{7}}"}
# The lengths of the parts that people write such a number in.
_IN_PARTS = {
    Personal.NATIONAL_ID: ((6, 5), (6, 3, 2)),
    Personal.PHONE: ((4, 4), (3, 2, 3), (2, 2, 2, 2), (2, 3, 3), (3, 3, 2)),
}
_HEXADECIMAL = r"^[0-9A-F]{9,}$"
_MOST = 0.5
LOOKED_AT = ("code", "own", "number", "glued_8", "glued_11")  # of what `bare_codes` tells
_SUSPECT = "[0-9](-?[0-9]){7}"


def numbers_of_persons(judged: pl.DataFrame) -> Found:
    """Which rows of `bare_codes` have codes with somebody's number in them, by kind."""
    with_row = judged.with_row_index("row").filter(pl.col("code").str.contains(_SUSPECT))
    if with_row.is_empty():
        return {}
    drawn = pl.any_horizontal(
        pl.col(name).str.contains(_HEXADECIMAL) & pl.col(name).str.contains("[A-F]")
        for name in ("code", "number")
    )
    by_lot = judged.group_by("file_no").agg((drawn.mean() > _MOST).alias("is_hex"))
    suspects = with_row.join(by_lot, on="file_no", how="left", maintain_order="left")
    found: Found = {}
    for kind in _WHOLE:
        is_one = pl.any_horizontal(_holds(name, kind) for name in LOOKED_AT)
        rows = suspects.filter(is_one)["row"].to_numpy()
        if len(rows):
            found[kind] = np.zeros(judged.height, np.bool_)
            found[kind][rows] = True
    return found


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
