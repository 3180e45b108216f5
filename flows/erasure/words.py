"""What `access` and `erase` say to a person."""

from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def in_words(found: Mapping[str, Any]) -> str:
    """All that is held on a code as a plain text, to be handed over or read aloud."""
    lines = [
        f"What Klassepuls holds on the pupil code {found['pupil_code']}",
        f"Schools: {', '.join(found['schools']) or 'none'}",
    ]
    if found["other_schools"]:
        lines.append(f"The code is known elsewhere too: {', '.join(found['other_schools'])}")
    lines += _forms(found["forms"])
    lines += _section("Scores", found["scores"], _score)
    lines += _flags(found["flags"])
    lines += _section("Waits in quarantine", found["waiting"], _waits)
    lines += _section("Decisions on forms", found["decisions"], _decision)
    lines += _section("Class lists", found["class_lists"], _listed)
    lines += _section("Choices of class mates", found["choices"], _choice)
    lines += _section("Cases", found["cases"], _case)
    lines += _section("Helped in groups", found["helped"], _helped)
    lines += _section("Reports that name the code", found["reports"], _report)
    lines += _section("Delivered files that name the code", found["delivered_files"], _file)
    kept = "yes" if found["code_kept_in_vault"] else "no"
    lines += ["", f"The code itself is kept for the reports: {kept}", "", "How long it is kept:"]
    lines += [f"  {what}: {how_long}" for what, how_long in found["kept"].items()]
    return "\n".join(lines)


def _section(title: str, rows: Rows, say: Any) -> list[str]:  # noqa: ANN401 - a function of a row
    return ["", f"{title}: {len(rows)}", *(f"  {say(row)}" for row in rows)]


def _forms(forms: Rows) -> list[str]:
    lines = ["", f"Forms: {len(forms)}"]
    for form in forms:
        lines += [
            "",
            _where(form),
            _when(form),
        ]
        lines += [f"    {_question(answer)}: {_answer(answer)}" for answer in form["answers"]]
    return lines


def _where(form: Mapping[str, Any]) -> str:
    return (
        f"  {form['survey_id']}, wave {form['wave_id']}, {form['school_id']}"
        f" {form['class_group']}, grade {form['grade']}, {form['gender'] or 'no gender'}:"
        f" {form['state']}"
    )


def _when(form: Mapping[str, Any]) -> str:
    return (
        f"  answered {form['submitted_on'] or 'on a day not told'}; received"
        f" {form['received_at'][:10]} in delivery {form['delivery_id'][:12]}, row {form['row_no']}"
    )


def _question(answer: Mapping[str, Any]) -> str:
    return _said(answer["question"]) or answer["item"]


def _answer(answer: Mapping[str, Any]) -> str:
    return _said(answer["answer"]) or str(answer["code"])


def _said(words: Mapping[str, str | None]) -> str:
    return words.get("nb") or words.get("nn") or words.get("en") or ""


def _score(row: Mapping[str, Any]) -> str:
    band = f" ({row['band']})" if row["band"] else ""
    return f"{row['wave_id']} {row['instrument_key']}.{row['scale_id']}: {row['score']:g}{band}"


def _flags(flags: Rows) -> list[str]:
    lines = ["", f"Flags: {len(flags)}"]
    for flag in flags:
        lines.append(
            f"  {flag['wave_id']} {flag['level']}, {flag['situation']}, {flag['rule_id']} v"
            f"{flag['rule_version']}: {flag['status']}, raised {flag['raised_at'][:10]}, to"
            f" {flag['route']}"
        )
        lines += [
            f"    {one['item_or_scale']}: {one['observed']:g}, limit {one['threshold']:g}"
            for one in flag["evidence"]
        ]
    return lines


def _waits(row: Mapping[str, Any]) -> str:
    asks = "; asks for help, and is told in the report" if row["asks_for_help"] else ""
    return (
        f"delivery {row['delivery_id'][:12]}, row {row['row_no']}, since {row['held_at'][:10]}:"
        f" {', '.join(row['reason_codes'])}{asks}"
    )


def _decision(row: Mapping[str, Any]) -> str:
    return (
        f"delivery {row['delivery_id'][:12]}, row {row['row_no']}: {row['decision']} ({row['why']})"
        f" by {row['decided_by']} on {row['decided_at'][:10]}"
    )


def _listed(row: Mapping[str, Any]) -> str:
    now = "in force" if row["in_force"] else "no longer"
    return f"{row['school_year']} {row['school_id']} {row['class_group']}: {now}"


