"""Names are data, links are told and not followed, and no file takes another's place."""

import hashlib
import json
import os
import socket
import threading
import time
import unicodedata
from pathlib import Path

import pytest

from flows import inbox
from flows.home import Home
from flows.inbox import MAX_BYTES, MAX_NAME_BYTES, file_away, take, waiting
from flows.outcome import Outcome
from schemas.reason import Reason, reason_texts
from tests.support.home import csv_bytes, drop, form, make_home, outcomes, run, school_class
from tests.support.state import filed, ledger_of, note_of, words_on

# Opening a pipe waits for a writer: a mistake here would wait for ever.
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


# Names

NAMES = [
    b"line\nbreak.csv",
    b"quote\"and'quote.csv",
    "\N{RIGHT-TO-LEFT OVERRIDE}vsc.exe.csv".encode(),
    b"x" * 251 + b".csv",
    b"y" * 255,
    b"z." + b"ending" * 40,
    "æøå".encode() * 40 + b".csv",
    b"back\\slash.csv",
    b"-rf.csv",
    b"$(whoami).csv",
    b"<b>bold<.csv",
    b"\xff\xfe not utf-8.csv",
    unicodedata.normalize("NFD", "Åsane.csv").encode(),
    b" blank .csv ",
]


def test_any_name_is_data_and_nothing_else(home):
    texts = [csv_bytes(school_class(2, prefix=f"N{at:02}")) for at in range(len(NAMES))]
    for name, text in zip(NAMES, texts, strict=True):
        Path(os.fsdecode(os.fsencode(home.inbox) + b"/" + name)).write_bytes(text)
    summary = run(home)
    assert [outcome.outcome for _, outcome in summary.files] == ["loaded"] * len(NAMES)
    found = filed(home)
    assert sorted((home.outcome / "loaded" / name).read_bytes() for name in found) == sorted(texts)
    for name in found:
        assert all(sign.isalnum() or sign in " ._-()~" for sign in name)
        assert len(name.encode()) <= MAX_NAME_BYTES + len(".json")
        assert not name.startswith(".")
        assert note_of(home, name)["accepted"] == 2
    assert list(home.inbox.iterdir()) == []


def test_name_with_glob_signs_brings_no_other_file_with_it(home):
    for number, name in enumerate(["a*.csv", "a1.csv", "a2.csv", "a[12].csv", "a?.csv"]):
        drop(home, name, csv_bytes(school_class(number + 1, prefix=f"G{number}")))
    run(home)
    counts = sorted(delivered for _, _, delivered, *_ in ledger_of(home).values())
    assert counts == [1, 2, 3, 4, 5]


# What is no file


def outside(home: Home) -> Path:
    path = home.root.parent / "outside.csv"
    path.write_bytes(csv_bytes(school_class(3)))
    return path


def make_symlink(home: Home, path: Path) -> None:
    path.symlink_to(outside(home))


def make_dangling_symlink(home: Home, path: Path) -> None:
    path.symlink_to("nowhere")


def make_symlink_to_a_folder(home: Home, path: Path) -> None:
    path.symlink_to(home.restricted)


def make_hard_link(home: Home, path: Path) -> None:
    path.hardlink_to(outside(home))


def make_pipe(_home: Home, path: Path) -> None:
    os.mkfifo(path)


def make_socket(_home: Home, path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket has to be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    "make",
    [
        make_symlink,
        make_dangling_symlink,
        make_symlink_to_a_folder,
        make_hard_link,
        make_pipe,
        make_socket,
    ],
)
def test_what_is_no_ordinary_file_is_told_and_not_read(home, make):
    make(home, home.inbox / "thing.csv")
    drop(home, "zebra.csv", csv_bytes(school_class(2)))
    found = outcomes(run(home))
    assert (found["thing.csv"].outcome, found["thing.csv"].reason) == ("rejected", "NOT_A_FILE")
    assert found["zebra.csv"].accepted == 2
    assert os.path.lexists(home.outcome / "rejected" / "thing.csv")
    assert note_of_rejected(home)["reason"] == "NOT_A_FILE"


