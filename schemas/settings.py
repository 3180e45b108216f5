"""The settings of one municipality: `klassepuls.toml`.

What the law leaves to the municipality (who a flag goes to, how long rows are kept) stands here
as a decision that a person has signed, never as a hidden default.
"""

from datetime import date
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.class_date import names_a_day
from schemas.class_name import LONGEST
from schemas.declared import Declared
from schemas.settings_board import Board
from schemas.settings_delivery import Delivery, Recipient
from schemas.settings_intake import Intake
from schemas.settings_mail import Mail
from schemas.settings_notices import Notices
from schemas.settings_server import Schedule as Schedule  # noqa: PLC0414 - as ever, from here
from schemas.settings_server import Server

DocLanguage = Literal["nb", "nn", "en"]
ReportLanguage = Literal["nb", "nn", "en", "se"]  # se: headings and levels, the rest in bokmål
SCHOOL_ID = r"^[A-Z0-9][A-Z0-9_-]{0,19}$"
MIN_N_FLOOR = 5


class Municipality(Declared):
    """Number and name; the number is part of every pseudonym."""

    number: str = Field(
        pattern=r"^[0-9]{4}$",
        description="Four digits. Part of every pseudonym: never change it.",
    )
    name: str = Field(description="As it stands in the foot of the reports.")


class School(Declared):
    """A school as the survey exports name it (`id`) and as people know it (`name`)."""

    id: str = Field(pattern=SCHOOL_ID, description="As the survey exports write the school.")
    name: str = Field(description="As people know it; the heading of its reports.")
    register_id: str | None = Field(
        default=None,
        min_length=1,
        description="As class lists write the school where that differs: its organisation number,"
        " or OneRoster's `sourcedId`.",
    )
    recipients: tuple[Recipient, ...] = ()


class Wave(Declared):
    """One round of a survey. A row belongs to it by name, or by its date within opens..closes."""

    id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,29}$",
        description="As a row's wave column writes it; also the name of the report folder.",
    )
    name: str = Field(description="As people know it.")
    school_year: str = Field(
        pattern=r"^[0-9]{4}-[0-9]{2}$", description="2026-27; class lists belong to one."
    )
    opens: date = Field(description="First day of the survey. Waves must not overlap.")
    closes: date = Field(description="Last day of the survey.")

    @model_validator(mode="after")
    def _closes_after_it_opens(self) -> Self:
        if self.closes < self.opens:
            raise ValueError("closes before it opens")
        return self


class Suppression(Declared):
    """Disclosure limits; they can be raised here and never lowered below the floor in code."""

    min_n: int = Field(
        default=MIN_N_FLOOR,
        ge=MIN_N_FLOOR,
        description="No figure on fewer pupils is published.",
    )
    grades_of_schools: bool = Field(
        default=False,
        description="Publish grades of schools too. What is hidden among them is proven number by"
        " number, and tried again by the attacker: with twenty schools some four seconds a wave.",
    )


class PublicationPlan(Declared):
    """When a wave is published: it is frozen then, so late files get some days first."""

    days_after_close: int = Field(
        default=7,
        ge=0,
        le=60,
        description="Whole days that late files get after a wave has closed.",
    )


class QuarantinePlan(Declared):
    """How long something may wait in quarantine for a person, before it is given up."""

    keep_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="Days that a row or a file waits; then it is rejected by time.",
    )


class Retention(Declared):
    """How long what is about single pupils is kept; `klassepuls erase --expired` holds to it.

    What waits in quarantine has a limit of its own, and published figures are kept.
    """

    raw_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="Days that a delivered file stays in `outcome/` once it is loaded.",
    )
    report_days: int = Field(
        default=90, ge=7, le=730, description="Days that a flag report stays once it is written."
    )
    pupil_years: int = Field(
        default=1,
        ge=0,
        le=10,
        description="School years that a pupil's rows are kept after the last one in which the"
        " pupil answered or stood on a class list. A school year ends on 31 July.",
    )


class Cases(Declared):
    """How support groups are put together here, and how long it is kept who helped."""

    smallest_group: int = Field(
        default=5, ge=2, le=12, description="Fewest helpers of a support group."
    )
    largest_group: int = Field(
        default=8, ge=2, le=20, description="Most helpers of a support group."
    )
    helper_days: int = Field(
        default=30,
        ge=0,
        le=365,
        description="Days that it is kept who helped, once a case is closed.",
    )

    @model_validator(mode="after")
    def _smallest_is_not_the_larger(self) -> Self:
        if self.smallest_group > self.largest_group:
            raise ValueError("smallest_group is more than largest_group")
        return self


class ClassNames(Declared):
    """Names of classes that nothing in them marks as such, as `Bjørnene`."""

    names: tuple[str, ...] = Field(
        default=(),
        description="Taken besides `7A`, `5-6`, `Gruppe Blå` and the like. Never a child's name.",
    )

    @field_validator("names")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if any(not name.strip() or len(name) > LONGEST for name in names):
            raise ValueError(f"a class's name has 1 to {LONGEST} signs")
        if any(map(names_a_day, names)):
            raise ValueError("a date is no class's name: 5-7-10 is, behind a word (Klasse 5-7-10)")
        return names


