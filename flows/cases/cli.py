"""`klassepuls case ...`: cases from the review of a flag to the check after three months.

One verb an action; what it is done to is a case's id, and for a review also a flag's reference.
"""

import argparse
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from flows.cases.read_cli import add_due, add_list, add_show
from flows.home import HomeError, open_home
from flows.home_option import add_home, home_of
from schemas.case_life import SITUATIONS, Role, case_life
from transforms.case_life import Asked

if TYPE_CHECKING:
    from flows.home import Home

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE = 0
CASE_ID = "the case, by its id"
SUBJECT = "the case, or the flag by its reference in the report"
_UNLISTED = "also pupil codes without a form and on no class list"
_ORIGINS = ("self_request", "adult", "guardian")
Told = dict[str, str]
Make = Callable[[date], Asked]


def add_case(commands: "Commands") -> None:
    """`klassepuls case list|show|due|open|accept|dismiss|...`."""
    parser = commands.add_parser("case", help="follow a flag up: review, decide, group, close")
    steps = parser.add_subparsers(required=True, metavar="STEP", dest="step", help="one of those")
    add_list(steps)
    add_show(steps)
    add_due(steps)
    _add_open(steps)
    _add_reviews(steps)
    _add_answers(steps)
    _add_group(steps)
    _add_meetings(steps)
    _add_records(steps)
    _add_end(steps)


def _verb(
    steps: "Commands",
    name: str,
    about: str,
    command: Callable[[argparse.Namespace], int],
    subject: str = CASE_ID,
) -> argparse.ArgumentParser:
    parser = steps.add_parser(name, help=about)
    if subject:
        parser.add_argument("id", help=subject)
    add_home(parser)
    parser.add_argument(
        "--as", dest="role", choices=get_args(Role), required=True, help="the role of who did it"
    )
    parser.add_argument(
        "--on", type=date.fromisoformat, help="the day it happened, as 2026-11-23; else today"
    )
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    parser.set_defaults(command=command)
    return parser


def _make(parsed: argparse.Namespace, action: str, **detail: Any) -> Make:  # noqa: ANN401
    return lambda today: Asked(action, parsed.on or today, parsed.role, detail)


def _home(parsed: argparse.Namespace) -> "Home":
    return open_home(home_of(parsed))


def _say(parsed: argparse.Namespace, told: Told) -> int:
    if parsed.json:
        print(json.dumps(told, ensure_ascii=False))
        return DONE
    life = case_life()
    known = {state.id: state.label.en for state in life.states}
    state = told["state"]
    print(f"{told.get('case') or told.get('flag')}: {known.get(state, state)}")
    return DONE


def _act(parsed: argparse.Namespace, action: str, **detail: Any) -> int:  # noqa: ANN401
    from flows.cases.work import act_on

    made = _make(parsed, action, **detail)
    return _say(parsed, act_on(_home(parsed), parsed.id, made, now=datetime.now(UTC)))


def _add_open(steps: "Commands") -> None:
    parser = _verb(steps, "open", "open a case: for a flag, or for a pupil", _open, subject="")
    parser.add_argument("--flag", help="the flag's reference, as the report prints it")
    parser.add_argument("--pupil", metavar="CODE", help="the pupil code, where no flag began it")
    parser.add_argument("--school", help="with --pupil: the school, by its id")
    parser.add_argument("--class", dest="class_group", help="with --pupil: the class")
    parser.add_argument("--situation", choices=SITUATIONS, help="with --pupil: what it is about")
    parser.add_argument("--origin", choices=_ORIGINS, help="with --pupil: who asks")
    parser.add_argument("--unlisted", action="store_true", help=_UNLISTED)


