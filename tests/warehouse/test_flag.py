"""Scores and flags of a wave: computed once, computed again alike, and never half."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import duckdb
import pytest

from flows.home import Config
from schemas.rule import PupilRule, shipped_rules
from tests.support.home import AUTUMN, CORE, ITEMS, SPRING, Row, class_list, form, school_class
from tests.support.loading import deliver, full_config, memory_warehouse, pseudonym_of, snapshot
from transforms.class_list import list_of_counts
from transforms.readers.delimited import read_delimited
from warehouse.class_lists import load_class_list
from warehouse.entries import Incoming
from warehouse.flag import Flagged, score_and_flag
from warehouse.lapse import expire_flags
from warehouse.stages import answered_waves

MONDAY = datetime(2025, 11, 24, 5, 15, tzinfo=UTC)
TUESDAY = datetime(2025, 11, 25, 5, 15, tzinfo=UTC)
WEDNESDAY = datetime(2025, 11, 26, 5, 15, tzinfo=UTC)
# One pupil with each kind of answer that a rule looks at.
TROUBLED = {
    3: {"bullied_by_pupils": "4"},
    5: {"safety": "2"},
    8: {"company_in_breaks": "1", "thriving": "2"},
    13: {"wants_talk": "2"},
    14: {"bullied_by_adults": "3"},
}


@pytest.fixture
def config() -> Config:
    return full_config()


@pytest.fixture
def con(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    with memory_warehouse(config) as made:
        yield made


def flag(
    con: duckdb.DuckDBPyConnection, config: Config, wave: str = AUTUMN, *, now: datetime = MONDAY
) -> Flagged:
    return score_and_flag(
        con,
        wave,
        instruments=config.instruments,
        rules=config.rules,
        settings=config.settings,
        now=now,
    )


def flags(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, object]]:
    """Every flag by its id."""
    found = con.execute("from core.flag order by flag_id")
    names = [column[0] for column in found.description or []]
    return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}


def flags_of(con: duckdb.DuckDBPyConnection, code: str) -> dict[str, dict[str, object]]:
    """A pupil's flags by their rules."""
    pupil = pseudonym_of(code)
    return {str(row["rule_id"]): row for row in flags(con).values() if row["pupil"] == pupil}


def list_classes(con: duckdb.DuckDBPyConnection, config: Config, content: bytes) -> None:
    listed = list_of_counts(read_delimited(content), config.settings)
    incoming = Incoming(f"list {content!r}", "csv", len(content))
    load_class_list(con, listed, incoming=incoming, key=config.key, now=MONDAY)


