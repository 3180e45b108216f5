"""One class under the spellings that pupils and registers give it: `7A`, `7.a`, `Klasse 7A`.

A class that is split by its spelling is counted too small in every part, and its signal is missed.
So what beyond doubt names one class is written one way, in answers and in lists alike, whichever of
them comes first. What may be two classes stays two: `7A` and `7A2`, `7-1` and `71`, `7A` and `A`.
"""

from collections.abc import Collection

import polars as pl

_CLASS = "(?:KLASSE[NR]?|KLASSA|KLASS|CLASS|LUOHKK[AÁ])"
# A grade that stands alone is the class as well, where a school has one class a grade.
_GRADE = f"(?:{_CLASS}|(?:KLASSE|ÅRS)?(?:TRINN|STEG)|GRADE|YEAR)"
_APART = "[./\N{EN DASH}-]*"
_GRADE_AND_LETTER = (
    rf"^(?:(?:{_CLASS}|KL){_APART})?(?<grade>1[0-3]|0?[1-9]){_APART}"
    rf"(?<letter>[A-ZÆØÅÁČĐŊŠŦŽ]{{1,2}}[0-9]{{0,2}})(?:{_APART}{_CLASS})?$"
)
# Grades 11 to 13 are left: `11` alone may be the first class of grade 1.
_GRADE_ALONE = rf"^(?:(?:{_GRADE}|KL){_APART})?0?([1-9]|10)(?:{_APART}{_GRADE}|[.]KL)?$"


def plain_class(declared: Collection[str] = ()) -> pl.Expr:
    """The one spelling of each cell of `class_group`; `declared` names keep their own signs.

    Capitals and blanks never matter, nor do dots at the end. Between a grade and its letters dots,
    hyphens and slashes do not, and the words for a class do not around them, or around a grade.
    """
    closed = pl.col("class_group").str.to_uppercase().str.replace_all(" ", "", literal=True)
    own = ["".join(name.upper().split()) for name in declared]
    bare = closed.str.replace(r"[.]+$", "")
    parts = bare.str.extract_groups(_GRADE_AND_LETTER).struct
    named = parts["grade"].str.strip_chars_start("0") + parts["letter"]
    one = pl.coalesce(bare.str.extract(_GRADE_ALONE), named, bare)
    return pl.when(closed.is_in(own)).then(closed).otherwise(one).alias("class_group")


def plain_name(text: str, declared: Collection[str] = ()) -> str:
    """The one spelling of a class's name."""
    named = pl.DataFrame({"class_group": [text]}, schema={"class_group": pl.String})
    return str(named.select(plain_class(declared)).item())
