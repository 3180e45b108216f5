"""Any order of actions, held against a plain oracle: a list of what was done, a table of states."""

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from schemas.case_life import case_life
from tests.cases.desk import KEY, Desk
from transforms.case_life import CaseRefusedError, deadline, replay
from warehouse.audit import verify_chain
from warehouse.case_seals import unsound_events

# What the oracle knows: who may go where. Written apart from `case_life.toml`.
REVIEWED = ["confirmed", "offered", "accepted", "declined", "group_active", "reviewing", "closing",
            "followup"]  # fmt: skip
OPEN = ["opened", "more_info", *REVIEWED]
LEADS = {
    "accept": (["opened", "more_info"], "confirmed"),
    "dismiss": (["opened", "more_info"], "dismissed"),
    "more_info": (["opened", "more_info"], "more_info"),
    "talk": (OPEN, None),
    "offer": (["confirmed", "declined"], "offered"),
    "accepted": (["offered"], "accepted"),
    "declined": (["offered", "accepted", "group_active", "reviewing"], "declined"),
    "group": (["accepted"], "group_active"),
    "meeting": (["group_active", "reviewing"], "reviewing"),
    "individual": (["group_active", "reviewing", "closing"], None),
    "review": (["reviewing"], None),
    "safe": (["reviewing"], "closing"),
    "rate": (OPEN, None),
    "plan": (REVIEWED, None),
    "followup": (["closing"], "followup"),
    "relapse": (["closing", "followup"], "confirmed"),
    "close": (REVIEWED, "closed"),
    "reopen": (["closed", "dismissed"], "opened"),
    "escalate": (OPEN, None),
}
TOLD = {"dismiss": {"why": "other"}, "rate": {"safety": 3}}


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk, self.done, self.state = Desk(), ["open"], "opened"
        self.had_group, self.safe_on = False, None

    @rule(action=st.sampled_from(sorted(LEADS)))
    def do(self, action: str) -> None:
        told = TOLD.get(action, {})
        if action == "close":
            told = {"why": "other", **({"outcome": "improved"} if self.had_group else {})}
        origins, to = LEADS[action]
        may = self.state in origins
        if action == "followup" and may:
            may = self.desk.today >= self.safe_on + timedelta(84)
        try:
            state = self.desk.do(action, **told)
        except CaseRefusedError:
            assert not may
            return
        assert may
        self.done.append(action)
        self.state = to or self.state
        self.had_group = self.had_group or action == "group"
        self.safe_on = self.desk.today if action == "safe" else self.safe_on
        assert state == self.state

    @rule(days=st.sampled_from([1, 7, 90]))
    def wait(self, days: int) -> None:
        self.desk.wait(days)

    @rule()
    def lead_on(self) -> None:
        """The usual next step, so that the later states are come to as well."""
        usual = {"opened": "accept", "more_info": "accept", "confirmed": "offer",
                 "offered": "accepted", "accepted": "group", "group_active": "meeting",
                 "reviewing": "safe"}  # fmt: skip
        if self.state in usual:
            self.do(usual[self.state])

    @invariant()
    def case_says_what_its_events_say(self) -> None:
        rows = self.desk.con.execute(
            "select action, step, case_id from core.case_event where case_id = $case order by step",
            {"case": self.desk.case},
        ).fetchall()
        assert [action for action, *_ in rows] == self.done
        assert [step for _, step, _ in rows] == list(range(1, len(rows) + 1))
        facts = self.desk.facts
        assert facts.status == self.state == replay(case_life(), self.done)
        is_over = self.state in ("closed", "dismissed")
        assert (deadline(case_life(), facts) is None) == is_over
        [(closed_on, groups)] = self.desk.con.execute(
            """
            select closed_on, (
                select count(*) from core.support_group g
                where g.case_id = c.case_id and g.ended_on is null
            ) from core.support_case c where case_id = $case
            """,
            {"case": self.desk.case},
        ).fetchall()
        assert (closed_on is not None) == is_over
        assert groups == (self.state in ("group_active", "reviewing"))


AnyOrder.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyOrder = AnyOrder.TestCase


def test_log_tells_of_every_event_and_shows_one_that_was_changed_added_or_taken() -> None:
    desk = Desk()
    desk.do("accept")
    desk.do("offer")
    con = desk.con
    named = {"case": desk.case}
    assert verify_chain(con, key=KEY).is_whole
    con.execute("update core.case_event set actor_role = 'management' where case_id = $case"
                " and step = 2", named)  # fmt: skip
    assert unsound_events(con, key=KEY) == 1
    con.execute("update core.case_event set actor_role = 'nurse' where case_id = $case", named)
    assert unsound_events(con, key=KEY) == 0
    con.execute("insert into core.case_event select * replace (9 as step) from core.case_event"
                " where case_id = $case and step = 3", named)  # fmt: skip
    assert unsound_events(con, key=KEY) == 1
    assert not verify_chain(con, key=KEY).is_whole
    con.execute("delete from core.case_event where case_id = $case and step in (2, 9)", named)
    assert unsound_events(con, key=KEY) == 1
    con.execute("delete from core.case_event where case_id = $case", named)  # as an erasing does
    con.execute("delete from core.support_case where case_id = $case", named)
    assert verify_chain(con, key=KEY).is_whole
