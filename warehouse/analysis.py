"""Asks the analysts' file. A query reaches that file and nothing else, and changes nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from schemas.speakable import SpeakableError
from warehouse.store import quoted_path

# What a spreadsheet would take for a formula.
_FORMULA = r"^[=+\-@\t\r]"


class QueryError(SpeakableError):
    """A query that the analysts' file cannot answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Named:
    """A query that is ready to be asked, and what it answers."""

    about: str
    sql: str


def named_queries() -> Mapping[str, Named]:
    """The queries that come with Klassepuls, by name."""
    folder = files("warehouse") / "queries"
    texts = {
        entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    }
    return {
        name: Named(text.split("\n", 1)[0].removeprefix("--").strip(), text)
        for name, text in sorted(texts.items())
    }


def ask(published: Path, query: str) -> pa.Table:
    """What the published file answers; QueryError where it is not there, or cannot."""
    if not published.is_file():
        raise QueryError(
            "no published file there yet: waves are published some days after they close"
        )
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as con:
            con.execute(f"attach {quoted_path(published)} as published (read_only)").fetchall()
            con.execute("use published").fetchall()
            con.execute("set enable_external_access = false").fetchall()
            con.execute("set lock_configuration = true").fetchall()
            answer = con.sql(query)
            if answer is None:
                raise QueryError("the file can be asked and not changed: give a select")
            return answer.to_arrow_table()
    except duckdb.Error as error:
        # Nothing in this file is anybody's secret, and the query is the analyst's own.
        raise QueryError(str(error).split("\n\n", 1)[0]) from None


def write_answer(answer: pa.Table, path: Path) -> None:
    """Write an answer as .csv, .parquet or .json; QueryError for any other ending."""
    # Every command would load them for the sake of this one.
    from pyarrow import csv, parquet  # noqa: PLC0415

    match path.suffix.lower():
        case ".csv":
            csv.write_csv(without_formulas(answer), path)
        case ".parquet":
            parquet.write_table(answer, path)
        case ".json":
            path.write_text(as_json(answer) + "\n", encoding="utf-8")
        case _:
            raise QueryError("--out ends with .csv, .parquet or .json")


def as_json(answer: pa.Table) -> str:
    """The rows as a JSON list of objects."""
    return json.dumps(answer.to_pylist(), ensure_ascii=False, indent=1, default=str)


def without_formulas(answer: pa.Table) -> pa.Table:
    """The table with a quote before each text that a spreadsheet would take for a formula."""
    for at, field in enumerate(answer.schema):
        if pa.types.is_string(field.type):
            column = answer.column(at)
            quoted = pc.binary_join_element_wise("'", column, "")
            is_formula = pc.fill_null(pc.match_substring_regex(column, _FORMULA), fill_value=False)
            answer = answer.set_column(at, field, pc.if_else(is_formula, quoted, column))
    return answer
