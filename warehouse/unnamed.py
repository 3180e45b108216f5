"""Forms without a pupil code or a submission number: two equal rows may well be two pupils.

So no row can be known again, only a file: one whose answers were all delivered before, and one that
holds so much of an earlier file that it must be a later export of the same form. In such an export
a form may have been corrected or deleted since. Then a row that might be the corrected form waits
for a person, and what is no longer there is told and goes on counting.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import duckdb
import pyarrow as pa

from schemas.instrument import Instrument
from schemas.survey import Survey
from warehouse.come_again import WITH_ITS_FILE
from warehouse.contexts import IDENTITY
from warehouse.instruments import answer_table

COMPARED_CONTEXT = ("school_id", "class_group", "grade", "gender")

# So many different rows of one class on the same days do not come twice by chance.
LEAST_ROWS = 5

_Rows = list[tuple[int, int, int]]  # a form's id, its digest, and its wave, school and day


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


_LIKELY = """
    with total as (select delivery_no, sum(rows) as rows from content group by all),
    pair as (
        select new.delivery_no, old.delivery_no as old_no, t.rows as old_rows, n.rows as rows,
            sum(least(new.rows, old.rows)) as common, count(*) as different,
            count(*) filter (new.rows = 1 and old.rows = 1) as alone
        from content new join content old using (digest)
            join total t on t.delivery_no = old.delivery_no
            join total n on n.delivery_no = new.delivery_no
        where new.is_new and old.delivery_no < new.delivery_no
        group by all
    ),
    related as (
        select *, (common = old_rows and different >= $least)
            or (alone >= $least and 3 * alone >= least(old_rows, rows)) as is_proof
        from pair where common = old_rows or 3 * common >= 2 * least(old_rows, rows)
    ),
    there as (
        select new.delivery_no, digest, new.rows as rows, sum(old.rows) as old_rows
        from content new join content old using (digest)
        where new.is_new and old.delivery_no < new.delivery_no
        group by all
    ),
    all_there as (
        select delivery_no from there join total t using (delivery_no)
        group by delivery_no, t.rows
        having bool_and(there.rows <= old_rows) and sum(there.rows) = t.rows
    )
    select delivery_no, coalesce(earlier, []), delivery_no in (from all_there)
    from (
        select delivery_no, list(old_no order by old_no) as earlier
        from related group by delivery_no having bool_or(is_proof)
    ) full join all_there using (delivery_no)
    order by delivery_no
"""


def find_earlier_exports(
    con: duckdb.DuckDBPyConnection, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    """Mark the forms of new files that earlier files have brought, and those that nobody can tell.

    That a file is a later export is certain where it holds all rows of an earlier one, LEAST_ROWS
    different ones at least; where all of so many rows are there already; and where two thirds of
    the smaller file stand in both, so many of them (and a third of it) alone of their kind in
    either. A smaller file proves nothing by itself; beside a larger one it is a later export's few
    answers.
    """
    _number_contents(con, survey, instruments)
    likely = con.execute(
        _LIKELY,
        {"least": LEAST_ROWS},
    ).fetchall()
    if likely:
        _mark(con, likely)
    con.execute(_KNOWN_AGAIN).fetchall()
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
        select response_id, delivery_no, row_no, true as is_new, 0 as state,
            response_id in (select response_id from verdict) as is_known, {_PLACE} as place,
            md5_number(concat_ws(chr(31), submitted_on, {_cells(survey, instruments)})) as digest
        from arrived
        where {IDENTITY} is null
        union all
        select response_id, delivery_no, row_no, false, state, false, {_PLACE},
            md5_number(concat_ws(chr(31), submitted_on, {stored}))
        from (
            select *, 0 as state from core.response
            union all
            select *, 1 from quarantine.response
            union all
            select form.*, 2 from quarantine.set_aside form where not {WITH_ITS_FILE}
        ) {joins}
        where survey_id = $survey and {IDENTITY} is null
        """,
        {"survey": survey.id},
    ).fetchall()
    con.execute("""
        create or replace temp table content as
        select delivery_no, is_new, digest, count(*) as rows from unnamed
        where not is_known group by all
    """).fetchall()


