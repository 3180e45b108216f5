"""Lays a report out for SvarUt: a folder with the sealed files and the metadata of the sending.

The metadata have the fields of SvarUt's REST interface, version 2. Nothing is sent from here: the
municipality's own client does that, with its own account.
"""

import hashlib
import json
import shutil
from collections.abc import Collection
from pathlib import Path

from flows.delivery.parcel import sealed_files
from flows.home import Home
from reports.texts import read_texts
from schemas.settings import Settings
from schemas.settings_delivery import SvarutDelivery
from warehouse.report_deliveries import Parcel

FOLDER = "_svarut"
_PARTIAL = ".partial"


def export_parcel(settings: Settings, home: Home, parcel: Parcel, to: SvarutDelivery) -> None:
    """Make the report's folder, whole or not at all; one of the same version is made anew."""
    done = home.health / FOLDER / parcel.version
    made = done.with_name(f".{parcel.version}{_PARTIAL}")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True, mode=0o750)
    digests = {}
    for name, place in sealed_files(home, parcel):
        content = place.read_bytes()
        (made / name).write_bytes(content)
        (made / name).chmod(0o640)
        digests[name] = hashlib.sha256(content).hexdigest()
    title = read_texts(settings.languages[0], "letters").say("letter.title")
    _write(made / "forsendelse.json", _metadata(to, title, list(digests)))
    _write(made / "klassepuls.json", {"reference": parcel.version, "sha256": digests})
    shutil.rmtree(done, ignore_errors=True)
    made.rename(done)


def remove_exports(home: Home, *, but: Collection[str]) -> int:
    """Remove what was laid out and not fetched, of reports that do not lie there any more."""
    old = [path for path in (home.health / FOLDER).glob("*") if path.name not in but]
    for path in old:
        shutil.rmtree(path)
    return len(old)


def _metadata(to: SvarutDelivery, title: str, names: list[str]) -> dict[str, object]:
    return {
        "mottaker": {
            "digitalId": to.digital_id,
            "navn": to.name,
            "adresselinje1": to.address,
            "postnummer": to.postcode,
            "poststed": to.place,
        },
        "eksponertFor": [],
        "avgivendeSystem": "Klassepuls",
        "tittel": title,
        "dokumenter": [{"filnavn": name, "mimeType": "application/octet-stream"} for name in names],
    }


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    path.chmod(0o640)
