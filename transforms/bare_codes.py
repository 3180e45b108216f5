"""Pupil codes without what they share: a school's id, a class, whatever else is the same in them.

What all or nearly all codes of a file begin or end with tells no pupil from another, so it is no
part of a code when that is judged: in `S01-KARI` the digits are the school's. First each row's own
school, class, grade and year of birth are taken off, where nearly all rows have them (`own_parts`);
then what the codes left share, in the whole file or in one school of it.

In order, codes that share a beginning stand together. So whatever nine in ten of them begin with is
what the code a tenth from the start has in common with the one a tenth from the end, and that, at
least eight in ten share. Ends are the beginnings of the codes read backwards. What is shared is
looked for in 40 codes from all over each school of a file, and taken off every code that has it.
"""

from collections.abc import Sequence

import polars as pl

from transforms.own_parts import GAPS, without_own

FEWEST = 3  # codes of which a common beginning says something
_TAIL = 10  # one in so many may begin otherwise, at either end of the order
_SAMPLE = 40
_LONGEST = 20  # signs of a pupil code
_LEVELS = (["file_no"], ["file_no", "school"])
_SCHOOL = _LEVELS[-1]
# A date of six digits, of eight or with hyphens, a phone, a national number: what may be glued to
# what is common, or begin as the others do.
GLUED = (6, 8, 10, 11)
_LETTERS = "[A-ZÆØÅÄÖÁČĐŊŠŦŽ]+"
# What is common ends where a run of such signs begins, which goes on in the code itself.
_WITHOUT = {"whole": "^$", "word": f"{_LETTERS}$", "number": "[0-9]+$", "sign": "[^ .-]+$"}
_WHOLE = ("whole",)


def bare_codes(codes: pl.DataFrame) -> pl.DataFrame:
    """Each code as it is judged; rows and their order are those of `codes`.

    `codes` has `file_no`, `code`, `school`, `class_group` and, where they are known, `grade` and
    `year` (the first of the school year); nulls say nothing. The columns are `file_no`, `grade`,
    `code` in capitals, and of it `word` and `number`: without what is common before and behind,
    unless that ends within a run of letters (`word`) or of digits (`number`).
    `own`: without the row's own school and class, whatever the other codes have. `glued_6` and so
    on: that many signs at the end, if all before them is common; null if not.
    """
    unknown = {"grade", "year"} - set(codes.columns)
    told = codes.with_columns(pl.lit(None, pl.Int32).alias(name) for name in unknown).select(
        "file_no",
        pl.col("code").cast(pl.String).str.to_uppercase().str.strip_chars(" "),
        *(pl.col(name).cast(pl.String).str.to_uppercase() for name in ("school", "class_group")),
        *(pl.col(name).cast(pl.Int32) for name in ("grade", "year")),
    )
    sample = told.filter(_from_all_over().over(_SCHOOL)).unique().filter(pl.col("code") != "")
    told, sample = without_own(told, sample)
    rows = told.join(
        _shared(sample), on=_SCHOOL, how="left", nulls_equal=True, maintain_order="left"
    )
    length = pl.col("rest").str.len_chars()
    whole = _longest_of("front", _WHOLE, "starts_with").str.len_chars()
    is_taken_off = (whole > 0) | (length < pl.col("code").str.len_chars())
    return rows.select(
        "file_no",
        "grade",
        "code",
        _cut("word"),
        _cut("number"),
        _own().alias("own"),
        *(
            pl.when(is_taken_off & (length <= whole + signs) & (length >= signs))
            .then(pl.col("rest").str.tail(signs))
            .alias(f"glued_{signs}")
            for signs in GLUED
        ),
    )


def _from_all_over() -> pl.Expr:
    """So many rows of a group, evenly spread: a school's file is often in order of its grades."""
    row, rows = pl.int_range(pl.len()), pl.len().cast(pl.Int64)
    return row * _SAMPLE // rows > (row - 1) * _SAMPLE // rows


def _own() -> pl.Expr:
    """The code without the row's own school in front, and its class behind that, if it has them."""
    bare = pl.col("code")
    for name in ("school", "class_group"):
        bare = bare.str.strip_prefix(pl.col(name).fill_null("")).str.strip_chars_start(GAPS)
    return bare


def _shared(sample: pl.DataFrame) -> pl.DataFrame:
    """For each school of each file what its codes share before and behind, and those of the file.

    That is `front_whole_0` for the file and so on; and how much of it a code may lose.
    """
    groups = sample.select(_SCHOOL).unique()
    for side, code in (("front", pl.col("rest")), ("back", pl.col("rest").str.reverse())):
        ordered = sample.select(*_SCHOOL, code.alias("rest")).unique().sort("rest")
        for at, level in enumerate(_LEVELS):
            common = _common(ordered, level).with_columns(
                pl.col("common").str.replace(run, "").alias(f"{side}_{kind}_{at}")
                for kind, run in _WITHOUT.items()
            )
            groups = groups.join(common.drop("common"), on=level, how="left", nulls_equal=True)
    return groups.with_columns(pl.col("^back_.*$").str.reverse())


def _common(ordered: pl.DataFrame, level: list[str]) -> pl.DataFrame:
    """What nearly all codes of each group begin with; nothing for a group of one or two."""
    if ordered.is_empty():  # polars knows no type of an end of nothing
        return ordered.select(*level, pl.col("rest").alias("common"))
    tail = pl.len() // _TAIL
    ends = ordered.group_by(level).agg(
        pl.col("rest").gather(tail).first().alias("first"),
        pl.col("rest").gather(pl.len() - 1 - tail).first().alias("last"),
        pl.len().alias("codes"),
    )
    first, last = pl.col("first"), pl.col("last")
    same = pl.sum_horizontal(
        (first.str.head(signs) == last.str.head(signs)) for signs in range(1, _LONGEST + 1)
    )
    return ends.filter(pl.col("codes") >= FEWEST).select(
        *level, first.str.head(same).alias("common")
    )


def _longest_of(side: str, kinds: Sequence[str], has: str) -> pl.Expr:
    """The longest of what is common that this very code begins or ends with."""
    found = pl.lit("")
    for at in range(len(_LEVELS)):
        for kind in reversed(kinds):
            common = pl.col(f"{side}_{kind}_{at}")
            is_there = getattr(pl.col("rest").str, has)(common).fill_null(value=False)
            found = pl.when(is_there).then(common).otherwise(found)
    return found


def _cut(kind: str) -> pl.Expr:
    """The code without what is common, but for the signs that a run in the code goes on from."""
    front = _longest_of("front", (kind, "sign"), "starts_with")
    back = _longest_of("back", (kind, "sign"), "ends_with")
    bare = pl.col("rest").str.strip_prefix(front).str.strip_suffix(back)
    return bare.str.strip_chars(GAPS).alias(kind)
