"""The class as Microsoft Forms, Google Forms, KoboToolbox and ODK Central export it."""

import io
import zipfile
from datetime import timedelta

from tests.support.eight_pupils import (
    CONTEXT,
    DEVICE,
    EMAIL,
    GENDER_WORDS,
    NAME,
    PUPILS,
    SHORT,
    WORDS,
    Export,
    codes_of,
    delimited,
    survey_toml,
    utc,
    words_of,
    workbook,
)

_ASKED = {"kode": "Elevkode", "kjonn": "Jeg er", "begynte": "Når begynte du?", **WORDS}


def _worded(tool: str, **context: str) -> str:
    return survey_toml(
        tool,
        items=WORDS,
        words=True,
        pupil_code=_ASKED["kode"],
        gender=_ASKED["kjonn"],
        enrolled_on=_ASKED["begynte"],
        **context,
    )


def microsoft_forms(*, english: bool = False) -> Export:
    """The workbook, in the language of whoever exports."""
    norwegian = ["ID", "Starttidspunkt", "Fullføringstidspunkt", "E-postadresse", "Navn"]
    own = ["ID", "Start time", "Completion time", "Email", "Name"] if english else norwegian
    rows = [
        [at, p.sent - timedelta(seconds=61), p.sent, EMAIL, NAME,
         p.code, GENDER_WORDS.get(p.gender, ""), p.enrolled, *words_of(p).values()]
        for at, p in enumerate(PUPILS, start=1)
    ]  # fmt: skip
    survey = _worded("microsoft_forms", submission="submission_id", submitted_on="created")
    survey = survey.replace("dropped = []", 'dropped = ["answer_time_ms"]')
    return Export("microsoft_forms", workbook([*own, *_ASKED.values()], *rows), survey)


def google_forms() -> Export:
    """The CSV of a Norwegian sheet: dots in the dates, in the stamp and in the answers."""
    rows = [
        [p.sent.strftime("%d.%m.%Y kl. %H.%M.%S"), EMAIL, p.code, GENDER_WORDS.get(p.gender, ""),
         p.enrolled.strftime("%d.%m.%Y"), *words_of(p).values()]
        for p in PUPILS
    ]  # fmt: skip
    text = delimited(["Tidsmerke", "E-postadresse", *_ASKED.values()], *rows, end="\r\n")
    return Export("google_forms", text, _worded("google_forms", submitted_on="created"), "likely")


def kobo() -> Export:
    """The CSV with XML names; Kobo writes its times in UTC."""
    end = ["_id", "_uuid", "_submission_time", "_validation_status", "_notes", "_status"]
    end += ["_submitted_by", "__version__", "_tags", "_index"]
    rows = [
        [p.code, p.gender, p.enrolled, EMAIL, *codes_of(p).values(), p.number, f"u-{p.number}",
         utc(p).strftime("%Y-%m-%dT%H:%M:%S"), "", NAME, "submitted_via_web", NAME, "v1", "", at]
        for at, p in enumerate(PUPILS, start=1)
    ]  # fmt: skip
    headings = [*CONTEXT.values(), "username", *SHORT.values(), *end]
    survey = survey_toml(
        "kobo",
        dropped=("_uuid", "_validation_status", "_status", "__version__", "_tags", "_index"),
        submission="_id",
        submitted_on="_submission_time",
    )
    return Export("kobo", delimited(headings, *rows, delimiter=";", quote_all=True), survey)


def _odk_table() -> bytes:
    end = ["KEY", "SubmitterID", "SubmitterName", "AttachmentsPresent", "AttachmentsExpected"]
    end += ["Status", "ReviewState", "DeviceID", "Edits", "FormVersion"]
    rows = [
        [utc(p).strftime("%Y-%m-%dT%H:%M:%S.000Z"), p.code, p.gender, p.enrolled,
         *codes_of(p).values(), f"uuid:{p.number}", 5, NAME, 0, 0, "", "", DEVICE, 0, "v1"]
        for p in PUPILS
    ]  # fmt: skip
    asked = [f"om-{name}" for name in CONTEXT.values()] + list(SHORT.values())
    return delimited(["SubmissionDate", *asked, *end], *rows)


def odk(*, packed: bool = True) -> Export:
    """Central's zip of the main table, a repeat and a picture; or the main table alone."""
    content = _odk_table()
    if packed:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
            members.writestr("klasse.csv", content)
            members.writestr(
                "klasse-venner.csv", f"navn,PARENT_KEY,KEY\n{NAME},uuid:41000001,uuid:41000001/v[1]"
            )
            members.writestr("media/1.jpg", b"\xff\xd8\xff" + NAME.encode())
        content = archive.getvalue()
    survey = survey_toml(
        "odk",
        dropped=(
            "AttachmentsPresent", "AttachmentsExpected", "Status", "ReviewState", "Edits",
            "FormVersion",
        ),
        pupil_code="om-kode",
        gender="om-kjonn",
        enrolled_on="om-begynte",
        submission="KEY",
        submitted_on="SubmissionDate",
    )  # fmt: skip
    return Export("odk", content, survey)
