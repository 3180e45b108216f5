"""`klassepuls demo`: an invented municipality with planted truth goes the whole road.

The truth is known here and nowhere else, so the demo can say what the flags found of it and what
they missed: single answers are imperfect, and a pupil who did not answer cannot be flagged.
"""

import shutil
import time
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path

import duckdb
import polars as pl
from rich.table import Table

from flows.cases.invented import check_after_three_months, form_groups, review_flags
from flows.data_docs import write_docs
from flows.display import console, progress_bars, show_outcomes
from flows.home import Home, init_home, load_config, open_home
from flows.road import Summary, at_work, run
from flows.simulate import (
    CLASS_TRUTH,
    TRUTH,
    DeliveriesManifest,
    write_deliveries,
    write_home_settings,
)
from transforms.pseudonym import PseudonymKey, pupil_pseudonym
from transforms.synthetic.municipality import Municipality, default_waves, make_municipality
from transforms.synthetic.truth import PUPIL_TRUTH, class_truth
from warehouse.years import years_of_waves

GRADES = range(5, 11)
_IN_TIME, _LATE = 16, 4  # flags of the first wave that somebody looks at


def simulate(folder: Path, *, schools: int, waves: int, seed: int) -> DeliveriesManifest:
    """Only the deliveries of an invented municipality, its settings, and the truth."""
    municipality = _municipality(schools=schools, waves=waves, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_home_settings(folder / "settings", municipality)
    return write_deliveries(folder / "deliveries", municipality, seed=seed)


def demo(folder: Path, *, schools: int, waves: int, seed: int) -> int:
    """Make the municipality, run every drop of files, and compare the flags with the truth."""
    started = time.perf_counter()
    home_folder, deliveries = folder / "home", folder / "deliveries"
    for old in (home_folder, deliveries):
        shutil.rmtree(old, ignore_errors=True)
    municipality = _municipality(schools=schools, waves=waves, seed=seed)
    manifest = write_deliveries(deliveries, municipality, seed=seed)
    _init(home_folder, municipality)
    home = open_home(home_folder)
    console.print(
        f"{municipality.name} is invented: {schools} schools, {waves} waves,"
        f" {len(manifest.files)} files, some late, some broken, some twice."
    )
    whole = Summary()
    for drop in manifest.drops:
        now = _now(municipality, drop)
        _add(whole, _deliver(home, deliveries / drop, now=now))
        _work_on_cases(home, municipality, drop, now=now)
    _show(home, municipality, manifest, whole, deliveries)
    console.print(f"Whole demo: {time.perf_counter() - started:.1f} s.")
    return 0


def _work_on_cases(home: Home, municipality: Municipality, drop: str, *, now: datetime) -> None:
    """The first wave's flags are followed up as far as there is time; the check is in spring."""
    first, *later = [wave.id for wave in municipality.waves]
    if drop == f"{first}-1":
        review_flags(home, first, most=_IN_TIME, days=2, now=now)
    elif drop == f"{first}-2":
        review_flags(home, first, most=_LATE, days=1, now=now)
        form_groups(home, first, now=now)
    elif later and drop == f"{later[0]}-2":
        check_after_three_months(home, now=now)


def _municipality(*, schools: int, waves: int, seed: int) -> Municipality:
    return make_municipality(schools=schools, grades=GRADES, waves=default_waves(waves), seed=seed)


def _init(folder: Path, municipality: Municipality) -> None:
    home = init_home(folder)
    home.settings_file.unlink()
    (home.surveys / "klassepuls.toml").unlink()
    write_home_settings(folder, municipality)


def _now(municipality: Municipality, drop: str) -> datetime:
    """The night after a wave closed for its first drop; after the days of grace for its second."""
    wave = {wave.id: wave for wave in municipality.waves}[drop.rpartition("-")[0]]
    days = 1 if drop.endswith("-1") else 9
    return datetime.combine(wave.closes + timedelta(days=days), clock(5, 15), UTC)


def _deliver(home: Home, drop: Path, *, now: datetime) -> Summary:
    for file in sorted(drop.iterdir()):
        shutil.copyfile(file, home.inbox / file.name)
    console.print(f"\n{now.date()}: {drop.name} lies in the inbox", style="bold")
    with progress_bars() as progress:
        return run(home, now=now, settle=0, progress=progress)


def _add(whole: Summary, part: Summary) -> None:
    whole.files += part.files
    whole.waves = part.waves
    whole.reports += part.reports
    for step, seconds in part.seconds.items():
        whole.seconds[step] = whole.seconds.get(step, 0.0) + seconds


def _show(
    home: Home,
    municipality: Municipality,
    manifest: DeliveriesManifest,
    whole: Summary,
    deliveries: Path,
) -> None:
    console.print()
    show_outcomes(whole)
    _show_expected(manifest, whole)
    last = municipality.waves[-1]
    with at_work(home, load_config(home), now=_now(municipality, f"{last.id}-2")) as con:
        _show_pupil_flags(con, home, deliveries / TRUTH)
        _show_class_flags(con, home, deliveries / CLASS_TRUTH)
    docs = write_docs(home, now=_now(municipality, f"{last.id}-2"))
    steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in whole.seconds.items())
    console.print(f"Time: {steps}.")
    report = next(iter(sorted(home.health.glob(f"S*/{last.id}/report.nb.html"))), home.health)
    console.print("Where to look:")
    for what, where in (
        ("a flag report", report),
        ("the analysts' file", home.published),
        ("what is in it", (docs.analyst or home.analyst) / "index.html"),
        ("whether groups helped", home.analyst / "outcome.nb.html"),
        ("what became of each file", home.outcome),
    ):
        console.print(f"  {what}: {where}", soft_wrap=True)


