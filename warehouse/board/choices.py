"""Whom a pupil likes to be with, for the worksheet of whoever composes a support group.

Only what pupils chose freely: nobody is ranked, counted or called anything, and no answer about
bullying is looked at.
"""

from dataclasses import dataclass, field

import duckdb

from transforms.pseudonym import PseudonymKey, under_each_key_sql

_CONNECTED_FROM = 2  # class mates with whom the choice is mutual


@dataclass(frozen=True, slots=True)
class Choices:
    """Codes in the order of the alphabet; `answered` of the class's pupils chose somebody."""

    wave: str
    class_group: str
    answered: int
    members: int
    mutual: tuple[str, ...] = field(repr=False)
    named: tuple[str, ...] = field(repr=False)
    named_by: tuple[str, ...] = field(repr=False)
    connected: tuple[str, ...] = field(repr=False)


def choices_around(
    con: duckdb.DuckDBPyConnection, case_id: str, *, key: PseudonymKey
) -> Choices | None:
    """Of the last wave in which the class of the case's pupil was asked; None where none was."""
    found = con.execute(_LAST_ASKED, {"case_id": case_id}).fetchall()
    if not found:
        return None
    wave_id, name, school_id, class_group, pupil = found[0]
    told = {"wave": wave_id, "school": school_id, "class": class_group}
    names = under_each_key_sql({"pupil": "pupil_code"}, key=key)
    [(answered, members, *groups)] = con.execute(
        f"""
        with turned as (select pupil_code, school_id, {names} from vault.code),
        class_code as (
            select distinct m.pupil, t.pupil_code
            from core.class_member m join turned t using (school_id, pupil)
            where m.wave_id = $wave and m.school_id = $school and m.class_group = $class
                and m.pupil <> $pupil
        ),
        {_CHOICES},
        mutual as (
            select a.chooser, a.chosen from choice a join choice b
                on a.chooser = b.chosen and a.chosen = b.chooser
        ),
        connected as (
            select chooser as pupil from mutual group by chooser
            having count(*) >= {_CONNECTED_FROM}
        )
        select
            (select count(distinct chooser) from choice),
            (select count(distinct pupil) from core.class_member
                where wave_id = $wave and school_id = $school and class_group = $class),
            {_codes("select chosen from mutual where chooser = $pupil")},
            {_codes("select chosen from choice where chooser = $pupil")},
            {_codes("select chooser from choice where chosen = $pupil")},
            {_codes("select pupil from connected")}
        """,
        {**told, "pupil": pupil, **key.pupil_parameters()},
    ).fetchall()
    return Choices(name, class_group, answered, members, *(tuple(one) for one in groups))


_LAST_ASKED = """
    select w.wave_id, w.name, r.school_id, r.class_group, c.pupil
    from core.support_case c
        join core.response r on r.pupil = c.pupil and r.school_id = c.school_id
        join core.dim_wave w on w.wave_id = r.wave_id
    where c.case_id = $case_id and r.wave_id in (
        select wave_id from core.response semi join core.nomination using (response_id)
        where school_id = c.school_id
    )
    order by w.opens desc limit 1
"""

_CHOICES = """
    choice as (
        select distinct r.pupil as chooser, n.chosen
        from core.nomination n join core.response r using (response_id)
        where r.wave_id = $wave and r.school_id = $school and r.class_group = $class
            and r.pupil is not null and r.pupil <> n.chosen
    )
"""


def _codes(pupils: str) -> str:
    """The codes of some pupils, as one sorted list."""
    return f"""(
        select coalesce(list(pupil_code order by pupil_code), []) from class_code
        where pupil in ({pupils})
    )"""
