"""A text that is mapped: its rows count once, this time and the next, and nobody sees the text."""

import pytest

from flows.cli import INTERRUPTED
from flows.quarantine import bring_back as files
from flows.quarantine import fix_map
from tests.quarantine.home import counts_hold, events_of, flags_of, home_with
from tests.support.home import CORE, csv_bytes, drop, form, outcomes, run, school_class
from tests.support.state import filed, warehouse_of

OTHERS = school_class(4, prefix="Q")
SEVENTH = ["--survey", "klassepuls", "--column", "grade", "--from", "7. trinn", "--to", "7"]
HELD = [form("P001", grade="7. trinn", safety="1"), form("P002", grade="7. trinn")]


def mapped(command, home, words=SEVENTH):
    return command(home, "quarantine", "map", *words)


def forms_of(home) -> int:
    with warehouse_of(home) as con:
        [(forms,)] = con.execute("select count(*) from core.response").fetchall()
    return forms


def test_mapped_rows_count_once_and_once_only_in_the_next_file_too(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, *HELD])
    code, said = mapped(command, home)
    assert (code, "1 file(s) lie in the inbox again" in said) == (0, True)
    [(_, again)] = run(home).files
    assert (again.accepted, again.quarantined) == (6, 0)
    sound = [row | {"grade": "7"} for row in HELD]
    assert flags_of(home) == flags_of(home_with(tmp_path / "other", [*OTHERS, *sound]))
    drop(home, "next.csv", csv_bytes([*OTHERS, *HELD, form("P003", grade="7. trinn")]))
    later = outcomes(run(home))["next.csv"]
    assert (later.accepted, later.quarantined, later.dropped) == (1, 0, 6)
    assert forms_of(home) == 7
    assert counts_hold(home)
    assert not asked(home, "quarantine", "list")["deliveries"]


def test_map_that_moves_no_file_says_so(tmp_path, command):
    home = home_with(tmp_path / "home", [*OTHERS])
    code, said = mapped(command, home)
    assert (code, "0 files are read again" in said) == (0, True)


def test_answer_in_words_is_mapped_to_its_option(tmp_path, command):
    home = home_with(tmp_path / "home", [*OTHERS, form("P001", safety="Aldri")])
    words = [*SEVENTH[:3], f"{CORE}.safety", "--from", "Aldri", "--to", "1"]
    assert mapped(command, home, words)[0] == 0
    run(home)
    alone = home_with(tmp_path / "other", [*OTHERS, form("P001", safety="1")])
    assert flags_of(home) == flags_of(alone) != []


def test_same_command_again_changes_nothing(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, *HELD])
    mapped(command, home)
    run(home)
    before = filed(home)
    assert mapped(command, home)[0] == 0
    assert filed(home) == before
    assert [action for action, *_ in events_of(home)] == ["quarantine.mapped"]
    assert len(asked(home, "quarantine", "map")) == 1


@pytest.mark.parametrize(
    "stopped",
    [
        (fix_map, "hand"),
        (fix_map, "write_fixes"),
        (fix_map, "_bring_back"),
        (files, "_remove_notes"),
    ],
    ids=lambda place: place[1],
)
def test_command_that_was_killed_is_given_again(tmp_path, command, monkeypatch, stopped):
    home = home_with(tmp_path / "home", [*OTHERS, *HELD])

    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(*stopped, killed)
        assert mapped(command, home)[0] == INTERRUPTED
    assert mapped(command, home)[0] == 0
    run(home)
    assert forms_of(home) == 6
    assert counts_hold(home)
    assert [action for action, *_ in events_of(home)] == ["quarantine.mapped"]
    assert set(filed(home).values()) == {"loaded"}


def test_map_that_was_wrong_is_taken_back_with_all_that_was_read_with_it(tmp_path, command, asked):
    wrong = [*SEVENTH[:3], f"{CORE}.safety", "--from", "Alltid", "--to", "1"]
    rows = [*OTHERS, form("P001", safety="Alltid")]
    home = home_with(tmp_path / "home", rows)
    mapped(command, home, wrong)
    run(home)
    drop(home, "next.csv", csv_bytes([form("P002", safety="Alltid")]))
    run(home)
    assert len({flag for flag, *_ in flags_of(home)}) == 2
    assert mapped(command, home, [*wrong[:-2], "--forget"])[0] == 0
    run(home)
    assert flags_of(home) == []
    [first, second] = asked(home, "quarantine", "list")["deliveries"]
    assert first["rows"] + second["rows"] == 2
    assert counts_hold(home)
    mapped(command, home, [*wrong[:-1], "5"])
    run(home)
    assert forms_of(home) == 6
    assert [action for action, *_ in events_of(home)] == [
        "quarantine.mapped",
        "quarantine.map_forgotten",
        "quarantine.mapped",
    ]


def test_file_that_is_gone_is_asked_for(tmp_path, command):
    home = home_with(tmp_path / "home", [*OTHERS, *HELD])
    (home.outcome / "loaded" / "0.csv").unlink()
    code, said = mapped(command, home)
    assert code == 1
    assert "deliver them again" in said
    drop(home, "again.csv", csv_bytes([*OTHERS, *HELD]))
    run(home)
    assert forms_of(home) == 6


