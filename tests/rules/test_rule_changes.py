"""A municipality's own limits: what they do, and what nobody can decide away."""

import pytest

from flows.cli import main
from flows.home import load_config
from flows.road import at_work, run
from schemas.declared import DeclarationError
from schemas.instrument import shipped_instruments
from schemas.network_rule import network_rule
from schemas.rule import edition, shipped_rules, source_in
from schemas.rule_change import RuleChanges, amend, amend_network
from tests.conftest import ROOT
from tests.support.home import AUTUMN, NOW, csv_bytes, make_home, school_class

SIGNED = 'version = 1\nedition = 2\ndecided_by = "the board"\ndecided_on = 2026-08-20\nwhy = "so"\n'
CORE = "klassepuls_core_v1"


def change(rule, what, signed=SIGNED):
    return f'[[change]]\nrule = "rule.{rule}"\n{signed}{what}\n'


def limit(level, name, op, threshold, wave="this"):
    return (
        f'[[change.limit]]\nlevel = "{level}"\ninput = "{name}"\nop = "{op}"\n'
        f'threshold = {threshold}\nwave = "{wave}"\n'
    )


def decided(text):
    changes = RuleChanges.from_toml(text, name="rules.toml")
    return {rule.id: rule for rule in amend(shipped_rules(), changes, shipped_instruments())}


SHIPPED = {rule.id: rule for rule in shipped_rules()}


def test_no_change_leaves_the_rules_as_they_are():
    assert decided("") == SHIPPED


def test_a_threshold_is_changed_where_it_is_meant_and_nowhere_else():
    changed = decided(change("low_wellbeing", limit("watch", "who5_v1.wellbeing", "at_most", 44)))
    [*others, twice] = changed["rule.low_wellbeing"].steps
    assert [c.threshold for c in twice.all_of] == [44, 50]
    assert others == list(SHIPPED["rule.low_wellbeing"].steps[:-1])
    assert {k: v for k, v in changed.items() if k != "rule.low_wellbeing"} == {
        k: v for k, v in SHIPPED.items() if k != "rule.low_wellbeing"
    }


def test_the_wave_that_is_meant_is_the_one_that_changes():
    name = "who5_v1.wellbeing"
    changed = decided(change("low_wellbeing", limit("watch", name, "at_most", 40, "previous")))
    twice = changed["rule.low_wellbeing"].steps[-1]
    assert [c.threshold for c in twice.reasons if c.input == name] == [50, 40]


def test_an_edition_is_part_of_the_version():
    changed = decided(change("low_wellbeing", 'levels_off = ["watch"]'))
    rule = changed["rule.low_wellbeing"]
    assert [step.level for step in rule.steps] == ["prompt", "flag", "flag"]
    assert (rule.version, rule.edition) == (1002, "1+local2")
    assert (edition(1), edition(999), edition(12003)) == ("1", "999", "12+local3")


def test_a_rule_that_is_off_is_gone():
    assert set(SHIPPED) - set(decided(change("wellbeing_fell", "off = true"))) == {
        "rule.wellbeing_fell"
    }


# A rule on a middle answer leaves the worse ones to another rule: to where that one begins now.
GIVES_WAY = [
    # what is decided about the other rule -> from where it speaks, and who gives way
    ("nobody_in_breaks", limit("flag", f"{CORE}.company_in_breaks", "at_most", 1), [1]),
    ("nobody_in_breaks", "off = true", []),
    ("unsafe", limit("flag", f"{CORE}.safety", "at_most", 3), [3]),
    ("not_thriving", limit("flag", f"{CORE}.thriving", "at_most", 1), [1]),
    ("low_wellbeing", 'levels_off = ["watch"]', [2]),
]


@pytest.mark.parametrize(("rule", "what", "limits"), GIVES_WAY)
def test_an_answer_that_one_rule_lets_go_of_is_not_lost_to_the_next(rule, what, limits):
    milder = {
        "nobody_in_breaks": "sometimes_alone",
        "unsafe": "safety_less",
        "not_thriving": "thriving_less",
        "low_wellbeing": "sometimes_alone",
    }[rule]
    found = decided(change(rule, what))[f"rule.{milder}"]
    shipped = SHIPPED[found.id]
    assert {
        tuple(one.threshold for one in step.none_of) for step in found.steps if step.none_of
    } == ({tuple(limits)} if limits else set())
    is_same = limits == [one.threshold for one in shipped.steps[0].none_of]
    assert found.edition == ("1" if is_same else "1+local2")
    assert ("the board" in source_in(found.source, "en")[0]) != is_same


