"""A preview says what the next run would say, writes nothing, and gives no small group away."""

import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from flows.cli import main
from flows.home import load_config
from flows.road import at_work
from flows.rules.preview import preview_home
from schemas.rule import shipped_rules
from schemas.rule_change import RuleChanges, amend
from tests.rules.test_rule_changes import change, limit
from tests.support.home import (
    AUTUMN,
    NOW,
    SPRING,
    class_list,
    csv_bytes,
    drop,
    form,
    make_home,
    run,
    school_class,
    survey_toml,
)
from transforms.preview import FEW, Flags, _classes, lines, shown
from warehouse.damage import WarehouseBusyError
from warehouse.preview import RuleSet, preview
from warehouse.store import only_writer

CORE = "klassepuls_core_v1"
SHIPPED = {rule.id: rule for rule in shipped_rules()}
# Another limit, a level less, a rule off, a stricter gate.
OTHER_RULES = "\n".join(
    [
        change("nobody_in_breaks", limit("flag", f"{CORE}.company_in_breaks", "at_most", 3)),
        change("low_wellbeing", 'levels_off = ["watch"]'),
        change("sometimes_alone", "off = true"),
        change("class_bullied", "min_answered = 13"),
    ]
)


def random_rows(wave, seed):
    """Sixteen classes of 10-16 pupils who answer as they like; two are bad, one half away."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(16):
        is_bad = number in (0, 3)
        for pupil in range(10 + number % 7):
            worst = rng.random() < (0.6 if is_bad else 0.05)
            answers = {
                "bullied_by_pupils": str(4 if worst else 1),
                "company_in_breaks": str(
                    rng.choice([1, 2, 3, 4, 5], p=[0.04, 0.04, 0.12, 0.4, 0.4])
                ),
                "thriving": str(rng.choice([1, 2, 3, 4, 5], p=[0.03, 0.03, 0.14, 0.4, 0.4])),
                "gender": str(rng.choice(["girl", "boy"])),
            }
            row = form(
                f"P{number:02}{pupil:02}",
                wave=wave,
                class_group=f"{5 + number % 6}{'ABC'[number // 6]}",
                grade=str(5 + number % 6),
                submitted_on="2025-11-05" if wave == AUTUMN else "2026-03-11",
                **answers,
            )
            who5 = str(rng.choice([1, 2, 4], p=[0.15, 0.15, 0.7]))
            rows.append({**row, **{name: who5 for name in row if name.startswith("who5_v1.")}})
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("preview") / "home"
    made = make_home(root)
    classes = {(row["school"], row["class_group"]) for row in random_rows(AUTUMN, 1)}
    drop(made, "classes.csv", class_list(*((*name, 18) for name in sorted(classes))))
    for wave, seed in ((AUTUMN, 1), (SPRING, 2)):
        drop(made, f"{wave}.csv", csv_bytes(random_rows(wave, seed)))
    run(made)
    return made


def stored(home):
    """The flags that stand in the home, with their levels."""
    with at_work(home, load_config(home), now=NOW) as con:
        found = con.execute(
            "select wave_id, flag_id, level from core.flag where status <> 'withdrawn'"
        ).fetchall()
    return set(found)


def previewed(home, text):
    config = load_config(home)
    changes = RuleChanges.from_toml(text, name="rules.toml")
    return preview(
        home.restricted,
        in_force=RuleSet(config.rules),
        previewed=RuleSet(amend(shipped_rules(), changes, config.instruments)),
        instruments=config.instruments,
        settings=config.settings,
        now=NOW,
    )


def of(found, name):
    return set(found.flags.filter(rules=name).select("wave", "flag_id", "level").rows())


def test_what_is_previewed_is_what_the_next_run_says(home, tmp_path):
    before = stored(home)
    found = previewed(home, OTHER_RULES)

    assert of(found, "in_force") == before
    assert of(found, "previewed") != before
    (home.root / "rules.toml").write_text(OTHER_RULES, encoding="utf-8")
    try:
        run(home)
        assert of(found, "previewed") == stored(home)
    finally:
        (home.root / "rules.toml").unlink()
        run(home)
    assert stored(home) == before


def test_a_preview_writes_nothing(home):
    def digest():
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(home.restricted.rglob("*"))
            if path.is_file()
        }

    before = digest()
    previewed(home, OTHER_RULES)

    assert digest() == before


def test_a_preview_beside_a_run_says_that_the_warehouse_is_held(home, capsys):
    with only_writer(home.restricted):
        with pytest.raises(WarehouseBusyError, match="another run"):
            previewed(home, OTHER_RULES)
        assert main(["rules", "preview", "--home", str(home.root)]) == 3
    assert "another run" in capsys.readouterr().err


def test_a_home_without_a_run_has_nothing_to_preview_on(tmp_path, capsys):
    fresh = make_home(tmp_path / "home")
    (fresh.restricted / "warehouse.duckdb").unlink()

    assert main(["rules", "preview", "--home", str(fresh.root)]) == 2
    assert "nothing to preview" in capsys.readouterr().err


def told(home, tmp_path, *arguments, rules=OTHER_RULES):
    file = tmp_path / "other.toml"
    file.write_text(rules, encoding="utf-8")
    return ["rules", "preview", "--home", str(home.root), "--rules", str(file), *arguments]


def test_the_command_counts_new_gone_and_other_levels(home, tmp_path, capsys):
    assert main(told(home, tmp_path, "--json")) == 0

    text = capsys.readouterr().out
    assert not re.search(r"F[0-9A-F]{15}|P0\d", text), "a flag or a pupil"
    said = json.loads(text)
    of_rule = {line["rule_id"]: line for line in said["lines"] if line["wave"] == AUTUMN}
    alone = of_rule["rule.nobody_in_breaks"]
    assert alone["gone"] == 0
    assert alone["new"] >= 15
    assert alone["previewed"] - alone["in_force"] == pytest.approx(alone["new"], abs=7)
    off = of_rule["rule.sometimes_alone"]
    assert (off["previewed"], off["new"], off["gone"]) == (0, 0, off["in_force"])
    assert of_rule["rule.class_bullied"]["by_chance"] is not None
    assert of_rule["rule.class_bullied"]["phi"] is None, "fewer than ten classes are tested"
    assert set(said["waves"]) == {AUTUMN, SPRING}


def test_no_pupil_is_named(home, tmp_path, capsys):
    with at_work(home, load_config(home), now=NOW) as con:
        pupils = con.execute(
            "select distinct pupil, flag_id from core.flag where target = 'pupil'"
        ).fetchall()
    main(told(home, tmp_path))

    said = capsys.readouterr().out
    assert "nobody_in_breaks" in said
    assert pupils
    assert not any(name in said for row in pupils for name in row)
    assert "P00" not in said


def test_a_rule_that_is_off_is_previewed_as_shipped_where_it_is_named(home):
    (home.root / "rules.toml").write_text(change("sometimes_alone", "off = true"), encoding="utf-8")
    try:
        found = preview_home(
            home.root, rule_id="rule.sometimes_alone", changes=None, wave=AUTUMN, now=NOW
        )
        [line] = found.lines
        assert (line.in_force, line.gone) == (0, 0)
        assert line.new == line.previewed != 0
    finally:
        (home.root / "rules.toml").unlink()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rule", "rule.nowhere"], "no rule has that id"),
        (["--wave", "1999V"], "nobody has answered"),
        (["--rules", "nowhere.toml"], "no file at --rules"),
    ],
)
def test_what_is_not_there_is_told(home, capsys, arguments, words):
    assert main(["rules", "preview", "--home", str(home.root), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_file_that_may_not_be_is_refused_as_a_run_would(home, tmp_path, capsys):
    assert main(told(home, tmp_path, rules=change("unsafe", "off = true"))) == 2
    assert "cannot" in (said := capsys.readouterr().err) or "no part of it" in said


# Small groups: one wave, 60 forms a grade, and flags as they are told here.


def seen(flags, rule="rule.unsafe", forms=None):
    """`flags`: (grade, gender, count); forms are sixty a grade, half girls and half boys."""
    grades = sorted({grade for grade, *_ in flags} | {5, 6, 7})
    forms = forms or [
        (grade, gender, class_at)
        for grade in grades
        for gender in ("girl", "boy")
        for class_at in range(30)
    ]
    rows = [
        {"flag_id": f"{grade}{gender}{n}", "wave": "w", "rule_id": rule, "target": "pupil"}
        | {"level": "flag", "grade": grade, "gender": gender, "marked": False, "rules": "previewed"}
        for grade, gender, count in flags
        for n in range(count)
    ]
    return Flags(
        waves=["w"],
        flags=pl.DataFrame(rows),
        forms=pl.DataFrame(
            [
                {"wave": "w", "survey": "s", "grade": g, "gender": b, "class_at": c}
                for g, b, c in forms
            ]
        ),
        indicators=pl.DataFrame(schema={"wave_id": pl.String, "rule_id": pl.String}),
        asked=pl.DataFrame([{"wave": "w", "survey": "s", "input": f"{CORE}.safety"}]),
    )


def test_a_wave_and_a_survey_that_did_not_ask_say_nothing_of_the_next():
    """Twenty in autumn's core of 180 forms; spring is a pulse with half of it, answered by 180."""
    autumn = seen([(5, "girl", 10), (6, "boy", 10)])
    pulse = autumn.forms.with_columns(wave=pl.lit("v"), survey=pl.lit("p"))
    beside = autumn.forms.with_columns(survey=pl.lit("p"))
    both = replace(
        autumn,
        waves=["w", "v"],
        forms=pl.concat([autumn.forms, beside, pulse]),
        asked=pl.concat(
            [
                autumn.asked,
                pl.DataFrame(
                    [
                        {"wave": wave, "survey": "p", "input": name}
                        for wave in "wv"
                        for name in (f"{CORE}.thriving", "who5_v1.wellbeing")
                    ]
                ),
            ]
        ),
    )
    told = lines(both, [SHIPPED["rule.unsafe"], SHIPPED["rule.new_pupil"]])

    assert [line.expected for line in told if line.rule_id == "rule.unsafe"] == [20, 20]
    assert [line.per_100 for line in told if line.rule_id == "rule.unsafe"] == [11.1, None]
    assert {line.per_100 for line in told if line.rule_id == "rule.new_pupil"} == {0.0}


