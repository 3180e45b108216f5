"""The commands of the keys for pupils: arguments in, sentences and codes out."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flows.home import open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE = 0


def add_key(commands: "Commands") -> None:
    """`klassepuls key list|new|carry-over|retire`."""
    parser = commands.add_parser("key", help="the keys that turn pupil codes into pseudonyms")
    steps = parser.add_subparsers(required=True, metavar="STEP", help="one of those below")
    _step(steps, "list", "which there are, and from which school year").set_defaults(command=_list)
    _add_new(steps)
    _add_carry_over(steps)
    _add_retire(steps)


def _step(steps: "Commands", name: str, about: str) -> argparse.ArgumentParser:
    parser = steps.add_parser(name, help=about)
    add_home(parser)
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    return parser


def _add_new(steps: "Commands") -> None:
    parser = _step(
        steps, "new", "the next key: from a school year on, pupils cannot be linked to earlier ones"
    )
    parser.add_argument(
        "--school-year", required=True, help="the first it is for, by the year it begins in: 2027"
    )
    parser.set_defaults(command=_new)


def _add_carry_over(steps: "Commands") -> None:
    parser = _step(
        steps, "carry-over", "link pupils of two keys after all; once, by a holder of the keys"
    )
    parser.add_argument("--from", dest="older", type=int, required=True, help="the older version")
    parser.add_argument("--to", dest="newer", type=int, required=True, help="the newer version")
    parser.add_argument("--reason", required=True, help="why, for the log: a sentence, no names")
    parser.set_defaults(command=_carry_over)


def _add_retire(steps: "Commands") -> None:
    parser = _step(steps, "retire", "remove the oldest key, once nothing that is kept needs it")
    parser.add_argument("--version", type=int, required=True, help="the version of the key")
    parser.add_argument(
        "--lost-copies",
        action="store_true",
        help="backups that are not where they were made are gone for good",
    )
    parser.set_defaults(command=_retire)


def _answer(parsed: argparse.Namespace, found: dict[str, Any], words: list[str]) -> int:
    print(json.dumps(found, ensure_ascii=False, indent=1) if parsed.json else "\n".join(words))
    return DONE


def _list(parsed: argparse.Namespace) -> int:
    from flows.keys.change import list_keys

    found = list_keys(open_home(home_of(parsed)), now=datetime.now(UTC))
    words = [
        f"version {one['version']}: from {one['from_school_year'] or 'the beginning'}"
        + (", retired" if one["retired"] else f", {one['cells']} pseudonyms in the warehouse")
        for one in found["keys"]
    ]
    words += [
        f"Pupils of version {pair['from']} are carried over to version {pair['to']}."
        for pair in found["carried_over"]
    ]
    return _answer(parsed, found, words)


def _new(parsed: argparse.Namespace) -> int:
    from flows.keys.change import new_key

    made = new_key(open_home(home_of(parsed)), parsed.school_year, now=datetime.now(UTC))
    return _answer(
        parsed,
        made,
        [
            f"Version {made['version']} of the key is for {made['from_school_year']} and later.",
            "Pupils are not compared with earlier years then: `key carry-over` would change that.",
            f"Put restricted/vault/{made['file']} where you keep the other keys, today:",
            "without it no backup from then on can be used.",
        ],
    )


def _carry_over(parsed: argparse.Namespace) -> int:
    from flows.keys.change import carry_keys_over

    done = carry_keys_over(
        open_home(home_of(parsed)),
        parsed.older,
        parsed.newer,
        reason=parsed.reason,
        now=datetime.now(UTC),
    )
    return _answer(
        parsed,
        done,
        [
            f"Pupils of version {done['from']} are known again under version {done['to']}.",
            f"So far {done['linked_now']} of them have rows under both; others as they come.",
            "The log says who did it, and why. The next run compares with earlier waves.",
        ],
    )


def _retire(parsed: argparse.Namespace) -> int:
    from flows.keys.change import retire_key

    done = retire_key(
        open_home(home_of(parsed)),
        parsed.version,
        lost_copies=parsed.lost_copies,
        now=datetime.now(UTC),
    )
    return _answer(
        parsed,
        done,
        [
            f"Version {done['version']} is retired, and {done['files_removed']} file(s) removed.",
            "Delete the copies that you keep elsewhere, and the credential of the service, too.",
        ],
    )
