"""Two homes that were delivered the same files: in what they differ, and what became of each."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import duckdb

from flows.home import OUTCOMES, Home
from flows.keys.files import files_in, write_new
from tests.support.state import Tables, contents, reports_below


def filed_files(home: Path) -> list[Path]:
    """The files in the outcome folders, without notes and what is half written."""
    found = []
    for outcome in OUTCOMES:
        folder = home / "outcome" / outcome
        names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
        notes = {f"{name}{ending}" for name in names for ending in (".json", ".txt")}
        found += [folder / name for name in sorted(names - notes)]
    return found


def same_key(home: Home, other: Home) -> None:
    """Give the other home the same pseudonyms, seals and digests."""
    for path in files_in(other.vault).values():
        path.unlink()
    for name, path in files_in(home.vault).items():
        write_new(other.vault / name, path.read_bytes(), 0o400)


def as_it_stands(home: Home, *, times: bool = True) -> Tables:
    """All but what was raised and withdrawn on the way: which runs came to flagging tells that."""
    found = contents(home, without=["core.stage"], times=times)
    stand = [row for row in found["core.flag"] if "withdrawn" not in row]
    ids = {row[0] for row in stand}
    evidence = [row for row in found["core.flag_evidence"] if row[0] in ids]
    return found | {"core.flag": stand, "core.flag_evidence": evidence}


def published(home: Home) -> Tables:
    """All that the analysts' file holds; none where it is not there."""
    if not home.published.is_file():
        return {}
    with duckdb.connect(str(home.published), read_only=True) as con:
        tables = con.execute("select table_name from duckdb_tables() order by all").fetchall()
        return {
            name: con.execute(f"from mart.{name} order by all").fetchall() for (name,) in tables
        }


def notes(home: Home) -> dict[str, dict[str, object]]:
    """What the machine's note says of each file, by its name."""
    return {
        path.name: json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
        for path in filed_files(home.root)
    }


def lost_or_torn(home: Home, delivered: Mapping[str, bytes]) -> list[str]:
    """What is wrong with the files of a home that has nothing more to do, in words."""
    wrong = []
    filed = filed_files(home.root)
    if sorted(path.read_bytes() for path in filed) != sorted(delivered.values()):
        wrong.append(f"{len(delivered)} files delivered, {len(filed)} put away, or other bytes")
    for path in filed:
        note = path.with_name(f"{path.name}.json")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if not note.is_file() or json.loads(note.read_bytes())["delivery_id"] != digest:
            wrong.append(f"{path.name}: no note of its own for machines")
        if not path.with_name(f"{path.name}.txt").is_file():
            wrong.append(f"{path.name}: no note for people")
    notes_and_files = sum(len(list((home.outcome / outcome).iterdir())) for outcome in OUTCOMES)
    if notes_and_files != 3 * len(filed):
        wrong.append("notes without a file, or more than two")
    left = [*home.inbox.iterdir(), *home.root.rglob("*.partial"), *home.root.rglob("*.new*")]
    return [*wrong, *[f"left behind: {path.name}" for path in left]]


def differences(one: Home, other: Home) -> list[str]:
    """In which tables, reports, notes and published figures two homes differ."""
    sides = [
        {
            **{f"table {name}": rows for name, rows in as_it_stands(home).items()},
            **{f"published {name}": rows for name, rows in published(home).items()},
            **{f"report {name}": page for name, page in reports_below(home).items()},
            **{f"note {name}": note for name, note in notes(home).items()},
            "outcomes": {path.name: path.parent.name for path in filed_files(home.root)},
        }
        for home in (one, other)
    ]
    names = sorted({*sides[0], *sides[1]})
    return [name for name in names if sides[0].get(name) != sides[1].get(name)]
