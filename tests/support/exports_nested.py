"""The class as SurveyJS, FHIR and Nettskjema export it, and in our own formats."""

import io
import json
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.eight_pupils import (
    DK,
    DONT_KNOW,
    DONT_KNOW_WORDS,
    EMAIL,
    GENDER_WORDS,
    GENDERS,
    IP,
    ITEMS,
    LABELS,
    NAME,
    OSLO,
    PUPILS,
    SHORT,
    Export,
    Pupil,
    codes_of,
    delimited,
    survey_toml,
    utc,
    workbook,
)
from tests.support.home import CORE


def surveyjs(*, lines: bool = False) -> Export:
    """An array of results, or one a line; who bullied is a matrix, and blanks are left out."""
    results = []
    for pupil in PUPILS:
        said = {item: code for item, code in codes_of(pupil).items() if code}
        matrix = {SHORT[item]: said[item] for item in ITEMS[3:6] if item in said}
        plain = {SHORT[item]: said[item] for item in said if item not in ITEMS[3:6]}
        context = {"kode": pupil.code, "kjonn": pupil.gender, "begynte": str(pupil.enrolled)}
        own = {"nr": pupil.number, "levert": pupil.sent.isoformat(), "IPAddress": IP}
        results.append(
            {**own, **{key: cell for key, cell in context.items() if cell}, **plain,
             "mobbing": matrix, "trives-Comment": f"{NAME} plager meg"}
        )  # fmt: skip
    separator, (start, end) = ("\n", ("", "\n")) if lines else (",\n", ("[", "]"))
    text = start + separator.join(json.dumps(r, ensure_ascii=False) for r in results) + end
    items = {**SHORT, **{item: f"mobbing.{SHORT[item]}" for item in ITEMS[3:6]}}
    survey = survey_toml("surveyjs", items=items, submission="nr", submitted_on="levert")
    return Export("surveyjs", text.encode(), survey, "likely")


def fhir(*, lines: bool = False) -> Export:
    """A Bundle, or lines; don't know is one of FHIR's own reasons for absent data."""
    responses = [fhir_response(pupil) for pupil in PUPILS]
    if lines:
        content = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in responses)
    else:
        entries = [{"resource": one} for one in responses]
        bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
        content = json.dumps(bundle, ensure_ascii=False, indent=1)
    survey = survey_toml(
        "fhir",
        dropped=("response.status",),
        pupil_code="response.subject",
        submission="response.id",
        submitted_on="response.authored",
    )
    return Export("fhir", content.encode(), survey)


def fhir_response(pupil: Pupil) -> dict[str, object]:
    def coding(code: str) -> dict[str, object]:
        if code == DONT_KNOW:
            return {
                "valueCoding": {"system": "urn:codes/data-absent-reason", "code": "asked-unknown"}
            }
        return {"valueCoding": {"system": "urn:oppdiktet", "code": code}}

    def asked(link: str, *answers: dict[str, object]) -> dict[str, object]:
        return {"linkId": link, **({"answer": list(answers)} if answers else {})}

    said = codes_of(pupil)
    items = [asked(SHORT[item], *([coding(said[item])] if said[item] else [])) for item in ITEMS]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": f"r{pupil.number}",
        "status": "completed",
        "text": {"status": "generated", "div": f"<div>{NAME} {EMAIL}</div>"},
        "authored": utc(pupil).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "subject": {"reference": f"Patient/{pupil.code}", "display": NAME},
        "author": {"display": NAME},
        "item": [
            asked("kjonn", *([coding(pupil.gender)] if pupil.gender else [])),
            asked("begynte", {"valueDate": str(pupil.enrolled)}),
            {"linkId": "om", "item": items},
        ],
    }


_NETT_ITEMS = {**SHORT, **{item: f"mobbing.{SHORT[item]}" for item in ITEMS[3:6]}}
_NETT_COLUMNS = ("kode", "kjonn", "begynte", "navn", *_NETT_ITEMS.values())


def _elements() -> list[dict[str, object]]:
    def options(number: int, table: Mapping[str, str]) -> list[dict[str, object]]:
        return [
            {"answerOptionId": 10 * number + at, "externalAnswerOptionId": code, "text": label}
            for at, (code, label) in enumerate(table.items())
        ]

    def element(number: int, kind: str, code: str, **more: object) -> dict[str, object]:
        return {"elementId": number, "elementType": kind, "externalElementId": code, **more}

    def radio(number: int, item: str) -> dict[str, object]:
        known = {**LABELS[item], DONT_KNOW: DONT_KNOW_WORDS}
        return element(number, "RADIO", SHORT[item], answerOptions=options(number, known))

    matrix = {
        "answerOptions": options(8, {**LABELS[ITEMS[3]], DONT_KNOW: DONT_KNOW_WORDS}),
        "subElements": [
            {"subElementId": 900 + at, "externalElementId": SHORT[item]}
            for at, item in enumerate(ITEMS[3:6])
        ],
    }
    return [
        element(1, "QUESTION", "kode"),
        element(2, "RADIO", "kjonn", answerOptions=options(2, GENDER_WORDS)),
        element(3, "DATE", "begynte", dateFormat="DATE"),
        element(4, "NAME", "navn"),
        *(radio(5 + at, item) for at, item in enumerate(ITEMS[:3])),
        element(8, "MATRIX_RADIO", "mobbing", **matrix),
        *(radio(9 + at, item) for at, item in enumerate(ITEMS[6:])),
    ]


