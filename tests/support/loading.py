"""Loads small deliveries straight into a warehouse in memory, and tells what is in it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import duckdb

from flows import class_lists
from flows.home import Config
from flows.inbox import Arrival
from flows.recognition import Delivery, recognise_arrival
from flows.validation import validated_blocks
from schemas.instrument import Instrument, shipped_instruments
from schemas.reason import Reason
from schemas.rule import shipped_rules
from schemas.settings import Routing, Settings
from schemas.survey import Survey
from tests.support.home import AUTUMN, NOW, OPEN, SPRING, Row, csv_bytes, survey_toml
from tests.support.ready import memory_with
from transforms.pseudonym import PseudonymKey, pseudonym
from transforms.validate import Validated
from warehouse.entries import Loaded
from warehouse.load import load_answers
from warehouse.requests import Listening

KEY = PseudonymKey(b"not a secret, and 32 bytes long.", version=1, municipality="9901")
CODES = tuple(f"P{number:03}" for number in range(5))
CONFLICT, DUPLICATE = Reason.CONFLICTING_ANSWERS.value, Reason.DUPLICATE_ROW.value

# Two questions are enough to see what becomes of a form.
TINY = """
id = "tiny"
version = 1
use_for = "both"
min_grade = 1
name = { nb = "Bitteliten" }
licence = { name = "EUPL-1.2", source = "written for these tests" }
option_sets.grade = [
    { code = 1, label = { nb = "en" } },
    { code = 2, label = { nb = "to" } },
    { code = 3, label = { nb = "tre" } },
]
items = [{ id = "first", options = "grade" }, { id = "second", options = "grade" }]
"""

SETTINGS = Settings.model_validate(
    {
        "municipality": {"number": "9901", "name": "Lyngvær (oppdiktet)"},
        "school": [{"id": school, "name": f"Skole {school}"} for school in ("S01", "S02")],
        "wave": [
            {"id": wave, "name": wave, "school_year": year, "opens": opens, "closes": closes}
            for wave, (year, opens, closes) in ((wave, OPEN[wave]) for wave in (AUTUMN, SPRING))
        ],
    }
)


def tiny(code: str | None = "P1", first: str = "1", second: str = "1", **context: str) -> Row:
    """A form of the tiny instrument; a context cell that is given as "" is left blank."""
    row = {
        "wave": AUTUMN,
        "school": "S01",
        "class_group": "7A",
        "grade": "7",
        "gender": "girl",
        "pupil_code": code or "",
        "submitted_on": "2025-11-05",
        **context,
        "tiny_v1.first": first,
        "tiny_v1.second": second,
    }
    if code is None:
        del row["pupil_code"]
    return row


def tiny_config(*, linkage: str = "pseudonymous", instruments: Sequence[str] = ()) -> Config:
    """A home's declarations with one survey of the tiny instrument, and more where named."""
    known = {"tiny_v1": Instrument.from_toml(TINY, name="tiny.toml")}
    for key in instruments:
        text = TINY.replace('id = "tiny"', f'id = "{key.removesuffix("_v1")}"')
        known[key] = Instrument.from_toml(text, name=key)
    survey = Survey.model_validate(
        {
            "id": "pulse",
            "name": "Puls",
            "tool": "canonical",
            "linkage": linkage,
            "instruments": tuple(known),
        }
    )
    return Config(
        settings=SETTINGS,
        surveys={survey.id: survey},
        instruments=known,
        rules=(),
        codebooks={},
        key=KEY,
    )


def full_config(*, linkage: str = "pseudonymous", routing: bool = True) -> Config:
    """The shipped instruments and rules, with or without a decision on who receives flags."""
    decided = {
        "decided_by": "kommunedirektøren",
        "decided_on": date(2025, 8, 18),
        "pupil_flags_to": "health_service",
        "bullied_by_adults_to": "health_service_lead",
    }
    instruments = shipped_instruments()
    survey = Survey.from_toml(survey_toml(linkage=linkage), name="klassepuls.toml")
    return Config(
        settings=SETTINGS.model_copy(
            update={"routing": Routing.model_validate(decided) if routing else None}
        ),
        surveys={survey.id: survey},
        instruments=instruments,
        rules=shipped_rules(),
        codebooks={},
        key=KEY,
    )


