"""Flags whose pupil has contradicting forms stay in sight, with their deadline, until decided on.

A second form under a class mate's code must not be able to hide what the first one said.
"""

import json
from datetime import timedelta

import pytest

from flows.cli import main
from tests.road.test_first_heard import clocks
from tests.road.test_held_requests import asking_in, codes_in, report_of
from tests.support.home import (
    CORE,
    ITEMS,
    NOW,
    SPRING,
    WHO5,
    csv_bytes,
    drop,
    form,
    make_home,
    run,
    school_class,
)

# NOW is Monday 20 April 2026: five working days later is Monday the 27th.
NEXT_DAY = NOW + timedelta(days=1)


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path)


def due_on_monday(section):
    return section.replace("\N{NO-BREAK SPACE}", " ").count("27. apr")


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        ({"bullied_by_pupils": "3"}, "Blir mobbet"),
        ({"safety": "2"}, "Føler seg utrygg"),
        ({"company_in_breaks": "2"}, "Er mye alene i friminuttene"),
        ({"thriving": "1"}, "Trives ikke"),
    ],
)
def test_a_form_that_says_all_is_well_hides_no_flag(home, answers, name):
    drop(home, "a.csv", csv_bytes([*school_class(5), form("P100", **answers)]))
    run(home)
    drop(home, "b.csv", csv_bytes([form("P100")]))
    run(home, now=NEXT_DAY)
    page = report_of(home)
    section = asking_in(page)
    assert codes_in(section) == ["P100"]
    assert f"{name}." in section
    assert due_on_monday(section) == 1, "the deadline of the flag, not one from the second form"
    assert "Én elev har et flagg i et skjema som venter." in page
    assert "ber om hjelp i skjemaer som venter" not in page
    assert "P100" not in page.replace(section, "")


@pytest.mark.parametrize("answers", [{"bullied_digitally": "3"}, {"safety": "1"}])
def test_what_was_contradicted_before_it_was_ever_read_is_in_sight_as_well(home, answers):
    drop(home, "a.csv", csv_bytes([*school_class(5), form("P100", **answers), form("P100")]))
    summary = run(home)
    section = asking_in(report_of(home))
    assert codes_in(section) == ["P100"]
    assert "eleven svarer slik i én av dem" in section
    assert due_on_monday(section) == 1
    assert summary.unheard.reported == 0, "nobody asks for help now"
    assert summary.raised == {}


def test_a_flaw_elsewhere_in_the_form_hides_no_duty_and_no_clock_starts_anew(home):
    drop(home, "a.csv", csv_bytes([*school_class(5), form("P100", safety="1", class_group="Kari")]))
    run(home)
    assert codes_in(asking_in(report_of(home))) == ["P100"]
    drop(home, "b.csv", csv_bytes([form("P100", safety="1")]))
    run(home, now=NEXT_DAY)
    assert not asking_in(report_of(home))
    [(raised, due, status)] = clocks(home, "rule.unsafe")
    assert (raised, due.isoformat(), status) == (NEXT_DAY.date(), "2026-04-27", "open")


def test_a_flag_leaves_the_frame_when_somebody_has_decided(home, capsys):
    drop(home, "a.csv", csv_bytes([*school_class(5), form("P100", thriving="1")]))
    run(home)
    drop(home, "b.csv", csv_bytes([form("P100")]))
    run(home, now=NEXT_DAY)
    assert codes_in(asking_in(report_of(home))) == ["P100"]
    capsys.readouterr()
    assert main(["quarantine", "list", "--json", "--home", str(home.root)]) in (0, 1)
    [entry] = json.loads(capsys.readouterr().out)["contradictions"]
    words = ["quarantine", "release", entry["id"], "--latest", "--why", "school_confirmed"]
    assert main([*words, "--home", str(home.root)]) in (0, 1)
    run(home, now=NEXT_DAY)
    page = report_of(home)
    assert not asking_in(page)
    assert "P100" not in page


def test_what_nobody_decided_on_in_time_stays_in_sight(home):
    drop(home, "a.csv", csv_bytes([*school_class(5), form("P100", thriving="1")]))
    run(home)
    drop(home, "b.csv", csv_bytes([form("P100")]))
    run(home, now=NEXT_DAY)
    assert run(home, now=NOW + timedelta(days=45)).expired > 0
    section = asking_in(report_of(home))
    assert codes_in(section) == ["P100"]
    assert "ventet for lenge" in section
    assert 'class="overdue"' in section


