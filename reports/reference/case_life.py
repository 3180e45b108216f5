"""The page on the life of a case: drawn, and told state by state, from the data that decides it."""

from collections.abc import Iterator

from reports.reference.markdown import bullets, code, page, table
from schemas.case_life import ANY_OPEN, Action, CaseLife, Clock, CodesOf

_CODES: dict[CodesOf, str] = {
    "dismiss": "Reasons for a dismissal (`case dismiss --why`)",
    "close": "Reasons for a closing (`case close --why`)",
    "outcome": "What came of a group (`case close --outcome`)",
    "leave": "Why a helper left (`case leave --why`)",
}
_ABOUT = (
    "What follows a flag up: states, what may be done in each, by whom, and by when. Klassepuls"
    " reads `schemas/case_life.toml`; this page is made from it. Nothing here happens by itself:"
    " every step is noted by a person, under a role."
)


def case_life_page(life: CaseLife) -> str:
    """The whole page: a drawing, the states with their clocks, the actions, the codes."""
    return page(
        "The life of a case",
        _ABOUT,
        drawing(life),
        "## States",
        table(
            ("state", "English", "bokmål", "nynorsk", "clock", "due"),
            [
                (
                    code(state.id),
                    state.label.en,
                    state.label.nb,
                    state.label.nn,
                    *_clock(life, state.id),
                )
                for state in life.states
            ],
        ),
        "## Clocks",
        table(
            ("clock", "counted from", "due", "why"),
            [
                (
                    code(clock.id),
                    ", ".join(code(name) for name in clock.since),
                    limit_in_words(clock),
                    clock.rationale,
                )
                for clock in life.clocks
            ],
        ),
        "A case that was opened for flags keeps the earliest of their deadlines for its first"
        " review. Where a pupil asks for help the first review is due within"
        f" {life.prompt.working_days} working day. Working days are Norwegian: weekends and public"
        " holidays do not count.",
        "## Actions",
        "*stays*: the case stays where it is. In any other state the action is refused.",
        table(
            ("action", "does", "may be done in", "leads to", "event in the history", "roles"),
            [_action(life, action) for action in life.actions],
        ),
        "## Routes",
        bullets(f"{code(route.id)}: {', '.join(route.roles)}" for route in life.routes),
        *_codes(life),
    )


def drawing(life: CaseLife) -> str:
    """The states and what leads from one to another, as a Mermaid state diagram."""
    return "\n".join(("```mermaid", "stateDiagram-v2", *sorted(_edges(life)), "```"))


def edges(life: CaseLife) -> set[tuple[str, str, str]]:
    """(from, action, to) of every action that leads somewhere; a beginning is from [*]."""
    return {
        (origin, action.id, action.to)
        for action in life.actions
        if action.to is not None
        for origin in (life.origins(action) or ("[*]",))
        if origin != action.to
    }


def _edges(life: CaseLife) -> Iterator[str]:
    ends = {state.id for state in life.states if state.is_over}
    joined: dict[tuple[str, str], list[str]] = {}
    for origin, action, to in sorted(edges(life)):
        joined.setdefault((origin, to), []).append(action)
    for (origin, to), actions in joined.items():
        yield f"    {origin} --> {to}: {', '.join(actions)}"
    for end in sorted(ends):
        yield f"    {end} --> [*]"


def _clock(life: CaseLife, state: str) -> tuple[str, str]:
    clock = life.clock_of(state)
    return (code(clock.id), limit_in_words(clock)) if clock else ("–", "–")


def limit_in_words(clock: Clock) -> str:
    """`5 working days`, or `day 84 to 98`."""
    if clock.working_days is not None:
        return f"{clock.working_days} working days"
    if clock.earliest_days is not None:
        return f"day {clock.earliest_days} to {clock.days}"
    return f"{clock.days} days"


def _action(life: CaseLife, action: Action) -> tuple[str, ...]:
    origins = "any open state" if ANY_OPEN in action.origin else ", ".join(map(code, action.origin))
    return (
        code(action.id),
        action.label.en,
        origins or "–",
        code(action.to) if action.to else "*stays*",
        code(action.event),
        "all" if action.roles is None else ", ".join(action.roles),
    )


def _codes(life: CaseLife) -> Iterator[str]:
    for of, title in _CODES.items():
        yield f"## {title}"
        yield table(
            ("code", "English", "bokmål", "nynorsk"),
            [
                (code(one.id), one.label.en, one.label.nb, one.label.nn)
                for one in life.codes
                if one.of == of
            ],
        )
