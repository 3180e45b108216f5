"""A person's decision on an export that has changed: signed, kept beside the survey files.

A survey file says what an export looks like. Where one comes that looks different, Klassepuls
stops it and writes what differs; nothing of it is used until a person has decided and signed.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import ClassVar

from pydantic import Field

from schemas.declared import Declared
from schemas.survey import Survey

NOT_ASKED = "not asked"
DROPPED = "dropped"


class DriftDecision(Declared):
    """What the columns and answers of a changed export mean.

    `missing` names, for a column of ours that the export lacks, the export's column that has taken
    its place, or `not asked`. `added` says `dropped` of each further column. `options` gives a new
    answer our option code, or `dont_know` or `skipped`.
    """

    outside_keys: ClassVar[Mapping[str, int]] = {"added": 1, "options": 2}

    survey: str = Field(description="The survey's id.")
    signed_by: str = Field(min_length=2, description="Who decided.")
    signed_on: date = Field(description="When.")
    missing: dict[str, str] = Field(default={}, description="Our column = what became of it.")
    added: dict[str, str] = Field(default={}, description="The export's column = `dropped`.")
    options: dict[str, dict[str, str]] = Field(
        default={}, description='`"instrument_key.item"` = a table: new answer = our code.'
    )

    def amend(self, survey: Survey) -> Survey:
        """The survey as the changed export has it; ValueError where a decision is still open.

        The error tells the table and the number in it: headings and answers are the export's.
        """
        if still_open := next(self._open(), None):
            raise ValueError(still_open)
        if strangers := sorted(set(self.added.values()) - {DROPPED}):
            raise ValueError(
                f"added: a column can be {DROPPED}, and {len(strangers)} says otherwise"
            )
        placed = {name: column for name, column in self.missing.items() if column != NOT_ASKED}
        items = {**survey.items, **{name: to for name, to in placed.items() if "." in name}}
        columns = {**survey.columns, **{name: to for name, to in placed.items() if "." not in name}}
        given_up = {name for name, column in self.missing.items() if column == NOT_ASKED}
        return survey.model_copy(
            update={
                "items": {name: to for name, to in items.items() if name not in given_up},
                "columns": {name: to for name, to in columns.items() if name not in given_up},
                "not_asked": (*survey.not_asked, *sorted(given_up)),
                "dropped": (
                    *survey.dropped,
                    *(name for name in self.added if name not in placed.values()),
                ),
                "codes": _joined(survey.codes, self.options),
            }
        )

    def _open(self) -> Iterator[str]:
        """What nobody has decided on, and what is expected there."""
        column = f'the export\'s column, or "{NOT_ASKED}"'
        yield from _blanks("missing", self.missing, column)
        yield from _blanks("added", self.added, f'"{DROPPED}"')
        for item, answers in self.options.items():
            code = "one of our option codes, dont_know or skipped"
            yield from _blanks(f'options."{item}"', answers, code)


def _blanks(table: str, decided: Mapping[str, str], expected: str) -> Iterator[str]:
    for number, answer in enumerate(decided.values(), start=1):
        if not answer:
            yield f"[{table}] number {number} of {len(decided)} is not decided on: {expected}"


def _joined(
    codes: dict[str, dict[str, str]], options: dict[str, dict[str, str]]
) -> dict[str, dict[str, str]]:
    return {name: {**codes.get(name, {}), **options.get(name, {})} for name in {**codes, **options}}
