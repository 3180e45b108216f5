"""Every word of the board is used, and every one that is used is there, in each language."""

import re
from pathlib import Path

import reports.board
from reports.board.forms import PLAN
from reports.board.worksheet import KINDS
from reports.texts import read_texts
from schemas.case_life import SITUATIONS, case_life
from schemas.settings_board import BOARD_ROLES
from warehouse.board.readiness import ITEMS

FOLDER = Path(reports.board.__file__).parent
LITERAL = re.compile(r"""say\(\s*"([a-z_.]+)"(?=\s*[,)])""")
# Keys that are put together: of data, whose every value has its words.
MADE = (
    *(f"user.{role}" for role in BOARD_ROLES),
    *(f"role.{role}" for role in case_life().roles),
    *(f"situation.{one}" for one in (*SITUATIONS, "any")),
    *(f"field.{name}" for name in PLAN),
    *(f"ready.{item}" for item in ITEMS),
    *(f"worksheet.{kind}" for kind in KINDS),
)


def test_every_text_that_a_page_asks_for_is_there() -> None:
    sources = [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.j2")]
    asked = {key for path in sources for key in LITERAL.findall(path.read_text(encoding="utf-8"))}
    assert len(asked) > 80
    there = read_texts("nb", "board").entries
    assert sorted({*asked, *MADE} - set(there) - {"level", "day"}) == []


def test_no_text_lies_there_unused() -> None:
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in (*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.j2"))
    )
    families = ("user", "role", "situation", "ready", "option", "problem", "field", "number")
    unused = [
        key
        for key in read_texts("nb", "board").entries
        if f'"{key}"' not in text and key not in MADE and key.partition(".")[0] not in families
    ]
    assert unused == ["date.short"]
