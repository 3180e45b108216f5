"""The data docs tell all that the published file says of itself, and of nobody more."""

import hashlib
import json
import os
import re
import stat
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from flows.cli import main
from flows.data_docs import write_docs
from flows.erasure.pupil import Asked, erase_pupil
from flows.home import Home
from reports.pages.html import page_html
from reports.site.analyst_pages import LANGUAGES, Source, analyst_pages
from reports.site.operator_page import operator_pages, rows_told
from reports.texts import Texts, read_texts
from schemas.indicator import published_figures
from schemas.instrument import shipped_instruments
from schemas.settings import Settings
from tests.reports.page import Page
from tests.reports.test_report_texts_used import Recorder
from tests.reports.test_school_report import contrast
from tests.site.conftest import CLASSES, PREFIX, SCHOOLS
from tests.support.home import NOW, csv_bytes, drop, run, school_class
from warehouse.analysis import ask
from warehouse.mart import MartError
from warehouse.site_facts import DeliveryFacts, published_facts


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def written(home: Home) -> Home:
    write_docs(home, now=NOW)
    return home


def text_of(home: Home, name: str) -> str:
    return Page((home.analyst / "docs" / name).read_text(encoding="utf-8")).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_column_and_figure_is_told_in_every_language(written, language):
    tables = text_of(written, f"{language}/tables.html")
    entries = ask(written.published, "from mart.dictionary").to_pylist()
    for entry in entries:
        said = " ".join(entry[f"description_{language}"].split())
        if entry["entry"] != "indicator":
            assert entry["name"] in tables
            assert said in tables
    shown = {
        row["indicator"]
        for row in ask(
            written.published, "select distinct indicator from mart.indicator"
        ).to_pylist()
    }
    figures = text_of(written, f"{language}/figures.html")
    for entry in entries:
        if entry["name"] in shown:
            assert entry[f"label_{language}"] in figures
            assert entry[f"description_{language}"] in figures
    assert len(shown) == 7


def test_what_is_told_in_bokmaal_is_the_comment_in_the_file(written):
    page = text_of(written, "nb/tables.html")
    with duckdb.connect(str(written.published), read_only=True) as file:
        comments = file.execute("""
            select comment from duckdb_columns() where schema_name = 'mart'
            union all select comment from duckdb_tables() where schema_name = 'mart'
        """).fetchall()
    assert len(comments) > 45
    assert all(" ".join(comment.split()) in page for (comment,) in comments)


def test_floors_are_those_in_force(home):
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(f"{text}\n[suppression]\nmin_n = 17\n", encoding="utf-8")
    write_docs(home, now=NOW)
    told = text_of(home, "en/tables.html")
    rows = ("the municipality municipality 17 2", "a school school 17 2 3", "a gender in the")
    assert all(row in told for row in rows)
    assert "a grade of a school" not in told  # not published here


def test_lineage_names_checksums_instruments_and_rules_of_each_wave(written):
    page = text_of(written, "en/lineage.html")
    lineage = ask(written.published, "from mart.lineage").to_pylist()
    assert lineage
    for row in lineage:
        assert row["deliveries_sha256"] in page
        assert (row["definitions_sha256"] or "") in page
        assert all(part in page for part in (row["definitions"] or "").split(", "))


def test_checks_count_what_is_hidden_as_the_file_has_it(written):
    page = text_of(written, "en/checks.html")
    for table in ("indicator", "response_rate", "flag_count"):
        where = "where gender is null" if table == "indicator" else ""
        query = f"""
            select level, count(*) n, count(*) filter (suppressed) h
            from mart.{table} {where} group by level
        """  # noqa: S608 - of the test's own
        for row in ask(written.published, query).to_pylist():
            place = {"municipality": "the municipality", "school": "a school"}.get(row["level"])
            if place:
                assert f"2025H mart.{table} {place} {row['n']} {row['h']}" in page
    assert "Every published indicator of every wave has its lineage" in page


def test_a_table_without_comment_is_not_said_to_be_commented(home, tmp_path):
    facts = published_facts(home.published)
    bare = [dict(row, comment=None) for row in facts.tables[:1]] + facts.tables[1:]
    object.__setattr__(facts, "tables", bare)
    settings = Settings.from_file(home.settings_file)
    page = analyst_pages(Source(facts, settings, {}))["en/checks.html"]
    assert "has a COMMENT" not in page_html(page)


