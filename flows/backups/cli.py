"""The commands that make a backup and put one back: arguments in, sentences and codes out."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.home import open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    from flows.backups.restore import Restored

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, NEEDS_A_PERSON = 0, 1


def add_backup(commands: "Commands") -> None:
    """`klassepuls backup DEST`."""
    parser = commands.add_parser(
        "backup", help="a whole, verified copy of the home on another disk"
    )
    parser.add_argument("dest", type=Path, help="a folder; the backup is a new folder in it")
    add_home(parser)
    parser.add_argument(
        "--with-key",
        action="store_true",
        help="the keys too: whoever has the backup can then turn codes into pseudonyms",
    )
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    parser.set_defaults(command=_backup)


def add_restore(commands: "Commands") -> None:
    """`klassepuls restore SRC`."""
    parser = commands.add_parser("restore", help="put a backup in the place of a lost home")
    parser.add_argument("src", type=Path, help="the backup's own folder, klassepuls-<time>")
    add_home(parser)
    parser.add_argument(
        "--replace",
        action="store_true",
        help="even where the home has what the backup has not; that is moved aside",
    )
    parser.add_argument(
        "--with-settings",
        action="store_true",
        help="settings, surveys, instruments and rules from the backup too, though the home has its"
        " own",
    )
    parser.add_argument(
        "--redeliver",
        action="store_true",
        help="move files that came after the backup from outcome/ back to the inbox",
    )
    parser.add_argument(
        "--key",
        type=Path,
        help="the folder with the keys, or the first of them, where the home has lost them",
    )
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    parser.set_defaults(command=_restore)


def _backup(parsed: argparse.Namespace) -> int:
    from flows.backups.make import backup

    made = backup(
        open_home(home_of(parsed)), parsed.dest, with_key=parsed.with_key, now=datetime.now(UTC)
    )
    rows = sum(table.rows for tables in made.manifest.tables.values() for table in tables.values())
    if parsed.json:
        answer = {
            "path": str(made.path),
            "manifest_sha256": made.manifest_sha256,
            "files": len(made.manifest.files),
            "rows": rows,
            "with_key": made.manifest.with_key,
        }
        print(json.dumps(answer, ensure_ascii=False, indent=1))
        return DONE
    print(f"A backup is made, read again and equal: {len(made.manifest.files)} files, {rows} rows.")
    print(f"  {made.path}")
    if made.manifest.with_key:
        print("The keys lie in it: keep the backup as you would keep the code lists.")
    else:
        print("The keys are not in it. Keep restricted/vault/*.key somewhere else; without them")
        print("the backup cannot be restored.")
    return DONE


def _restore(parsed: argparse.Namespace) -> int:
    from flows.backups.restore import Asked, restore

    asked = Asked(
        replace=parsed.replace,
        with_settings=parsed.with_settings,
        redeliver=parsed.redeliver,
        key_file=parsed.key,
    )
    restored = restore(home_of(parsed), parsed.src, asked, now=datetime.now(UTC))
    if parsed.json:
        print(json.dumps(_as_dict(restored), ensure_ascii=False, indent=1))
    else:
        _say(restored)
    return NEEDS_A_PERSON if _waits(restored) else DONE


def _waits(restored: "Restored") -> bool:
    left = sum(restored.later.values()) - restored.redelivered
    return bool(left or restored.lost.events or restored.lost.is_unknown)


def _as_dict(restored: "Restored") -> dict[str, object]:
    return {
        "made_at": restored.manifest.made_at,
        "lost_deliveries": restored.lost.deliveries,
        "lost_decisions": restored.lost.events,
        "lost_unknown": restored.lost.is_unknown,
        "moved_aside": str(restored.aside) if restored.aside else None,
        "kept_published": restored.kept_published,
        "settings_from_backup": restored.settings_from_backup,
        "later_files": dict(restored.later),
        "redelivered": restored.redelivered,
    }


def _say(restored: "Restored") -> None:
    print(f"The home is as it was on {restored.manifest.made_at}.")
    if restored.aside:
        print(f"What it had instead is moved aside, not deleted: {restored.aside}")
        print("Pupils' rows lie there: delete the folder once you know that nothing is missing.")
    if restored.kept_published:
        print("The published file is the home's own: what is out is frozen, and may be newer.")
    source = "come from the backup" if restored.settings_from_backup else "are the home's own"
    print(f"Settings, surveys, instruments and rules {source}.")
    if restored.lost.events:
        print(
            f"Lost: {restored.lost.events} decision(s) that were made after the backup. Make them"
            " again."
        )
    later = sum(restored.later.values())
    if restored.redelivered:
        print(f"Back in the inbox: {restored.redelivered} file(s) that came after the backup.")
    if later > restored.redelivered:
        where = ", ".join(f"{count} in {name}/" for name, count in sorted(restored.later.items()))
        print(
            f"To be delivered again: {later - restored.redelivered} file(s) in outcome/ ({where})"
            " that came after the backup. --redeliver moves them back to the inbox."
        )
    print("Files that people deleted, or that lay nowhere in outcome/, have to come from the")
    print("survey tool again. Then: klassepuls run")
