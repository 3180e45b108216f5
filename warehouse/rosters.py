"""OneRoster packages: turned into pseudonyms, merged into what is known, and listed."""

from dataclasses import replace
from datetime import datetime

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.answer import LOOKS_PERSONAL
from schemas.class_date import is_date
from schemas.class_name import class_pattern
from schemas.settings import Settings
from transforms.listed import Listed
from transforms.oneroster import Roster
from transforms.pseudonym import PseudonymKey, names_sql, pseudonym_sql, pupil_sql
from transforms.roster_list import Register, list_of_roster, merge_roster, register_as_it_is
from warehouse.choice_zeros import resolve_by_list
from warehouse.class_lists import (
    content_digest,
    enter,
    enter_copy,
    is_entered,
    is_in_force,
    require_none_listed,
    settled_by_others,
    strike,
    take_over,
)
from warehouse.entries import Incoming, Loaded
from warehouse.erased import erased_from_lists, tell_erased
from warehouse.store import transaction

# Every number of the register has a domain of its own: none of them is a pupil's in the surveys.
_CLASS_NUMBER = {"class_id": "register class"}
_ENROLMENT_NUMBERS = {**_CLASS_NUMBER, "enrolment": "register enrolment"}
_USER = "register user"


def load_roster(
    con: duckdb.DuckDBPyConnection,
    roster: Roster,
    *,
    settings: Settings,
    incoming: Incoming,
    key: PseudonymKey,
    now: datetime,
) -> Loaded:
    """Load a package, whole or of changes.

    The same changes count once, whenever they come again: others may have come since. A file with
    waiting rows that is read again is listed anew by the register as it is now, and is not applied
    again either. Classes without their pupils are NO_ROWS where a list is in force.
    """
    roster, erased = _without_erased(con, roster, key)
    told, users, removed = _turned(con, roster, settings, key)
    codes = roster.codes.column("code").cast(pa.string())
    is_whole = _is_whole(told)
    kind = "whole" if is_whole else "changes"
    digest = content_digest(con, kind, told.classes, told.enrolment, removed)
    with transaction(con):
        counts_already = is_entered(con, incoming)
        strike(con, incoming)
        merged = merge_roster(*_known(con), told)
        told = replace(told, removed_pupils=removed["removed"].combine_chunks())  # each once
        knows_more = _remember_users(con, users)
        listed = list_of_roster(merged, _users(con), told, settings)
        scope = listed.scope if is_whole else listed.scope.slice(0, 0)
        is_copy = not counts_already and is_in_force(con, digest, scope)
        taken = take_over(con, digest, incoming) if is_copy else 0
        if is_copy and not taken and not knows_more:
            return tell_erased(con, enter_copy(con, incoming, listed.delivered, now=now), erased)
        if counts_already or is_copy:
            listed = _listed_anew(con, told, listed, settings, is_whole=is_whole)
        else:
            if is_whole and not listed.pupils.num_rows:
                require_none_listed(con, listed.scope)
            _remember(con, merged)
        if is_copy:
            listed = replace(listed, accepted=max(taken - len(listed.held), 0))
        entered = enter(
            con, listed, pupils=listed.pupils, incoming=incoming, key=key, digest=digest, now=now
        )
        resolve_by_list(con, codes, key=key)
        return tell_erased(con, entered, erased)


def _without_erased(
    con: duckdb.DuckDBPyConnection, roster: Roster, key: PseudonymKey
) -> tuple[Roster, int]:
    """The register without pupils who are erased, wherever it has them; and how many they are."""
    codes = pl.DataFrame(roster.codes)
    named = codes.select(
        "code", school_id=pl.lit(None, pl.String), school_year=pl.lit(None, pl.String)
    )
    out = erased_from_lists(con, named.to_arrow().cast(_NAMED), key=key)
    if not out:
        return roster, 0
    people = codes[out]["pupil"].to_list()
    enrolment = pl.DataFrame(roster.enrolment).filter(~pl.col("pupil").is_in(people))
    return (
        replace(
            roster,
            codes=codes.filter(~pl.col("pupil").is_in(people)).to_arrow().cast(roster.codes.schema),
            enrolment=enrolment.to_arrow().cast(roster.enrolment.schema),
        ),
        len(out),
    )


_NAMED = pa.schema({name: pa.string() for name in ("code", "school_id", "school_year")})


def _is_whole(told: Roster) -> bool:
    """Whether the classes and enrolments of a package are all that there are."""
    modes = {told.modes["classes"], told.modes["enrollments"]}
    return "bulk" in modes and "delta" not in modes


def _listed_anew(
    con: duckdb.DuckDBPyConnection,
    told: Roster,
    merged: Listed,
    settings: Settings,
    *,
    is_whole: bool,
) -> Listed:
    """The list of the register as it is, of the schools and years that a package speaks of.

    A list of another kind that has come since stays in force. Which rows of a whole package wait is
    told by itself (`merged`): the register may have let go of its classes.
    """
    register = register_as_it_is(*_known(con), told)
    settled = settled_by_others(con)
    listed = list_of_roster(register, _users(con), told, settings, settled=settled)
    if is_whole:
        return replace(
            listed, held=merged.held, delivered=merged.delivered, accepted=merged.accepted
        )
    return listed


