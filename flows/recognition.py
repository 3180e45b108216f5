"""What a file is: recognised by its content, read by the reader of its format, typed by its survey.

A file that cannot be used raises FileProblem, whatever is wrong with it.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

from flows import reading_room
from flows.class_lists import ClassList, package_of
from flows.home import Config
from flows.inbox import Arrival
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.canonical import canonical_batch
from transforms.codebooks.nettskjema_elements import Elements, is_elements, read_elements
from transforms.readers import nettskjema
from transforms.readers.delimited import (
    Heading,
    as_utf8,
    holds_text,
    read_batches,
    read_delimited,
    read_heading,
    require_closed,
)
from transforms.readers.ndjson import first_keys
from transforms.readers.reading import Batch, Codebook, FileProblem, Reading, batch_of
from transforms.readers.sniff import sniff
from transforms.readers.structure import require_bounded
from transforms.recognise import (
    Layout,
    choose,
    is_class_list,
    item_columns,
    lay_out,
    recognise,
)
from transforms.tools import known
from transforms.tools.evidence import Evidence
from transforms.validate import Validated, Validator
from warehouse.load import Incoming

log = logging.getLogger(__name__)

T = TypeVar("T")

_NETTSKJEMA = Evidence("nettskjema", "certain", ("$submission_id",))


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
    kind = sniff(content).format
    if kind == "unknown" and (package := package_of(content, config)):
        return Delivery(arrival, "oneroster", None, class_list=package)
    if kind == "delimited":
        return _recognise_text(arrival, config)
    if kind in ("ndjson", "json") and nettskjema.is_nettskjema_answers(first_keys(content)):
        return _recognise_answers(arrival, config)
    if kind in ("ndjson", "json", "unknown"):
        for evidence in _marks(content):
            read = partial(_read_bytes, evidence.tool, content)
            delivery = _of_tool(arrival, kind, evidence, read, config)
            if delivery is not None:
                return delivery
    return _recognise_table(arrival, _read_table(kind, content), kind, config)


def _recognise_text(arrival: Arrival, config: Config) -> Delivery:
    text = as_utf8(arrival.content or b"")
    heading = read_heading(text)
    require_closed(text)
    require_bounded(text, heading.delimiter.encode())
    own = _own_layout(heading.columns, config)
    if own is None:
        return _recognise_table(arrival, read_delimited(text), "csv", config)
    if not holds_text(text, heading.size):
        raise FileProblem(Reason.NO_ROWS)
    return Delivery(arrival, "csv", own, heading=heading, text=text)


def _own_layout(columns: Sequence[str], config: Config) -> Layout | None:
    """The canonical survey that the columns fit, if one and only one does."""
    layouts = [
        lay_out(columns, survey, config.instruments) for survey in _of(config, "canonical").values()
    ]
    fitting = [layout for layout in layouts if layout.fits]
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
    columns = reading.table.column_names
    if is_class_list(columns):
        return Delivery(arrival, kind, None, class_list=ClassList(reading))
    if nettskjema.is_nettskjema_table(columns):
        reading = nettskjema.from_table(reading, _nearest(reading, _forms(config)))
        return _laid_out(arrival, kind, reading, config)
    if _own_layout(columns, config) is None:
        for evidence in known.recognise_table(reading, _books_by_tool(config)):
            read = partial(known.read_table, evidence.tool, reading)
            delivery = _of_tool(arrival, kind, evidence, read, config)
            if delivery is not None:
                return delivery
    layout = recognise(columns, _of(config, "canonical"), config.instruments)
    return Delivery(arrival, kind, layout, reading=reading)


def _laid_out(arrival: Arrival, kind: str, reading: Reading, config: Config) -> Delivery:
    """A Nettskjema delivery with the survey that its columns fit."""
    columns = reading.table.column_names
    layout = recognise(columns, _of(config, "nettskjema"), config.instruments)
    return Delivery(arrival, kind, layout, reading=reading, evidence=_NETTSKJEMA)


def _of_tool(
    arrival: Arrival,
    kind: str,
    evidence: Evidence,
    read: Callable[[Codebook | None], Reading],
    config: Config,
) -> Delivery | None:
    """The delivery, if a survey of the tool fits; None where the tool was only likely.

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
        layout = choose([layout for layout, _ in layouts.values()])
    except FileProblem as problem:
        if evidence.sure != "certain":
            return None
        raise FileProblem(
            problem.reason, column=problem.column, tool=evidence.tool, decision=problem.decision
        ) from None
    return Delivery(arrival, kind, layout, reading=layouts[id(layout)][1], evidence=evidence)


def _read_with(
    read: Callable[[Codebook | None], Reading], book: Codebook | None, evidence: Evidence
) -> Reading | None:
    """The reading; None where the codebook is another form's. A damaged file is a problem."""
    try:
        return read(book)
    except FileProblem as problem:
        if problem.reason in (Reason.HEADER_MISMATCH, Reason.CODEBOOK_MISSING):
            return None
        raise FileProblem(
            problem.reason, column=problem.column, line=problem.line, tool=evidence.tool
        ) from None


