"""Who is meant by a pupil code, and where the databases hold anything of that pupil."""

from dataclasses import dataclass, field

import duckdb

from schemas.speakable import SpeakableError
from transforms.pseudonym import PseudonymKey, names_of_pupil
from warehouse.case_rows import SCHOOLS_OF_CASES


class WhichSchoolError(SpeakableError):
    """A code is known at several schools, and nobody has said which of them is meant."""


@dataclass(frozen=True, slots=True)
class Who:
    """A pupil code at some schools, and what the pupil is called under each of the home's keys.

    `others`: schools that know the code and are not meant.
    """

    code: str = field(repr=False)
    pupils: tuple[str, ...] = field(repr=False)
    schools: tuple[str, ...]
    others: tuple[str, ...] = ()
    persons: tuple[str, ...] = field(default=(), repr=False)  # keyed numbers of a register

    @property
    def tokens(self) -> tuple[str, ...]:
        """What the pupil is known by in the databases."""
        return (self.code, *self.pupils, *self.persons)

    @property
    def names(self) -> set[str]:
        """The code and the pseudonyms: what may stand in a file."""
        return {self.code, *self.pupils}


def find_pupil(
    con: duckdb.DuckDBPyConnection, code: str, school: str | None, *, key: PseudonymKey
) -> Who:
    """Who is meant by a code; WhichSchoolError where several schools know it and none is named."""
    pupils = names_of_pupil(code, key=key)
    named = {"code": code, "pupils": list(pupils)}
    known = {place for (place,) in con.execute(_SCHOOLS, named).fetchall()}
    if school is None and len(known) > 1:
        raise WhichSchoolError(
            f"{len(known)} schools know this code, perhaps of different children:"
            f" give --school, once for each that is meant ({', '.join(sorted(known))})"
        )
    meant = {school} if school else known
    persons = con.execute(
        "select person from core.roster_user where list_contains($pupils, pupil)",
        {"pupils": list(pupils)},
    ).fetchall()
    return Who(
        code,
        pupils,
        tuple(sorted(meant)),
        tuple(sorted(known - meant)),
        tuple(person for (person,) in persons),
    )


FORMS = """(
    select *, 'core.response' as place from core.response
    union all select *, 'quarantine.response' from quarantine.response
    union all select *, 'quarantine.set_aside' from quarantine.set_aside
)"""

_SCHOOLS = f"""
    select school_id from vault.code where pupil_code = $code
    union select school_id from {FORMS} where list_contains($pupils, pupil)
    union select school_id from core.enrolment
        where list_contains($pupils, pupil) or list_contains($pupils, person)
    union select school_id from core.flag where list_contains($pupils, pupil)
    union select school_id from quarantine.request
        where list_contains($pupils, pupil) and school_id is not null
    union select school_id from core.form_number where list_contains($pupils, pupil)
    union {SCHOOLS_OF_CASES}
"""


def waiting_of_others(con: duckdb.DuckDBPyConnection, who: Who) -> dict[str, int]:
    """Deliveries with rows that wait and are not the pupil's, or that wait as a whole."""
    found = con.execute(
        f"""
        with own as (
            select delivery_no, row_no from {FORMS} where list_contains($pupils, pupil)
            union
            select delivery_no, row_no from quarantine.row semi join (
                select quarantine_id from quarantine.trace where list_contains($pupils, pupil)
                union all
                select quarantine_id from quarantine.request where list_contains($pupils, pupil)
            ) using (quarantine_id)
        )
        select delivery_id, count(*)::integer
        from quarantine.row join core.delivery using (delivery_no)
        where (delivery_no, row_no) not in (from own)
        group by all
        union all
        select delivery_id, quarantined from core.delivery
        where outcome = 'quarantined' and reason_code is not null
        """,
        {"pupils": list(who.pupils)},
    ).fetchall()
    return dict(found)


def known_contents(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Every content that the ledger has."""
    found = con.execute("select delivery_id from core.delivery").fetchall()
    return frozenset(delivery_id for (delivery_id,) in found)


def renamed_contents(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Contents that were ever rewritten: what each is known by now, by what it was before."""
    return dict(con.execute("select was, delivery_id from audit.rewritten").fetchall())


def found_in_databases(con: duckdb.DuckDBPyConnection, who: Who) -> int:
    """Cells of any table that hold what the pupil is known by; a look at every text column.

    With the code at other schools as well, only rows of the schools that were meant count.
    """
    tables = con.execute("""
        select database_name, schema_name, table_name, list(column_name),
            bool_or(has_school)
        from (
            select *, count(*) filter (column_name = 'school_id') over (
                partition by database_name, schema_name, table_name
            ) > 0 as has_school
            from duckdb_columns()
                semi join duckdb_tables() using (database_name, schema_name, table_name)
        )
        where data_type in ('VARCHAR', 'VARCHAR[]') and not internal
            and database_name <> 'temp'
            and not starts_with(table_name, 'dim_') and column_name <> 'class_group'
        group by all
    """).fetchall()
    named = {"tokens": list(who.tokens), "pupils": list(who.pupils)}
    if who.others:
        named["schools"] = list(who.schools)
    total = 0
    for database, schema, table, columns, has_school in tables:
        if who.others and not has_school:
            continue
        told = " + ".join(map(_holds, columns))
        where = "list_contains($schools, school_id)" if who.others else "true"
        [(cells,)] = con.execute(
            f'select coalesce(sum({told}), 0) from "{database}"."{schema}"."{table}" where {where}',
            named,
        ).fetchall()
        total += int(cells)
    return total


def _holds(column: str) -> str:
    cell = f'"{column}"::varchar'
    within = f"len(list_filter($pupils, lambda one: contains({cell}, one))) > 0"
    return f"coalesce(list_contains($tokens, {cell}) or {within}, false)::int"
