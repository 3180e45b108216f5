"""Codes drawn of 0 to F, as most tools make them: of eight signs one in 200 is a phone by chance.

Drawn is a code with letters from A to F and digits, eight signs at least and no eight digits side
by side, as a phone behind a letter has. Where most codes of a file are, their usual form is known:
how long the parts between hyphens are. A code of that form may be all digits, and says nothing.
"""

import polars as pl

# So many numbers of persons, and this share of the rows, may be chance: more are there in one of
# 100,000 files.
_CHANCE, _SHARE = 3, 0.03
_SIGN = "[0-9A-F]"
_LEAST, _MOST = 8, 0.5
_USUAL = 0.1  # a form that fewer of a file's codes have is none that they are drawn in


def drawn_forms(judged: pl.DataFrame) -> pl.DataFrame:
    """The files of which most `bare_codes` are drawn: `file_no`, `forms` of these, and `rows`."""
    lettered = pl.col("number").str.contains("[A-F]").mean().over("file_no") > _MOST
    judged = judged.filter(lettered)
    code = pl.col("number").str.replace_all("-", "")
    is_drawn = (
        (code.str.len_chars() >= _LEAST)
        & code.str.contains(f"^{_SIGN}*$")
        & code.str.contains("[A-F]")
        & code.str.contains("[0-9]")
        & ~code.str.contains("[0-9]{8}")
    )
    codes = judged.select("file_no", is_drawn.alias("is_drawn"), own_form()).filter(
        pl.col("form").is_not_null()
    )
    rows = codes.group_by("file_no").agg(pl.len().alias("rows"))
    forms = codes.filter("is_drawn").group_by("file_no", "form").agg(pl.len().alias("of"))
    share = pl.col("of") / pl.col("rows")
    return (
        forms.join(rows, on="file_no")
        .group_by("file_no", "rows")
        .agg(pl.col("form").filter(share >= _USUAL).alias("forms"), share.sum().alias("share"))
        .filter(pl.col("share") > _MOST)
        .select("file_no", "forms", "rows")
    )


def own_form() -> pl.Expr:
    """The `form` of a row of `bare_codes`, without what all of them share."""
    return form_of(pl.col("number")).alias("form")


def form_of(code: pl.Expr) -> pl.Expr:
    """The form of codes in capitals: `X` for each sign from 0 to F, the others as they are."""
    return code.str.replace_all(_SIGN, "X")


def is_of_form() -> pl.Expr:
    """Whether the `form` is one of the `forms` of its file; no where that has none."""
    return pl.col("forms").list.contains(pl.col("form")).fill_null(value=False)


def may_be_chance(numbers: pl.Expr, rows: pl.Expr) -> pl.Expr:
    """Whether a file of so many rows with drawn codes may have these numbers by chance."""
    return numbers <= _CHANCE + _SHARE * rows
