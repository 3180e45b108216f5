"""An invented municipality's deliveries, a folder a night and a file at a time."""

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from flows.home import Home, init_home
from flows.simulate import settings_toml, survey_toml
from transforms.synthetic.deliveries import make_deliveries
from transforms.synthetic.municipality import Municipality, default_waves, make_municipality

DAYS_OF_GRACE = 7


def make_town(*, schools: int, waves: int) -> Municipality:
    """A municipality of small schools."""
    return make_municipality(
        schools=schools, grades=range(6, 9), waves=default_waves(waves), seed=11
    )


def make_town_home(root: Path, town: Municipality) -> Home:
    """A home for it, with reports in one language."""
    home = init_home(root)
    # Nights are months apart, and what nobody decides on would be given up and deleted.
    settings = 'languages = ["nb"]\n' + settings_toml(town) + "\n[quarantine]\nkeep_days = 365\n"
    home.settings_file.write_text(settings, encoding="utf-8")
    (home.surveys / "klassepuls.toml").write_text(survey_toml(), encoding="utf-8")
    return home


def write_nights(folder: Path, town: Municipality) -> dict[str, bytes]:
    """Each wave's files for the night after it closed, and a night to publish it; all by name.

    Names are in the order of delivery, so that files which pile up come in the same order.
    """
    written: dict[str, bytes] = {}
    files = list(make_deliveries(town, seed=11))
    for wave in sorted(town.waves, key=lambda wave: wave.closes):
        for days, due in ((1, True), (DAYS_OF_GRACE + 2, False)):
            place = folder / _moment(wave.closes, days)
            place.mkdir(parents=True)
            for file in files if due else ():
                if file.drop.startswith(f"{wave.id}-"):
                    name = f"{len(written):03} {re.sub('[^A-Za-z0-9.-]', '_', file.name)}"
                    (place / name).write_bytes(file.content)
                    written[name] = file.content
    return written


def _moment(closes: date, days: int) -> str:
    moment = datetime.combine(closes + timedelta(days=days), time(5, 15), UTC)
    return moment.isoformat().replace(":", "_")
