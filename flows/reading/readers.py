"""The readers that serve untrusted files in the child process, by name.

A new reader is served by adding its name here. What it is asked with comes from the home, which is
trusted: the survey's codebook, or the codebook files of every form that may be meant.
"""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import get_args
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from flows.reading.post import Ask
from schemas.reason import Reason
from transforms.codebooks.nettskjema_elements import read_elements
from transforms.oneroster import PupilCode, read_rosters
from transforms.oneroster_files import FILES as ONEROSTER_FILES
from transforms.readers import nettskjema
from transforms.readers.delimited import read_delimited
from transforms.readers.letters import as_utf8
from transforms.readers.ndjson import read_ndjson
from transforms.readers.parquet import read_parquet
from transforms.readers.reading import Codebook, FileProblem, Reading
from transforms.readers.xlsx import read_xlsx
from transforms.roster_sheet import FORMAT as ONEROSTER
from transforms.roster_sheet import to_sheet
from transforms.tools import fhir, known, odk, surveyjs
from transforms.undecided import look_through

Reader = Callable[[bytes, Ask], Reading]

_elements_of = lru_cache(maxsize=32)(read_elements)  # of a few forms, for hundreds of files


def _plain(read: Callable[[bytes], Reading]) -> Reader:
    return lambda content, _ask: read(content)


def _tool(read: Callable[[bytes, Codebook | None], Reading]) -> Reader:
    return lambda content, ask: read(content, ask.codebook)


def _register(pupil_code: PupilCode) -> Reader:
    return lambda content, _ask: to_sheet(read_rosters(content, pupil_code=pupil_code))


def _nettskjema_answers(content: bytes, ask: Ask) -> Reading:
    """Answers of the first form whose elements know them; CODEBOOK_MISSING where none does."""
    for form in ask.forms:
        try:
            return nettskjema.from_answers(content, _elements_of(form))
        except FileProblem as problem:
            if problem.reason != Reason.CODEBOOK_MISSING:
                raise
    raise FileProblem(Reason.CODEBOOK_MISSING)


def _marks(content: bytes, _ask: Ask) -> Reading:
    """What tools a file that is no table may come from, a row a tool: name, how sure, and why."""
    found = known.recognise_bytes(content)
    columns = {
        "tool": [evidence.tool for evidence in found],
        "sure": [evidence.sure for evidence in found],
        "marks": ["\n".join(evidence.marks) for evidence in found],
    }
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    return Reading(table, pa.array(range(len(found)), pa.int32()), "marks")


READERS: Mapping[str, Reader] = {
    "delimited": _plain(lambda content: read_delimited(as_utf8(content))),
    "xlsx": _plain(read_xlsx),
    "parquet": _plain(read_parquet),
    "ndjson": _plain(read_ndjson),
    "json": _plain(read_ndjson),
    "nettskjema_answers": _nettskjema_answers,
    "marks": _marks,
    "persons": _plain(look_through),
    "fhir": _tool(fhir.read_bytes),
    "odk": _tool(odk.read_bytes),
    "surveyjs": _tool(surveyjs.read_bytes),
    **{f"{ONEROSTER} {column}": _register(column) for column in get_args(PupilCode)},
}


def warm_up() -> None:
    """Read one small file of each format: afterwards no library has a file of its own to open.

    The child gives up its right to open anything before it sees the first untrusted byte, so time
    zones, thread pools and modules that are loaded at first use are loaded here.
    """
    form = json.dumps([{"elementId": 1, "elementType": "QUESTION", "externalElementId": "q"}])
    samples = {
        "delimited": b'a;b\n1;"2"\n',
        "xlsx": _workbook(),
        "parquet": _parquet(),
        "ndjson": b'{"a":1.5}\n',
        "nettskjema_answers": b'{"submissionId":1,"elementId":1,"elementType":"QUESTION",'
        b'"answerOptionIds":[],"externalAnswerOptionIds":[],"textAnswer":"x",'
        b'"createdDate":"2025-11-05T10:00"}\n',
        f"{ONEROSTER} identifier": _register_package(),
    }
    for name, content in samples.items():
        READERS[name](content, Ask(forms=[form.encode()]))


def _workbook() -> bytes:
    """The least that a workbook is: one sheet with a heading and a row."""
    sheet = '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>'
    relations = '<Relationship Id="r1" Type="{}/{}" Target="{}"/>'.format
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    packed = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    parts = {
        "_rels/.rels": f"<Relationships {packed}>"
        f"{relations(kind, 'officeDocument', 'xl/workbook.xml')}</Relationships>",
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{kind}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships {packed}>"
        f"{relations(kind, 'worksheet', 'worksheets/sheet1.xml')}</Relationships>",
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{sheet}</sheetData></worksheet>",
    }
    return _zipped(parts)


def _register_package() -> bytes:
    """The least that a register's package is: a class with a pupil, of dates to be proven."""
    return _zipped(
        {
            "manifest.csv": "propertyName,value\n"
            + "".join(f"file.{name},bulk\n" for name in ONEROSTER_FILES),
            "orgs.csv": "sourcedId,identifier\no,9\n",
            "academicSessions.csv": "sourcedId,startDate,endDate\ny,2025-08-18,2026-06-19\n",
            "courses.csv": "sourcedId,grades\nk,07\n",
            "classes.csv": "sourcedId,schoolSourcedId,courseSourcedId,termSourcedIds\nc,o,k,y\n",
            "enrollments.csv": "sourcedId,classSourcedId,userSourcedId,role,beginDate\n"
            "e,c,p,student,20/8/2025\n",
            "users.csv": "sourcedId,identifier\np,P01\n",
            "roles.csv": "userSourcedId,role\np,student\n",
        }
    )


def _zipped(parts: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def _parquet() -> bytes:
    moment = datetime(2025, 11, 5, 10, tzinfo=ZoneInfo("Europe/Oslo"))
    columns = {
        "text": pa.array(["x"]),
        "number": pa.array([1.5]),
        "moment": pa.array([moment], pa.timestamp("us", "Europe/Oslo")),
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()
