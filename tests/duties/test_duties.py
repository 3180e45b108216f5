"""The documents say what the settings say, all of it, and no text is unfinished."""

import json
import re
from collections.abc import Iterator
from datetime import date
from string import Formatter
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from flows.cli import main
from flows.duties import write_duties
from flows.home import load_config
from reports.duties.documents import documents
from reports.duties.facts import Municipality, told
from reports.duties.wording import BLANK, DOCUMENTS, TABLE, TICK, Wording, wording
from reports.pages.html import page_html
from reports.pages.markdown import page_markdown
from schemas.declared import DeclarationError
from schemas.instrument import shipped_instruments
from schemas.network_rule import network_rule
from schemas.rule import LOCAL_EDITIONS, shipped_rules
from schemas.settings import DocLanguage, Settings
from schemas.survey import Survey
from tests.reports.page import Page
from tests.reports.test_texts import BOKMAAL, PROGRAMME
from tests.support.home import make_home
from transforms.pseudonym import HEX_DIGITS, KEY_BYTES

LANGUAGES: tuple[DocLanguage, ...] = get_args(DocLanguage)

SETTINGS = """
[municipality]
number = "0001"
name = "Fjordnes kommune"
[[school]]
id = "FJELL"
name = "Fjellveien skole"
[[school.recipients]]
name = "helsesykepleieren"
age = "age1jvu77ej4gqfaztjdrmmtf3pjlscnvwpx4k8s5gx4ps5sgfl5ccystx6efq"
[[delivery.bullied_by_adults]]
name = "leder for helsetjenesten"
age = "age1jvu77ej4gqfaztjdrmmtf3pjlscnvwpx4k8s5gx4ps5sgfl5ccystx6efq"
[[delivery.escrow]]
name = "kommuneadvokaten"
age = "age1jvu77ej4gqfaztjdrmmtf3pjlscnvwpx4k8s5gx4ps5sgfl5ccystx6efq"
[[wave]]
id = "w1"
name = "Høst 2026"
school_year = "2026-27"
opens = 2026-11-02
closes = 2026-11-20
[routing]
decided_by = "Kommunedirektøren"
decided_on = 2026-10-15
pupil_flags_to = "health_service"
bullied_by_adults_to = "health_service_lead"
[security]
encrypted_volume = "checked"
decided_by = "Driftslederen"
decided_on = 2026-10-16
why = "LUKS, sett med lsblk"
"""
SURVEY = """
id = "trivsel"
name = "Trivsel"
tool = "nettskjema"
linkage = "pseudonymous"
instruments = ["klassepuls_core_v1"]
dropped = ["Tidspunkt"]
[columns]
pupil_code = "Kode"
"""
# What may change without a word in any document, and why.
SILENT = {
    "schools.recipients.age": "the documents name whose key it is",
    "schools.recipients.mail": "how somebody is reached",
    "delivery.bullied_by_adults.age": "the documents name whose key it is",
    "delivery.bullied_by_adults.mail": "how somebody is reached",
    "delivery.mail": "how reports travel, sealed; the documents say to whom",
    "delivery.sftp": "how reports travel, sealed; the documents say to whom",
    "delivery.svarut": "how reports travel, sealed; the documents say to whom",
    "mail": "the server; the documents say to whom reports go",
    "delivery.escrow.age": "the documents name whose key it is",
    "schools.register_id": "how a register writes a school; no document names it",
    "schedule.cron": "when the machine works",
    "schedule.no_runs_in": "when the machine works",
    **dict.fromkeys(
        (
            "server.port",
            "server.ui",
            "server.look_every_seconds",
            "server.database",
            "server.password_file",
        ),
        "how runs are kept on this machine; no pupil is in them",
    ),
    **dict.fromkeys(
        (
            "board.enabled",
            "board.port",
            "board.address",
            "board.link_minutes",
            "board.idle_minutes",
            "board.session_hours",
        ),
        "a page on the machine for whom the documents name already",
    ),
    **dict.fromkeys(
        ("intake.enabled", "intake.port", "intake.max_megabytes"),
        "how deliveries come; the documents say what is in them",
    ),
    "notices": "who is told that there is something to do; nothing about a pupil is in it",
    "classes.names": "names of classes stand in no document",
    "routing.pupil_flags_to": "there is one value",
}
SILENT_OF_SURVEY = {
    "id": "a name for the program",
    "items": "which column is which question", "codes": "which answer is which code",
    "not_asked": "which columns are not there", "codebook": "where the questions are read from",
    "inbox_folder": "a folder", "encoding": "how a file is written",
}  # fmt: skip


