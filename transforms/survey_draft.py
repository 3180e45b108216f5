"""A first `surveys/*.toml` from an export and its codebook, so that setting up is editing.

Only what is certain is filled in: a question worded like one of ours, an option worded like one of
ours, a column that the tool itself writes. The rest stands there as comments to decide on. Nothing
of a pupil's is written: headings, the codebook's labels, counts, and texts of our own; and of the
first two, none that may be somebody's data (`revealing`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from schemas.instrument import Instrument
from schemas.reason import Reason
from schemas.survey import CONTEXT_COLUMNS
from transforms.choices import names_pupils
from transforms.draft_codes import Match, codes_of, genders_of, languages_of
from transforms.gate import personal_heading
from transforms.headings import is_a_row_of_answers
from transforms.readers.foreign import is_form_definition
from transforms.readers.reading import FileProblem, Question, Reading
from transforms.revealing import revealing
from transforms.toml_text import quoted
from transforms.tools.labels import text_key
from transforms.tools.own import own_columns
from transforms.tools.redcap import TIME_SUFFIX

# The columns that each tool writes itself, in our names for them.
_OF_TOOL: Mapping[str, Mapping[str, str]] = {
    "nettskjema": {
        "submission": "submission_id",
        "submitted_on": "created",
        "answer_time_ms": "answer_time_ms",
    },
    "limesurvey": {
        "submission": "id",
        "submitted_on": "submitdate",
        "answer_time_s": "interviewtime",
    },
    "qualtrics": {
        "submission": "ResponseId",
        "submitted_on": "EndDate",
        "answer_time_s": "Duration (in seconds)",
    },
    "microsoft_forms": {
        "submission": "submission_id",
        "submitted_on": "created",
        "answer_time_ms": "answer_time_ms",
    },
    "google_forms": {"submitted_on": "created"},
    "kobo": {"submission": "_id", "submitted_on": "_submission_time"},
    "odk": {"submission": "KEY", "submitted_on": "SubmissionDate"},
    "fhir": {"submission": "response.id", "submitted_on": "response.authored"},
}
_WORDS: Mapping[str, str] = {
    "school": "skole skolen skule school",
    "class_group": "klasse klassen klassegruppe class classgroup",
    "grade": "trinn klassetrinn årstrinn steg grade",
    "gender": "kjønn kjonn kjoenn gender sex",
    "pupil_code": "elevkode elevkoden elevnummer pupilcode kode code",
}
# A wrong first day makes every child a new pupil, and a form has dates of its own: these are shown,
# for a person to take.
_OFFERED_WORDS: Mapping[str, str] = {"enrolled_on": "begynte startdato enrolledon enrolled"}
_MEANING = {"enrolled_on": "the pupil's first day at the school, and no day of the form"}
_NAMED_BY = {
    word: name for name, words in {**_WORDS, **_OFFERED_WORDS}.items() for word in words.split()
}


# What stands between the names of groups and a question's own name, where a tool writes both.
_GROUPS: Mapping[str, str] = {"odk": "-", "kobo": "-"}


def draft_survey(
    reading: Reading,
    instruments: Mapping[str, Instrument],
    *,
    tool: str,
    survey_id: str,
    codebook: str | None = None,
) -> str:
    """TOML text of a survey file for an export in the one shape (see transforms/tools).

    Raises `FileProblem` HEADER_MISSING where answers stand in the place of the headings, and
    CODEBOOK_DELIVERED for the form's own definition.
    """
    columns = reading.table.column_names
    if tool == "canonical" and is_form_definition(columns):
        raise FileProblem(Reason.CODEBOOK_DELIVERED)
    hidden = revealing(columns)
    told = [name for name in columns if name not in hidden]
    asked = _without_own(told, tool)
    context = _context(reading, told, asked, tool)
    guesses = [name for name in _OFFERED_WORDS if _is_a_guess(name, context, tool)]
    offered = {name: context.pop(name) for name in guesses}
    matches = [
        match
        for match in _matches(reading, asked, instruments, tool)
        if match.column not in context.values()
    ]
    if tool == "canonical" and not matches:
        words = _words_of_options(instruments)
        if is_a_row_of_answers(reading, words, none_is_known=not context):
            raise FileProblem(Reason.HEADER_MISSING)
    used = _used(matches) or {"klassepuls_core_v1"}
    decided = {*context.values(), *(match.column for match in matches)}
    parts = [
        _head(survey_id, tool, sorted(used), codebook, linked="pupil_code" in context),
        _undecided_part([name for name in columns if name not in decided], reading, hidden),
        *_choices_part([name for name in told if name not in decided], reading, context),
        _columns_part(context, offered),
        _items_part(matches, {key: instruments[key] for key in sorted(used)}),
        _codes_part(matches, reading, instruments, context.get("gender")),
    ]
    return "\n".join(parts)


def _without_own(columns: Sequence[str], tool: str) -> list[str]:
    own = own_columns(tool, columns)
    return [name for name in columns if name not in own]


def _is_a_guess(name: str, found: Mapping[str, str], tool: str) -> bool:
    """Whether a column was found by what people call it; the very name of ours is no guess."""
    return name in found and (tool, found[name]) != ("canonical", name)


def _context(
    reading: Reading, present: Sequence[str], asked: Sequence[str], tool: str
) -> dict[str, str]:
    """Our name = the column: the tool's own of `present`, and of `asked` those with our words.

    Where two columns have them, nobody but a person can say which it is.
    """
    found = {name: column for name, column in _OF_TOOL.get(tool, {}).items() if column in present}
    if tool == "redcap" and present:
        found["submission"] = present[0]
        if time := _redcap_time(reading, present):
            found["submitted_on"] = time
    if tool == "canonical":
        found = {name: name for name in CONTEXT_COLUMNS if name in present}
    worded: dict[str, list[str]] = {}
    for column in asked:
        if column not in found.values() and (name := _named_by(reading, column, tool)):
            worded.setdefault(name, []).append(column)
    return {name: columns[0] for name, columns in worded.items() if len(columns) == 1} | found


def _named_by(reading: Reading, column: str, tool: str) -> str | None:
    """What a column's heading or label calls it, in our names."""
    texts = (*_names_of(column, tool), _question(reading, column).label)
    names = (_NAMED_BY.get(text_key(text).strip("?:.* ")) for text in texts)
    return next((name for name in names if name), None)


