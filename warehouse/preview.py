"""What rules would have flagged in the waves of a home, beside what those in force flag.

The home's rows are copied into memory while the writer's lock is held, and both sets of rules are
run there by the function that the road calls. Nothing is written to the home.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl

from schemas.instrument import LOWEST_OPTION, Instrument
from schemas.network_rule import NetworkRule, network_rule
from schemas.rule import ClassRule, PupilRule
from schemas.rule_change import AnyRule
from schemas.settings import Settings
from transforms.flag_inputs import FORM_NETWORK
from warehouse.careless import marks_in
from warehouse.damage import told_in_words
from warehouse.flag import Beside, score_and_flag
from warehouse.flag_life import REVIEW_WORKING_DAYS
from warehouse.instruments import answer_table, register, score_table
from warehouse.stages import answered_waves
from warehouse.store import MEMORY_LIMIT, migrate, only_writer, quoted_path

Rules = Sequence[PupilRule | ClassRule]

# What follows from the rules, and what the settings and instruments say anew.
_COMPUTED = ("flag", "flag_evidence", "class_indicator", "local_limit", "stage")
_REGISTERED = ("dim_instrument", "dim_item")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules that are run together, with the one of choices."""

    rules: Rules
    network: NetworkRule = field(default_factory=network_rule)

    @property
    def all(self) -> Sequence[AnyRule]:
        """Those of them that are not off."""
        return self.rules if self.network.off else (*self.rules, self.network)


@dataclass(frozen=True, slots=True)
class Previewed:
    """Both sets of flags, and what they are counted in. No pseudonym: a number stands for a pupil.

    `flags`: rules (in_force, previewed), wave, rule_id, target, level, flag_id, grade, gender, at,
    marked (the form may have been filled in without reading). `forms`: wave, grade, gender,
    survey, class_at, of linked forms. `indicators`: what class rules were tested on, as previewed.
    `asked`: wave, survey, input: which items and scales forms of a survey answered, and `network`
    where they named others.
    `open_flags` and `overdue`: what waits in the home now.
    """

    waves: Sequence[str]
    flags: pl.DataFrame
    forms: pl.DataFrame
    indicators: pl.DataFrame
    asked: pl.DataFrame
    open_flags: int
    overdue: int


def preview(
    restricted: Path,
    *,
    in_force: RuleSet,
    previewed: RuleSet,
    instruments: Mapping[str, Instrument],
    settings: Settings,
    now: datetime,
) -> Previewed:
    """Run both sets of rules over every answered wave of a home, the oldest first.

    WarehouseBusyError where another process holds the warehouse.
    """
    with _copied(restricted, instruments, settings, now=now) as con:
        waves = answered_waves(con)
        open_flags, overdue = _waiting(con, now.date())
        forms = _table(con, _FORMS_SQL)
        flags = []
        for name, rules in (("in_force", in_force), ("previewed", previewed)):
            _forget_flags(con)
            for wave in waves:
                score_and_flag(
                    con,
                    wave,
                    instruments=instruments,
                    rules=rules.rules,
                    settings=settings,
                    now=now,
                    beside=Beside(rules.network),
                )
            flags.append(_flags(con, waves, instruments).with_columns(rules=pl.lit(name)))
        return Previewed(
            waves=waves,
            flags=pl.concat(flags),
            forms=forms,
            indicators=_table(con, "select * from core.class_indicator order by all"),
            asked=_asked(con, instruments),
            open_flags=open_flags,
            overdue=overdue,
        )


@contextmanager
def _copied(
    restricted: Path,
    instruments: Mapping[str, Instrument],
    settings: Settings,
    *,
    now: datetime,
) -> Iterator[duckdb.DuckDBPyConnection]:
    with told_in_words(), duckdb.connect() as con:
        con.execute("set memory_limit = $limit", {"limit": MEMORY_LIMIT}).fetchall()
        spill = str(restricted / "spill")
        con.execute("set temp_directory = $spill", {"spill": spill}).fetchall()
        con.execute("set timezone = 'UTC'").fetchall()
        con.execute("attach ':memory:' as vault").fetchall()
        migrate(con, now=now)
        register(con, instruments, settings)
        with only_writer(restricted):
            main = quoted_path(restricted / "warehouse.duckdb")
            con.execute(f"attach {main} as home (read_only)").fetchall()
            _copy(con)
            con.execute("detach home").fetchall()
        con.execute("set enable_external_access = false").fetchall()
        con.execute("set lock_configuration = true").fetchall()
        yield con


