"""Two forms with the same headings: a folder of the inbox says whose a file is."""

import unicodedata

import pytest

from flows.check import check_file
from flows.home import load_config
from schemas.declared import DeclarationError
from schemas.reason import Reason
from tests.support.home import csv_bytes, form, make_home, outcomes, run, survey_toml
from tests.support.state import filed, warehouse_of

SCHOOLS = {"fjell": "S01", "elv": "S02"}


def form_of(key, folder):
    school = SCHOOLS[key]
    named = f'inbox_folder = "{folder}"\n' if folder else ""
    text = survey_toml(more=f'{named}[constants]\nschool = "{school}"\n')
    return text.replace('id = "klassepuls"', f'id = "{key}"')


def home_with(tmp_path, **folders):
    home = make_home(tmp_path / "home")
    (home.surveys / "klassepuls.toml").unlink()
    for key, folder in folders.items():
        (home.surveys / f"{key}.toml").write_text(form_of(key, folder), encoding="utf-8")
    return home


def pupils(prefix, **changes):
    rows = [form(f"{prefix}{number:03}", **changes) for number in range(6)]
    return csv_bytes([{key: row[key] for key in row if key != "school"} for row in rows])


def put(home, place, content):
    path = home.inbox / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def stored(home):
    with warehouse_of(home) as con:
        return dict(
            con.execute(
                "select survey_id || ' ' || school_id, count(*) from core.response group by all"
            ).fetchall()
        )


def test_a_file_that_fits_several_surveys_waits_and_says_so(tmp_path):
    home = home_with(tmp_path, fjell=None, elv=None)
    put(home, "svar.csv", pupils("A"))

    told = outcomes(run(home))["svar.csv"]

    assert (told.outcome, told.reason, told.quarantined) == (
        "quarantined",
        Reason.SURVEYS_ALIKE,
        6,
    )
    note = (home.outcome / "quarantined" / "svar.csv.txt").read_text(encoding="utf-8")
    assert "several survey files" in note
    assert "inbox_folder" in note


def test_the_note_names_the_folders_in_which_the_file_would_be_taken(tmp_path):
    home = home_with(tmp_path, fjell="Fjell skole", elv=None)
    put(home, "svar.csv", pupils("A"))

    told = outcomes(run(home))["svar.csv"]
    note = (home.outcome / "quarantined" / "svar.csv.txt").read_text(encoding="utf-8")
    checked = check_file(home, put(home, "a.csv", pupils("A")))["folders"]

    assert told.folders == checked == {"Fjell skole": "fjell", "S02": "elv"}
    assert "  Fjell skole/ → fjell\n  S02/ → elv\n" in note
    for at, folder in enumerate(told.folders):
        put(home, f"{folder}/svar{at}.csv", pupils(f"B{at}"))
    run(home)
    assert stored(home) == {"fjell S01": 6, "elv S02": 6}


def test_no_folder_is_named_that_several_surveys_share(tmp_path):
    home = home_with(tmp_path, fjell=None, elv=None)
    for path in home.surveys.glob("*.toml"):
        text = path.read_text(encoding="utf-8").replace("S02", "S01")
        path.write_text(text, encoding="utf-8")
    put(home, "svar.csv", pupils("A"))

    assert outcomes(run(home))["svar.csv"].folders == {"fjell": "fjell", "elv": "elv"}


def test_a_file_in_the_folder_of_a_survey_is_that_survey_s(tmp_path):
    home = home_with(tmp_path, fjell="FJELL", elv="ELV")
    put(home, "FJELL/svar.csv", pupils("A"))
    put(home, "ELV/2025/høst/svar.csv", pupils("B"))

    run(home)

    assert stored(home) == {"fjell S01": 6, "elv S02": 6}


def test_a_file_in_no_folder_or_in_another_one_waits_though_one_survey_has_none(tmp_path):
    home = home_with(tmp_path, fjell="FJELL", elv=None)
    for number, place in enumerate(["a.csv", "FJELL2/b.csv", "x/c.csv"]):
        put(home, place, pupils(f"P{number}"))

    found = outcomes(run(home))

    assert {told.reason for told in found.values()} == {Reason.SURVEYS_ALIKE}


