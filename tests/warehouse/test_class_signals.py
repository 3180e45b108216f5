"""Class signals through a real warehouse: spread (C6), witnesses (C8), and the same again (C9)."""

from datetime import UTC, date, datetime
from statistics import stdev

import duckdb
import pytest

from schemas.instrument import shipped_instruments
from schemas.rule import shipped_rules
from schemas.settings import Settings
from warehouse.example_forms import Form, answers_of, insert_forms
from warehouse.flag import score_and_flag
from warehouse.instruments import answer_table, register
from warehouse.lapse import expire_flags
from warehouse.store import migrate

NOW = datetime(2026, 11, 30, tzinfo=UTC)
INSTRUMENTS = shipped_instruments()
RULES = [rule for rule in shipped_rules() if rule.target == "class"]
BULLIED, WITNESSED, UNSAFE = "class_bullied", "class_witnessed", "class_unsafe"
CORE, WHO5 = "klassepuls_core_v1", "who5_v1"
# Four waves of one school year, and one of the year before.
WAVES = {
    "old": ("2025-26", date(2026, 4, 13)),
    "w1": ("2026-27", date(2026, 9, 7)),
    "w2": ("2026-27", date(2026, 11, 9)),
    "w3": ("2026-27", date(2027, 2, 8)),
    "w4": ("2026-27", date(2027, 4, 12)),
}
SETTINGS = Settings.model_validate(
    {
        "municipality": {"number": "0000", "name": "Fjordvik"},
        "school": [{"id": "S01", "name": "Nes"}, {"id": "S02", "name": "Vik"}],
        "wave": [
            {"id": wave, "name": wave, "school_year": year, "opens": opens, "closes": opens}
            for wave, (year, opens) in WAVES.items()
        ],
    }
)


class Classes:
    """A warehouse that classes answer in, and are judged."""

    def __init__(self, con):
        self.con, self.forms, self.others = con, 0, set()

    def add(self, forms, *, school="S01", survey=None):
        insert_forms(self.con, forms, first=self.forms + 1)
        ids = [self.forms + 1, self.forms + len(forms)]
        self.forms += len(forms)
        self.con.execute(
            "update core.response set school_id = ? where response_id between ? and ?",
            [school, *ids],
        ).fetchall()
        return ids

    def add_class(self, wave, troubled, size=20, *, name="7A", school="S01", answer=None):
        """A class in which so many give the answer, by default that they are bullied."""
        told = answer or {"bullied_by_pupils": 3}
        usual = {"bullied_by_pupils": 1, "safety": 5, "witnessed_bullying": 1, "thriving": 5,
                 "company_in_breaks": 5}  # fmt: skip
        forms = [
            Form(None, wave, name, 7, None, {CORE: usual | (told if at < troubled else {})})
            for at in range(size)
        ]
        return self.add(forms, school=school)

    def add_others(self, wave):
        """Forty classes of twenty, of whom one each is bullied."""
        self.con.execute(
            """
            insert into core.response by name
            select $first + 20 * c + p as response_id, 1 as delivery_no, p as row_no,
                'examples' as survey_id, $wave as wave_id, 'S01' as school_id,
                concat('6-', c) as class_group, 7 as grade
            from range(40) classes(c), range(20) pupils(p)
            """,
            {"first": self.forms + 1, "wave": wave},
        ).fetchall()
        self.con.execute(
            """
            insert into core.answer_klassepuls_core_v1 by name
            select $first + 20 * c + p as response_id, 5 as safety, 1 as witnessed_bullying,
                5 as thriving, 5 as company_in_breaks,
                case when p = 0 then 3 else 1 end as bullied_by_pupils
            from range(40) classes(c), range(20) pupils(p)
            """,
            {"first": self.forms + 1},
        ).fetchall()
        self.forms += 800

    def forget(self, ids):
        """As if these forms had gone to wait."""
        for table in ("core.response", answer_table(CORE)):
            self.con.execute(
                f"delete from {table} where response_id between ? and ?",  # noqa: S608
                ids,
            ).fetchall()

    def flag(self, wave, rules=RULES):
        """Judge a wave, in which 40 other classes have an ordinary share of bullied pupils."""
        if wave not in self.others:
            self.others.add(wave)
            self.add_others(wave)
        return score_and_flag(
            self.con, wave, instruments=INSTRUMENTS, rules=rules, settings=SETTINGS, now=NOW
        )

    def level(self, wave, rule=BULLIED, *, name="7A", school="S01"):
        """The level of a class's flag, None where there is none that stands."""
        found = self.con.execute(
            """
            select level from core.flag where wave_id = ? and rule_id = ? and class_group = ?
                and school_id = ? and status <> 'withdrawn'
            """,
            [wave, f"rule.{rule}", name, school],
        ).fetchall()
        return found[0][0] if found else None

    def judged(self, wave, troubled, **place):
        self.add_class(wave, troubled, **place)
        self.flag(wave)
        return self.level(wave)