@pytest.mark.parametrize("what", ["min_answered = 12", "min_response = 0.8", "min_count = 4",
                                  "watch_below = 0.01", "alert_fdr = 0.05"])  # fmt: skip
def test_a_gate_may_be_stricter(what):
    name, _, value = what.partition(" = ")
    assert getattr(decided(change("class_unsafe", what))["rule.class_unsafe"], name) == float(value)


@pytest.mark.parametrize(
    ("rule", "level", "item", "op", "threshold"),
    [
        ("bullied_by_pupils", "flag", "bullied_by_pupils", "at_least", 2),
        ("bullied_by_pupils", "prompt", "bullied_digitally", "at_least", 3),
        ("bullied_by_adults", "prompt", "bullied_by_adults", "at_least", 2),
        ("unsafe", "flag", "safety", "at_most", 3),
    ],
)
def test_a_rule_of_the_duty_may_find_more_pupils(rule, level, item, op, threshold):
    changed = decided(change(rule, limit(level, f"{CORE}.{item}", op, threshold)))
    assert threshold in {
        condition.threshold for step in changed[f"rule.{rule}"].steps for condition in step.any_of
    }


REFUSED = {
    "bullied weekly only": change(
        "bullied_by_pupils", limit("flag", f"{CORE}.bullied_by_pupils", "at_least", 4)
    ),
    "bullied digitally weekly only": change(
        "bullied_by_pupils", limit("flag", f"{CORE}.bullied_digitally", "at_least", 4)
    ),
    "a later prompt": change(
        "bullied_by_pupils", limit("prompt", f"{CORE}.bullied_by_pupils", "at_least", 5)
    ),
    "adults weekly only": change(
        "bullied_by_adults", limit("prompt", f"{CORE}.bullied_by_adults", "at_least", 4)
    ),
    "never safe only": change("unsafe", limit("flag", f"{CORE}.safety", "at_most", 1)),
    "the nurse only": change("wants_talk", limit("prompt", f"{CORE}.wants_talk", "at_least", 2)),
    "everybody": change("wants_talk", limit("prompt", f"{CORE}.wants_talk", "at_least", 0)),
    "every answer about safety": change("unsafe", limit("flag", f"{CORE}.safety", "at_most", 5)),
    "no answer": change("not_thriving", limit("flag", f"{CORE}.thriving", "at_most", 0)),
    "every score": change("low_wellbeing", limit("watch", "who5_v1.wellbeing", "at_most", 100)),
    "a fall of nothing": change(
        "wellbeing_fell", limit("watch", "who5_v1.wellbeing", "fallen_by", 0)
    ),
    "a fall within the error": change(
        "wellbeing_fell", limit("watch", "who5_v1.wellbeing", "fallen_by", 20)
    ),
    "an older new pupil": change("new_pupil", limit("watch", "register.new_pupil", "at_least", 2)),
    "a condition that is not there": change(
        "unsafe", limit("watch", f"{CORE}.safety", "at_most", 3)
    ),
    "wants to talk off": change("wants_talk", "off = true"),
    "bullied off": change("bullied_by_pupils", "off = true"),
    "adults off": change("bullied_by_adults", "off = true"),
    "unsafe off": change("unsafe", "off = true"),
    "no prompt for bullying": change("bullied_by_pupils", 'levels_off = ["prompt"]'),
    "every level off": change("sometimes_alone", 'levels_off = ["flag", "watch"]'),
    "a level that it has not": change("sometimes_alone", 'levels_off = ["prompt"]'),
    "another route": change("bullied_by_adults", 'route = "health_service"'),
    "a rule that is not there": change("unknown", "off = true"),
    "the same rule twice": 2 * change("wellbeing_fell", "off = true"),
    "nothing changed": change("wellbeing_fell", ""),
    "off and changed": change("low_wellbeing", 'off = true\nlevels_off = ["watch"]'),
    "nobody decided": change(
        "wellbeing_fell", "off = true", SIGNED.replace('decided_by = "the board"\n', "")
    ),
    "another version": change(
        "wellbeing_fell", "off = true", SIGNED.replace("version = 1", "version = 2")
    ),
    "edition nought": change(
        "wellbeing_fell", "off = true", SIGNED.replace("edition = 2", "edition = 0")
    ),
    "a class of fewer": change("class_unsafe", "min_answered = 7"),
    "a lower response": change("class_unsafe", "min_response = 0.5"),
    "a lower count": change("class_unsafe", "min_count = 2"),
    "a milder watch": change("class_unsafe", "watch_below = 0.03"),
    "a milder alert": change("class_unsafe", "alert_fdr = 0.15"),
    "a count of new pupils that nothing looks at": change("class_new_pupils", "min_count = 6"),
    "a p of new pupils": change("class_new_pupils", "watch_below = 0.001"),
    "a count of a mean": change("class_wellbeing", "min_count = 6"),
    "a p of a mean": change("class_wellbeing", "watch_below = 0.001"),
    "a rate of a mean": change("class_wellbeing", "alert_fdr = 0.01"),
    "a count of a spread": change("class_wellbeing_spread", "min_count = 6"),
    "an alert of what never is one": change("class_witnessed", "alert_fdr = 0.01"),
    "a gate of a pupil rule": change("unsafe", "min_count = 4"),
    "a level of a class rule": change("class_unsafe", 'levels_off = ["watch"]'),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_may_not_be_decided_stops_the_run_with_words(tmp_path, text):
    home = make_home(tmp_path / "home")
    home.rules_file.write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"^rules\.toml: "):
        load_config(home)


