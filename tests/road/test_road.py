"""The whole road: what it does once, and that it does it once."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows import road
from flows.home import Home, HomeError, init_home
from flows.simulate import DeliveriesManifest, settings_toml, survey_toml, write_deliveries
from tests.support.home import NOW, csv_bytes, drop, make_home, run, school_class
from tests.support.state import (
    IN_NOTE,
    LEDGER,
    bytes_below,
    contents,
    filed,
    hashes,
    ledger_of,
    note_of,
    warehouse_of,
    written_at,
)
from transforms.synthetic.formats import to_ndjson, to_parquet, to_xlsx
from transforms.synthetic.municipality import Municipality, default_waves, make_municipality

# A small municipality, end to end


@dataclass(frozen=True)
class Town:
    """An invented municipality whose deliveries have all gone the road."""

    home: Home
    municipality: Municipality
    manifest: DeliveriesManifest
    found: dict[str, dict[str, object]]  # by path in the manifest

    @property
    def last_night(self) -> datetime:
        return night(self.municipality, self.manifest.drops[-1])


def night(municipality: Municipality, moment: str) -> datetime:
    """The night of a drop: the first after the wave has closed, or after the days of grace."""
    closes = {wave.id: wave.closes for wave in municipality.waves}[moment.rpartition("-")[0]]
    days = 1 if moment.endswith("-1") else 9
    return datetime.combine(closes + timedelta(days=days), time(5, 15), UTC)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    root = tmp_path_factory.mktemp("town")
    municipality = make_municipality(schools=6, grades=range(6, 8), waves=default_waves(2), seed=11)
    manifest = write_deliveries(root / "deliveries", municipality, seed=11)
    home = init_home(root / "home")
    settings = 'languages = ["nb"]\n' + settings_toml(municipality)
    home.settings_file.write_text(settings, encoding="utf-8")
    (home.surveys / "klassepuls.toml").write_text(survey_toml(), encoding="utf-8")
    found = {}
    for moment in manifest.drops:
        for file in (root / "deliveries" / moment).iterdir():
            shutil.copyfile(file, home.inbox / file.name)
        for name, outcome in run(home, now=night(municipality, moment)).files:
            found[f"{moment}/{name}"] = {name: getattr(outcome, name) for name in IN_NOTE}
    return Town(home, municipality, manifest, found)


def test_every_file_of_the_municipality_ends_as_it_was_made_to(town):
    expected = {}
    for file in town.manifest.files:
        told = {"outcome": file.outcome, "reason": file.reason, "reasons": file.bad_rows}
        counts = {"delivered": file.rows, "accepted": file.accepted}
        counts |= {"quarantined": file.quarantined, "dropped": file.dropped}
        if file.kind == "unknown":  # nobody can say what its rows are, only how many lines it has
            counts = {name: town.found[file.path][name] for name in counts}
        expected[file.path] = told | counts
    assert town.found == expected
    about = {file.about for file in town.manifest.files}
    assert len(about) >= 8, f"only {len(about)} kinds of files were made"


def test_accepted_pupils_are_those_whose_sound_rows_were_delivered(town):
    truth = pl.read_parquet(town.home.root.parent / "deliveries" / "truth.parquet")
    with warehouse_of(town.home) as con:
        stored = con.execute("select wave_id, count(*) from core.response group by all").fetchall()
    accepted = truth.filter("accepted").group_by("wave").len()
    assert dict(stored) == dict(accepted.iter_rows())


def test_second_run_changes_nothing_and_writes_nothing(town):
    before, written = hashes(town.home), written_at(town.home.root)
    summary = run(town.home, now=town.last_night + timedelta(days=1))
    assert (summary.files, summary.reports) == ([], 0)
    assert not any(wave.changed for wave in summary.waves)
    assert summary.publication
    assert summary.publication.changed is False
    assert hashes(town.home) == before
    kept = {name for name in written if not name.startswith("restricted/")}
    after = written_at(town.home.root)
    assert {name: after[name] for name in after if not name.startswith("restricted/")} == {
        name: written[name] for name in kept
    }


@pytest.mark.parametrize("route", ["S0", "_adult_route"])
def test_lost_report_is_written_again_and_other_schools_are_left_alone(town, route):
    written = written_at(town.home.health)
    lost = next(name for name in sorted(written) if name.startswith(route))
    content = (town.home.health / lost).read_bytes()
    (town.home.health / lost).unlink()
    run(town.home, now=town.last_night)
    after = written_at(town.home.health)
    school = next(part for part in Path(lost).parts if part.startswith("S")).partition(".")[0]
    assert all(school in name for name in after if after[name] != written[name])
    assert (town.home.health / lost).read_bytes() == content


def test_one_more_file_changes_its_own_wave_and_no_published_figure(town, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(town.home.root, home.root, symlinks=True)
    first, last = (wave.id for wave in town.municipality.waves)
    school = town.municipality.schools[0].id
    before, published = contents(home), bytes_below(home.analyst)
    reports = bytes_below(home.health)
    rows = school_class(12, prefix="LATE", wave=last, school=school, submitted_on="", grade="6")
    drop(home, "late.csv", csv_bytes([row | {"class_group": "6Z"} for row in rows]))
    summary = run(home, now=town.last_night)
    after = contents(home)
    assert [wave.wave_id for wave in summary.waves if wave.changed] == [last]
    assert bytes_below(home.analyst) == published
    changed = {name for name, rows in after.items() if rows != before[name]}
    assert changed <= {
        *("core.delivery", "core.response", "core.answer", "core.score", "core.stage"),
        *("core.class_indicator", "core.flag", "core.flag_evidence", "vault.code"),
        "core.report_file",
    }
    for name in changed - {"core.delivery", "core.stage", "vault.code"}:
        gone = set(before[name]) - set(after[name])
        new = set(after[name]) - set(before[name])
        assert not any(first in row for row in gone | new), name
    # No form and no answer of anybody is lost or altered.
    for name in ("core.delivery", "core.response", "core.answer", "vault.code"):
        assert set(before[name]) <= set(after[name])
    told = bytes_below(home.health)
    other = {name for name in told if told[name] != reports.get(name)}
    assert all(last in name for name in other)
    assert any(name.startswith(f"{school}/{last}") for name in other)


# The same content again


def test_sixty_copies_under_other_names_load_once(tmp_path):
    home = make_home(tmp_path / "home")
    text = csv_bytes(school_class(10))
    for number in range(30):
        drop(home, f"Kopi ({number}) av 7A.csv", text)
    first = run(home)
    for number in range(30, 60):
        drop(home, f"Kopi ({number}) av 7A.csv", text)
    second = run(home)
    words = [outcome.outcome for _, outcome in (*first.files, *second.files)]
    assert (words.count("loaded"), words.count("duplicate")) == (1, 59)
    assert list(ledger_of(home).values()) == [("loaded", None, 10, 10, 0, 0)]
    copies = [note_of(home, name) for name, where in filed(home).items() if where == "duplicate"]
    assert {(note["delivered"], note["dropped"]) for note in copies} == {(10, 10)}


def test_same_answers_in_every_format_load_once(tmp_path):
    home = make_home(tmp_path / "home")
    rows = pl.DataFrame(school_class(10))
    drop(home, "a.csv", csv_bytes(rows.to_dicts()))
    run(home)
    before = contents(home, without=LEDGER)
    drop(home, "b.xlsx", to_xlsx(rows))
    drop(home, "c.parquet", to_parquet(rows))
    drop(home, "d.json", to_ndjson(rows))
    again = run(home)
    assert {outcome.outcome for _, outcome in again.files} == {"duplicate"}
    assert contents(home, without=LEDGER) == before


def test_unknown_wave_on_the_command_line_is_no_quiet_success(tmp_path):
    home = make_home(tmp_path / "home")
    with pytest.raises(HomeError, match="no such wave"):
        road.run(home, now=NOW, wave="1999V", settle=0)
