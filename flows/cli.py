"""The command line: `klassepuls ...`. The road without a server; Prefect is never imported here.

Exit codes: 0 done, 1 done and something needs a person, 2 wrong usage or settings, 3 another run
holds the warehouse, 4 refused for safety, 5 a fault of the machine. As a shell has it, 130 says
that Ctrl-C stopped the command, and 141 that whoever read its output (`| head`) had seen enough.
"""

import argparse
import io
import json
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.backups.cli import add_backup, add_restore
from flows.board.board_cli import add_board
from flows.cases.cli import add_case
from flows.delivery.delivery_cli import add_deliveries
from flows.did_it_help.cli import add_outcome
from flows.docs_cli import add_docs
from flows.doctor.cli import add_doctor
from flows.doctor.zones import ZonesOpenError
from flows.erasure.cli import add_access, add_erase
from flows.fault import place_of
from flows.home import HomeError, init_home, open_home
from flows.home_option import add_home, home_of
from flows.issuing.cli import add_report
from flows.keys.cli import add_key
from flows.overdue.overdue_cli import add_overdue
from flows.publish_cli import add_publish
from flows.quarantine.cli import add_audit, add_quarantine
from flows.receive.intake_cli import add_intake
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
    _add_init(commands)
    _add_run(commands)
    add_serve(commands)
    _add_check(commands)
    _add_survey(commands)
    _add_flags(commands)
    add_rules(commands)
    _add_scales(commands)
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
    _add_simulate(commands)
    _add_demo(commands)
    return parser


def _add_init(commands: "Commands") -> None:
    parser = commands.add_parser("init", help="make a home: folders, settings to edit, a key")
    parser.add_argument("home", type=Path, help="the folder; what is there already stays")
    parser.set_defaults(command=_init)


def _init(parsed: argparse.Namespace) -> int:
    home = init_home(parsed.home)
    print(f"A home is ready in {home.root}.")
    print("Next: edit klassepuls.toml and surveys/klassepuls.toml, drop files in inbox/, and run")
    print(f"  klassepuls run --home {home.root}")
    return DONE


def _add_run(commands: "Commands") -> None:
    parser = commands.add_parser(
        "run", help="inbox -> loaded -> scored -> flagged -> reports -> published"
    )
    add_home(parser)
    parser.add_argument("--wave", help="only this wave, after the inbox")
    parser.add_argument("--json", action="store_true", help="the summary as JSON")
    parser.set_defaults(command=_run)


def _run(parsed: argparse.Namespace) -> int:
    from flows.display import progress_bars, run_as_dict, show_run
    from flows.notices.shown import checked_as_dict, show_checked
    from flows.notices.tell import tell_now, telling_of_failure
    from flows.road import run

    home = open_home(home_of(parsed))
    now = datetime.now(UTC)
    with progress_bars(silent=parsed.json) as progress, telling_of_failure(home, now=now):
        summary = run(home, now=now, wave=parsed.wave, progress=progress)
    if summary.publication and summary.publication.changed:
        from flows.data_docs import write_docs_of_edition

        write_docs_of_edition(home, summary.publication, now=now)
    checked = tell_now(home, now=now, walked="run")
    if parsed.json:
        told = run_as_dict(summary) | checked_as_dict(checked)
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        show_run(summary)
        show_checked(checked)
    return NEEDS_A_PERSON if summary.needs_a_person or checked.needs_a_person else DONE


def _add_check(commands: "Commands") -> None:
    parser = commands.add_parser("check", help="dry run of one file: what would become of it")
    add_home(parser)
    parser.add_argument("file", type=Path, help="an export, anywhere on this machine")
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    parser.set_defaults(command=_check)


def _check(parsed: argparse.Namespace) -> int:
    from flows.check import check_file
    from flows.display import show_check

    report = check_file(open_home(home_of(parsed)), parsed.file)
    if parsed.json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        show_check(report)
    needs = report["reason"] or report["held"] or report["without_zeros"]
    return NEEDS_A_PERSON if needs else DONE