def memory_warehouse(config: Config) -> duckdb.DuckDBPyConnection:
    """A migrated warehouse that knows the settings, with its vault, in memory."""
    return memory_with(config.instruments, config.settings, now=NOW)


def deliver(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    *files: bytes | Sequence[Row],
    now: datetime = NOW,
) -> list[Loaded]:
    """Load files (bytes, or rows for a CSV) of the only survey in one transaction."""
    deliveries = recognised(config, *files)
    return load_blocks(con, config, deliveries, validated_blocks(deliveries, config), now=now)


def deliver_list(
    con: duckdb.DuckDBPyConnection, config: Config, content: bytes, *, now: datetime = NOW
) -> Loaded:
    """Load a class list."""
    [delivery] = recognised(config, content)
    assert delivery.class_list is not None
    incoming = delivery.incoming
    return class_lists.load(con, delivery.class_list, config, incoming=incoming, now=now)


def pupils_listed(*codes: str, school: str = "S01", class_group: str = "7A", **days: str) -> bytes:
    """A list of pupils of one class, in its template; `days` are enrolled_on and left_on."""
    return csv_bytes(
        [
            {
                "school_year": "2025-26",
                "school": school,
                "class_group": class_group,
                "grade": "7",
                "pupil_code": code,
                **days,
            }
            for code in codes
        ]
    )


def recognised(config: Config, *files: bytes | Sequence[Row]) -> list[Delivery]:
    contents = [file if isinstance(file, bytes) else csv_bytes(file) for file in files]
    arrivals = [Arrival(Path("x"), sha256(text).hexdigest(), text) for text in contents]
    return [recognise_arrival(arrival, config) for arrival in arrivals]


def load_blocks(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    deliveries: Sequence[Delivery],
    blocks: Iterable[Validated],
    *,
    now: datetime = NOW,
) -> list[Loaded]:
    [survey] = config.surveys.values()
    return load_answers(
        con,
        blocks,
        incoming=[delivery.incoming for delivery in deliveries],
        survey=survey,
        listening=Listening(config.instruments, config.rules),
        key=config.key,
        now=now,
    )


_FORM = "wave_id, school_id, class_group, grade, gender, pupil, submitted_on, enrolled_on"


def stored(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    """The accepted forms with their answers, without ids and delivery numbers."""
    return _forms(con, "core.response")


def waiting(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    """The forms that wait because another one contradicts them."""
    return _forms(con, "quarantine.response")


def _forms(con: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    query = f"""
        select {_FORM}, first, second
        from {table} left join core.answer_tiny_v1 using (response_id) order by all
    """  # noqa: S608 - our own names
    return con.execute(query).fetchall()


def held(con: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    """The reason codes of every quarantined row."""
    found = con.execute("select reason_codes from quarantine.row order by all").fetchall()
    return [tuple(reasons) for (reasons,) in found]


def ledger(con: duckdb.DuckDBPyConnection) -> list[tuple[int, int, int, int]]:
    """Delivered, accepted, quarantined and dropped of every delivery, the oldest first."""
    return con.execute("""
        select delivered, accepted, quarantined, dropped from core.delivery order by delivery_no
    """).fetchall()


def snapshot(con: duckdb.DuckDBPyConnection, *, but: Sequence[str] = ()) -> Mapping[str, str]:
    """One word a table for all that it holds, in any order of rows."""
    tables = con.execute("""
        select concat_ws('.', database_name, schema_name, table_name) as name
        from duckdb_tables() where not temporary order by name
    """).fetchall()
    return {
        name: repr(con.execute(f"from {name} order by all").fetchall())
        for (name,) in tables
        if name.partition(".")[2] not in but
    }


def pseudonym_of(code: str) -> str:
    """What stands for a pupil code in every table."""
    return pseudonym(code, key=KEY, domain="pupil")
