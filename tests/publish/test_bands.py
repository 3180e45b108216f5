"""A band beside a rounded figure tells no more than the figure does."""

import pyarrow as pa
import pytest

from transforms.disclosure import CELLS, suppress


def published(n: int, total: int, kind: str = "count") -> tuple[str, str, float]:
    cell = {"table": "t", "kind": kind, "level": "school", "n": n, "total": total}
    cell |= {"lowest": 0, "highest": 1, "classes": 12, "one_piece": True}
    [row] = suppress(pa.Table.from_pylist([cell], CELLS), min_n=5).to_pylist()
    return row["n_band"], row["total_band"], row["value"]


@pytest.mark.parametrize("total", range(10, 60))
def test_every_number_that_rounds_to_a_figure_has_its_band(total):
    _, band, value = published(200, total)
    low, _, high = band.partition("-")
    assert int(low) <= value <= int(high)


@pytest.mark.parametrize("n", range(40, 60))
def test_the_band_of_those_who_answered_is_that_of_the_rounded_number(n):
    band, _, _ = published(n, n // 2, "share")
    rounded = 5 * ((n + 2) // 5)
    low, _, high = band.partition("-")
    assert int(low) <= rounded <= int(high)
