"""Forms without a pupil code or a submission number: two equal rows may well be two pupils.

So no row can be known again, only a file: one whose answers were all delivered before, and one that
holds all of an earlier file's answers and more, as the next export of the same form does.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from schemas.instrument import Instrument
from schemas.survey import Survey
from warehouse.contexts import IDENTITY
from warehouse.instruments import answer_table

COMPARED_CONTEXT = ("school_id", "class_group", "grade", "gender")

# So many different rows of one class on the same days do not come twice by chance.
LEAST_ROWS = 5

_Rows = list[tuple[int, int]]  # a form's id and its digest


def find_known_files(
    con: duckdb.DuckDBPyConnection, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    """Mark every new form of a file whose answers were delivered before, in whatever format."""
    con.execute(f"""
        insert into file_digest
        select delivery_no, sha256(string_agg(cells, chr(10) order by cells))
        from (
            select delivery_no, {_cells(survey, instruments)} as cells
            from arrived where {IDENTITY} is null
        )
        group by delivery_no
    """).fetchall()
    con.execute(
        f"""
        insert into verdict
        select response_id, delivery_no, 'duplicate', null
        from arrived join file_digest f using (delivery_no)
        where {IDENTITY} is null and (
            f.digest in (select content_digest from core.delivery where survey_id = $survey)
            or exists (
                from file_digest e where e.digest = f.digest and e.delivery_no < f.delivery_no
            )
        )
        """,
        {"survey": survey.id},
    ).fetchall()


def find_earlier_exports(
    con: duckdb.DuckDBPyConnection, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    """Mark the forms of new files that earlier files have brought.

    That is certain where a new file holds all rows of an earlier one, LEAST_ROWS different ones at
    least, and where all of so many rows of a new file are there already. A smaller file proves
    nothing by itself; beside a larger one that is held as well it is a later export's few answers.
    """
    _number_contents(con, survey, instruments)
    likely = con.execute("""
        with total as (select delivery_no, sum(rows) as rows from content group by all),
        before as (
            select new.delivery_no, old.delivery_no as old_no, digest,
                new.rows as new_rows, old.rows as old_rows
            from content new join content old using (digest)
            where new.is_new and old.delivery_no < new.delivery_no
        ),
        held as (
            select b.delivery_no, old_no
            from before b join total t on t.delivery_no = old_no
            group by b.delivery_no, old_no, t.rows
            having bool_and(old_rows <= new_rows) and sum(old_rows) = t.rows
        ),
        there as (
            select delivery_no, digest, new_rows, sum(old_rows) as old_rows from before group by all
        )
        select delivery_no, list(old_no order by old_no) from held group by delivery_no
        union all
        select delivery_no, null
        from there join total t using (delivery_no)
        group by delivery_no, t.rows
        having bool_and(new_rows <= old_rows) and sum(new_rows) = t.rows
    """).fetchall()
    if likely:
        _mark(con, likely)
    for table in ("content", "unnamed"):
        con.execute(f"drop table temp.{table}").fetchall()


def _number_contents(
    con: duckdb.DuckDBPyConnection, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    """Tables `unnamed`, a row a form, new or stored, and `content`, how often a file has which."""
    joins = " ".join(
        f"left join {answer_table(key)} {key} using (response_id)" for key in survey.instruments
    )
    stored = _cells(survey, instruments, is_stored=True)
    con.execute(
        f"""
        create or replace temp table unnamed as
        select response_id, delivery_no, row_no, true as is_new,
            md5_number(concat_ws(chr(31), submitted_on, {_cells(survey, instruments)})) as digest
        from arrived
        where {IDENTITY} is null and response_id not in (select response_id from verdict)
        union all
        select response_id, delivery_no, row_no, false,
            md5_number(concat_ws(chr(31), submitted_on, {stored}))
        from core.response {joins}
        where survey_id = $survey and {IDENTITY} is null
        """,
        {"survey": survey.id},
    ).fetchall()
    con.execute("""
        create or replace temp table content as
        select delivery_no, is_new, digest, count(*) as rows from unnamed group by all
    """).fetchall()


def _mark(con: duckdb.DuckDBPyConnection, likely: Sequence[tuple[int, list[int] | None]]) -> None:
    """Strike the rows of each new file that stand in earlier ones, file after file.

    `likely`: a new file with the earlier ones that it holds, or with none where all of it may be
    there already.
    """
    kept = _kept_rows(con)
    struck: list[int] = []
    for new_no, held in sorted(likely, key=lambda pair: (pair[0], pair[1] is not None)):
        earlier = held if held is not None else [old_no for old_no in kept if old_no < new_no]
        evidence = [kept[old_no] for old_no in earlier] if held else [kept[new_no]]
        if max((_different(rows) for rows in evidence), default=0) < LEAST_ROWS:
            continue
        known = Counter(digest for old_no in earlier for _, digest in kept[old_no])
        fresh = _without(kept[new_no], known)
        if held is None and fresh:
            continue  # an earlier new file was found to hold less
        left = {response_id for response_id, _ in fresh}
        struck += [form for form, _ in kept[new_no] if form not in left]
        kept[new_no] = fresh
    con.register("struck", pa.table({"response_id": pa.array(struck, pa.int64())}))
    con.execute("""
        insert into verdict
        select response_id, delivery_no, 'duplicate', null
        from arrived semi join struck using (response_id)
    """).fetchall()
    con.unregister("struck")


def _kept_rows(con: duckdb.DuckDBPyConnection) -> dict[int, _Rows]:
    """The forms of every file that has a row in common with a new one, in the order of rows."""
    found = con.execute("""
        select delivery_no, response_id, digest from unnamed
        where delivery_no in (
            select delivery_no from content
            where digest in (select digest from content where is_new)
        )
        order by delivery_no, row_no
    """).fetchall()
    kept: defaultdict[int, _Rows] = defaultdict(list)
    for delivery_no, response_id, digest in found:
        kept[delivery_no].append((response_id, digest))
    return kept


def _different(rows: _Rows) -> int:
    return len({digest for _, digest in rows})


def _without(rows: _Rows, known: Counter[int]) -> _Rows:
    """The rows that are there more often than they are known."""
    left, fresh = known.copy(), []
    for response_id, digest in rows:
        if left[digest]:
            left[digest] -= 1
        else:
            fresh.append((response_id, digest))
    return fresh


def _cells(
    survey: Survey, instruments: Mapping[str, Instrument], *, is_stored: bool = False
) -> str:
    """A form's wave, class and answers as one text; of `arrived`, or of the stored tables."""
    items = [
        f"{key}.{item.id}" if is_stored else f'"{key}.{item.id}"'
        for key in survey.instruments
        for item in instruments[key].items
    ]
    columns = ("wave_id", *COMPARED_CONTEXT, *items)
    cells = ", ".join(f"coalesce({column}::varchar, '')" for column in columns)
    return f"concat_ws(chr(31), {cells})"
