"""What a file is: recognised by its content, read by the reader of its format, typed by its survey.

A file that cannot be used raises FileProblem, whatever is wrong with it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias, TypeVar

from flows.class_lists import ClassList, package_of
from flows.home import Config
from flows.inbox import Arrival
from flows.inbox_folder import folder_of
from flows.quarantine.second_look import looked_through, told_where_they_stand, told_with_persons
from flows.reading import room as reading_room
from flows.reading.export import elements_of, marks_of, read_bytes, read_table
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.codebooks.nettskjema_elements import Elements, is_elements
from transforms.readers import nettskjema
from transforms.readers.delimited import read_delimited
from transforms.readers.foreign import told_better
from transforms.readers.heading import (
    Heading,
    heading_as_named,
    holds_text,
    looks_like_data,
)
from transforms.readers.letters import as_utf8, from_cp1252, require_our_letters, require_unspoilt
from transforms.readers.ndjson import first_keys
from transforms.readers.reading import Codebook, FileProblem, Reading
from transforms.readers.sniff import sniff
from transforms.readers.structure import require_bounded, require_closed
from transforms.readers.tail import without_empty_tail
from transforms.recognise import (
    Layout,
    choose,
    is_class_list,
    lay_out,
    of_folder,
    recognise,
)
from transforms.spelling import composed_table
from transforms.strange import strange_table
from transforms.tools import known
from transforms.tools.evidence import Evidence
from warehouse.entries import Incoming

log = logging.getLogger(__name__)

T = TypeVar("T")

_NETTSKJEMA = Evidence("nettskjema", "certain", ("$submission_id",))

Read: TypeAlias = Callable[[Codebook | None], Reading]
Found: TypeAlias = tuple[Evidence, Read]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file that was recognised: what it is, and its text, its reading or its class list."""

    arrival: Arrival
    format: str
    layout: Layout | None
    heading: Heading | None = None
    text: bytes = b""
    reading: Reading | None = None
    evidence: Evidence | None = None
    class_list: ClassList | None = None

    @property
    def incoming(self) -> Incoming:
        """The delivery as the ledger knows it."""
        return Incoming(self.arrival.delivery_id, self.format, len(self.arrival.content or b""))


def recognise_arrival(arrival: Arrival, config: Config) -> Delivery:
    """What a file is; FileProblem where it is nothing that we can use.

    A reader may stumble over a damaged file in a way that nobody foresaw. That must not stop the
    files of everybody else, tonight and every night, so such a file is UNREADABLE.
    """
    if arrival.content is None:
        raise FileProblem(arrival.problem or Reason.NOT_A_FILE)
    try:
        return _recognise(arrival, arrival.content, config)
    except (FileProblem, reading_room.ReadingRoomError):
        raise
    except Exception as error:  # noqa: BLE001 - the boundary to what other people's bytes may do
        log.warning("a reader stopped with %s", type(error).__name__)
    raise FileProblem(Reason.UNREADABLE)


def _recognise(arrival: Arrival, content: bytes, config: Config) -> Delivery:
    try:
        return _of_content(arrival, content, config)
    except FileProblem as problem:
        raise looked_through(told_better(problem, content), content) from None


def _of_content(arrival: Arrival, content: bytes, config: Config) -> Delivery:
    kind = sniff(content).format
    if kind == "unknown" and (package := package_of(content, config)):
        return Delivery(arrival, "oneroster", None, class_list=package)
    if kind == "delimited":
        return _recognise_text(arrival, content, config)
    if kind in ("ndjson", "json") and nettskjema.is_nettskjema_answers(first_keys(content)):
        return _recognise_answers(arrival, config)
    found: list[Found] = []
    if kind in ("ndjson", "json", "unknown"):
        found = [
            (evidence, partial(read_bytes, evidence.tool, content))
            for evidence in marks_of(content)
        ]
    return _of_tools(arrival, kind, found, config, otherwise=partial(_of_format, kind))


def _of_format(kind: str, arrival: Arrival, config: Config) -> Delivery:
    """A file of no tool that is known: read by its format alone."""
    return _recognise_table(arrival, read_table(kind, arrival.content or b""), kind, config)


def _recognise_text(arrival: Arrival, content: bytes, config: Config) -> Delivery:
    try:
        text = as_utf8(content)
    except FileProblem:
        return _recognise_declared(arrival, content, config)
    return _of_text(arrival, text, config)


def _recognise_declared(arrival: Arrival, content: bytes, config: Config) -> Delivery:
    """A text that is not UTF-8, if it is what one survey declares and fits that survey."""
    declaring = {key: survey for key, survey in config.surveys.items() if survey.encoding}
    if not declaring:
        raise FileProblem(Reason.ENCODING_UNKNOWN)
    text = from_cp1252(content)
    require_our_letters(heading_as_named(text).columns)
    narrowed = replace(
        config,
        surveys=declaring,
        codebooks={key: each for key, each in config.codebooks.items() if key in declaring},
        books={key: book for key, book in config.books.items() if key in declaring},
    )
    try:
        delivery = _of_text(arrival, text, narrowed)
    except FileProblem as problem:
        if problem.reason in _FITS_NONE:
            raise FileProblem(Reason.ENCODING_UNKNOWN, tool=problem.tool) from None
        raise
    if delivery.layout is None:
        raise FileProblem(Reason.ENCODING_UNKNOWN)
    return delivery


