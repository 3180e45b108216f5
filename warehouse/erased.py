"""Who was erased stays erased: rows that come again are left out, and counted.

Kept is a keyed digest of its own, with a school, and a wave or a school year: it is neither the
code nor the pseudonym, and whoever does not hold the key can do nothing with it. Without it the
next export of the same survey would bring the pupil back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from schemas.reason import Reason
from transforms.held import HeldRow
from transforms.left_blank import LeftBlank
from transforms.pseudonym import PseudonymKey, pseudonym, pseudonym_sql
from warehouse.entries import Loaded

DOMAIN = "erased"


@dataclass(frozen=True, slots=True)
class Gathered:
    """All accepted rows (a byte an answer: they fit), all held rows, and rows a file.

    `readable` and `left_blank` as in `Validated`.
    """

    accepted: pa.Table = field(repr=False)
    held: list[HeldRow]
    delivered: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    readable: pa.Table = field(repr=False)
    left_blank: list[LeftBlank]


def erased_digest(code: str, *, key: PseudonymKey) -> str:
    """What an erased pupil is known by, should the code come again."""
    return pseudonym(code, key=key, domain=DOMAIN)


def digest_sql(column: str, *, key: PseudonymKey) -> str:
    """The same of a column of codes, as a query expression."""
    return pseudonym_sql(column, key=key, domain=DOMAIN)


def anybody_erased(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether anybody was ever erased; most homes are spared the digests."""
    return bool(con.execute("select 1 from core.erased limit 1").fetchall())


def remember_erased(
    con: duckdb.DuckDBPyConnection,
    digest: str,
    school_ids: Sequence[str],
    *,
    for_good: bool,
    today: date,
) -> None:
    """Note that the pupil is erased from what has been until today, or for good.

    Waves that open later are new answers: who gives them knows of it, so they are taken, unless
    the pupil is erased for good. The class lists of the school years until today go too, also of
    one that has begun and in which nobody has been asked yet: a register lists anew every night.
    Where no school is known, it is any.
    """
    con.execute(
        """
        insert into core.erased
        with scope as (
            select wave_id, null as school_year from core.dim_wave where opens <= $today
            union all
            select distinct null, school_year
            from (
                select school_year, opens from core.dim_wave
                union all
                select school_year, make_date(left(school_year, 4)::integer, 8, 1)
                from core.class_list
            )
            where opens <= $today
            union all
            select null, null where $for_good
        )
        select $digest, school.id, wave_id, school_year, $today
        from scope, (
            select unnest($schools) as id
            union all
            select school_id from core.dim_school where len($schools) = 0
        ) school
        where not exists (
            from core.erased e
            where e.digest = $digest and e.school_id = school.id
                and e.wave_id is not distinct from scope.wave_id
                and e.school_year is not distinct from scope.school_year
        )
        """,
        {"digest": digest, "schools": list(school_ids), "for_good": for_good, "today": today},
    ).fetchall()


def without_erased_rows(
    con: duckdb.DuckDBPyConnection, arrived: Gathered, *, key: PseudonymKey
) -> tuple[Gathered, pa.Table]:
    """The rows without those of erased pupils; and the places of those, file_no and row_no."""
    if "pupil_code" not in arrived.accepted.column_names or not anybody_erased(con):
        return arrived, _PLACES.empty_table()
    out = _erased_places(con, arrived.accepted, key=key)
    held_out = _erased_places(con, arrived.readable, key=key)
    if not out.num_rows and not held_out.num_rows:
        return arrived, out
    accepted, gone = arrived.accepted, set(map(tuple, _pairs(held_out).tolist()))
    stays = ~np.isin(_one(_pairs(accepted)), _one(_pairs(out)))
    kept = replace(
        arrived,
        accepted=accepted.filter(pa.array(stays)),
        held=[row for row in arrived.held if (row.file_no, row.row_no) not in gone],
    )
    return kept, pa.concat_tables([out, held_out])


_PLACES = pa.schema({"file_no": pa.int64(), "row_no": pa.int64()})


def _pairs(table: pa.Table) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    columns = [table.column(name).to_numpy().astype(np.int64) for name in ("file_no", "row_no")]
    return np.stack(columns, axis=1)


def _one(pairs: "np.ndarray[tuple[int, int], np.dtype[np.int64]]") -> "np.ndarray":
    """File and row as one number."""
    return (pairs[:, 0] << 32) | pairs[:, 1]


def _erased_places(
    con: duckdb.DuckDBPyConnection, rows: pa.Table, *, key: PseudonymKey
) -> pa.Table:
    """Which of the rows are of a pupil who is erased from that wave, at that school.

    Where the school cannot be read, it is that pupil unless another school knows the code.
    """
    con.register("who", rows.select(["file_no", "row_no", "pupil_code", "school_id", "wave_id"]))
    found = con.sql(
        f"""
        with coded as (
            select file_no, row_no, school_id::varchar as school_id, wave_id::varchar as wave_id,
                upper(pupil_code::varchar) as code,
                {digest_sql("upper(pupil_code::varchar)", key=key)} as digest
            from who where pupil_code is not null
        )
        select distinct file_no, row_no
        from coded c join core.erased e using (digest)
        where (c.school_id = e.school_id
                or (c.school_id is null and code not in (select pupil_code from vault.code)))
            and (e.wave_id = c.wave_id or (c.wave_id is null and e.wave_id is not null)
                or (e.wave_id is null and e.school_year is null))
        """,
        params=key.parameters(),
    ).to_arrow_table()
    con.unregister("who")
    return found.cast(_PLACES)