def test_folders_are_told_as_people_write_them_and_the_nearest_wins(tmp_path):
    home = home_with(tmp_path, fjell="FJELL", elv=None)
    put(home, "fjell/a.csv", pupils("A"))
    put(home, "x/Fjell/b.csv", pupils("B"))
    put(home, "Elv/c.csv", pupils("C"))
    put(home, "s02/d.csv", pupils("D"))
    put(home, "FJELL/Elv/e.csv", pupils("E"))

    run(home)

    assert stored(home) == {"fjell S01": 12, "elv S02": 18}


def test_a_folder_never_makes_a_survey_fit(tmp_path):
    home = home_with(tmp_path, fjell="FJELL", elv="ELV")
    put(home, "FJELL/svar.csv", b"a;b\n1;2\n")

    assert outcomes(run(home))["svar.csv"].reason == Reason.NOT_RECOGNISED


def test_where_one_survey_fits_its_folder_is_not_asked_for(tmp_path):
    home = home_with(tmp_path, fjell="FJELL")
    put(home, "svar.csv", pupils("A"))

    run(home)

    assert filed(home) == {"svar.csv": "loaded"}


def test_names_of_folders_are_the_same_however_a_mac_stores_them(tmp_path):
    home = home_with(tmp_path, fjell="Grønnås å", elv="ELV")
    put(home, f"{unicodedata.normalize('NFD', 'Grønnås å')}/svar.csv", pupils("A"))

    run(home)

    assert stored(home) == {"fjell S01": 6}


def test_the_folders_that_surveys_name_are_there_after_every_run(tmp_path):
    home = home_with(tmp_path, fjell="FJELL", elv="ELV")
    put(home, "FJELL/svar.csv", pupils("A"))

    run(home)

    assert sorted(path.name for path in home.inbox.iterdir()) == ["ELV", "FJELL"]


def test_a_file_that_waited_is_loaded_from_the_folder(tmp_path):
    home = home_with(tmp_path, fjell="FJELL", elv="ELV")
    put(home, "svar.csv", pupils("A"))
    run(home)
    waiting = home.outcome / "quarantined" / "svar.csv"
    waiting.rename(home.inbox / "ELV" / "svar.csv")

    run(home)

    assert stored(home) == {"elv S02": 6}


def test_a_file_that_is_read_again_stays_with_its_survey_wherever_it_lies(tmp_path):
    home = home_with(tmp_path, fjell="FJELL", elv="ELV")
    content = pupils("A", thriving="kjempebra").replace(b"kjempebra", b"5", 3)
    put(home, "FJELL/svar.csv", content)
    run(home)
    survey = home.surveys / "fjell.toml"
    codes = '[codes]\n"klassepuls_core_v1.thriving" = { kjempebra = "5" }\n'
    survey.write_text(survey.read_text(encoding="utf-8") + codes, encoding="utf-8")
    (home.outcome / "loaded" / "svar.csv").rename(home.inbox / "svar.csv")

    told = outcomes(run(home))["svar.csv"]

    assert (told.outcome, told.survey_id, told.quarantined) == ("loaded", "fjell", 0)
    assert stored(home) == {"fjell S01": 6}


def test_check_says_the_same(tmp_path):
    home = home_with(tmp_path, fjell="FJELL", elv="ELV")
    assert check_file(home, put(home, "svar.csv", pupils("A")))["reason"] == "SURVEYS_ALIKE"
    assert check_file(home, put(home, "ELV/svar.csv", pupils("A")))["survey"] == "elv"


@pytest.mark.parametrize("folder", ["a/b", ".skjult", "..", " "])
def test_a_survey_names_one_visible_folder(tmp_path, folder):
    with pytest.raises(DeclarationError, match="inbox_folder"):
        load_config(home_with(tmp_path, fjell=folder))
