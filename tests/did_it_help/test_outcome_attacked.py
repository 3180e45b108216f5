"""The attacker is let at mart.outcome as at every other table: what slips through is found."""

from datetime import date

import numpy as np
import pyarrow.compute as pc
import pytest

from schemas.instrument import shipped_instruments
from tests.did_it_help.town import FIRST, town
from tests.publish.build import settings
from transforms.disclosure import suppress
from transforms.disclosure.rounding import round_cells
from warehouse.attacked import slips
from warehouse.did_it_help.release import count_outcome, whole_alone
from warehouse.mart import insert_rows, workbench


@pytest.fixture(scope="module")
def counted():
    con = town(size=16, share=0.15)
    limits = settings()
    return count_outcome(
        con,
        [FIRST],
        instruments=shipped_instruments(),
        settings=limits,
        today=date(2026, 10, 2),
    )[1]


def told(counted, shown) -> list[str]:
    with workbench() as mart:
        insert_rows(mart, "outcome", whole_alone(shown))
        return [one.figure for one in slips(mart, {"outcome": counted}, waves=[FIRST], min_n=5)]


def test_what_the_gate_lets_out_tells_the_attacker_nothing(counted):
    assert told(counted, suppress(counted.cells, min_n=5)) == []


def test_small_share_that_slipped_through_is_found(counted):
    cells = counted.cells
    small = pc.and_(
        pc.equal(cells.column("level"), "municipality"), pc.less(cells.column("total"), 5)
    )
    leaky = shown = suppress(cells, min_n=5)
    plainly = round_cells(cells, np.zeros(cells.num_rows, dtype=bool))
    for name in ("value", "n_band"):
        mixed = pc.if_else(small, plainly[name], shown.column(name))
        leaky = leaky.set_column(leaky.schema.get_field_index(name), name, mixed)
    assert len(told(counted, leaky)) > 0
