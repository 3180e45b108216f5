"""A new key for a school year: nothing links pupils over the summer, until somebody says so."""

import json
import shutil

import pytest

from flows.backups.make import backup
from flows.backups.restore import Asked as Restoring
from flows.backups.restore import restore
from flows.cli import main
from flows.erasure.access import access
from flows.erasure.pupil import Asked, erase_pupil
from flows.home import Home, HomeError, load_config
from flows.keys.change import carry_keys_over, new_key, retire_key
from flows.keys.files import files_in
from flows.verify_audit import verify_audit
from tests.erase.tokens import files_with
from tests.keys.two_years import AFTER, NEXT, ON, SUMMER, add_wave, answers, names, two_years
from tests.support.home import AUTUMN, NOW, SPRING, csv_bytes, drop, form, make_home, run
from tests.support.state import bytes_below, warehouse_of
from warehouse.keys import KeyNeededError, OtherKeyError


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    return two_years(tmp_path_factory.mktemp("keys") / "home")


@pytest.fixture
def home(filled, tmp_path):
    shutil.copytree(filled.root, tmp_path / "home")
    return Home(tmp_path / "home")


def flagged(home, wave=NEXT):
    """The rules that flag a pupil in a wave, with the waves that their evidence is of."""
    with warehouse_of(home) as con:
        return con.execute(
            """
            select rule_id, level, list(distinct e.wave_id order by e.wave_id)
            from core.flag f join core.flag_evidence e using (flag_id)
            where f.wave_id = $wave and target = 'pupil' and status = 'open' group by all
            order by all
            """,
            {"wave": wave},
        ).fetchall()


def report(home, language="en"):
    return (home.health / "S01" / NEXT / f"report.{language}.html").read_text(encoding="utf-8")


def test_pupils_of_the_new_school_year_have_other_names(home):
    assert names(home) == {(SPRING, "k1", 2), (NEXT, "k2", 2)}
    assert sorted(files_in(home.vault)) == [
        "home.key",
        "pseudonym.2.from-2026-27.key",
        "pseudonym.key",
    ]
    assert {path.stat().st_mode & 0o777 for path in files_in(home.vault).values()} == {0o400}


def test_rule_that_looks_back_has_nothing_to_compare_with_and_the_report_says_so(home):
    assert not [rule for rule, _, waves in flagged(home) if SPRING in waves]
    assert "no earlier answers under this key" in report(home)


def test_carried_over_pupils_are_compared_again_and_the_log_says_who_and_why(home):
    done = carry_keys_over(home, 1, 2, reason="The groups of spring go on.", now=AFTER)
    assert (done["codes_in_vault"], done["linked_now"]) == (2, 2)
    run(home, now=AFTER)
    assert [waves for _, _, waves in flagged(home) if SPRING in waves] == [[NEXT, SPRING]]
    assert "no earlier answers under this key" not in report(home)
    assert names(home) == {(SPRING, "k1", 2), (NEXT, "k2", 2)}  # nobody was turned anew
    with warehouse_of(home) as con:
        told = con.execute(
            "select detail from audit.event where action = 'key.carried_over'"
        ).fetchall()
    assert json.loads(told[0][0])["reason"] == "The groups of spring go on."
    with pytest.raises(HomeError, match="once"):
        carry_keys_over(home, 1, 2, reason="Again.", now=AFTER)


@pytest.mark.parametrize("reason", ["", " ", "x" * 201, "because 01017012345 asked", "P01 asked"])
def test_carrying_over_needs_a_reason_without_a_person(home, reason):
    with pytest.raises(HomeError, match="--reason"):
        carry_keys_over(home, 1, 2, reason=reason, now=AFTER)


def test_late_file_of_last_year_is_turned_with_last_years_key(home):
    late = [*answers(SPRING, P01="5"), *answers(SPRING, P03="5"), *answers(NEXT, P03="4")]
    drop(home, "late.csv", csv_bytes(late))
    run(home, now=AFTER)
    # P01 said so before, and is known again under the old key.
    assert names(home) == {(SPRING, "k1", 3), (NEXT, "k2", 3)}


