"""The gate for personal data: what stops a file, what is dropped, and what must pass."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.personal import Personal
from tests.gate.made_up import (
    KINDS,
    email,
    ip_address,
    national_id,
    phone,
    seeded,
    written,
)
from transforms.gate import Decision, Findings, examine, personal_heading, strip_text
from transforms.readers.reading import Question, Reading

FILES = 1_000
NATIONAL_ID = "15507600333"  # synthetic, as NAV publishes it
PLANTED = {
    Personal.NATIONAL_ID: NATIONAL_ID,
    Personal.EMAIL: "a.b@skole.no",
    Personal.PHONE: "934 33 667",
    Personal.IP_ADDRESS: "192.168.10.24",
}


def reading(columns: dict[str, list[str | None]], **more) -> Reading:
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    return Reading(table, pa.array(range(2, table.num_rows + 2), pa.int32()), "csv", **more)


def clean_columns(rng: random.Random, rows: int = 25) -> dict[str, list[str | None]]:
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
    form = rng.choice((_canonical, _nettskjema, _odk, _by_question))
    return {**form(rng, times, ids, codes, group), **likert}


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


def test_clean_files_are_never_refused():
    rng = seeded(20260115)
    refused = []
    for _ in range(FILES):
        columns = clean_columns(rng)
        findings = examine(reading(columns), codes=["pupil_code"], text=[])
        refused += [finding for finding in findings.findings if findings.decision == "refuse"]

    assert refused == []


@pytest.mark.parametrize("kind", PLANTED)
def test_identifier_in_any_column_of_any_form_stops_the_file(kind):
    rng = seeded(7)
    for _ in range(12):
        clean = clean_columns(rng)
        for name in clean:
            cells = list(clean[name])
            row = rng.randrange(len(cells))
            cells[row] = PLANTED[kind]
            findings = examine(reading({**clean, name: cells}), codes=["pupil_code"], text=[])

            assert findings.decision is Decision.REFUSE
            told = [(one.kind, one.column, one.row_no.to_pylist()) for one in findings.findings]
            assert (kind, name, [row + 2]) in told


@pytest.mark.parametrize("column", ["pupil_code", "submission_id", "q1", "Kommentar"])
def test_of_a_thousand_planted_identifiers_of_each_kind_every_one_is_told(column):
    rng = seeded(column)
    planted = {
        **{
            kind: (
                Personal.NATIONAL_ID,
                [written(rng, national_id(rng, *how)) for _ in range(FILES)],
            )
            for kind, how in KINDS.items()
        },
        "e-mail": (Personal.EMAIL, [email(rng) for _ in range(FILES)]),
        "IP": (Personal.IP_ADDRESS, [ip_address(rng) for _ in range(FILES)]),
    }
    for kind, cells in planted.values():
        findings = examine(reading({column: cells}), codes=["pupil_code"], text=[])

        assert findings.decision is Decision.REFUSE
        assert findings.counts[kind] == FILES


def test_of_a_thousand_planted_phones_at_least_99_of_100_are_told():
    rng = seeded(99)
    cells = [phone(rng) for _ in range(FILES)]
    told = examine(reading({"q1": cells}), codes=[], text=[]).counts[Personal.PHONE]

    assert told >= 0.99 * FILES


def test_eight_digits_are_a_phone_among_answers_and_an_id_among_ids():
    answers = examine(reading({"q1": ["1", "93433667"]}), codes=[], text=[])
    ids = examine(reading({"submission_id": ["27685292", "93433667"]}), codes=[], text=[])
    declared = examine(reading({"svarnummer": ["93433667"]}), codes=[], text=[], ids=["svarnummer"])

    assert answers.counts == {Personal.PHONE: 1}
    assert ids.findings == declared.findings == ()


def test_id_of_a_person_is_not_taken_for_a_tools_own():
    findings = examine(reading({"elev_id": ["93433667"]}), codes=[], text=[])

    assert findings.counts == {Personal.PHONE: 1}


@pytest.mark.parametrize("code", ["12345678901", "40012345", "90012345", NATIONAL_ID])
def test_pupil_code_with_the_form_of_a_number_stops_the_file_valid_or_not(code):
    findings = examine(reading({"code": ["A1234", code]}), codes=["code"], text=[])

    assert findings.decision is Decision.REFUSE
    assert [one.place for one in findings.findings] == ["code"]
    assert findings.findings[0].row_no.to_pylist() == [3]


def test_eleven_digits_elsewhere_stop_the_file_only_with_valid_check_digits():
    assert examine(reading({"q1": ["12345678901"]}), codes=[], text=[]).findings == ()


def test_free_text_is_dropped_and_does_not_stop_the_file():
    file = reading({"q1": ["1", "2"], "comment": ["Jeg heter A, ring 93433667", "a@b.no"]})
    findings = examine(file, codes=[], text=["comment", "not_there"])

    assert findings.decision is Decision.DROP_TEXT
    assert findings.text == ("comment",)
    assert findings.counts == {Personal.PHONE: 1, Personal.EMAIL: 1}


def test_file_without_free_text_and_without_persons_is_accepted():
    assert examine(reading({"q1": ["1"]}), codes=[], text=[]).decision is Decision.ACCEPT
    assert examine(reading({"q1": []}), codes=[], text=[]).decision is Decision.ACCEPT


def test_stripped_text_tells_only_whether_there_was_some():
    file = reading(
        {"q1": ["1", "2", "3", "4"], "comment": ["hei", "", None, "  "]},
        dropped={Personal.EMAIL: 1, Personal.FREE_TEXT: 1},
    )
    stripped = strip_text(file, ["comment", "not_there"])

    assert stripped.table.to_pydict() == {
        "q1": ["1", "2", "3", "4"],
        "comment": ["1", "", None, ""],
    }
    assert stripped.dropped == {Personal.EMAIL: 1, Personal.FREE_TEXT: 2}
    assert stripped.row_no == file.row_no
    assert strip_text(file, []).table == file.table
    assert strip_text(file, []).dropped == file.dropped


def test_dictionary_columns_are_read_like_plain_ones():
    plain = reading({"q1": ["a@b.no", None, "1", "a@b.no"], "comment": ["x", None, "", "x"]})
    encoded = Reading(
        pa.table({name: plain.table[name].dictionary_encode() for name in ("q1", "comment")}),
        plain.row_no,
        "csv",
    )
    there = examine(encoded, codes=[], text=["comment"])

    assert there == examine(plain, codes=[], text=["comment"])
    assert there.findings[0].row_no.to_pylist() == [2, 5]
    assert strip_text(encoded, ["comment"]).table["comment"].to_pylist() == ["1", None, "", "1"]


def test_list_of_a_questions_own_codes_is_no_phone_but_a_phone_beside_it_is():
    codebook = {"q1": Question(options=dict.fromkeys(("21", "22", "31", "32"), ""))}
    lists = reading({"q1": ["21 22 31 32", "21"]}, codebook=codebook)
    phone = reading({"q1": ["21 22 31 32", "93 43 36 67"]}, codebook=codebook)

    assert examine(lists, codes=[], text=[]).findings == ()
    assert examine(phone, codes=[], text=[]).counts == {Personal.PHONE: 1}


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("navn", Personal.NAME),
        ("Namn", Personal.NAME),
        ("name", Personal.NAME),
        ("FirstName", Personal.NAME),
        ("elevens_navn", Personal.NAME),
        ("Skriv namnet ditt", Personal.NAME),
        ("Hva heter du?", Personal.NAME),
        ("foresatt 1", Personal.NAME),
        ("føresette", Personal.NAME),
        ("guardianName", Personal.NAME),
        ("e-post", Personal.EMAIL),
        ("E-postadresse", Personal.EMAIL),
        ("e_post", Personal.EMAIL),
        ("Email", Personal.EMAIL),
        ("RecipientEmail", Personal.EMAIL),
        ("Fødselsdato (dd.mm.åååå)", Personal.BIRTH_DATE),
        ("fodselsdato", Personal.BIRTH_DATE),
        ("birth date", Personal.BIRTH_DATE),
        ("dateOfBirth", Personal.BIRTH_DATE),
        ("adresse", Personal.ADDRESS),
        ("home_address", Personal.ADDRESS),
        ("telefon", Personal.PHONE),
        ("Tlf. mor", Personal.PHONE),
        ("mobil", Personal.PHONE),
        ("phoneNumber", Personal.PHONE),
        ("IP", Personal.IP_ADDRESS),
        ("IPAddress", Personal.IP_ADDRESS),
        ("ip_adresse", Personal.IP_ADDRESS),
        ("Fødselsnummer", Personal.NATIONAL_ID),
        ("d-nummer", Personal.NATIONAL_ID),
        ("User Agent", Personal.DEVICE),
        ("LocationLatitude", Personal.PLACE),
        ("brukernavn", Personal.ACCOUNT),
    ],
)
def test_heading_that_asks_for_a_person_stops_the_file_unless_somebody_decided(heading, kind):
    file = reading({heading: ["x", "", None]})
    findings = examine(file, codes=[], text=[])

    assert personal_heading(heading) is kind
    assert findings.decision is Decision.REFUSE
    assert [(one.kind, one.place, one.count) for one in findings.findings] == [(kind, "heading", 1)]
    assert examine(file, codes=[], text=[], decided=[heading]).findings == ()
    assert examine(file, codes=[], text=[heading]).decision is Decision.DROP_TEXT
    assert examine(reading({heading: ["", None]}), codes=[], text=[]).findings == ()


@pytest.mark.parametrize(
    "heading",
    [
        "navn på klassen",
        "skolenavn",
        "class name",
        "schoolName",
        "Hva heter klassen din?",
        "file_name",
        "kalt stygge navn",
        "Er du blitt mobbet på mobil?",
        "Mobilbruk",
        "mailbox",
        "fødselsår",
        "zip",
        "gruppe",
        "Hvem er kontaktlærer?",
        "first",
        "ID",
        "",
    ],
)
def test_heading_that_only_has_such_a_word_in_it_passes(heading):
    assert personal_heading(heading) is None


def test_question_behind_a_short_heading_is_judged_by_its_labels_and_its_mark():
    asks = reading({"q1": ["x"]}, codebook={"q1": Question(label="Hva heter du?")})
    in_english = Question(label="Lag", labels={"en": "What is your name?"})
    asks_too = reading({"q1": ["x"]}, codebook={"q1": in_english})
    marked = reading({"q1": ["x"]}, codebook={"q1": Question(label="Lag", personal=True)})

    assert examine(asks, codes=[], text=[]).counts == {Personal.NAME: 1}
    assert examine(asks_too, codes=[], text=[]).counts == {Personal.NAME: 1}
    assert examine(marked, codes=[], text=[]).counts == {Personal.IDENTIFIER: 1}
    assert examine(marked, codes=["q1"], text=[]).findings == ()


def test_heading_that_is_an_identifier_itself_is_told_by_its_number():
    findings = examine(reading({"q1": ["1"], f"[{NATIONAL_ID}]": ["1"]}), codes=[], text=[])

    assert [(one.kind, one.column) for one in findings.findings] == [
        (Personal.NATIONAL_ID, "column 2")
    ]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(PLANTED)), st.integers(0, 9), st.integers(0, 10**6))
def test_findings_never_hold_a_value_and_count_each_row_once(kind, rows, seed):
    rng = seeded(seed)
    clean = clean_columns(rng, rows=10)
    name = rng.choice(list(clean))
    planted = rng.sample(range(10), rows)
    cells = [PLANTED[kind] if row in planted else cell for row, cell in enumerate(clean[name])]
    findings = examine(reading({**clean, name: cells}), codes=["pupil_code"], text=[])

    told = [one for one in findings.findings if one.column == name and one.kind is kind]
    assert [one.row_no.to_pylist() for one in told] == (
        [sorted(row + 2 for row in planted)] * bool(rows)
    )
    assert PLANTED[kind] not in repr(findings)


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(6)))
def test_order_of_columns_changes_nothing_but_the_order(order):
    columns = {
        "q1": ["1", "a@b.no"],
        "navn": ["x", ""],
        "pupil_code": ["A1", "12345678901"],
        "comment": ["ring 93433667", ""],
        "submission_id": ["27685292", "27685293"],
        "q2": ["10.20.30.40", "2"],
    }
    names = list(columns)
    shuffled = reading({names[at]: columns[names[at]] for at in order})
    assert _told(examine(shuffled, codes=["pupil_code"], text=["comment"])) == _told(
        examine(reading(columns), codes=["pupil_code"], text=["comment"])
    )


def _told(findings: Findings) -> set[tuple]:
    return {
        (one.kind, one.column, one.place, tuple(one.row_no.to_pylist()))
        for one in findings.findings
    }
