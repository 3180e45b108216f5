"""How sure we are that a file is a tool's export, and what told us."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Evidence:
    """`marks` are signatures of our own list that the file has; nothing is quoted from the file.

    `certain`: no other tool writes these. `likely`: people's own headings could look the same.
    """

    tool: str
    sure: Literal["certain", "likely"]
    marks: tuple[str, ...]