def test_one_pupil_is_flagged_once_in_a_wave_whatever_the_key(home):
    rows = [form("P06", wave=wave, submitted_on=ON[wave], safety="1") for wave in (SPRING, NEXT)]
    for number in range(2):  # the second says the same, with a line more at its end
        drop(home, f"{number}.csv", csv_bytes(rows) + b"\n" * number)
        run(home, now=AFTER)
        assert names(home, "core.flag") == {(SPRING, "k1", 1), (NEXT, "k2", 1)}
        assert [(rule, level) for rule, level, _ in flagged(home)] == [("rule.unsafe", "flag")]


def test_held_form_of_last_year_and_its_mended_one_are_one_pupils(home):
    drop(home, "held.csv", csv_bytes(answers(SPRING, P07="99")))
    run(home, now=AFTER)
    drop(home, "mended.csv", csv_bytes(answers(SPRING, P07="4")))
    summary = run(home, now=AFTER)
    assert summary.files[0][1].accepted == 1
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from quarantine.row").fetchall() == [(0,)]


def test_log_holds_over_the_new_key_and_tells_of_it(home):
    found = verify_audit(home, anchor=None, now=AFTER)
    assert found["is_whole"]
    with warehouse_of(home) as con:
        told = con.execute("select detail from audit.event where action = 'key.made'").fetchall()
    assert [json.loads(detail) for (detail,) in told] == [{"since": "2026-27", "version": 2}]


def test_access_tells_of_both_years(home):
    found = access(home, "P01", school=None, now=AFTER)
    assert {one["wave_id"] for one in found["forms"]} == {SPRING, NEXT}


def test_erased_pupil_is_gone_under_both_names(home):
    carry_keys_over(home, 1, 2, reason="For the test of erasing.", now=AFTER)
    assert files_with(home, "P01")
    done = erase_pupil(home, Asked("P01"), now=AFTER)
    assert done["proof"]["found"] == 0
    assert files_with(home, "P01") == []
    assert names(home) == {(SPRING, "k1", 1), (NEXT, "k2", 1)}


def test_erased_pupil_stays_erased_in_a_wave_of_either_key(home):
    erase_pupil(home, Asked("P01"), now=AFTER)
    drop(home, "again.csv", csv_bytes([*answers(SPRING, P01="4"), *answers(NEXT, P01="3")]))
    run(home, now=AFTER)
    assert files_with(home, "P01") == []


def test_reports_show_codes_of_pupils_of_each_key(home):
    drop(home, "s.csv", csv_bytes([form("P08", wave=SPRING, submitted_on=ON[SPRING], safety="1")]))
    drop(home, "n.csv", csv_bytes([form("P09", wave=NEXT, submitted_on=ON[NEXT], safety="1")]))
    run(home, now=AFTER)
    assert "P09" in report(home)
    assert "P08" in (home.health / "S01" / SPRING / "report.en.html").read_text(encoding="utf-8")


def test_backup_with_its_keys_brings_both_years_back(home, tmp_path):
    made = backup(home, tmp_path / "disk", with_key=True, now=AFTER)
    restore(tmp_path / "new", made.path, Restoring(), now=AFTER)
    new = Home(tmp_path / "new")
    assert names(new) == names(home)
    assert files_in(new.vault).keys() == files_in(home.vault).keys()
    assert not run(new, now=AFTER).refused


def test_backup_is_refused_where_the_newer_key_is_lost(home, tmp_path):
    made = backup(home, tmp_path / "disk", with_key=False, now=AFTER)
    (home.vault / "pseudonym.2.from-2026-27.key").unlink()
    with pytest.raises(OtherKeyError, match="version 2 of the key is missing"):
        restore(home.root, made.path, Restoring(replace=True), now=AFTER)


