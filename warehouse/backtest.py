"""Runs the rules on an invented municipality, wave by wave, in a warehouse in memory.

The flags come from the function that the road calls; nothing of a rule is written down here again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import duckdb
import polars as pl
from numpy.random import Generator, default_rng

from schemas.instrument import Instrument
from schemas.rule import ClassRule, PupilRule
from schemas.settings import School, Settings, Wave
from transforms.synthetic.arrival import arrived
from transforms.synthetic.municipality import (
    INSTRUMENTS,
    Municipality,
    default_waves,
    make_municipality,
)
from transforms.synthetic.worlds import World
from warehouse.flag import score_and_flag
from warehouse.instruments import answer_table, register
from warehouse.store import migrate

GRADES = range(5, 11)
_WITH_A_DEADLINE = ("prompt", "flag")
_NUMBER, _NAME = "9901", "Backtest"


@dataclass(frozen=True, slots=True)
class Backtest:
    """A world and its truth, and a row a flag.

    `flags`: wave, rule_id, level, target, pupil, school, class_group.
    """

    world: World
    municipality: Municipality
    flags: pl.DataFrame


def backtest(
    world: World,
    rules: Sequence[PupilRule | ClassRule],
    instruments: Mapping[str, Instrument],
    *,
    schools: int,
    waves: int,
    seed: int,
) -> Backtest:
    """Draw the world and flag each of its waves with all rules; the same seed gives the same."""
    planned = default_waves(waves)
    with duckdb.connect() as con:
        town = _Town(con, rules, instruments, planned, seed)
        municipality = make_municipality(
            schools=schools,
            grades=GRADES,
            waves=planned,
            seed=seed,
            world=world,
            follow_up=lambda wave, truth, answers: town.flag(
                wave, truth, answers, groups=world.groups
            ),
        )
        flags = con.sql("""
            select wave_id as wave, rule_id, level, target, pupil, school_id as school, class_group
            from core.flag order by all
        """).to_arrow_table()
    return Backtest(world, municipality, pl.DataFrame(flags))


@dataclass(slots=True)
class _Town:
    """The warehouse of an invented municipality while its waves come in."""

    con: duckdb.DuckDBPyConnection
    rules: Sequence[PupilRule | ClassRule]
    instruments: Mapping[str, Instrument]
    waves: Sequence[Wave]
    seed: int
    forms: int = 0

    def flag(
        self, wave: Wave, truth: pl.DataFrame, answers: pl.DataFrame, *, groups: bool
    ) -> list[str]:
        """Load and flag a wave; returns the codes of those who get a support group."""
        settings = _settings(truth, self.waves)
        if not self.forms:
            self._begin(settings)
        self._list_classes(wave, truth)
        self._load(answers, default_rng([self.seed, 900, self.waves.index(wave)]))
        score_and_flag(
            self.con,
            wave.id,
            instruments=self.instruments,
            rules=self.rules,
            settings=settings,
            now=_the_night_after(wave),
        )
        return self._followed_up(wave) if groups else []

    def _begin(self, settings: Settings) -> None:
        self.con.execute("attach ':memory:' as vault").fetchall()
        migrate(self.con, now=_the_night_after(self.waves[0]))
        register(self.con, self.instruments, settings)

    def _list_classes(self, wave: Wave, truth: pl.DataFrame) -> None:
        """The school year's class list, which comes with its first wave, as on the road."""
        listed = (
            truth.group_by(["school", "class_group"])
            .agg(pl.col("grade").first(), pl.len().alias("enrolled"))
            .with_columns(school_id="school", school_year=pl.lit(wave.school_year))
            .drop("school")
        )
        self.con.register("listed", listed.to_arrow())
        self.con.execute(
            "insert or ignore into core.dim_class_group by name from listed"
        ).fetchall()
        self.con.unregister("listed")

    def _load(self, answers: pl.DataFrame, rng: Generator) -> None:
        forms = arrived(answers, rng).with_row_index("response_id", offset=self.forms + 1)
        self.forms += forms.height
        self.con.register("forms", forms.to_arrow())
        self.con.execute("""
            insert into core.response by name
            select response_id, 1 as delivery_no, response_id as row_no, 'backtest' as survey_id,
                wave as wave_id, school as school_id, class_group, grade,
                nullif(gender, '') as gender, pupil_code as pupil, submitted_on, enrolled_on
            from forms
        """).fetchall()
        for key in INSTRUMENTS:
            items = [item.id for item in self.instruments[key].items]
            columns = ", ".join(f'"{key}.{item}" as {item}' for item in items)
            self.con.execute(
                f"insert into {answer_table(key)} by name select response_id, {columns} from forms"
            ).fetchall()
        self.con.unregister("forms")

    def _followed_up(self, wave: Wave) -> list[str]:
        """Everybody whose flag has a deadline: no school could run so many groups."""
        found = self.con.execute(
            "select distinct pupil from core.flag"
            " where wave_id = $wave and target = 'pupil' and level in $levels order by pupil",
            {"wave": wave.id, "levels": list(_WITH_A_DEADLINE)},
        ).fetchall()
        return [pupil for (pupil,) in found]


def _settings(truth: pl.DataFrame, waves: Sequence[Wave]) -> Settings:
    schools = truth["school"].unique().sort().to_list()
    return Settings.model_validate(
        {
            "municipality": {"number": _NUMBER, "name": _NAME},
            "school": [School(id=school, name=school) for school in schools],
            "wave": list(waves),
            "routing": {
                "decided_by": "backtest",
                "decided_on": date(2020, 1, 1),
                "pupil_flags_to": "health_service",
                "bullied_by_adults_to": "health_service_lead",
            },
        }
    )


def _the_night_after(wave: Wave) -> datetime:
    return datetime.combine(wave.closes + timedelta(days=1), time(5, 15), UTC)
