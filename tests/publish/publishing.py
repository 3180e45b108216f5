"""Small schools to publish, and what an analyst reads of them."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from schemas.instrument import shipped_instruments
from schemas.rule import shipped_rules
from tests.publish.build import Form, settings
from warehouse.printed import Places
from warehouse.publish import Publication, publish

AFTER_SPRING = datetime(2026, 3, 2, 6, tzinfo=UTC)
AFTER_AUTUMN = datetime(2026, 10, 2, 6, tzinfo=UTC)


def classes(
    school: str, wave: str = "2026-spring", *, size: int = 12, bullied: int = 6, grades=(5, 6)
) -> list[Form]:
    """Two classes a grade; of each class's pupils, `bullied` of the whole school are, in turn."""
    forms = [
        Form(
            wave=wave,
            school=school,
            class_group=f"{grade}{letter}",
            grade=grade,
            gender=("girl", "boy")[number % 2],
            pupil=f"{wave}-{school}-{grade}{letter}-{number}",
            who5=60.0 if number % 3 else 40.0,
            delivery=f"{wave}-{school}-{grade}{letter}",
        )
        for grade in grades
        for letter in "AB"
        for number in range(size)
    ]
    step = max(len(forms) // max(bullied, 1), 1)
    chosen = set(range(0, step * bullied, step))
    return [replace(f, bullied=3) if at in chosen else f for at, f in enumerate(forms)]


def ledger_of(target: Path) -> Path:
    """The publication ledger in a folder of its own, as the restricted one is."""
    folder = target.parent.with_name(f"{target.parent.name}-restricted")
    return folder / target.with_suffix(".printed").name


def publish_to(
    target: Path,
    con: duckdb.DuckDBPyConnection,
    *waves: str,
    at: datetime = AFTER_SPRING,
    limits=None,
) -> Publication:
    return publish(
        con,
        Places(ledger_of(target), target),
        wave_ids=waves or ["2026-spring"],
        settings=limits or settings(),
        instruments=shipped_instruments(),
        rules=shipped_rules(),
        published_at=at,
    )


def read(target: Path, query: str, *bound) -> list[tuple]:
    with duckdb.connect(":memory:") as reader:
        reader.execute(f"attach '{target}' as published (read_only)").fetchall()
        reader.execute("use published").fetchall()
        return reader.execute(query, list(bound)).fetchall()


def snapshot(folder: Path) -> dict[str, tuple[int, int, str]]:
    return {
        path.name: (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in folder.iterdir()
    }