def test_what_was_asked_is_told_by_question_and_scale(tmp_path):
    half = make_home(
        tmp_path / "home",
        survey=survey_toml(more=f'not_asked = ["{CORE}.wants_talk"]'),
    )
    rows = [{k: v for k, v in row.items() if "wants_talk" not in k} for row in school_class(8)]
    drop(half, "a.csv", csv_bytes(rows))
    run(half)
    asked = set(previewed(half, "").asked["input"])

    assert {f"{CORE}.safety", "who5_v1.wellbeing", "who5_v1.who5_1"} <= asked
    assert f"{CORE}.wants_talk" not in asked


def parts(flags, rule="rule.unsafe"):
    [line] = lines(seen(flags, rule), [SHIPPED[rule]])
    return {part.which: part.flags for part in line.parts}


def test_groups_of_enough_pupils_are_told_to_the_nearest_five():
    found = parts([(grade, gender, 8) for grade in (5, 6, 7) for gender in ("girl", "boy")])

    assert found == {"5": 15, "6": 15, "7": 15, "girl": 25, "boy": 25}


def test_a_small_group_is_hidden_and_another_with_it_so_that_nobody_subtracts():
    found = parts([(5, "girl", 8), (5, "boy", 8), (6, "girl", 3), (7, "girl", 6), (7, "boy", 6)])

    assert found["6"] is None
    assert [found["5"], found["7"]].count(None) >= 1