def _show_expected(manifest: DeliveriesManifest, whole: Summary) -> None:
    """How many files ended as the simulation knows they must."""
    expected = {(Path(file.path).name, file.outcome) for file in manifest.files}
    right = sum((name, outcome.outcome) in expected for name, outcome in whole.files)
    console.print(f"Files that ended as planted: {right} of {len(manifest.files)}.")


def _named(
    con: duckdb.DuckDBPyConnection, planted: pl.DataFrame, key: PseudonymKey
) -> pl.DataFrame:
    """The planted pupils with what they are called in their wave."""
    years = years_of_waves(con)
    pupils = [
        pupil_pseudonym(code, key=key, year=years[wave])
        for wave, code in planted.select("wave", "pupil_code").iter_rows()
    ]
    return planted.with_columns(pupil=pl.Series(pupils))


def _show_pupil_flags(con: duckdb.DuckDBPyConnection, home: Home, truth_file: Path) -> None:
    truth = pl.read_parquet(truth_file).filter("accepted")
    planted = pl.concat(
        [
            truth.filter(so).select("wave", "pupil_code", rule_id=pl.lit(rule))
            for rule, so in PUPIL_TRUTH.items()
        ]
    )
    key = load_config(home).key
    con.register("planted", _named(con, planted, key).to_arrow())
    rows = con.execute("""
        with flagged as (
            select wave_id as wave, rule_id, pupil, level
            from core.flag where target = 'pupil' and status <> 'withdrawn'
        )
        select rule_id, string_agg(distinct level, ', '), count(p.pupil), count(f.pupil),
            count(*) filter (p.pupil is not null and f.pupil is not null)
        from planted p full join flagged f using (wave, rule_id, pupil)
        group by rule_id order by rule_id
    """).fetchall()
    con.unregister("planted")
    [(forms,)] = con.execute("select count(*) from core.response").fetchall()
    table = Table(
        "Rule", "Levels", "Planted", "Flagged", "Per 100", "Both", "Found", "True",
        title="Pupils who answered, all waves: what was planted and what was flagged",
    )  # fmt: skip
    for rule, levels, planted_n, flagged, both in rows:
        counts = (str(planted_n), str(flagged), f"{100 * flagged / forms:.1f}", str(both))
        shares = (_share(both, planted_n), _share(both, flagged) if planted_n else "–")
        table.add_row(rule.removeprefix("rule."), levels, *counts, *shares)
    console.print(table)


def _show_class_flags(con: duckdb.DuckDBPyConnection, home: Home, truth_file: Path) -> None:
    truth = pl.read_parquet(truth_file)
    table = Table(
        "Rule", "Level", "Planted", "Flagged", "Both",
        title="Classes, all waves: truly elevated, and signalled",
    )  # fmt: skip
    for rule in load_config(home).rules:
        if rule.target == "pupil":
            continue
        planted = truth.filter(class_truth(rule))
        con.register("planted", planted.to_arrow())
        for levels in (("alert",), ("alert", "watch")):
            flagged, both = con.execute(
                """
                select count(*), count(p.wave)
                from core.flag f left join planted p
                    on p.wave = f.wave_id and p.school = f.school_id
                    and p.class_group = f.class_group
                where f.rule_id = $rule and f.level in $levels and f.status <> 'withdrawn'
                """,
                {"rule": rule.id, "levels": list(levels)},
            ).fetchall()[0]
            if planted.height or flagged:
                table.add_row(
                    rule.id.removeprefix("rule."),
                    " or ".join(levels),
                    str(planted.height),
                    str(flagged),
                    str(both),
                )
        con.unregister("planted")
    console.print(table)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "–"
