"""One class under the spellings that pupils and registers give it: `7A`, `7.a`, `Klasse 7A`.

A class that is split by its spelling is counted too small in every part, and its signal is missed.
So what beyond doubt names one class is written one way, in answers and in lists alike, whichever of
them comes first. What may be two classes stays two: `7A` and `7A2`, `7-1` and `71`, `7A` and `A`.
Small schools have classes of several grades, and nobody writes those twice alike: `5-6`, `5/6`,
`5. og 6. trinn` are one class, and so are `8A/8B` and `8A+8B`.
"""

from collections.abc import Collection

import polars as pl

_CLASS = "(?:KLASSE[NR]?|KLASSA|KLASS|CLASS|LUOHKK[AÁ])"
# A grade that stands alone is the class as well, where a school has one class a grade.
_GRADE = f"(?:{_CLASS}|(?:KLASSE|ÅRS)?(?:TRINN|STEG)|GRADE|YEAR)"
_APART = "[./\N{EN DASH}-]*"
_NUMBER = "1[0-3]|0?[1-9]"
_LETTER = "[A-ZÆØÅÁČĐŊŠŦŽ]{1,2}[0-9]{0,2}"
_GRADE_AND_LETTER = (
    rf"^(?:(?:{_CLASS}|KL){_APART})?(?<grade>{_NUMBER}){_APART}(?:(?:{_GRADE}|KL[.]){_APART})?"
    rf"(?<letter>{_LETTER})(?:{_APART}{_CLASS})?$"
)
# Grades 11 to 13 are left: `11` alone may be the first class of grade 1.
_GRADE_ALONE = rf"^(?:(?:{_GRADE}|KL){_APART})?0?([1-9]|10)(?:{_APART}{_GRADE}|[.]KL)?$"
_BETWEEN = "[.]?-?(?:[/+&\N{EN DASH}-]|OG|AND)"
_NEXT = "(?:{between}(?<{name}>{number})[.]?(?<{name}_letter>{letter})?)"


def _next(name: str) -> str:
    return _NEXT.format(between=_BETWEEN, name=name, number=_NUMBER, letter=_LETTER)


_SEVERAL = (
    rf"^(?:(?:{_GRADE}|KL){_APART})?(?<first>{_NUMBER})[.]?(?<first_letter>{_LETTER})?"
    rf"{_next('second')}{_next('third')}?(?:{_APART}{_GRADE})?$"
)
_RANGE = "^[^0-9]*[0-9]+[.]?[\N{EN DASH}-][0-9]+[^0-9]*$"


def plain_class(declared: Collection[str] = ()) -> pl.Expr:
    """The one spelling of each cell of `class_group`; `declared` names keep their own signs.

    Capitals and blanks never matter, nor do dots at the end. Between a grade and its letters dots,
    hyphens and slashes do not, and the words for a class do not around them, or around a grade.
    Nor does it matter which sign or word stands between two grades.
    """
    closed = pl.col("class_group").str.to_uppercase().str.replace_all(" ", "", literal=True)
    own = ["".join(name.upper().split()) for name in declared]
    bare = closed.str.replace(r"[.]+$", "")
    parts = bare.str.extract_groups(_GRADE_AND_LETTER).struct
    named = parts["grade"].str.strip_chars_start("0") + parts["letter"]
    one = pl.coalesce(bare.str.extract(_GRADE_ALONE), _of_several(bare), named, bare)
    for cell in (bare.str.replace("^KLASSEN?", ""), bare, closed):
        one = pl.when(cell.is_in(own)).then(cell).otherwise(one)
    return one.alias("class_group")


def _of_several(bare: pl.Expr) -> pl.Expr:
    """The one spelling of a class of several grades, `5-6`, or of several classes, `8A/8B`.

    Null for all else, and for two numbers of which the second may be the class's: `7-1`, `1/4`.
    """
    parts = bare.str.replace("[.]KL$", "").str.extract_groups(_SEVERAL).struct
    grade = {name: parts[name].cast(pl.Int8, strict=False) for name in ("first", "second", "third")}
    letter = {name: parts[f"{name}_letter"].fill_null("") for name in grade}
    in_a_row = (grade["second"] == grade["first"] + 1) & (
        grade["third"].is_null() | (grade["third"] == grade["second"] + 1)
    )
    rises = bare.str.contains(_RANGE) & (grade["second"] > grade["first"])
    is_grades = (letter["first"] == "") & (in_a_row | rises)
    third = pl.when(grade["third"].is_null())
    last = third.then(letter["second"]).otherwise(letter["third"])
    is_grades &= third.then(pl.lit(value=True)).otherwise(letter["second"] == "")
    texts = {name: number.cast(pl.String) for name, number in grade.items()}
    are_classes = (letter["first"] != "") & (letter["second"] != "")
    are_classes &= grade["third"].is_null() | (letter["third"] != "")
    return (
        pl.when(is_grades)
        .then(pl.concat_str(pl.concat_str(*texts.values(), separator="-", ignore_nulls=True), last))
        .when(are_classes)
        .then(
            pl.concat_str(*(texts[n] + letter[n] for n in grade), separator="/", ignore_nulls=True)
        )
    )


def plain_name(text: str, declared: Collection[str] = ()) -> str:
    """The one spelling of a class's name."""
    named = pl.DataFrame({"class_group": [text]}, schema={"class_group": pl.String})
    return str(named.select(plain_class(declared)).item())