_TELLS_LITTLE = (Reason.NOT_RECOGNISED, Reason.UNREADABLE, Reason.JSON_WITHOUT_ROWS)
_FITS_NONE = frozenset({Reason.NOT_RECOGNISED, Reason.HEADER_MISMATCH, Reason.SURVEY_MISSING})


def _heading_of(text: bytes) -> Heading:
    """The heading; where a column is named twice, the problem tells what tool it looks like."""
    heading = heading_as_named(text)
    require_unspoilt(heading.columns)
    if len(set(heading.columns)) < len(heading.columns):
        tool = known.tool_of_headings(heading.columns)
        is_data = tool is None and looks_like_data(heading.columns)
        raise FileProblem(Reason.HEADER_MISSING if is_data else Reason.HEADER_REPEATED, tool=tool)
    return heading


def _of_text(arrival: Arrival, text: bytes, config: Config) -> Delivery:
    text = without_empty_tail(text)
    heading = _heading_of(text)
    require_closed(text)
    require_bounded(text, heading.delimiter.encode())
    own = _own_layout(arrival, heading.columns, config)
    if own is None:
        return _recognise_table(arrival, read_delimited(text), "csv", config)
    if not holds_text(text, heading.size, heading.delimiter):
        raise FileProblem(Reason.NO_ROWS)
    return Delivery(arrival, "csv", own, heading=heading, text=text)


def _own_layout(arrival: Arrival, columns: Sequence[str], config: Config) -> Layout | None:
    """The canonical survey that the columns fit, if one and only one does."""
    layouts = [
        lay_out(columns, survey, config.instruments) for survey in _of(config, "canonical").values()
    ]
    fitting = [layout for layout in layouts if layout.fits]
    if len(fitting) > 1:
        fitting = of_folder(fitting, folder_of(arrival.path, config.inbox))
    return fitting[0] if len(fitting) == 1 else None


def _of(config: Config, tool: str) -> dict[str, Survey]:
    """The surveys of a tool, and their changed forms that somebody has decided on."""
    return {
        f"{key}/{at}": form
        for key, survey in config.surveys.items()
        if survey.tool == tool
        for at, form in enumerate((survey, *config.variants.get(key, ())))
    }


def _recognise_table(arrival: Arrival, reading: Reading, kind: str, config: Config) -> Delivery:
    reading = replace(reading, table=composed_table(reading.table))
    require_unspoilt(reading.table.column_names)
    try:
        return _of_table(arrival, reading, kind, config)
    except FileProblem as problem:
        told = problem.with_tool(rows=reading.delivered).with_sheet(reading.other_sheet)
        raise told_where_they_stand(told, reading, config) from None


def _of_table(arrival: Arrival, reading: Reading, kind: str, config: Config) -> Delivery:
    columns = reading.table.column_names
    if is_class_list(columns):
        return Delivery(arrival, kind, None, class_list=ClassList(reading))
    own = _own_layout(arrival, columns, config)
    if own is not None:
        return Delivery(arrival, kind, own, reading=reading)
    found: list[Found] = [
        (evidence, partial(known.read_table, evidence.tool, reading))
        for evidence in known.recognise_table(reading, _books_by_tool(config))
    ]
    if nettskjema.is_nettskjema_table(columns):
        _require_one_tool([_NETTSKJEMA, *(evidence for evidence, _ in found)])
        reading = nettskjema.from_table(reading, _nearest(reading, _forms(config)))
        return _laid_out(arrival, kind, reading, config)
    return _of_tools(arrival, kind, found, config, otherwise=partial(_of_own, reading, kind))


def _of_own(reading: Reading, kind: str, arrival: Arrival, config: Config) -> Delivery:
    """A table of no tool that is known: one of our own, or a problem that says how near it is."""
    surveys, folder = _of(config, "canonical"), folder_of(arrival.path, config.inbox)
    try:
        layout = recognise(reading.table, surveys, config.instruments, folder)
    except FileProblem as problem:
        if problem.reason != Reason.NOT_RECOGNISED:
            raise
        raise strange_table(reading) from None
    return Delivery(arrival, kind, layout, reading=reading)


def _laid_out(arrival: Arrival, kind: str, reading: Reading, config: Config) -> Delivery:
    """A Nettskjema delivery with the survey that its columns fit."""
    surveys = _of(config, "nettskjema")
    try:
        if not surveys:
            raise FileProblem(Reason.SURVEY_MISSING)
        folder = folder_of(arrival.path, config.inbox)
        layout = recognise(reading.table, surveys, config.instruments, folder)
    except FileProblem as problem:
        raise problem.with_tool("nettskjema", reading.delivered) from None
    return Delivery(arrival, kind, layout, reading=reading, evidence=_NETTSKJEMA)