def _redcap_time(reading: Reading, present: Sequence[str]) -> str | None:
    """The time of a form, in the column where most pupils have one; REDCap keeps one a form."""
    said = {
        name: pc.sum(pc.match_substring_regex(reading.table[name].cast(pa.string()), "^[0-9]{4}-"))
        for name in present
        if name.endswith(TIME_SUFFIX)
    }
    return max(said, key=lambda name: said[name].as_py() or 0, default=None)


def _names_of(column: str, tool: str) -> Iterator[str]:
    """The heading, and what is left of it without the groups that a question stands in."""
    yield column
    for separator in ("/", _GROUPS.get(tool, "/")):
        yield column.rpartition(separator)[2]


def _question(reading: Reading, column: str) -> Question:
    return reading.codebook.get(column, Question())


def _matches(
    reading: Reading, present: Sequence[str], instruments: Mapping[str, Instrument], tool: str
) -> Iterator[Match]:
    """Items and the one column that asks them: by our own name for it, or in our very words."""
    texts = {
        column: {text_key(text) for text in _texts(reading, column, tool)} for column in present
    }
    for key, instrument in instruments.items():
        for item in instrument.items:
            names = {text_key(item.id), text_key(f"{key}.{item.id}")}
            words = names | {text_key(text) for text in item.text.values()}
            asking = [column for column, said in texts.items() if words & said]
            if len(asking) == 1:
                yield Match(key, item, asking[0])


def _texts(reading: Reading, column: str, tool: str) -> Iterable[str]:
    question = _question(reading, column)
    return (*_names_of(column, tool), question.label, *question.labels.values())


def _words_of_options(instruments: Mapping[str, Instrument]) -> set[str]:
    """What our questions are answered with, in every language."""
    return {
        label
        for instrument in instruments.values()
        for options in instrument.option_sets.values()
        for option in options
        for label in option.label.values()
    }


def _used(matches: Sequence[Match]) -> set[str]:
    return {match.key for match in matches}


def _head(
    survey_id: str, tool: str, instruments: Sequence[str], codebook: str | None, *, linked: bool
) -> str:
    advice = "a column of pupil codes was found" if linked else "no column of pupil codes was found"
    lines = [
        "# A draft: look at every line, then save it in surveys/ with the ending .toml.",
        f"id = {quoted(survey_id)}  # never change it once forms are stored",
        'name = ""  # as people know it',
        f"tool = {quoted(tool)}",
        f"# Decide, and take away the sign before one of the two ({advice}):",
        '# linkage = "pseudonymous"  # a code links a form to a pupil, and the school can find it',
        '# linkage = "none"          # no code: class signals only',
        f"instruments = {_list(instruments)}",
    ]
    if codebook:
        lines.append(f"codebook = {quoted(codebook)}")
    return "\n".join(lines) + "\n"


