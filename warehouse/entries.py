"""The ledger's entries for files that are being loaded; part of the transaction that loads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from schemas.reason import Reason
from schemas.survey import Survey
from warehouse.come_again import count_known, now_contradicted


@dataclass(frozen=True, slots=True)
class Incoming:
    """One file on its way in. `delivery_id` is the SHA-256 of its bytes.

    `declared` is a digest of the settings that its rows are held against.
    """

    delivery_id: str
    format: str
    size_bytes: int
    declared: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one file's rows. `reasons` counts rows by reason code.

    `with_text` counts sound rows with free text; `alone` and `fewest_alike` are null where no row
    is sound (see warehouse/alikeness.py). `moved` counts forms of before that got
    another class, grade or gender by it. `copies` are rows like a form that waits because of a row
    of this load.
    """

    delivery_id: str
    outcome: str
    delivered: int
    accepted: int
    quarantined: int
    dropped: int
    reasons: Mapping[str, int]
    with_text: int | None = None
    alone: int | None = None
    fewest_alike: int | None = None
    own_choices: int | None = None
    outside_choices: int | None = None
    moved: int = 0
    copies: Sequence[int] = ()
    erased: int = 0  # rows that named a pupil who was erased


_LEDGER = """
    insert into core.delivery by name
    with fate as (
        select delivery_no, 'accepted' as fate from core.response where delivery_no >= $first_no
        union all
        select delivery_no, if(kind in ('duplicate', 'beside'), 'dropped', 'held')
        from verdict where delivery_no >= $first_no
        union all
        select delivery_no, case when is_known then 'dropped' else 'held' end from held
        union all
        select delivery_no, 'dropped' from left_out where decision <> 'released'
    ),
    counted as (
        select delivery_no,
            count(*) filter (fate = 'accepted') as accepted,
            count(*) filter (fate = 'held') as quarantined,
            count(*) filter (fate = 'dropped') as dropped
        from fate group by delivery_no
    )
    select files.*, 'answers' as kind, $survey as survey_id, accepted, quarantined, dropped,
        case
            when accepted > 0 then 'loaded'
            when quarantined > 0 then 'quarantined'
            else 'duplicate'
        end as outcome,
        case when outcome = 'duplicate' then $already end as reason_code,
        case when outcome <> 'duplicate' then digest end as content_digest,
        -- Files of one run, each a microsecond later: which came first is known for good.
        coalesce(received_at, (
            select coalesce(max(received_at) + to_microseconds(1), $now) from core.delivery
            where received_at >= $now and received_at < $now + interval 1 second
        ) + to_microseconds(delivery_no - $first_no)) as received_at,
        with_text, alone, fewest_alike, own_choices, outside_choices
    from files join counted using (delivery_no) left join file_digest using (delivery_no)
        left join file_measure using (delivery_no) left join file_choices using (delivery_no)
        join (select delivery_no, received_at from arriving) using (delivery_no)
"""


def write_ledger(
    con: duckdb.DuckDBPyConnection,
    incoming: Sequence[Incoming],
    delivered: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    survey: Survey,
    *,
    first_no: int,
    now: datetime,
) -> None:
    """One entry a file; the table's check holds the counts together."""
    files = pa.table(
        {
            "delivery_no": pa.array(range(first_no, first_no + len(incoming)), pa.int32()),
            "delivery_id": [file.delivery_id for file in incoming],
            "format": [file.format for file in incoming],
            "size_bytes": [file.size_bytes for file in incoming],
            "declared": [file.declared for file in incoming],
            "delivered": delivered,
        }
    )
    con.register("files", files)
    con.execute(
        _LEDGER,
        {
            "first_no": first_no,
            "survey": survey.id,
            "already": Reason.ALREADY_DELIVERED.value,
            "now": now,
        },
    ).fetchall()
    con.unregister("files")


def read_ledger(
    con: duckdb.DuckDBPyConnection, first_no: int, moved: Mapping[int, int]
) -> list[Loaded]:
    """What became of the files that have just been entered; `moved` as in `settle_contexts`."""
    reasons = _count_reasons(con)
    copies = now_contradicted(con)
    ledger = con.execute(
        """
        select delivery_no, delivery_id, outcome, delivered, accepted, quarantined, dropped,
            with_text, alone, fewest_alike, own_choices, outside_choices, coalesce(erased, 0)
        from core.delivery where delivery_no >= $first_no order by delivery_no
        """,
        {"first_no": first_no},
    ).fetchall()
    return [
        replace(
            Loaded(*[*entry[:6], reasons.get(number, {}), *entry[6:-1]]),
            erased=entry[-1],
            moved=moved.get(number, 0),
            copies=copies.get(number, ()),
        )
        for number, *entry in ledger
    ]


def _count_reasons(con: duckdb.DuckDBPyConnection) -> dict[int, dict[str, int]]:
    """For each new delivery, how many rows have each reason code."""
    counted = con.execute(
        """
        select delivery_no, reason, count(*)::integer
        from (
            select delivery_no, unnest(reason_codes) as reason from held where not is_known
            union all
            select delivery_no, $erased from left_out where decision = 'erased'
            union all
            select delivery_no, unnest(reason_codes)
            from quarantine.row
                semi join (from verdict where kind in ('conflict', 'question')) using (delivery_no)
            where digest = 'conflict'
        )
        group by all
        union all
        select delivery_no, $gone, forms from gone
        order by all
        """,
        {"gone": Reason.FORM_GONE.value, "erased": Reason.ERASED.value},
    ).fetchall()
    reasons: dict[int, dict[str, int]] = {}
    for delivery_no, reason, rows in sorted([*counted, *count_known(con)]):
        of_file = reasons.setdefault(delivery_no, {})
        of_file[reason] = of_file.get(reason, 0) + rows
    return reasons