def _add_survey(commands: "Commands") -> None:
    survey = commands.add_parser("survey", help="survey files: what an export's columns mean")
    tasks = survey.add_subparsers(required=True, metavar="TASK")
    parser = tasks.add_parser("draft", help="a first survey file from an export, to be looked at")
    add_home(parser)
    parser.add_argument("file", type=Path, help="an export, anywhere on this machine")
    parser.add_argument("--codebook", type=Path, help="its codebook, such as a .lss or .sps file")
    parser.add_argument("--out", type=Path, help="write it here; what is there already stays")
    parser.set_defaults(command=_survey_draft)


def _survey_draft(parsed: argparse.Namespace) -> int:
    from flows.draft import draft_from

    instruments = open_home(Path(parsed.home)).instruments if parsed.home else None
    text = draft_from(parsed.file, parsed.codebook, instruments)
    if parsed.out is None:
        print(text, end="")
        return DONE
    try:
        with parsed.out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise HomeError("there is a file at --out already: choose another name") from None
    print("A draft is written. Decide on linkage and on every column, then try it with")
    print("  klassepuls check FILE")
    return DONE


def _add_flags(commands: "Commands") -> None:
    parser = commands.add_parser("flags", help="counts of open flags")
    add_home(parser)
    parser.add_argument("--school", help="only this school's, by its id")
    parser.add_argument("--wave", help="only this wave's")
    parser.add_argument(
        "--level", choices=["prompt", "flag", "watch", "alert"], help="only those of this level"
    )
    parser.add_argument("--json", action="store_true", help="the counts as JSON")
    parser.set_defaults(command=_flags)


def _flags(parsed: argparse.Namespace) -> int:
    from flows.display import show_flags
    from flows.listing import open_flags

    rows = open_flags(
        open_home(home_of(parsed)),
        now=datetime.now(UTC),
        school=parsed.school,
        wave=parsed.wave,
        level=parsed.level,
    )
    if parsed.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        show_flags(rows)
    return DONE


def _add_scales(commands: "Commands") -> None:
    parser = commands.add_parser(
        "scales", help="how each scale worked in a wave: floor, ceiling, alpha, omega"
    )
    add_home(parser)
    parser.add_argument("--wave", help="only this wave's")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.set_defaults(command=_scales)


def _scales(parsed: argparse.Namespace) -> int:
    from flows.display import show_scales
    from flows.listing import scales

    rows = scales(open_home(home_of(parsed)), now=datetime.now(UTC), wave=parsed.wave)
    if parsed.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        show_scales(rows)
    return DONE


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--schools", type=int, default=20, help="how many schools to invent")
    parser.add_argument("--waves", type=int, default=3, help="how many rounds of the survey")
    parser.add_argument("--seed", type=int, default=1, help="the same number, the same pupils")


def _add_simulate(commands: "Commands") -> None:
    parser = commands.add_parser("simulate", help="only the synthetic deliveries and their truth")
    parser.add_argument("folder", type=Path, help="where the files are written")
    _add_size(parser)
    parser.set_defaults(command=_simulate)


def _simulate(parsed: argparse.Namespace) -> int:
    from flows.demo import simulate

    manifest = simulate(parsed.folder, schools=parsed.schools, waves=parsed.waves, seed=parsed.seed)
    print(f"{len(manifest.files)} files in {len(manifest.drops)} drops under {parsed.folder}")
    return DONE


def _add_demo(commands: "Commands") -> None:
    parser = commands.add_parser(
        "demo", help="a synthetic municipality with planted truth through the whole pipeline"
    )
    parser.add_argument(
        "--dir", type=Path, default=Path("demo"), help="where it is made; an older demo there goes"
    )
    _add_size(parser)
    parser.set_defaults(command=_demo)


def _demo(parsed: argparse.Namespace) -> int:
    from flows.demo import demo

    return demo(parsed.dir, schools=parsed.schools, waves=parsed.waves, seed=parsed.seed)


if __name__ == "__main__":
    sys.exit(main())
