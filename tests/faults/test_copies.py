"""The same content a hundred times, in every format, in any order: counted once."""

import random
from pathlib import Path

import polars as pl

from flows.home import Home
from tests.faults.compare import as_it_stands, lost_or_torn, published, same_key
from tests.faults.machine import deliver, home_with, run_command, run_here
from tests.support.home import csv_bytes, drop, make_home, outcomes, run, school_class
from tests.support.state import LEDGER, contents, filed, ledger_of, reports_below
from transforms.synthetic.formats import to_ndjson, to_parquet, to_xlsx
from warehouse.failpoint import VARIABLE

COPIES, SMALL_FILES = 100, 600


def test_hundred_copies_under_new_names_and_in_every_format_load_once(tmp_path):
    home = make_home(tmp_path / "home")
    rows = school_class(10, changes={1: {"safety": "1"}})
    table = pl.DataFrame(rows)
    drop(home, "000.csv", csv_bytes(rows))
    run(home)
    before = contents(home, without=LEDGER)
    kinds = [csv_bytes(rows), to_xlsx(table), to_parquet(table), to_ndjson(table)]
    for number in range(1, COPIES):
        drop(home, f"{number:03}.anything", kinds[number % len(kinds)])
    found = outcomes(run(home))
    assert {outcome.outcome for outcome in found.values()} == {"duplicate"}
    assert contents(home, without=LEDGER) == before
    assert sum(accepted for _, _, _, accepted, *_ in ledger_of(home).values()) == len(rows)
    assert len(ledger_of(home)) == len(kinds)
    assert len(filed(home)) == COPIES


def test_copy_that_comes_with_its_original_is_no_second_load_when_the_run_is_killed(
    tmp_path, monkeypatch
):
    content = csv_bytes(school_class(5))
    copies = {"a.csv": content, "b.csv": content, "c.csv": content}
    home = home_with(tmp_path / "home", copies)
    with monkeypatch.context() as patch:
        patch.setenv(VARIABLE, "after-move")
        assert run_command(home)[0] == -9
    deliver(home, {"d.csv": content})
    assert run_here(home) == (0, "")
    assert filed(home) == {
        "a.csv": "loaded", "b.csv": "duplicate", "c.csv": "duplicate", "d.csv": "duplicate"
    }  # fmt: skip
    assert lost_or_torn(home, copies | {"d.csv": content}) == []


def small_home(root: Path, order: list[int], key_of: Home | None) -> Home:
    """Files of three pupils, some with a bad row and some that contradict another in an answer.

    Of equal answers the newest export says the class, so only those may come in any order.
    """
    home = make_home(root)
    if key_of:
        same_key(key_of, home)
    for place, number in enumerate(order):
        contradicts = number % 50 == 1
        unsafe = {1: {"safety": "9" if number % 40 == 0 else "1"}}
        rows = school_class(
            3,
            prefix=f"P{number // 50 if contradicts else number}-",
            changes={at: {"safety": "2"} for at in range(3)} if contradicts else unsafe,
            school=f"S0{number % 2 + 1}",
            class_group=f"7{'ABCDEFGH'[number % 8]}",
        )
        drop(home, f"{place:04}.csv", csv_bytes(rows))
    return home


def test_order_of_six_hundred_small_files_does_not_matter(tmp_path):
    order = list(range(SMALL_FILES))
    shuffled = random.Random(3).sample(order, len(order))  # noqa: S311 - no secret
    one = small_home(tmp_path / "one", order, None)
    other = small_home(tmp_path / "other", shuffled, one)
    for home in (one, other):
        assert len(run(home).files) == SMALL_FILES
    without_order = [
        {name: rows for name, rows in as_it_stands(home).items() if name != "core.delivery"}
        for home in (one, other)
    ]
    assert without_order[0] == without_order[1]
    assert reports_below(one) == reports_below(other)
    tables = [published(home) for home in (one, other)]
    for name in ("indicator", "response_rate", "flag_count"):
        assert tables[0][name] == tables[1][name]
