"""Small OneRoster packages and class lists of ours, a line each, and what a home makes of them."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from flows.home import Home
from tests.support.home import ROUTING, csv_bytes, make_home, school_class
from tests.support.state import warehouse_of

# Before the autumn wave, between the two, and after both.
AUGUST, JANUARY, APRIL = (
    datetime(year, month, 20, 5, 15, tzinfo=UTC)
    for year, month in ((2025, 8), (2026, 1), (2026, 4))
)

_TABLES = {
    "orgs": "sourcedId,status,name,type,identifier\n",
    "academicSessions": "sourcedId,status,title,type,startDate,endDate,schoolYear\n",
    "classes": "sourcedId,status,title,grades,courseSourcedId,classType,schoolSourcedId,"
    "termSourcedIds\n",
    "enrollments": "sourcedId,status,classSourcedId,schoolSourcedId,userSourcedId,role,beginDate,"
    "endDate\n",
    "users": "sourcedId,status,givenName,familyName,email,password,identifier\n",
}
ORGS = ("o1,,Fjell skole,school,974000001", "o2,,Dal skole,school,974000002")
SESSIONS = ("y1,,2025-26,schoolYear,2025-08-18,2026-06-19,2026",)


def package(how: str | Mapping[str, str] = "bulk", **files: Iterable[str]) -> bytes:
    """A package of lines; the schools and the school year are in every one."""
    lines = {"orgs": ORGS, "academicSessions": SESSIONS, **files}
    modes = how if isinstance(how, Mapping) else dict.fromkeys(files, how)
    manifest = "propertyName,value\noneroster.version,1.1\n" + "".join(
        f"file.{name},{modes.get(name, 'bulk')}\n" for name in lines
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.csv", manifest)
        for name, told in lines.items():
            archive.writestr(f"{name}.csv", _TABLES[name] + "".join(f"{line}\n" for line in told))
    return buffer.getvalue()


def a_class(
    number: str, title: str, grades: str = "7", *, org: str = "o1", status: str = ""
) -> str:
    quoted = f'"{grades}"' if "," in grades else grades
    return f"{number},{status},{title},{quoted},,homeroom,{org},y1"


def goes(
    number: str,
    pupil: str,
    group: str,
    *,
    org: str = "o1",
    begin: str = "",
    end: str = "",
    status: str = "",
) -> str:
    """One pupil's enrolment in a class."""
    return f"{number},{status},{group},{org},{pupil},student,{begin},{end}"


def user(pupil: str, *, status: str = "", identifier: str = "") -> str:
    return f"{pupil},{status},Fornavn,Etternavn,post,hemmelig,{identifier}"


def pupil_list(
    *rows: tuple[str, ...], year: str = "2025-26", dates: bool = True
) -> list[dict[str, str]]:
    """Rows of our own list from (school, class, code, enrolled_on, left_on)."""
    found = []
    for school, group, code, *days in rows:
        begin, end = [*days, "", ""][:2]
        row = {
            "school_year": year,
            "school": school,
            "class_group": group,
            "grade": re.match(r"\d*", group)[0],
            "pupil_code": code,
        }
        found.append(row | ({"enrolled_on": begin, "left_on": end} if dates else {}))
    return found


def pupils(
    group: str, count: int, *, prefix: str = "P", school: str = "S01"
) -> list[tuple[str, ...]]:
    """A class of pupils with the codes that tests.support.home.school_class gives them."""
    return [(school, group, f"{prefix}{number:03}") for number in range(count)]


def csv_list(*rows: tuple[str, ...], year: str = "2025-26") -> bytes:
    return csv_bytes(pupil_list(*rows, year=year))


def register_home(root: Path, *, pupil_code: str = "none") -> Home:
    """A home whose schools have organisation numbers in the register."""
    home = make_home(root, routing=ROUTING + f'\n[class_lists]\npupil_code = "{pupil_code}"\n')
    text = home.settings_file.read_text(encoding="utf-8")
    for number in (1, 2):
        own = f'id = "S0{number}"'
        text = text.replace(own, f'{own}\nregister_id = "97400000{number}"')
    home.settings_file.write_text(text, encoding="utf-8")
    return home


def listed(home: Home) -> dict[tuple[str, str], int]:
    """The classes as they are today: (school, class) -> pupils."""
    with warehouse_of(home) as con:
        rows = con.execute("select school_id, class_group, enrolled from core.dim_class_group")
        return {(school, group): enrolled for school, group, enrolled in rows.fetchall()}


def listed_in(home: Home, wave: str) -> dict[tuple[str, str], int]:
    """The classes as a wave goes by them."""
    with warehouse_of(home) as con:
        rows = con.execute(
            "select school_id, class_group, enrolled from core.class_in_wave where wave_id = ?",
            [wave],
        ).fetchall()
    return {(school, group): enrolled for school, group, enrolled in rows}


def started(home: Home, wave: str) -> list[date]:
    with warehouse_of(home) as con:
        rows = con.execute(
            "select enrolled_on from core.pupil_start where wave_id = ? order by all", [wave]
        ).fetchall()
    return [day for (day,) in rows]


def published_rates(home: Home) -> dict[str | None, float | None]:
    """The published share of the class lists that answered; None is the whole municipality."""
    with duckdb.connect(str(home.published), read_only=True) as con:
        return dict(con.execute("select school_id, value from mart.response_rate").fetchall())


def two_schools_answer(
    each: int, *, names: tuple[str, str] = ("7A", "7B"), grade: str = "7"
) -> bytes:
    """Forms of two classes a school; `names` are those of the first school."""
    rows = []
    for school, groups in (("S01", names), ("S02", ("7A", "7B"))):
        for group in groups:
            prefix = f"{school}{group[0]}{group[-1]}"
            place = {"grade": grade} if school == "S01" else {}
            rows += school_class(each, prefix=prefix, school=school, class_group=group, **place)
    return csv_bytes(rows)
