"""One survey: what the columns of its export mean and whether codes can be linked.

`linkage` has no default on purpose: only a pseudonymous survey can flag pupils, and a person has
to have said which kind this is.
"""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.declared import Declared
from schemas.network_rule import NETWORK

Tool = Literal[
    "canonical",
    "nettskjema",
    "limesurvey",
    "redcap",
    "qualtrics",
    "microsoft_forms",
    "google_forms",
    "kobo",
    "odk",
    "surveyjs",
    "fhir",
]
Linkage = Literal["pseudonymous", "none"]

# What a row says of the pupil and the class, apart from the answers. The canonical formats use
# these very names as column headings.
CONTEXT_COLUMNS = (
    "wave",
    "school",
    "class_group",
    "grade",
    "gender",
    "pupil_code",
    "submission",
    "submitted_on",
    "enrolled_on",
    "answer_time_ms",
    "answer_time_s",
)


CHOSEN = "chosen_"  # how our names for columns of choices begin


class Nominations(Declared):
    """Columns in which a pupil names, by code, class mates to be with in one situation.

    A table for each situation. Needs `linkage = "pseudonymous"`. Only positive choices: there is no
    key for "with whom would you rather not be", and a file that says otherwise is refused
    (docs/decisions.md, Flags).
    """

    situation: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,19}$",
        description="A name of your own for what was asked about: `breaks`, `work`.",
    )
    columns: tuple[str, ...] = Field(
        min_length=1,
        max_length=20,
        description="The export's columns. A cell holds a pupil code, or several with `;`, `,` or"
        " spaces between them.",
    )
    choices: str = Field(
        default="positive", description="`positive`, and nothing else: see docs/decisions.md."
    )

    @field_validator("choices")
    @classmethod
    def _are_positive(cls, choices: str) -> str:
        if choices != "positive":
            raise ValueError("only positive choices are taken; docs/decisions.md says why")
        return choices


class Survey(Declared):
    """How one survey's export becomes canonical rows.

    `columns` maps a context column to the export's column, `constants` gives a context column one
    value for the whole survey, `items` maps `instrument_key.item` to the export's column, and
    `codes` maps an export's answer to the instrument's code where the two differ.
    `dropped` lists export columns that are known and never stored, `free_text` those of which only
    is stored whether there was text.
    """

    id: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="Never change it once forms are stored: they are stored under it.",
    )
    name: str = Field(description="As people know it.")
    tool: Tool = Field(
        description="Where the export comes from. `canonical`: columns bear our own names. With"
        " any other, every column is mapped or dropped."
    )
    linkage: Linkage = Field(
        description="Whether a code links a form to a pupil. `none`: class signals only."
    )
    instruments: tuple[str, ...] = Field(
        min_length=1,
        description="Keys with version, such as `who5_v1`. Every item of them must be in the file.",
    )
    columns: dict[str, str] = Field(default={}, description="Context column = the export's column.")
    constants: dict[str, str] = Field(
        default={}, description="Context column = one value for every row."
    )
    items: dict[str, str] = Field(
        default={}, description='`"instrument_key.item"` = the export\'s column.'
    )
    codes: dict[str, dict[str, str]] = Field(
        default={},
        description='`"instrument_key.item"` = a table: the export\'s answer = our option code, or'
        " `dont_know`, `skipped` or `not_asked`; a context column likewise, in our words. Capitals,"
        " spaces and underscores of an answer in words make no difference.",
    )
    dropped: tuple[str, ...] = Field(
        default=(), description="Columns of the export that are known and never stored."
    )
    free_text: tuple[str, ...] = Field(
        default=(),
        description="Columns of the export in which pupils write freely. What they wrote is never"
        " stored: only whether there was anything.",
    )
    nominations: tuple[Nominations, ...] = ()
    not_asked: tuple[str, ...] = Field(
        default=(),
        description="Columns of ours that this export does not have: items that are not asked.",
    )
    switched_on: dict[str, str] = Field(
        default={},
        description="Instrument key = who switched it on, when, and under which agreement: needed"
        " for an instrument that is off by default.",
    )
    codebook: str | None = Field(
        default=None,
        description="File in `surveys/` with the form's questions: Nettskjema elements or `.sps`,"
        " `.lss`, REDCap dictionary, `.qsf`, XLSForm or FHIR Questionnaire.",
    )
    inbox_folder: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Name of a folder in `inbox/`. Where the headings of an export fit several"
        " survey files, one that lies in this folder, or below it, belongs to this survey.",
    )
    encoding: Literal["cp1252"] | None = Field(
        default=None,
        description="`cp1252` where the export is a CSV of a Windows program that cannot write"
        " UTF-8. Tried only for a file that is not UTF-8 and whose headings fit this survey.",
    )

    @property
    def chosen(self) -> dict[str, str]:
        """Canonical column of choices -> the export's: `chosen_breaks_1`, `chosen_breaks_2`."""
        return {
            name: self.columns.get(name, column)  # a signed decision names another one there
            for asked in self.nominations
            for name, column in zip(self.columns_of(asked), asked.columns, strict=True)
        }

    @property
    def asks(self) -> frozenset[str]:
        """What rules may look at here: its instruments, and choices where it asks for them."""
        return frozenset((*self.instruments, *([NETWORK] if self.nominations else [])))

    def columns_of(self, asked: Nominations) -> list[str]:
        """The canonical columns of one situation's choices."""
        return [
            f"{CHOSEN}{asked.situation}_{number}" for number in range(1, len(asked.columns) + 1)
        ]

    @field_validator("inbox_folder")
    @classmethod
    def _is_one_folder(cls, name: str | None) -> str | None:
        if name and (name.startswith(".") or "/" in name or not name.strip()):
            raise ValueError("inbox_folder is the name of one folder, and not a hidden one")
        return name

    @model_validator(mode="after")
    def _context_is_known(self) -> Self:
        named = [*self.columns, *self.constants]
        strangers = sorted(set(named) - set(CONTEXT_COLUMNS))
        if strangers:
            raise ValueError(f"columns/constants: not a context column: {', '.join(strangers)}")
        if len(named) != len(set(named)):
            raise ValueError("a context column is both mapped and constant")
        if {"answer_time_ms", "answer_time_s"} <= set(named):
            raise ValueError("the time for the form is mapped twice: in milliseconds or in seconds")
        if set(self.dropped) & set(self.free_text):
            raise ValueError("a column is both dropped and free_text")
        answers = list(self.items.values())
        if len(answers) != len(set(answers)) or set(answers) & set(self.columns.values()):
            raise ValueError("a column that answers an item is mapped twice")
        if self.linkage == "none" and "pupil_code" in named:
            raise ValueError("linkage is none, yet pupil_code is mapped")
        if (
            self.linkage == "pseudonymous"
            and self.tool != "canonical"
            and "pupil_code" not in named
        ):
            raise ValueError("linkage is pseudonymous, yet pupil_code is not mapped")
        return self

    @model_validator(mode="after")
    def _choices_can_be_linked(self) -> Self:
        if self.nominations and self.linkage == "none":
            raise ValueError("nominations need pupil codes: linkage is none")
        situations = [asked.situation for asked in self.nominations]
        if len(situations) != len(set(situations)):
            raise ValueError("two tables of [[nominations]] have the same situation")
        asked = [column for table in self.nominations for column in table.columns]
        others = {*self.columns.values(), *self.items.values(), *self.dropped, *self.free_text}
        if len(asked) != len(set(asked)) or others & set(asked):
            raise ValueError("a column of [[nominations]] stands elsewhere in the file as well")
        return self
