"""The files of a home that hold a pupil's code: found, rewritten without the pupil, or removed."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from flows.erasure.come_again import write_same_age
from flows.home import OUTCOMES, Home
from flows.keys.files import is_key_name
from flows.outcome_note import DECISION_ENDING
from flows.quarantine.bring_back import content_of
from flows.quarantine.told_anew import tell_struck
from flows.reporting import ADULT_FOLDER
from flows.sealing.filing import is_sealed
from transforms.struck import SHORT_NUMBER, Columns, mentions, struck, word_of
from warehouse.erase import Rewritten
from warehouse.failpoint import reach
from warehouse.whom import Who

# The last three are Prefect's, which holds no code and may be at work: never written to from here.
_DATABASES = (
    *(".duckdb", ".duckdb.wal", ".duckdb.new", ".duckdb.new.wal"),
    *(".db", ".db-wal", ".db-shm"),
)
_NOTES = (".json", ".txt", DECISION_ENDING)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a delivered file: its new content, or None where its copy goes."""

    path: Path
    content: bytes | None = field(repr=False)
    rewritten: Rewritten | None


@dataclass(slots=True)
class Plan:
    """All delivered files that hold the code; `left` cannot go, for rows of others wait in them."""

    changes: list[Change] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)

    @property
    def rewritten(self) -> list[Rewritten]:
        """The contents that get another name, each once."""
        found = {one.rewritten.was: one.rewritten for one in self.changes if one.rewritten}
        return list(found.values())


def plan_deliveries(
    home: Home,
    who: Who,
    columns: Columns,
    *,
    waiting: Mapping[str, int],
    known: Collection[str],
    renamed: Mapping[str, str],
) -> Plan:
    """What is to be done to the files in outcome/ and inbox/ that hold the code.

    `waiting`: deliveries in which rows of others wait; `known`: contents that the ledger has, and
    `renamed` what an erasing has named anew. A file whose new content the ledger knows as another
    delivery's is one copy too many, and goes.
    """
    plan = Plan()
    taken: dict[str, str] = {}
    for path in delivered_files(home):
        content = path.read_bytes()
        if not holds(content, who, columns):
            continue
        note = path.with_name(f"{path.name}.json")
        was = content_of(note) if note.is_file() and not note.is_symlink() else ""
        done = struck(content, {who.code}, columns)
        if done is not None:
            name = hashlib.sha256(done.content).hexdigest()
            is_free = name in (was, renamed.get(was)) or name not in known
            if was and is_free and taken.setdefault(name, was) == was:
                rewritten = Rewritten(was, name, len(done.content), done.rows)
                plan.changes.append(Change(path, done.content, rewritten))
                continue
            if not was:
                plan.changes.append(Change(path, done.content, None))
                continue
        if not was or waiting.get(renamed.get(was, was)):
            plan.left.append(path)
        else:
            plan.changes.append(Change(path, None, None))
    return plan


def delivered_files(home: Home) -> Iterator[Path]:
    """Every file in the outcome folders and the inbox that is no note of ours."""
    for outcome in OUTCOMES:
        folder = home.outcome / outcome
        names = {path.name for path in _files_below(folder)}
        notes = {f"{name}{ending}" for name in names for ending in _NOTES}
        # A note may be there without its file: what a program wrote begins as ours do.
        notes |= {name for name in names if name.endswith(".json") and content_of(folder / name)}
        notes |= {f"{name[:-5]}.txt" for name in notes if name.endswith(".json")}
        yield from (folder / name for name in sorted(names - notes))
    yield from _files_below(home.inbox)


