"""Registers instruments: their wide answer tables, and the views that score and list them.

Scores are not stored. They follow from the answers and from a definition that cannot change, so a
view is never out of step with either, and costs less than writing them down.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from schemas.instrument import DONT_KNOW, SKIPPED, Instrument, Scale
from schemas.settings import Settings
from schemas.speakable import SpeakableError
from transforms.scoring import score_sql
from warehouse.store import migrations, transaction


class InstrumentChangedError(SpeakableError):
    """A registered instrument version says something else now: a change needs a new version."""


def register(
    con: duckdb.DuckDBPyConnection, instruments: Mapping[str, Instrument], settings: Settings
) -> None:
    """Make the warehouse know the settings' schools and waves and every instrument."""
    with transaction(con):
        _register_places(con, settings)
        for instrument in instruments.values():
            _register_instrument(con, instrument)
        _replace_views(con, instruments)


def answer_table(key: str) -> str:
    """The wide answer table of an instrument version."""
    return f"core.answer_{key}"


def score_table(key: str) -> str:
    """The wide view of an instrument version's scores."""
    return f"core.score_{key}"


def given_score_table(key: str) -> str:
    """The wide view of all scores that were ever given, with the grades that they are meant for.

    Beside the scores of `score_table` it has those of forms that wait or that are out of grade: for
    a reader who joins core.response anyway, and asks for the grade there.
    """
    return f"core.given_score_{key}"


def definition_sha256(instrument: Instrument) -> str:
    """What the instrument measures, in one word: wording and licence may be mended, codes not."""
    measured = {
        "items": [
            (item.id, item.is_reversed, instrument.codes(item.id)) for item in instrument.items
        ],
        "scales": [_measured(scale) for scale in instrument.scales],
    }
    return hashlib.sha256(json.dumps(measured, sort_keys=True).encode()).hexdigest()


# What a scale could not say when the first homes were made: left out where it says nothing, or
# every registered instrument would look changed.
_SAID_LATER = {name: Scale.model_fields[name].default for name in ("at_least", "table", "rounding")}


def _measured(scale: Scale) -> dict[str, Any]:
    said = scale.model_dump(
        exclude={
            "label": True,
            "part_of": True,
            "reliability": True,
            "bands": {"__all__": {"ages"}},
        }
    )
    return {
        name: value
        for name, value in said.items()
        if name not in _SAID_LATER or value != _SAID_LATER[name]
    }


def flag_basis(instrument: Instrument) -> Any:  # noqa: ANN401 - for a fingerprint
    """All of an instrument that flags follow from: what it measures, in whom, and how surely."""
    return [
        definition_sha256(instrument),
        (instrument.min_grade, instrument.max_grade, instrument.use_for),
        [said.model_dump() for scale in instrument.scales for said in scale.reliability],
    ]


