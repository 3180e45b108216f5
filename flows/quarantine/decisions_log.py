"""Tells the log of decisions which signed decision files count, once for each content.

A decision file may change what an answer means, so whoever reads the log must see when it came into
use, by whose command, and when it went. Told are codes and counts, and a keyed digest by which the
file is known; never a heading, an answer's text or the file's name.
"""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import duckdb

from flows.home import Config
from schemas.drift import NOT_ASKED, DriftDecision
from transforms.pseudonym import keyed_digest
from warehouse import audit
from warehouse.store import transaction

IN_USE, OUT_OF_USE = "decision.in_use", "decision.out_of_use"


def tell_decisions(
    con: duckdb.DuckDBPyConnection, config: Config, *, by: audit.Hand, now: datetime
) -> None:
    """Add an event for each decision that counts from now on, and for each that no longer does."""
    current = {_digest_of(one, config): one for one in config.decisions}
    told = _told(con)
    if set(current) == set(told):
        return
    with transaction(con):
        for digest in sorted(set(told) - set(current)):
            _tell(con, OUT_OF_USE, told[digest], {"decision": digest}, by=by, now=now)
        for digest in sorted(set(current) - set(told)):
            detail = {"decision": digest, **_counts(current[digest])}
            _tell(con, IN_USE, current[digest].survey, detail, by=by, now=now)


def _tell(
    con: duckdb.DuckDBPyConnection,
    action: str,
    survey: str,
    detail: Mapping[str, object],
    *,
    by: audit.Hand,
    now: datetime,
) -> None:
    audit.append(con, by=by, action=action, subject=survey, detail=detail, now=now)


def _told(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The decisions that the log last told of as in use: digest and survey."""
    found = con.execute(
        """
        select detail, subject, action from audit.event
        where action in ($in_use, $out_of_use) order by event_no
        """,
        {"in_use": IN_USE, "out_of_use": OUT_OF_USE},
    ).fetchall()
    told: dict[str, str] = {}
    for detail, survey, action in found:
        digest = json.loads(detail)["decision"]
        if action == IN_USE:
            told[digest] = survey
        else:
            told.pop(digest, None)
    return told


def _digest_of(decision: DriftDecision, config: Config) -> str:
    text = json.dumps(decision.model_dump(mode="json"), sort_keys=True)
    return keyed_digest(text.encode(), key=config.key)[:12]


def _counts(decision: DriftDecision) -> dict[str, object]:
    """How many columns, and which of our codes new answers got; a context column has words."""
    became = Counter(answer == NOT_ASKED for answer in decision.missing.values())
    return {
        "not_asked": became[True],
        "moved": became[False],
        "dropped": len(decision.added),
        "answers": {
            name: dict(Counter(texts.values())) if "." in name else len(texts)
            for name, texts in decision.options.items()
        },
    }