def compute_again(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from core.stage").fetchall()


# Once, and again alike


def test_nothing_is_done_where_nothing_has_changed(con, config):
    deliver(con, config, school_class(20, changes=TROUBLED))
    first = flag(con, config)
    before = snapshot(con)
    again = flag(con, config, now=TUESDAY)
    assert (first.changed, again.changed) == (True, False)
    assert again.raised == first.raised
    assert snapshot(con) == before


def test_computing_again_gives_the_same_flags_with_the_same_ids_and_dates(con, config):
    deliver(con, config, school_class(20, changes=TROUBLED))
    flag(con, config)
    before = snapshot(con, but=["core.stage"])
    compute_again(con)
    again = flag(con, config, now=TUESDAY)
    assert (again.changed, again.new, again.withdrawn) == (True, 0, 0)
    assert snapshot(con, but=["core.stage"]) == before


def test_every_kind_of_answer_that_a_rule_looks_at_raises_its_flag(con, config):
    deliver(con, config, school_class(20, changes=TROUBLED))
    flag(con, config)
    raised = {
        code: {rule: row["level"] for rule, row in flags_of(con, code).items()}
        for code in ("P000", "P003", "P005", "P008", "P013", "P014")
    }
    assert raised == {
        "P000": {},
        "P003": {"rule.bullied_by_pupils": "prompt"},
        "P005": {"rule.unsafe": "flag"},
        "P008": {"rule.nobody_in_breaks": "flag", "rule.not_thriving": "flag"},
        "P013": {"rule.wants_talk": "prompt"},
        "P014": {"rule.bullied_by_adults": "prompt"},
    }


# Late files and contradictions


def test_late_file_adds_flags_and_leaves_the_others_their_clock(con, config):
    deliver(con, config, school_class(20, changes=TROUBLED))
    flag(con, config)
    before = flags(con)
    deliver(
        con, config, school_class(20, prefix="Q", class_group="7B", changes={1: {"safety": "1"}})
    )
    late = flag(con, config, now=TUESDAY)
    after = flags(con)
    assert (late.changed, late.new, late.withdrawn) == (True, 1, 0)
    assert {flag_id: after[flag_id] for flag_id in before} == before
    assert flags_of(con, "Q001")["rule.unsafe"]["raised_at"] == TUESDAY


WITHDRAWN = {"status": "withdrawn", "withdrawn_why": "answers"}


def test_contradicted_answers_withdraw_their_flag_and_keep_its_evidence(con, config):
    deliver(con, config, school_class(20, changes=TROUBLED))
    flag(con, config)
    told = flags_of(con, "P005")["rule.unsafe"]
    deliver(con, config, [form("P005", safety="5")])
    late = flag(con, config, now=TUESDAY)
    assert (late.new, late.withdrawn) == (0, 1)
    assert flags_of(con, "P005") == {"rule.unsafe": told | WITHDRAWN}
    evidence = con.execute(
        "select item_or_scale, observed from core.flag_evidence where flag_id = $flag",
        {"flag": told["flag_id"]},
    ).fetchall()
    assert evidence == [(f"{CORE}.safety", 2.0)]


def test_wave_without_an_answer_left_withdraws_its_flags(con, config):
    deliver(con, config, [form("P005", safety="2")])
    flag(con, config)
    deliver(con, config, [form("P005", safety="5")])
    assert answered_waves(con) == [AUTUMN]
    assert flag(con, config, now=TUESDAY).withdrawn == 1
    assert flag(con, config, now=TUESDAY).changed is False


def test_late_file_of_an_earlier_wave_is_seen_by_the_later_one(con, config):
    list_classes(con, config, class_list(("S01", "7A", 10)))
    spring = {"wave": SPRING, "submitted_on": "2026-03-10"}
    deliver(con, config, school_class(11, **spring))
    flag(con, config, SPRING)
    assert flags_of(con, "P010") == {}
    # Everybody on the list has answered in autumn, and the eleventh was not among them.
    deliver(con, config, school_class(10))
    assert flag(con, config, SPRING, now=TUESDAY).changed is True
    assert flags_of(con, "P010")["rule.new_pupil"]["level"] == "watch"


def scaled(code: str, answer: str, **changes: str) -> Row:
    """A happy pupil who gives this answer to each question of WHO-5."""
    return form(code, **changes) | {item: answer for item in ITEMS if item.startswith("who5")}


SPRING_FORM = {"wave": SPRING, "submitted_on": "2026-03-10"}


def test_fall_is_evidenced_by_what_was_and_what_is(con, config):
    deliver(con, config, [scaled("P001", "5")])
    flag(con, config)
    deliver(con, config, [scaled("P001", "2", **SPRING_FORM)])
    flag(con, config, SPRING, now=TUESDAY)
    fell = flags_of(con, "P001")["rule.wellbeing_fell"]
    assert (fell["level"], fell["evidence_count"]) == ("flag", 2)
    told = evidence_of(con, fell)
    assert told == [(AUTUMN, 100.0, 24.0), (SPRING, 40.0, 24.0), (SPRING, 40.0, 50.0)]
    compute_again(con)
    again = flag(con, config, SPRING, now=WEDNESDAY)
    assert (again.changed, again.new, again.withdrawn) == (True, 0, 0)
    assert evidence_of(con, fell) == told


def evidence_of(con: duckdb.DuckDBPyConnection, row: dict[str, object]) -> list[tuple[object, ...]]:
    return con.execute(
        """
        select wave_id, observed, threshold from core.flag_evidence where flag_id = $flag
        order by all
        """,
        {"flag": row["flag_id"]},
    ).fetchall()


def test_earlier_answers_that_come_late_raise_and_withdraw_flags_of_the_later_wave(con, config):
    deliver(con, config, [scaled("P001", "2", **SPRING_FORM), scaled("P002", "3", **SPRING_FORM)])
    flag(con, config, SPRING)
    assert flags_of(con, "P001") == flags_of(con, "P002") == {}
    deliver(con, config, [scaled("P001", "2"), scaled("P002", "5")])
    late = flag(con, config, SPRING, now=TUESDAY)
    assert (late.changed, late.new, late.withdrawn) == (True, 2, 0)
    twice = flags_of(con, "P001")["rule.low_wellbeing"]
    assert evidence_of(con, twice) == [(AUTUMN, 40.0, 50.0), (SPRING, 40.0, 50.0)]
    assert flags_of(con, "P002")["rule.wellbeing_fell"]["level"] == "watch"
    # Another form contradicts what was answered then, so that nobody knows whether it fell.
    deliver(con, config, [scaled("P002", "4")])
    taken_back = flag(con, config, SPRING, now=WEDNESDAY)
    assert (taken_back.new, taken_back.withdrawn) == (0, 1)
    assert flags_of(con, "P002")["rule.wellbeing_fell"]["status"] == "withdrawn"


def test_start_date_that_comes_with_a_later_copy_raises_the_welcome_flag(con, config):
    deliver(con, config, [form("P001")])
    flag(con, config)
    deliver(con, config, [form("P001", enrolled_on="2025-10-20")])
    assert flag(con, config, now=TUESDAY).new == 1
    assert flags_of(con, "P001")["rule.new_pupil"]["level"] == "watch"


def test_class_list_that_comes_late_opens_or_closes_the_gate(con, config):
    bullied = {number: {"bullied_by_pupils": "3"} for number in range(8)}
    deliver(con, config, school_class(20, changes=bullied))
    assert ("class", "alert", "bullying") in flag(con, config).raised
    # 20 of 40 answered: too few to speak of the class.
    list_classes(con, config, class_list(("S01", "7A", 40)))
    late = flag(con, config, now=TUESDAY)
    assert not any(target == "class" for target, _, _ in late.raised)
    gates = con.execute("select distinct gate from core.class_indicator").fetchall()
    assert gates == [("low_response",)]


# Levels and deadlines


def with_levels(config: Config, *levels: str) -> Config:
    """The rules, the first of whose pupil rules on safety has other levels, from the highest."""
    rules = []
    for rule in shipped_rules():
        if isinstance(rule, PupilRule) and rule.id == "rule.unsafe":
            step = rule.steps[0]
            steps = tuple(step.model_copy(update={"level": level}) for level in levels)
            rules.append(rule.model_copy(update={"version": rule.version + 1, "steps": steps}))
        else:
            rules.append(rule)
    return replace(config, rules=tuple(rules))


@pytest.mark.parametrize(
    ("first", "then", "due_first", "due_then"),
    [
        ("watch", "flag", None, date(2025, 12, 2)),
        ("watch", "prompt", None, date(2025, 11, 26)),
        ("flag", "prompt", date(2025, 12, 1), date(2025, 11, 26)),
        ("prompt", "flag", date(2025, 11, 25), date(2025, 11, 25)),
        ("flag", "watch", date(2025, 12, 1), None),
    ],
)
def test_change_of_level_moves_the_deadline_only_forward(
    con, config, first, then, due_first, due_then
):
    deliver(con, config, [form("P001", safety="1")])
    flag(con, with_levels(config, first))
    row = flags_of(con, "P001")["rule.unsafe"]
    assert (row["level"], row["review_due"]) == (first, due_first)
    changed = flag(con, with_levels(config, then), now=TUESDAY)
    again = flags_of(con, "P001")["rule.unsafe"]
    assert (changed.new, changed.withdrawn, changed.relevelled) == (0, 0, 1)
    assert (again["level"], again["review_due"]) == (then, due_then)
    assert (again["flag_id"], again["raised_at"]) == (row["flag_id"], row["raised_at"])


# Flags that lapse


def statuses(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Each flag's status by its rule and wave."""
    return {f"{row['rule_id']} {row['wave_id']}": row["status"] for row in flags(con).values()}


def test_flag_lapses_after_its_last_day_and_not_before(con, config):
    deliver(con, config, [form("P001", safety="2")])
    flag(con, config)
    [last_day] = {row["expires_on"] for row in flags(con).values()}
    assert isinstance(last_day, date)
    assert expire_flags(con, today=last_day) == 0
    assert expire_flags(con, today=last_day + timedelta(days=1)) == 1
    assert statuses(con) == {f"rule.unsafe {AUTUMN}": "expired"}


@pytest.mark.parametrize(
    ("opens", "closes", "today", "status"),
    [
        ("2025-11-03", "2025-11-21", "2026-07-31", "open"),  # late, and the class is the same
        ("2025-11-03", "2025-11-21", "2026-08-01", "expired"),  # a year on, it is another one
        ("2026-05-25", "2026-06-12", "2026-08-20", "open"),  # before the summer, read after it
        ("2026-05-25", "2026-06-12", "2026-10-10", "open"),
        ("2026-05-25", "2026-06-12", "2026-10-11", "expired"),
        ("2026-08-24", "2026-09-04", "2027-07-31", "open"),
    ],
)
def test_flag_of_last_years_wave_is_nothing_to_act_on(con, config, opens, closes, today, status):
    """Last year's files come in for the sake of looking back, or a rule is changed."""
    deliver(con, config, [form("P001", safety="2")])
    con.execute(
        "update core.dim_wave set opens = ?, closes = ? where wave_id = ?", [opens, closes, AUTUMN]
    ).fetchall()
    now = datetime.combine(date.fromisoformat(today), time(5), UTC)
    flag(con, config, now=now)
    expire_flags(con, today=now.date())
    assert statuses(con) == {f"rule.unsafe {AUTUMN}": status}


def test_flag_lapses_when_the_pupil_answers_the_next_wave_and_no_other_pupils(con, config):
    deliver(con, config, [form("P001", safety="2"), form("P002", thriving="1")])
    deliver(con, config, [form("P001", wave=SPRING, submitted_on="2026-03-10")])
    flag(con, config)
    expire_flags(con, today=MONDAY.date())
    assert statuses(con) == {
        f"rule.unsafe {AUTUMN}": "expired",
        f"rule.not_thriving {AUTUMN}": "open",
    }


def test_flag_stands_while_no_later_form_answers_what_it_rests_on(con, config):
    deliver(con, config, [form("P001", safety="2", wants_talk="2")])
    blank = dict.fromkeys([name for name in form() if "." in name], "")
    empty = form("P001", wave=SPRING, submitted_on="2026-03-10") | blank
    deliver(con, config, [empty | {f"{CORE}.safety": "5"}])
    flag(con, config)
    expire_flags(con, today=MONDAY.date())
    assert statuses(con) == {
        f"rule.unsafe {AUTUMN}": "expired",
        f"rule.wants_talk {AUTUMN}": "open",
    }


def test_flag_on_two_answers_stands_until_both_are_given_anew(con, config):
    deliver(con, config, [form("P001", bullied_by_pupils="3", bullied_digitally="3")])
    later = {"wave": SPRING, "submitted_on": "2026-03-10"}
    deliver(con, config, [form("P001", bullied_by_pupils="", bullied_digitally="1", **later)])
    flag(con, config)
    expire_flags(con, today=MONDAY.date())
    assert statuses(con) == {f"rule.bullied_by_pupils {AUTUMN}": "open"}


def test_signal_of_a_class_lapses_when_that_class_is_judged_again_and_no_other(con, config):
    bullied = {number: {"bullied_by_pupils": "3"} for number in range(8)}
    deliver(con, config, school_class(20, changes=bullied))
    later = {"wave": SPRING, "submitted_on": "2026-03-10"}
    deliver(con, config, school_class(20, prefix="Q", class_group="7B", **later))
    flag(con, config)
    expire_flags(con, today=MONDAY.date())
    assert statuses(con)[f"rule.class_bullied {AUTUMN}"] == "open"
    deliver(con, config, school_class(20, prefix="R", **later))
    flag(con, config, SPRING)
    expire_flags(con, today=MONDAY.date())
    assert statuses(con)[f"rule.class_bullied {AUTUMN}"] == "expired"


@pytest.mark.parametrize("in_one_run", [True, False])
def test_flag_stands_again_when_the_newer_answer_is_contradicted(con, config, in_one_run):
    deliver(con, config, [form("P001", safety="2")])
    flag(con, config)
    spring = form("P001", wave=SPRING, submitted_on="2026-03-10")
    runs = (
        [[spring, spring | {f"{CORE}.thriving": "4"}]]
        if in_one_run
        else [[spring], [spring | {f"{CORE}.thriving": "4"}]]
    )
    for rows in runs:
        deliver(con, config, rows)
        expire_flags(con, today=MONDAY.date())
    assert statuses(con) == {f"rule.unsafe {AUTUMN}": "open"}


# Whose flags may be raised


def test_without_a_routing_decision_there_are_class_flags_only_and_it_is_said(con):
    config = full_config(routing=False)
    bullied = {number: {"bullied_by_pupils": "3"} for number in range(8)}
    deliver(con, config, school_class(20, changes=bullied))
    done = flag(con, config)
    assert done.raised == {("class", "alert", "bullying"): 1}
    assert done.pupil_flags_off == "no routing decision in the settings"
    assert flag(con, config).pupil_flags_off == done.pupil_flags_off


def test_decision_that_is_made_later_raises_the_flags_and_its_end_withdraws_them(con, config):
    undecided = full_config(routing=False)
    deliver(con, config, school_class(20, changes=TROUBLED))
    assert flag(con, undecided).new == 0
    assert flag(con, config, now=TUESDAY).new == 6
    raised = flags(con)
    assert flag(con, undecided).withdrawn == 6
    assert flag(con, config, now=WEDNESDAY).withdrawn == 0
    # The same flags again: nobody's clock begins anew.
    assert flags(con) == raised


def test_forms_without_codes_raise_class_flags_only():
    config = full_config(linkage="none")
    rows = [form(None, bullied_by_pupils="3" if number < 8 else "1") for number in range(20)]
    with memory_warehouse(config) as con:
        deliver(con, config, rows)
        assert flag(con, config).raised == {("class", "alert", "bullying"): 1}


def test_class_of_two_grades_is_measured_alike_whoever_comes_first(config):
    lower = school_class(10, prefix="L", grade="7", changes={n: {"safety": "1"} for n in range(4)})
    upper = school_class(10, prefix="U", grade="8")
    found = []
    for rows in ([*lower, *upper], [*upper, *lower]):
        with memory_warehouse(config) as con:
            deliver(con, config, rows)
            flag(con, config)
            found.append(con.execute("from core.class_indicator order by all").fetchall())
    assert found[0] == found[1]
    assert {row[4] for row in found[0]} == {7}


def test_survey_that_the_home_no_longer_declares_keeps_its_answers_and_flags(con, config):
    deliver(con, config, school_class(20, changes=TROUBLED))
    flag(con, config)
    before = snapshot(con, but=["core.stage"])
    compute_again(con)
    flag(con, replace(config, surveys={}))
    assert snapshot(con, but=["core.stage"]) == before


def test_a_situation_follows_its_rule_when_the_wave_is_computed_again(con, config):
    """A wish to talk was once a vulnerable situation, which no survey says."""
    deliver(con, config, [form("P001", wants_talk="2"), form("P002")])
    changed = [
        rule.model_copy(update={"situation": "vulnerable_situation"})
        if rule.id == "rule.wants_talk"
        else rule
        for rule in config.rules
    ]
    flag(con, replace(config, rules=tuple(changed)))
    before = flags(con)
    flag(con, config, now=TUESDAY)
    after = flags(con)
    assert [found["situation"] for found in after.values()] == ["any"]
    assert [found["review_due"] for found in after.values()] == [
        found["review_due"] for found in before.values()
    ]
    assert list(after) == list(before)


# All or nothing


@pytest.mark.parametrize(
    "table", ["core.class_indicator", "core.flag", "core.flag_evidence", "core.stage"]
)
def test_failure_after_the_scores_leaves_the_wave_as_it_was(con, config, table):
    rows: Sequence[Row] = school_class(20, changes=TROUBLED)
    deliver(con, config, rows[:10])
    flag(con, config)
    deliver(con, config, rows[10:])
    name = table.partition(".")[2]
    con.execute(f"alter table {table} rename to {name}_away").fetchall()
    # The stage must be read before it can be written: a table that takes no row stands in for it.
    if name == "stage":
        con.execute("create table core.stage as from core.stage_away").fetchall()
        con.execute("alter table core.stage add column more int default 1").fetchall()
    before = snapshot(con)
    with pytest.raises(duckdb.Error):
        flag(con, config, now=TUESDAY)
    assert snapshot(con) == before
    if name == "stage":
        con.execute("drop table core.stage").fetchall()
    con.execute(f"alter table core.{name}_away rename to {name}").fetchall()
    assert flag(con, config, now=TUESDAY).changed is True
