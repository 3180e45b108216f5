"""What a note says stays true: after a decision, and when a file that was refused is read again."""

import json
from datetime import timedelta
from tomllib import loads

import pytest

from flows.cli import INTERRUPTED
from flows.quarantine import told_anew
from tests.quarantine.home import home_with
from tests.support.home import CORE, NOW, csv_bytes, drop, form, run, school_class
from tests.support.state import filed, ledger_of, note_of, words_on

OTHERS = school_class(4, prefix="Q")
TWICE = [form("P001"), form("P001", safety="1")]
HELD = form("P008", grade="sju")
SAFETY = f"{CORE}.safety"


def counts(note):
    return tuple(note[name] for name in ("accepted", "quarantined", "dropped"))


def by_hand(home, name, *, rename=None):
    """What a secretary does: the file alone goes back to the inbox."""
    folder = home.outcome / filed(home)[name]
    (folder / name).rename(home.inbox / (rename or name))
    return folder


def the_contradiction(asked, home):
    [entry] = asked(home, "quarantine", "list")["contradictions"]
    return entry["id"]


def test_note_tells_the_counts_after_a_release(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, *TWICE, HELD])
    assert counts(note_of(home, "0.csv")) == (4, 3, 0)
    words = ["release", the_contradiction(asked, home), "--latest", "--why", "answered_twice"]
    assert command(home, "quarantine", *words)[0] == 0
    note, told = note_of(home, "0.csv"), words_on(home, "0.csv")
    assert counts(note) == (5, 1, 1) == next(iter(ledger_of(home).values()))[3:]
    assert note["decided"] == {"not_chosen": 1, "released": 1}
    assert note["reasons"] == {"GRADE_INVALID": 1}
    assert [row["row"] for row in note["rows"]] == [8]
    assert "i karantene / quarantined: 1" in told
    assert "CONFLICTING_ANSWERS" not in told
    assert "Avgjort, sist / decided, last on 2026-04-20:" in told
    assert "nothing waits any more" not in told


def test_every_delivery_of_a_contradiction_is_told_anew(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, TWICE[0]], [TWICE[1]])
    words = ["release", the_contradiction(asked, home), "--latest", "--why", "answered_twice"]
    command(home, "quarantine", *words)
    assert counts(note_of(home, "0.csv")) == (4, 0, 1)
    assert counts(note_of(home, "1.csv")) == (1, 0, 0)
    assert "ingenting venter lenger" in words_on(home, "1.csv")


def test_note_tells_the_counts_after_rows_were_rejected_and_its_copys_too(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    drop(home, "copy.csv", csv_bytes([*OTHERS, HELD]))
    run(home)
    assert note_of(home, "copy.csv")["still_waiting"] == 1
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    command(home, "quarantine", "reject", entry["delivery"], "--why", "test_rows")
    assert counts(note_of(home, "0.csv")) == (4, 0, 1)
    assert "i karantene / quarantined: 0" in words_on(home, "0.csv")
    assert "skal ikke brukes / not to be used: 1" in words_on(home, "0.csv")
    assert note_of(home, "copy.csv")["still_waiting"] == 0
    assert "still wait" not in words_on(home, "copy.csv")


def test_note_of_a_file_whose_form_a_later_one_contradicts_says_that_it_waits(tmp_path, asked):
    home = home_with(tmp_path / "home", [*OTHERS, TWICE[0]])
    drop(home, "copy.csv", csv_bytes([*OTHERS, TWICE[0]]))
    run(home)
    assert counts(note_of(home, "0.csv")) == (5, 0, 0)
    drop(home, "1.csv", csv_bytes([TWICE[1]]))
    run(home)
    note, told = note_of(home, "0.csv"), words_on(home, "0.csv")
    assert counts(note) == (4, 1, 0)
    assert (note["reasons"], [row["row"] for row in note["rows"]]) == (
        {"CONFLICTING_ANSWERS": 1},
        [6],
    )
    assert "i karantene / quarantined: 1" in told
    assert "Avgjort" not in told
    assert note_of(home, "copy.csv")["still_waiting"] == 1
    assert "1 row(s) of this file still wait" in words_on(home, "copy.csv")


def test_note_says_so_when_the_code_stands_in_another_school_as_well(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, *TWICE], [TWICE[0] | {"school": "S02"}])
    assert note_of(home, "0.csv")["reasons"] == {"CODE_IN_TWO_SCHOOLS": 2}


def test_note_takes_back_a_choice_that_a_further_version_has_undone(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, TWICE[0]], [TWICE[1]])
    words = ["release", the_contradiction(asked, home), "--latest", "--why", "answered_twice"]
    command(home, "quarantine", *words)
    assert note_of(home, "1.csv")["decided"] == {"released": 1}
    drop(home, "2.csv", csv_bytes([form("P001", safety="2")]))
    run(home)
    note = note_of(home, "1.csv")
    assert (counts(note), "decided" in note) == ((0, 1, 0), False)
    assert "Avgjort" not in words_on(home, "1.csv")


def test_note_that_was_not_reached_after_a_contradiction_is_told_by_the_next_run(
    tmp_path, monkeypatch
):
    home = home_with(tmp_path / "home", [*OTHERS, TWICE[0]])
    drop(home, "1.csv", csv_bytes([TWICE[1]]))

    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(told_anew, "_write_notes", killed)
        with pytest.raises(KeyboardInterrupt):
            run(home)
    assert counts(note_of(home, "0.csv")) == (5, 0, 0)
    run(home)
    assert counts(note_of(home, "0.csv")) == (4, 1, 0)


