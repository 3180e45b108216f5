"""Every export of the one invented class, by name."""

from collections.abc import Callable, Mapping

from tests.support.eight_pupils import Export
from tests.support.exports_coded import (
    limesurvey,
    qualtrics,
    qualtrics_legacy,
    redcap,
)
from tests.support.exports_nested import (
    fhir,
    nettskjema_csv,
    nettskjema_lines,
    nettskjema_xlsx,
    own_csv,
    own_lines,
    own_parquet,
    own_xlsx,
    surveyjs,
)
from tests.support.exports_worded import (
    google_forms,
    kobo,
    microsoft_forms,
    odk,
)

EXPORTS: Mapping[str, Callable[[], Export]] = {
    "limesurvey codes": limesurvey,
    "limesurvey words": lambda: limesurvey(words=True),
    "redcap": redcap,
    "qualtrics": qualtrics,
    "qualtrics legacy": qualtrics_legacy,
    "microsoft_forms": microsoft_forms,
    "microsoft_forms english": lambda: microsoft_forms(english=True),
    "google_forms": google_forms,
    "kobo": kobo,
    "odk zip": odk,
    "odk csv": lambda: odk(packed=False),
    "surveyjs": surveyjs,
    "surveyjs lines": lambda: surveyjs(lines=True),
    "fhir": fhir,
    "fhir lines": lambda: fhir(lines=True),
    "nettskjema csv": nettskjema_csv,
    "nettskjema commas": lambda: nettskjema_csv(delimiter=","),
    "nettskjema xlsx": nettskjema_xlsx,
    "nettskjema lines": nettskjema_lines,
    "own csv": own_csv,
    "own xlsx": own_xlsx,
    "own parquet": own_parquet,
    "own lines": own_lines,
}
