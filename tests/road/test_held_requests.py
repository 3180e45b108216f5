"""A form that waits and asks for help is told of, whatever keeps it waiting."""

import json
import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.cli import main
from flows.events import prompt_facts
from schemas.rule import shipped_rules
from tests.support.examples import examples
from tests.support.home import (
    AUTUMN,
    CORE,
    NOW,
    ROUTING,
    WHO5,
    csv_bytes,
    drop,
    form,
    make_home,
    outcomes,
    run,
    school_class,
    write_settings,
)
from tests.support.loading import deliver, full_config, memory_warehouse
from tests.support.state import warehouse_of, words_on
from transforms.requests import rules_of_a_form
from warehouse.requests import asking_of, raised_by, unheard

ASKS = {"wants_talk": "2"}
FLAWS = {
    "class": {"class_group": "7A Kari"},
    "date": {"wave": "", "submitted_on": "2025-12-24"},
    "thriving": {"thriving": "9"},
    "grade": {"grade": "x"},
    "code": {"pupil_code": ""},
    "gender": {"gender": "jante"},
}


def report_of(home, school="S01", wave=AUTUMN, route="health_service", language="nb") -> str:
    place = home.health / school / wave / f"report.{language}.html"
    if route == "adult_route":
        place = home.health / "_adult_route" / wave / f"{school}.{language}.html"
    return place.read_text(encoding="utf-8") if place.is_file() else ""


def asking_in(page: str) -> str:
    """The section of those who ask in forms that wait; empty where there is none."""
    found = re.search(r'<section class="asking".*?</section>', page, re.DOTALL)
    return found[0] if found else ""


def codes_in(section: str) -> list[str]:
    return re.findall(r'<span class="code">([^<]+)</span>', section)


def test_every_pupil_who_asks_is_in_the_report_whatever_is_wrong_with_the_form(tmp_path):
    """Review b8: six pupils who ask, each with another flaw, and one double submission."""
    home = make_home(tmp_path)
    code = {name: f"FA1-{at:02}" for at, name in enumerate([*FLAWS, "twice", "calm"])}
    rows = [form(code[name], **{**ASKS, **flaw}) for name, flaw in FLAWS.items()]
    rows += [form(code["twice"], **ASKS), form(code["twice"], **ASKS, safety="2")]
    rows.append(form(code["calm"]))
    drop(home, "7A.csv", csv_bytes(rows))
    [(_, outcome)] = run(home).files
    assert (outcome.accepted, outcome.quarantined) == (2, 7)

    page = report_of(home)
    section = asking_in(page)
    asking = ("date", "thriving", "grade", "twice", "class")
    assert codes_in(section) == [code[name] for name in asking]
    assert section.count("Uten kode") == 1
    assert section.count("Vil snakke med en voksen") == 6
    assert "Seks elever ber om hjelp i skjemaer som venter" in page
    assert code["calm"] not in page
    assert code["gender"] in page.replace(section, ""), "a gender word holds nobody"
    assert page.index(section) < page.index(code["gender"])


WHO5_ITEMS = [name for name in form() if name.startswith(f"{WHO5}.")]
ITEMS = [name.removeprefix(f"{CORE}.") for name in form() if name.startswith(f"{CORE}.")]
FLAWED = st.one_of(
    st.tuples(st.just("class_group"), st.sampled_from(["", "7A Kari", "Kari Nordmann"])),
    st.tuples(st.just("grade"), st.sampled_from(["", "x", "99"])),
    st.tuples(st.just("gender"), st.sampled_from(["", "x", "1"])),
    st.tuples(st.just("submitted_on"), st.sampled_from(["", "never", "5/11/2025"])),
    st.tuples(st.just("pupil_code"), st.sampled_from(["", "10A", "no code at all"])),
    st.tuples(
        st.sampled_from([item for item in ITEMS if item != "wants_talk"]),
        st.sampled_from(["9", "ja", "-5"]),
    ),
)


@settings(max_examples=examples(15, deep=200), deadline=None)
@given(flaw=FLAWED, more=FLAWED, wish=st.sampled_from(["1", "2"]))
def test_no_flaw_outside_its_own_cell_hides_a_wish_to_talk(flaw, more, wish):
    config = full_config()
    con = memory_warehouse(config)
    changes = dict([flaw, more, ("wants_talk", wish)])
    loaded = deliver(con, config, [form("P001", **changes), form("P002")])
    if loaded[0].quarantined:
        [asking] = asking_of(con, AUTUMN, ["S01"])["health_service", "S01"]
        assert ("rule.wants_talk", 1) in asking.rules
        assert (asking.pupil is None) == ("pupil_code" in changes)
        assert (asking.classes == ()) == ("class_group" in changes)
    else:
        assert unheard(con).reported == 0


