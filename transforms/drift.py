"""What differs between an export and its survey file, as a decision file for a person to sign.

Headings are the form's own words and may be told, unless they are a person's data themselves. Of
answers only those are told that many pupils gave, and that do not look like a person.
"""

from collections.abc import Mapping, Sequence

from schemas.drift import DROPPED, NOT_ASKED
from transforms.revealing import revealing
from transforms.toml_text import quoted

# An answer that is none of the options stops the file when so many pupils of the file gave such a
# one, and so large a share of those who answered: fewer are slips, and wait row by row.
MIN_ROWS = 5
MIN_SHARE = 0.10


def columns_decision(survey_id: str, *, missing: Mapping[str, str], added: Sequence[str]) -> str:
    """The decision file for changed columns. `missing`: our column -> the one it stood in."""
    lines = [*_head(survey_id), "[missing]  # columns that the survey expects and the export lacks"]
    for name, column in missing.items():
        lines.append(f"# It stood in {quoted(column)}. Which column now, or {quoted(NOT_ASKED)}?")
        lines.append(f'{quoted(name)} = ""')
    lines += ["", f"[added]  # columns that nobody has decided on: {quoted(DROPPED)}, or map them"]
    hidden = revealing(added)
    lines += [f'{quoted(name)} = ""' for name in added if name not in hidden]
    if hidden:
        lines.append(f"# {len(hidden)} more with what may be a person's data for a heading, which")
        lines.append("# is not told: mend the form, or look in the file and write the heading here")
    return "\n".join(lines) + "\n"


def options_decision(survey_id: str, options: Mapping[str, Mapping[str, int]]) -> str:
    """The decision file for new answers: item -> answer -> pupils of the file who gave it."""
    lines = _head(survey_id)
    for name, answers in options.items():
        lines.append(f"[options.{quoted(name)}]  # our option code, dont_know or skipped")
        given = [text for text, rows in answers.items() if rows >= MIN_ROWS]
        hidden = revealing(given)
        common = [text for text in given if text not in hidden]
        lines += [f'{quoted(text)} = ""  # {answers[text]} pupils' for text in sorted(common)]
        rare = len(answers) - len(given)
        if rare:
            lines.append(f"# {rare} more that fewer than {MIN_ROWS} pupils gave: look in the file")
        if hidden:
            lines.append(
                f"# {len(hidden)} more that may be a person, and are not told: look in the file"
            )
        lines.append("")
    return "\n".join(lines)


def _head(survey_id: str) -> list[str]:
    return [
        "# This export differs from its survey file, and nothing of it was used. Decide on each",
        "# line, sign, save this in surveys/decisions/ with the ending .toml, and put the export",
        "# back into the inbox. If it is another form altogether, write a survey file for it.",
        f"survey = {quoted(survey_id)}",
        '# signed_by = ""',
        "# signed_on = 2026-01-31",
        "",
    ]