def _register_places(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    schools = pa.Table.from_pylist([school.model_dump() for school in settings.schools])
    waves = pa.Table.from_pylist([wave.model_dump() for wave in settings.waves])
    for table, rows, columns in (
        ("core.dim_school", schools, "id, name"),
        ("core.dim_wave", waves, "id, name, school_year, opens, closes"),
    ):
        con.register("declared", rows)
        con.execute(f"""
            insert or replace into {table}
            select {columns} from declared except select * from {table}
        """).fetchall()
        con.unregister("declared")


def _register_instrument(con: duckdb.DuckDBPyConnection, instrument: Instrument) -> None:
    digest = definition_sha256(instrument)
    known = con.execute(
        "select definition_sha256 from core.dim_instrument where instrument_key = $key",
        {"key": instrument.key},
    ).fetchall()
    if known == [(digest,)]:
        return
    if known:
        raise InstrumentChangedError(
            f"{instrument.key} has changed since it was first used: give it a new version"
        )
    con.execute(
        "insert into core.dim_instrument values ($key, $id, $version, $digest)",
        {
            "key": instrument.key,
            "id": instrument.id,
            "version": instrument.version,
            "digest": digest,
        },
    ).fetchall()
    for position, item in enumerate(instrument.items, start=1):
        con.execute(
            "insert into core.dim_item values ($key, $item, $position, $nb, $nn, $en)",
            {
                "key": instrument.key,
                "item": item.id,
                "position": position,
                **{language: item.text.get(language) for language in ("nb", "nn", "en")},
            },
        ).fetchall()
    columns = [f"{item.id} tinyint" for item in instrument.items]
    columns += [f"{scale} {SUPPLIED_SQL}" for scale in instrument.supplied]
    con.execute(f"""
        create table {answer_table(instrument.key)}
            (response_id bigint not null, {", ".join(columns)})
    """).fetchall()


# A supplied score as the warehouse keeps it: as many decimals as a scale may have.
SUPPLIED_SQL = "decimal(9, 4)"

_FORM = "r.response_id, r.survey_id, r.wave_id, r.school_id, r.class_group, r.grade, r.gender"


def _replace_views(con: duckdb.DuckDBPyConnection, instruments: Mapping[str, Instrument]) -> None:
    """core.answer and core.score: long, one row an item or a scale, over all instruments."""
    views = _views(instruments)
    # Every step of the road opens the warehouse, and making the views is half of that: the last one
    # says what all were made from, and under which migrations.
    said = json.dumps([views, list(migrations())])
    made_from = hashlib.sha256(said.encode()).hexdigest()
    if _views_there(con, made_from) >= views.keys():
        return
    _drop_stored_scores(con)
    for name, query in views.items():
        con.execute(f"create or replace view {name} as {query}").fetchall()
    con.execute(f"comment on view core.score is '{made_from}'").fetchall()


def _views_there(con: duckdb.DuckDBPyConnection, made_from: str) -> set[str]:
    """The views that there are, if they were made from this."""
    found = con.execute("""
        select 'core.' || view_name, comment from duckdb_views() where schema_name = 'core'
    """).fetchall()
    return set(dict(found)) if ("core.score", made_from) in found else set()


def _views(instruments: Mapping[str, Instrument]) -> dict[str, str]:
    """The query of each view by its name, in an order in which they can be made."""
    scored = [instrument for instrument in instruments.values() if instrument.scales]
    answers = [_long_answers(instrument) for instrument in instruments.values() if instrument.items]
    scores = [_long_score(one, scale.id) for one in scored for scale in one.scales]
    return {
        **{given_score_table(instrument.key): _given_scores(instrument) for instrument in scored},
        **{score_table(instrument.key): _scores(instrument) for instrument in scored},
        "core.answer": " union all by name ".join(answers) or _NO_ANSWERS,
        "core.score": " union all by name ".join(scores) or _NO_SCORES,
    }


def _drop_stored_scores(con: duckdb.DuckDBPyConnection) -> None:
    """Homes that were made before scores were views have them as tables."""
    stored = con.execute("""
        select table_name from duckdb_tables()
        where schema_name = 'core' and starts_with(table_name, 'score_')
    """).fetchall()
    if stored:
        con.execute("drop view if exists core.score").fetchall()
    for (table,) in stored:
        con.execute(f"drop table core.{table}").fetchall()


def _given_scores(instrument: Instrument) -> str:
    columns = ", ".join(
        column for scale in instrument.scales for column in score_sql(instrument, scale)
    )
    return f"""
        select response_id, {columns},
            {instrument.min_grade} as from_grade, {instrument.max_grade} as to_grade
        from {answer_table(instrument.key)}
    """


def _scores(instrument: Instrument) -> str:
    """The scores of the forms that count, of pupils whom the instrument is for."""
    # The answers of a form that waits because another contradicts it stay where they are.
    return f"""
        select * exclude (from_grade, to_grade) from {given_score_table(instrument.key)}
        where response_id in (
            select response_id from core.response
            where grade between {instrument.min_grade} and {instrument.max_grade}
        )
    """


_NO_ANSWERS = f"""
select {_FORM}, r.delivery_no, r.pupil, null::varchar as instrument_key, null::varchar as item_id,
    null::tinyint as value, null::varchar as missing
from core.response r where false
"""

_NO_SCORES = f"""
select {_FORM}, r.pupil, null::varchar as instrument_key, null::varchar as scale_id,
    null::double as score, null::tinyint as n_answered, null::varchar as band
from core.response r where false
"""


def _long_answers(instrument: Instrument) -> str:
    items = ", ".join(item.id for item in instrument.items)
    return f"""
    select {_FORM}, r.delivery_no, r.pupil, '{instrument.key}' as instrument_key, a.item_id,
        case when a.code not in ({SKIPPED}, {DONT_KNOW}) then a.code end as value,
        case
            when a.code is null then 'not_asked'
            when a.code = {SKIPPED} then 'skipped'
            when a.code = {DONT_KNOW} then 'dont_know'
        end as missing
    from core.response r
    join (
        from {answer_table(instrument.key)} unpivot include nulls (code for item_id in ({items}))
    ) a using (response_id)
    """


def _long_score(instrument: Instrument, scale_id: str) -> str:
    return f"""
    select {_FORM}, r.pupil, '{instrument.key}' as instrument_key, '{scale_id}' as scale_id,
        s.{scale_id} as score, s.{scale_id}_n as n_answered, s.{scale_id}_band as band
    from core.response r join {score_table(instrument.key)} s using (response_id)
    """
