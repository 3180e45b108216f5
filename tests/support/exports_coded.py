"""The class as LimeSurvey, REDCap and Qualtrics export it."""

import json
from collections.abc import Mapping, Sequence

from tests.support.eight_pupils import (
    CONTEXT,
    DONT_KNOW,
    DONT_KNOW_WORDS,
    EMAIL,
    GENDER_WORDS,
    IP,
    ITEMS,
    LABELS,
    NAME,
    PUPILS,
    SHORT,
    WORDS,
    Export,
    codes_of,
    delimited,
    survey_toml,
    words_of,
)

_LIME_OWN = ("id", "submitdate", "lastpage", "startlanguage", "seed", "ipaddr", "token")
_LIME_CODES = {**SHORT, **{f: f"mobbing[{SHORT[f]}]" for f in ITEMS[3:6]}}
_LIME_DROPPED = ("lastpage", "startlanguage", "seed")


def limesurvey(*, words: bool = False) -> Export:
    """Codes; or question texts and full answers, which only the structure can turn into codes."""
    own = ["Respons-ID", "Dato sendt", "Siste side", "Startspråk", "Seed", "IP-adresse"]
    headings = [
        *([*own, "Tilgangsnøkkel"] if words else _LIME_OWN),
        *(_LIME_TEXTS.values() if words else ("kode", "kjonn", "begynte", *_LIME_CODES.values())),
    ]
    rows = []
    for pupil in PUPILS:
        said = words_of(pupil) if words else codes_of(pupil)
        gender = GENDER_WORDS.get(pupil.gender, "") if words else pupil.gender
        sent = pupil.sent.isoformat(" ")
        tool = [pupil.number, sent, 3, "nb", 77, IP, f"hemmelig{pupil.number}"]
        rows.append([*tool, pupil.code, gender, f"{pupil.enrolled} 00:00:00", *said.values()])
    text = delimited(headings, *rows, delimiter=";", quote_all=True, end="\r\n")
    survey = survey_toml(
        "limesurvey",
        items=_LIME_CODES,
        dropped=_LIME_DROPPED,
        codebook="klasse.lss",
        submission="id",
        submitted_on="submitdate",
    )
    return Export("limesurvey", b"\xef\xbb\xbf" + text + b"\r\n", survey, codebook=_lss())


_LIME_TEXTS = {
    "kode": "Hva er elevkoden din?",
    "kjonn": "Hva er du?",
    "begynte": "Når begynte du på skolen?",
    **{item: WORDS[item] for item in ITEMS[:3]},
    **{item: f"Hvem? [{WORDS[item]}]" for item in ITEMS[3:6]},
    **{item: WORDS[item] for item in ITEMS[6:]},
}


def _lss() -> bytes:
    questions, subquestions, texts, answers, labels = [], [], [], [], []

    def ask(kind: str, code: str, words: str, options: Mapping[str, str]) -> int:
        number = 100 * (len(questions) + 1)
        questions.append(
            {"qid": number, "parent_qid": 0, "gid": 1, "type": kind, "title": code,
             "question_order": len(questions)}
        )  # fmt: skip
        texts.append({"qid": number, "question": words, "language": "nb"})
        for at, (option, label) in enumerate(options.items()):
            answers.append({"aid": number + at, "qid": number, "code": option, "sortorder": at})
            labels.append({"aid": number + at, "answer": label, "language": "nb"})
        return number

    def options_of(item: str) -> dict[str, str]:
        return {**LABELS[item], DONT_KNOW: DONT_KNOW_WORDS}

    ask("S", "kode", _LIME_TEXTS["kode"], {})
    ask("L", "kjonn", _LIME_TEXTS["kjonn"], GENDER_WORDS)
    ask("D", "begynte", _LIME_TEXTS["begynte"], {})
    for item in (*ITEMS[:3], *ITEMS[6:]):
        ask("L", SHORT[item], WORDS[item], options_of(item))
    parent = ask("F", "mobbing", "Hvem?", options_of(ITEMS[3]))
    for at, item in enumerate(ITEMS[3:6], start=1):
        subquestions.append(
            {"qid": parent + at, "parent_qid": parent, "gid": 1, "type": "T",
             "title": SHORT[item], "question_order": at, "scale_id": 0}
        )  # fmt: skip
        texts.append({"qid": parent + at, "question": WORDS[item], "language": "nb"})

    def table(name: str, rows: Sequence[Mapping[str, object]]) -> str:
        cells = (
            "".join(f"<{key}><![CDATA[{value}]]></{key}>" for key, value in row.items())
            for row in rows
        )
        return f"<{name}><rows>" + "".join(f"<row>{c}</row>" for c in cells) + f"</rows></{name}>"

    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<document>\n'
        " <LimeSurveyDocType>Survey</LimeSurveyDocType>\n"
        + table("questions", questions)
        + table("subquestions", subquestions)
        + table("question_l10ns", texts)
        + table("answers", answers)
        + table("answer_l10ns", labels)
        + table("surveys", [{"sid": 1, "language": "nb"}])
        + "</document>"
    ).encode()