def _turned(
    con: duckdb.DuckDBPyConnection, roster: Roster, settings: Settings, key: PseudonymKey
) -> tuple[Roster, pa.Table, pa.Table]:
    """The roster with pseudonyms; columns person and pupil of those with a code; and who is gone.

    A user is a person of each key for pupils, so that nobody links the lists of two keys by the
    register's numbers. Who is gone (column removed) bears a name that no new key changes.
    """
    classes = _named(_keyed(con, roster.classes, _CLASS_NUMBER, key), settings)
    removed = pa.table({"removed": roster.removed_pupils})
    told = replace(
        roster,
        classes=classes,
        enrolment=_named(_keyed_enrolment(con, roster.enrolment, classes, key), settings),
        removed_pupils=_under_each_key(con, removed, {"removed": _USER}, key)[
            "removed"
        ].combine_chunks(),
        codes=roster.codes.rename_columns(["person", "pupil"]).slice(0, 0),
    )
    codes = roster.codes.rename_columns(["person", "pupil"])
    users = _under_each_key(con, codes, {"person": _USER, "pupil": "pupil"}, key)
    return told, users, _keyed(con, removed, {"removed": _USER}, key)


def _keyed_enrolment(
    con: duckdb.DuckDBPyConnection, enrolment: pa.Table, classes: pa.Table, key: PseudonymKey
) -> pa.Table:
    """Enrolments with pseudonyms; a user's is of the school year that the class is of."""
    keyed = _keyed(con, enrolment, _ENROLMENT_NUMBERS, key)
    keyed = keyed.append_column("place_", pa.array(range(keyed.num_rows), pa.int64()))
    con.register("plain_enrolment", keyed)
    con.register("told_class", classes)
    con.execute("""
        create or replace temp table year_of as
        select class_id, any_value(school_year order by turn) as school_year
        from (
            select class_id, school_year, 1 as turn from told_class
            union all
            select class_id, school_year, 2 from core.roster_class
        )
        where school_year is not null group by class_id
    """).fetchall()
    # Changes may leave out the class: the one that the enrolment had.
    year = """coalesce(
        (select school_year from year_of y where y.class_id = e.class_id),
        (select any_value(school_year) from core.roster_enrolment k join year_of using (class_id)
            where k.enrolment = e.enrolment),
        '9999'
    )"""
    name = pupil_sql("pupil", key=key, year="school_year_", domain=_USER)
    found = con.sql(
        f"""
        select * exclude (school_year_, place_) replace ({name} as pupil)
        from (select e.*, {year} as school_year_ from plain_enrolment e)
        order by place_
        """,
        params=key.pupil_parameters(),
    ).to_arrow_table()
    for view in ("plain_enrolment", "told_class"):
        con.unregister(view)
    con.execute("drop table temp.year_of").fetchall()
    return found


def _under_each_key(
    con: duckdb.DuckDBPyConnection, table: pa.Table, domains: dict[str, str], key: PseudonymKey
) -> pa.Table:
    """The rows once for each key for pupils, each with the pseudonyms of that one."""
    con.register("plain", table)
    names = {column: names_sql(column, key=key, domain=one) for column, one in domains.items()}
    rows = " union all by name ".join(
        f"select {', '.join(f'{names[column][one.version]} as {column}' for column in domains)}"
        " from plain"
        for one in key.versions
    )
    found = con.sql(rows, params=key.pupil_parameters()).to_arrow_table()
    con.unregister("plain")
    return found


def _named(table: pa.Table, settings: Settings) -> pa.Table:
    """The table without names that no class has: a register's subjects are called all manner."""
    name = table.column("class_group")
    is_no_date = pl.DataFrame({"name": name}).select(~is_date("name")).to_series().to_arrow()
    is_name = pc.and_(
        pc.and_(pc.match_substring_regex(name, class_pattern(settings.classes.names)), is_no_date),
        pc.invert(pc.match_substring_regex(name, LOOKS_PERSONAL)),
    )
    named = pc.if_else(is_name, name, pa.scalar(None, name.type))
    return table.set_column(table.column_names.index("class_group"), "class_group", named)


def _keyed(
    con: duckdb.DuckDBPyConnection, table: pa.Table, domains: dict[str, str], key: PseudonymKey
) -> pa.Table:
    turned = ", ".join(
        f"{pseudonym_sql(column, key=key, domain=domain)} as {column}"
        for column, domain in domains.items()
    )
    con.register("plain", table)
    keyed = con.sql(f"select * replace ({turned}) from plain", params=key.parameters())
    found = keyed.to_arrow_table()
    con.unregister("plain")
    return found


def _known(con: duckdb.DuckDBPyConnection) -> tuple[pa.Table, pa.Table]:
    return (
        con.sql("from core.roster_class").to_arrow_table(),
        con.sql("from core.roster_enrolment").to_arrow_table(),
    )


def _users(con: duckdb.DuckDBPyConnection) -> pa.Table:
    return con.sql("from core.roster_user").to_arrow_table()


def _remember_users(con: duckdb.DuckDBPyConnection, users: pa.Table) -> bool:
    """Keep the codes of users; whether any of them is news."""
    con.register("users", users)
    news = con.execute("""
        select 1 from users anti join core.roster_user using (person, pupil) limit 1
    """).fetchall()
    # In the order of the pseudonyms: in the package's own, the rows of two keys would lie alike.
    con.execute("""
        update core.roster_user known set pupil = users.pupil
        from users where users.person = known.person and users.pupil <> known.pupil
    """).fetchall()
    con.execute("""
        insert into core.roster_user
        select person, pupil from users anti join core.roster_user using (person) order by person
    """).fetchall()
    con.unregister("users")
    return bool(news)


def _remember(con: duckdb.DuckDBPyConnection, register: Register) -> None:
    for table, rows in (
        ("core.roster_class", register.classes),
        ("core.roster_enrolment", register.enrolment),
    ):
        con.register("told", rows)
        con.execute(f"delete from {table}").fetchall()
        con.execute(f"insert into {table} by name select * from told").fetchall()
        con.unregister("told")
