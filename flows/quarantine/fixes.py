"""The remembered fix-map: `restricted/quarantine/fixes.toml`, read with the surveys at every start.

It holds texts of cells, so it lies among the restricted files and is never shown.
"""

from collections.abc import Mapping
from pathlib import Path
from tomllib import TOMLDecodeError, loads

from schemas.declared import DeclarationError
from schemas.instrument import Instrument
from schemas.survey import Survey
from transforms.fixes import Fixes, with_fixes
from transforms.toml_text import quoted
from warehouse.swap import whole

NAME = "restricted/quarantine/fixes.toml"

# survey -> column -> text of the export -> our value
Book = dict[str, dict[str, dict[str, str]]]


def read_fixes(path: Path) -> Book:
    """Every fix that people have made; none where there is no file yet."""
    try:
        book = loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (TOMLDecodeError, UnicodeDecodeError):
        raise DeclarationError(f"{NAME}: not valid TOML; mend it or take it away") from None
    for columns in book.values():
        for texts in columns.values() if isinstance(columns, dict) else [None]:
            if not isinstance(texts, dict) or not all(isinstance(v, str) for v in texts.values()):
                raise DeclarationError(
                    f"{NAME}: a table a survey and column, of texts, was expected"
                )
    return book


def write_fixes(path: Path, book: Book) -> None:
    """Write the whole map, or leave the old one as it is."""
    lines = [
        "# Made by `klassepuls quarantine map`. Texts of exports stand here: keep it restricted."
    ]
    for survey, columns in sorted(book.items()):
        for column, texts in sorted(columns.items()):
            lines += ["", f"[{quoted(survey)}.{quoted(column)}]"]
            lines += [f"{quoted(text)} = {quoted(ours)}" for text, ours in sorted(texts.items())]
    with whole(str(path), mode=0o600, durable=True) as file:
        file.write("\n".join(lines) + "\n")


def fixed_surveys(
    surveys: Mapping[str, Survey], path: Path, instruments: Mapping[str, Instrument]
) -> dict[str, Survey]:
    """The surveys with their remembered fixes."""
    book: Mapping[str, Fixes] = read_fixes(path)
    return {
        key: with_fixes(survey, book[key], instruments) if key in book else survey
        for key, survey in surveys.items()
    }
