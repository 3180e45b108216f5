"""The written plan of a case: taken in without persons, for the archive holds the document."""

from collections.abc import Callable
from datetime import date, datetime

import duckdb
import polars as pl

from flows.cases.work import Desk, act_on
from flows.home import Home
from schemas.case_plan import CasePlan
from transforms.case_life import Asked, CaseRefusedError
from transforms.identifiers import find_identifiers
from warehouse.case_groups import write_plan
from warehouse.cases import Beside


def plan(
    home: Home, case_id: str, text: CasePlan, asked: Callable[[date], Asked], *, now: datetime
) -> dict[str, str]:
    """A new edition of the written plan; CaseRefusedError where it names somebody."""

    def beside(desk: Desk, wish: Asked) -> Beside:
        _require_nobody(desk.con, text)
        return lambda case, step: write_plan(desk.con, case, step, wish.on, text)

    return act_on(home, case_id, asked, now=now, beside=beside)


def _require_nobody(con: duckdb.DuckDBPyConnection, text: CasePlan) -> None:
    """No number, address or pupil code. A name looks like any word: who writes has to see to it."""
    fields = text.model_dump()
    found = find_identifiers(pl.Series(list(fields.values()), dtype=pl.String))
    kinds = sorted(kind.value for kind in found)
    told = "\n".join(fields.values()).upper()
    codes = con.execute(
        """
        select count(*) from vault.code
        where list_contains(regexp_extract_all($told, '[A-Z0-9][A-Z0-9-]*'), pupil_code)
        """,
        {"told": told},
    ).fetchall()
    if codes != [(0,)]:
        kinds.append("pupil_code")
    if kinds:
        raise CaseRefusedError(
            f"the plan holds what points at a person ({', '.join(kinds)}): write roles, as"
            " `the nurse` or `a friend of the class`. The archive's document has the names",
            "plan",
        )
