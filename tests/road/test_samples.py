"""Real exports of other people's surveys, read in place: each goes the road or ends as it must."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from flows.check import check_file
from flows.draft import draft_from
from flows.home import Home
from flows.outcome import Outcome
from tests.support.home import drop, make_home, outcomes, run
from tests.support.state import bytes_below, note_of, warehouse_of
from transforms.tools.fhir import read_bytes

Options = Mapping[str, Sequence[int]]


def instrument_toml(options: Options) -> str:
    """An instrument of the municipality's own: items and their codes."""
    lines = [
        'id = "own"\nversion = 1\nuse_for = "both"\nmin_grade = 1\nname = { nb = "Eget skjema" }',
        'licence = { name = "eget", source = "prøve" }',
    ]
    for item, codes in options.items():
        lines += [
            f'[[option_sets.of_{item}]]\ncode = {code}\nlabel = {{ nb = "{code}" }}'
            for code in codes
        ]
        lines.append(f'[[items]]\nid = "{item}"\noptions = "of_{item}"')
    return "\n".join(lines)


def survey_toml(
    tool: str, items: Mapping[str, str], *, columns: str, dropped: Sequence[str], more: str = ""
) -> str:
    linkage = "pseudonymous" if "pupil_code" in columns else "none"
    mapped = "\n".join(f'"own_v1.{item}" = "{column}"' for item, column in items.items())
    listed = ", ".join(f'"{name}"' for name in dropped)
    return (
        f'id = "own"\nname = "Eget"\ntool = "{tool}"\nlinkage = "{linkage}"\n'
        f'instruments = ["own_v1"]\ndropped = [{listed}]\n{more}\n'
        '[constants]\nwave = "2025H"\nschool = "S01"\nclass_group = "7A"\ngrade = "7"\n'
        f"[columns]\n{columns}\n[items]\n{mapped}\n"
    )


@pytest.fixture
def home_with(tmp_path: Path):
    """Makes a home for one form of the municipality's own."""

    def made(survey: str, options: Options, codebook: bytes | None = None) -> Home:
        home = make_home(tmp_path / "home")
        (home.surveys / "own.toml").write_text(survey, encoding="utf-8")
        (home.instruments / "own.toml").write_text(instrument_toml(options), encoding="utf-8")
        if codebook:
            (home.surveys / "own.csv").write_bytes(codebook)
        return home

    return made


def go(home: Home, content: bytes) -> Outcome:
    drop(home, "levert.pdf", content)
    return outcomes(run(home))["levert.pdf"]


def answers(home: Home) -> list[tuple[object, ...]]:
    with warehouse_of(home) as con:
        return con.execute("""
            select row_number() over (partition by item_id order by response_id), item_id, value,
                missing
            from core.answer where instrument_key = 'own_v1' order by 1, 2
        """).fetchall()


def left_behind(home: Home, outcome: str) -> bytes:
    """All that a run wrote, without the file itself."""
    itself = "levert.pdf"
    files = bytes_below(home.root)
    assert f"outcome/{outcome}/{itself}" in files
    return b"".join(text for path, text in files.items() if not path.endswith(f"/{itself}"))


QUALTRICS_DROPPED = (
    *("StartDate", "EndDate", "Status", "Progress", "Duration (in seconds)", "Finished"),
    *("DistributionChannel", "UserLanguage", "Q2", "Q2 - Topics"),
)


def test_qualtrics_goes_the_road_without_addresses_and_places(shared, home_with):
    survey = survey_toml(
        "qualtrics",
        {"q1": "Q1"},
        columns='submission = "ResponseId"\nsubmitted_on = "RecordedDate"',
        dropped=QUALTRICS_DROPPED,
    )
    home = home_with(survey, {"q1": (1, 2, 3)})
    content = (shared / "samples" / "qualtrics" / "sample.csv").read_bytes()
    path = drop(home, "levert.pdf", content)
    checked = check_file(home, path)
    told = outcomes(run(home))["levert.pdf"]
    assert (told.outcome, told.accepted) == ("loaded", 1)
    assert (checked["tool"], checked["sound"]) == ("qualtrics", 1)
    assert answers(home) == [(1, "q1", 2, None)]
    note = note_of(home, "levert.pdf")
    assert note["taken_away"] == {"ip_address": 1, "name": 2, "email": 1, "account": 1, "place": 2}
    written = left_behind(home, "loaded")
    for planted in (b"130.92.34.66", b"47.115", b"7.2315", b"Hello World", b"R_2YPOQ602ER1jkf1"):
        assert planted in content
        assert planted not in written


