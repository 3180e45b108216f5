"""Answers as JSON lines: nothing is lost, and the quick reader equals the strict one."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reason import Reason
from tests.readers.small_nettskjema import (
    BLANK,
    ELEMENTS,
    KARI,
    answer_lines,
    as_answers,
    submission,
)
from transforms.readers.nettskjema import from_answers
from transforms.readers.nettskjema_answers import quick_lines, strict_lines
from transforms.readers.reading import FileProblem


def refused(content, elements=ELEMENTS):
    with pytest.raises(FileProblem) as problem:
        from_answers(content, elements)
    return problem.value.reason, problem.value.line


def changed(**more):
    line = json.loads(answer_lines(KARI)[0]) | more
    return json.dumps({key: value for key, value in line.items() if value != "gone"}).encode()


@pytest.mark.parametrize(
    "bad",
    [
        b"x",
        b"[1]",
        b'{"a":1}',
        changed(submissionId="gone"),
        changed(elementId=None),
        changed(externalAnswerOptionIds="gone"),
        changed(externalAnswerOptionIds=None),
        changed(externalAnswerOptionIds=[]),
        changed(externalAnswerOptionIds=[None]),
        changed(externalAnswerOptionIds=[["1"]]),
        changed(answerOptionIds="gone"),
        changed(textAnswer=["a"]),
        changed(textAnswer="\ud800"),
        changed()[:-1] + b', "submissionId": 5}',
        b'{"q":"\xff"}',
    ],
    ids=range(15),
)
def test_one_line_that_is_no_answer_spoils_the_file(bad):
    good = as_answers([KARI])
    assert refused(good + b"\n" + bad + b"\n" + good) == (
        Reason.UNREADABLE,
        1 + len(answer_lines(KARI)),
    )


@pytest.mark.parametrize(
    "stranger",
    [
        changed(elementId=99),
        changed(subElementId=99),
        changed(elementId=4, externalAnswerOptionIds=["ny"]),
        changed(elementId=5),
    ],
    ids=["question", "row", "option", "matrix without row"],
)
def test_answer_that_the_elements_do_not_know_is_refused(stranger):
    assert refused(as_answers([KARI]) + b"\n" + stranger) == (Reason.CODEBOOK_MISSING, None)


def test_answers_cut_inside_a_line_are_an_incomplete_upload():
    whole = as_answers([KARI])
    for end in range(whole.rindex(b"\n") + 2, len(whole)):
        assert refused(whole[:end])[0] == Reason.INCOMPLETE_UPLOAD
    assert refused(b"") == (Reason.EMPTY_FILE, None)
    assert refused(b"[]") == (Reason.NO_ROWS, None)


def test_submission_that_answers_one_question_in_two_ways_is_malformed():
    content = as_answers([BLANK, KARI]) + b"\n" + changed(externalAnswerOptionIds=["3"])
    reading = from_answers(content, ELEMENTS)
    assert reading.table["submission_id"].to_pylist() == ["27685293"]
    [row] = reading.malformed
    assert (row.row_no, row.reason) == (2, Reason.CONFLICTING_ANSWERS)
    assert row.text.encode() == as_answers([KARI]) + b"\n" + changed(externalAnswerOptionIds=["3"])
    assert reading.delivered == 2


def test_two_choices_where_one_can_be_made_are_malformed():
    two = changed(externalAnswerOptionIds=["1", "3"], answerOptionIds=[31, 33])
    assert from_answers(two, ELEMENTS).malformed[0].reason == Reason.CONFLICTING_ANSWERS


def test_answer_that_stands_twice_alike_counts_once():
    once = from_answers(as_answers([KARI, BLANK]), ELEMENTS)
    twice = from_answers(as_answers([KARI, BLANK, KARI]), ELEMENTS)
    assert once.table.equals(twice.table)
    assert twice.malformed == ()


def test_answers_in_another_order_give_the_same_rows():
    content = as_answers([KARI, BLANK])
    back = from_answers(b"\n".join(reversed(content.split(b"\n"))), ELEMENTS)
    rows = {row["submission_id"]: row for row in back.table.to_pylist()}
    assert [rows["27685292"], rows["27685293"]] == from_answers(content, ELEMENTS).table.to_pylist()


# --- the quick reader of lines against the strict one ------------------------------------------


@given(st.lists(submission, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_quick_lines_equal_strict_lines(submissions):
    content = as_answers(submissions)
    assert quick_lines(content).equals(strict_lines(content))


def test_lines_out_of_order_are_left_to_the_strict_reader():
    content = as_answers([KARI, BLANK])
    for other in (
        content.replace(b"\n", b"\r\n"),
        content.replace(b"\n", b"\n\n"),
        b"\n" + content,
        content.replace(b'"formId": 1', b'"formId": 1\n', 1),
        content.replace(b"\n", b" "),
        content.replace(b'"BL', b'"\\ud83d\\ude00BL'),
        b"[" + content.replace(b"\n", b",") + b"]",
    ):
        with pytest.raises(ValueError, match=r"plain lines|no answer"):
            quick_lines(other)
    assert strict_lines(content.replace(b"\n", b"\r\n")).equals(quick_lines(content))


# In a child, since the quick reader is not Python: what it accepts, the strict one reads alike.
_FUZZ = """
import sys
import numpy as np
from transforms.readers.nettskjema_answers import quick_lines, strict_lines
from transforms.readers.reading import FileProblem

content = sys.stdin.buffer.read()
chance = np.random.default_rng(20260801)
marks = np.frombuffer(b'{}[]",:\\\\0159-.eEnNtu\\n\\r\\t \\xc3\\xff', np.uint8)
accepted = refused = 0
for _ in range(3000):
    damaged = bytearray(content)
    for at in chance.integers(0, len(content), chance.integers(1, 4)):
        damaged[at] = chance.choice(marks)
    try:
        quick = quick_lines(bytes(damaged))
    except ValueError:
        refused += 1
        continue
    accepted += 1
    try:
        assert quick.equals(strict_lines(bytes(damaged)))
    except FileProblem as problem:
        sys.exit("quick accepts what strict refuses: " + str(damaged))
print(accepted, refused)
"""


def test_what_the_quick_reader_accepts_the_strict_one_reads_alike():
    lines = as_answers([KARI, BLANK]).split(b"\n")
    child = subprocess.run(
        [sys.executable, "-c", _FUZZ],
        check=False,
        input=b"\n".join([*lines[:4], lines[-1]]),
        capture_output=True,
        timeout=200,
    )
    assert child.returncode == 0, child.stderr.decode()[-900:]
    accepted, refused = map(int, child.stdout.split())
    assert accepted > 100
    assert refused > 100
