"""`klassepuls restore SRC`: a verified backup takes the place of a home that is lost or damaged.

What can be refused is refused before anything is touched. Then the restored home is made beside the
old one, opened and proven, and swapped in by one rename (`warehouse/swap_home.py`).
"""

import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path

from flows.backups.make import DECLARED, NOTES, PUBLISHED
from flows.doctor.zones import require_closed_zones
from flows.hand import account
from flows.home import (
    OUTCOMES,
    Home,
    HomeError,
    load_config,
    make_inbox_folders,
)
from flows.keys.files import FIRST, files_in, is_whole, key_files, keys_of
from flows.quarantine.bring_back import content_of
from schemas.settings import Settings
from transforms.pseudonym import PseudonymKey
from warehouse.audit import Hand
from warehouse.backup import REPLACED
from warehouse.manifest import (
    KEYS,
    BackupRefusedError,
    Manifest,
    key_check,
    read_manifest,
    require_known_schema,
    require_untouched,
)
from warehouse.restore import (
    Newer,
    Origin,
    copy_to,
    known_contents,
    paths_of_databases,
    told_of_restore,
    waves_out,
    what_is_newer,
)
from warehouse.store import only_writer
from warehouse.swap_home import commit, finish, staging
from warehouse.witness import NOTE

_FOLDERS = ("restricted/quarantine", "restricted/raw")


@dataclass(frozen=True, slots=True)
class Asked:
    """How a restore was asked for."""

    replace: bool = False
    with_settings: bool = False
    redeliver: bool = False
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, and what a person has to do now.

    `later` counts files in the outcome folders that the restored warehouse does not know, by
    folder; `redelivered` those of them that lie in the inbox again.
    """

    manifest: Manifest
    lost: Newer
    aside: Path | None
    kept_published: bool
    settings_from_backup: bool
    later: Mapping[str, int] = field(default_factory=dict)
    redelivered: int = 0


@dataclass(frozen=True, slots=True)
class _Case:
    """A restore whose backup has been found sound."""

    home: Home
    backup: Path
    manifest: Manifest
    key: PseudonymKey
    keys: Mapping[str, Path]
    asked: Asked


def restore(root: Path, backup: Path, asked: Asked, *, now: datetime) -> Restored:
    """Put the backup in the place of the home at `root`; all of it, or nothing."""
    home, backup = Home(root.resolve()), backup.resolve()
    manifest, seal = read_manifest(backup)
    require_known_schema(manifest)
    _require_same_municipality(home, manifest, with_settings=asked.with_settings)
    key, keys = _keys(home, backup, asked.key_file, manifest)
    require_untouched(backup, manifest, seal, key)
    _make_folders(home)
    require_closed_zones(home)
    with only_writer(home.restricted):
        restored, known = _swap(_Case(home, backup, manifest, key, keys, asked), now=now)
    later = dict(_later(home, known))
    counted = Counter(path.parent.name for path in later)
    again = _redeliver(home, list(later)) if asked.redeliver else 0
    return replace(restored, later=dict(counted), redelivered=again)


def _require_same_municipality(home: Home, manifest: Manifest, *, with_settings: bool) -> None:
    if home.settings_file.is_file() and not with_settings:
        number = Settings.from_file(home.settings_file).municipality.number
        if number != manifest.municipality:
            raise BackupRefusedError("the backup is another municipality's than klassepuls.toml")


def _keys(
    home: Home, backup: Path, named: Path | None, manifest: Manifest
) -> tuple[PseudonymKey, dict[str, Path]]:
    """The keys that the home has, else those that were named, else those in the backup; and files.

    Where one file is named, it is the first key, and those beside it are the others.
    """
    places = [key_files(home.vault), _named(named), files_in(backup / KEYS)]
    try:
        found = [
            (keys_of(files, manifest.municipality), files) for files in places if is_whole(files)
        ]
    except HomeError as error:
        raise BackupRefusedError(str(error)) from None
    if found:
        return next((one for one in found if key_check(one[0]) == manifest.key_check), found[0])
    raise BackupRefusedError(
        "no pseudonym key: the backup does not hold it, and without it nobody can tell pupils"
        " apart. Name the folder with the keys that were put away with --key"
    )


def _named(named: Path | None) -> dict[str, Path]:
    if named is None or named.is_dir():
        return files_in(named) if named else {}
    return {**files_in(named.parent), FIRST: named} if named.is_file() else {}


def _make_folders(home: Home) -> None:
    is_home = home.restricted.is_dir() or home.settings_file.is_file()
    if not is_home and home.root.is_dir() and any(home.root.iterdir()):
        raise HomeError("--home is neither empty nor a home: name another folder")
    for folder, mode in home.folders().items():
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(mode)


def _words(lost: Newer) -> str:
    if lost.is_unknown:
        what = "the home's database cannot be read, so nobody can say what it has since"
    else:
        what = (
            f"the home has {lost.deliveries} delivery(ies) and {lost.events} decision(s) that the"
            " backup has not"
        )
    return f"{what}. With --replace they are moved aside; deliver the files again, and decide again"


def _swap(case: _Case, *, now: datetime) -> tuple[Restored, set[str]]:
    """What came back, and the contents that the restored warehouse knows."""
    home = case.home
    lost = what_is_newer(home.root, case.backup)
    if lost and not case.asked.replace:
        raise BackupRefusedError(_words(lost))
    aside = _free_folder(home.restricted / REPLACED, f"{now:%Y%m%dT%H%M%SZ}")
    with staging(home.restricted) as staged:
        copy_to(staged, case.backup, case.manifest)
        origin = Origin(case.backup, aside, case.manifest, lost)
        with told_of_restore(staged, origin, by=Hand(account(), case.key), now=now) as con:
            known = known_contents(con)
        placed = _place_keys(home, staged, case.keys)
        _open_to_their_readers(home, staged)
        keeps_published = _is_at_least(home.published, staged / PUBLISHED[0])
        takes_settings = case.asked.with_settings or not home.settings_file.is_file()
        parts = [
            *paths_of_databases(),
            f"restricted/{NOTE}",
            *_FOLDERS,
            *(() if keeps_published else PUBLISHED),
            *(DECLARED if takes_settings else ()),
            *placed,
            *_outcome_parts(home, staged),
        ]
        commit(home.restricted, parts, aside=aside)
    finish(home.restricted)
    _make_folders(home)
    moved = aside if _holds_files(aside) else None
    return Restored(case.manifest, lost, moved, keeps_published, takes_settings), known


def _holds_files(folder: Path) -> bool:
    """Whether there is more than folders, which need nobody's attention and go."""
    if any(path.is_file() for path in folder.rglob("*")):
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _free_folder(parent: Path, name: str) -> Path:
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(parent / name for name in names if not (parent / name).exists())


