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
    return texts.say(f"plan.{standing_of(found)}", case=found.case_id)


def standing_of(found: FollowUp) -> str:
    """The key of what is said: dismissed, closed, has_plan, under_review or no_plan.

    A decision on the flag itself goes before what is said of the pupil's case.
    """
    if found.review == "dismissed":
        return "dismissed"
    if found.case_id is None or found.status is None:
        return "no_plan"
    state = case_life().state(found.status)
    if state.is_over:
        return "closed" if found.review is not None else "no_plan"
    return str(state.plan)
