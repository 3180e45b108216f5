"""The canonical table as bytes, in each of the formats that a school may deliver."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
import xlsxwriter

# Workbooks carry the time that they were made; ours is fixed, so that a seed gives the same bytes.
_MADE_ON = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CsvStyle:
    """How a person's program saved it; the content is the same."""

    has_bom: bool = False
    is_quoted: bool = False
    line_end: str = "\n"


PLAIN, EXCEL, QUOTED = CsvStyle(), CsvStyle(has_bom=True, line_end="\r\n"), CsvStyle(is_quoted=True)


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Every cell as the canonical text: dates in ISO, a skipped item as a blank."""
    return rows.with_columns(pl.all().cast(pl.String).fill_null(""))


def to_csv(rows: pl.DataFrame, style: CsvStyle = PLAIN) -> bytes:
    """Semicolon-separated UTF-8 with one heading."""
    content = io.BytesIO()
    cells = as_text(rows)
    if not style.is_quoted:
        # Polars writes "" for a blank text, and nothing for none.
        cells = cells.with_columns(pl.when(pl.all() != "").then(pl.all()))
    cells.write_csv(
        content,
        separator=";",
        include_bom=style.has_bom,
        line_terminator=style.line_end,
        quote_style="always" if style.is_quoted else "necessary",
    )
    return content.getvalue()


def to_ndjson(rows: pl.DataFrame) -> bytes:
    """One JSON object a line, every value as text; a skipped item is an empty text."""
    content = io.BytesIO()
    as_text(rows).write_ndjson(content)
    return content.getvalue()


def to_parquet(rows: pl.DataFrame) -> bytes:
    """Parquet with typed columns; a skipped item is null."""
    content = io.BytesIO()
    rows.write_parquet(content, compression="zstd")
    return content.getvalue()


def to_xlsx(rows: pl.DataFrame) -> bytes:
    """A workbook with one sheet; numbers as numbers, dates as ISO text. Slow: for small files."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(content, options) as book:
        book.set_properties({"created": _MADE_ON})
        sheet = book.add_worksheet("Svar")
        for place, column in enumerate(rows.get_columns()):
            sheet.write_string(0, place, column.name)
            sheet.write_column(1, place, _cells(column))
    return content.getvalue()


def _cells(column: pl.Series) -> list[str | int | None]:
    if column.dtype.is_integer():
        return column.to_list()
    return column.cast(pl.String).to_list()
