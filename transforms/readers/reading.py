"""What every reader returns: an all-text table, with where each row stood in the file.

A reader never judges a value. It reports what it could not read as rows, so that
rows read + rows malformed = rows delivered, always.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from schemas.personal import Personal
from schemas.reason import Reason

QuestionKind = Literal["one", "many", "number", "date", "text", "unknown"]
Missing = Literal["not_asked", "skipped", "dont_know"]


PersonAt = tuple[int, Personal, str]  # row, kind, and the column: its number, or a name of ours


class FileProblem(Exception):  # noqa: N818 - a problem of the file, not an error of ours
    """The whole file cannot be used. Carries a reason code and places, never a value.

    `tool` is the survey tool that the file was recognised as, where it was, and `rows` how many
    rows a reader found before that. `decision` is the text of a decision file for a person to sign,
    where the export has changed. `persons` are the places of personal data; None where nobody has
    looked at what the file's columns hold. `folders` of the inbox would tell whose the file is: the
    name of each, and its survey. `lacking` are our names of columns that the survey must have
    and the file lacks; `added` counts its columns that nobody has decided on. `sheet` is another
    sheet of a workbook that could hold the answers: its number from the left, and its rows.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        column: str | None = None,
        line: int | None = None,
        tool: str | None = None,
        rows: int | None = None,
        decision: str | None = None,
        persons: tuple[PersonAt, ...] | None = None,
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.column = column
        self.line = line
        self.tool = tool
        self.rows = rows
        self.decision = decision
        self.persons = persons
        self.folders: Mapping[str, str] = {}
        self.lacking: tuple[str, ...] = ()
        self.added = 0
        self.sheet: tuple[int, int] | None = None

    def with_tool(self, tool: str | None = None, rows: int | None = None) -> "FileProblem":
        """The same problem, with what is known of the file and was not told yet."""
        told = FileProblem(
            self.reason,
            column=self.column,
            line=self.line,
            tool=self.tool or tool,
            rows=rows if self.rows is None else self.rows,
            decision=self.decision,
            persons=self.persons,
        )
        told.folders, told.lacking, told.added = self.folders, self.lacking, self.added
        told.sheet = self.sheet
        return told

    def with_sheet(self, sheet: tuple[int, int] | None) -> "FileProblem":
        """The same problem, with a further sheet that could hold the answers."""
        told = self.with_tool()
        told.line, told.sheet = self.line, sheet
        return told

    def with_columns(self, lacking: tuple[str, ...], added: int) -> "FileProblem":
        """The same problem, with what the file's columns are too few and too many of."""
        told = self.with_tool()
        told.line, told.lacking, told.added = self.line, lacking, added
        return told

    def with_folders(self, folders: Mapping[str, str]) -> "FileProblem":
        """The same problem, with the folders that would solve it."""
        told = self.with_tool()
        told.line, told.folders = self.line, folders
        return told

    def with_persons(self, persons: tuple[PersonAt, ...]) -> "FileProblem":
        """The same problem, with where the file holds personal data."""
        told = self.with_tool()
        told.line, told.persons = self.line, persons
        return told


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """A record that is there, and is not a row: its line, why, and its text as delivered."""

    row_no: int
    reason: Reason
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a codebook: its label, and the label of each code.

    `missing` says which codes are no answer, where the codebook itself says so. `personal` marks a
    question whose answers the codebook calls identifying. `labels` holds the label in each further
    language, by language code, and `option_labels` the labels of the codes likewise.
    """

    label: str = ""
    options: dict[str, str] = field(default_factory=dict)
    kind: QuestionKind = "unknown"
    missing: dict[str, Missing] = field(default_factory=dict)
    personal: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    option_labels: dict[str, dict[str, str]] = field(default_factory=dict)


Codebook = dict[str, Question]


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of one file.

    `table`: one column a heading, `string` or `dictionary<string>`. A null cell was not asked; an
    empty string was asked and left blank. `row_no`: int32, the line or the sheet row that each row
    of `table` stood on, the heading being row 1. `dropped` counts columns that were left out
    because the tool is known to put personal data into them. `unread` counts rows of a workbook's
    further sheets; `other_sheet` is the one that could be forms: its number, and its rows.
    """

    table: pa.Table = field(repr=False)
    row_no: pa.Array = field(repr=False)
    format: str
    malformed: tuple[MalformedRow, ...] = ()
    codebook: Codebook = field(default_factory=dict)
    dropped: Mapping[Personal, int] = field(default_factory=dict)
    unread: int = 0
    other_sheet: tuple[int, int] | None = None

    @property
    def delivered(self) -> int:
        """Rows that the file holds."""
        return int(self.table.num_rows) + len(self.malformed)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one or several files that have the same headings, in file order.

    `file_no` and `row_no` are int32 arrays beside `table`; `malformed` pairs a file number with
    a row that is none.
    """

    table: pa.Table = field(repr=False)
    file_no: pa.Array = field(repr=False)
    row_no: pa.Array = field(repr=False)
    malformed: tuple[tuple[int, MalformedRow], ...] = ()


def batch_of(reading: Reading, file_no: int) -> Batch:
    """One file's reading as a batch."""
    return Batch(
        table=reading.table,
        file_no=pa.repeat(pa.scalar(file_no, pa.int32()), reading.table.num_rows),
        row_no=reading.row_no,
        malformed=tuple((file_no, row) for row in reading.malformed),
    )
