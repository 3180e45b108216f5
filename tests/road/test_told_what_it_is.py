"""A file that is no answers is told what it is, and what to do about it."""

import gzip
import io
import json
import zipfile
from dataclasses import replace

import pytest

from flows.draft import draft_from
from flows.home import HomeError
from schemas.reason import Reason, reason_texts
from tests.readers.small_xlsx import workbook
from tests.support import exports_nested
from tests.support.home import class_list, csv_bytes, drop, form, make_home, outcomes, run
from tests.support.tool_road import go, home_for

ROWS = csv_bytes([form("P001"), form("P002")])
LSS = b"<?xml version='1.0'?><document><LimeSurveyDocType>Survey</LimeSurveyDocType></document>"


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


SPREADSHEET = b"application/vnd.oasis.opendocument.spreadsheet"
XLSB = zipped(**{"xl/workbook__bin": b"x", "xl/worksheets/sheet1__bin": b"y"})
XLSFORM = (
    b"survey,,,\n,type,name,label\n,text,q1,Hei\n,select_one a,q2,Du\n"
    b"choices,,,\n,list_name,name,label\n,a,1,Ja\n"
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(svar__csv=ROWS), Reason.FILE_PACKED),
        (gzip.compress(ROWS), Reason.FILE_PACKED),
        (b"7z\xbc\xaf\x27\x1c rest", Reason.FILE_PACKED),
        (zipped(content__xml="<office/>", mimetype="x"), Reason.NOT_A_TABLE),
        (zipped(mimetype=SPREADSHEET, content__xml="<office/>"), Reason.OTHER_WORKBOOK),
        (zipped(mimetype=SPREADSHEET[:-11] + b"text", content__xml="<x/>"), Reason.NOT_A_TABLE),
        (XLSB, Reason.OTHER_WORKBOOK),
        (b"%PDF-1.7 and more", Reason.NOT_A_TABLE),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, Reason.OLD_WORKBOOK),
        (b"<html><body><table><tr><td>1</td></tr></table></body></html>", Reason.WEB_PAGE),
        (b"\n<table border=1><tr><td>1</td></tr></table>", Reason.WEB_PAGE),
        (LSS, Reason.CODEBOOK_DELIVERED),
        (b'[{"elementType":"RADIO","elementId":1}]', Reason.CODEBOOK_DELIVERED),
        (b'{"resourceType":"Questionnaire","item":[]}', Reason.CODEBOOK_DELIVERED),
        (b"* Skjema.\nVARIABLE LABELS q1 'En, to'.\n", Reason.CODEBOOK_DELIVERED),
        (b"type,name,label\ntext,q1,Hei\n", Reason.CODEBOOK_DELIVERED),
        (XLSFORM, Reason.CODEBOOK_DELIVERED),
        (b'{\n "a": {"b": 1},\n "c": [1]\n}\n', Reason.JSON_WITHOUT_ROWS),
        (b"[1, 2]", Reason.JSON_WITHOUT_ROWS),
        (b'[[1], {"a": [2]}]', Reason.JSON_WITHOUT_ROWS),
        (b'{\n "a": 1,\n "b": 2\n}\n', Reason.NOT_RECOGNISED),
        (b'{"a": 1, "b": 2}\n', Reason.NOT_RECOGNISED),
        (b'{\n "a": {"b": 1},,\n}\n', Reason.UNREADABLE),
        (b"\x1e\x02\x03 nothing known", Reason.UNREADABLE),
        (b"dag;rett\nmandag;fisk\n", Reason.NOT_RECOGNISED),
        (b"KX41;Kari;5;girl;FJELL\nKX42;Ola;4;boy;FJELL\n", Reason.HEADER_MISSING),
    ],
)
def test_what_the_file_is_is_told(tmp_path, content, reason):
    home = make_home(tmp_path / "home")
    drop(home, "svar", content)

    assert outcomes(run(home))["svar"].reason == reason


@pytest.mark.parametrize("code", [Reason.HEADER_REPEATED, Reason.FILE_PACKED, Reason.OLD_WORKBOOK])
def test_words_say_what_to_do(code):
    text = reason_texts()[code]
    wanted = {
        Reason.HEADER_REPEATED: ("tittel", "tittel", "title"),
        Reason.FILE_PACKED: ("Pakk", "Pakk", "Unpack"),
        Reason.OLD_WORKBOOK: (".xlsx", ".xlsx", ".xlsx"),
    }[code]
    assert all(word in said for word, said in zip(wanted, (text.nb, text.nn, text.en), strict=True))


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (
            lambda text: text.replace(b"enrolled\n", b"enrolled;merknad\n").replace(b"22", b"22;x"),
            None,
        ),
        (lambda text: text.replace(b"enrolled", b"antall"), "enrolled"),
        (lambda text: text.replace(b"school_year", b"aar"), "school_year"),
    ],
)
def test_a_class_list_with_a_flaw_is_told_that_it_is_one(tmp_path, change, column):
    home = make_home(tmp_path / "home")
    drop(home, "liste.csv", change(class_list(("S01", "7A", 22))))

    told = outcomes(run(home))["liste.csv"]

    assert (told.reason, told.column) == (Reason.CLASS_LIST_COLUMNS, column)


def test_dates_whose_order_nothing_proves_are_told_as_such(tmp_path):
    home = make_home(tmp_path / "home")
    rows = [form(f"P00{day}", wave="", submitted_on=f"{day}/11/2025") for day in (5, 6)]
    drop(home, "svar.csv", csv_bytes(rows))

    assert outcomes(run(home))["svar.csv"].reasons == {"DATE_ORDER_UNPROVEN": 2}


def test_a_date_that_is_none_is_not_told_as_a_wave_too(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "svar.csv", csv_bytes([form("P001", wave="", submitted_on="2025-02-30")]))

    assert outcomes(run(home))["svar.csv"].reasons == {"DATE_INVALID": 1}


def test_responses_that_were_all_taken_back_are_told_as_such(tmp_path):
    export = exports_nested.fhir()
    bundle = json.loads(export.content)
    for entry in bundle["entry"]:
        entry["resource"]["status"] = "entered-in-error"
    taken_back = replace(export, content=json.dumps(bundle).encode())

    ran = go(home_for(tmp_path / "home", taken_back), taken_back, "svar.json")

    assert ran.outcome.reason == Reason.ALL_WITHDRAWN


def test_survey_is_not_drafted_from_the_form_itself(tmp_path):
    form_rows = [["type", "name", "label"], ["text", "q1", "Hei"]]
    for name, content in (("f.xlsx", workbook(form_rows)), ("f.csv", XLSFORM)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(HomeError, match="CODEBOOK_DELIVERED"):
            draft_from(tmp_path / name, None)


def test_number_in_a_spreadsheet_of_another_kind_is_found(tmp_path):
    home = make_home(tmp_path / "home")
    cells = "<table><p>Kari</p><p>13100462944</p></table>"
    drop(home, "a.ods", zipped(mimetype=SPREADSHEET, content__xml=cells))

    assert outcomes(run(home))["a.ods"].reason == "PERSONAL_DATA"