def survey(**changes: Any) -> Survey:
    return Survey.from_toml(SURVEY, name="survey").model_copy(update=changes)


def municipality(settings: Settings | None = None, *surveys: Survey, rules=None) -> Municipality:
    return Municipality(
        settings or Settings.from_toml(SETTINGS, name="settings"),
        surveys or (survey(),),
        shipped_instruments(),
        rules or (*shipped_rules(), network_rule()),
    )


def all_text(of: Municipality, language: DocLanguage = "nb") -> str:
    return "\n".join(page_markdown(page) for page in documents(of, language).values())


def another(value: Any) -> Any:
    """A value of the same kind that is not this one."""
    known = {
        "health_service_lead": "school_owner", "health_service": "health_service",
        "checked": "waived", "Europe/Oslo": "UTC",
        "none": "identifier", "2026-27": "2027-28", "0001": "0002",
    }  # fmt: skip
    kinds: list[tuple[type | tuple[type, ...], Any]] = [
        (bool, lambda: not value),
        ((int, float), lambda: value + 37),
        (date, lambda: value.replace(day=27)),
        (str, lambda: known.get(value, f"{value} annet ord")),
        (tuple, lambda: ("nn",) if value else ("et ord til",)),
        (type(None), lambda: "annet"),
    ]
    return next(make() for kind, make in kinds if isinstance(value, kind))