def _files_below(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (
            path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()
        )


def holds(content: bytes, who: Who, columns: Columns) -> int:
    """How often a delivered file names the pupil; a short number counts where codes stand."""
    found = mentions(content, who.names)
    if found and (SHORT_NUMBER.fullmatch(who.code) or columns.spared):
        done = struck(content, {who.code}, columns)
        return len(done.rows) if done else found
    return found


def carry_out(plan: Plan, *, today: date) -> None:
    """Rewrite and remove; what was cut off is found and carried out by the next call."""
    for change in plan.changes:
        told = change.rewritten
        if change.content is None:
            _tell_removed(change.path, today)
            change.path.unlink()
        else:
            if told:
                tell_struck(change.path, told.delivery_id, size=told.size, rows=len(told.rows))
            reach("mid-strike")
            write_same_age(change.path, change.content)
    reach("after-strike")


def _tell_removed(path: Path, today: date) -> None:
    note = path.with_name(f"{path.name}.txt")
    if note.is_file():
        with note.open("a", encoding="utf-8") as file:
            file.write(
                "\nKopien er fjernet fordi en elev i den er slettet; det som teller, er i lageret."
                "\nThe copy was removed because a pupil in it was erased; what counts is in the"
                f" warehouse: {today.isoformat()}\n"
            )


def clear_own_texts(home: Home, who: Who) -> list[str]:
    """Take the pupil out of what we or people wrote ourselves; returns what kinds were changed.

    Reports that still name the pupil go: they are written again when they are due. From logs whole
    lines go; in lists of texts and decisions a word stands in the code's place.
    """
    changed: list[str] = []
    for path in _files_below(home.restricted / "spill"):
        path.unlink()
    if SHORT_NUMBER.fullmatch(who.code):
        return changed
    word = word_of(who.names)
    for path in _named(home, who):
        changed.append(_kind(home, path))
        _rename(path, word.sub("erased", path.name))
    for path in own_texts(home, who):
        text = path.read_text(encoding="latin-1")
        if not word.search(text):
            continue
        changed.append(_kind(home, path))
        if path.is_relative_to(home.health):
            path.unlink()
        elif path.is_relative_to(home.restricted / "logs"):
            kept = [line for line in text.splitlines(keepends=True) if not word.search(line)]
            write_same_age(path, "".join(kept).encode("latin-1"))
        else:
            write_same_age(path, word.sub("erased", text).encode("latin-1"))
    return changed


def _named(home: Home, who: Who) -> list[Path]:
    """Delivered files and notes with the code in their names; not where another school has it."""
    if who.others or SHORT_NUMBER.fullmatch(who.code):
        return []
    word = word_of(who.names)
    below = (*_files_below(home.outcome), *_files_below(home.inbox))
    return [path for path in below if word.search(path.name)]


def _rename(path: Path, name: str) -> None:
    """A file and its notes each get the name that the other ones get."""
    while path.with_name(name).exists():
        name = f"_{name}"
    path.rename(path.with_name(name))


def own_texts(home: Home, who: Who) -> Iterator[Path]:
    """Reports, logs, notes and declarations; reports of schools that are not meant stay.

    Sealed reports are not among them: nobody here can read one. Those of the pupil's schools have
    been written anew without the pupil.
    """
    deliveries = set(delivered_files(home))
    for path in _files_below(home.root):
        is_key = path.parent == home.vault and is_key_name(path.name)
        is_database = is_key or path.name.endswith(_DATABASES)
        if is_database or path in deliveries or path.is_relative_to(home.analyst):
            continue
        in_health = path.is_relative_to(home.health)
        if in_health and (is_sealed(path) or _school_of(home, path) in who.others):
            continue
        yield path


def _school_of(home: Home, path: Path) -> str:
    parts = path.relative_to(home.health).parts
    return path.name.split(".")[0] if parts[0] == ADULT_FOLDER else parts[0]


def _kind(home: Home, path: Path) -> str:
    return path.relative_to(home.root).parts[0]


@dataclass(frozen=True, slots=True)
class Searched:
    """How many files and bytes were looked through, and where the pupil was still named."""

    files: int
    bytes: int
    found: Mapping[str, int]


def search(home: Home, who: Who, columns: Columns) -> Searched:
    """Look through every byte under the home; packages are unpacked.

    The databases' texts may be packed in ways of their own: their tables are searched beside it.
    """
    files, size = 0, 0
    found: dict[str, int] = {}
    deliveries = set(delivered_files(home))
    texts = set(own_texts(home, who))
    is_short = SHORT_NUMBER.fullmatch(who.code) is not None
    for path in _files_below(home.root):
        content = path.read_bytes()
        files, size = files + 1, size + len(content)
        if path in deliveries:
            hits = holds(content, who, columns)
        elif path in texts and not is_short:
            hits = mentions(content, who.names)
        else:
            hits = 0 if who.others else sum(content.count(one.encode()) for one in who.tokens[1:])
        if hits:
            found[_kind(home, path)] = found.get(_kind(home, path), 0) + hits
    if named := len(_named(home, who)):
        found["names of files"] = named
    return Searched(files, size, found)


def names_of(paths: Sequence[Path], home: Home) -> list[str]:
    """Where files lie, for a person: the folder, and no name, which may be anybody's."""
    return sorted({str(path.parent.relative_to(home.root)) for path in paths})
