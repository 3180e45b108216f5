"""What the pages of the case board ask the warehouse: ids of flags, waves and cases of a school."""

from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

import duckdb

Connection: TypeAlias = duckdb.DuckDBPyConnection


def whose_case(con: Connection, case_id: str) -> tuple[str, str | None]:
    """The school of a case, and what the pupil has said: yes, no, or None."""
    [(school, consent)] = con.execute(
        "select school_id, consent_pupil from core.support_case where case_id = $case_id",
        {"case_id": case_id},
    ).fetchall()
    return school, consent


def undecided(con: Connection, school: str, route: str) -> set[str]:
    """Open flags of pupils that nobody has decided on, and that no open case has taken up."""
    found = con.execute(
        """
        select flag_id from core.flag
        where school_id = $school and route = $route and target = 'pupil' and status = 'open'
            and review is null and flag_id not in (
                select unnest(linked_flag_ids) from core.support_case where closed_on is null
            )
        """,
        {"school": school, "route": route},
    ).fetchall()
    return {flag_id for (flag_id,) in found}


def waves_that_wait(con: Connection, school: str, route: str) -> list[str]:
    """Waves of which something may wait, the newest first."""
    found = con.execute(
        """
        select wave_id from core.dim_wave where wave_id in (
            select wave_id from core.flag
            where school_id = $school and route = $route and status = 'open' and review is null
            union select told_in from quarantine.asking
        ) order by opens desc
        """,
        {"school": school, "route": route},
    ).fetchall()
    return [wave_id for (wave_id,) in found]


def waves_of_flags(con: Connection, flag_ids: Sequence[str]) -> list[str]:
    """The waves that some flags are of."""
    found = con.execute(
        "select distinct wave_id from core.flag where list_contains($ids, flag_id) order by all",
        {"ids": list(flag_ids)},
    ).fetchall()
    return [wave_id for (wave_id,) in found]


def class_flags(
    con: Connection, school: str, route: str
) -> list[tuple[str, str, str, str, int, date]]:
    """Flags of classes with a clock that nobody has decided on.

    (flag_id, class, level, rule, its version, due on), the most urgent first.
    """
    found: list[tuple[str, str, str, str, int, date]] = con.execute(
        """
        select flag_id, class_group, level, rule_id, rule_version, review_due from core.flag
        where school_id = $school and route = $route and target = 'class' and status = 'open'
            and review is null and review_due is not null
        order by review_due, class_group, flag_id
        """,
        {"school": school, "route": route},
    ).fetchall()
    return found


def consented(con: Connection, school: str) -> set[str]:
    """Cases of which the pupil has said yes: the resource group's."""
    found = con.execute(
        """
        select case_id from core.support_case
        where school_id = $school and consent_pupil = 'yes'
        """,
        {"school": school},
    ).fetchall()
    return {case_id for (case_id,) in found}


def case_of_flag(con: Connection, flag_id: str) -> str | None:
    """The last case that was opened for a flag, or that it was linked to."""
    found = con.execute(
        """
        select case_id from core.support_case where list_contains(linked_flag_ids, $flag)
        order by opened_on desc limit 1
        """,
        {"flag": flag_id},
    ).fetchall()
    return str(found[0][0]) if found else None