# Which form that waits, or was decided against, a row repeats: as many as there are of its kind,
# and those that count first.
_KNOWN_AGAIN = """
    update verdict v set kept_id = known.kept_id
    from (
        with again as (
            select response_id, digest,
                row_number() over (partition by delivery_no, digest order by row_no) as place
            from unnamed where is_new and response_id in (
                select response_id from verdict where kind = 'duplicate'
            )
        ),
        stored as (
            select response_id as kept_id, digest, state,
                row_number() over (partition by digest order by state, response_id) as place
            from unnamed where not is_new
        )
        select response_id, kept_id from again join stored using (digest, place) where state > 0
    ) known
    where v.response_id = known.response_id
"""


# A form that is corrected later keeps its wave, its school and its day.
_PLACE = "md5_number(concat_ws(chr(31), wave_id, school_id, coalesce(submitted_on::varchar, '')))"


def _mark(con: duckdb.DuckDBPyConnection, likely: Sequence[tuple[int, list[int], bool]]) -> None:
    """Strike the rows of each new file that stand in earlier ones, file after file.

    `likely`: a new file, the earlier ones that it is a later export of, and whether all of it may
    be there already. A row that is left over waits where a form of the same day is gone.
    """
    kept = _kept_rows(con)
    struck: list[int] = []
    asked: list[int] = []
    gone: list[tuple[int, int]] = []
    for new_no, earlier, may_be_there in likely:
        rows = kept[new_no]
        fresh = rows
        if may_be_there and _different(rows) >= LEAST_ROWS:
            fresh = _without(rows, _counted(kept[old] for old in kept if old < new_no))
        if fresh and not earlier:
            continue  # an earlier new file was found to hold less
        before = [row for old in earlier for row in kept[old]]
        missing = _without(before, _counted([rows]))
        if fresh:
            fresh = _without(rows, _counted(kept[old] for old in earlier))
        left = {response_id for response_id, _, _ in fresh}
        days = {place for _, _, place in missing}
        struck += [form for form, _, _ in rows if form not in left]
        asked += [form for form, _, place in fresh if place in days]
        if missing and 3 * len(missing) <= len(before):  # else it is an export of a part
            gone.append((new_no, len(missing)))
        kept[new_no] = fresh
    _write_verdicts(con, "duplicate", struck)
    _write_verdicts(con, "question", asked)
    for new_no, forms in gone:
        con.execute(
            "insert into gone values ($no, $forms)", {"no": new_no, "forms": forms}
        ).fetchall()


def _write_verdicts(con: duckdb.DuckDBPyConnection, kind: str, forms: Sequence[int]) -> None:
    con.register("judged", pa.table({"response_id": pa.array(forms, pa.int64())}))
    con.execute(
        """
        insert into verdict
        select response_id, delivery_no, $kind, null
        from arrived semi join judged using (response_id)
        """,
        {"kind": kind},
    ).fetchall()
    con.unregister("judged")


def _kept_rows(con: duckdb.DuckDBPyConnection) -> dict[int, _Rows]:
    """The forms of every file that has a row in common with a new one, in the order of rows."""
    found = con.execute("""
        select delivery_no, response_id, digest, place from unnamed
        where not is_known and delivery_no in (
            select delivery_no from content
            where digest in (select digest from content where is_new)
        )
        order by delivery_no, row_no
    """).fetchall()
    kept: defaultdict[int, _Rows] = defaultdict(list)
    for delivery_no, response_id, digest, place in found:
        kept[delivery_no].append((response_id, digest, place))
    return kept


def _different(rows: _Rows) -> int:
    return len({digest for _, digest, _ in rows})


def _counted(files: Iterable[_Rows]) -> Counter[int]:
    return Counter(digest for rows in files for _, digest, _ in rows)


def _without(rows: _Rows, known: Counter[int]) -> _Rows:
    """The rows that are there more often than they are known."""
    left, fresh = known.copy(), []
    for row in rows:
        if left[row[1]]:
            left[row[1]] -= 1
        else:
            fresh.append(row)
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