def changes_of(model: BaseModel, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting, and the same settings with another value of it alone."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        where = f"{path}{name}"
        many = isinstance(value, tuple) and value and isinstance(value[0], BaseModel)
        if isinstance(value, BaseModel) or many:
            inner = value[0] if many else value
            for deeper, changed in changes_of(inner, f"{where}."):
                yield deeper, model.model_copy(update={name: (changed,) if many else changed})
        else:
            yield where, model.model_copy(update={name: another(value)})


CHANGES = dict(changes_of(Settings.from_toml(SETTINGS, name="settings")))


@pytest.mark.parametrize("setting", CHANGES)
def test_every_setting_that_changes_shows_in_the_documents(setting: str) -> None:
    before, after = all_text(municipality()), all_text(municipality(CHANGES[setting]))
    assert (before == after) == (setting in SILENT)


def test_every_silent_setting_is_one() -> None:
    assert set(SILENT) <= set(CHANGES)


CHANGED_SURVEYS = {
    "name": "Ny", "tool": "limesurvey", "linkage": "none", "instruments": ("who5_v1",),
    "columns": {"pupil_code": "K", "gender": "Kj"}, "constants": {"wave": "w1"},
    "dropped": ("Epost",), "free_text": ("Annet",), "switched_on": {"klassepuls_core_v1": "NN"},
    "nominations": [{"situation": "breaks", "columns": ["v1"]}],
    "id": "annet", "items": {"klassepuls_core_v1.safety": "S"},
    "codes": {"gender": {"J": "girl"}}, "not_asked": ("klassepuls_core_v1.safety",),
    "codebook": "b.sps", "inbox_folder": "mappe", "encoding": "cp1252",
}  # fmt: skip


@pytest.mark.parametrize("key", Survey.model_fields)
def test_every_key_of_a_survey_that_changes_shows(key: str) -> None:
    changed = Survey.model_validate(survey().model_dump() | {key: CHANGED_SURVEYS[key]} | (
        {"columns": {}} if key == "linkage" else {}
    ))  # fmt: skip
    same = all_text(municipality()) == all_text(municipality(None, changed))
    assert same == (key in SILENT_OF_SURVEY)


def test_undecided_matters_are_said_to_be_undecided() -> None:
    bare = Settings.from_toml(SETTINGS.partition("[routing]")[0], name="settings")
    open_schools = tuple(one.model_copy(update={"recipients": ()}) for one in bare.schools)
    bare = bare.model_copy(update={"schools": open_schools, "delivery": None})
    text = all_text(municipality(bare), "en")
    assert "Reports are not sealed" in text
    assert "has not decided who receives flags" in text
    assert "Nobody has answered in writing whether the storage is encrypted" in text
    assert "the school health service sees your code" not in text
    assert "Nobody is told what one pupil has answered" in text


def test_without_codes_no_letter_tells_of_codes() -> None:
    letters = documents(municipality(None, survey(linkage="none", columns={})), "en")
    for name in ("guardians", "pupils_young", "pupils_older"):
        text = page_markdown(letters[name])
        assert "Nobody" in text
        assert "your code" not in text
        assert "which pupil code" not in text


def test_rules_are_those_that_can_speak_and_tell_their_limits() -> None:
    text = page_markdown(documents(municipality(), "en")["dpia"])
    assert "klassepuls_core_v1.safety ≤ 2" in text
    assert "who5_v1" not in text  # nobody is asked
    assert "the municipality uses the limits" in text.lower()
    local = [
        rule.model_copy(update={"version": rule.version * LOCAL_EDITIONS + 3})
        for rule in shipped_rules()[:2]
    ]
    told_of = page_markdown(documents(municipality(rules=local), "en")["dpia"])
    assert "limits of its own for 2 rules" in told_of
    assert "+local3" in told_of


def test_facts_of_the_code_are_those_of_the_code() -> None:
    text = page_markdown(documents(municipality(), "en")["record"])
    assert f"secret key of {KEY_BYTES} bytes; {HEX_DIGITS * 4} bits" in text
    assert "at least 5 pupils behind each figure, 10 for gender, 2 classes; at least 3 schools" in (
        page_markdown(documents(municipality(), "en")["dpia"])
    )


# --- the wording ---


def lines(words: Wording) -> list[tuple[str, str]]:
    found = [
        *((f"page.{key}", text) for key, text in words.page.items()),
        *((f"word.{key}", text) for key, text in words.word.items()),
        *((f"fact.{key}", text) for key, text in words.fact.items()),
    ]
    for name, table in words.table.items():
        cells = [table.caption, *table.headings, *(cell for row in table.rows for cell in row)]
        found += [(f"table.{name}.{n}", cell) for n, cell in enumerate(cells)]
    for name in DOCUMENTS:
        document = words.document(name)
        found += [(f"{name}.title", document.title), (f"{name}.about", document.about)]
        for n, section in enumerate(document.sections):
            found.append((f"{name}.{n}", section.heading))
            found += [(f"{name}.{n}.{m}", line) for m, line in enumerate(section.lines)]
    return found


def sign(line: str) -> str:
    return line if line.startswith(TABLE) else line[:2] if line[:2] in (BLANK, TICK) else ""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_in_the_same_order(language: DocLanguage) -> None:
    nb, other = lines(wording("nb")), lines(wording(language))
    assert [(key, sign(line), placeholders(line)) for key, line in nb] == [
        (key, sign(line), placeholders(line)) for key, line in other
    ]


def test_nynorsk_is_nynorsk() -> None:
    nn = [(key, text.replace(PROGRAMME, "")) for key, text in lines(wording("nn"))]
    assert [key for key, text in nn if BOKMAAL.search(text)] == []
    nb = dict(lines(wording("nb")))
    equal = [key for key, text in lines(wording("nn")) if nb[key] == text]
    assert [key for key in equal if len(nb[key].split()) > 7 and sign(nb[key]) != TABLE] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_unfinished(language: DocLanguage) -> None:
    for key, text in lines(wording(language)):
        assert text.strip(), key
        assert not re.search(r"TODO|TBD|XXX|FIXME|lorem|[<>&\\]", text, re.IGNORECASE), key


def test_a_wording_that_lacks_something_is_an_error() -> None:
    with pytest.raises(DeclarationError, match="mend"):
        Wording.from_toml('[page]\nskip = "x"\n', name="nb.toml")


def test_every_fact_and_word_is_told_somewhere() -> None:
    words = wording("nb")
    facts = told(municipality(), "nb")
    used = set().union(*(placeholders(line) for _, line in lines(words)))
    assert used - set(facts.values) <= {
        *("by", "on", "why", "said", "column", "situations", "n"),
        *("names", "adults", "escrow"),
    }
    assert set(facts.values) <= used
    tables = {line.removeprefix(TABLE) for _, line in lines(words) if line.startswith(TABLE)}
    assert tables == set(words.table)


@pytest.mark.parametrize("language", LANGUAGES)
def test_documents_are_drafts_with_room_to_fill_in_and_open_from_disk(
    language: DocLanguage,
) -> None:
    for name, page in documents(municipality(), language).items():
        html = page_html(page)
        seen = Page(html)
        assert page.seal
        assert page.seal[0] in seen.text
        assert page.seal[0] in page_markdown(page)
        assert page.fill in seen.text, name
        assert not re.search(r"https?:|\bsrc=|<script|<link|[{}]", html.partition("<body>")[2])
        assert seen.every("html")[0]["lang"] == language
        assert len(seen.every("h1")) == 1


def test_what_somebody_typed_in_the_settings_is_no_markup() -> None:
    typed = "<b>Per|Pål</b> *[x]* {raw_days}"
    base = Settings.from_toml(SETTINGS, name="settings")
    assert base.routing
    changed = base.model_copy(
        update={"routing": base.routing.model_copy(update={"decided_by": typed})}
    )
    page = documents(municipality(changed), "nb")["record"]
    assert typed in Page(page_html(page)).text
    assert "<b>" not in page_html(page)
    assert r"\<b\>Per|Pål\</b\> \*\[x\]\* {raw\_days}" in page_markdown(page)


# --- the files ---


def test_files_are_written_once_and_anew_when_a_setting_changes(tmp_path, capsys) -> None:
    home = make_home(tmp_path / "home")
    assert main(["docs", "--home", str(home.root), "--duties", "nn", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert len(made["written"]) == 2 * len(DOCUMENTS)
    assert write_duties(home, "nn").written == ()
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(f"{text}\n[retention]\nraw_days = 11\n", encoding="utf-8")
    assert "guardians.md" in write_duties(home, "nn").written
    assert "etter 11 dagar" in (home.root / "duties/nn/guardians.md").read_text(encoding="utf-8")
    assert not (home.root / "duties/nb").exists()


def test_a_file_that_somebody_filled_in_stays(tmp_path, capsys) -> None:
    home = make_home(tmp_path / "home")
    write_duties(home, "nb")
    filled = home.root / "duties/nb/record.md"
    filled.write_text(filled.read_text(encoding="utf-8").replace("\\_" * 60, "Kari", 1), "utf-8")
    written = filled.read_bytes()
    assert main(["docs", "--home", str(home.root), "--duties", "nb"]) == 1
    assert "record.md was filled in by somebody" in capsys.readouterr().out
    assert filled.read_bytes() == written


def test_the_homes_own_settings_surveys_and_rules_are_told(tmp_path) -> None:
    home = make_home(tmp_path / "home")
    config = load_config(home)
    write_duties(home, "en")
    text = (home.root / "duties/en/dpia.md").read_text(encoding="utf-8")
    assert all(survey.name in text for survey in config.surveys.values())
    assert all(wave.name in text for wave in config.settings.waves)
    assert "kommunedirektøren" in text
