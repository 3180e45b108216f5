"""A small municipality's home, and files for its inbox, a line each."""

import csv
import io
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from flows import road
from flows.home import Home, init_home, open_home
from flows.outcome import Outcome
from schemas.instrument import shipped_instruments
from tests.support.ready import put_databases

CORE, WHO5 = "klassepuls_core_v1", "who5_v1"
AUTUMN, SPRING = "2025H", "2026V"
OPEN = {
    AUTUMN: ("2025-26", date(2025, 11, 3), date(2025, 11, 21)),
    SPRING: ("2025-26", date(2026, 3, 9), date(2026, 3, 27)),
}
# After both waves have closed and their days of grace are over.
NOW = datetime(2026, 4, 20, 5, 15, tzinfo=UTC)

ROUTING = """
[routing]
decided_by = "kommunedirektøren"
decided_on = 2025-08-18
pupil_flags_to = "health_service"
bullied_by_adults_to = "health_service_lead"
"""

_HAPPY = {
    f"{CORE}.thriving": "5",
    f"{CORE}.safety": "5",
    f"{CORE}.company_in_breaks": "5",
    f"{CORE}.bullied_by_pupils": "1",
    f"{CORE}.bullied_digitally": "1",
    f"{CORE}.bullied_by_adults": "1",
    f"{CORE}.witnessed_bullying": "1",
    f"{CORE}.wants_talk": "0",
}
ITEMS = (*_HAPPY, *(f"{WHO5}.{item.id}" for item in shipped_instruments()[WHO5].items))
CONTEXT = ("wave", "school", "class_group", "grade", "gender", "pupil_code", "submitted_on")

Row = dict[str, str]


def make_home(
    root: Path,
    *,
    schools: Sequence[str] = ("S01", "S02"),
    waves: Sequence[str] = (AUTUMN, SPRING),
    routing: str = ROUTING,
    survey: str | None = None,
) -> Home:
    """A home with settings for invented schools and the canonical survey, or with `survey`."""
    home = init_home(root)
    put_databases(home)
    write_settings(home, schools=schools, waves=waves, routing=routing)
    if survey is not None:
        (home.surveys / "klassepuls.toml").write_text(survey, encoding="utf-8")
    return home


def write_settings(
    home: Home,
    *,
    schools: Sequence[str] = ("S01", "S02"),
    waves: Sequence[str] = (AUTUMN, SPRING),
    routing: str = ROUTING,
) -> None:
    lines = ['[municipality]\nnumber = "9901"\nname = "Lyngvær kommune (oppdiktet)"\n', routing]
    lines += [f'[[school]]\nid = "{school}"\nname = "Skole {school}"\n' for school in schools]
    for wave in waves:
        year, opens, closes = OPEN[wave]
        lines.append(
            f'[[wave]]\nid = "{wave}"\nname = "Runde {wave}"\nschool_year = "{year}"\n'
            f"opens = {opens}\ncloses = {closes}\n"
        )
    home.settings_file.write_text("\n".join(lines), encoding="utf-8")


def survey_toml(*, linkage: str = "pseudonymous", more: str = "") -> str:
    """The canonical survey with the shipped instruments."""
    return (
        f'id = "klassepuls"\nname = "Klassepuls"\ntool = "canonical"\nlinkage = "{linkage}"\n'
        f'instruments = ["{CORE}", "{WHO5}"]\n{more}\n'
    )


def form(code: str | None = "P001", **changes: str) -> Row:
    """One happy pupil's row; a change names a context column or an item of the core."""
    row = {
        "wave": AUTUMN,
        "school": "S01",
        "class_group": "7A",
        "grade": "7",
        "gender": "girl",
        "pupil_code": code or "",
        "submitted_on": "2025-11-05",
        **_HAPPY,
        **{item: "4" for item in ITEMS if item not in _HAPPY},
    }
    if code is None:
        del row["pupil_code"]
    for name, cell in changes.items():
        row[name if name in CONTEXT or name == "enrolled_on" else f"{CORE}.{name}"] = cell
    return row


def school_class(
    count: int, *, prefix: str = "P", changes: Mapping[int, Row] | None = None, **context: str
) -> list[Row]:
    """A class of happy pupils, but for those whose number is in `changes`."""
    changed = changes or {}
    return [
        form(f"{prefix}{number:03}", **{**context, **changed.get(number, {})})
        for number in range(count)
    ]


def csv_bytes(rows: Sequence[Row], *, delimiter: str = ";") -> bytes:
    """The rows as a school's program saves them; the first row tells the columns."""
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, delimiter=delimiter, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def class_list(*classes: tuple[str, str, int], year: str = "2025-26") -> bytes:
    """A class list from (school, class, enrolled); the grade is the class's number."""
    rows = [
        {
            "school_year": year,
            "school": school,
            "class_group": group,
            "grade": group[:-1],
            "enrolled": str(enrolled),
        }
        for school, group, enrolled in classes
    ]
    return csv_bytes(rows)


def drop(home: Home, name: str, content: bytes) -> Path:
    """A file that somebody dropped a minute ago: no run waits for it to come to rest."""
    path = home.inbox / name
    path.write_bytes(content)
    minute_ago = time.time() - 60
    os.utime(path, (minute_ago, minute_ago))
    return path


def run(home: Home, *, now: datetime = NOW) -> road.Summary:
    """The whole road, without waiting for files to come to rest."""
    return road.run(open_home(home.root), now=now, settle=0)


def outcomes(summary: road.Summary) -> dict[str, Outcome]:
    """What became of each file, by the name it was dropped under."""
    return dict(summary.files)
