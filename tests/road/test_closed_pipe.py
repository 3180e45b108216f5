"""Whoever reads the output of a command may stop reading: that is no fault of the machine."""

import os
import subprocess
import sys

import pytest

from flows.cli import PIPE_CLOSED
from tests.support.home import csv_bytes, drop, form, make_home, run, school_class

COMMANDS = {
    "flags": ["flags"],
    "flags as JSON": ["flags", "--json"],
    "quarantine": ["quarantine", "list"],
    "quarantine as JSON": ["quarantine", "list", "--json"],
    "log": ["audit", "verify"],
    "run": ["run"],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = make_home(tmp_path_factory.mktemp("pipe") / "home")
    drop(
        home,
        "a.csv",
        csv_bytes([*school_class(3), form("P100", safety="1"), form("P101", grade="x")]),
    )
    run(home)
    return home


def unread(*words):
    """A command whose output nobody reads: exit code, and what it says of it."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "flows.cli", *words],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )
    finally:
        os.close(writer)
    return ended.returncode, ended.stderr.decode()


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_closed_pipe_ends_a_command_quietly(home, words):
    assert unread(*words, "--home", str(home.root)) == (PIPE_CLOSED, "")


def test_closed_pipe_ends_the_help_quietly():
    _, said = unread("--help")
    assert said == ""


def test_refusal_is_still_told_where_nobody_reads_the_output(tmp_path):
    code, said = unread("flags", "--home", str(tmp_path))
    assert code == 2
    assert "klassepuls init" in said