def note_of_rejected(home: Home) -> dict[str, object]:
    note: dict[str, object] = json.loads(
        (home.outcome / "rejected" / "thing.csv.json").read_text(encoding="utf-8")
    )
    return note


def test_dangling_link_in_the_outcome_folder_is_not_overwritten(home):
    for _ in range(2):
        (home.inbox / "thing.csv").symlink_to("nowhere")
        run(home)
    links = [path for path in (home.outcome / "rejected").iterdir() if path.is_symlink()]
    assert len(links) == 2


def test_folder_is_looked_into_and_hidden_files_are_left_alone(home):
    (home.inbox / "Skole S01" / "trinn 7").mkdir(parents=True)
    drop(home, "Skole S01/trinn 7/7A.csv", csv_bytes(school_class(2)))
    drop(home, ".7B.csv.part", csv_bytes(school_class(2, prefix="Q")))
    assert outcomes(run(home))["7A.csv"].accepted == 2
    assert [path.name for path in home.inbox.iterdir()] == [".7B.csv.part"]


def test_giant_is_told_and_not_read(home):
    with (home.inbox / "giant.csv").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert outcomes(run(home))["giant.csv"].reason == "TOO_LARGE"


def test_file_that_may_not_be_read_keeps_nobody_waiting(home, monkeypatch):
    closed = drop(home, "closed.csv", csv_bytes(school_class(2)))
    open_really = os.open

    def refuse(path, *arguments, **more):
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return open_really(path, *arguments, **more)

    monkeypatch.setattr(inbox.os, "open", refuse)
    [told] = take([closed])
    assert (told.content, told.problem) == (None, Reason.UNREADABLE)


def test_file_that_was_taken_back_meanwhile_is_nothing(home):
    assert list(take([home.inbox / "gone.csv"])) == []


# Still on its way


def test_file_that_grows_is_left_for_the_next_run(home):
    still = drop(home, "still.csv", csv_bytes(school_class(2)))
    growing = drop(home, "growing.csv", b"wave;")
    os.utime(growing)
    stop = threading.Event()

    def upload() -> None:
        with growing.open("ab", buffering=0) as file:
            while not stop.wait(0.02):
                file.write(b"x")

    uploader = threading.Thread(target=upload)
    uploader.start()
    try:
        assert waiting(home, settle=0.4) == [still]
    finally:
        stop.set()
        uploader.join()
    assert waiting(home, settle=0.1) == [growing, still]


def test_clock_that_is_ahead_lets_no_growing_file_pass(home):
    ahead = drop(home, "ahead.csv", b"wave;")
    os.utime(ahead, (time.time() + 9_000, time.time() + 9_000))
    growing = drop(home, "growing.csv", b"wave;")
    os.utime(growing, (time.time() + 9_000, time.time() + 9_000))
    grow = threading.Timer(0.1, lambda: growing.write_bytes(b"wave;school;"))
    grow.start()
    try:
        assert waiting(home, settle=0.5) == [ahead]
    finally:
        grow.join()


def test_old_files_are_taken_at_once_in_the_order_of_their_names(home):
    for name in ("b.csv", "a.csv"):
        os.utime(drop(home, name, b"x"), (0, 0))
    # A wait of a day would not end: nothing here is young.
    assert [path.name for path in waiting(home, settle=86_400.0)] == ["a.csv", "b.csv"]


def test_file_that_somebody_has_open_to_write_to_waits_however_slow_the_upload(home):
    path = drop(home, "slow.csv", csv_bytes(school_class(6)))
    os.utime(path, (0, 0))
    with path.open("ab") as uploading:
        assert list(take([path], settle=2.0)) == []
        uploading.write(b"more")
    assert [arrival.path for arrival in take([path], settle=2.0)] == [path]


