"""Planted codes, cells and names are searched for wherever a run leaves something.

Every search has a positive control: what must be found somewhere is found there by the same search.
"""

import subprocess
import sys
import traceback
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest

from flows.home import Home
from tests.support.home import (
    AUTUMN,
    CORE,
    SPRING,
    Row,
    class_list,
    csv_bytes,
    drop,
    form,
    make_home,
)
from tests.support.loading import deliver, full_config, memory_warehouse
from tests.support.state import bytes_below, filed, warehouse_of
from transforms.synthetic.formats import to_ndjson, to_xlsx

ROOT = Path(__file__).resolve().parents[2]

# No word of these is anywhere in the code, the settings or a text of ours. They are random, for a
# database packs what repeats itself, and then a search for it finds nothing.
CODES = (
    *("QX7-81KZPD", "WV3-55MTLB", "ZJ9-20HRCG", "KF6-47YNSE", "BT1-93DUXW", "HM4-68QPVA"),
    *("RC8-12LJFK", "NY2-76EGZO", "VD5-39SWIT", "PL0-84XBHM"),
)
PERSONS = ("01017012345", "93481267", "Ola.Xyberg@heia.no")
NO_CODES = ("Ælfrida 7!", "Hjørdis?")
PHONE = "tlf 934 81 267"
CELLS = ("Torvald Qvigstad-Zwicky", "=HYPERLINK(dult)", "mobba av Frk. Xandra")
NAME = 'jfr. Wilhelmine Quisthus "7A" klage\n\N{RIGHT-TO-LEFT OVERRIDE}'
COLUMN = "navn på bestevenn Ysolde"

# The road as a program runs it: with every logger talking, and failures on the way.
_RUN = """
import logging
import sys
import warnings
from pathlib import Path
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
logging.getLogger("positive.control").debug("logging works")
warnings.simplefilter("always")
from flows.cli import main
for _ in range(2):
    main(["run", "--home", sys.argv[1]])
    main(["flags", "--home", sys.argv[1]])
    for path in sorted(Path(sys.argv[1]).glob("outcome/*/*")):
        main(["check", "--home", sys.argv[1], str(path)])
"""


@dataclass(frozen=True)
class Planted:
    """A home after its runs, and all that the processes said."""

    home: Home
    said: str


def planted_rows() -> list[Row]:
    rows = [form(code, safety=str(number % 5 + 1)) for number, code in enumerate(CODES)]
    rows += [form(code, bullied_by_adults="4") for code in NO_CODES]
    rows += [form(f"OK{number}", thriving=cell) for number, cell in enumerate(CELLS)]
    return rows


def rows_with_persons() -> list[Row]:
    """Rows that stop their whole file at the gate."""
    rows = [form(code, bullied_by_adults="4") for code in PERSONS]
    return [*rows, form("OK9", thriving=PHONE)]