@pytest.fixture
def classes():
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as vault").fetchall()
        migrate(con, now=NOW)
        register(con, INSTRUMENTS, SETTINGS)
        yield Classes(con)


ONCE = 5  # of 20 are a watch and no alert among 40 classes in which one of 20 is bullied


# C9: the same signal again


def test_once_is_a_watch(classes):
    assert classes.judged("w1", ONCE) == "watch"


@pytest.mark.parametrize(
    ("waves", "level"),
    [
        (("w1", "w2"), "alert"),
        (("w1", "w3"), "alert"),
        (("w2", "w3"), "alert"),
        (("w1", "w4"), "watch"),
        (("old", "w1"), "watch"),
        (("w1", "w2", "w3"), "alert"),
    ],
)
def test_two_of_the_latest_three_waves_of_the_year_are_an_alert(classes, waves, level):
    for wave in WAVES:
        classes.add_class(wave, ONCE if wave in waves else 0)
        classes.flag(wave)
    assert classes.level(waves[0]) == "watch"
    assert classes.level(waves[-1]) == level


def test_a_signal_that_is_not_there_now_is_none(classes):
    assert classes.judged("w1", ONCE) == "watch"
    assert classes.judged("w2", 0) is None


def test_the_class_of_another_school_and_another_class_are_others(classes):
    classes.add_class("w1", ONCE, name="7B")
    classes.add_class("w1", ONCE, school="S02")
    classes.flag("w1")
    assert classes.judged("w2", ONCE) == "watch"


def test_another_rule_is_another_signal(classes):
    classes.add_class("w1", 8, answer={"safety": 2})
    classes.flag("w1")
    assert classes.level("w1", UNSAFE) is not None
    assert classes.judged("w2", ONCE) == "watch"


def test_a_signal_that_was_withdrawn_never_was_and_one_that_lapsed_was(classes):
    ids = classes.add_class("w1", ONCE)
    classes.flag("w1")
    assert classes.judged("w2", ONCE) == "alert"
    expire_flags(classes.con, today=date(2030, 1, 1))
    assert classes.flag("w2").changed is False
    classes.con.execute("delete from core.stage").fetchall()
    classes.flag("w2")
    assert classes.level("w2") == "alert"
    classes.forget(ids)
    classes.flag("w1")
    classes.flag("w2")
    assert (classes.level("w1"), classes.level("w2")) == (None, "watch")


def status(classes, wave):
    [(found,)] = classes.con.execute(
        "select status from core.flag where wave_id = ? and class_group = '7A'", [wave]
    ).fetchall()
    return found


def test_a_signal_lapses_when_the_class_is_judged_again_and_not_by_next_years_class(classes):
    assert classes.judged("old", 8) == "alert"
    assert classes.judged("w1", 0) is None
    expire_flags(classes.con, today=date(2026, 9, 8))
    assert status(classes, "old") == "expired"  # its last day is over: 31 July
    classes.con.execute("update core.flag set expires_on = '2027-01-31'").fetchall()
    expire_flags(classes.con, today=date(2026, 9, 8))
    assert status(classes, "old") == "open", "this year's 7A are other pupils"

    classes.add_class("w2", 8)
    classes.flag("w2")
    classes.add_class("w3", 0)
    classes.flag("w3")
    expire_flags(classes.con, today=date(2026, 11, 30))
    assert (status(classes, "w2"), status(classes, "old")) == ("expired", "open")


def test_a_late_file_of_the_first_wave_makes_the_second_an_alert(classes):
    assert classes.judged("w2", ONCE) == "watch"
    assert classes.judged("w1", ONCE) == "watch"
    told = classes.flag("w2")
    assert (told.changed, told.relevelled, classes.level("w2")) == (True, 1, "alert")


def test_another_edition_of_the_rule_begins_anew(classes):
    changed = [
        rule.model_copy(update={"version": 1001}) if rule.id == "rule.class_bullied" else rule
        for rule in RULES
    ]
    assert classes.judged("w1", ONCE) == "watch"
    classes.add_class("w2", ONCE)
    classes.flag("w2", changed)
    assert classes.level("w2") == "watch"


def test_a_wave_that_nobody_answered_is_none(classes):
    assert classes.judged("w1", ONCE) == "watch"
    assert classes.judged("w4", ONCE) == "alert"


def one_form(classes):
    classes.add([Form(None, "w3", "7A", 7, None, {CORE: {"bullied_by_pupils": 1}})])


def another_question(classes):
    forms = [Form(None, "w3", "7A", 7, None, {CORE: {"thriving": 5}}) for _ in range(20)]
    classes.add(forms)


def another_school(classes):
    classes.add_class("w3", ONCE, school="S02")


@pytest.mark.parametrize("between", [one_form, another_question, another_school])
def test_a_wave_in_which_the_class_could_not_be_judged_takes_nothing_away(classes, between):
    assert classes.judged("w1", ONCE) == "watch"
    assert classes.judged("w2", 0) is None
    between(classes)
    classes.flag("w3")
    assert classes.judged("w4", ONCE) == "alert"