def test_run_counts_what_it_leaves_in_the_inbox(home):
    drop(home, "7A.csv", csv_bytes(school_class(3)))
    drop(home, "7B.csv.part", csv_bytes(school_class(3, prefix="Q")))
    slow = drop(home, "7C.csv", csv_bytes(school_class(3, prefix="R")))
    with slow.open("ab"):
        summary = run(home)
    assert (len(summary.files), summary.left) == (1, 2)
    (home.inbox / "7B.csv.part").rename(home.inbox / "7B.csv")
    assert (len(run(home).files), run(home).left) == (2, 0)


# WinSCP, lftp and rsync over SFTP, browsers, and an editor's copy of what it has open.
@pytest.mark.parametrize(
    "name",
    [
        "7B.csv.filepart",
        "7B.csv.part",
        ".in.7B.csv.",
        ".7B.csv.Xy12ab",
        "7B.csv~",
        "7B.csv.uploading",
    ],
)
def test_name_of_a_file_that_a_sync_has_not_finished_is_left_until_it_has_its_own(home, name):
    path = drop(home, name, csv_bytes(school_class(3)))
    assert waiting(home, settle=0.0) == []
    path.rename(home.inbox / "7B.csv")
    assert waiting(home, settle=0.0) == [home.inbox / "7B.csv"]


def test_unfinished_name_is_a_name_after_a_day(home):
    path = drop(home, "7B.csv.part", csv_bytes(school_class(3)))
    os.utime(path, (time.time() - 90_000, time.time() - 90_000))
    assert waiting(home, settle=0.0) == [path]


def test_where_nobody_can_say_who_writes_a_file_has_to_lie_still_for_long(home, monkeypatch):
    path = drop(home, "a.csv", csv_bytes(school_class(2)))

    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(inbox.fcntl, "fcntl", refuse)  # another user's file
    os.utime(path, (time.time() - 30, time.time() - 30))
    assert list(take([path], settle=2.0)) == []
    os.utime(path, (time.time() - 90, time.time() - 90))
    assert len(list(take([path], settle=2.0))) == 1


def test_what_was_read_is_filed_and_what_has_taken_its_place_waits(home):
    path = drop(home, "a.csv", b"the first")
    [arrival] = take([path])
    newer = home.root / "newer"
    newer.write_bytes(b"the second")
    newer.replace(path)
    placed = file_away(home, arrival, outcome_of(b"the first"))
    assert (placed.read_bytes(), path.read_bytes()) == (b"the first", b"the second")


def test_what_was_read_is_filed_though_somebody_took_the_file_back(home):
    path = drop(home, "a.csv", b"the first")
    [arrival] = take([path])
    path.unlink()
    assert file_away(home, arrival, outcome_of(b"the first")).read_bytes() == b"the first"


def test_file_that_grew_after_it_was_put_away_comes_back_and_nobody_is_lost(home):
    pupils = csv_bytes(school_class(12))
    half = b"\n".join(pupils.split(b"\n")[:7]) + b"\n"
    path = drop(home, "a.csv", half)
    with path.open("ab") as uploading:
        # The lease says that it is open; a network folder would not, so it is read all the same.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(inbox, "_may_be_written_to", lambda *_: False)
            assert outcomes(run(home))["a.csv"].accepted == 6
        uploading.write(pupils[len(half) :])
        uploading.flush()
        filed_file = home.outcome / "loaded" / "a.csv"
        os.utime(filed_file, (time.time() + 5, time.time() + 5))
    again = outcomes(run(home))["a.csv"]
    assert (again.outcome, again.accepted, again.dropped) == ("loaded", 6, 6)
    assert list(home.inbox.iterdir()) == []
    assert outcomes(run(home)) == {}


def test_file_that_somebody_edited_where_it_lies_is_no_delivery(home):
    drop(home, "a.csv", csv_bytes(school_class(3)))
    run(home)
    filed_file = home.outcome / "loaded" / "a.csv"
    filed_file.write_bytes(filed_file.read_bytes().replace(b"\n", b"\r\n"))
    os.utime(filed_file, (time.time() + 5, time.time() + 5))
    assert outcomes(run(home)) == {}
    assert filed_file.is_file()