def test_doctor_finds_nothing_wrong_with_two_keys(home, capsys):
    main(["doctor", "--home", str(home.root), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert {one["verdict"] for one in found if one["check"] == "key"} == {"fine"}


# What is refused


def lost(home):
    (home.vault / "pseudonym.2.from-2026-27.key").unlink()


def swapped(home):
    path = home.vault / "pseudonym.2.from-2026-27.key"
    path.chmod(0o600)
    path.write_bytes(b"x" * 32)
    path.chmod(0o400)


def other_year(home):
    (home.vault / "pseudonym.2.from-2026-27.key").rename(
        home.vault / "pseudonym.2.from-2025-26.key"
    )


def year_of_a_wave(home):
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(text.replace('"2026-27"', '"2025-26"'), encoding="utf-8")


@pytest.mark.parametrize("break_it", [lost, swapped, other_year, year_of_a_wave])
def test_run_is_refused_before_a_pupil_becomes_another(home, capsys, break_it):
    break_it(home)
    before = names(home)
    assert main(["run", "--home", str(home.root)]) == 4
    assert "key" in capsys.readouterr().err
    assert names(home) == before


@pytest.mark.parametrize(
    ("year", "says"),
    [("2026", "already"), ("2025-26", "already"), ("2027-29", "begins"), ("soon", "begins")],
)
def test_new_key_is_for_a_later_school_year(home, year, says):
    with pytest.raises(HomeError, match=says):
        new_key(home, year, now=AFTER)


def test_new_key_is_not_for_a_year_that_has_been_answered(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "a.csv", csv_bytes([form("P01")]))
    run(home)
    before = sorted(files_in(home.vault))
    with pytest.raises(OtherKeyError, match="2025-26"):
        new_key(home, "2025", now=NOW)
    assert sorted(files_in(home.vault)) == before


# Retiring


def test_key_is_not_retired_while_anything_needs_it(home):
    with pytest.raises(KeyNeededError, match="wave"):
        retire_key(home, 1, lost_copies=False, now=AFTER)
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(only_next(text), encoding="utf-8")
    with pytest.raises(KeyNeededError, match=r"core\.response"):
        retire_key(home, 1, lost_copies=False, now=AFTER)
    with pytest.raises(KeyNeededError, match="oldest"):
        retire_key(home, 2, lost_copies=False, now=AFTER)


def only_next(text):
    """The settings without the waves of 2025-26."""
    waves = text.split("[[wave]]")
    return "[[wave]]".join(one for one in waves if '"2025-26"' not in one)


def test_retired_key_is_gone_and_the_rest_goes_on(home, tmp_path):
    made = backup(home, tmp_path / "disk", with_key=False, now=AFTER)
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(only_next(text), encoding="utf-8")
    erase_pupil(home, Asked("P02"), now=AFTER)
    erase_pupil(home, Asked("P01"), now=AFTER)
    drop(home, "n.csv", csv_bytes(answers(NEXT, P04="2")))
    run(home, now=AFTER)
    with pytest.raises(KeyNeededError, match="a backup"):
        retire_key(home, 1, lost_copies=False, now=AFTER)
    shutil.rmtree(made.path)
    with pytest.raises(KeyNeededError, match="not where it was made"):
        retire_key(home, 1, lost_copies=False, now=AFTER)
    secret = home.key_file.read_bytes()
    assert retire_key(home, 1, lost_copies=True, now=AFTER)["files_removed"] == 1
    assert not any(secret in content for content in bytes_below(home.root).values())
    assert load_config(home).key.versions[0].version == 2
    drop(home, "m.csv", csv_bytes(answers(NEXT, P05="5")))
    run(home, now=AFTER)
    assert names(home) == {(NEXT, "k2", 2)}
    assert verify_audit(home, anchor=None, now=AFTER)["is_whole"]


# Homes from before a home had a key of its own


def test_older_home_goes_on_with_its_one_key_and_gets_a_second(tmp_path):
    home = make_home(tmp_path / "home")
    (home.vault / "home.key").unlink()
    drop(home, "a.csv", csv_bytes(answers(AUTUMN, P01="5")))
    run(home)
    head = verify_audit(home, anchor=None, now=NOW)["head"]
    new_key(home, "2026", now=SUMMER)
    add_wave(home)
    drop(home, "b.csv", csv_bytes(answers(NEXT, P01="5")))
    run(home, now=AFTER)
    assert names(home) == {(AUTUMN, "k1", 1), (NEXT, "k2", 1)}
    assert verify_audit(home, anchor=head, now=AFTER)["is_whole"]
    with pytest.raises(KeyNeededError, match="has to stay"):
        retire_key(home, 1, lost_copies=False, now=AFTER)
