"""The child in which untrusted files are parsed: what goes wrong there is a refused file here."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from flows.reading import post as reading_post
from flows.reading import room as reading_room
from flows.reading.post import Ask, PostError
from flows.reading.readers import READERS
from flows.reading.room import Limits, ReadingRoom, ReadingRoomError
from schemas.reason import Reason
from tests.readers.small_nettskjema import BLANK, FORM, KARI, as_answers
from transforms.readers.reading import FileProblem, MalformedRow, Reading
from transforms.synthetic.formats import to_csv, to_ndjson, to_parquet, to_xlsx

ROOT = Path(__file__).resolve().parents[2]
ODD = "tests.badinput.odd_readers"
ANSWERS = pl.DataFrame({"code": ["A1", "A2", "Å3"], "q1": ["1", "", "3"]})
LINES = to_ndjson(ANSWERS)
MIB = 1 << 20
TIGHT = Limits(memory=400 * MIB, cpu=1, wall=3.0)


@pytest.fixture(scope="module")
def room() -> Iterator[ReadingRoom]:
    room = ReadingRoom(TIGHT, table=ODD)
    yield room
    room.close()


@pytest.fixture
def patient() -> Iterator[ReadingRoom]:
    room = ReadingRoom(table=ODD)
    yield room
    room.close()


def refused(room: ReadingRoom, reader: str, content: bytes = LINES) -> Reason:
    with pytest.raises(FileProblem) as problem:
        room.read(reader, content, Ask())
    return problem.value.reason


def same(one: Reading, other: Reading) -> bool:
    fields = ("format", "malformed", "codebook", "dropped")
    return (
        one.table.equals(other.table)
        and one.row_no.equals(other.row_no)
        and all(getattr(one, name) == getattr(other, name) for name in fields)
    )


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(is_so) -> bool:
    until = time.monotonic() + 20
    while not (found := is_so()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        ("delimited", to_csv(ANSWERS)),
        ("xlsx", to_xlsx(ANSWERS)),
        ("parquet", to_parquet(ANSWERS)),
        ("ndjson", LINES),
        ("json", b'[{"a":"1"},{"b":2},[],{"a":"x"}]'),
        ("surveyjs", b'[{"a":{"b":"1"}},{"a":{"b":"2"}}]'),
    ],
)
def test_reading_is_the_same_as_in_this_process(room, reader, content):
    assert same(room.read(reader, content, Ask()), READERS[reader](content, Ask()))


def test_codebooks_go_with_the_file_and_come_back_with_the_reading(room):
    answers = as_answers([KARI, BLANK])
    other = [{"elementId": 99, "elementType": "TEXT", "externalElementId": "other"}]
    ask = Ask(forms=[json.dumps(form).encode() for form in (other, FORM)])
    assert room.read("nettskjema_answers", answers, ask).codebook
    assert same(
        room.read("nettskjema_answers", answers, ask), READERS["nettskjema_answers"](answers, ask)
    )


def test_problem_comes_back_with_its_column_and_line(room):
    with pytest.raises(FileProblem) as problem:
        room.read("delimited", b"a;a\n1;2\n", Ask())
    assert problem.value.reason == Reason.HEADER_REPEATED
    assert refused(room, "parquet", b"PAR1") == Reason.UNREADABLE


def test_one_child_serves_many_files_and_is_replaced_after_its_number(room):
    room.read("ndjson", LINES, Ask())
    child = room.pid
    few = ReadingRoom(replace(TIGHT, files=2))
    for is_there in (True, False):
        few.read("ndjson", LINES, Ask())
        room.read("ndjson", LINES, Ask())
        assert (few.pid is not None) == is_there
    assert room.pid == child


@pytest.mark.parametrize(
    ("reader", "reason"),
    [
        ("hang", Reason.TOO_COSTLY),
        ("spin", Reason.TOO_COSTLY),
        ("memory", Reason.TOO_COSTLY),
        ("memory in rust", Reason.TOO_COSTLY),
        ("segfault", Reason.UNREADABLE),
        ("exit", Reason.UNREADABLE),
        ("panic", Reason.UNREADABLE),
        ("network", Reason.UNREADABLE),
        ("open", Reason.UNREADABLE),
        ("write", Reason.UNREADABLE),
        ("numbers", Reason.UNREADABLE),
    ],
)
def test_whatever_a_reader_does_is_a_refused_file_and_the_next_is_read(room, reader, reason):
    assert refused(room, reader) == reason
    assert room.read("ndjson", LINES, Ask()).table.num_rows == ANSWERS.height


def test_costly_file_is_refused_by_the_real_readers_in_their_real_limits(room):
    wide = pl.DataFrame({f"q{number}": [number] * 10_000 for number in range(200)})
    content = to_ndjson(wide)
    assert refused(room, "ndjson", content) == Reason.TOO_COSTLY
    assert room.read("ndjson", LINES, Ask()).table.num_rows == ANSWERS.height


def test_file_beyond_the_limit_never_reaches_the_child():
    room = ReadingRoom(Limits(content=len(LINES) - 1))
    assert refused(room, "ndjson") == Reason.TOO_LARGE
    assert room.pid is None


def kill_next(room: ReadingRoom, times: int, killed: list[int]) -> threading.Thread:
    """Kills that many children of the room, each when it has read its way into a file."""

    def is_reading() -> bool:
        pid = room.pid
        if pid is None or pid in killed:
            return False
        try:
            limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
        except FileNotFoundError:
            return False
        return re.search(r"Max open files +0 ", limits) is not None

    def kill() -> None:
        for _ in range(times):
            wait_until(is_reading)
            time.sleep(0.3)
            killed.append(room.pid or 0)
            os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    return killer


def test_file_whose_child_was_killed_once_is_read_by_the_next(patient):
    killed: list[int] = []
    killer = kill_next(patient, 1, killed)
    assert patient.read("slow", LINES, Ask()).table.num_rows == ANSWERS.height
    killer.join()
    assert len(killed) == 1


def test_file_whose_children_are_killed_again_and_again_is_refused(patient):
    killed: list[int] = []
    killer = kill_next(patient, 2, killed)
    assert refused(patient, "hang") == Reason.UNREADABLE
    killer.join()
    assert len(set(killed)) == 2
    assert patient.read("ndjson", LINES, Ask()).table.num_rows == ANSWERS.height


def test_child_that_somebody_else_has_waited_for_costs_no_file(room):
    room.read("ndjson", LINES, Ask())
    os.kill(room.pid, signal.SIGKILL)
    os.waitpid(room.pid, 0)
    assert room.read("ndjson", LINES, Ask()).table.num_rows == ANSWERS.height


def test_child_that_died_while_nobody_read_costs_no_file(room):
    room.read("ndjson", LINES, Ask())
    os.kill(room.pid, signal.SIGKILL)
    assert room.read("ndjson", LINES, Ask()).table.num_rows == ANSWERS.height


def test_threads_that_read_at_once_get_each_their_own(room):
    found: dict[int, Reading] = {}

    def read(number: int) -> None:
        found[number] = room.read("ndjson", b'{"q":%d}' % number, Ask())

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: one.table["q"].to_pylist() for number, one in found.items()} == {
        number: [str(number)] for number in range(8)
    }


def test_room_that_cannot_start_its_child_is_a_fault_of_the_machine_and_of_no_file():
    with pytest.raises(ReadingRoomError):
        ReadingRoom(table="tests.badinput.no_such_module").read("ndjson", LINES, Ask())


_PARENT = """
import os, signal, sys, threading
from flows.reading.post import Ask
from flows.reading.room import ReadingRoom
room = ReadingRoom(table=sys.argv[1])
threading.Thread(target=threading.Event().wait, daemon=True).start()
room.read("ndjson", b'{"q":1}', Ask())
print(room.pid, flush=True)
if sys.argv[2] == "busy":
    room.read("hang", b"", Ask())
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("doing", ["idle", "busy"])
def test_child_does_not_outlive_a_parent_that_is_killed(doing):
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, ODD, doing], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        if doing == "busy":
            assert is_alive(child)
            parent.kill()
    assert wait_until(lambda: not is_alive(child))