def test_no_code_class_or_file_is_in_any_page_and_no_delivery_in_the_analysts(written):
    analyst = files_of(written.analyst / "docs")
    operator = files_of(written.restricted / "docs")
    assert len(analyst) == 17  # five pages in three languages, the first one, the notebook
    assert len(operator) == 4
    with duckdb.connect(str(written.restricted / "warehouse.duckdb"), read_only=True) as con:
        pupils = con.execute("select distinct pupil from core.response").fetchall()
        deliveries = con.execute("select delivery_id from core.delivery").fetchall()
    for content in (*analyst.values(), *operator.values()):
        text = content.decode()
        assert not [one for one in (PREFIX, *CLASSES, "wrong.csv") if one in text]
        assert not [pupil for (pupil,) in pupils if pupil in text]
    told = b"".join(operator.values()).decode()
    assert sum(delivery in told for (delivery,) in deliveries) == len(SCHOOLS) * len(CLASSES)
    assert not [d for (d,) in deliveries for text in analyst.values() if d.encode() in text]


def test_few_rows_are_not_counted_for_the_operator(written):
    page = (written.restricted / "docs" / "en" / "index.html").read_text(encoding="utf-8")
    assert "GRADE_INVALID unsound grade 1 under 5" in Page(page).text


@pytest.mark.parametrize(("n", "told"), [(0, "0"), (1, "under 5"), (4, "under 5"), (5, "5"),
                                         (7, "5"), (8, "10"), (1234, "1,235")])  # fmt: skip
def test_rows_are_rounded_to_five(n, told):
    assert rows_told(n, 5, read_texts("en", "site")) == told


def test_the_operator_sees_when_a_published_wave_would_be_another_today(written):
    page = written.restricted / "docs" / "en" / "index.html"
    assert "changed since" not in Page(page.read_text(encoding="utf-8")).text
    late = school_class(8, prefix="LATE", class_group="7C")
    drop(written, "late.csv", csv_bytes(late))
    run(written)
    before = files_of(written.analyst / "docs")
    write_docs(written, now=NOW)
    assert "changed since" in Page(page.read_text(encoding="utf-8")).text
    assert files_of(written.analyst / "docs") == before  # the published figures are as they were


def test_a_delivery_that_an_erasing_named_anew_is_known_again(written):
    page = written.restricted / "docs" / "en" / "index.html"
    before = page.read_text(encoding="utf-8")
    code = f"{PREFIX}00003"
    done = erase_pupil(written, Asked(code, None, for_good=False), now=NOW)
    assert done["proof"]["found"] == 0
    write_docs(written, now=NOW)
    after = page.read_text(encoding="utf-8")
    hashes = [set(re.findall(r"\b[0-9a-f]{64}\b", text)) for text in (before, after)]
    assert hashes[0] != hashes[1]
    assert "changed since" not in Page(after).text


def test_the_same_home_gives_the_same_bytes_and_writes_nothing(written):
    folders = (written.analyst / "docs", written.restricted / "docs")
    before = [files_of(folder) for folder in folders]
    stamps = [path.stat().st_mtime_ns for folder in folders for path in sorted(folder.rglob("*"))]
    assert write_docs(written, now=NOW).changed == 0
    assert [files_of(folder) for folder in folders] == before
    assert [p.stat().st_mtime_ns for f in folders for p in sorted(f.rglob("*"))] == stamps


def test_a_page_that_nothing_makes_any_more_goes(written):
    old = written.analyst / "docs" / "nb" / "old.html"
    old.write_text("old", encoding="utf-8")
    assert write_docs(written, now=NOW).changed == 1
    assert not old.exists()


def test_zones_keep_their_modes(written):
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for zone in (written.analyst, written.restricted)
        for path in (zone / "docs").rglob("*")
    }
    assert modes
    for path, mode in modes.items():
        is_analysts = written.analyst in path.parents
        wanted = (0o755, 0o440) if is_analysts else (0o700, 0o400)
        assert mode == wanted[path.is_file()], path
    assert stat.S_IMODE((written.restricted / "docs").stat().st_mode) == 0o700


def test_a_group_that_folders_pass_on_stays_passed_on(home):
    home.analyst.chmod(0o2755)
    write_docs(home, now=NOW)
    made = home.analyst / "docs" / "nb"
    inherited = stat.S_IMODE(made.stat().st_mode) & stat.S_ISGID
    plain = home.analyst / "plain"
    plain.mkdir()
    assert inherited == stat.S_IMODE(plain.stat().st_mode) & stat.S_ISGID


