"""`klassepuls outcome` in a home: counts with their floors, and the pages."""

import json

import pytest

from flows.cases.work import act_on, decide
from flows.cli import main
from flows.data_docs import write_docs
from flows.did_it_help.work import outcome
from tests.support.home import AUTUMN, NOW, csv_bytes, drop, make_home, run, school_class
from tests.support.state import warehouse_of
from transforms.case_life import Asked


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Eight unsafe pupils: seven are to be followed up, and six of them were offered a group."""
    made = make_home(tmp_path_factory.mktemp("outcome") / "home")
    unsafe = {number: {"safety": "1"} for number in range(8)}
    drop(made, "a.csv", csv_bytes(school_class(20, changes=unsafe)))
    run(made, now=NOW)
    with warehouse_of(made) as con:
        flags = con.execute(
            "select any_value(flag_id) from core.flag where target = 'pupil' and route ="
            " 'health_service' and review_due is not null group by pupil order by pupil"
        ).fetchall()
    for at, (flag,) in enumerate(flags[:7]):
        case = decide(made, flag[:12], lambda day: Asked("accept", day, "nurse"), now=NOW)["case"]
        if at < 6:
            act_on(made, case, lambda day: Asked("offer", day, "nurse"), now=NOW)
    return made


def by_measure(told):
    [wave] = told["waves"]
    return {row["measure"]: row for row in wave["measures"] if row["category"] is None}


def test_counts_with_denominators_and_a_handful_hidden(home):
    rows = by_measure(outcome(home, now=NOW, wave=AUTUMN))
    assert (rows["offered"]["n"], rows["offered"]["hidden"]) == (None, True)  # one was not
    assert (rows["accepted"]["n"], rows["accepted"]["total"]) == (6, 0)


def test_answer_says_that_it_cannot_tell_and_why(home):
    [wave] = outcome(home, now=NOW, wave=AUTUMN)["waves"]
    assert {(one["verdict"], one["reason"]) for one in wave["changes"]} == {
        ("cannot_tell", "no_next_wave")
    }


def test_command_prints_and_gives_json(home, capsys):
    assert main(["outcome", "--home", str(home.root), "--wave", AUTUMN]) == 0
    shown = capsys.readouterr().out
    assert "cannot tell" in shown
    assert "fewer than 5" in shown
    assert main(["outcome", "--home", str(home.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["waves"][0]["wave"] == AUTUMN


def test_one_school_has_counts_and_no_comparison(home):
    [wave] = outcome(home, now=NOW, wave=AUTUMN, school="S01")["waves"]
    assert wave["changes"] == []
    assert by_measure({"waves": [wave]})["accepted"]["n"] == 6
    [other] = outcome(home, now=NOW, wave=AUTUMN, school="S02")["waves"]
    assert other["measures"] == []


@pytest.mark.parametrize("what", [("--wave", "2031H"), ("--school", "S99")])
def test_unknown_names_are_wrong_usage(home, capsys, what):
    assert main(["outcome", "--home", str(home.root), *what]) == 2
    assert what[1] not in capsys.readouterr().err


def test_no_page_before_anything_is_published(tmp_path, capsys):
    bare = make_home(tmp_path / "home")
    assert main(["outcome", "--home", str(bare.root), "--pages"]) == 0
    assert "no page" in capsys.readouterr().out
    assert list(bare.analyst.glob("*.html")) == []


def test_pages_are_written_with_the_data_docs_and_lie_beside_the_published_file(home, capsys):
    write_docs(home, now=NOW)
    there = sorted(path.name for path in home.analyst.glob("*.html"))
    assert there == ["outcome.en.html", "outcome.nb.html", "outcome.nn.html"]
    before = {path: path.stat().st_mtime_ns for path in home.analyst.glob("*.html")}
    assert main(["outcome", "--home", str(home.root), "--pages"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before