def test_copy_of_this_process_leaves_its_child_alone():
    reading_room.read("ndjson", LINES)
    copy = os.fork()
    if copy == 0:
        reading_room.read("ndjson", LINES)
        os._exit(0)
    assert os.waitpid(copy, 0)[1] == 0
    assert reading_room.read("ndjson", LINES).table.num_rows == ANSWERS.height


def test_child_gets_no_secret_no_file_and_no_connection_of_this_process(patient, monkeypatch):
    monkeypatch.setenv("PREFECT_API_KEY", "a secret")
    patient.read("ndjson", LINES, Ask())
    process = Path(f"/proc/{patient.pid}")
    assert b"secret" not in (process / "environ").read_bytes()
    opened = {str(entry.readlink()).split(":")[0] for entry in (process / "fd").iterdir()}
    assert opened <= {"pipe", "anon_inode"}


READ = (
    b'{"format":"x","rows":%d,"malformed":[],"codebook":{},"dropped":{}}',
    pa.table({"a": ["1"], "row_no": pa.array([2], pa.int32())}),
)


def stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    reading_post.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def test_sound_reply_is_a_reading():
    reading = reading_post.open_reply(READ[0] % 1, stream(READ[1]))
    assert isinstance(reading, Reading)
    assert (reading.table.to_pydict(), reading.row_no.to_pylist()) == ({"a": ["1"]}, [2])


@pytest.mark.parametrize(
    ("letter", "body"),
    [
        (b"", b""),
        (b"{}", b""),
        (b'{"reason":"NO_SUCH_REASON","column":null,"line":null}', b""),
        (READ[0] % 1, b""),
        (READ[0] % 1, stream(READ[1])[:-60]),
        (READ[0] % 2, stream(READ[1])),
        (READ[0].replace(b"[]", b'[{"row_no":"1"}]') % 1, stream(READ[1])),
        (READ[0].replace(b'"dropped":{}', b'"dropped":{"name":-1}') % 1, stream(READ[1])),
        (READ[0] % 1, stream(READ[1].select(["a"]))),
        (READ[0] % 1, stream(pa.table({"a": [1], "row_no": pa.array([2], pa.int32())}))),
        (READ[0] % 1, stream(pa.table({"a": ["1"], "row_no": pa.array([None], pa.int32())}))),
        (READ[0] % 1, stream(pa.table([["1"], ["1"], pa.array([2], pa.int32())], ["a", "a", "n"]))),
        (
            READ[0] % 1,
            stream(
                pa.table(
                    {
                        "a": pa.Array.from_buffers(
                            pa.string(),
                            1,
                            [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")],
                        ),
                        "row_no": pa.array([2], pa.int32()),
                    }
                )
            ),
        ),
    ],
)
def test_reply_that_no_child_of_ours_sends_is_refused(letter, body):
    with pytest.raises(PostError):
        reading_post.open_reply(letter, body)


def test_malformed_rows_come_back_as_they_were(room):
    held = room.read("ndjson", b'{"q":1}\n{"q":"\xff"}\n{"q":[1]}\n', Ask()).malformed
    assert held == (
        MalformedRow(2, Reason.UNREADABLE, '{"q":"\N{REPLACEMENT CHARACTER}"}'),
        MalformedRow(3, Reason.UNREADABLE, '{"q":[1]}'),
    )