REDCAP = {
    "has_diabetes": (0, 1),
    "pmq1": (0, 1, 2, 3),
    "pmq3": (0, 1),
}
REDCAP_DROPPED = (
    *("dob", "consent___1", "prescreening_survey_complete", "participant_info_survey_timestamp"),
    *("ethnicity", "race", "sex", "height", "weight", "participant_info_survey_complete"),
    *("participant_morale_questionnaire_timestamp", "pmq2", "pmq4"),
    *("participant_morale_questionnaire_complete", "complete_study", "withdraw_date"),
    *("withdraw_reason", "date_visit_4", "discharge_date_4", "discharge_summary_4"),
    *("study_comments", "completion_data_complete"),
)


def redcap_survey(
    dropped: Sequence[str] = REDCAP_DROPPED, codebook: str = 'codebook = "own.csv"'
) -> str:
    return survey_toml(
        "redcap",
        {item: item for item in REDCAP},
        columns='submission = "participant_id"\nsubmitted_on = "prescreening_survey_timestamp"',
        dropped=dropped,
        more=codebook,
    )


def test_redcap_goes_the_road_without_what_its_dictionary_marks(shared, home_with):
    folder = shared / "samples" / "redcap"
    content = (folder / "survey-data.csv").read_bytes()
    dictionary = (folder / "survey-dictionary.csv").read_bytes()
    home = home_with(redcap_survey(), REDCAP, dictionary)
    told = go(home, content)
    assert (told.outcome, told.accepted, told.reason) == ("loaded", 2, None)
    assert (told.tool, told.sure) == ("redcap", "certain")
    assert answers(home) == [
        (1, "has_diabetes", 1, None), (1, "pmq1", None, "skipped"), (1, "pmq3", None, "skipped"),
        (2, "has_diabetes", 0, None), (2, "pmq1", None, "skipped"), (2, "pmq3", None, "skipped"),
    ]  # fmt: skip
    assert note_of(home, "levert.pdf")["taken_away"] == {"identifier": 5, "name": 1}
    written = left_behind(home, "loaded")
    for planted in (b"aaa@bbb.com", b"ccc@ddd.com"):
        assert planted in content
        assert planted not in written


def test_a_draft_of_the_redcap_sample_proposes_the_time_of_its_form(shared, tmp_path):
    folder = shared / "samples" / "redcap"
    text = draft_from(folder / "survey-data.csv", folder / "survey-dictionary.csv")
    columns = tomllib.loads(text)["columns"]
    assert columns["submitted_on"] == "prescreening_survey_timestamp"
    assert columns["submission"] == "participant_id"


def test_redcap_with_addresses_that_nobody_marked_is_refused_as_a_whole(shared, home_with):
    """Without the dictionary nobody can tell what is personal, so a mapped address is found."""
    folder = shared / "samples" / "redcap"
    dropped = (*REDCAP_DROPPED, "first_name", "last_name", "address", "telephone_1")
    survey = redcap_survey(dropped, codebook="")
    survey = survey.replace('submission = "participant_id"', 'submission = "email"')
    survey = survey.replace('dropped = ["dob"', 'dropped = ["participant_id", "dob"')
    home = home_with(survey, REDCAP)
    told = go(home, (folder / "survey-data.csv").read_bytes())
    assert (told.outcome, told.reason) == ("rejected", "PERSONAL_DATA")
    assert [(row.row_no, list(row.reasons), list(row.columns)) for row in told.rows] == [
        (2, ["email"], ["submission"]),
        (3, ["email"], ["submission"]),
    ]
    assert b"bbb.com" not in left_behind(home, "rejected")
    assert answers(home) == []


def test_redcap_whose_dictionary_is_another_project_s_waits(shared, home_with):
    folder = shared / "samples" / "redcap"
    dictionary = (folder / "survey-dictionary.csv").read_bytes()
    home = home_with(redcap_survey(), REDCAP, dictionary)
    told = go(home, (folder / "repeating-instruments-sparse-data.csv").read_bytes())
    assert (told.outcome, told.tool) == ("quarantined", "redcap")
    assert told.delivered == told.quarantined == 9
    assert answers(home) == []