@pytest.mark.parametrize(
    "words",
    {
        "no such survey": ["--survey", "nei", *SEVENTH[2:]],
        "a pupil code": [*SEVENTH[:3], "pupil_code", *SEVENTH[4:]],
        "no such column": [*SEVENTH[:3], "trinn", *SEVENTH[4:]],
        "no value of ours": [*SEVENTH[:-1], "77"],
        "one of our values": [*SEVENTH[:5], "6", "--to", "7"],
        "a line break": [*SEVENTH[:5], "7\n8", "--to", "7"],
        "a line separator": [*SEVENTH[:5], "7\u20288", "--to", "7"],
        "nothing to read as": SEVENTH[:-2],
        "no option of the item": [*SEVENTH[:3], f"{CORE}.safety", *SEVENTH[4:-1], "9"],
    }.items(),
    ids=lambda case: case[0],
)
def test_map_that_means_nothing_is_refused(tmp_path, command, words):
    home = home_with(tmp_path / "home", [*OTHERS, *HELD])
    code, said = mapped(command, home, words[1])
    assert code == 2
    assert "7. trinn" not in said
    assert not home.fixes_file.exists()
    assert events_of(home) == []


def test_survey_file_has_the_last_word_on_a_text(tmp_path, command):
    home = home_with(tmp_path / "home", [*OTHERS, *HELD])
    mapped(command, home)
    assert mapped(command, home, [*SEVENTH[:-1], "6"])[0] == 2
    path = home.surveys / "klassepuls.toml"
    path.write_text(
        path.read_text(encoding="utf-8") + '\n[codes]\ngrade = { "7. trinn" = "8" }\n',
        encoding="utf-8",
    )
    run(home)
    with warehouse_of(home) as con:
        grades = con.execute("select distinct grade from core.response").fetchall()
    assert sorted(grades) == [(7,), (8,)]


@pytest.mark.parametrize("text", ['"', "\\", "7=8 # [x]", "'''"])
def test_any_printable_text_is_remembered_as_it_is(tmp_path, command, text):
    home = home_with(tmp_path / "home", [*OTHERS, form("P001", grade=text)])
    assert mapped(command, home, [*SEVENTH[:5], text, "--to", "7"])[0] == 0
    run(home)
    assert forms_of(home) == 5


def test_broken_map_is_wrong_settings_and_stops_nothing_for_good(tmp_path, command):
    home = home_with(tmp_path / "home", OTHERS)
    home.fixes_file.write_text("[klassepuls", encoding="utf-8")
    code, said = command(home, "quarantine", "list")
    assert code == 2
    assert "fixes.toml" in said


def test_note_of_somebody_elses_is_no_file_of_ours(tmp_path):
    home = home_with(tmp_path / "home", OTHERS)
    note = home.outcome / "loaded" / "x.json"
    note.write_text('{"delivery": "f"}', encoding="utf-8")
    assert files.bring_back(home, {"", "f", "f" * 64}) == set()


def test_file_keeps_its_name_however_often_it_is_mapped(tmp_path, command):
    rows = [form(f"P{at:03}", grade=grade) for at, grade in enumerate(("sju", "syv", "siebte"))]
    home = home_with(tmp_path / "home", [*OTHERS, *rows])
    names = []
    for text in ("sju", "syv", "siebte"):
        words = ["--survey", "klassepuls", "--column", "grade", "--from", text, "--to", "7"]
        assert mapped(command, home, words)[0] == 0
        run(home)
        names += [name for name in filed(home) if name not in names]
    assert len(names) == 1
    assert names[0].count("~") == 1


AS_7B = ["--survey", "klassepuls", "--column", "class_group", "--from", "A", "--to", "7B"]


def classes_of(home):
    with warehouse_of(home) as con:
        return con.execute(
            "select class_group, count(*) from core.response group by all order by 1"
        ).fetchall()


def test_class_that_pupils_call_otherwise_is_mapped_though_it_could_be_one(tmp_path, command):
    strays = [form(f"P00{n}", class_group="A", bullied_by_pupils="4") for n in range(6)]
    rows = [*school_class(20, prefix="Q", class_group="7B"), *strays]
    home = home_with(tmp_path / "home", rows, [*rows, form("R001")])
    assert classes_of(home) == [("7A", 1), ("7B", 20), ("A", 6)]
    code, said = mapped(command, home, AS_7B)
    assert (code, "1 file(s) lie in the inbox again" in said) == (0, True)
    run(home)
    mended = [row | {"class_group": "7B"} for row in rows]
    assert classes_of(home) == [("7A", 1), ("7B", 26)]
    assert flags_of(home) == flags_of(
        home_with(tmp_path / "other", mended, [*mended, form("R001")])
    )
    assert counts_hold(home)
    assert mapped(command, home, [*AS_7B[:-2], "--forget"])[0] == 0
    run(home)
    assert classes_of(home) == [("7A", 1), ("7B", 20), ("A", 6)]


def test_codes_of_a_survey_file_hold_for_what_counts_once_they_are_mapped(tmp_path, command):
    home = home_with(tmp_path / "home", [*OTHERS, form("P001", class_group="A")])
    declared = next(home.surveys.glob("*.toml"))
    text = declared.read_text(encoding="utf-8")
    declared.write_text(f'{text}\n[codes]\nclass_group = {{ A = "7B" }}\n', encoding="utf-8")
    assert mapped(command, home, AS_7B)[0] == 0
    run(home)
    assert classes_of(home) == [("7A", 4), ("7B", 1)]


def test_spelling_of_a_class_is_not_mapped_to_that_class(tmp_path, command):
    home = home_with(tmp_path / "home", [*OTHERS])
    code, said = mapped(command, home, [*AS_7B[:5], "7.b", *AS_7B[6:]])
    assert (code, "spellings of one class" in said) == (2, True)