def test_note_of_a_whole_file_that_is_not_to_be_used_says_so(tmp_path, command, asked):
    home = home_with(tmp_path / "home", OTHERS)
    drop(home, "stranger.csv", b"navn;alder;by\nx;y;z\n")
    run(home)
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    command(home, "quarantine", "reject", entry["delivery"], "--why", "wrong_file")
    note, told = note_of(home, "stranger.csv"), words_on(home, "stranger.csv")
    assert (note["outcome"], note["reason"], note["quarantined"]) == (
        "rejected", "DECIDED_NOT_TO_USE", 0,
    )  # fmt: skip
    assert told.startswith("Avvist / Rejected")
    assert "Noen har bestemt" in told


def test_note_tells_what_waited_too_long_and_what_came_mended(tmp_path):
    home = home_with(tmp_path / "home", [*OTHERS, HELD, form("P009", grade="ni")])
    drop(home, "next.csv", csv_bytes([HELD | {"grade": "7"}]))
    run(home)
    assert note_of(home, "0.csv")["decided"] == {"mended": 1}
    run(home, now=NOW + timedelta(days=40))
    note = note_of(home, "0.csv")
    assert (note["decided"], counts(note)) == ({"expired": 1, "mended": 1}, (4, 0, 2))
    assert "ventet for lenge / waited too long: 1" in words_on(home, "0.csv")


def test_note_that_was_not_reached_is_told_by_the_next_command(
    tmp_path, command, asked, monkeypatch
):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    [entry] = asked(home, "quarantine", "list")["deliveries"]

    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(told_anew, "_write_notes", killed)
        words = ["reject", entry["delivery"], "--why", "test_rows"]
        assert command(home, "quarantine", *words)[0] == INTERRUPTED
    assert counts(note_of(home, "0.csv")) == (4, 1, 0)
    run(home)
    assert counts(note_of(home, "0.csv")) == (4, 0, 1)


def test_run_leaves_notes_alone_on_which_nothing_was_decided(tmp_path, monkeypatch):
    home = home_with(tmp_path / "home", [*OTHERS, *TWICE, HELD])
    monkeypatch.setattr(told_anew, "_write_over", None)
    run(home)


def test_file_that_grew_before_a_decision_is_still_taken_back(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, HELD])
    path = home.outcome / "loaded" / "0.csv"
    path.write_bytes(csv_bytes([*OTHERS, HELD, form("P100")]))
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    command(home, "quarantine", "reject", entry["delivery"], "--why", "test_rows")
    [(_, outcome)] = run(home).files
    assert outcome.delivered == 6


def renamed(row):
    return {{SAFETY: "hvor trygg"}.get(key, key): cell for key, cell in row.items()}


@pytest.fixture
def drifted(tmp_path):
    """A home with a file that waits as a whole, and a signed decision on it."""
    home = home_with(tmp_path / "home", [renamed(row) for row in OTHERS])
    text = (home.outcome / "quarantined" / "0.csv.decision.toml").read_text(encoding="utf-8")
    signed = text.replace('# signed_by = ""', 'signed_by = "Rektor"')
    signed = signed.replace("# signed_on", "signed_on")
    signed = signed.replace(f'"{SAFETY}" = ""', f'"{SAFETY}" = "hvor trygg"')
    signed = signed.replace('"hvor trygg" = ""', '"hvor trygg" = "dropped"')
    (home.surveys / "decisions" / "one.toml").write_text(signed, encoding="utf-8")
    return home


@pytest.mark.parametrize("name", ["0.csv", "another.csv"])
def test_old_notes_say_that_the_file_was_loaded_later_and_lose_nothing(drifted, name):
    folder = by_hand(drifted, "0.csv", rename=name)
    before = (folder / "0.csv.txt").read_text(encoding="utf-8")
    run(drifted)
    assert filed(drifted)[name] == "loaded"
    old = (folder / "0.csv.txt").read_text(encoding="utf-8")
    assert old.startswith("Avgjort 2026-04-20: innholdet er lest på nytt (lastet, outcome/loaded/)")
    assert "Settled on 2026-04-20: the content was read again (loaded, outcome/loaded/)" in old
    assert old.endswith(before)
    decision = (folder / "0.csv.decision.toml").read_text(encoding="utf-8")
    assert decision.startswith("# Avgjort 2026-04-20")
    assert loads(decision)["survey"] == "klassepuls"
    note = json.loads((folder / "0.csv.json").read_text(encoding="utf-8"))
    assert note["settled"] == {"on": "2026-04-20", "outcome": "loaded"}
    assert note["reason"] == "HEADER_MISMATCH"


def test_old_notes_are_settled_once(drifted):
    folder = by_hand(drifted, "0.csv")
    run(drifted)
    before = (folder / "0.csv.txt").read_bytes()
    run(drifted, now=NOW + timedelta(days=1))
    assert (folder / "0.csv.txt").read_bytes() == before


def test_copy_that_still_lies_there_says_so_too(drifted):
    content = (drifted.outcome / "quarantined" / "0.csv").read_bytes()
    drop(drifted, "new.csv", content)
    run(drifted)
    assert words_on(drifted, "0.csv").startswith("Avgjort 2026-04-20")


def test_notes_of_a_file_that_waits_or_is_refused_again_stay_as_they_are(tmp_path):
    home = home_with(tmp_path / "home", [renamed(row) for row in OTHERS])
    before = words_on(home, "0.csv")
    run(home)
    assert words_on(home, "0.csv") == before
    by_hand(home, "0.csv")
    run(home)
    assert words_on(home, "0.csv") == before


def test_note_of_somebody_elses_stays_as_it_is(tmp_path):
    home = home_with(tmp_path / "home", OTHERS)
    note = home.outcome / "quarantined" / "x.json"
    note.write_text("[1]", encoding="utf-8")
    run(home)
    assert note.read_text(encoding="utf-8") == "[1]"