def test_class_rules_tell_who_decided_on_them():
    unsafe = decided(change("class_unsafe", "min_answered = 12"))["rule.class_unsafe"]
    text = change("class_network", "min_unchosen = 4")
    changes = RuleChanges.from_toml(text, name="rules.toml")
    for rule in (unsafe, amend_network(network_rule(), changes)):
        assert source_in(rule.source, "en")[0].startswith("Decided by the board, ")


def test_a_home_without_a_file_has_the_shipped_rules(tmp_path):
    home = make_home(tmp_path / "home")
    assert load_config(home).rules == shipped_rules()
    home.rules_file.write_text(change("wellbeing_fell", "off = true"), encoding="utf-8")
    assert len(load_config(home).rules) == len(shipped_rules()) - 1


# What is told


MOVED = {
    "bullied_by_pupils": limit("flag", f"{CORE}.bullied_by_pupils", "at_least", 2),
    "bullied_by_adults": limit("prompt", f"{CORE}.bullied_by_adults", "at_least", 2),
    "unsafe": limit("flag", f"{CORE}.safety", "at_most", 3),
    "nobody_in_breaks": limit("flag", f"{CORE}.company_in_breaks", "at_most", 3),
    "low_wellbeing": limit("flag", "who5_v1.wellbeing", "at_most", 40),
    "wellbeing_fell": limit("watch", "who5_v1.wellbeing", "fallen_by", 32),
}


@pytest.mark.parametrize("rule", MOVED)
def test_a_moved_limit_takes_the_words_and_the_source_of_the_shipped_one_with_it(rule):
    shipped, changed = SHIPPED[f"rule.{rule}"], decided(change(rule, MOVED[rule]))[f"rule.{rule}"]
    for language in ("nb", "nn", "en"):
        assert changed.texts.name[language] != shipped.texts.name[language]
        assert changed.texts.why[language] != shipped.texts.why[language]
        assert source_in(changed.source, language)[0].count("the board") == 1
    assert changed.texts.not_meaning == shipped.texts.not_meaning


def test_a_rule_with_words_for_each_level_keeps_them_when_a_limit_moves():
    moved = limit("flag", "who5_v1.wellbeing", "at_most", 40)
    shipped = SHIPPED["rule.new_pupil"]
    changed = decided(change("new_pupil", moved))["rule.new_pupil"]
    assert changed.texts.name["en"] == "New pupil, by the municipality's own limit"
    assert changed.texts.why_of("flag") == shipped.texts.why_at["flag"]
    assert changed.texts.why_of("watch") == shipped.texts.why != shipped.texts.why_at["flag"]


def test_words_stay_where_no_limit_moves():
    same = change("unsafe", limit("flag", f"{CORE}.safety", "at_most", 2))
    fewer = change("sometimes_alone", 'levels_off = ["watch"]')
    changed = decided(same + fewer)
    for rule in ("rule.unsafe", "rule.sometimes_alone"):
        assert (changed[rule].texts, changed[rule].source) == (
            SHIPPED[rule].texts,
            SHIPPED[rule].source,
        )