def _books_by_tool(config: Config) -> dict[str, list[Codebook]]:
    books: dict[str, list[Codebook]] = {}
    for key, book in config.books.items():
        books.setdefault(config.surveys[key].tool, []).append(book)
    return books


def _recognise_answers(arrival: Arrival, config: Config) -> Delivery:
    forms = [content for content in config.codebooks.values() if is_elements(content)]
    reading = reading_room.read("nettskjema_answers", arrival.content or b"", forms=forms)
    return _laid_out(arrival, "ndjson", reading, config)


def read_export(content: bytes, book: bytes | None) -> tuple[str, Reading]:
    """The tool and the one shape of an export that no survey describes yet, with its codebook.

    FileProblem where it is nothing that we can read. Our own format is `canonical`.
    """
    codebook = known.read_codebook(book) if book else None
    is_form = book is not None and is_elements(book)
    kind = sniff(content).format
    if kind in ("ndjson", "json") and nettskjema.is_nettskjema_answers(first_keys(content)):
        forms = [book] if book and is_form else []
        return "nettskjema", reading_room.read("nettskjema_answers", content, forms=forms)
    if kind in ("ndjson", "json", "unknown"):
        for evidence in _marks(content):
            return evidence.tool, _read_bytes(evidence.tool, content, codebook)
    reading = _read_table(kind, content)
    if nettskjema.is_nettskjema_table(reading.table.column_names):
        elements = _elements_of(book) if book and is_form else None
        return "nettskjema", nettskjema.from_table(reading, elements)
    books = {"redcap": [codebook]} if codebook else {}
    for evidence in known.recognise_table(reading, books):
        return evidence.tool, known.read_table(evidence.tool, reading, codebook)
    return "canonical", reading


def _marks(content: bytes) -> list[Evidence]:
    """The tools whose marks a file has that is no table; looked for in the reading room."""
    found = reading_room.read("marks", content).table.to_pylist()
    return [Evidence(row["tool"], row["sure"], tuple(row["marks"].split("\n"))) for row in found]


def _read_bytes(tool: str, content: bytes, codebook: Codebook | None) -> Reading:
    return known.in_our_words(reading_room.read(tool, content, codebook=codebook))


def _read_table(kind: str, content: bytes) -> Reading:
    if kind == "unknown":
        raise FileProblem(Reason.UNREADABLE)
    return reading_room.read(kind, content)


_elements_of = lru_cache(maxsize=32)(read_elements)  # of a few forms, for hundreds of files


def _forms(config: Config) -> list[Elements]:
    return [_elements_of(content) for content in config.codebooks.values() if is_elements(content)]


def _nearest(reading: Reading, forms: Sequence[Elements]) -> Elements | None:
    """The form that has most of the file's columns, if it has more of them than it lacks."""
    names = {name for name in reading.table.column_names if not name.startswith("$")}
    known = {id(form): len(names & {column.name for column in form.columns}) for form in forms}
    nearest = max(forms, key=lambda form: known[id(form)], default=None)
    return nearest if nearest and 2 * known[id(nearest)] > len(names) else None


def validated_blocks(deliveries: Sequence[Delivery], config: Config) -> Iterator[Validated]:
    """The typed rows of one survey's deliveries; `file_no` is the place in `deliveries`."""
    validators: dict[int, tuple[Validator, list[str]]] = {}
    for batch, layout in _read_ahead(_batches(deliveries)):
        form = id(layout.survey)  # a changed form of a survey has columns and codes of its own
        if form not in validators:
            validators[form] = (
                Validator(layout.survey, config.instruments, config.settings),
                item_columns(layout.survey, config.instruments),
            )
        validator, items = validators[form]
        yield validator.validate(canonical_batch(batch, layout, items))


def _read_ahead(batches: Iterator[T]) -> Iterator[T]:
    """Read the next block while this one is validated: reading lets other threads work."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def _batches(deliveries: Sequence[Delivery]) -> Iterator[tuple[Batch, Layout]]:
    """Texts with the same heading as one stream of blocks, every other reading by itself."""
    texts: dict[Heading, list[tuple[int, Delivery]]] = {}
    for file_no, delivery in enumerate(deliveries):
        if delivery.heading is not None:
            texts.setdefault(delivery.heading, []).append((file_no, delivery))
        elif delivery.reading is not None and delivery.layout is not None:
            yield batch_of(delivery.reading, file_no), delivery.layout
    for heading, group in texts.items():
        layout = group[0][1].layout
        if layout is not None:
            contents = ((file_no, delivery.text) for file_no, delivery in group)
            for batch in read_batches(contents, heading):
                yield batch, layout
