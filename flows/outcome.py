"""What became of one file of the inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas.reason import Reason
from warehouse.left_blank import Left

# What somebody should look at, though nothing waits.
ASKING = (Reason.CHOICES_UNKNOWN, Reason.LIST_WITHOUT_ZEROS)
# Rows of a file that wait with the rows of an earlier one.
_WAITING = (Reason.STILL_HELD, Reason.NOW_CONTRADICTED)


@dataclass(frozen=True, slots=True)
class HeldPlace:
    """Where a quarantined row stands, and why."""

    row_no: int
    reasons: Sequence[str]
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    `asking_unplaced` counts waiting rows that ask for help and stand in no school's report, for
    their school is not known; `left_blank` has cells that rows do without.
    `with_text` counts rows in which pupils wrote freely. `alone` and `fewest_alike` say how far the
    sound rows name nobody; null where there are none. `own_choices` and `outside_choices` count
    choices of oneself, and of codes that nobody in the class is known by. `unread` counts rows of a
    workbook's further sheets, `other_sheet` is one that could hold the answers of a refused file
    (its number from the left, its rows), and `moved` forms of before whose class, grade or gender
    is new.
    """

    delivery_id: str
    outcome: str
    survey_id: str | None = None
    format: str | None = None
    reason: Reason | None = None
    column: str | None = None
    delivered: int = 0
    accepted: int = 0
    quarantined: int = 0
    dropped: int = 0
    with_text: int = 0
    alone: int | None = None
    fewest_alike: int | None = None
    asking_unplaced: int = 0
    left_blank: Sequence[Left] = ()
    own_choices: int = 0
    outside_choices: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    rows: Sequence[HeldPlace] = ()
    still_waiting: int = 0
    tool: str | None = None
    sure: str | None = None
    marks: Sequence[str] = ()
    taken_away: Mapping[str, int] = field(default_factory=dict)
    decided: Mapping[str, int] = field(default_factory=dict)  # rows that waited: how they ended
    decided_on: str | None = None
    unread: int = 0
    other_sheet: tuple[int, int] | None = None
    moved: int = 0
    lacking: Sequence[str] = ()  # our names of columns that a refused file lacks
    added: int = 0  # its columns that nobody has decided on
    erased: int = 0  # rows that name a pupil who was erased: the copy that is put away must not
    folders: Mapping[str, str] = field(default_factory=dict)  # that would say whose it is: survey
    decision: str | None = field(default=None, repr=False)  # a file for a person to sign

    @property
    def asks_a_person(self) -> bool:
        """Whether somebody should look at the file, though nothing of it waits."""
        return any(code.value in self.reasons for code in ASKING)

    @property
    def has_waiting_rows(self) -> bool:
        """Whether rows of the file wait: its own, or the same rows of an earlier delivery."""
        known = any(self.reasons.get(code.value) for code in _WAITING)
        return bool(self.quarantined or self.still_waiting or known)


def copy_of(outcome: Outcome) -> Outcome:
    """What becomes of a further copy: a duplicate, or refused for the same reason."""
    if outcome.outcome in ("quarantined", "rejected") and outcome.reason:
        return outcome
    rows = outcome.delivered
    against = outcome.decided.get("against", 0)
    told = {Reason.DUPLICATE_ROW: rows - against, Reason.DECIDED_AGAINST: against}
    return Outcome(
        outcome.delivery_id,
        "duplicate",
        survey_id=outcome.survey_id,
        format=outcome.format,
        reason=Reason.ALREADY_DELIVERED,
        delivered=rows,
        dropped=rows,
        reasons={reason.value: count for reason, count in told.items() if count},
        still_waiting=outcome.quarantined,
        erased=outcome.erased,
    )


def fresh(outcomes: Sequence[Outcome]) -> list[str]:
    """The contents that were read now, and not known from before."""
    return [outcome.delivery_id for outcome in outcomes if outcome.outcome != "duplicate"]
