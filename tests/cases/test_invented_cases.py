"""The demo's cases are noted by the functions that people's are, and their log holds."""

from collections import Counter
from datetime import UTC, datetime

from flows.cases.invented import check_after_three_months, form_groups, review_flags
from flows.cli import main
from tests.support.home import AUTUMN, csv_bytes, drop, make_home, run, school_class
from tests.support.state import warehouse_of

CLOSED = datetime(2025, 11, 22, 5, 15, tzinfo=UTC)
ALL_IN = datetime(2025, 11, 30, 5, 15, tzinfo=UTC)
SPRING = datetime(2026, 4, 5, 5, 15, tzinfo=UTC)


def test_invented_cases_go_the_whole_way(tmp_path, capsys):
    home = make_home(tmp_path / "home")
    unsafe = {number: {"safety": "1"} for number in range(12)}
    drop(home, "a.csv", csv_bytes(school_class(24, changes=unsafe)))
    run(home, now=CLOSED)
    review_flags(home, AUTUMN, most=10, days=2, now=CLOSED)
    form_groups(home, AUTUMN, now=ALL_IN)
    check_after_three_months(home, now=SPRING)
    with warehouse_of(home) as con:
        states = Counter(
            state for (state,) in con.execute("select status from core.support_case").fetchall()
        )
    assert states["dismissed"] >= 1
    assert states["declined"] >= 1
    assert states["closed"] >= 4
    assert sum(states.values()) == 10
    assert main(["audit", "verify", "--home", str(home.root)]) == 0
    capsys.readouterr()
