"""Where rows of cases stand that are about a pupil: for erasing, and for what is kept of whom."""

# Pupils with a case, or who help in a group, and the school years in which that was noted of them:
# a year ends with July.
SEEN_IN_CASES = """
    select pupil, printf('%d-%02d', year(day), (year(day) + 1) % 100) as school_year
    from (
        select pupil, happened_on - interval 7 month as day
        from core.support_case join core.case_event using (case_id)
        union all
        select pupil, joined_on - interval 7 month from core.group_member
    )
"""
PUPILS_OF_CASES = """
    select pupil from core.support_case union select pupil from core.group_member
"""
SCHOOLS_OF_CASES = """
    select school_id from core.support_case where list_contains($pupils, pupil)
    union select school_id from core.group_member where list_contains($pupils, pupil)
"""


def case_deletions(theirs: str, here: str) -> dict[str, str]:
    """The tables of cases, and which of their rows go with the pupils whom the two conditions name.

    A pupil's case goes with its history and its group. Of a helper the membership goes, and the
    group of the other pupil stays what it was, in counts.
    """
    of_case = f"case_id in (select case_id from core.support_case where {theirs} and {here})"
    of_group = f"group_id in (select group_id from core.support_group where {of_case})"
    return {
        "core.group_member": f"({theirs} and {here}) or {of_group}",
        "core.meeting": of_case,
        "core.scale_rating": of_case,
        "core.support_plan": of_case,
        "core.support_group": of_case,
        "core.case_event": of_case,
        "core.support_case": f"{theirs} and {here}",
    }