def _require_one_tool(found: Sequence[Evidence]) -> None:
    """Two tools' own marks in one file: somebody has put it together, and nobody may guess."""
    if len({evidence.tool for evidence in found if evidence.sure == "certain"}) > 1:
        raise FileProblem(Reason.NOT_RECOGNISED)


def _of_tools(
    arrival: Arrival,
    kind: str,
    found: Sequence[Found],
    config: Config,
    *,
    otherwise: Callable[[Arrival, Config], Delivery],
) -> Delivery:
    """The delivery of the one tool that is certain, or of the one likely tool that a survey fits.

    Where no likely tool's survey fits, what `otherwise` makes of the file; where that is nothing
    either, the likely tool's problem is told, for it says more.
    """
    _require_one_tool([evidence for evidence, _ in found])
    if found and found[0][0].sure == "certain":
        return _of_tool(arrival, kind, *found[0], config)
    fitting: list[Delivery] = []
    problems: list[FileProblem] = []
    for evidence, read in found:
        try:
            fitting.append(_of_tool(arrival, kind, evidence, read, config))
        except FileProblem as problem:
            problems.append(problem)
    if fitting:
        return _of_one_tool(arrival, fitting, config)
    try:
        return otherwise(arrival, config)
    except FileProblem as problem:
        if problems and problem.reason in _TELLS_LITTLE:
            raise min(problems, key=lambda told: told.reason == Reason.SURVEY_MISSING) from None
        raise


def _of_one_tool(arrival: Arrival, fitting: Sequence[Delivery], config: Config) -> Delivery:
    """The one delivery that is meant, of those that surveys of several tools make of a file."""
    layouts = [delivery.layout for delivery in fitting if delivery.layout]
    tables = [delivery.reading.table for delivery in fitting if delivery.reading]
    layout = choose(layouts, tables[0], folder_of(arrival.path, config.inbox))
    return next(delivery for delivery in fitting if delivery.layout is layout)


def _of_tool(
    arrival: Arrival, kind: str, evidence: Evidence, read: Read, config: Config
) -> Delivery:
    """The delivery, if a survey of the tool fits; else the problem, with the tool and the rows.

    Each survey is tried with its own codebook, for the codebook decides how columns are called.
    """
    tried = [
        (survey, reading)
        for survey in _of(config, evidence.tool).values()
        if (reading := _read_with(read, config.books.get(survey.id), evidence)) is not None
    ]
    layouts = {
        id(layout): (layout, reading)
        for survey, reading in tried
        for layout in [lay_out(reading.table.column_names, survey, config.instruments)]
    }
    try:
        if not tried:
            raise FileProblem(Reason.SURVEY_MISSING)
        # Every survey reads the same file: what it holds is told by any of the readings.
        found = [layout for layout, _ in layouts.values()]
        layout = choose(found, tried[0][1].table, folder_of(arrival.path, config.inbox))
    except FileProblem as problem:
        readings = [reading for _, reading in tried] or _without_book(read)
        rows = max((reading.delivered for reading in readings), default=None)
        told = problem.with_tool(evidence.tool, rows)
        for reading in readings[:1]:
            told = told_with_persons(told, reading, config)
        raise told from None
    return Delivery(arrival, kind, layout, reading=layouts[id(layout)][1], evidence=evidence)


def _without_book(read: Read) -> list[Reading]:
    """What a file of a tool holds that no survey is there for."""
    try:
        return [read(None)]
    except FileProblem:
        return []


def _read_with(read: Read, book: Codebook | None, evidence: Evidence) -> Reading | None:
    """The reading; None where the codebook is another form's. A damaged file is a problem."""
    try:
        return read(book)
    except FileProblem as problem:
        if problem.reason in (Reason.HEADER_MISMATCH, Reason.CODEBOOK_MISSING):
            return None
        raise problem.with_tool(evidence.tool) from None


def _books_by_tool(config: Config) -> dict[str, list[Codebook]]:
    books: dict[str, list[Codebook]] = {}
    for key, book in config.books.items():
        books.setdefault(config.surveys[key].tool, []).append(book)
    return books


def _recognise_answers(arrival: Arrival, config: Config) -> Delivery:
    if not _of(config, "nettskjema"):
        raise FileProblem(Reason.SURVEY_MISSING, tool="nettskjema")
    forms = [content for content in config.codebooks.values() if is_elements(content)]
    try:
        reading = reading_room.read("nettskjema_answers", arrival.content or b"", forms=forms)
    except FileProblem as problem:
        raise problem.with_tool("nettskjema") from None
    return _laid_out(arrival, "ndjson", reading, config)


def _forms(config: Config) -> list[Elements]:
    return [elements_of(content) for content in config.codebooks.values() if is_elements(content)]


def _nearest(reading: Reading, forms: Sequence[Elements]) -> Elements | None:
    """The form that has most of the file's columns, if it has more of them than it lacks."""
    names = {name for name in reading.table.column_names if not name.startswith("$")}
    known = {id(form): len(names & {column.name for column in form.columns}) for form in forms}
    nearest = max(forms, key=lambda form: known[id(form)], default=None)
    return nearest if nearest and 2 * known[id(nearest)] > len(names) else None
