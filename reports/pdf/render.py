"""Sets a report's view as a PDF: tagged, deterministic, with no font or file of the machine.

Typst is compiled in: it opens nothing but the template beside this file, and no network. The
standard PDF/UA-1 is enforced, so that a chart without words is an error here and not at a reader's.
"""

from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path

import typst

from reports.model import ReportError, ReportView
from reports.pdf.payload import payload
from reports.texts import Texts

_FOLDER = Path(__file__).parent
_REMEMBERED = 11


def render_pdf(view: ReportView, texts: Texts, *, issued_on: date) -> bytes:
    """The report as PDF/UA-1; equal views of a day give equal bytes.

    Raises ReportError where the template cannot be set, with Typst's word for it and no text of
    the report.
    """
    try:
        made = _compiler().compile(
            format="pdf",
            sys_inputs={"report": payload(view, texts)},
            pdf_standards="ua-1",
            timestamp=datetime.combine(issued_on, time(), UTC),
        )
    except typst.TypstError as error:
        raise ReportError(f"the PDF cannot be set: {error.message}") from None
    finally:
        _forget()
    if not isinstance(made, bytes):
        raise ReportError("the PDF cannot be set: Typst gave no file")
    return made


@cache
def _compiler() -> typst.Compiler:
    """One for all reports: it keeps its fonts."""
    return typst.Compiler(_FOLDER / "report.typ", root=_FOLDER, font_paths=_fonts())


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)


@cache
def _blank() -> typst.Compiler:
    return typst.Compiler(_FOLDER / "blank.typ", root=_FOLDER, font_paths=_fonts())


def _forget() -> None:
    """Let go of what Typst remembers of a report: pupil codes, and a hundred megabytes after ten.

    It drops what ten settings in a row have not asked for, so ten of an empty page do.
    """
    for _ in range(_REMEMBERED):
        _blank().compile(format="pdf")
