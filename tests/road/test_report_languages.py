"""Reports in a language that is no longer written go, in the same run, and nothing else does."""

from pathlib import Path

import pytest

from flows import road
from flows.display import run_as_dict, show_run
from flows.home import Home
from flows.report_flags import issue
from schemas.declared import DeclarationError
from tests.support.home import AUTUMN, NOW, SPRING, csv_bytes, drop, form, make_home, run

BY_ADULT = {"bullied_by_adults": "4"}


def in_languages(home: Home, *languages: str) -> None:
    lines = home.settings_file.read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("languages")]
    named = ", ".join(f'"{language}"' for language in languages)
    home.settings_file.write_text("\n".join([f"languages = [{named}]", *kept]), "utf-8")


def reports(home: Home) -> list[str]:
    return sorted(str(path.relative_to(home.health)) for path in home.health.rglob("*.*"))


def all_in(*languages: str) -> list[str]:
    places = [f"S01/{wave}/report" for wave in (AUTUMN, SPRING)]
    places += [f"_adult_route/{wave}/S01" for wave in (AUTUMN, SPRING)]
    return sorted(f"{place}.{language}.html" for place in places for language in languages)


@pytest.fixture
def two_waves(tmp_path: Path) -> Home:
    home = make_home(tmp_path)
    in_languages(home, "nb", "en")
    rows = [form("P100", **BY_ADULT), form("P100", wave=SPRING, **BY_ADULT)]
    drop(home, "a.csv", csv_bytes([*rows, form("P101")]))
    run(home)
    assert reports(home) == all_in("nb", "en")
    return home


def test_reports_in_a_language_that_is_no_longer_written_are_removed(two_waves, capsys):
    in_languages(two_waves, "nn")
    summary = run(two_waves)
    assert reports(two_waves) == all_in("nn")
    assert (summary.reports, summary.removed) == (4, 8)
    show_run(summary)
    assert "Reports removed: 8, in a language that `languages`" in capsys.readouterr().out
    assert run_as_dict(summary)["reports_removed"] == 8
    again = run(two_waves)
    show_run(again)
    assert again.removed == 0
    assert "removed" not in capsys.readouterr().out


def test_only_files_of_our_own_naming_are_removed(two_waves):
    folder, adults = two_waves.health / "S01" / AUTUMN, two_waves.health / "_adult_route" / AUTUMN
    kept = [
        folder / "report.nb.html.bak",
        folder / "notes.nb.html",
        folder / "report.sv.html",
        folder / "report.html",
        folder / "old" / "report.nb.html",
        adults / "S01 copy.nb.html",
        adults / "nurse's own.nb.html",
        two_waves.health / "S01" / "2024H" / "report.nb.html",
        two_waves.health / "templates of ours" / AUTUMN / "report.nb.html",
    ]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("ours", encoding="utf-8")
    in_languages(two_waves, "en")
    run(two_waves)
    assert [path for path in kept if not path.is_file()] == []
    assert reports(two_waves) == sorted(
        [*all_in("en"), *(str(path.relative_to(two_waves.health)) for path in kept)]
    )


def test_a_school_that_is_no_longer_in_the_settings_keeps_no_dead_report(two_waves):
    stray = two_waves.health / "S99" / AUTUMN / "report.nb.html"
    stray.parent.mkdir(parents=True)
    stray.write_text("of a school that was closed", encoding="utf-8")
    in_languages(two_waves, "en")
    run(two_waves)
    assert not stray.exists()


def of_one_wave(home: Home) -> None:
    road.run(home, now=NOW, wave=SPRING, settle=0)


def by_prefect(home: Home) -> None:
    issue.fn(str(home.root), SPRING)


@pytest.mark.parametrize("write", [of_one_wave, by_prefect])
def test_a_run_of_one_wave_leaves_the_reports_of_the_others_as_they_are(two_waves, write):
    in_languages(two_waves, "nn")
    write(two_waves)
    kept = [name for name in all_in("nb", "en") if AUTUMN in name]
    assert reports(two_waves) == sorted([*kept, *(name for name in all_in("nn") if SPRING in name)])


def test_no_language_at_all_is_refused_before_anything_is_removed(two_waves):
    in_languages(two_waves)
    with pytest.raises(DeclarationError, match="languages"):
        run(two_waves, now=NOW)
    assert reports(two_waves) == all_in("nb", "en")
