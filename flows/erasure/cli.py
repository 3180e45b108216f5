"""`klassepuls access` and `klassepuls erase`: the rights of whoever stands behind a code."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.home import HomeError, load_config, open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, NEEDS_A_PERSON = 0, 1


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_home(parser)
    parser.add_argument(
        "--school", help="only this school's, where several schools know the code, by its id"
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def add_access(commands: "Commands") -> None:
    """Add `access`."""
    parser = commands.add_parser(
        "access", help="everything that is held on a pupil code, for whoever asks for it by right"
    )
    parser.add_argument("--pupil", required=True, metavar="CODE", help="the pupil code")
    _add_common(parser)
    parser.set_defaults(command=_access)


def _access(parsed: argparse.Namespace) -> int:
    from flows.erasure.access import access
    from flows.erasure.words import in_words

    found = access(
        open_home(home_of(parsed)), parsed.pupil, school=parsed.school, now=datetime.now(UTC)
    )
    if parsed.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        print(in_words(found))
    return DONE


def add_erase(commands: "Commands") -> None:
    """Add `erase`."""
    parser = commands.add_parser(
        "erase", help="erase one pupil, or whatever has been kept for long enough"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--pupil", metavar="CODE", help="the pupil with this code")
    what.add_argument("--expired", action="store_true", help="what is older than [retention] says")
    parser.add_argument(
        "--for-good",
        action="store_true",
        help="with --pupil: answers in later waves are not taken either",
    )
    parser.add_argument(
        "--allow-many",
        action="store_true",
        help="with --expired: also where a fifth of all pupils would go, or the clock has jumped",
    )
    _add_common(parser)
    parser.set_defaults(command=_erase)


def _erase(parsed: argparse.Namespace) -> int:
    _require_fitting(parsed)
    home, now = open_home(home_of(parsed)), datetime.now(UTC)
    if parsed.expired:
        from flows.erasure.backups import expire_in_copies
        from flows.erasure.expired import erase_expired
        from flows.erasure.words import show_expired as show

        done = erase_expired(home, allow_many=parsed.allow_many, now=now)
        done |= {"copies": expire_in_copies(home, load_config(home), now=now)}
    else:
        from flows.erasure.backups import erase_from_copies
        from flows.erasure.pupil import Asked, erase_pupil
        from flows.erasure.words import show_erased as show

        asked = Asked(parsed.pupil, parsed.school, parsed.for_good)
        in_copies = erase_from_copies(home, load_config(home), asked, now=now)
        done = erase_pupil(home, asked, now=now) | {"copies": in_copies}
    print(json.dumps(done, ensure_ascii=False, indent=1) if parsed.json else show(done))
    is_clean = done["proof"] is None or not done["proof"]["found"]
    left = done.get("copies", {})
    # Old backups are deleted by and by: one that is away is told of, and looked through later.
    is_away = bool(left.get("not_there")) and not parsed.expired
    is_whole = not is_away and not left.get("damaged") and not left.get("found")
    return DONE if is_clean and is_whole else NEEDS_A_PERSON


def _require_fitting(parsed: argparse.Namespace) -> None:
    if parsed.expired and (parsed.for_good or parsed.school):
        raise HomeError("--expired goes by the settings alone: no --school and no --for-good")
    if parsed.pupil and parsed.allow_many:
        raise HomeError("--allow-many goes with --expired")
