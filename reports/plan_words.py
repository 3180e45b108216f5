"""Whether somebody follows a flagged pupil up, in words for the row of the report."""

from collections.abc import Iterable

from reports.texts import Texts
from schemas.case_life import case_life
from warehouse.school_data import FollowUp, PupilFlag


def plan_lines(flags: Iterable[PupilFlag], texts: Texts) -> tuple[str, ...]:
    """One line for each thing that is true of the pupil's flags; none where no cases are kept."""
    found = (flag.follow_up for flag in flags)
    return tuple(dict.fromkeys(_line(one, texts) for one in found if one is not None))


def _line(found: FollowUp, texts: Texts) -> str:
    """A decision on the flag itself goes before what is said of the pupil's case."""
    if found.review == "dismissed":
        return texts.say("plan.dismissed")
    if found.case_id is None or found.status is None:
        return texts.say("plan.no_plan")
    state = case_life().state(found.status)
    if state.is_over:
        is_of_flag = found.review is not None
        return texts.say("plan.closed" if is_of_flag else "plan.no_plan", case=found.case_id)
    return texts.say(f"plan.{state.plan}", case=found.case_id)
