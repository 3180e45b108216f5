"""What an error may carry out of a step."""

import traceback
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

import duckdb
import pytest

from flows.boundary import StepFailedError, without_values
from flows.home import HomeError, open_home
from warehouse.store import WarehouseBusyError, only_writer

CODE = f"QX{token_hex(6).upper()}"


def escaped(step: Callable[[], object]) -> Exception:
    """The error that comes out of the walled step."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any kind; the tests look at it
        without_values(step)()
    return caught.value


def everything(error: Exception) -> str:
    """All that a log could print of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)


def chained() -> None:
    try:
        raise KeyError(CODE)
    except KeyError as error:
        error.add_note(CODE)
        raise ValueError(f"cell {CODE}") from error


def from_the_database() -> None:
    duckdb.sql(f"select '{CODE}'::integer").fetchall()


def from_the_machine() -> None:
    Path(f"/nowhere/{CODE}").read_text(encoding="utf-8")


@pytest.mark.parametrize("step", [chained, from_the_database, from_the_machine])
def test_no_value_leaves_a_step_with_an_error(step: Callable[[], None]) -> None:
    error = escaped(step)
    assert isinstance(error, StepFailedError)
    assert CODE not in everything(error)
    assert error.__cause__ is None
    assert error.__context__ is None


def test_error_says_its_kind_and_the_line_of_ours_that_it_rose_from() -> None:
    error = escaped(lambda: only_writer(None).__enter__())  # type: ignore[arg-type]
    assert str(error).startswith("TypeError at warehouse.store:")


def test_fault_of_the_machine_is_told_in_the_systems_words() -> None:
    assert "No such file or directory" in str(escaped(from_the_machine))


def test_our_own_error_keeps_its_words(tmp_path: Path) -> None:
    error = escaped(lambda: open_home(tmp_path))
    assert isinstance(error, HomeError)
    assert "klassepuls init" in str(error)


def test_held_lock_stays_known_as_such() -> None:
    def step() -> None:
        raise WarehouseBusyError("another run holds the warehouse") from ValueError(CODE)

    error = escaped(step)
    assert isinstance(error, WarehouseBusyError)
    assert CODE not in everything(error)


def test_result_of_a_step_passes_unchanged() -> None:
    assert without_values(lambda number: number + 1)(1) == 2
