"""Choices of codes that a spreadsheet has changed, and of codes that nobody has."""

from itertools import permutations

import pytest

from schemas.survey import Survey
from tests.nominations.choosing import SURVEY, choices
from tests.nominations.test_whole_road import flags_of
from tests.support.home import Row, class_list, csv_bytes, drop, form, make_home, outcomes, run
from tests.support.loading import (
    deliver,
    deliver_list,
    held,
    memory_warehouse,
    pseudonym_of,
    pupils_listed,
    stored,
    tiny,
    tiny_config,
)

PUPILS = 12
CELLS = ("breaks_1", "breaks_2", "breaks_3", "work")


def asked_class(
    pupils: int = PUPILS, *, chosen: str = "{}", own: str = "{}", several: str = "{}"
) -> list[Row]:
    """Each chooses the next three. The cells are patterns of a code without its zeros."""
    rows = []
    for number in range(pupils):
        named = [str(401 + (number + step) % pupils) for step in (1, 2, 3)]
        cells = choices([chosen.format(at) for at in named], [several.format(at) for at in named])
        rows.append({**form(own.format(401 + number)), **cells})
    return rows


WHOLE = {"chosen": "0{}", "own": "0{}", "several": "0{}"}
OF_12 = class_list(("S01", "7A", PUPILS))


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param({"own": "0{}"}, id="choices without zeros"),
        pytest.param({"chosen": "0{}", "several": "0{}"}, id="pupils without zeros"),
        pytest.param({"several": "0{}"}, id="only cells with several codes keep them"),
    ],
)
def test_everybody_is_chosen_whichever_cells_lost_their_zeros(tmp_path, cells):
    home = make_home(tmp_path / "home", survey=SURVEY)
    drop(home, "list.csv", OF_12)
    drop(home, "7A.csv", csv_bytes(asked_class(**cells)))
    summary = run(home)
    assert (outcomes(summary)["7A.csv"].outside_choices, flags_of(home)) == (0, [])
    assert not summary.needs_a_person


def test_choices_that_nobody_can_resolve_say_nothing_and_ask_for_a_person(tmp_path):
    home = make_home(tmp_path / "home", survey=SURVEY)
    drop(home, "list.csv", OF_12)
    drop(home, "7A.csv", csv_bytes(asked_class(own="S01-{}")))
    summary = run(home)
    assert flags_of(home) == []
    assert summary.needs_a_person
    assert outcomes(summary)["7A.csv"].reasons == {"CHOICES_UNKNOWN": PUPILS}
    [note] = home.root.glob("outcome/loaded/7A.csv.txt")
    assert "CHOICES_UNKNOWN: 12 rad(er) / row(s)" in note.read_text(encoding="utf-8")
    assert not run(home).needs_a_person


@pytest.mark.parametrize(("strangers", "asks"), [(18, False), (19, True)])
def test_a_person_is_asked_where_most_choices_are_of_nobody(tmp_path, strangers, asks):
    """Twelve pupils with three choices each: half of 36 is not most."""
    rows = asked_class(**WHOLE)
    left = strangers
    for row in rows:
        row["work"] = ""
        for cell in CELLS[:3]:
            if left:
                row[cell], left = f"9{row[cell]}", left - 1
    home = make_home(tmp_path / "home", survey=SURVEY)
    drop(home, "7A.csv", csv_bytes(rows))
    assert run(home).needs_a_person == asks


def test_who_is_in_another_class_is_not_nobody(tmp_path):
    others = [{**row, "class_group": "7B"} for row in asked_class(**WHOLE)]
    rows = [
        {**row, "pupil_code": f"P{number:03}"} for number, row in enumerate(asked_class(**WHOLE))
    ]
    home = make_home(tmp_path / "home", survey=SURVEY)
    drop(home, "both.csv", csv_bytes([*others, *rows]))
    summary = run(home)
    assert outcomes(summary)["both.csv"].outside_choices == 6 * PUPILS
    assert not summary.needs_a_person


@pytest.fixture
def config():
    made = tiny_config()
    [survey] = made.surveys.values()
    asked = Survey.from_toml(SURVEY, name="klassepuls.toml").nominations
    made.surveys[survey.id] = survey.model_copy(update={"nominations": asked})
    return made


def tiny_class(codes: list[str]) -> list[Row]:
    """Each chooses the next two."""
    rows = []
    for at, own in enumerate(codes):
        named = [codes[(at + step) % len(codes)] for step in (1, 2)]
        rows.append({**tiny(own), **choices(named, named)})
    return rows


def bare(rows: list[Row], *cells: str) -> list[Row]:
    return [{**row, **{cell: row[cell].lstrip("0") for cell in cells}} for row in rows]


def edges(con) -> list[tuple[str, str, str]]:
    return con.execute("""
        select pupil, situation, chosen from core.nomination join core.response
            using (response_id) order by all
    """).fetchall()


CLASS = tiny_class(["0401", "0402", "0403", "01013", "0501"])


@pytest.mark.parametrize("in_one_run", [True, False])
@pytest.mark.parametrize(
    "files",
    list(
        permutations(
            [CLASS[:3], bare(CLASS[2:], *CELLS), bare(CLASS, "pupil_code", *CELLS[:3]), CLASS]
        )
    )[::5],
)
def test_choices_are_the_same_in_any_order_and_copies_are_copies(config, files, in_one_run):
    with memory_warehouse(config) as con:
        deliver(con, config, CLASS)
        expected = edges(con)
    with memory_warehouse(config) as con:
        for one in [files] if in_one_run else [[file] for file in files]:
            deliver(con, config, *one)
        assert (edges(con), len(stored(con)), held(con)) == (expected, len(CLASS), [])


@pytest.mark.parametrize("list_first", [True, False])
def test_a_class_list_tells_whom_a_choice_is_of(config, list_first):
    """0409 has not answered: only the list knows the code."""
    rows = [{**tiny("0401"), **choices(["409"], [])}]
    with memory_warehouse(config) as con:
        if list_first:
            deliver_list(con, config, pupils_listed("0401", "0409"))
        deliver(con, config, rows)
        if not list_first:
            deliver_list(con, config, pupils_listed("0401", "0409"))
        assert [chosen for *_, chosen in edges(con)] == [pseudonym_of("0409")]


def test_a_code_that_somebody_has_is_of_nobody_else(config):
    rows = [{**tiny("0401"), **choices(["402"], [])}, tiny("0402")]
    with memory_warehouse(config) as con:
        deliver_list(con, config, pupils_listed("402", "0402"))
        deliver(con, config, rows)
        assert [chosen for *_, chosen in edges(con)] == [pseudonym_of("402")]