def _open(parsed: argparse.Namespace) -> int:
    from flows.cases.work import PupilAsked, open_for_flag, open_for_pupil

    of_pupil = (parsed.school, parsed.class_group, parsed.situation, parsed.origin)
    if bool(parsed.flag) == bool(parsed.pupil) or (parsed.pupil and not all(of_pupil)):
        raise HomeError(
            "open takes --flag, or --pupil with --school, --class, --situation and --origin"
        )
    named = {"role": parsed.role, "on": parsed.on, "now": datetime.now(UTC)}
    if parsed.flag:
        return _say(parsed, open_for_flag(_home(parsed), parsed.flag, **named))
    about = PupilAsked(parsed.pupil, *of_pupil, is_unlisted=parsed.unlisted)
    return _say(parsed, open_for_pupil(_home(parsed), about, **named))


def _add_reviews(steps: "Commands") -> None:
    life = case_life()
    _verb(steps, "accept", "review: follow it up", _review, SUBJECT)
    dismiss = _verb(steps, "dismiss", "review: nothing to follow up", _review, SUBJECT)
    dismiss.add_argument("--why", choices=life.codes_of("dismiss"), help="the reason; it is needed")
    _verb(steps, "more-info", "review: more is to be found out first", _review, SUBJECT)
    link = _verb(steps, "link", "a new flag belongs to a case that is open", _link)
    link.add_argument("flag", help="the flag's reference, as the report prints it")
    _verb(steps, "escalate", "the school owner has been told", _simple)


def _review(parsed: argparse.Namespace) -> int:
    from flows.cases.work import decide

    made = _make(parsed, parsed.step.replace("-", "_"), why=getattr(parsed, "why", None))
    return _say(parsed, decide(_home(parsed), parsed.id, made, now=datetime.now(UTC)))


def _link(parsed: argparse.Namespace) -> int:
    from flows.cases.work import link

    made, now = _make(parsed, "link"), datetime.now(UTC)
    return _say(parsed, link(_home(parsed), parsed.id, parsed.flag, made, now=now))


def _simple(parsed: argparse.Namespace) -> int:
    return _act(parsed, parsed.step)


def _add_answers(steps: "Commands") -> None:
    _verb(steps, "offer", "a support group was offered to the pupil", _simple)
    accepted = _verb(steps, "accepted", "the pupil says yes", _consent)
    _verb(steps, "declined", "the pupil says no, or wants no more", _simple)
    consent = _verb(steps, "consent", "note consent, and what guardians know", _consent)
    consent.add_argument("--pupil", choices=["yes", "no"], help="the pupil's own consent")
    for parser in (accepted, consent):
        parser.add_argument(
            "--guardian", choices=["yes", "no", "not_required"], help="the guardians' consent"
        )
        parser.add_argument("--informed", action="store_true", help="the guardians were informed")


def _consent(parsed: argparse.Namespace) -> int:
    told = {
        "pupil": getattr(parsed, "pupil", None),
        "guardian": parsed.guardian,
        "informed": "yes" if parsed.informed else None,
    }
    if parsed.step == "consent" and not any(told.values()):
        raise HomeError("consent takes --pupil, --guardian or --informed")
    return _act(parsed, parsed.step, **told)


def _add_group(steps: "Commands") -> None:
    group = _verb(steps, "group", "form the support group", _group)
    group.add_argument(
        "--member", action="append", required=True, metavar="CODE", help="a helper's pupil code"
    )
    group.add_argument(
        "--picked-by", choices=["pupil", "adult", "both"], required=True, help="who chose them"
    )
    for name, about in (
        ("friends", "of them, friends"),
        ("around", "of them, others around the pupil"),
        ("difficult", "of them, pupils whom it is difficult to be with now"),
    ):
        group.add_argument(f"--{name}", type=int, help=f"how many: {about}")
    join = _verb(steps, "join", "a helper joins the group", _join)
    leave = _verb(steps, "leave", "a helper leaves the group", _join)
    for parser in (join, leave):
        parser.add_argument("--member", required=True, metavar="CODE", help="the pupil code")
    for parser in (group, join):
        parser.add_argument("--unlisted", action="store_true", help=_UNLISTED)
    codes = case_life().codes_of("leave")
    leave.add_argument("--why", choices=codes, help="the reason; it is needed")