def redcap() -> Export:
    """A raw export of a survey project; the dictionary marks the guardian's name and address."""
    headings = ["record_id", "redcap_survey_identifier", "klasse_timestamp", "kode", "kjonn"]
    headings += ["begynte", "foresatt", "epost", *SHORT.values(), "klasse_complete"]
    rows = [
        [at, EMAIL, p.sent.isoformat(" "), p.code, p.gender, p.enrolled, NAME, EMAIL,
         *codes_of(p).values(), 2]
        for at, p in enumerate(PUPILS, start=1)
    ]  # fmt: skip
    survey = survey_toml(
        "redcap",
        dropped=("klasse_complete",),
        codebook="klasse.csv",
        submission="record_id",
        submitted_on="klasse_timestamp",
    )
    return Export("redcap", delimited(headings, *rows), survey, codebook=_dictionary())


_DICTIONARY = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note",
    "Text Validation Type OR Show Slider Number", "Text Validation Min", "Text Validation Max",
    "Identifier?", "Branching Logic (Show field only if...)", "Required Field?",
    "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?",
    "Field Annotation",
)  # fmt: skip


# Which of them are filled in, and with what.
_FILLED = {
    "name": 0, "form": 1, "type": 3, "label": 4, "choices": 5, "validation": 7, "identifier": 10
}  # fmt: skip


def _dictionary() -> bytes:
    def row(name: str, kind: str = "text", label: str = "", **more: str) -> list[str]:
        told = {"name": name, "form": "klasse", "type": kind, "label": label, **more}
        cells = {_DICTIONARY[at]: told.get(key, "") for key, at in _FILLED.items()}
        return [cells.get(heading, "") for heading in _DICTIONARY]

    def choices(options: Mapping[str, str]) -> str:
        return " | ".join(f"{code}, {label}" for code, label in options.items())

    return delimited(
        _DICTIONARY,
        row("record_id"),
        row("kode", label="Elevkode"),
        row("kjonn", "radio", "Kjønn", choices=choices(GENDER_WORDS)),
        row("begynte", label="Begynte", validation="date_ymd"),
        row("foresatt", label="Foresattes navn", identifier="y"),
        row("epost", label="E-post", validation="email"),
        *(
            row(
                SHORT[item],
                "radio",
                WORDS[item],
                choices=choices({**LABELS[item], DONT_KNOW: DONT_KNOW_WORDS}),
            )
            for item in ITEMS
        ),
    )


def qualtrics() -> Export:
    """Three heading rows: names, words, ImportIds."""
    own = {
        "StartDate": "startDate", "EndDate": "endDate", "Status": "status",
        "IPAddress": "ipAddress", "Progress": "progress", "Finished": "finished",
        "RecordedDate": "recordedDate", "ResponseId": "_recordId",
        "RecipientLastName": "recipientLastName", "RecipientEmail": "recipientEmail",
    }  # fmt: skip
    asked = {name: f"QID{at}" for at, name in enumerate(("kode", "kjonn", "begynte"), start=1)}
    asked |= {SHORT[item]: f"QID{at}" for at, item in enumerate(ITEMS, start=4)}
    ids = {**own, **asked}
    rows = [
        [p.sent.isoformat(" "), p.sent.isoformat(" "), 0, IP, 100, 1, p.sent.isoformat(" "),
         f"R_{p.number}", NAME, EMAIL, p.code, p.gender, p.enrolled, *codes_of(p).values()]
        for p in PUPILS
    ]  # fmt: skip
    words = [f"Ord for\n{name}" for name in ids]
    imports = [json.dumps({"ImportId": each}, separators=(",", ":")) for each in ids.values()]
    return Export("qualtrics", delimited(list(ids), words, imports, *rows), _qualtrics_survey())


def _qualtrics_survey() -> str:
    return survey_toml(
        "qualtrics",
        dropped=("StartDate", "EndDate", "Status", "Progress", "Finished", "ResponseSet"),
        submission="ResponseId",
        submitted_on="RecordedDate",
    )


def qualtrics_legacy() -> Export:
    """Two heading rows, a byte order mark, and a comma at the end of each line."""
    own = ["ResponseID", "ResponseSet", "Name", "EmailAddress", "IPAddress", "Status"]
    own += ["StartDate", "EndDate", "Finished"]
    headings = [f"V{at}" for at in range(1, len(own) + 1)] + list(CONTEXT.values())
    headings += list(SHORT.values())
    words = [*own, *CONTEXT, *WORDS.values()]
    rows = [
        [f"R_{p.number}", "Default", NAME, EMAIL, IP, 0, p.sent.isoformat(" "),
         p.sent.isoformat(" "), 1, p.code, p.gender, p.enrolled, *codes_of(p).values()]
        for p in PUPILS
    ]  # fmt: skip
    text = delimited(headings, words, *rows).replace(b"\n", b",\n")
    survey = _qualtrics_survey().replace('"RecordedDate"', '"EndDate"')
    survey = survey.replace('"EndDate", "Status"', '"Status"')
    return Export("qualtrics", b"\xef\xbb\xbf" + text, survey)
