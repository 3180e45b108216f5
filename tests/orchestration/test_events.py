"""What is told of a run: names, ids and counts."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from flows.events import (
    PAYLOADS,
    SPEC_VERSION,
    EventName,
    Fact,
    count_facts,
    delivery_facts,
    overdue_facts,
    prompt_facts,
    publication_facts,
    report_facts,
    wave_facts,
)
from flows.outcome import HeldPlace, Outcome
from schemas.reason import Reason
from warehouse.flag import Flagged
from warehouse.overdue import Overdue
from warehouse.publish import Publication
from warehouse.requests import Raised

LOADED = Outcome("a" * 64, "loaded", delivered=3, accepted=2, quarantined=1)
AGAIN = Outcome("a" * 64, "duplicate", reason=Reason.ALREADY_DELIVERED)
REFUSED = Outcome("b" * 64, "rejected", reason=Reason.NO_ROWS)
FLAGGED = Flagged(
    "2026H", changed=True, raised={("pupil", "flag", "bullying"): 4}, new=2, fingerprint="f1"
)
PUBLICATION = Publication(
    changed=True,
    publication_id="p1",
    published_at=datetime(2026, 1, 1, tzinfo=UTC),
    waves=("2026H",),
    rows={},
)

LATE = [
    Overdue("wave", "S01", "2026H", ("7A", "7B"), 2, date(2026, 11, 23), 1, 10),
    Overdue("wave", "S02", "2026H", (), 1, date(2026, 11, 23), 1, 10),
    Overdue("prompt", "S01", "2026H", (), 1, date(2026, 11, 20), 4, 11),
]


def all_facts() -> list[Fact]:
    """One run in which everything happened."""
    held = Outcome("c" * 64, "quarantined", reason=Reason.NOT_RECOGNISED, quarantined=7)
    return [
        *delivery_facts([LOADED, AGAIN, REFUSED, held], makes_due="flag-pupils"),
        *prompt_facts({"a" * 64: Raised(forms=2, without_school=1, told=7)}),
        *wave_facts([FLAGGED], makes_due="report-flags"),
        *report_facts({"2026H": (4, "r1")}, makes_due="publish-marts"),
        *publication_facts(PUBLICATION),
        *overdue_facts(LATE),
    ]


def test_every_event_can_be_told() -> None:
    assert {fact.name for fact in all_facts()} == set(EventName)


def test_every_payload_has_the_keys_of_its_type_and_says_its_version() -> None:
    for fact in all_facts():
        assert set(fact.payload) == set(PAYLOADS[fact.name].__required_keys__)
        assert fact.payload["specversion"] == SPEC_VERSION


def test_payload_carries_no_row_and_no_heading_of_a_file() -> None:
    outcome = Outcome(
        "d" * 64,
        "quarantined",
        reason=Reason.HEADER_MISMATCH,
        column="cell of a file",
        rows=[HeldPlace(1, ["CODE"], ["cell of a file"])],
    )
    told = json.dumps([fact.payload for fact in delivery_facts([outcome])])
    assert "cell of a file" not in told


def test_same_fact_has_the_same_id_and_another_state_another() -> None:
    once, again = all_facts(), all_facts()
    assert [fact.id for fact in once] == [fact.id for fact in again]
    later = report_facts({"2026H": (4, "r2")})
    assert later[0].id != report_facts({"2026H": (4, "r1")})[0].id
    different = {fact.id for fact in once}
    assert len(different) == len(once) - 1  # the same content was received twice


def test_overdue_wave_is_one_fact_with_counts_and_no_class() -> None:
    wave, prompt = overdue_facts(LATE)
    assert dict(wave.payload) == {
        "specversion": "1.0", "wave_id": "2026H", "schools": 2, "classes": 2, "days_late": 1,
    }  # fmt: skip
    assert "7A" not in json.dumps([wave.payload, prompt.payload])


def test_overdue_is_the_same_fact_the_next_day() -> None:
    tomorrow = [replace(one, days_late=one.days_late + 1) for one in LATE]
    assert [one.id for one in overdue_facts(tomorrow)] == [one.id for one in overdue_facts(LATE)]
    more = [replace(one, mark=one.mark + 1) for one in LATE]
    assert not {one.id for one in overdue_facts(more)} & {one.id for one in overdue_facts(LATE)}


def test_many_loaded_files_make_one_step_due() -> None:
    outcomes = [Outcome(f"{number:064}", "loaded") for number in range(900)]
    facts = delivery_facts([*outcomes, REFUSED], makes_due="flag-pupils")
    assert [fact.makes_due for fact in facts if fact.makes_due] == ["flag-pupils"]


def test_refused_and_repeated_files_make_nothing_due() -> None:
    facts = delivery_facts([AGAIN, REFUSED], makes_due="flag-pupils")
    assert not any(fact.makes_due for fact in facts)


def test_unchanged_wave_report_and_publication_are_not_told() -> None:
    unchanged = Flagged("2026H", changed=False, raised={})
    assert not wave_facts([unchanged], makes_due="report-flags")
    assert not report_facts({"2026H": (0, "r1")})
    assert not publication_facts(None)


def test_wave_without_new_flags_is_scored_and_no_flag_is_raised() -> None:
    scored = Flagged("2026H", changed=True, raised={}, fingerprint="f2")
    assert count_facts(wave_facts([scored])) == {"klassepuls.wave.scored": 1}


TELL = """
import os
from flows.events import delivery_facts, tell
from flows.outcome import Outcome
tell(delivery_facts([Outcome("a" * 64, "loaded")]))
print("went on", flush=True)
os._exit(0)  # without the seconds in which Prefect looks for its server
"""


@pytest.mark.timeout(60)
def test_fact_that_prefect_refuses_fails_nothing(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", TELL],
        env=os.environ
        | {
            "PREFECT_HOME": str(tmp_path),
            "PREFECT_API_URL": "http://127.0.0.1:9/api",
            "PREFECT_SERVER_EVENTS_MAXIMUM_SIZE_BYTES": "1",
            "DO_NOT_TRACK": "1",
        },
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0
    assert told.stdout.strip() == "went on"
    assert told.stderr.count("could not be told (EventTooLarge)") == 2