def test_before_anything_is_published_there_is_the_operators_page(home, capsys):
    home.published.unlink()
    (home.analyst / "manifest.json").unlink()
    assert main(["docs", "--home", str(home.root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["analyst"] is None
    assert Path(told["operator"], "en", "index.html").is_file()
    assert not (home.analyst / "docs").exists()
    page = Path(told["operator"], "en", "index.html").read_text(encoding="utf-8")
    assert "Nothing is published yet." in page


def test_a_published_file_that_was_changed_is_not_documented(home):
    home.published.chmod(0o600)
    with duckdb.connect(str(home.published)) as file:
        file.execute("update mart.indicator set value = 0.5").fetchall()
    with pytest.raises(MartError, match="does not match its publication id"):
        write_docs(home, now=NOW)
    assert not (home.analyst / "docs").exists()
    assert not (home.restricted / "docs").exists()


NETWORK = re.compile(r"https?:|//|\bsrc=|<script|<link|@import|url\(|<iframe|<form", re.IGNORECASE)


def test_pages_need_no_network_no_script_and_their_links_lead_somewhere(written):
    for folder in (written.analyst / "docs", written.restricted / "docs"):
        for path in folder.rglob("*.html"):
            html = path.read_text(encoding="utf-8")
            assert not NETWORK.search(html), path
            for link in Page(html).every("a"):
                address = link["href"] or ""
                if address.startswith("#"):
                    assert f'id="{address[1:]}"' in html
                else:
                    assert (path.parent / address).is_file(), (path, address)


def test_pages_can_be_read_by_ear_and_by_keyboard(written):
    for path in (written.analyst / "docs").rglob("*/*.html"):
        page = Page(path.read_text(encoding="utf-8"))
        [html] = page.every("html")
        assert html["lang"] == path.parent.name
        assert len(page.every("h1")) == 1
        ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
        assert len(ids) == len(set(ids))
        assert all(cell.get("scope") in ("row", "col") for cell in page.every("th"))
        assert len(page.every("caption")) == len(page.every("table"))
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
        assert all(b - a <= 1 for a, b in pairwise(levels))
        for picture in page.every("svg"):
            assert picture["role"] == "img"
            assert set((picture["aria-labelledby"] or "").split()) <= set(ids)
        scrolled = [a for _, a in page.tags if (a.get("class") or "").startswith("wide-table")]
        assert all(region["tabindex"] == "0" and region["aria-label"] for region in scrolled)


def test_every_text_has_a_reader(home, monkeypatch):
    entries = Recorder(read_texts("nb", "site").entries)
    texts = Texts("nb", entries)
    for module in ("analyst_pages", "operator_page"):
        monkeypatch.setattr(f"reports.site.{module}.read_texts", lambda *_: texts)
    settings = Settings.from_file(home.settings_file)
    crossed = settings.suppression.model_copy(update={"grades_of_schools": True})
    figures = {figure.id: figure for figure in published_figures(shipped_instruments())}
    facts = published_facts(home.published)
    for known in (figures, {}):
        analyst_pages(Source(facts, settings.model_copy(update={"suppression": crossed}), known))
    kinds, outcomes = ("answers", "class_list", "unknown"), (
        "loaded", "duplicate", "quarantined", "rejected"
    )  # fmt: skip
    counts = dict.fromkeys(("files", "delivered", "accepted", "quarantined", "dropped"), 3)
    files = [
        {"kind": kind, "outcome": outcome, "survey_id": None, **counts}
        for kind in kinds
        for outcome in outcomes
    ]
    behind = [
        {"wave_id": "w", "forms": "core.response", "deliveries": ["a"], "digest": "b",
         "is_as_published": same}
        for same in (True, False)
    ]  # fmt: skip
    reasons = [{"reason_code": "GONE_SINCE", "files": 1, "rows": 7}]
    for told in (DeliveryFacts(files, reasons, behind), DeliveryFacts([], [], [])):
        operator_pages(told, settings)
    assert set(entries) - entries.said == set()


def test_the_published_file_is_left_as_it_is(written):
    digest = hashlib.sha256(written.published.read_bytes()).hexdigest()
    assert main(["docs", "--home", os.fspath(written.root)]) == 0
    assert hashlib.sha256(written.published.read_bytes()).hexdigest() == digest


def test_the_chart_has_enough_contrast():
    folder = files("reports") / "templates"
    colour = dict(
        re.findall(r"--(\w+): (#[0-9a-f]{6});", (folder / "report.css").read_text("utf-8"))
    )
    css = (folder / "page.css").read_text("utf-8")
    on_gate = re.search(r"\.on-gate \{ fill: (#\w+)", css)
    sub = re.search(r"\.zone-name \{[^}]*fill: (#\w+)", css)
    assert on_gate
    assert sub
    assert contrast(on_gate[1], colour["accent"]) >= 4.5
    assert all(contrast(sub[1], colour[ground]) >= 4.5 for ground in ("paper", "tint", "zone"))
    assert set(re.findall(r"#[0-9a-f]{6}", css)) == {on_gate[1], sub[1]}
