"""What one flag report is made from: one school, one wave, one route.

The pseudonyms in here never print: no text, log line or file name may carry them.
"""

from dataclasses import dataclass, field
from datetime import date

from warehouse.since import Since


@dataclass(frozen=True, slots=True)
class WaveInfo:
    """One round of the survey."""

    wave_id: str
    name: str
    school_year: str
    opens: date
    closes: date


@dataclass(frozen=True, slots=True)
class PastAnswer:
    """What a pupil answered to one item in an earlier wave.

    `value` is None where the pupil gave no answer; `missing` then says skipped or dont_know.
    """

    wave_id: str
    value: int | None
    missing: str | None


@dataclass(frozen=True, slots=True)
class Before:
    """The answer code or score in the wave of the last time, where the rule looked at it."""

    wave_id: str
    value: float = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One answer or score that a flag rests on, and the earlier answers to the same item."""

    source: str
    observed: float = field(repr=False)
    threshold: float
    earlier: tuple[PastAnswer, ...] = field(default=(), repr=False)
    before: Before | None = None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What people have made of a flag: their decision on it, and the pupil's case, if any."""

    review: str | None
    case_id: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class PupilFlag:
    """One flag for one pupil; `known_in` are the earlier waves where the same rule flagged.

    `marks` say why the pupil's forms of the wave may have been filled in without reading.
    `has_lapsed`: it was raised, and nobody is to act on it any longer. `survey_id`: whose form it
    is of. `follow_up`: None at a school that does not keep its cases here.
    """

    flag_id: str
    pupil: str = field(repr=False)
    class_group: str
    level: str
    situation: str
    rule_id: str
    rule_version: int
    review_due: date | None
    expires_on: date
    evidence: tuple[Evidence, ...]
    known_in: tuple[str, ...]
    marks: tuple[str, ...] = ()
    has_lapsed: bool = False
    survey_id: str = ""
    follow_up: FollowUp | None = None


@dataclass(frozen=True, slots=True)
class ClassFlag:
    """One flag for a class.

    `value` is the class's own figure that it rests on, None where that is not known; `waves` in how
    many of the latest waves of the school year the class had the same signal. `has_lapsed` as for a
    pupil's flag. `survey_id`: whose answers it rests on, of several the last by name; choices have
    a flag in each survey.
    """

    class_group: str
    level: str
    rule_id: str
    rule_version: int
    review_due: date | None
    expires_on: date
    value: float | None = None
    waves: int = 1
    has_lapsed: bool = False
    survey_id: str = ""


@dataclass(frozen=True, slots=True)
class ClassIndicator:
    """One class rule's count in one class, in all surveys that ask it, and what the test gave.

    `q_value` is the false-discovery rate over all tests of the wave; None where nothing was tested.
    """

    class_group: str
    rule_id: str
    rule_version: int
    answered: int
    observed: int
    enrolled: int | None
    baseline: float
    baseline_from: str
    p_exact: float | None
    gate: str
    q_value: float | None = None
    survey_id: str = ""


@dataclass(frozen=True, slots=True)
class ClassNetwork:
    """What the choices of a class say that stands out, in counts."""

    class_group: str
    answered: int
    unchosen: int
    groups: int
    p_cohesion: float
    survey_id: str = ""


@dataclass(frozen=True, slots=True)
class LocalLimit:
    """That a grade set its own limit for one condition of a rule; what it is stands in evidence."""

    input: str
    op: str
    threshold: float
    looks_at: str
    grade: int


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many of a class answered; `enrolled` is None while no class list has come.

    `apart` counts forms beyond them of which nobody can tell whose they are: without a code, in
    one of the `surveys` that the class answered. `careless` counts forms that look filled in
    without reading.
    """

    class_group: str
    grade: int
    answered: int
    enrolled: int | None
    apart: int = 0
    surveys: int = 1
    careless: int = 0


@dataclass(frozen=True, slots=True)
class AskingPupil:
    """A pupil, or a form without a code, who asks for help in a form that waits, or has a flag.

    `rules` (id, version) say what was answered. `reasons` are why rows wait; of the `versions` of a
    contradiction at this school (0 where there is none) `asks_in` ask, at the level told. `since`
    is the first day on which the pupil was heard, `flag_due` the deadline of a flag of the same
    rule that stood before. `delivery` and `row_no` are where a form stands that was held first.
    `is_given_up`: it waited too long, and nobody has decided on it. `in_two_schools`: the code
    stands in another school too. `is_changed`: the survey tool has the form under another code, in
    another school or with other answers. `is_without_zeros`: the school has the code with zeros in
    front. `is_prompt`: help is asked for now; otherwise the level is that of a flag. `rules` has
    flags that a contradiction withdrew as well; where they are all there is, `asks_in` is 0.
    """

    pupil: str | None = field(repr=False)
    classes: tuple[str, ...]
    rules: tuple[tuple[str, int], ...]
    reasons: tuple[str, ...]
    versions: int
    asks_in: int
    since: date
    is_given_up: bool
    delivery: str
    row_no: int
    flag_due: date | None = None
    in_two_schools: bool = False
    is_prompt: bool = True
    is_changed: bool = False
    is_without_zeros: bool = False


@dataclass(frozen=True, slots=True)
class SchoolData:
    """Everything that one school's report of one wave and route says.

    `waves` run from the oldest to the reported one. `is_linked` is false where no form of the
    wave carries a pupil code, so that no pupil could have been flagged. `held` counts pupils of
    this school whose forms wait for a person and are in no other figure here; `held_shared` counts
    those who do not say their school or wave, some of whom may be this school's;
    `held_codes` counts codes of this school that stand in another school too. `asking` are those
    who ask for help in a form that waits. `surveys` are those that pupils here have answered,
    `grades` their grades, and `limits` those that these grades of the municipality set.
    `since`: how the flags stand against the last wave's; None where the school has none.
    `is_first_of_key`: pupils cannot be compared with earlier waves, for those had another key.
    """

    school_id: str
    school_name: str
    route: str
    wave: WaveInfo
    waves: tuple[WaveInfo, ...]
    is_linked: bool
    classes: tuple[ClassCount, ...]
    pupil_flags: tuple[PupilFlag, ...]
    class_flags: tuple[ClassFlag, ...]
    indicators: tuple[ClassIndicator, ...]
    held: int
    held_shared: int
    asking: tuple[AskingPupil, ...] = ()
    held_codes: int = 0
    networks: tuple[ClassNetwork, ...] = ()
    surveys: tuple[str, ...] = ()
    grades: tuple[int, ...] = ()
    limits: tuple[LocalLimit, ...] = ()
    is_first_of_key: bool = False
    since: Since | None = None
