"""`klassepuls publish`: the last step of the road by itself, and when what waits will be out."""

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    from flows.home import Config
    from warehouse.publish import Publication

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, NEEDS_A_PERSON = 0, 1


def add_publish(commands: "Commands") -> None:
    """`klassepuls publish`."""
    parser = commands.add_parser(
        "publish",
        help="bring the analysts' file up to date: the waves whose days of grace are over",
    )
    add_home(parser)
    parser.add_argument("--json", action="store_true", help="what is out and what waits, as JSON")
    parser.set_defaults(command=_publish)


def _publish(parsed: argparse.Namespace) -> int:
    from flows.data_docs import write_docs_of_edition
    from flows.home import load_config, open_home
    from flows.road import at_work, publish_waves
    from warehouse.publish import PublicationError
    from warehouse.stages import answered_waves

    home, now = open_home(home_of(parsed)), datetime.now(UTC)
    config = load_config(home)
    publication, refused = None, ""
    with at_work(home, config, now=now) as con:
        waves = answered_waves(con)
        try:
            publication = publish_waves(con, home, config, waves, now=now)
        except PublicationError as error:
            refused = str(error)
    write_docs_of_edition(home, publication, now=now)
    told = _as_dict(config, waves, publication, refused)
    if parsed.json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        _show(told)
    return NEEDS_A_PERSON if refused else DONE


def _as_dict(
    config: "Config", waves: list[str], publication: "Publication | None", refused: str
) -> dict[str, Any]:
    """What is out, and from which day on the answered waves that are not will be."""
    from flows.road import ripe_on

    out = publication.waves if publication else ()
    return {
        "changed": bool(publication and publication.changed),
        "publication_id": publication.publication_id if publication else None,
        "published_at": publication.published_at.isoformat() if publication else None,
        "waves": list(out),
        "waiting": [
            {"wave": wave.id, "from": ripe_on(config, wave).isoformat()}
            for wave in config.settings.waves
            if wave.id in waves and wave.id not in out
        ],
        "refused": refused,
    }


def _show(told: Mapping[str, Any]) -> None:
    if told["refused"]:
        print(f"Not published, and what was there stands: {told['refused']}")
        return
    if told["waves"]:
        what = "A new edition is out" if told["changed"] else "Nothing has changed: it is out"
        print(f"{what} with {', '.join(told['waves'])}, published {told['published_at'][:10]}.")
    else:
        print("Nothing is out yet.")
    for one in told["waiting"]:
        print(f"{one['wave']} has answers and waits for late files; out from {one['from']} on.")
