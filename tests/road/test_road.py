"""The whole road: what it does once, that it does it once, and that a kill changes nothing."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from flows import road
from flows.home import Home, HomeError, init_home
from flows.simulate import (
    DeliveriesManifest,
    settings_toml,
    survey_toml,
    write_deliveries,
)
from tests.support.home import (
    AUTUMN,
    NOW,
    SPRING,
    class_list,
    csv_bytes,
    drop,
    form,
    make_home,
    run,
    school_class,
)
from tests.support.state import (
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

ROOT = Path(__file__).resolve().parents[2]
IN_NOTE = ("outcome", "reason", "delivered", "accepted", "quarantined", "dropped", "reasons")


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
    before = contents(home, without=["core.delivery"])
    drop(home, "b.xlsx", to_xlsx(rows))
    drop(home, "c.parquet", to_parquet(rows))
    drop(home, "d.json", to_ndjson(rows))
    again = run(home)
    assert {outcome.outcome for _, outcome in again.files} == {"duplicate"}
    assert contents(home, without=["core.delivery"]) == before


def test_unknown_wave_on_the_command_line_is_no_quiet_success(tmp_path):
    home = make_home(tmp_path / "home")
    with pytest.raises(HomeError, match="no such wave"):
        road.run(home, now=NOW, wave="1999V", settle=0)


# Order and interruption


def troubled_files() -> dict[str, bytes]:
    """A few dozen small files with copies, contradictions, twins, bad rows and broken files."""
    files = {"00 list.csv": class_list(("S01", "7A", 20), ("S02", "7A", 20))}
    for number in range(24):
        school, wave = f"S0{number % 2 + 1}", (AUTUMN, SPRING)[number // 12]
        day = "2025-11-05" if wave == AUTUMN else "2026-03-10"
        rows = school_class(
            5,
            prefix=f"K{number % 12:02}-",
            changes={1: {"safety": "1"}, 2: {"safety": "9"}, 3: {"wants_talk": "1"}},
            school=school,
            wave=wave,
            submitted_on=day,
        )
        files[f"{number + 1:02} class.csv"] = csv_bytes(rows)
        if number % 6 == 0:
            files[f"{number + 2:02} twin.xlsx"] = to_xlsx(pl.DataFrame(rows))
        if number % 6 == 1:
            rows[0] = rows[0] | {"gender": "boy"}
            files[f"{number + 3:02} contradicts.csv"] = csv_bytes(rows[:2])
        if number % 6 == 2:
            files[f"{number + 2:02} broken.csv"] = csv_bytes(rows).replace(b"girl", b'"girl', 1)
    return files


def same_key(home: Home, other: Home) -> None:
    other.key_file.chmod(0o600)
    other.key_file.write_bytes(home.key_file.read_bytes())
    other.key_file.chmod(0o400)


def without_order(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """What must not depend on the order of files: all but which of two copies came first."""
    return contents(home, without=["core.delivery", "core.stage"])


def test_order_of_the_files_does_not_matter(tmp_path):
    files = list(troubled_files().items())
    homes = []
    for order in (range(len(files)), reversed(range(len(files)))):
        home = make_home(tmp_path / f"home{len(homes)}")
        if homes:
            same_key(homes[0], home)
        for place, number in enumerate(order):
            name, text = files[number]
            drop(home, f"{place:03} {name}", text)
        run(home)
        homes.append(home)
    assert without_order(homes[0]) == without_order(homes[1])
    counts = [contents(home)["core.delivery"] for home in homes]
    assert len(counts[0]) == len(counts[1]) == len(files)


def as_they_stand(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """All but what was raised and withdrawn on the way: which runs came to flagging tells that."""
    found = contents(home, without=["core.stage"])
    stand = [row for row in found["core.flag"] if row[-1] != "withdrawn"]
    ids = {row[0] for row in stand}
    evidence = [row for row in found["core.flag_evidence"] if row[0] in ids]
    return found | {"core.flag": stand, "core.flag_evidence": evidence}


def in_drops(folder: Path, files: dict[str, bytes], count: int) -> list[Path]:
    drops = []
    for number in range(count):
        drops.append(folder / f"{number:02}")
        drops[-1].mkdir(parents=True)
        for name in sorted(files)[number::count]:
            (drops[-1] / f"{number:02} {name}").write_bytes(files[name])
    return drops


def test_killed_runs_end_where_an_undisturbed_one_does(tmp_path):
    drops = in_drops(tmp_path / "drops", troubled_files(), 12)
    disturbed, undisturbed = make_home(tmp_path / "one"), make_home(tmp_path / "two")
    same_key(disturbed, undisturbed)
    command = [sys.executable, "-m", "tests.support.killing", disturbed.root, tmp_path / "drops"]
    done = subprocess.run(
        [*map(str, command), "1"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr[:400]) == (0, "")
    early, late = map(int, done.stdout.split())
    assert (early > 1, late > 0) == (True, True), "the runs were killed at too few places"
    for folder in drops:
        for file in sorted(folder.iterdir()):
            shutil.copyfile(file, undisturbed.inbox / file.name)
        run(undisturbed)
    assert as_they_stand(disturbed) == as_they_stand(undisturbed)
    assert bytes_below(disturbed.health) == bytes_below(undisturbed.health)
    assert filed(disturbed) == filed(undisturbed)
    for name in filed(disturbed):
        one, two = note_of(disturbed, name), note_of(undisturbed, name)
        assert [one[count] for count in IN_NOTE[:-1]] == [two[count] for count in IN_NOTE[:-1]]
    assert not list(disturbed.root.rglob("*.partial"))


def as_a_stopped_run_leaves_it(home: Home) -> None:
    """Loaded, and not yet said to be put away."""
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        con.execute("update core.delivery set filed_at = null").fetchall()


def test_file_that_was_loaded_and_not_put_away_is_put_away_with_its_counts(tmp_path):
    home = make_home(tmp_path / "home")
    text = csv_bytes([form("P001"), form("P002", safety="9")])
    drop(home, "7A.csv", text)
    run(home)
    before, note = hashes(home), note_of(home, "7A.csv")
    as_a_stopped_run_leaves_it(home)
    (home.outcome / "loaded" / "7A.csv").rename(home.inbox / "7A.csv")
    drop(home, "8A kopi.csv", text)
    run(home)
    assert filed(home) == {"7A.csv": "loaded", "8A kopi.csv": "duplicate"}
    assert note_of(home, "7A.csv") == note
    assert hashes(home) == before


def test_file_that_was_put_away_and_not_marked_is_known_when_it_comes_again(tmp_path):
    home = make_home(tmp_path / "home")
    text = csv_bytes([form("P001")])
    drop(home, "7A.csv", text)
    run(home)
    before = hashes(home)
    as_a_stopped_run_leaves_it(home)
    run(home)
    assert hashes(home) == before
    drop(home, "7A igjen.csv", text)
    run(home)
    assert filed(home) == {"7A.csv": "loaded", "7A igjen.csv": "duplicate"}


# Analysts beside it

_READ = """
import sys
import duckdb
seen, reads = set(), 0
print("reading", flush=True)
while not select_stop():
    with duckdb.connect(sys.argv[1], read_only=True) as con:
        seen.add(con.execute("select publication_id from mart.publication").fetchall()[0])
        con.execute("select count(*) from mart.indicator").fetchall()
        reads += 1
