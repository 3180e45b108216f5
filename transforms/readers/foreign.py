"""What a file is that we cannot use: packed, a web page, a document, an old workbook, a codebook.

"Cannot be read" helps nobody. Only signatures are looked at; nothing is unpacked or parsed.
"""

import io
import re
import zipfile

from schemas.reason import Reason
from transforms.codebooks.fhir_questionnaire import is_fhir_questionnaire
from transforms.codebooks.lss import is_lss
from transforms.codebooks.nettskjema_elements import is_elements
from transforms.codebooks.qsf import is_qsf
from transforms.codebooks.redcap_dictionary import is_redcap_dictionary
from transforms.codebooks.xlsform import is_xlsform
from transforms.readers.reading import FileProblem
from transforms.readers.sniff import sniff

_LOOK = 65_536
_COULD_BE_ELSE = (
    Reason.UNREADABLE,
    Reason.NOT_RECOGNISED,
    Reason.ENCODING_UNKNOWN,
    Reason.JSON_WITHOUT_ROWS,
)
_OPEN_SPREADSHEET = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"  # where it begins
_BEGINS = 256
_BINARY_WORKBOOK = "xl/workbook.bin"
_KINDS = {
    **dict.fromkeys(("gzip", "bzip2", "xz", "7z", "rar", "zstd", "zip-empty"), Reason.FILE_PACKED),
    **dict.fromkeys(("pdf", "png", "jpeg", "gif"), Reason.NOT_A_TABLE),
    "ole2": Reason.OLD_WORKBOOK,
}
_REGISTER = {"manifest.csv", "orgs.csv", "classes.csv", "enrollments.csv"}  # OneRoster's names
_DOCUMENTS = {"content.xml", "word/document.xml", "ppt/presentation.xml"}
_WEB_PAGE = re.compile(rb"<(!doctype\s+html|html|table|meta|body)\b", re.IGNORECASE)
_SYNTAX = re.compile(rb"^[ \t]*(ADD[ \t]+)?(VARIABLE|VALUE)[ \t]+LABELS\b", re.I | re.M)


def told_better(problem: FileProblem, content: bytes) -> FileProblem:
    """The problem with a reason that says what the file is, where it is plainly something else.

    Only a file that nobody could read or recognise is looked at.
    """
    if problem.reason is Reason.HEADER_REPEATED:
        is_form = not content.startswith(b"PK") and is_xlsform(content)
        return FileProblem(Reason.CODEBOOK_DELIVERED) if is_form else problem
    if problem.reason not in _COULD_BE_ELSE:
        return problem
    reason = _what_it_is(content)
    return FileProblem(reason) if reason else problem


def _what_it_is(content: bytes) -> Reason | None:
    try:
        evidence = sniff(content).evidence
    except FileProblem:
        return None
    if evidence == "zip":
        return _of_zip(content)
    if evidence == "markup" and not is_lss(content):
        return Reason.WEB_PAGE if _WEB_PAGE.search(content[:_LOOK]) else None
    return _KINDS.get(evidence) or (Reason.CODEBOOK_DELIVERED if _is_codebook(content) else None)


def _of_zip(content: bytes) -> Reason | None:
    """A register's package is delivered packed: what is wrong with it is told by its reader."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = {entry.filename.replace("\\", "/").lower() for entry in archive.infolist()}
    if _REGISTER & {name.rpartition("/")[2] for name in names}:
        return None
    if _BINARY_WORKBOOK in names or _OPEN_SPREADSHEET in content[:_BEGINS]:
        return Reason.OTHER_WORKBOOK
    return Reason.NOT_A_TABLE if names & _DOCUMENTS else Reason.FILE_PACKED


def _is_codebook(content: bytes) -> bool:
    looks = (is_lss, is_qsf, is_elements, is_fhir_questionnaire, is_redcap_dictionary)
    return any(look(content) for look in looks) or bool(_SYNTAX.search(content[:_LOOK]))


def is_form_definition(columns: list[str]) -> bool:
    """Whether a table's headings are those of the first sheet of an XLSForm."""
    headings = {name.strip().casefold().partition("::")[0] for name in columns}
    return {"type", "name", "label"} <= headings