def test_a_greater_fall_may_be_asked_for():
    steps = decided(change("wellbeing_fell", MOVED["wellbeing_fell"]))["rule.wellbeing_fell"].steps
    assert steps[1].all_of[0].threshold == 32


# The whole way


def test_a_change_makes_the_waves_due_and_stands_in_flags_and_reports(tmp_path):
    home = make_home(tmp_path / "home", schools=["S01"], waves=[AUTUMN])
    alone = {1: {"company_in_breaks": "3"}, 2: {"company_in_breaks": "2"}}
    (home.inbox / "7A.csv").write_bytes(csv_bytes(school_class(20, changes=alone)))
    assert raised(home) == {("flag", 1): 1, ("watch", 1): 1}
    home.rules_file.write_text(
        change("sometimes_alone", 'levels_off = ["watch"]')
        + change("nobody_in_breaks", limit("flag", f"{CORE}.company_in_breaks", "at_most", 3)),
        encoding="utf-8",
    )
    assert raised(home) == {("flag", 1002): 2}
    [report] = home.health.glob("S01/*/report.nb.html")
    page = report.read_text(encoding="utf-8")
    assert "nobody_in_breaks@1+local2" in page
    assert "sjelden eller aldri har noen å være sammen med i friminuttene" not in page.replace(
        "svarer at de sjelden eller aldri", ""
    )
    assert "Bestemt av the board, 2026-08-20." in page
    home.rules_file.unlink()
    assert raised(home) == {("flag", 1): 1, ("watch", 1): 1}


def raised(home):
    """Open flags about pupils by level and version after a run."""
    run(home, now=NOW, settle=0)
    with at_work(home, load_config(home), now=NOW) as con:
        found = con.execute("""
            select level, rule_version, count(*) from core.flag
            where status = 'open' and target = 'pupil' group by all
        """).fetchall()
    return {(level, version): n for level, version, n in found}


def test_the_page_on_changing_rules_can_be_followed(tmp_path, capsys):
    page = (ROOT / "docs" / "how-to" / "change-the-rules.md").read_text(encoding="utf-8")
    home = make_home(tmp_path / "home")
    home.rules_file.write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert main(["rules", "assure", "--home", str(home.root)]) == 1
    said = capsys.readouterr().out
    assert "sometimes: expected nothing, got flag" in said
    assert "rule.nobody_in_breaks@1+local1" in said
    table = page.split("```markdown\n")[1].split("```")[0]
    (home.root / "rules_examples.md").write_text(f"# Ours\n\n{table}", encoding="utf-8")
    assert main(["rules", "assure", "--home", str(home.root)]) == 0


# The rule of choices


def choices(what):
    text = change("class_network", what)
    return amend_network(network_rule(), RuleChanges.from_toml(text, name="rules.toml"))


def test_the_rule_of_choices_is_changed_as_class_rules_are():
    shipped = network_rule()
    stricter = choices("min_unchosen = 4\nmin_groups = 4\nmarks = 3\ncohesion_below = 0.01")
    assert (stricter.min_unchosen, stricter.min_groups, stricter.marks) == (4, 4, 3)
    assert (stricter.cohesion_below, stricter.edition) == (0.01, "1+local2")
    assert not stricter.off
    assert choices("off = true").off
    assert amend_network(shipped, RuleChanges()) is shipped
    assert decided(change("class_network", "marks = 3")) == SHIPPED


@pytest.mark.parametrize(
    "what",
    [
        "min_unchosen = 2", "min_groups = 2", "marks = 1", "cohesion_below = 0.06",
        "min_answered = 12", 'levels_off = ["watch"]', "watch_below = 0.01",
        limit("watch", "network.unchosen_in", "at_least", 3),
    ],
)  # fmt: skip
def test_the_rule_of_choices_is_not_made_looser_or_given_what_it_has_not(what):
    with pytest.raises(ValueError, match="class_network"):
        choices(what)


def test_a_change_of_another_version_of_the_rule_of_choices_is_decided_anew():
    text = change("class_network", "marks = 3").replace("version = 1", "version = 2", 1)
    with pytest.raises(ValueError, match="decide anew"):
        amend_network(network_rule(), RuleChanges.from_toml(text, name="rules.toml"))


@pytest.mark.parametrize("rule", ["class_bullied", "nobody_in_breaks"])
def test_limits_of_choices_belong_to_the_rule_of_choices(rule):
    with pytest.raises(ValueError, match="rule of choices"):
        decided(change(rule, "marks = 3"))
