"""Which columns of a reading its tool writes itself, under the names that its reader gives them.

Nobody has asked a pupil for them: when a form was opened and sent in, what it is called, whether it
was finished, from where it came. Their labels are the tool's words in the language of whoever
exported, and may be the words of a question: the "Startdato" of a form is no pupil's first day at
a school.
"""

from collections.abc import Callable, Mapping, Sequence

from transforms.tools import limesurvey, odk, qualtrics, redcap, surveyjs, xforms
from transforms.tools.fhir_responses import OWN as FHIR_OWN

# Nettskjema's and Forms's readers leave these three; of Forms, what else it wrote may be left.
_FORM = frozenset({"submission_id", "created", "answer_time_ms"})
_FORMS_LANGUAGE = frozenset({"language", "språk"})


def own_columns(tool: str, columns: Sequence[str]) -> set[str]:
    """Those of `columns` that no question of a form stands behind; none where no tool is known."""
    is_own = _IS_OWN.get(tool)
    found = {name for name in columns if is_own(name)} if is_own else set()
    return found | (set(columns[:1]) if tool == "redcap" else set())


def _of_kobo(name: str) -> bool:
    return name.startswith("_") or _of_xforms(name, "/")


def _of_odk(name: str) -> bool:
    return name in odk.OWN or _of_xforms(name, "-")


def _of_xforms(name: str, separator: str) -> bool:
    return name.rpartition(separator)[2] in xforms.SELF_FILLED


def _of_redcap(name: str) -> bool:
    return name in redcap.OWN or name.endswith((redcap.STATUS_SUFFIX, redcap.TIME_SUFFIX))


_IS_OWN: Mapping[str, Callable[[str], bool]] = {
    "nettskjema": _FORM.__contains__,
    "microsoft_forms": lambda name: name in _FORM or name.casefold() in _FORMS_LANGUAGE,
    "google_forms": "created".__eq__,
    "limesurvey": limesurvey.OWN.__contains__,
    "qualtrics": qualtrics.OWN.__contains__,
    "redcap": _of_redcap,
    "kobo": _of_kobo,
    "odk": _of_odk,
    "surveyjs": {surveyjs.HAPPENED, surveyjs.INSTANCE}.__contains__,
    "fhir": FHIR_OWN.__contains__,
}