def _group(parsed: argparse.Namespace) -> int:
    from flows.cases.work import form

    parts = {
        name: getattr(parsed, name) for name in ("picked_by", "friends", "around", "difficult")
    }
    made, now = _make(parsed, "group", **parts), datetime.now(UTC)
    told = form(_home(parsed), parsed.id, parsed.member, made, is_unlisted=parsed.unlisted, now=now)
    return _say(parsed, told)


def _join(parsed: argparse.Namespace) -> int:
    from flows.cases.work import change_helper

    made = _make(parsed, parsed.step, why=getattr(parsed, "why", None))
    told = change_helper(
        _home(parsed),
        parsed.id,
        parsed.member,
        made,
        is_unlisted=getattr(parsed, "unlisted", False),
        now=datetime.now(UTC),
    )
    return _say(parsed, told)


def _add_meetings(steps: "Commands") -> None:
    meeting = _verb(steps, "meeting", "the group has met", _meeting)
    meeting.add_argument("--individual", action="store_true", help="with one pupil of it")
    meeting.add_argument("--attended", type=int, help="how many came")
    meeting.add_argument("--agreed", type=int, help="how many actions were agreed on")
    _verb(steps, "talk", "a talk with the pupil was held", _simple)
    review = _verb(steps, "review", "the weekly review was held", _held)
    review.add_argument("--safe", action="store_true", help="it is safe now: the group ends")
    followup = _verb(steps, "followup", "the check after three months was held", _held)
    followup.add_argument(
        "--not-safe", action="store_true", help="not safe any more, found on whatever day"
    )


def _meeting(parsed: argparse.Namespace) -> int:
    from flows.cases.work import meet

    action = "individual" if parsed.individual else "meeting"
    made = _make(parsed, action, attended=parsed.attended, agreed=parsed.agreed)
    return _say(parsed, meet(_home(parsed), parsed.id, made, now=datetime.now(UTC)))


def _held(parsed: argparse.Namespace) -> int:
    if parsed.step == "review":
        return _act(parsed, "safe" if parsed.safe else "review")
    return _act(parsed, "relapse" if parsed.not_safe else "followup")


def _add_records(steps: "Commands") -> None:
    rate = _verb(steps, "rate", "the pupil's own ratings, 0 to 10", _rate)
    for option, name, about in (
        ("--school", "school_now", "how school is now"),
        ("--safe", "safety", "how safe it is"),
        ("--together", "together", "how much together with others"),
    ):
        rate.add_argument(option, dest=name, type=int, help=f"{about}, 0 to 10")
    plan = _verb(steps, "plan", "a written plan, or a new edition of it", _plan)
    plan.add_argument(
        "--file", type=Path, required=True, help="TOML: problem, measures, carried_out_when, ..."
    )


def _rate(parsed: argparse.Namespace) -> int:
    from flows.cases.work import rate

    ratings = {name: getattr(parsed, name) for name in ("school_now", "safety", "together")}
    made = _make(parsed, "rate", **ratings)
    return _say(parsed, rate(_home(parsed), parsed.id, made, now=datetime.now(UTC)))


def _plan(parsed: argparse.Namespace) -> int:
    from flows.cases.plan import plan
    from schemas.case_plan import CasePlan

    text, made = CasePlan.from_file(parsed.file), _make(parsed, "plan")
    return _say(parsed, plan(_home(parsed), parsed.id, text, made, now=datetime.now(UTC)))


def _add_end(steps: "Commands") -> None:
    life = case_life()
    close = _verb(steps, "close", "close the case", _close)
    close.add_argument("--why", choices=life.codes_of("close"), help="the reason; it is needed")
    close.add_argument(
        "--outcome",
        choices=life.codes_of("outcome"),
        help="what came of the group, if there was one",
    )
    _verb(steps, "reopen", "open again a case that is over", _simple)


def _close(parsed: argparse.Namespace) -> int:
    return _act(parsed, "close", why=parsed.why, outcome=parsed.outcome)
