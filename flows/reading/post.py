"""What the reading room and its child say to each other over two pipes.

To the child: a letter (JSON) that names the reader, then the bytes. From the child: a letter, then
the table as an Arrow stream. The child has read hostile bytes, so nothing that it says is taken on
trust: never pickled, every size bounded, and the table held against what a reading must be.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.types as pt
from pydantic import TypeAdapter, ValidationError

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.readers.reading import Codebook, FileProblem, MalformedRow, Reading

READY = b"R"
HEAD = struct.Struct("<QQ")  # size of the letter, size of what follows
MAX_REPLY = 1 << 30

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Ask:
    """What a reader is given beside the file: the survey's codebook, and codebook files."""

    codebook: Codebook | None = None
    forms: Sequence[bytes] = field(default=(), repr=False)


class PostError(Exception):
    """What came from the child is not what a child of ours sends."""


@dataclass(frozen=True, slots=True)
class Request:
    """The name of a reader, the survey's codebook, and the sizes of the file and the forms."""

    reader: str
    codebook: Codebook | None
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """All of a reading but its table and row numbers."""

    format: str
    rows: int
    malformed: tuple[MalformedRow, ...]
    codebook: Codebook
    dropped: dict[Personal, int]
    unread: int = 0
    other_sheet: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the file cannot be used."""

    reason: Reason
    column: str | None
    line: int | None
    sheet: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Stumbled:
    """The reader stopped with an error that nobody foresaw: its kind, never its text."""

    error: str


_REQUEST = TypeAdapter(Request)
_REPLY: TypeAdapter[Read | Refused | Stumbled] = TypeAdapter(Read | Refused | Stumbled)


def pack_request(reader: str, content: bytes, ask: Ask) -> list[Buffer]:
    """The parts of a request, in the order in which they are sent."""
    blobs = (content, *ask.forms)
    request = Request(reader, ask.codebook, tuple(len(blob) for blob in blobs))
    letter = _REQUEST.dump_json(request)
    return [HEAD.pack(len(letter), sum(request.sizes)), letter, *blobs]


def unpack_request(letter: bytes, body: bytes) -> tuple[str, bytes, Ask]:
    """The reader's name, the file, and what else the reader is given."""
    request = _REQUEST.validate_json(letter)
    if len(request.sizes) == 1:
        return request.reader, body, Ask(request.codebook)
    content, *forms = _split(body, request.sizes)
    return request.reader, content, Ask(request.codebook, tuple(forms))


def _split(body: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield body[at : at + size]
        at += size


def pack_problem(problem: BaseException) -> bytes:
    """The letter that says why there is no reading."""
    if isinstance(problem, MemoryError):
        return _REPLY.dump_json(Refused(Reason.TOO_COSTLY, None, None))
    if isinstance(problem, FileProblem):
        return _REPLY.dump_json(
            Refused(problem.reason, problem.column, problem.line, problem.sheet)
        )
    return _REPLY.dump_json(Stumbled(type(problem).__name__))


def pack_reading(reading: Reading) -> tuple[bytes, pa.Table]:
    """The letter, and the table that goes with it: the reading's, and last its row numbers."""
    read = Read(
        format=reading.format,
        rows=reading.table.num_rows,
        malformed=reading.malformed,
        codebook=reading.codebook,
        dropped=dict(reading.dropped),
        unread=reading.unread,
        other_sheet=reading.other_sheet,
    )
    fields = [*reading.table.schema, pa.field("row_no", pa.int32())]
    columns = [*reading.table.columns, pa.chunked_array([reading.row_no])]
    return _REPLY.dump_json(read), pa.table(columns, schema=pa.schema(fields))


def write_table(table: pa.Table | None, sink: Any) -> None:  # noqa: ANN401 - an Arrow stream
    """The table as an Arrow stream; nothing at all for None."""
    if table is not None:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)


def size_of(table: pa.Table | None) -> int:
    """The bytes that `write_table` will write, without a copy of them."""
    counter = pa.MockOutputStream()
    write_table(table, counter)
    return int(counter.size())


def open_reply(letter: Buffer, body: Buffer) -> Reading | Refused | Stumbled:
    """What the child says, where it is what a child may say; else PostError."""
    try:
        reply = _REPLY.validate_json(bytes(letter), strict=True)
        if not isinstance(reply, Read):
            return reply
        return _reading(reply, body)
    except (ValidationError, pa.ArrowException, OSError, ValueError, TypeError) as error:
        problem = type(error).__name__
    raise PostError(problem)


def _reading(read: Read, body: Buffer) -> Reading:
    with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
        if not _is_sound(stream.schema):
            raise ValueError("text columns and row numbers were expected")
        table = stream.read_all()
    table.validate(full=True)
    row_no = table.column(table.num_columns - 1)
    if table.num_rows != read.rows or row_no.null_count:
        raise ValueError("as many rows as told were expected, each with its number")
    counts = (read.unread, *read.dropped.values(), *(read.other_sheet or ()))
    if any(count < 0 for count in counts):
        raise ValueError("a count below nought")
    return Reading(
        table=table.remove_column(table.num_columns - 1),
        row_no=row_no.combine_chunks(),
        format=read.format,
        malformed=read.malformed,
        codebook=read.codebook,
        dropped=read.dropped,
        unread=read.unread,
        other_sheet=read.other_sheet,
    )


def _is_sound(schema: pa.Schema) -> bool:
    if not len(schema) or schema.field(len(schema) - 1).type != pa.int32():
        return False
    names = schema.names[:-1]
    kinds = [field.type for field in schema][:-1]
    return len(set(names)) == len(names) and all(
        pt.is_string(kind) or (pt.is_dictionary(kind) and pt.is_string(kind.value_type))
        for kind in kinds
    )


def read_message(stream: io.BufferedIOBase) -> tuple[bytes, bytes] | None:
    """A letter and its body from a stream that blocks; None where the stream has ended."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    sizes = HEAD.unpack(head)
    parts = tuple(stream.read(size) for size in sizes)
    whole = all(len(part) == size for part, size in zip(parts, sizes, strict=True))
    return (parts[0], parts[1]) if whole else None
