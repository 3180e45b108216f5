"""A home over the summer in which its pupils get a new key."""

from datetime import UTC, datetime
from pathlib import Path

from flows.home import Home
from flows.keys.change import new_key
from tests.support.home import AUTUMN, SPRING, Row, csv_bytes, drop, form, make_home, run
from tests.support.state import warehouse_of

NEXT = "2026H"  # the first wave of 2026-27
SUMMER = datetime(2026, 7, 1, 8, tzinfo=UTC)
AFTER = datetime(2026, 12, 10, 5, 15, tzinfo=UTC)
OPENS = """
[[wave]]
id = "2026H"
name = "Runde 2026H"
school_year = "2026-27"
opens = 2026-11-02
closes = 2026-11-20
"""
ON = {AUTUMN: "2025-11-05", SPRING: "2026-03-10", NEXT: "2026-11-03"}


def add_wave(home: Home) -> None:
    """The settings name the first wave of the next school year too."""
    with home.settings_file.open("a", encoding="utf-8") as file:
        file.write(OPENS)


def answers(wave: str, **thriving: str) -> list[Row]:
    """A form of each pupil in a wave, by how much the pupil thrives there."""
    return [
        form(code, wave=wave, submitted_on=ON[wave], thriving=said)
        for code, said in thriving.items()
    ]


def two_years(root: Path) -> Home:
    """Pupils P1 and P2 answer in spring, get a new key in summer, and answer again in autumn.

    P1's thriving falls from 5 to 3, which a rule that looks back would tell.
    """
    home = make_home(root)
    drop(home, "spring.csv", csv_bytes(answers(SPRING, P01="5", P02="5")))
    run(home)
    new_key(home, "2026", now=SUMMER)
    add_wave(home)
    drop(home, "autumn.csv", csv_bytes(answers(NEXT, P01="3", P02="5")))
    run(home, now=AFTER)
    return home


def names(home: Home, table: str = "core.response", column: str = "pupil") -> set[tuple[str, int]]:
    """For each wave with forms the keys that its pupils were turned with, and how many pupils."""
    query = f"""
        select wave_id, split_part({column}, '-', 1), count(distinct {column})
        from {table} where {column} is not null group by all
    """  # noqa: S608 - names of ours
    with warehouse_of(home) as con:
        return {(wave, key, pupils) for wave, key, pupils in con.execute(query).fetchall()}