def _columns_part(context: Mapping[str, str], offered: Mapping[str, str]) -> str:
    wanted = ["school", "class_group", "grade", "gender", "pupil_code", "submission"]
    wanted = (["wave"] if "wave" in context else []) + wanted
    lines = ["[columns]  # what a row says of the pupil and the class = the export's column"]
    times = [name for name in ("answer_time_ms", "answer_time_s") if name in context]
    for name in (*wanted, "submitted_on", "enrolled_on", *times):
        if name in context:
            lines.append(f"{name} = {quoted(context[name])}")
        elif name in offered:
            lines.append(f"# {name} = {quoted(offered[name])}  # only if: {_MEANING[name]}")
        else:
            lines.append(f'# {name} = ""')
    lines.append("# What is the same for every row stands in [constants] instead:")
    lines += ["# [constants]", '# wave = ""', '# school = ""']
    return "\n".join(lines) + "\n"


def _items_part(matches: Sequence[Match], instruments: Mapping[str, Instrument]) -> str:
    column_of = {match.name: match.column for match in matches}
    lines = ["[items]  # which column answers which item"]
    for key, instrument in instruments.items():
        for item in instrument.items:
            name = f"{key}.{item.id}"
            wording = item.text.get("nb", "")
            if name in column_of:
                lines.append(f"{quoted(name)} = {quoted(column_of[name])}  # {wording}")
            else:
                lines.append(f'# {quoted(name)} = ""  # {wording}')
    return "\n".join(lines) + "\n"


def _codes_part(
    matches: Sequence[Match],
    reading: Reading,
    instruments: Mapping[str, Instrument],
    gender: str | None,
) -> str:
    lines = [
        "[codes]  # the export's answer = our code. Look hard: 1 may be the best or the worst.",
        "# Capitals and spaces make no difference. Options stand here whether or not anybody chose",
        "# them: an answer that is not mapped waits in quarantine, and may be a child's who asks.",
    ]
    if gender:
        lines += genders_of(gender, reading)
    languages = languages_of(matches, reading, instruments)
    for match in matches:
        lines += codes_of(match, reading, instruments[match.key], languages)
    return "\n".join(lines) + "\n"


def _undecided_part(columns: Sequence[str], reading: Reading, hidden: set[str]) -> str:
    texts = [name for name in columns if _question(reading, name).kind == "text"]
    others = [name for name in columns if name not in texts]
    return "\n".join(
        [
            "# No file is loaded until every column is decided on. Map those here below, or take",
            "# away the sign before a line: what is dropped is known and never stored.",
            "dropped = [",
            *(_undecided(name, reading, hidden) for name in others),
            "]",
            "# Of what pupils write in their own words, only whether they wrote is stored.",
            "free_text = [",
            *(_undecided(name, reading, hidden) for name in texts),
            "]",
            "",
        ]
    )


def _choices_part(
    columns: Sequence[str], reading: Reading, context: Mapping[str, str]
) -> Iterator[str]:
    """A hint where pupils seem to name each other; what was asked is for a person to say."""
    if "pupil_code" not in context:
        return
    codes = reading.table.column(context["pupil_code"])
    found = [name for name in columns if names_pupils(reading.table.column(name), codes)]
    if found:
        yield "\n".join(
            [
                "# Pupils seem to name each other by code in the columns below. If the form asks",
                "# with whom they like to be, take away the signs (a table for each situation):",
                "# [[nominations]]",
                '# situation = ""  # a name of your own: breaks, work',
                f"# columns = {_list(found)}",
                "",
            ]
        )


def _undecided(column: str, reading: Reading, hidden: set[str]) -> str:
    if column in hidden:
        number = reading.table.column_names.index(column) + 1
        return f"    # column {number}: its heading may be a person's data: mend the form first"
    kind = personal_heading(column)
    label = f"personal: {kind}" if kind else _one_line(_question(reading, column).label)
    return f"    # {quoted(column)}," + (f"  # {label}" if label else "")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return "(a label that may be a person's data)" if revealing([line]) else line[:100]


def _list(words: Sequence[str]) -> str:
    return "[" + ", ".join(quoted(word) for word in words) + "]"