def test_a_gender_with_a_handful_of_flags_hides_the_other():
    found = parts([(5, "girl", 10), (6, "girl", 10), (7, "girl", 10), (7, "boy", 2)])

    assert found["girl"] is None
    assert found["boy"] is None


def test_flags_about_adults_are_not_told_by_grade_or_gender():
    many = [(grade, gender, 8) for grade in (5, 6, 7) for gender in ("girl", "boy")]

    assert parts(many, "rule.bullied_by_adults") == {}


@pytest.mark.parametrize(
    ("count", "said"), [(0, 0), (1, FEW), (4, FEW), (5, 5), (7, 5), (8, 10), (12, 10), (13, 15)]
)
def test_a_count_of_pupils_is_none_few_or_the_nearest_five(count, said):
    assert shown(count) == said


@pytest.mark.parametrize("mean", [0.2, 0.5, 0.9])
def test_a_mean_of_less_than_one_is_not_none(mean):
    assert shown(mean) == FEW
    assert _classes(mean) == "<1"
    assert (shown(0), _classes(0), _classes(1.4)) == (0, 0, 1)


def test_a_change_of_one_to_four_pupils_has_no_figure():
    [line] = lines(seen([(5, "girl", 3)]), [SHIPPED["rule.unsafe"]])

    assert (line.previewed, line.new, line.gone, line.in_force) == (FEW, FEW, 0, 0)
    assert line.per_100 is None
    assert line.levels == {"flag": FEW}


def wave_of(told):
    """A wave in which so many of twenty a class are bullied; the yardstick is a fifth."""
    indicators = pl.DataFrame(
        {
            "wave_id": "w",
            "rule_id": "rule.class_bullied",
            "gate": "tested",
            "answered": [20] * len(told),
            "observed": told,
            "baseline": 0.2,
        }
    )
    return replace(seen([(5, "girl", 1)]), indicators=indicators)


@pytest.mark.parametrize(
    ("told", "phi"),
    [
        ([4] * 9, None),  # nine classes are too few to say
        ([4] * 10, 0.0),  # all at the yardstick
        ([4 + 2, 4 - 2] * 5, 1.25),  # 10 points off: (0.1 / 0.0894) squared
        ([4] * 19 + [20], 0.0),  # a single one is drawn in
    ],
)
def test_classes_that_differ_more_than_equal_ones_are_told_of(told, phi):
    (line,) = lines(wave_of(told), [SHIPPED["rule.class_bullied"]])
    assert line.phi == phi