def fill(home: Home) -> None:
    """Sound files, and every way to fail that holds something of a pupil."""
    rows = planted_rows()
    drop(home, "klasseliste.csv", class_list(("S01", "7A", 24)))
    drop(home, NAME + ".csv", csv_bytes(rows))
    drop(home, NAME + ".xlsx", to_xlsx(pl.DataFrame(rows)))
    drop(home, NAME + " igjen.csv", csv_bytes(rows))
    changed = [row | {f"{CORE}.thriving": "4"} for row in rows[:3]]
    drop(home, "persons.csv", csv_bytes([*rows[:4], *rows_with_persons()]))
    drop(home, "contradicts.csv", csv_bytes(changed))
    spring = [row | {"wave": SPRING, "submitted_on": "2026-03-10"} for row in rows]
    drop(home, "spring.json", to_ndjson(pl.DataFrame(spring)))
    text = csv_bytes([row | {"class_group": "7C"} for row in rows])
    drop(home, "quote.csv", text.replace(CODES[0].encode(), b'"' + CODES[0].encode(), 1))
    drop(home, "mid.csv", text.replace(b"girl", b'gi"r"l', 2))
    drop(home, "cut.csv", text[:-40])
    drop(home, "glued.csv", text.replace(b";", b",", 30))
    drop(home, "latin.csv", text.replace(b"girl", "jenté".encode("latin-1")))
    drop(home, "column.csv", csv_bytes([row | {COLUMN: CELLS[0]} for row in rows]))
    drop(home, "no heading.csv", csv_bytes(rows).split(b"\n", 1)[1])
    drop(home, "torn.xlsx", to_xlsx(pl.DataFrame(rows))[:-30])
    drop(home, "torn.json", to_ndjson(pl.DataFrame(rows))[:-30])
    (home.inbox / (NAME + " link")).symlink_to(home.settings_file)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    home = make_home(tmp_path_factory.mktemp("leaks") / "home", waves=(AUTUMN, SPRING))
    fill(home)
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(home.root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, "the run itself failed"
    return Planted(home, done.stdout + done.stderr)


def spellings(*texts: str) -> list[bytes]:
    """A text as a log, a database, a page or JSON may write it."""
    found = set()
    for text in texts:
        for form_of in (text, unicodedata.normalize("NFC", text), text.upper(), text.lower()):
            found |= {form_of.encode(), form_of.encode("utf-16-le"), repr(form_of)[1:-1].encode()}
    return sorted(found)


SECRETS = [*CODES, *PERSONS, *NO_CODES, PHONE, *CELLS, COLUMN]
SECRETS += ["Wilhelmine Quisthus", "Qvigstad", "Ysolde"]


def found_in(content: bytes) -> list[int]:
    """The numbers of the secrets that a content holds: a secret is not to be in a test's words."""
    return [
        number
        for number, secret in enumerate(SECRETS)
        if any(spelling in content for spelling in spellings(secret))
    ]


def test_everything_planted_has_gone_its_way(planted):
    """The planted files have been loaded, held and refused: there was something to leak."""
    with warehouse_of(planted.home) as con:
        outcomes = dict(
            con.execute("""
            select outcome, count(*) from core.delivery group by all
        """).fetchall()
        )
        reasons = {
            reason
            for (reason,) in con.execute("""
                select distinct unnest(reason_codes) from quarantine.row
            """).fetchall()
        }
        [(flags,)] = con.execute("select count(*) from core.flag").fetchall()
    assert set(outcomes) == {"loaded", "duplicate", "quarantined", "rejected"}
    assert {"PUPIL_CODE_INVALID", "ANSWER_NOT_AN_OPTION", "CONFLICTING_ANSWERS"} <= reasons
    assert {"FIELD_COUNT", "QUOTE_MISPLACED"} <= reasons
    assert flags > 0


def test_nothing_planted_is_in_output_logs_or_exceptions(planted):
    said = planted.said.encode()
    assert found_in(said) == []
    assert b"DEBUG:positive.control:logging works" in said
    assert b"ANSWER_NOT_AN_OPTION" in said
    assert b"Traceback" not in said
    assert found_in(said + CODES[3].encode()) == [3]


@pytest.mark.parametrize(
    "table",
    ["core.answer_klassepuls_core_v1", "quarantine.row", "quarantine.response", "core.delivery"],
)
def test_error_in_the_middle_of_a_load_quotes_nothing_planted(table):
    config = full_config()
    schema, _, name = table.partition(".")
    with memory_warehouse(config) as con:
        con.execute("drop view core.answer").fetchall()
        con.execute(f"alter table {schema}.{name} rename to {name}_away").fetchall()
        with pytest.raises(duckdb.Error) as failed:
            deliver(con, config, planted_rows() + planted_rows()[: len(CODES)])
    told = "".join(traceback.format_exception(failed.value, chain=True))
    assert found_in(told.encode()) == []
    assert name in told


def test_nothing_planted_is_in_a_note(planted):
    for name, outcome in filed(planted.home).items():
        for ending in (".json", ".txt"):
            note = (planted.home.outcome / outcome / f"{name}{ending}").read_bytes()
            assert found_in(note) == []
            assert b"outcome" in note or b" / " in note
    files = [
        (planted.home.outcome / outcome / name).read_bytes()
        for name, outcome in filed(planted.home).items()
        if outcome != "rejected"
    ]
    assert set(range(len(CODES))) <= {number for content in files for number in found_in(content)}


def test_codes_and_cells_never_reach_the_warehouse_file(planted):
    below = bytes_below(planted.home.restricted)
    for name, content in below.items():
        if not name.startswith("vault/"):
            assert found_in(content) == [], name
    # The vault is where the codes of sound rows are, and nothing else of what was planted.
    vault = found_in(below["vault/vault.duckdb"])
    assert vault == list(range(len(CODES)))
    assert b"ANSWER_NOT_AN_OPTION" in below["warehouse.duckdb"]


def test_nothing_planted_and_no_pseudonym_reaches_the_analysts(planted):
    with warehouse_of(planted.home) as con:
        pupils = [
            pupil.encode()
            for (pupil,) in con.execute("select distinct pupil from core.response").fetchall()
        ]
    restricted = bytes_below(planted.home.restricted)["warehouse.duckdb"]
    assert any(pupil in restricted for pupil in pupils)
    published = bytes_below(planted.home.analyst)
    assert "klassepuls.duckdb" in published
    for content in published.values():
        assert found_in(content) == []
        assert not any(pupil in content for pupil in pupils)


def test_reports_show_codes_of_the_flagged_and_no_cell_name_or_pseudonym(planted):
    with warehouse_of(planted.home) as con:
        pupils = [
            pupil.encode()
            for (pupil,) in con.execute("select distinct pupil from core.response").fetchall()
        ]
    shown = set()
    for content in bytes_below(planted.home.health).values():
        shown |= set(found_in(content))
        assert not any(pupil in content for pupil in pupils)
    assert shown
    assert shown <= set(range(len(CODES)))


def test_restricted_folders_are_for_the_pipelines_user_alone(planted):
    home = planted.home
    for folder in (home.restricted, home.restricted / "vault", home.restricted / "spill"):
        assert folder.stat().st_mode & 0o077 == 0
    assert home.key_file.stat().st_mode & 0o777 == 0o400
    for path in (*home.health.rglob("*"), *home.outcome.iterdir()):
        assert path.stat().st_mode & 0o007 == 0, "others may read it"
    assert list((home.restricted / "spill").iterdir()) == []
