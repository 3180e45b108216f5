"""Forms that survey exports have, with no person in them, made up from a seed."""

import random
import uuid
from datetime import UTC, datetime, timedelta

from transforms.gate import Place

# What the columns are on the road, where a survey file has named them: a tool's own ids and times
# are its `submission` and `submitted_on`.
PLACES: dict[str, Place] = {
    "pupil_code": "code",
    **dict.fromkeys(
        (
            "submission",
            "submitted_on",
            "$submission_id",
            "$created",
            "$answer_time_ms",
            "SubmissionDate",
            "KEY",
            "respondent_id",
            "token",
            "seed",
            "Tidsmerke",
            "ID",
            "Starttidspunkt",
        ),
        "id",
    ),
}


def clean_columns(
    rng: random.Random, rows: int = 25, *, form: str | None = None
) -> dict[str, list[str]]:
    """One of the forms that survey exports have, with no person in it."""
    group = f"{rng.randint(1, 10)}{rng.choice('ABCD')}"
    times = [
        datetime(2026, rng.randint(1, 12), rng.randint(1, 28), 8, tzinfo=UTC)
        + timedelta(microseconds=rng.randint(0, 10**10))
        for _ in range(rows)
    ]
    likert = {f"q{at}": rng.choices(["1", "2", "3", "4", "5", ""], k=rows) for at in range(6)}
    first = rng.randint(20_000_000, 99_000_000)
    ids = [str(first + 37 * at) for at in range(rows)]
    codes = [f"{rng.choice('ABCDEFGH')}{rng.randint(0, 9999):04d}" for _ in range(rows)]
    made = _FORMS[form or rng.choice(list(_FORMS))]
    return {**made(rng, times, ids, codes, group), **likert}


def _canonical(rng, times, ids, codes, group):
    return {
        "wave": ["2026-host"] * len(ids),
        "school": ["NO-974552123"] * len(ids),
        "class_group": [group] * len(ids),
        "grade": [group[:-1]] * len(ids),
        "gender": rng.choices(["girl", "boy", "other", ""], k=len(ids)),
        "pupil_code": codes,
        "submission": ids,
        "submitted_on": [f"{time:%Y-%m-%d}" for time in times],
        "share": [f"{rng.random() * 10_000:.{rng.randint(1, 5)}f}" for _ in ids],
    }


def _nettskjema(rng, times, ids, codes, group):
    return {
        "$submission_id": [f"{number}.0" for number in ids],
        "$created": [f"{time:%Y-%m-%dT%H:%M:%S.%f}+01:00" for time in times],
        "pupil_code": codes,
        "klasse": [group] * len(ids),
        "dag": [f"{time:%d.%m.%Y}" for time in times],
        "venner.klassen": rng.choices(["0", "1"], k=len(ids)),
        "$answer_time_ms": [str(rng.randint(20_000, 99_999_999)) for _ in ids],
    }


def _odk(rng, times, ids, codes, group):
    keys = [f"uuid:{uuid.UUID(int=rng.getrandbits(128), version=4)}" for _ in ids]
    return {
        "SubmissionDate": [f"{time:%Y-%m-%dT%H:%M:%S}.123Z" for time in times],
        "pupil_code": codes,
        "g1-grade": [group[:-1]] * len(ids),
        "hvor": [" ".join(rng.sample("123456789", k=rng.randint(0, 5))) for _ in ids],
        "dato": [f"{time:%Y%m%d}" for time in times],
        "KEY": keys,
        "respondent_id": [str(118_000_000_000 + rng.randint(0, 10**9)) for _ in ids],
        "token": [f"{rng.getrandbits(128):032x}" for _ in ids],
        "seed": [str(rng.randint(10_000_000, 99_999_999)) for _ in ids],
    }


def _by_question(rng, times, ids, codes, group):
    said = ["trives svært godt", "trives litt", "2–3 ganger i måneden", "Ja; nei, 3 av 10", "10:30"]
    return {
        "Tidsmerke": [f"{time:%Y-%m-%d %H.%M.%S}" for time in times],
        "ID": [str(at) for at in range(1, len(ids) + 1)],
        "Starttidspunkt": [f"{time:%m/%d/%y %H:%M:%S}" for time in times],
        "pupil_code": codes,
        "Navn på klassen": [group] * len(ids),
        "Skolenavn": ["Ås skole"] * len(ids),
        "Er du blitt mobbet på nett eller mobil?": rng.choices(said, k=len(ids)),
        "Blir du kalt stygge navn?": rng.choices(said, k=len(ids)),
        "Snakker du med foresatte om skolen?": rng.choices(said, k=len(ids)),
        "Skoleår": ["2025/2026"] * len(ids),
        "Hvor mange timer?": [f"{rng.randint(0, 9)},{rng.randint(0, 9)}" for _ in ids],
    }


_FORMS = {
    "canonical": _canonical,
    "nettskjema": _nettskjema,
    "odk": _odk,
    "by_question": _by_question,
}