def _copy(con: duckdb.DuckDBPyConnection) -> None:
    """Copy every table of the home's core that is ours too, whatever the home's migration is."""
    tables = con.execute("""
        select table_name from duckdb_tables()
        where database_name = 'home' and schema_name = 'core'
    """).fetchall()
    ours = {
        name
        for (name,) in con.execute("""
            select table_name from duckdb_tables()
            where database_name = current_database() and schema_name = 'core'
        """).fetchall()
    }
    for (name,) in sorted(tables):
        if name in ours and name not in _REGISTERED:
            con.execute(f"delete from core.{name}").fetchall()
            con.execute(
                f"insert into core.{name} by name select * from home.core.{name}"
            ).fetchall()


def _waiting(con: duckdb.DuckDBPyConnection, today: date) -> tuple[int, int]:
    """Pupils' flags with a deadline that nobody has decided on, and those that are late.

    Flags about adults have a route of their own and are not counted with the others.
    """
    [(waiting, late)] = con.execute(
        """
        select count(*), count(*) filter (review_due < $today)
        from core.flag
        where status = 'open' and target = 'pupil' and level in $levels
            and route = 'health_service' and review is null
        """,
        {"today": today, "levels": list(REVIEW_WORKING_DAYS)},
    ).fetchall()
    return waiting, late


def _forget_flags(con: duckdb.DuckDBPyConnection) -> None:
    for table in _COMPUTED:
        con.execute(f"delete from core.{table}").fetchall()


_FORMS_SQL = """
    select wave_id as wave, survey_id as survey, grade, coalesce(gender, '') as gender,
        dense_rank() over (order by school_id, class_group) as class_at
    from core.response where pupil is not null order by all
"""


def _asked(con: duckdb.DuckDBPyConnection, instruments: Mapping[str, Instrument]) -> pl.DataFrame:
    """One row a wave, survey and input that anybody answered there."""
    parts = [_answered_in(f"core.{FORM_NETWORK}", {"network": "true"})]
    for key, instrument in instruments.items():
        items = {f"{key}.{item.id}": f"a.{item.id} >= {LOWEST_OPTION}" for item in instrument.items}
        scales = {f"{key}.{scale.id}": f"a.{scale.id} is not null" for scale in instrument.scales}
        parts += [_answered_in(answer_table(key), items)] if items else []
        parts += [_answered_in(score_table(key), scales)] if scales else []
    return _table(con, " union all ".join(parts))


def _answered_in(table: str, inputs: Mapping[str, str]) -> str:
    """The inputs of one table, each with the condition that a form has answered it."""
    found = ", ".join(
        f"if(bool_or({is_answered}), '{name}', null)" for name, is_answered in inputs.items()
    )
    return f"""
        select wave, survey, unnest(list_filter(found, lambda one: one is not null)) as input
        from (
            select r.wave_id as wave, r.survey_id as survey, [{found}] as found
            from core.response r join {table} a using (response_id) group by all
        )
    """


_FLAGS_SQL = """
    select f.wave_id as wave, f.rule_id, f.target, f.level, f.flag_id, f.grade, f.school_id,
        f.class_group, f.pupil, coalesce(r.gender, '') as gender,
        dense_rank() over (order by f.school_id, f.class_group) as class_at
    from core.flag f left join core.response r
        on r.wave_id = f.wave_id and r.survey_id = f.survey_id and r.school_id = f.school_id
        and r.pupil = f.pupil
    order by f.flag_id
"""


def _flags(
    con: duckdb.DuckDBPyConnection, waves: Sequence[str], instruments: Mapping[str, Instrument]
) -> pl.DataFrame:
    """The flags as they stand; of a pupil only whether the form has a mark of carelessness."""
    flags = _table(con, _FLAGS_SQL)
    schools = flags["school_id"].unique().sort().to_list()
    marked = [
        (wave, *pair)
        for wave in waves
        for pair in marks_in(con, wave, schools, instruments).of_pupil
    ]
    marks = pl.DataFrame(marked, _MARKED, orient="row").with_columns(marked=pl.lit(value=True))
    return flags.join(
        marks, on=list(_MARKED), how="left", validate="m:1", maintain_order="left"
    ).select(
        pl.exclude("school_id", "class_group", "pupil", "marked"),
        pl.col("marked").fill_null(value=False),
    )


_MARKED = {"wave": pl.String, "school_id": pl.String, "pupil": pl.String}


def _table(con: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    return pl.DataFrame(con.sql(query).to_arrow_table())
