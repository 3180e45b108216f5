"""A class of twelve that was asked with whom pupils like to be, from the inbox to the report."""

import duckdb
import pytest

from flows.home import Home
from tests.nominations.choosing import SURVEY, choosing_class, code
from tests.support.home import (
    AUTUMN,
    SPRING,
    class_list,
    csv_bytes,
    drop,
    make_home,
    outcomes,
    run,
)
from tests.support.state import contents

OF_12 = class_list(("S01", "7A", 12))


def flags_of(home: Home, wave: str = AUTUMN) -> list[tuple[str, str, str]]:
    """Rule, target and level of every flag but those of new pupils."""
    with duckdb.connect(str(home.restricted / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(
            """
            select rule_id, target, level from core.flag
            where wave_id = $wave and status <> 'withdrawn' and rule_id <> 'rule.new_pupil'
            order by all
            """,
            {"wave": wave},
        ).fetchall()


@pytest.fixture
def home(tmp_path):
    made = make_home(tmp_path / "home", survey=SURVEY)
    drop(made, "list.csv", OF_12)
    return made


def test_pupil_whom_nobody_chose_is_listed_to_watch(home):
    drop(home, "7A.csv", csv_bytes(choosing_class()))
    run(home)
    assert flags_of(home) == [("rule.unchosen", "pupil", "watch")]


def test_class_where_everybody_is_chosen_has_no_flag(home):
    drop(home, "7A.csv", csv_bytes(choosing_class(lonely=-1)))
    run(home)
    assert flags_of(home) == []


def test_own_answer_makes_it_a_flag(home):
    rows = choosing_class(changes={0: {"company_in_breaks": "2"}})
    drop(home, "7A.csv", csv_bytes(rows))
    run(home)
    assert ("rule.unchosen", "pupil", "flag") in flags_of(home)


def test_second_wave_in_a_row_makes_it_a_flag(home):
    drop(home, "autumn.csv", csv_bytes(choosing_class()))
    drop(home, "spring.csv", csv_bytes(choosing_class(wave=SPRING)))
    run(home)
    assert flags_of(home) == [("rule.unchosen", "pupil", "watch")]
    assert flags_of(home, SPRING) == [("rule.unchosen", "pupil", "flag")]


def test_first_wave_that_comes_late_makes_it_a_flag_too(home):
    drop(home, "spring.csv", csv_bytes(choosing_class(wave=SPRING)))
    run(home)
    assert flags_of(home, SPRING) == [("rule.unchosen", "pupil", "watch")]
    drop(home, "autumn.csv", csv_bytes(choosing_class()))
    run(home)
    assert flags_of(home, SPRING) == [("rule.unchosen", "pupil", "flag")]


@pytest.mark.parametrize(("enrolled", "says"), [(15, 1), (16, 0)])
def test_nothing_is_said_below_80_percent_of_the_class_list(tmp_path, enrolled, says):
    home = make_home(tmp_path / "home", survey=SURVEY)
    drop(home, "list.csv", class_list(("S01", "7A", enrolled)))
    drop(home, "7A.csv", csv_bytes(choosing_class()))
    run(home)
    assert len(flags_of(home)) == says


@pytest.mark.parametrize(("absent", "says"), [((10, 11), 1), ((9, 10, 11), 0)])
def test_nothing_is_said_below_ten_who_chose(tmp_path, absent, says):
    home = make_home(tmp_path / "home", survey=SURVEY)
    drop(home, "list.csv", class_list(("S01", "7A", 12 - len(absent))))
    drop(home, "7A.csv", csv_bytes(choosing_class(absent=absent)))
    run(home)
    flagged = [flag for flag in flags_of(home) if flag[0] == "rule.unchosen"]
    assert len(flagged) == says


def test_nothing_is_said_without_a_class_list(tmp_path):
    home = make_home(tmp_path / "home", survey=SURVEY)
    drop(home, "7A.csv", csv_bytes(choosing_class()))
    run(home)
    assert flags_of(home) == []


def test_order_of_files_makes_no_difference(tmp_path):
    rows = choosing_class(changes={3: {"work": "P001; P002 X99"}})
    halves = {"a.csv": csv_bytes(rows[:6]), "b.csv": csv_bytes(rows[6:]), "list.csv": OF_12}
    said = []
    for order in (list(halves), list(reversed(halves))):
        home = make_home(tmp_path / order[0] / "home", survey=SURVEY)
        for name in order:
            drop(home, name, halves[name])
            run(home)
        with duckdb.connect(str(home.restricted / "warehouse.duckdb"), read_only=True) as con:
            edges = con.execute("""
                select pupil, situation, chosen from core.nomination join core.response
                    using (response_id) order by all
            """).fetchall()
            classes = con.execute("select * from core.class_network").fetchall()
        said.append((len(edges), classes, flags_of(home)))
    assert said[0] == said[1]
    assert said[0][2] == [("rule.unchosen", "pupil", "watch")]


def test_no_code_that_was_only_chosen_is_anywhere_in_the_home(home):
    stranger = "Q7K-4411"
    rows = choosing_class(changes={2: {"work": f"P005, {stranger}"}})
    path = drop(home, "7A.csv", csv_bytes(rows))
    run(home)
    found = [
        file.relative_to(home.root).parts[:2]
        for file in home.root.rglob("*")
        if file.is_file() and stranger.encode() in file.read_bytes()
    ]
    # The delivered file lies in the outcome folder until it is deleted; nothing else has the code.
    assert found == [("outcome", "loaded")]
    assert not path.exists()


def test_note_counts_choices_outside_the_class_and_of_oneself(home):
    rows = choosing_class(changes={2: {"work": "P005, Q7K-4411, P002"}, 4: {"breaks_1": code(4)}})
    drop(home, "7A.csv", csv_bytes(rows))
    outcome = outcomes(run(home))["7A.csv"]
    assert (outcome.accepted, outcome.own_choices, outcome.outside_choices) == (12, 2, 1)
    [note] = home.root.glob("outcome/loaded/**/7A.csv.txt")
    assert "1 valg gjelder koder utenfor klassen" in note.read_text(encoding="utf-8")
    assert "Q7K" not in note.read_text(encoding="utf-8")


def test_report_tells_why_and_never_who_chose(home):
    drop(home, "7A.csv", csv_bytes(choosing_class()))
    run(home)
    pages = [file.read_text(encoding="utf-8") for file in (home.root / "health").rglob("*nb*.html")]
    [page] = [page for page in pages if "Ble ikke valgt av noen i klassen" in page]
    assert "Ingen i klassen valgte eleven" in page
    assert "P000" in page
    assert not any(code(number) in page for number in range(1, 12))


def test_run_again_changes_nothing(home):
    drop(home, "7A.csv", csv_bytes(choosing_class()))
    run(home)
    before = contents(home)
    run(home)
    assert contents(home) == before
