"""A sealed report on its way: its files, and what they are called outside."""

from collections.abc import Iterator
from pathlib import Path

from flows.home import Home
from flows.sealing.age import ENDING
from flows.sealing.filing import ADULT_FOLDER
from flows.sealing.recipients import ADULT_ROUTE
from warehouse.report_deliveries import Parcel


def sealed_files(home: Home, parcel: Parcel) -> Iterator[tuple[str, Path]]:
    """Name outside and place of each file. A name outside says the version and the language alone.

    Inside, `report.nb.html`, and those about adults `S01.nb.html`: a school is in that name.
    """
    for file in parcel.files:
        kind = file.partition(".")[2]
        yield f"klassepuls-{parcel.version}.{kind}{ENDING}", place_of(home, parcel, file)


def place_of(home: Home, parcel: Parcel, file: str) -> Path:
    """Where a file of a report lies, sealed."""
    folder = ADULT_FOLDER if parcel.route == ADULT_ROUTE else parcel.school_id
    return home.health / folder / parcel.wave_id / (file + ENDING)