def note_erased(con: duckdb.DuckDBPyConnection, places: pa.Table, *, first_no: int) -> None:
    """Let the ledger count the rows as dropped: part of the load, once `left_out` is there."""
    if not places.num_rows:
        return
    con.register("erased_row", places)
    con.execute(
        """
        insert into left_out
        select ($first_no + file_no)::integer, row_no::integer, 'erased' from erased_row
        """,
        {"first_no": first_no},
    ).fetchall()
    con.unregister("erased_row")


def without_erased_choices(
    con: duckdb.DuckDBPyConnection, choices: pa.Table, forms: pa.Table, *, key: PseudonymKey
) -> tuple[pa.Table, pa.Table]:
    """The choices without those of erased pupils; and for each of those the `file_no`.

    `choices` as `take_choices` returns them with `forms`, whose place they name.
    """
    none = pa.table({"file_no": pa.array([], pa.int64())})
    if not choices.num_rows or not anybody_erased(con):
        return choices, none
    places = choices.column("place")
    said = pa.table(
        {
            "file_no": forms.column("file_no").take(places),
            "row_no": pa.array(np.arange(choices.num_rows)),  # the choice's own place
            "pupil_code": choices.column("chosen_code"),
            "school_id": forms.column("school_id").take(places),
            "wave_id": forms.column("wave_id").take(places),
        }
    )
    found = _erased_places(con, said, key=key)
    stays = np.ones(choices.num_rows, np.bool_)
    stays[found.column("row_no").to_numpy()] = False
    return choices.filter(pa.array(stays)), found.select(["file_no"])


def count_erased(
    con: duckdb.DuckDBPyConnection, places: pa.Table, blanked: pa.Table, *, first_no: int
) -> None:
    """Note on the deliveries how many rows named somebody who was erased: their copies must not."""
    named = pa.concat_tables([places.select(["file_no"]), blanked])
    if not named.num_rows:
        return
    con.register("named", named)
    con.execute(
        """
        update core.delivery d set erased = n.rows
        from (select $first_no + file_no as delivery_no, count(*) as rows from named group by all) n
        where n.delivery_no = d.delivery_no
        """,
        {"first_no": first_no},
    ).fetchall()
    con.unregister("named")


def erased_among(
    con: duckdb.DuckDBPyConnection, words: Sequence[str], *, key: PseudonymKey
) -> list[str]:
    """Those of the words that are codes of pupils who were erased from anything."""
    con.register("word", pa.table({"code": pa.array(words, pa.string())}))
    found = con.execute(
        f"""
        select code from (select code, {digest_sql("code", key=key)} as digest from word)
        where digest in (select digest from core.erased)
        """,
        key.parameters(),
    ).fetchall()
    con.unregister("word")
    return [code for (code,) in found]


def erased_from_lists(
    con: duckdb.DuckDBPyConnection, codes: pa.Table, *, key: PseudonymKey
) -> list[int]:
    """Places in a table (code, school_id, school_year) of pupils who are erased from that list.

    A null school or year is any.
    """
    if not codes.num_rows or not anybody_erased(con):
        return []
    numbered = codes.append_column("place", pa.array(range(codes.num_rows), pa.int64()))
    con.register("listed", numbered)
    found = con.execute(
        f"""
        with coded as (
            select place, school_id, school_year, {digest_sql("upper(code)", key=key)} as digest
            from listed where code is not null
        )
        select distinct place from coded c join core.erased e using (digest)
        where coalesce(c.school_id = e.school_id, true) and (
            (e.school_year is not null and coalesce(c.school_year = e.school_year, true))
            or (e.wave_id is null and e.school_year is null)
        )
        """,
        key.parameters(),
    ).fetchall()
    con.unregister("listed")
    return [place for (place,) in found]


def without_erased_pupils(
    con: duckdb.DuckDBPyConnection, pupils: pa.Table, *, key: PseudonymKey
) -> pa.Table:
    """The pupils of a list (`Listed.pupils`, with codes) without those who are erased from it."""
    named = pupils.select(["pupil", "school_id", "school_year"]).rename_columns(
        ["code", "school_id", "school_year"]
    )
    out = erased_from_lists(con, named, key=key)
    stays = np.ones(pupils.num_rows, np.bool_)
    stays[out] = False
    return pupils.filter(pa.array(stays)) if out else pupils


def tell_erased(con: duckdb.DuckDBPyConnection, entered: Loaded, erased: int) -> Loaded:
    """Note on a list's entry how many pupils were left out because they are erased."""
    if not erased:
        return entered
    con.execute(
        "update core.delivery set erased = $erased where delivery_id = $id",
        {"erased": erased, "id": entered.delivery_id},
    ).fetchall()
    told = {**entered.reasons, Reason.ERASED.value: erased}
    return replace(entered, reasons=told, erased=erased)