def named(answers):
    return {name if "." in name else f"{CORE}.{name}": cell for name, cell in answers.items()}


@pytest.mark.parametrize(
    ("answers", "rule_id"),
    [
        ({"wants_talk": "1"}, "rule.wants_talk"),
        ({"bullied_digitally": "4"}, "rule.bullied_by_pupils"),
        (dict.fromkeys(WHO5_ITEMS, "0"), "rule.low_wellbeing"),
    ],
    ids=["asks", "bullied", "low wellbeing"],
)
@pytest.mark.parametrize("flaw", [{"class_group": "7A Kari"}, {"grade": ""}, {"thriving": "9"}])
def test_each_rule_that_prompts_by_itself_is_heard(answers, rule_id, flaw):
    config = full_config()
    con = memory_warehouse(config)
    deliver(con, config, [form("P001", **flaw) | named(answers)])
    [asking] = asking_of(con, AUTUMN, ["S01"])["health_service", "S01"]
    assert [name for name, _ in asking.rules] == [rule_id]


def test_rules_that_prompt_by_one_form_are_found_in_the_rules_themselves():
    found = rules_of_a_form(shipped_rules(), full_config().instruments)
    assert {rule.id: [step.level for step in rule.steps] for rule in found} == {
        "rule.wants_talk": ["prompt"],
        "rule.bullied_by_pupils": ["prompt", "flag"],
        "rule.bullied_by_adults": ["prompt"],
        "rule.unsafe": ["flag"],
        "rule.low_wellbeing": ["prompt"],
    }


def test_a_form_that_waits_and_asks_for_nothing_now_is_told_of_nowhere(tmp_path):
    home = make_home(tmp_path)
    alone = form("Q001", thriving="9", company_in_breaks="1")
    drop(home, "7A.csv", csv_bytes([*school_class(3), alone]))
    summary = run(home)
    assert (summary.unheard.reported, summary.raised) == (0, {})
    assert not asking_in(report_of(home))


def test_a_version_that_asks_is_told_even_where_the_other_does_not(tmp_path):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes([form("P001", **ASKS), form("P002", **ASKS)]))
    run(home)
    assert not asking_in(report_of(home))
    drop(home, "b.csv", csv_bytes([form("P001", safety="2"), form("P002", **ASKS, safety="2")]))
    run(home)
    section = asking_in(report_of(home))
    assert codes_in(section) == ["P001", "P002"]
    assert "ber om hjelp i én av dem" in section
    assert "ber om hjelp i alle" in section


def test_answers_about_adults_go_their_own_way(tmp_path):
    home = make_home(tmp_path)
    rows = [form("P001", bullied_by_adults="4", thriving="9"), form("P002")]
    drop(home, "7A.csv", csv_bytes(rows))
    run(home)
    assert "P001" not in report_of(home)
    assert not asking_in(report_of(home))
    section = asking_in(report_of(home, route="adult_route"))
    assert codes_in(section) == ["P001"]
    assert not codes_in(section.replace("P001", ""))


def test_a_school_of_which_every_form_waits_gets_a_report(tmp_path):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes([form("P001", **ASKS, thriving="9")]))
    run(home)
    assert codes_in(asking_in(report_of(home))) == ["P001"]


def test_whoever_names_no_known_school_is_told_to_the_operator(tmp_path, capsys):
    home = make_home(tmp_path)
    drop(home, "7A.csv", csv_bytes([form("P001", **ASKS, school="S99"), form("P002")]))
    assert main(["run", "--home", str(home.root)]) == 1
    said = capsys.readouterr().out
    assert "URGENT: 1 form(s) that wait ask for help now, and their school is not known" in said
    assert "P001" not in said
    [note] = (home.outcome / "loaded").glob("*.csv.txt")
    assert "HASTER: 1 skjema(er)" in note.read_text(encoding="utf-8")
    assert main(["run", "--home", str(home.root)]) == 1, "it needs a person until one has come"
    write_settings(home, schools=("S01", "S02", "S99"))
    drop(home, "7A.csv", csv_bytes([form("P001", **ASKS, school="S99"), form("P002")]))
    assert run(home).unheard.without_school == 0
    assert "P001" in report_of(home, "S99")