def _is_at_least(published: Path, staged: Path) -> bool:
    """Whether the home's own published file holds all that the backup's does.

    What is out is frozen: a wave that was published since must not come out a second time.
    """
    here, there = waves_out(published), waves_out(staged)
    return here is not None and here >= (there or set())


def _place_keys(home: Home, staged: Path, keys: Mapping[str, Path]) -> list[str]:
    """Lay ready the keys that the home has lost; returns them as parts of the restored home."""
    here = key_files(home.vault)
    lost = {
        name: path
        for name, path in keys.items()
        if name not in here or here[name].read_bytes() != path.read_bytes()
    }
    for name, path in lost.items():
        secret = path.read_bytes()
        (staged / KEYS / name).unlink(missing_ok=True)
        (staged / KEYS / name).write_bytes(secret)
        (staged / KEYS / name).chmod(0o400)
    return [str(KEYS / name) for name in lost]


def _outcome_parts(home: Home, staged: Path) -> Iterator[str]:
    """Delivered files of the backup that lie nowhere in the home's outcome folders any more."""
    here = {content for content, _ in filed(home)}
    for content, path in list(filed(Home(staged))):
        target = home.root / path.relative_to(staged)
        if content not in here and not target.exists():
            named = path.relative_to(staged)
            yield from (f"{named}{ending}" for ending in ("", *NOTES))


def filed(home: Home) -> Iterator[tuple[str, Path]]:
    """The files in the outcome folders that have a note of ours, by their content."""
    for outcome in OUTCOMES:
        for note in sorted((home.outcome / outcome).glob("*.json")):
            path = note.with_suffix("")
            if not note.is_symlink() and path.is_file() and not path.is_symlink():
                yield content_of(note), path


def _open_to_their_readers(home: Home, staged: Path) -> None:
    """The modes of the home's folders, which a backup does not have."""
    folders = {folder.relative_to(home.root): mode for folder, mode in home.folders().items()}
    for folder, mode in folders.items():
        if (staged / folder).is_dir():
            (staged / folder).chmod(mode)
    for name in PUBLISHED:
        if (staged / name).is_file():
            (staged / name).chmod(0o440)
    for path in (*staged.glob("*.toml"), *staged.glob("surveys/**/*"), *staged.glob("outcome/*/*")):
        if path.is_file():
            path.chmod(0o640)


def _later(home: Home, known: Collection[str]) -> Iterator[tuple[Path, str]]:
    """Files in the outcome folders that the restored warehouse knows nothing of."""
    for content, path in filed(home):
        if content not in known:
            yield path, content


def _redeliver(home: Home, paths: Collection[Path]) -> int:
    """Move files back to the inbox, into the folder of their survey where it has one.

    The file goes first and its notes after it. One whose name is taken there stays, for people.
    """
    config, moved = load_config(home), 0
    make_inbox_folders(home, config)
    for path in paths:
        survey = config.surveys.get(_survey_of(path))
        folder = home.inbox / (survey.inbox_folder if survey and survey.inbox_folder else "")
        names = (path.name, f"{path.stem}~{path.parent.name}{path.suffix}")
        target = next((folder / name for name in names if not (folder / name).exists()), None)
        if target is None:
            continue
        path.rename(target)
        moved += 1
        for ending in NOTES:
            path.with_name(path.name + ending).unlink(missing_ok=True)
    return moved


def _survey_of(path: Path) -> str:
    try:
        note = json.loads(path.with_name(f"{path.name}.json").read_bytes())
    except ValueError:
        return ""
    return str(note.get("survey")) if isinstance(note, dict) else ""