def _choice(row: Mapping[str, Any]) -> str:
    return (
        f"{row['wave_id']} {row['situation']}: chose {row['made']}, was chosen {row['received']}"
        " (whom and by whom is about others too)"
    )


def _case(row: Mapping[str, Any]) -> str:
    steps = [f"{event['happened_on']} {event['event']}" for event in row["events"]]
    ratings = [f"{one['question']} {one['value']} of 10" for one in row["ratings"]]
    plans = [" / ".join(str(text) for text in plan.values()) for plan in row["plans"]]
    told = "; ".join(part for part in (*steps, *ratings, *plans))
    return f"{row['case_id']}, {row['school_id']}, {row['situation']}: {row['status']}. {told}"


def _helped(row: Mapping[str, Any]) -> str:
    left = f", left on {row['left_on']}" if row["left_on"] else ""
    return (
        f"{row['school_id']}: joined a group on {row['joined_on']}{left} (whose is about another)"
    )


def _report(row: Mapping[str, Any]) -> str:
    sealed = " (sealed: that it names the code is not seen)" if row["sealed"] else ""
    return (
        f"{row['school']} {row['wave']}, to {row['to']}, written {row['written_on']}:"
        f" {row['file']}{sealed}"
    )


def _file(row: Mapping[str, Any]) -> str:
    return f"{row['folder']}/{row['file']}"


def show_erased(done: Mapping[str, Any]) -> str:
    """What was erased of a pupil, in counts, and what the search found."""
    rows, proof = done["rows"], done["proof"]
    if not (rows or done["files_rewritten"] or done["files_removed"] or proof["event"]):
        lines = ["Nothing is held on this code."]
    else:
        lines = [f"{sum(rows.values())} row(s) erased from {len(rows)} table(s)."]
        lines += [f"  {table}: {count}" for table, count in sorted(rows.items())]
        lines.append(
            f"Copies of delivered files: {done['files_rewritten']} rewritten without the pupil,"
            f" {done['files_removed']} removed. Reports were written again."
        )
    lines.append(
        f"Searched {proof['files']} file(s), {proof['bytes']} bytes, for {proof['token_bytes']}"
        f" bytes of code and pseudonym: found {proof['found']}."
    )
    if proof["event"]:
        lines.append(f"The proof is event {proof['event']} of the audit log.")
    if done["other_schools"]:
        schools = ", ".join(done["other_schools"])
        lines.append(f"The code stands at other schools still, which were not meant: {schools}")
    if done["left"]:
        lines += [
            f"Not finished: rows of others wait in a file of {', '.join(done['left'])} that also",
            "holds this pupil, and its format cannot be rewritten. Decide on those rows",
            "(`klassepuls quarantine list`), and give this command again.",
        ]
    lines += _of_copies(done.get("copies", {}))
    later = "nor will be" if done["for_good"] else "but will be from waves that open later"
    lines.append(f"Answers that come again from waves until today are not taken, {later}.")
    return "\n".join(lines)


def _of_copies(found: Mapping[str, Any]) -> list[str]:
    lines = []
    if found.get("erased_from"):
        lines.append(f"Backups and what a restore moved aside: erased from {found['erased_from']}.")
    if found.get("not_there"):
        lines.append(
            f"Not there: {', '.join(found['not_there'])}. If it is on a disk that is away, bring it"
            " and give this command again; if it is gone, nothing is left to do."
        )
    if found.get("damaged"):
        lines.append(
            f"Damaged, or no backup any more: {', '.join(found['damaged'])}. Nobody can erase from"
            " it: delete it."
        )
    return lines


def show_expired(done: Mapping[str, Any]) -> str:
    """What was deleted for its age, in counts."""
    lines = [
        f"Waited too long in quarantine, given up: {done['waited_too_long']}",
        f"Copies of delivered files removed: {done['files_removed']}",
        f"Flag reports removed: {done['reports_removed']}",
        f"Pupils whose rows were erased: {done['pupils']} of {done['of']}",
    ]
    lines += [f"  {table}: {count}" for table, count in sorted(done["rows"].items())]
    lines.append(f"Helpers of groups whose cases are over, let go: {done['helpers']}")
    if proof := done["proof"]:
        lines.append(
            f"Searched {proof['files']} file(s), {proof['bytes']} bytes, for {proof['tokens']}"
            f" pseudonym(s): found {proof['found']}. The proof is event {proof['event']}."
        )
    copies = done.get("copies", {})
    lines += _of_copies(copies)
    if copies.get("found"):
        lines.append(f"Not finished: found {copies['found']} in a backup. Give the command again.")
    return "\n".join(lines)
