"""The forms of the board: which fields each action has, and what was typed in them.

A form only collects. Whether an action may be done with what it tells is decided by
`transforms/case_life.py`, when it is done.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pydantic import ValidationError

from reports.texts import Texts
from schemas.answer import PUPIL_CODE
from schemas.case_life import CaseLife, CodesOf
from schemas.case_plan import CasePlan
from transforms.case_life import HIGHEST_RATING, CaseFacts, GroupSize

PLAN = ("problem", "measures", "carried_out_when", "carried_out_by", "evaluated_when")
_MOST = 99
_HELPERS = ("member", "members")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what kind of input it is, and what may be chosen in it.

    `kind`: day, choice, number, check, text, codes or long.
    """

    name: str
    kind: str
    label: str
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    is_required: bool = False
    lowest: int = 0
    highest: int = _MOST


@dataclass(frozen=True, slots=True)
class About:
    """What the fields of an action depend on."""

    life: CaseLife
    texts: Texts
    facts: CaseFacts
    size: GroupSize
    today: date
    helpers: tuple[str, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Filled:
    """What was typed: values by their meaning, and a text for each field that cannot be so."""

    on: date | None = None
    detail: dict[str, str | int | None] = field(default_factory=dict)
    codes: tuple[str, ...] = field(default=(), repr=False)
    is_unlisted: bool = False
    plan: CasePlan | None = field(default=None, repr=False)
    errors: dict[str, str] = field(default_factory=dict)


def fields_of(action: str, about: About) -> tuple[Field, ...]:
    """The fields of an action's form; every one begins or ends with the day it happened."""
    own = _OWN[action](about) if action in _OWN else ()
    day = Field("on", "day", about.texts.say("field.on"), is_required=True)
    return (*own, day)


def read_form(fields: Sequence[Field], typed: Mapping[str, Sequence[str]], about: About) -> Filled:
    """What was typed in a form of ours; whatever else was sent is not looked at."""
    filled, texts = Filled(), about.texts
    for one in fields:
        values = [value.strip() for value in typed.get(one.name, []) if value.strip()]
        if not values:
            if one.is_required:
                filled.errors[one.name] = texts.say("error.missing")
            continue
        _read(one, values, filled, texts)
    if any(one.kind == "long" for one in fields) and not filled.errors:
        _read_plan(filled, texts)
    return filled


def _read(one: Field, values: Sequence[str], filled: Filled, texts: Texts) -> None:
    if one.kind == "day":
        try:
            filled.on = date.fromisoformat(values[-1])
        except ValueError:
            filled.errors[one.name] = texts.say("error.day")
    elif one.kind == "number":
        _read_number(one, values[-1], filled, texts)
    elif one.kind == "choice":
        _read_choice(one, values[-1], filled, texts)
    elif one.kind == "check" and one.name == "unlisted":
        filled.is_unlisted = True
    elif one.kind == "check":
        filled.detail[one.name] = "yes"
    else:
        _read_text(one, values, filled, texts)


def _read_number(one: Field, value: str, filled: Filled, texts: Texts) -> None:
    if re.fullmatch(r"[0-9]{1,3}", value) and one.lowest <= int(value) <= one.highest:
        filled.detail[one.name] = int(value)
    else:
        limits = {"lowest": one.lowest, "highest": one.highest}
        filled.errors[one.name] = texts.say("error.number", **limits)


def _read_choice(one: Field, value: str, filled: Filled, texts: Texts) -> None:
    if value not in {option for option, _ in one.options}:
        filled.errors[one.name] = texts.say("error.choice")
    elif one.name in _HELPERS:
        filled.codes = (*filled.codes, value)
    else:
        filled.detail[one.name] = value


def _read_text(one: Field, values: Sequence[str], filled: Filled, texts: Texts) -> None:
    if one.kind == "codes":
        codes = [code.upper() for value in values for code in re.split(r"[\s,;]+", value) if code]
        if not all(re.fullmatch(PUPIL_CODE, code) for code in codes):
            filled.errors[one.name] = texts.say("error.codes")
        filled.codes = (*filled.codes, *dict.fromkeys(codes))
    else:
        # Browsers send line ends as two signs.
        filled.detail[one.name] = values[-1].replace("\r\n", "\n")


def _read_plan(filled: Filled, texts: Texts) -> None:
    try:
        filled.plan = CasePlan.model_validate({name: filled.detail.pop(name) for name in PLAN})
    except ValidationError as error:
        for problem in error.errors():
            filled.errors[str(problem["loc"][0])] = texts.say("error.plan")


def _codes(about: About, of: CodesOf, *, here: bool = False) -> tuple[tuple[str, str], ...]:
    status = about.facts.status
    return tuple(
        (code.id, getattr(code.label, about.texts.language))
        for code in about.life.codes
        if code.of == of and not (here and code.origin and status not in code.origin)
    )


def _said(about: About, field_name: str, options: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((one, about.texts.say(f"option.{field_name}.{one}")) for one in options)


def _dismiss(about: About) -> tuple[Field, ...]:
    label = about.texts.say("field.why")
    return (Field("why", "choice", label, "", _codes(about, "dismiss"), is_required=True),)


def _guardians(about: About) -> tuple[Field, ...]:
    say = about.texts.say
    said = _said(about, "guardian", ("yes", "no", "not_required"))
    return (
        Field("guardian", "choice", say("field.guardian"), "", said),
        Field("informed", "check", say("field.informed")),
    )


def _consent(about: About) -> tuple[Field, ...]:
    label = about.texts.say("field.pupil")
    return (
        Field("pupil", "choice", label, "", _said(about, "pupil", ("yes", "no"))),
        *_guardians(about),
    )


def _group(about: About) -> tuple[Field, ...]:
    say, size = about.texts.say, about.size
    hint = say("hint.members", smallest=size.smallest, largest=size.largest)
    picked = _said(about, "picked_by", ("pupil", "adult", "both"))
    return (
        Field("members", "codes", say("field.members"), hint, is_required=True),
        Field("picked_by", "choice", say("field.picked_by"), "", picked, is_required=True),
        *(
            Field(name, "number", say(f"field.{name}"), say("hint.parts"), highest=size.largest)
            for name in ("friends", "around", "difficult")
        ),
        Field("unlisted", "check", say("field.unlisted")),
    )


def _join(about: About) -> tuple[Field, ...]:
    say = about.texts.say
    return (
        Field("member", "codes", say("field.member"), is_required=True),
        Field("unlisted", "check", say("field.unlisted")),
    )


def _leave(about: About) -> tuple[Field, ...]:
    say, helpers = about.texts.say, tuple((code, code) for code in about.helpers)
    return (
        Field("member", "choice", say("field.member"), "", helpers, is_required=True),
        Field("why", "choice", say("field.why"), "", _codes(about, "leave"), is_required=True),
    )


def _meeting(about: About) -> tuple[Field, ...]:
    say, most = about.texts.say, about.facts.members + 1
    return (
        Field("attended", "number", say("field.attended"), highest=most),
        Field("agreed", "number", say("field.agreed"), say("hint.agreed")),
    )


def _rate(about: About) -> tuple[Field, ...]:
    say = about.texts.say
    return tuple(
        Field(name, "number", say(f"field.{name}"), say("hint.rate"), highest=HIGHEST_RATING)
        for name in ("school_now", "safety", "together")
    )


def _plan(about: About) -> tuple[Field, ...]:
    say = about.texts.say
    return tuple(
        Field(name, "long", say(f"field.{name}"), say("hint.plan"), is_required=True)
        for name in PLAN
    )


def _close(about: About) -> tuple[Field, ...]:
    say = about.texts.say
    why = _codes(about, "close", here=True)
    outcome = Field(
        "outcome", "choice", say("field.outcome"), "", _codes(about, "outcome"), is_required=True
    )
    return (
        Field("why", "choice", say("field.why"), "", why, is_required=True),
        *((outcome,) if about.facts.had_group else ()),
    )


_OWN: Mapping[str, Callable[[About], tuple[Field, ...]]] = {
    "dismiss": _dismiss,
    "accepted": _guardians,
    "consent": _consent,
    "group": _group,
    "join": _join,
    "leave": _leave,
    "meeting": _meeting,
    "rate": _rate,
    "plan": _plan,
    "close": _close,
}
