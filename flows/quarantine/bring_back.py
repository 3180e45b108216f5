"""Finds files in the outcome folders by their content, and puts them back into the inbox."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from pathlib import Path

from flows.home import Home

# Where a file may lie of which rows wait. The first place is the best: later ones may be copies.
SEARCHED = ("quarantined", "loaded", "duplicate")
_BEGINNING = 90


def bring_back(home: Home, delivery_ids: Collection[str], *, also: Sequence[str] = ()) -> set[str]:
    """Move the files of these contents to the inbox; returns those that were found.

    The file goes first and its notes after it, so a move that is cut off is finished by the next.
    `also`: folders that are looked through besides.
    """
    marks = {path.stem.rpartition("~")[2] for path in home.inbox.iterdir()}
    found = {delivery_id for delivery_id in delivery_ids if _mark(delivery_id) in marks}
    for folder in (*SEARCHED, *also):
        for delivery_id, path in files_of(home, folder, delivery_ids):
            if delivery_id not in found:
                found.add(delivery_id)
                path.rename(home.inbox / _marked(path, delivery_id))
                _remove_notes(path)
    return found


def _mark(delivery_id: str) -> str:
    return delivery_id[:8]


def _marked(path: Path, delivery_id: str) -> str:
    """The file's name with the mark of its content: it takes no other file's place."""
    mark = f"~{_mark(delivery_id)}"
    return path.name if path.stem.endswith(mark) else f"{path.stem}{mark}{path.suffix}"


def quarantined_files(home: Home, delivery_ids: Collection[str]) -> list[Path]:
    """The files of these contents under outcome/quarantined."""
    return [path for _, path in files_of(home, "quarantined", delivery_ids)]


def delete_files(paths: Sequence[Path], *, today: date) -> None:
    """Delete filed files; their notes stay, and say when."""
    for path in paths:
        path.unlink()
        with path.with_name(f"{path.name}.txt").open("a", encoding="utf-8") as note:
            note.write(f"\nFila er slettet / the file was deleted: {today.isoformat()}\n")


def files_of(home: Home, folder: str, delivery_ids: Collection[str]) -> Iterator[tuple[str, Path]]:
    """The files of an outcome folder whose note names one of these contents."""
    for note in sorted((home.outcome / folder).glob("*.json")):
        if note.is_symlink() or not note.is_file():
            continue
        delivery_id = content_of(note)
        path = note.with_suffix("")
        if delivery_id in delivery_ids and path.is_file() and not path.is_symlink():
            yield delivery_id, path


def content_of(note: Path) -> str:
    """The content that a note of ours begins with; nothing where it is no note."""
    with note.open("rb") as file:
        beginning = file.read(_BEGINNING).decode("utf-8", "replace")
    before, _, rest = beginning.partition(json.dumps({"delivery_id": ""})[1:-2])
    return rest.partition('"')[0] if before == "{" else ""


def _remove_notes(path: Path) -> None:
    for ending in (".json", ".txt"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