def test_file_that_was_merely_touched_stays_where_it_is(home):
    drop(home, "a.csv", csv_bytes(school_class(2)))
    run(home)
    filed_file = home.outcome / "loaded" / "a.csv"
    os.utime(filed_file, (time.time() + 5, time.time() + 5))
    assert outcomes(run(home)) == {}
    assert filed_file.is_file()


# Filing


def outcome_of(content: bytes) -> Outcome:
    return Outcome(hashlib.sha256(content).hexdigest(), "loaded")


def file(home: Home, name: str, content: bytes) -> Path:
    [arrival] = take([drop(home, name, content)])
    return file_away(home, arrival, outcome_of(content))


@pytest.mark.parametrize(
    ("name", "is_shown"),
    [
        ("tlf 934 33 667.csv", False),
        ("93 43 36 67.csv", False),
        ("934-33-667.csv", False),
        ("submission-27685292.json", True),
        ("eksport 2025-11-05 14.33.csv", True),
        ("7A 2025-2026 uke 45.csv", True),
    ],
)
def test_phone_number_in_a_name_is_hidden_and_a_day_or_a_submission_is_not(home, name, is_shown):
    shown = file(home, name, b"one").name
    assert (shown == name) == is_shown
    assert is_shown or shown.startswith(outcome_of(b"one").delivery_id[:16])


def test_second_file_of_a_name_gets_its_digest_into_the_name(home):
    first, second, third = (file(home, "7A.csv", text) for text in (b"one", b"two", b"two"))
    digest = outcome_of(b"two").delivery_id[:8]
    assert first.name == "7A.csv"
    assert second.name == f"7A~{digest}.csv"
    assert third.name == f"7A~{digest}-2.csv"
    assert [path.read_bytes() for path in (first, second, third)] == [b"one", b"two", b"two"]


@pytest.mark.parametrize("ending", [".txt", ".json"])
@pytest.mark.parametrize("note_comes_first", [True, False])
def test_note_takes_no_files_place_and_no_file_a_notes(home, ending, note_comes_first):
    names = ["7A.csv", f"7A.csv{ending}"]
    if not note_comes_first:
        names.reverse()
    texts = {name: csv_bytes([form(f"P{at:03}")]) for at, name in enumerate(names)}
    for name in names:
        file(home, name, texts[name])
    folder = home.outcome / "loaded"
    assert len(list(folder.iterdir())) == 6
    kept = [path.read_bytes() for path in folder.iterdir()]
    assert all(text in kept for text in texts.values())


def test_notes_of_a_move_that_was_interrupted_are_used_again(home):
    placed = file(home, "7A.csv", b"one")
    placed.rename(home.inbox / "7A.csv")
    [arrival] = take([home.inbox / "7A.csv"])
    again = file_away(home, arrival, outcome_of(b"one"))
    assert again == placed
    assert len(list((home.outcome / "loaded").iterdir())) == 3


def test_notes_on_another_content_are_not_overwritten(home):
    placed = file(home, "7A.csv", b"one")
    placed.unlink()
    note = (home.outcome / "loaded" / "7A.csv.json").read_bytes()
    file(home, "7A.csv", b"two")
    assert (home.outcome / "loaded" / "7A.csv.json").read_bytes() == note


def test_notes_tell_what_happened_in_both_languages_and_no_cell(home):
    planted = "Kari Nordmann"
    rows = [form("P001"), form("", gender="boy"), form("P002", safety=planted)]
    drop(home, "7A.csv", csv_bytes(rows))
    run(home)
    note, words = note_of(home, "7A.csv"), words_on(home, "7A.csv")
    assert note["rows"] == [
        {"row": 3, "reasons": ["PUPIL_CODE_MISSING"], "columns": ["pupil_code"]},
        {
            "row": 4,
            "reasons": ["ANSWER_NOT_AN_OPTION"],
            "columns": ["klassepuls_core_v1.safety"],
        },
    ]
    text = reason_texts()[Reason.PUPIL_CODE_MISSING]
    assert text.nb in words
    assert text.en in words
    assert "Lastet / Loaded" in words
    for said in (words, str(note)):
        assert planted not in said
        assert "P001" not in said
        assert "P002" not in said