def test_nobody_is_told_while_no_receiver_has_been_decided_on(tmp_path, capsys):
    home = make_home(tmp_path, routing="")
    drop(home, "7A.csv", csv_bytes([form("P001", **ASKS, thriving="9"), form("P002")]))
    main(["run", "--home", str(home.root)])
    assert "no report may say who before [routing] does" in capsys.readouterr().out
    assert "P001" not in report_of(home)
    write_settings(home, routing=ROUTING)
    run(home)
    assert codes_in(asking_in(report_of(home))) == ["P001"]


def test_a_copy_and_a_further_run_tell_nothing_new(tmp_path):
    home = make_home(tmp_path)
    content = csv_bytes([form("P001", **ASKS, thriving="9"), form("P002")])
    drop(home, "a.csv", content)
    first = run(home)
    [(delivery_id, told)] = first.raised.items()
    assert (told.forms, told.without_school) == (1, 0)
    page = report_of(home)
    drop(home, "b.csv", content)
    drop(home, "c.csv", content.replace(b"P002", b"p002"))
    again = run(home)
    assert (again.raised, again.reports) == ({}, 0)
    assert report_of(home) == page
    with warehouse_of(home) as con:
        events = con.execute("select action, subject, detail from audit.event").fetchall()
    assert events == [("prompt.raised", delivery_id, '{"forms": 1, "without_school": 0}')]


def test_the_event_is_the_same_however_often_it_is_told_and_names_nobody(tmp_path):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes([form("P001", **ASKS, thriving="9")]))
    raised = run(home).raised
    with warehouse_of(home) as con:
        [once], [twice] = prompt_facts(raised), prompt_facts(raised_by(con, list(raised)))
    assert once.id == twice.id
    assert once.name == "klassepuls.prompt.raised"
    assert set(once.payload) == {"specversion", "delivery_id", "forms", "without_school"}
    assert "P001" not in json.dumps(once.payload)


def test_who_came_mended_or_was_decided_on_leaves_and_the_flag_takes_over(tmp_path):
    home = make_home(tmp_path)
    wait = [form("P001", **ASKS, thriving="9"), form("P002", **ASKS, thriving="9")]
    drop(home, "a.csv", csv_bytes([*wait, form("P003")]))
    run(home)
    drop(home, "b.csv", csv_bytes([form("P001", **ASKS, thriving="4")]))
    run(home)
    page = report_of(home)
    assert codes_in(asking_in(page)) == ["P002"]
    assert "P001" in page.replace(asking_in(page), "")
    with warehouse_of(home) as con:
        [(delivery_id, row_no)] = con.execute(
            "select delivery_id, row_no from quarantine.row join core.delivery using (delivery_no)"
        ).fetchall()
    words = ["quarantine", "reject", delivery_id[:12], "--row", str(row_no), "--why", "test_rows"]
    assert main([*words, "--home", str(home.root)]) in (0, 1)
    run(home)
    assert not asking_in(report_of(home))


def test_what_was_given_up_unheard_goes_on_asking(tmp_path):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes([form("P001", **ASKS, thriving="9"), form("P002")]))
    run(home)
    later = run(home, now=NOW + timedelta(days=45))
    assert (later.expired, later.unheard.reported) == (1, 1)
    section = asking_in(report_of(home))
    assert codes_in(section) == ["P001"]
    assert "ventet for lenge" in section
    assert 'class="overdue"' in section


def test_surveys_without_codes_point_at_nobody(tmp_path):
    config = full_config(linkage="none")
    con = memory_warehouse(config)
    deliver(con, config, [form(None, **ASKS, thriving="9")])
    assert (unheard(con).reported, unheard(con).without_school) == (0, 0)


def test_gender_that_nobody_understands_is_left_blank_counted_and_mended_by_a_map(tmp_path):
    home = make_home(tmp_path)
    rows = [form("P001", **ASKS, gender="1"), form("P002", gender="1"), form("P003", gender="")]
    drop(home, "a.csv", csv_bytes(rows))
    assert outcomes(run(home))["a.csv"].accepted == 3
    assert "P001" in report_of(home)
    note = words_on(home, "a.csv")
    assert "kjønn ble ikke forstått i en eneste av 2 rader" in note
    words = ["quarantine", "map", "--survey", "klassepuls", "--column", "gender", "--from", "1"]
    assert main([*words, "--to", "girl", "--home", str(home.root)]) == 0
    run(home)
    with warehouse_of(home) as con:
        genders = con.execute("select gender, count(*) from core.response group by all").fetchall()
    assert sorted(genders, key=str) == [("girl", 2), (None, 1)]
    [note] = (home.outcome / "loaded").glob("*.csv.txt")
    assert "forstått" not in note.read_text(encoding="utf-8")