def test_a_watch_that_is_contradicted_has_no_deadline_to_keep(home):
    drop(home, "a.csv", csv_bytes([*school_class(5), form("P100", company_in_breaks="3")]))
    run(home)
    drop(home, "b.csv", csv_bytes([form("P100")]))
    run(home)
    assert not asking_in(report_of(home))


def scaled(code, answer, **changes):
    """A happy pupil who gives this answer to each question of WHO-5."""
    return form(code, **changes) | {item: answer for item in ITEMS if item.startswith(WHO5)}


def test_a_contradiction_of_the_wave_that_a_fall_looks_back_at_hides_no_flag(home):
    spring = {"wave": SPRING, "submitted_on": "2026-03-10"}
    drop(home, "a.csv", csv_bytes([*school_class(5), scaled("P100", "5")]))
    drop(home, "b.csv", csv_bytes([*school_class(5, **spring), scaled("P100", "2", **spring)]))
    run(home)
    assert "P100" in report_of(home, wave=SPRING)
    drop(home, "c.csv", csv_bytes([scaled("P100", "4")]))
    run(home, now=NEXT_DAY)
    section = asking_in(report_of(home, wave=SPRING))
    assert codes_in(section) == ["P100"]
    assert "Flagget sto der før det andre skjemaet kom" in section
    assert "(to utgaver)" in section
    assert due_on_monday(section) == 1
    assert not asking_in(report_of(home)), "nothing stood in autumn"


LINKED = "\n".join(
    ['id = "{id}"', 'name = "{id}"', 'tool = "canonical"', 'linkage = "pseudonymous"',
     'instruments = ["{instrument}"]']
)  # fmt: skip


@pytest.fixture
def two_surveys(tmp_path):
    made = make_home(tmp_path, survey=LINKED.format(id="core", instrument=CORE))
    pulse = LINKED.format(id="pulse", instrument=WHO5)
    (made.surveys / "pulse.toml").write_text(pulse, encoding="utf-8")
    return made


def of(instrument, *rows):
    """The rows as a survey of one instrument has them."""
    other = {CORE: WHO5, WHO5: CORE}[instrument]
    return csv_bytes([{k: v for k, v in row.items() if not k.startswith(other)} for row in rows])


def test_a_contradiction_in_the_other_survey_hides_no_flag(two_surveys):
    home = two_surveys
    low = scaled("P100", "2", company_in_breaks="3")
    drop(home, "a.csv", of(CORE, *school_class(5), low))
    drop(home, "b.csv", of(WHO5, *school_class(5), low))
    run(home)
    drop(home, "c.csv", of(CORE, form("P100")))
    run(home, now=NEXT_DAY)
    page = report_of(home)
    section = asking_in(page)
    assert codes_in(section) == ["P100"]
    assert "Lav trivsel de siste to ukene" in section, "nobody has contradicted the pulse"
    assert due_on_monday(section) == 1


def test_a_contradiction_of_what_a_flag_does_not_rest_on_is_told_of_no_flag(two_surveys):
    home = two_surveys
    drop(home, "a.csv", of(CORE, *school_class(5), form("P100")))
    drop(home, "b.csv", of(WHO5, *school_class(5), scaled("P100", "1")))
    run(home)
    drop(home, "c.csv", of(CORE, form("P100", thriving="4")))
    run(home, now=NEXT_DAY)
    page = report_of(home)
    assert not asking_in(page)
    assert "P100" in page, "the prompt of the pulse stands"


def test_a_report_lets_go_of_a_flag_when_the_earlier_forms_are_all_rejected(home, capsys):
    spring = {"wave": SPRING, "submitted_on": "2026-03-10"}
    drop(home, "a.csv", csv_bytes([*school_class(5), scaled("P100", "5")]))
    drop(home, "b.csv", csv_bytes([*school_class(5, **spring), scaled("P100", "2", **spring)]))
    run(home)
    drop(home, "c.csv", csv_bytes([scaled("P100", "4")]))
    run(home, now=NEXT_DAY)
    capsys.readouterr()
    assert main(["quarantine", "list", "--json", "--home", str(home.root)]) in (0, 1)
    [entry] = json.loads(capsys.readouterr().out)["contradictions"]
    words = ["quarantine", "reject", entry["id"], "--why", "wrong_file"]
    assert main([*words, "--home", str(home.root)]) in (0, 1), capsys.readouterr().err
    run(home, now=NEXT_DAY)
    assert not asking_in(report_of(home, wave=SPRING))