def test_evidence_of_a_repeated_signal_has_both_waves(classes):
    classes.judged("w1", ONCE)
    classes.judged("w2", ONCE + 1)
    told = classes.con.execute("""
        select e.wave_id, observed, denominator from core.flag_evidence e
            join core.flag f using (flag_id)
        where f.wave_id = 'w2' and class_group = '7A' and item_or_scale = 'rule.class_bullied'
        order by all
    """).fetchall()
    assert told == [("w1", 5, 20), ("w2", 6, 20)]


# C8: witnesses


SEEN = {"witnessed_bullying": 4}


def test_many_who_have_seen_it_are_a_watch_where_few_say_it_of_themselves(classes):
    classes.add_class("w1", 12, answer=SEEN)
    classes.flag("w1")
    assert (classes.level("w1", WITNESSED), classes.level("w1", BULLIED)) == ("watch", None)


def test_witnesses_are_left_to_the_rule_of_those_who_say_it_of_themselves(classes):
    classes.add_class("w1", 12, answer=SEEN | {"bullied_by_pupils": 3})
    classes.add_class("w1", 12, name="7B", answer=SEEN)
    classes.flag("w1")
    assert classes.level("w1", WITNESSED) is None
    assert classes.level("w1", BULLIED) == "alert"
    assert classes.level("w1", WITNESSED, name="7B") == "watch"


def test_seen_once_a_month_is_not_seen_every_week(classes):
    classes.add_class("w1", 12, answer={"witnessed_bullying": 3})
    classes.flag("w1")
    assert classes.level("w1", WITNESSED) is None


def test_witnesses_again_in_the_next_wave_are_an_alert(classes):
    for wave in ("w1", "w2"):
        classes.add_class(wave, 12, answer=SEEN)
        classes.flag(wave)
    assert classes.level("w2", WITNESSED) == "alert"


def test_witnesses_where_the_other_rule_spoke_before_are_no_repetition(classes):
    classes.add_class("w1", 12, answer=SEEN | {"bullied_by_pupils": 3})
    classes.flag("w1")
    classes.add_class("w2", 12, answer=SEEN)
    classes.flag("w2")
    assert classes.level("w2", WITNESSED) == "watch"


# C6: spread


def score(wave, name, scores, *, grade=7):
    return [
        Form(None, wave, name, grade, None, answers_of("who5_v1.wellbeing", one, INSTRUMENTS,
                                                       where="tests"))
        for one in scores
    ]  # fmt: skip


EVEN = [60, 64, 68, 72, 76, 64, 68, 72, 68, 68, 60, 76, 68, 72, 64, 68]
APART = [0, 4, 100, 100, 96, 0, 100, 4, 68, 100, 0, 96, 100, 4, 64, 100]


def spread(classes, wave="w1", name="7A"):
    return classes.level(wave, "class_wellbeing_spread", name=name)


def test_a_class_far_apart_is_a_watch_and_never_an_alert_at_once(classes):
    for number in range(12):
        classes.add(score("w1", f"7-{number}", EVEN))
    classes.add(score("w1", "7A", APART))
    classes.flag("w1")
    assert spread(classes) == "watch"
    assert all(spread(classes, name=f"7-{number}") is None for number in range(12))
    [(value, classes_of)] = classes.con.execute("""
        select max(observed) filter (item_or_scale = 'rule.class_wellbeing_spread'),
            max(observed) filter (item_or_scale like '%.pupils')
        from core.flag_evidence where item_or_scale like 'rule.class_wellbeing_spread%'
    """).fetchall()
    assert value == pytest.approx(stdev(APART))
    assert classes_of == 13 * 16


def test_a_spread_is_compared_in_its_own_grade_and_from_five_classes(classes):
    for number in range(3):
        classes.add(score("w1", f"7-{number}", EVEN))
    for number in range(12):
        classes.add(score("w1", f"8-{number}", EVEN, grade=8))
    classes.add(score("w1", "7A", APART))
    classes.flag("w1")
    assert spread(classes) is None
    [(gate,)] = classes.con.execute("""
        select gate from core.class_indicator
        where rule_id = 'rule.class_wellbeing_spread' and class_group = '7A'
    """).fetchall()
    assert gate == "few_classes"


def test_the_same_wave_draws_the_same_whatever_came_later(classes):
    for number in range(12):
        classes.add(score("w1", f"7-{number}", EVEN))
    classes.add(score("w1", "7A", APART))
    classes.flag("w1")
    query = """
        select class_group, p_exact from core.class_indicator
        where rule_id = 'rule.class_wellbeing_spread' and wave_id = 'w1' order by all
    """
    before = classes.con.execute(query).fetchall()
    classes.con.execute("delete from core.stage").fetchall()
    classes.add(score("w2", "7A", EVEN))
    classes.flag("w1")
    assert classes.con.execute(query).fetchall() == before
