"""Copies of delivered files without pupils who were erased: before they are put away."""

import os
from dataclasses import replace
from pathlib import Path

import duckdb

from flows.home import Config
from flows.inbox import Arrival
from flows.outcome import Outcome
from transforms.struck import Columns, struck, words_in
from warehouse.erased import anybody_erased, erased_among


def code_columns(config: Config, *, spared: frozenset[str] = frozenset()) -> Columns:
    """The headings under which any survey or class list has pupil codes."""
    named = {survey.columns.get("pupil_code", "pupil_code") for survey in config.surveys.values()}
    drifted = {
        survey.columns.get("pupil_code", "pupil_code")
        for variants in config.variants.values()
        for survey in variants
    }
    return Columns(frozenset({"pupil_code", *named, *drifted}), spared)


def without_erased(
    con: duckdb.DuckDBPyConnection, arrival: Arrival, outcome: Outcome, config: Config
) -> Arrival:
    """The arrival as it may be put away: without the rows of erased pupils, or without its copy.

    It is changed where it lies, so that a run that is killed here finds a file that may stay. Where
    rows cannot be struck out of the format, no copy is kept, unless other rows of it wait. A copy
    of a content that was loaded before the erasing is looked through as well.
    """
    content = arrival.content
    if content is None or not anybody_erased(con):
        return arrival
    codes = erased_among(con, words_in(content), key=config.key)
    done = struck(content, set(codes), code_columns(config)) if codes else None
    if done is not None:
        write_same_age(arrival.path, done.content)
        return replace(arrival, content=done.content, seen=os.lstat(arrival.path))
    if codes and not outcome.quarantined:
        arrival.path.unlink(missing_ok=True)
        return replace(arrival, content=None)
    return arrival


def write_same_age(path: Path, content: bytes) -> None:
    """Put a content in a file's place at once; it looks as old as the file was."""
    was = path.stat()
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.chmod(was.st_mode & 0o777)
    os.utime(partial, ns=(was.st_atime_ns, was.st_mtime_ns))
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)
