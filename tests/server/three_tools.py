"""The class of eight pupils as three tools export it, for a home that has other surveys too."""

from collections.abc import Mapping

from flows.home import Home
from tests.support.eight_pupils import Export
from tests.support.exports_coded import limesurvey, redcap
from tests.support.exports_nested import nettskjema_csv
from tests.support.home import AUTUMN

_EXPORTS = {"limesurvey": limesurvey, "redcap": redcap, "nettskjema": nettskjema_csv}
_WAVE = f"""
[[wave]]
id = "{AUTUMN}"
name = "Høsten"
school_year = "2025-26"
opens = 2025-11-03
closes = 2025-11-21
"""


def declare(home: Home) -> Mapping[str, bytes]:
    """Write the surveys and the wave that the files need; returns the files by name."""
    with home.settings_file.open("a", encoding="utf-8") as settings:
        settings.write(_WAVE)
    return {f"{name}.csv": _declare(home, name, export()) for name, export in _EXPORTS.items()}


def _declare(home: Home, name: str, export: Export) -> bytes:
    survey = export.survey.replace('id = "klasse"', f'id = "{name}"')
    (home.surveys / f"{name}.toml").write_text(survey, encoding="utf-8")
    if export.codebook:
        line = next(line for line in survey.splitlines() if line.startswith("codebook"))
        (home.surveys / line.split('"')[1]).write_bytes(export.codebook)
    return export.content
