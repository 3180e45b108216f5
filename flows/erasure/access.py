"""`klassepuls access --pupil`: what is held on one pupil code, as data and in words.

It is made for the health service, which alone knows whose code it is. That somebody asked is an
event of the log, with counts and no code.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from flows.erasure.come_again import code_columns
from flows.erasure.files import delivered_files, holds
from flows.erasure.pupil import plain_code
from flows.hand import hand
from flows.home import Config, Home, HomeError, load_config
from flows.plain import as_plain
from flows.road import at_work
from flows.sealing.age import ENDING
from flows.sealing.filing import is_sealed, told_by_path
from flows.sealing.recipients import ADULT_ROUTE
from schemas.instrument import DONT_KNOW, SKIPPED, Instrument
from schemas.reason import Reason, reason_texts
from transforms.struck import mentions
from warehouse import audit, held_on
from warehouse.store import transaction
from warehouse.whom import Who, find_pupil

ACTION = "access.pupil"


def access(home: Home, code: str, *, school: str | None, now: datetime) -> dict[str, Any]:
    """Everything held on the code: forms in words, scores, flags, lists, files and limits."""
    config = load_config(home)
    plain = plain_code(code)
    if school and school not in {known.id for known in config.settings.schools}:
        raise HomeError("klassepuls.toml has no [[school]] with the id of --school")
    with at_work(home, config, now=now) as con:
        who = find_pupil(con, plain, school, key=config.key)
        forms = held_on.forms_of(con, who)
        for form in forms:
            survey = config.surveys.get(form["survey_id"])
            keys = survey.instruments if survey else ()
            number = form.pop("response_id")
            form["answers"] = [
                answer
                for key in keys
                for answer in _answers(
                    config.instruments[key], held_on.answers_of(con, number, key) or {}
                )
            ]
        flags = held_on.flags_of(con, who)
        found = {
            "pupil_code": plain,
            "schools": list(who.schools),
            "other_schools": list(who.others),
            "forms": forms,
            "scores": held_on.scores_of(con, who),
            "flags": flags,
            "waiting": [_waiting(row) for row in held_on.waiting_of(con, who)],
            "decisions": held_on.decided_of(con, who),
            "class_lists": held_on.listed_of(con, who),
            "choices": held_on.choices_of(con, who),
            "cases": held_on.cases_of(con, who),
            "helped": held_on.helped_of(con, who),
            "code_kept_in_vault": held_on.is_in_vault(con, who),
            **_files(home, config, who, {flag["wave_id"] for flag in flags}),
            "kept": limits(config),
        }
        counts = {name: len(rows) for name, rows in found.items() if isinstance(rows, list)}
        with transaction(con):
            audit.append(
                con, by=hand(config), action=ACTION, subject="pupil", detail=counts, now=now
            )
    plainly: dict[str, Any] = as_plain(found)
    return plainly


def _answers(instrument: Instrument, codes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answers to an instrument in its own words, with the stored code beside them."""
    told = []
    for item in instrument.items:
        if item.id not in codes:
            continue
        code = codes[item.id]
        told.append(
            {
                "item": f"{instrument.key}.{item.id}",
                "question": dict(item.text),
                "code": code,
                "answer": _words(instrument, item.id, code),
            }
        )
    told += [
        {"item": f"{instrument.key}.{name}", "question": {}, "code": codes[name], "answer": {}}
        for name in codes.keys() - {item.id for item in instrument.items}
    ]
    return told


def _words(instrument: Instrument, item_id: str, code: int | None) -> dict[str, str]:
    if code is None:
        return {"nb": "ikke spurt", "en": "not asked"}
    if code == SKIPPED:
        return {"nb": "ikke besvart", "en": "left blank"}
    if code == DONT_KNOW:
        return {"nb": "vet ikke", "en": "don't know"}
    return {
        language: instrument.label(item_id, code, language)
        for language in ("nb", "nn", "en")
        if code in instrument.codes(item_id)
    }


def _waiting(row: dict[str, Any]) -> dict[str, Any]:
    words = [reason_texts()[Reason(code)] for code in row["reason_codes"]]
    return row | {"reasons": [{"nb": one.nb, "nn": one.nn, "en": one.en} for one in words]}


def _files(home: Home, config: Config, who: Who, flagged_in: Collection[str]) -> dict[str, Any]:
    """Files that name the code, by their folder: deliveries and the reports that went out.

    A sealed report cannot be looked into: those of waves in which the pupil was flagged are told.
    """
    columns = code_columns(config, spared=frozenset(who.others))
    deliveries = [
        {"folder": str(path.parent.relative_to(home.root)), "file": path.name}
        for path in delivered_files(home)
        if holds(path.read_bytes(), who, columns)
    ]
    reports = []
    for path in sorted((*home.health.rglob("*.html"), *home.health.rglob(f"*{ENDING}"))):
        if (told := told_by_path(home, path)) is None:
            continue
        wave, school, route = told
        sealed = is_sealed(path)
        names = wave in flagged_in if sealed else mentions(path.read_bytes(), {who.code})
        if school in who.schools and names:
            reports.append(
                {
                    "school": school,
                    "wave": wave,
                    "sealed": sealed,
                    "to": _recipient(config, is_adults=route == ADULT_ROUTE),
                    "written_on": date.fromtimestamp(path.stat().st_mtime).isoformat(),  # noqa: DTZ012
                    "file": str(path.relative_to(home.root)),
                }
            )
    return {"delivered_files": deliveries, "reports": reports}


def _recipient(config: Config, *, is_adults: bool) -> str:
    routing = config.settings.routing
    if routing is None:
        return "nobody: no [routing] is decided"
    return routing.bullied_by_adults_to if is_adults else routing.pupil_flags_to


def limits(config: Config) -> dict[str, str]:
    """How long each kind is kept, as the settings have it."""
    retention = config.settings.retention
    return {
        "delivered files": f"{retention.raw_days} days after they are loaded",
        "rows in quarantine": f"{config.settings.quarantine.keep_days} days",
        "flag reports": f"{retention.report_days} days after they are written",
        "forms, scores, flags, lists, cases": f"{retention.pupil_years} school year(s) after the"
        " last one in which the pupil answered, was listed or had a case",
        "who helped in a group": f"{config.settings.cases.helper_days} days after the closing",
        "published figures": "kept; no pupil can be read from them",
    }
