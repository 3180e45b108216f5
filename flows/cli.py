"""The command line: `klassepuls ...`. The road without a server; Prefect is never imported here.

Exit codes: 0 done, 1 done and something needs a person, 2 wrong usage or settings, 3 another run
holds the warehouse, 4 refused for safety, 5 a fault of the machine. As a shell has it, 130 says
that Ctrl-C stopped the command, and 141 that whoever read its output (`| head`) had seen enough.
"""

import argparse
import io
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.backups.cli import add_backup, add_restore
from flows.board.board_cli import add_board
from flows.cases.cli import add_case
from flows.delivery.delivery_cli import add_deliveries
from flows.demo_cli import add_demo, add_simulate
from flows.did_it_help.cli import add_outcome
from flows.docs_cli import add_docs
from flows.doctor.cli import add_doctor
from flows.doctor.zones import ZonesOpenError
from flows.erasure.cli import add_access, add_erase
from flows.fault import place_of
from flows.home import HomeError
from flows.issuing.cli import add_report
from flows.keys.cli import add_key
from flows.overdue.overdue_cli import add_overdue
from flows.publish_cli import add_publish
from flows.quarantine.cli import add_audit, add_quarantine
from flows.receive.intake_cli import add_intake
from flows.road_cli import add_check, add_flags, add_init, add_run, add_scales, add_survey
from flows.rules.cli import add_rules
from flows.scoring.cli import add_score
from flows.sealing.age import WrongIdentityError
from flows.sealing.sealing_cli import add_open, add_recipients
from flows.serve.place import AlreadyServedError
from flows.serve.serve_cli import add_serve
from flows.sql_cli import add_sql
from schemas.declared import DeclarationError
from schemas.speakable import SpeakableError
from transforms.case_life import CaseRefusedError
from warehouse.analysis import QueryError
from warehouse.backup import BackupPlaceError
from warehouse.cases import NoSuchCaseError
from warehouse.damage import WarehouseBusyError, WarehouseNewerError
from warehouse.decide import CannotRejectError
from warehouse.expired import ClockError, TooManyError
from warehouse.instruments import InstrumentChangedError
from warehouse.keys import KeyNeededError, OtherKeyError
from warehouse.manifest import BackupRefusedError
from warehouse.quarantine import NothingWaitsError
from warehouse.release import CannotReleaseError
from warehouse.whom import WhichSchoolError
from warehouse.withdraw import NothingCountsError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, NEEDS_A_PERSON, USAGE, BUSY, REFUSED, FAULT = range(6)
INTERRUPTED = 130  # as the shell says it of Ctrl-C; SIGTERM ends the process by itself, 143
PIPE_CLOSED = 141  # as the shell says it of a program that SIGPIPE ended
_STOPPED = "stopped. Nothing is lost: run again to go on"
_EXIT_CODES: dict[type[SpeakableError], int] = {
    HomeError: USAGE,
    QueryError: USAGE,
    DeclarationError: USAGE,
    InstrumentChangedError: USAGE,
    NothingWaitsError: USAGE,
    NothingCountsError: USAGE,
    BackupPlaceError: USAGE,
    BackupRefusedError: REFUSED,
    ZonesOpenError: REFUSED,
    WarehouseBusyError: BUSY,
    AlreadyServedError: BUSY,
    WarehouseNewerError: REFUSED,
    OtherKeyError: REFUSED,
    KeyNeededError: REFUSED,
    CannotRejectError: REFUSED,
    CannotReleaseError: REFUSED,
    WhichSchoolError: USAGE,
    NoSuchCaseError: USAGE,
    CaseRefusedError: REFUSED,
    TooManyError: REFUSED,
    ClockError: REFUSED,
    WrongIdentityError: REFUSED,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        code = _answer(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        code = PIPE_CLOSED
    except SystemExit:
        # The parser has printed its help or what is wrong.
        if not _is_read():
            _let_go()
        raise
    if code == PIPE_CLOSED:
        _let_go()
    return code


def _answer(arguments: Sequence[str] | None) -> int:
    parsed = command_line().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    with _ctrl_c() as is_pressed:
        return _carry_out(command, parsed, is_pressed)


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed. A database that is asked something then raises what it likes."""
    pressed: list[int] = []

    def press(number: int, _frame: object) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _carry_out(
    command: Callable[[argparse.Namespace], int],
    parsed: argparse.Namespace,
    is_pressed: Callable[[], bool],
) -> int:
    try:
        return command(parsed)
    except SpeakableError as error:
        code = _EXIT_CODES.get(type(error), FAULT)
        untouched = "nothing done: " if code in (BUSY, REFUSED) else ""
        return _fail(code, f"{untouched}{error}")
    except OSError as error:
        if isinstance(error, BrokenPipeError) and not _is_read():
            return PIPE_CLOSED
        # The name of a file is data from outside, so only the kind of fault is told.
        what = error.strerror or type(error).__name__
        return _fail(
            FAULT, f"the machine refused: {what}. Nothing is lost: mend that, and run again"
        )
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - a trace may quote cells
        if is_pressed() or isinstance(error, KeyboardInterrupt):
            return _fail(INTERRUPTED, _STOPPED)
        where = place_of(error)
        return _fail(FAULT, f"a fault stopped the run: {type(error).__name__} at {where}")


def _is_read() -> bool:
    """Whether somebody still reads what we print: a broken pipe may also be one of our own."""
    look = select.poll()
    try:
        look.register(sys.stdout.fileno(), 0)
    except io.UnsupportedOperation:
        return True  # it is kept in memory
    return not any(seen & select.POLLERR for _, seen in look.poll(0))


def _let_go() -> None:
    """What is printed from here on goes nowhere, so that Python ends without a complaint."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _fail(code: int, message: str) -> int:
    print(message, file=sys.stderr)
    return code


def command_line() -> argparse.ArgumentParser:
    """Every command and its arguments; `docs/reference/commands.md` is made from it."""
    parser = argparse.ArgumentParser(
        prog="klassepuls", description="Class surveys in, flags for support groups out."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_init(commands)
    add_run(commands)
    add_serve(commands)
    add_check(commands)
    add_survey(commands)
    add_flags(commands)
    add_rules(commands)
    add_scales(commands)
    add_score(commands)
    add_publish(commands)
    add_sql(commands)
    add_docs(commands)
    add_open(commands)
    add_recipients(commands)
    add_report(commands)
    add_deliveries(commands)
    add_case(commands)
    add_board(commands)
    add_outcome(commands)
    add_quarantine(commands)
    add_audit(commands)
    add_access(commands)
    add_erase(commands)
    add_key(commands)
    add_backup(commands)
    add_restore(commands)
    add_overdue(commands)
    add_intake(commands)
    add_doctor(commands)
    add_simulate(commands)
    add_demo(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