def _nettskjema_export(content: bytes) -> Export:
    survey = survey_toml(
        "nettskjema",
        items=_NETT_ITEMS,
        dropped=("navn", "answer_time_ms"),
        codebook="klasse.json",
        submission="submission_id",
        submitted_on="created",
    )
    return Export("nettskjema", content, survey, codebook=json.dumps(_elements()).encode())


def nettskjema_csv(*, delimiter: str = ";", pupils: Sequence[Pupil] = PUPILS) -> Export:
    """The tool's CSV; TSD's loader writes the same with commas, the whole file every hour."""
    rows = [
        [p.number, p.sent.replace(tzinfo=OSLO).isoformat(), p.code, p.gender, p.enrolled, NAME,
         *codes_of(p).values(), 61_200]
        for p in pupils
    ]  # fmt: skip
    headings = ["$submission_id", "$created", *_NETT_COLUMNS, "$answer_time_ms"]
    return _nettskjema_export(delimited(headings, *rows, delimiter=delimiter, quote_all=True))


def nettskjema_xlsx() -> Export:
    """The workbook, with numbers for submissions and date cells."""
    rows = [
        [p.number, p.sent, p.code, p.gender, p.enrolled, NAME, *codes_of(p).values(), 61_200]
        for p in PUPILS
    ]
    headings = ["$submission_id", "$created", *_NETT_COLUMNS, "$answer_time_ms"]
    return _nettskjema_export(workbook(headings, *rows))


def nettskjema_lines() -> Export:
    """Answers as JSON lines: none for a blank, and dates the Norwegian way."""
    lines = []
    for pupil in PUPILS:
        said = codes_of(pupil) | {"kode": pupil.code, "kjonn": pupil.gender, "navn": NAME}
        said |= {"begynte": pupil.enrolled.strftime("%d.%m.%Y")}
        for item in _elements():
            lines += _answer_lines(pupil, item, said)
    return _nettskjema_export("".join(f"{line}\n" for line in lines).encode())


def _answer_lines(pupil: Pupil, item: Mapping[str, object], said: Mapping[str, str]) -> list[str]:
    named = {short: ours for ours, short in SHORT.items()}

    def line(code: str, **more: object) -> list[str]:
        cell = said[named.get(code, code)]
        options = {
            each["externalAnswerOptionId"]: each["answerOptionId"]
            for each in item.get("answerOptions", ())  # type: ignore[attr-defined]
        }
        chosen = {
            "answerOptionIds": [options[cell]] if options and cell else [],
            "externalAnswerOptionIds": [cell] if options and cell else [],
        }
        told = {
            "formId": 1, "submissionId": pupil.number, "elementId": item["elementId"],
            "externalElementId": code, "elementType": item["elementType"],
            "createdDate": pupil.sent.isoformat(), **chosen, **more,
        }  # fmt: skip
        if not options:
            told["textAnswer"] = cell
        return [json.dumps(told, ensure_ascii=False)] if cell else []

    rows = item.get("subElements", ())
    if not rows:
        return line(str(item["externalElementId"]))
    return [
        each
        for row in rows  # type: ignore[attr-defined]
        for each in line(row["externalElementId"], subElementId=row["subElementId"])
    ]


OWN_COLUMNS = ("school", "class_group", "grade", "gender", "pupil_code", "submitted_on")


def _own_rows() -> list[dict[str, str]]:
    return [
        {
            "school": "S01",
            "class_group": "7A",
            "grade": "7",
            "gender": GENDERS.get(p.gender, ""),
            "pupil_code": p.code,
            "submitted_on": str(p.sent.date()),
            "enrolled_on": str(p.enrolled),
            **{f"{CORE}.{item}": code for item, code in codes_of(p).items()},
        }
        for p in PUPILS
    ]


def _own(content: bytes) -> Export:
    codes = "\n".join(f'"{CORE}.{item}" = {{ {DONT_KNOW} = "{DK}" }}' for item in ITEMS)
    survey = (
        'id = "klasse"\nname = "Klassen"\ntool = "canonical"\nlinkage = "pseudonymous"\n'
        f'instruments = ["{CORE}"]\n[codes]\n{codes}\n'
    )
    return Export("canonical", content, survey, sure=None, has_persons=False)


def own_csv(*, day: Callable[[str], str] = str) -> Export:
    """Our own headings; `day` writes a date in another way."""
    rows = [
        {**row, "submitted_on": day(row["submitted_on"]), "enrolled_on": day(row["enrolled_on"])}
        for row in _own_rows()
    ]
    return _own(delimited(list(rows[0]), *(list(row.values()) for row in rows), delimiter=";"))


def own_xlsx() -> Export:
    rows = _own_rows()
    return _own(workbook(list(rows[0]), *(list(row.values()) for row in rows)))


def own_parquet() -> Export:
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(_own_rows()), content)
    return _own(content.getvalue())


def own_lines() -> Export:
    return _own("".join(json.dumps(row) + "\n" for row in _own_rows()).encode())