print(len(seen), reads)
"""
_READ = _READ.replace(
    "import sys\n",
    "import select\nimport sys\n"
    "def select_stop():\n    return bool(select.select([sys.stdin], [], [], 0)[0])\n",
    1,
)


@contextmanager
def analyst_who_reads(path: Path) -> Iterator[list[str]]:
    """Another process that opens the published file over and over; its last words come after."""
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", _READ, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout
        assert reader.stdout.readline() == "reading\n"
        yield said
        out, errors = reader.communicate("stop\n")
        assert (reader.returncode, errors) == (0, "")
        said += out.split()


def at_night(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 5, 15, tzinfo=UTC)


def test_analyst_reads_on_while_new_editions_are_published(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "7A.csv", csv_bytes(school_class(20)))
    run(home, now=at_night(2025, 12, 15))
    with analyst_who_reads(home.published) as said:
        for number in range(4):
            spring = {"wave": SPRING, "submitted_on": "2026-03-10", "prefix": f"S{number}-"}
            drop(home, f"{number}.csv", csv_bytes(school_class(20, **spring)))
            now = at_night(2026, 3, 16) + timedelta(days=7 * number)
            summary = run(home, now=now)
            assert summary.publication
    editions, reads = map(int, said)
    assert editions == 2
    assert reads > 4


def test_reader_that_keeps_the_file_open_keeps_its_edition(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "7A.csv", csv_bytes(school_class(20)))
    run(home, now=at_night(2025, 12, 15))
    with duckdb.connect(str(home.published), read_only=True) as con:
        query = "select waves from mart.publication"
        before = con.execute(query).fetchall()
        drop(home, "8A.csv", csv_bytes([form(wave=SPRING, submitted_on="2026-03-10")] * 1))
        assert run(home).publication.changed
        assert con.execute(query).fetchall() == before
    with duckdb.connect(str(home.published), read_only=True) as con:
        assert con.execute(query).fetchall() != before
    assert home.published.stat().st_mode & 0o777 == 0o440
