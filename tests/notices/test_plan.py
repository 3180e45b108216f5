"""Who is told of what, and when again: a table of matters, what was told, and what follows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from flows.notices.matters import ADULTS, HOME, UNPLACED, Matter
from flows.notices.plan import plan
from schemas.settings_notices import KINDS, OF_OPERATION, Notices
from warehouse.notices import Told

NOW = datetime(2026, 3, 31, 4, 15, tzinfo=UTC)
OPS = {"name": "ops", "by": "file", "owner": "IT drift", "path": "/var/log/klassepuls.jsonl"}
S01 = {"id": "S01", "to": ["helse@eksempel.no"], "second": ["leder@eksempel.no"]}
ADULT = {"to": ["eier@eksempel.no"], "owner": "skoleeier"}
NOTICES = Notices(again_after_days=3, channel=[OPS], school=[S01], adults=ADULT)


@pytest.mark.parametrize(
    ("matter", "told"),
    [
        (Matter("quarantine", HOME, 1), ["ops"]),
        (Matter("wave_overdue", "2026V", 1), ["ops"]),
        (Matter("machine", HOME, 1), ["ops"]),
        (Matter("prompt_raised", "S01", 1), ["school:S01"]),
        (Matter("prompt_raised", "S02", 1), []),
        (Matter("prompt_raised", ADULTS, 1), ["adults:"]),
        (Matter("prompt_raised", UNPLACED, 1), ["ops"]),
        (Matter("prompt_unanswered", "S01", 1), ["school:S01+second"]),
        (Matter("review_overdue", "S01", 1), ["school:S01"]),
    ],
)
def test_matter_reaches_whom_it_is_for_and_nobody_else(matter: Matter, told: list[str]) -> None:
    found = plan([matter], {}, NOTICES, now=NOW)
    assert [message.receiver.name for message in found.messages] == told
    assert found.without_receiver == (() if told else (matter,))


def test_prompt_that_nobody_took_up_reaches_the_second_address_too() -> None:
    [first] = plan([Matter("prompt_raised", "S01", 1)], {}, NOTICES, now=NOW).messages
    [late] = plan([Matter("prompt_unanswered", "S01", 1)], {}, NOTICES, now=NOW).messages
    assert first.receiver.way.to == ("helse@eksempel.no",)
    assert late.receiver.way.to == ("helse@eksempel.no", "leder@eksempel.no")


# Told before (mark, days ago; None: no channel took it), what it is now, and whether it is told.
@pytest.mark.parametrize(
    ("before", "mark", "goes_on", "is_told"),
    [
        (None, 5, True, True),
        ((5, 0), 5, True, False),
        ((5, 2), 5, True, False),
        ((5, 3), 5, True, True),
        ((5, 30), 5, False, False),
        ((5, 0), 6, True, True),
        ((5, 0), 6, False, True),
        ((5, 0), 4, True, False),
        ((5, None), 5, False, True),
    ],
)
def test_told_once_and_again_when_it_is_worse_or_goes_on(
    before: tuple[int, int | None] | None,
    mark: int,
    goes_on: bool,  # noqa: FBT001
    is_told: bool,  # noqa: FBT001
) -> None:
    told = {}
    if before:
        at = None if before[1] is None else NOW - timedelta(days=before[1])
        told["ops", "quarantine", HOME] = Told(before[0], at, 0)
    matter = Matter("quarantine", HOME, mark, goes_on=goes_on)
    assert bool(plan([matter], told, NOTICES, now=NOW).messages) is is_told


def test_what_is_over_is_forgotten_and_nothing_else() -> None:
    told = {
        ("ops", "quarantine", HOME): Told(5, NOW, 0),
        ("ops", "wave_overdue", "2026V"): Told(5, NOW, 0),
    }
    found = plan([Matter("quarantine", HOME, 5)], told, NOTICES, now=NOW)
    assert found.over == (("ops", "wave_overdue", "2026V"),)
    assert found.messages == ()


def test_one_receiver_is_told_of_many_matters_at_once() -> None:
    matters = [Matter(kind, HOME, 1) for kind in OF_OPERATION]
    [message] = plan(matters, {}, NOTICES, now=NOW).messages
    assert list(message.matters) == matters


def test_nothing_to_tell_is_silence() -> None:
    assert plan([], {}, NOTICES, now=NOW).messages == ()


def test_kinds_of_schools_are_told_to_no_channel_that_does_not_ask_for_them() -> None:
    assert set(KINDS) - set(OF_OPERATION) == {
        "prompt_raised",
        "prompt_unanswered",
        "review_overdue",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "mail"},
        {"by": "mail", "to": ["no address"]},
        {"by": "file", "to": ["a@b.no"], "path": "/x"},
        {"by": "file", "path": "relative"},
        {"by": "webhook", "url": "http://hooks.example/x"},
        {"by": "webhook", "url": "https://user:word@hooks.example/x"},
        {"by": "webhook", "url": "ftp://hooks.example/x"},
        {"by": "webhook", "url": "https://hooks.example/x", "secret_file": "secret"},
        {"by": "file", "path": "/x", "kinds": ["weather"]},
        {"by": "file", "path": "/x", "kinds": []},
    ],
)
def test_channel_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Notices(channel=[{"name": "ops", "owner": "IT"} | wrong])


def test_two_channels_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError):
        Notices(channel=[OPS, OPS])