class PupilCodes(Declared):
    """What the pupil codes of the municipality look like."""

    of_letters: str = Field(
        default="",
        description="Who says, and when, that codes of letters alone are codes here and no names."
        " Without it a file or a list of which most codes are words waits.",
    )


class ClassLists(Declared):
    """How class lists from a register that speaks OneRoster are read."""

    pupil_code: Literal["sourcedId", "identifier", "none"] = Field(
        default="none",
        description="Which column of `users.csv` is the pupil code of the surveys; with `none`"
        " pupils are only counted.",
    )


class Routing(Declared):
    """Who receives pupil flags, and who decided it. Without it there are class flags only."""

    decided_by: str = Field(
        min_length=2, description="Who decided: a role or a name. It stands in every report."
    )
    decided_on: date = Field(description="When it was decided.")
    pupil_flags_to: Literal["health_service"] = Field(
        description="Who receives flags about single pupils."
    )
    bullied_by_adults_to: Literal["health_service_lead", "school_owner"] = Field(
        description="Who receives flags of pupils who answer that adults at school bully them."
    )


class Security(Declared):
    """Whether `restricted/` lies encrypted: Klassepuls cannot do it, so a person answers for it."""

    encrypted_volume: Literal["checked", "waived"] = Field(
        description="`checked`: the volume of the home is encrypted, and somebody has looked."
        " `waived`: it is not, or nobody can say, and that was decided."
    )
    decided_by: str = Field(min_length=2, description="Who looked or decided: a role or a name.")
    decided_on: date = Field(description="When.")
    why: str = Field(
        min_length=10, description="How it was checked; or why not, and what protects instead."
    )


class Settings(Declared):
    """`klassepuls.toml`."""

    municipality: Municipality
    languages: tuple[ReportLanguage, ...] = Field(
        default=("nb", "en"),
        min_length=1,
        description="Each report is written once in each; reports in any other are removed. `se`:"
        " headings and levels in Northern Sámi, not reviewed; sentences in bokmål.",
    )
    schools: tuple[School, ...] = Field(min_length=1, alias="school")
    waves: tuple[Wave, ...] = Field(min_length=1, alias="wave")
    schedule: Schedule = Schedule()
    server: Server = Server()
    suppression: Suppression = Suppression()
    publication: PublicationPlan = PublicationPlan()
    quarantine: QuarantinePlan = QuarantinePlan()
    retention: Retention = Retention()
    cases: Cases = Cases()
    board: Board = Board()
    classes: ClassNames = ClassNames()
    class_lists: ClassLists = ClassLists()
    pupil_codes: PupilCodes = PupilCodes()
    routing: Routing | None = None
    security: Security | None = None
    intake: Intake = Intake()
    mail: Mail | None = None
    delivery: Delivery | None = None
    notices: Notices | None = None

    @model_validator(mode="after")
    def _ids_stand_once_and_waves_do_not_overlap(self) -> Self:
        for what, ids in (
            ("school", [school.id for school in self.schools]),
            ("wave", [wave.id for wave in self.waves]),
            ("school", [school.register_id or school.id for school in self.schools]),
        ):
            if len(ids) != len(set(ids)):
                raise ValueError(f"two entries of [[{what}]] have the same id")
        ordered = sorted(self.waves, key=lambda wave: wave.opens)
        for earlier, later in pairwise(ordered):
            if later.opens <= earlier.closes:
                raise ValueError(f"waves {earlier.id} and {later.id} overlap")
        return self

    @model_validator(mode="after")
    def _has_a_server_for_its_mail(self) -> Self:
        if self.delivery and self.delivery.mail and self.mail is None:
            raise ValueError("[delivery.mail] needs a mail server: add [mail]")
        return self

    @model_validator(mode="after")
    def _seals_all_or_nothing(self) -> Self:
        """A home of which some reports lie open would look as if it were sealed."""
        without = [school.id for school in self.schools if not school.recipients]
        if len(without) == len(self.schools):
            if self.delivery is not None:
                raise ValueError("[delivery] is for sealed reports: no school has [[recipients]]")
            return self
        if without:
            raise ValueError(
                f"school {without[0]} has no [[school.recipients]] and others have: reports are"
                " sealed of all schools or of none"
            )
        if self.routing and not (self.delivery and self.delivery.bullied_by_adults):
            raise ValueError(
                "reports are sealed, and nobody is named who opens those about adults: add"
                " [[delivery.bullied_by_adults]]"
            )
        return self

    @model_validator(mode="after")
    def _notices_can_be_sent(self) -> Self:
        if self.notices is None:
            return self
        if self.notices.needs_mail and self.mail is None:
            raise ValueError("[notices] sends mail: say in [mail] through which server")
        if {one.id for one in self.notices.schools} - {school.id for school in self.schools}:
            raise ValueError("[[notices.school]] has an id that no [[school]] has")
        return self
