"""What the warehouse knows of the report files that lie in the health folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from warehouse.store import transaction

Key = tuple[str, str, str]  # school, route, file


@dataclass(frozen=True, slots=True)
class FiledReport:
    """A file as it was last written: digests of its text, of its recipients and of its bytes."""

    school_id: str
    route: str
    file: str
    digest: str
    sealed_to: str
    sha256: str
    written_at: datetime

    @property
    def key(self) -> Key:
        """Which file of the wave it is."""
        return self.school_id, self.route, self.file


def filed_reports(
    con: duckdb.DuckDBPyConnection, wave_id: str, school_ids: Sequence[str]
) -> dict[Key, FiledReport]:
    """The files of the schools' reports of a wave."""
    found = con.execute(
        """
        select school_id, route, file, digest, sealed_to, sha256, written_at
        from core.report_file where wave_id = $wave and list_contains($schools, school_id)
        """,
        {"wave": wave_id, "schools": list(school_ids)},
    ).fetchall()
    return {one.key: one for one in (FiledReport(*row) for row in found)}


def replace_filed(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    school_ids: Sequence[str],
    files: Sequence[FiledReport],
) -> None:
    """Write down all files of these schools' reports of a wave, in place of what stood there."""
    columns = ("school_id", "route", "file", "digest", "sealed_to", "sha256", "written_at")
    with transaction(con):
        forget_filed(con, wave_id, school_ids)
        con.execute(
            f"""
            insert into core.report_file
            select $wave, {", ".join(f"unnest(${name})" for name in columns)}
            """,
            {"wave": wave_id} | {name: [getattr(one, name) for one in files] for name in columns},
        ).fetchall()


def forget_filed(con: duckdb.DuckDBPyConnection, wave_id: str, school_ids: Sequence[str]) -> None:
    """The schools' reports of a wave do not lie there any more."""
    con.execute(
        "delete from core.report_file where wave_id = $wave and list_contains($schools, school_id)",
        {"wave": wave_id, "schools": list(school_ids)},
    ).fetchall()


def forget_schools(con: duckdb.DuckDBPyConnection, school_ids: Sequence[str]) -> None:
    """No report of these schools lies there any more, of whatever wave."""
    con.execute(
        "delete from core.report_file where list_contains($schools, school_id)",
        {"schools": list(school_ids)},
    ).fetchall()


def report_of_bytes(con: duckdb.DuckDBPyConnection, sha256: str) -> tuple[str, str, str] | None:
    """Wave, school and route of the report file with these bytes; None of one that is replaced."""
    found = con.execute(
        "select wave_id, school_id, route from core.report_file where sha256 = $sha256",
        {"sha256": sha256},
    ).fetchall()
    return found[0] if found else None
