"""Writes an invented municipality to disk: settings, what its schools deliver, and the truth."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from transforms.synthetic.deliveries import make_deliveries
from transforms.synthetic.delivery import Delivery
from transforms.synthetic.municipality import INSTRUMENTS, Municipality

MANIFEST, TRUTH, CLASS_TRUTH = "manifest.json", "truth.parquet", "truth_classes.parquet"


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """One delivered file and what the ledger must say of it (see `Expected`)."""

    path: str
    drop: str
    wave: str | None
    about: str
    kind: str
    outcome: str
    reason: str | None
    rows: int
    accepted: int
    quarantined: int
    dropped: int
    bad_rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class DeliveriesManifest:
    """Every file that was written; `drops` in the order that they should reach the inbox."""

    drops: tuple[str, ...]
    files: tuple[ExpectedFile, ...]

    def of_drop(self, drop: str) -> tuple[ExpectedFile, ...]:
        """The files of one drop."""
        return tuple(file for file in self.files if file.drop == drop)


def write_deliveries(folder: Path, municipality: Municipality, *, seed: int) -> DeliveriesManifest:
    """Write a folder a drop, `manifest.json` with what each file should become, and the truth.

    `truth.parquet` has a row a wave and pupil; `accepted` says that a sound row was delivered.
    `truth_classes.parquet` has a row a wave and class, with the planted theme.
    """
    files = list(make_deliveries(municipality, seed=seed))
    for drop in {file.drop for file in files}:
        (folder / drop).mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file.drop / file.name).write_bytes(file.content)
    _write_truth(folder, municipality, files)
    manifest = DeliveriesManifest(
        drops=tuple(dict.fromkeys(file.drop for file in files)),
        files=tuple(_expected(file) for file in files),
    )
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return manifest


def _expected(file: Delivery) -> ExpectedFile:
    expected = file.expected
    return ExpectedFile(
        path=f"{file.drop}/{file.name}",
        drop=file.drop,
        wave=file.wave,
        about=file.about,
        kind=expected.kind,
        outcome=expected.outcome,
        reason=expected.reason.value if expected.reason else None,
        rows=expected.rows,
        accepted=expected.accepted,
        quarantined=expected.quarantined,
        dropped=expected.dropped,
        bad_rows=dict(expected.bad_rows),
    )


def _write_truth(folder: Path, municipality: Municipality, files: list[Delivery]) -> None:
    accepted = pl.DataFrame(
        [(file.wave, code) for file in files for code in file.accepted_codes],
        schema={"wave": pl.String, "pupil_code": pl.String},
        orient="row",
    ).with_columns(accepted=True)
    truth = municipality.pupils.join(
        accepted, on=["wave", "pupil_code"], how="left", validate="1:1", maintain_order="left"
    )
    truth.with_columns(pl.col("accepted").fill_null(value=False)).write_parquet(folder / TRUTH)
    classes = municipality.classes.drop("cohort", "school_no")
    classes.write_parquet(folder / CLASS_TRUTH)


def write_home_settings(home: Path, municipality: Municipality) -> None:
    """Write `klassepuls.toml` and `surveys/klassepuls.toml` for the invented municipality."""
    (home / "surveys").mkdir(parents=True, exist_ok=True)
    (home / "klassepuls.toml").write_text(settings_toml(municipality), encoding="utf-8")
    (home / "surveys" / "klassepuls.toml").write_text(survey_toml(), encoding="utf-8")


def settings_toml(municipality: Municipality) -> str:
    """`klassepuls.toml`, with an invented decision on who receives flags."""
    schools = [{"id": school.id, "name": school.name} for school in municipality.schools]
    waves = [
        {"id": wave.id, "name": wave.name, "school_year": wave.school_year}
        | {"opens": wave.opens.isoformat(), "closes": wave.closes.isoformat()}
        for wave in municipality.waves
    ]
    routing = {
        "decided_by": "Kommunedirektøren i den oppdiktede kommunen",
        "decided_on": min(wave.opens for wave in municipality.waves).isoformat(),
        "pupil_flags_to": "health_service",
        "bullied_by_adults_to": "health_service_lead",
    }
    return "\n".join(
        [
            "# An invented municipality: nobody in it exists, and nobody has decided anything.",
            _table("[municipality]", {"number": municipality.number, "name": municipality.name}),
            "# Invented. In a real municipality a named person decides this and signs for it.",
            _table("[routing]", routing),
            *[_table("[[wave]]", wave) for wave in waves],
            *[_table("[[school]]", school) for school in schools],
        ]
    )


def survey_toml() -> str:
    """The survey file: canonical column names, and pupil codes that can be linked."""
    keys = ", ".join(json.dumps(key) for key in INSTRUMENTS)
    survey = {"id": "klassepuls", "name": "Klassepuls", "tool": "canonical"}
    survey["linkage"] = "pseudonymous"
    return _table("# Canonical columns: nothing to map.", survey) + f"instruments = [{keys}]\n"


def _table(heading: str, values: dict[str, str]) -> str:
    # A JSON string is a TOML string too; dates are read from text.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join([heading, *lines, ""])
