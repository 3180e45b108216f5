"""`klassepuls sql`: the analysts' file asked from the command line, and its answers written out."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE = 0


def add_sql(commands: "Commands") -> None:
    """`klassepuls sql QUERY`."""
    parser = commands.add_parser("sql", help="ask the analysts' file; nothing can be changed")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("query", nargs="?", help="a select; - reads it from standard input")
    what.add_argument("--named", metavar="NAME", help="a query that comes with Klassepuls")
    what.add_argument("--list", action="store_true", help="the queries that come with it")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--home",
        type=Path,
        default=os.environ.get("KLASSEPULS_HOME"),
        help="the municipality's home; else KLASSEPULS_HOME",
    )
    where.add_argument("--file", type=Path, help="a copy of the published file, without a home")
    parser.add_argument("--out", type=Path, help="write the answer here: .csv, .parquet or .json")
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    parser.set_defaults(command=_sql)


def _sql(parsed: argparse.Namespace) -> int:
    from warehouse.analysis import QueryError, as_json, ask, named_queries, write_answer

    if parsed.list:
        for name, one in named_queries().items():
            print(f"{name:<12} {one.about}")
        return DONE
    if parsed.named and parsed.named not in named_queries():
        raise QueryError(f"no such query; there are {', '.join(named_queries())}")
    query: str = named_queries()[parsed.named].sql if parsed.named else parsed.query
    answer = ask(_published(parsed), sys.stdin.read() if query == "-" else query)
    if parsed.out:
        write_answer(answer, parsed.out)
        print(f"{answer.num_rows} row(s) written.")
    elif parsed.json:
        print(as_json(answer))
    else:
        _show(answer)
    return DONE


def _published(parsed: argparse.Namespace) -> Path:
    from flows.home import Home, HomeError

    if parsed.file:
        return Path(parsed.file)
    if parsed.home is None:
        raise HomeError("give --home HOME or set KLASSEPULS_HOME, or name a copy with --file")
    return Home(Path(parsed.home)).published


def _show(answer: "pa.Table") -> None:
    from rich.table import Table

    from flows.display import console

    table = Table(*answer.column_names)
    for row in answer.to_pylist():
        table.add_row(*("" if cell is None else str(cell) for cell in row.values()))
    console.print(table)
    console.print(f"{answer.num_rows} row(s)")
