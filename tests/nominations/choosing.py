"""Classes that choose each other: forms with choices, and a survey file that asks for them."""

from collections.abc import Mapping, Sequence

from tests.support.home import AUTUMN, Row, form, survey_toml

SITUATIONS = ("breaks", "work")
NOMINATIONS = """
[[nominations]]
situation = "breaks"
columns = ["breaks_1", "breaks_2", "breaks_3"]

[[nominations]]
situation = "work"
columns = ["work"]
"""
SURVEY = survey_toml(more=NOMINATIONS)


def code(number: int) -> str:
    return f"P{number:03}"


def choices(breaks: Sequence[str], work: Sequence[str]) -> Row:
    """A form's cells: one code a column for breaks, all in one cell for work."""
    padded = [*breaks, "", "", ""][:3]
    return {
        "breaks_1": padded[0],
        "breaks_2": padded[1],
        "breaks_3": padded[2],
        "work": ";".join(work),
    }


def around(number: int, pupils: int, *, but: int) -> list[str]:
    """The next three pupils around the table, without the one whom nobody chooses."""
    others = [at % pupils for at in range(number + 1, number + 6)]
    return [code(at) for at in others if at not in (but, number)][:3]


def choosing_class(
    pupils: int = 12,
    *,
    lonely: int = 0,
    wave: str = AUTUMN,
    absent: Sequence[int] = (),
    changes: Mapping[int, Row] | None = None,
) -> list[Row]:
    """A class in which each chooses three, and nobody the `lonely` one (-1: all are chosen)."""
    rows = []
    for number in range(pupils):
        if number in absent:
            continue
        named = around(number, pupils, but=lonely)
        row = {**form(code(number), wave=wave), **choices(named, named)}
        for name, cell in (changes or {}).get(number, {}).items():
            row[name if name in row else f"klassepuls_core_v1.{name}"] = cell
        rows.append(row)
    return rows
