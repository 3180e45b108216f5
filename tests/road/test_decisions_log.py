"""A decision file that is taken into use, changed or taken away leaves its event in the log."""

import os
import pwd

import pytest

from flows.hand import account
from schemas.drift import DriftDecision
from tests.quarantine.home import asked, command, events_of
from tests.support.home import CORE, drop, make_home, run, school_class
from tests.support.home import csv_bytes as in_csv

__all__ = ["asked", "command"]

THRIVING = f"{CORE}.thriving"
SIGNED = f"""survey = "klassepuls"
signed_by = "Rektor Planter Navnesen"
signed_on = 2026-01-31
[missing]
"{CORE}.safety" = "hvor trygg"
"{CORE}.wants_talk" = "not asked"
[added]
"hvor trygg" = "dropped"
"merknad fra Kari" = "dropped"
[options."{THRIVING}"]
"vet ikke, sier Kari" = "dont_know"
"kanskje" = "dont_know"
"topp" = "5"
[options.gender]
"jente Kari" = "girl"
"""


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


ACCOUNT = pwd.getpwuid(os.getuid()).pw_name


def sign(home, text, name="Kari Nordmann.toml"):
    (home.surveys / "decisions" / name).write_text(text, encoding="utf-8")


def told(home):
    return [(action, detail) for action, _, detail in events_of(home)]


def test_decision_in_use_is_told_once_with_who_and_in_codes_and_counts(home):
    sign(home, SIGNED)
    run(home)
    run(home)
    [(action, actor, detail)] = events_of(home)
    assert (action, actor) == ("decision.in_use", account())
    assert len(detail.pop("decision")) == 12
    assert detail == {
        "not_asked": 1,
        "moved": 1,
        "dropped": 2,
        "answers": {THRIVING: {"dont_know": 2, "5": 1}, "gender": 1},
    }


def test_no_word_of_a_decision_is_told(home):
    sign(home, SIGNED)
    run(home)
    everything = repr(events_of(home))
    for word in ("Kari", "Rektor", "trygg", "vet ikke", "topp", "kanskje"):
        assert word not in everything


def test_changed_decision_is_told_as_one_out_and_one_in(home):
    sign(home, SIGNED)
    run(home)
    sign(home, SIGNED.replace('"topp" = "5"', '"topp" = "1"'))
    run(home)
    [(first, was), (second, gone), (third, now)] = told(home)
    assert (first, second, third) == (
        "decision.in_use", "decision.out_of_use", "decision.in_use",
    )  # fmt: skip
    assert gone == {"decision": was["decision"]}
    assert now["decision"] != was["decision"]
    assert now["answers"][THRIVING] == {"dont_know": 2, "1": 1}


def test_removed_decision_is_told_and_again_when_it_is_back(home):
    sign(home, SIGNED)
    run(home)
    (home.surveys / "decisions" / "Kari Nordmann.toml").unlink()
    run(home)
    run(home)
    sign(home, SIGNED, "other.toml")
    run(home)
    assert [action for action, _ in told(home)] == [
        "decision.in_use", "decision.out_of_use", "decision.in_use",
    ]  # fmt: skip


@pytest.mark.parametrize("change", ["another name", "a comment", "a copy"])
def test_same_decision_under_another_name_is_no_event(home, change):
    sign(home, SIGNED)
    run(home)
    if change == "another name":
        (home.surveys / "decisions" / "Kari Nordmann.toml").rename(
            home.surveys / "decisions" / "b.toml"
        )
    elif change == "a comment":
        sign(home, f"# checked again\n{SIGNED}")
    else:
        sign(home, SIGNED, "b.toml")
    run(home)
    assert len(told(home)) == 1


def test_log_with_decisions_is_whole(home, command, asked):
    sign(home, SIGNED)
    assert command(home, "quarantine", "list")[0] == 0
    chain = asked(home, "audit", "verify")
    assert (chain["events"], chain["is_whole"]) == (1, True)


def test_run_that_a_broken_decision_stops_tells_nothing(home, command):
    drop(home, "a.csv", in_csv(school_class(3)))
    run(home)
    sign(home, SIGNED.replace('signed_by = "Rektor Planter Navnesen"', ""))
    assert command(home, "quarantine", "list")[0] == 2
    assert events_of(home) == []


def test_what_the_test_signs_is_a_decision(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(SIGNED, encoding="utf-8")
    assert DriftDecision.from_file(path).options[THRIVING]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"SUDO_USER": "kari"}, ", asked by kari"),
        ({"DOAS_USER": "ola.n"}, ", asked by ola.n"),
        ({"PKEXEC_UID": "4000000000"}, ", asked by uid 4000000000"),
        ({"SUDO_USER": "kari\nnordmann"}, ""),
        ({"SUDO_USER": ACCOUNT}, ""),
        ({"PKEXEC_UID": "kari"}, ""),
    ],
    ids=["sudo", "doas", "pkexec", "two lines", "the same", "no number"],
)
def test_log_tells_who_asked_for_what_another_account_carried_out(home, monkeypatch, told, said):
    for name in ("SUDO_USER", "DOAS_USER", "PKEXEC_UID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    sign(home, SIGNED)
    run(home)
    assert [actor for _, actor, _ in events_of(home)] == [ACCOUNT + said]