@pytest.mark.parametrize("name", ["checkboxes-1", "decimal-comma"])
def test_plain_redcap_is_known_by_the_survey_s_dictionary(shared, home_with, name):
    """Boxes and decimal commas; a form that nobody opened has no boxes ticked nor unticked."""
    folder = shared / "samples" / "redcap"
    boxes = [f"check_one___{each}" for each in (1, 2, 3, 4)]
    items: dict[str, dict[str, str]] = {
        "checkboxes-1": {f"box_{at}": box for at, box in enumerate(boxes, start=1)},
        "decimal-comma": {"status": "demographics_complete"},
    }
    dropped = {
        "checkboxes-1": (
            "form_1_complete", "desired_result", "form_2_complete",
            *(f"check_two___{each}" for each in "abcde"),
        ),
        "decimal-comma": ("height", "weight", "bmi"),
    }  # fmt: skip
    options = dict.fromkeys(items[name], (0, 1, 2))
    survey = survey_toml(
        "redcap",
        items[name],
        columns='submission = "record_id"',
        dropped=dropped[name],
        more='codebook = "own.csv"',
    )
    home = home_with(survey, options, (folder / f"{name}-dictionary.csv").read_bytes())
    told = go(home, (folder / f"{name}-data.csv").read_bytes())
    assert (told.outcome, told.accepted, told.tool) == ("loaded", 4, "redcap")
    found = answers(home)
    if name == "checkboxes-1":
        assert [value for at, _, value, _ in found if at == 1] == [1, 0, 0, 0]
        assert {missing for at, _, _, missing in found if at == 4} == {"skipped"}
    else:
        assert [value for _, _, value, _ in found] == [2, 2, 2, 2]
        assert b"Furtado" not in left_behind(home, "loaded")


def test_fhir_goes_the_road_without_its_narrative(shared, home_with):
    content = (shared / "samples" / "fhir" / "sdc-qr-cardiology.json").read_bytes()
    boxes = {
        "wheelchair": "additionalinfo_accessibilityconcernsordisability.105503008",
        "hearing": "additionalinfo_accessibilityconcernsordisability.15188001",
    }
    options = dict.fromkeys(boxes, (0, 1))
    survey = survey_toml(
        "fhir",
        boxes,
        columns='pupil_code = "response.subject"\nsubmission = "response.id"',
        dropped=(),
    )
    home = home_with(survey, options)
    told = go(home, content)
    # Nobody has decided on the questions about the patient's name and address: that stops it.
    assert (told.outcome, told.reason, told.tool) == ("quarantined", "HEADER_MISMATCH", "fhir")
    assert told.delivered == 1
    assert b"Santos" not in left_behind(home, "quarantined")

    decided = {*boxes.values(), "response.subject", "response.id"}
    others = [name for name in read_bytes(content, None).table.column_names if name not in decided]
    listed = ", ".join(f'"{name}"' for name in others)
    (home.surveys / "own.toml").write_text(survey.replace("dropped = []", f"dropped = [{listed}]"))
    told = go(home, content)
    assert (told.outcome, told.accepted, told.sure) == ("loaded", 1, "certain")
    assert answers(home) == [(1, "hearing", 1, None), (1, "wheelchair", 1, None)]
    assert told.taken_away == {"free_text": 1, "name": 1, "account": 1}
    written = left_behind(home, "loaded")
    for planted in (b"Santos", b"519-555-0362", b"maria.santos@example.com", b"1948-05-19"):
        assert planted in content
        assert planted not in written


def test_nettskjema_submission_of_its_own_is_not_an_export(shared, home_with):
    """The answer of the tool's interface for one submission is another shape than its exports."""
    survey = survey_toml("nettskjema", {"q1": "q1"}, columns="", dropped=())
    home = home_with(survey, {"q1": (1, 2)})
    folder = shared / "samples" / "nettskjema"
    told = go(home, (folder / "submission-27685292.json").read_bytes())
    assert told.outcome in ("quarantined", "rejected")
    assert answers(home) == []
