"""What the quarantine's commands show a person: places, codes, dates and counts, never a cell."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Column, Table

from flows.display import console
from flows.outcome_note import ROWS_IN_NOTE
from schemas.personal import Personal, personal_texts


def _whole(heading: str) -> Column:
    """A column that is never cut: others give way where a terminal is narrow."""
    return Column(heading, no_wrap=True, min_width=10)


def _show_to_delete(refused: Sequence[Mapping[str, Any]]) -> None:
    if not refused:
        return
    files, since = (
        sum(entry["files"] for entry in refused),
        min(entry["since"] for entry in refused),
    )
    console.print(
        f"PERSONAL_DATA: {files} fil(er) med personopplysninger ligger i outcome/rejected, den"
        f" eldste siden {since}. Slett dem der, og der de kom fra: ingen andre gjør det.",
        soft_wrap=True,
    )
    console.print(
        f"               {files} file(s) with personal data lie in outcome/rejected, the oldest"
        f" since {since}. Delete them there and where they came from: nobody else does.",
        soft_wrap=True,
    )
    named = ", ".join(entry["delivery"] for entry in refused)
    console.print(f"               Levering / delivery: {named}", soft_wrap=True)


def _day_columns() -> tuple[Column, Column]:
    return _whole("Since"), _whole("Expires on")


def show_waiting(waiting: Mapping[str, Any]) -> None:
    """Deliveries and contradictions that wait, and the words of each reason."""
    deliveries, contradictions = waiting["deliveries"], waiting["contradictions"]
    _show_to_delete(waiting["to_delete"])
    if not deliveries and not contradictions:
        console.print("Nothing waits.")
        return
    why = Column("Reasons", min_width=24, overflow="fold")
    table = Table(_whole("Delivery"), "Survey", "Rows", why, *_day_columns())
    for entry in deliveries:
        reasons = "\n".join(f"{reason['code']} {reason['rows']}" for reason in entry["reasons"])
        table.add_row(
            entry["delivery"],
            entry["survey"] or "-",
            str(entry["rows"]),
            reasons,
            *_dates(entry),
        )
    console.print(table)
    _show_contradictions(contradictions)
    told = {reason["code"]: reason for entry in deliveries for reason in entry["reasons"]}
    for code, reason in sorted(told.items()):
        console.print(f"{code}: {reason['nb']}", soft_wrap=True)
        console.print(f"{' ' * len(code)}  {reason['en']}", soft_wrap=True)


def _show_contradictions(contradictions: Sequence[Mapping[str, Any]]) -> None:
    if not contradictions:
        return
    table = Table(_whole("Contradiction"), "Survey", "Wave", "Versions", *_day_columns())
    for entry in contradictions:
        table.add_row(
            entry["id"], entry["survey"], entry["wave"], str(entry["versions"]), *_dates(entry)
        )
    console.print(table)


def _dates(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["since"], entry["expires_on"]


def show_one(shown: Mapping[str, Any]) -> None:
    """One contradiction's versions, or one delivery's rows."""
    if "contradiction" in shown:
        table = Table("Delivery", "Row", "School", "Received", "Now")
        for version in shown["versions"]:
            told = ("delivery", "row", "school", "received", "state")
            table.add_row(*(str(version[name]) for name in told))
        console.print(table)
        console.print("In the order in which they came: the first above, the latest below.")
        return
    console.print(
        f"Delivered: {shown['delivered']}. Accepted: {shown['accepted']}."
        f" Waiting: {shown['quarantined']}. Already there, or not used: {shown['dropped']}."
    )
    if shown["reason"]:
        console.print(f"{shown['reason']['code']}: {shown['reason']['en']}", soft_wrap=True)
    for kind, found in shown["personal_data"].items():
        numbers = ", ".join(str(number or "?") for number in found["row_numbers"][:ROWS_IN_NOTE])
        more = ", …" if len(found["row_numbers"]) > ROWS_IN_NOTE else ""
        columns = ", ".join(found["columns"])
        console.print(
            f"  {personal_texts()[Personal(kind)].en}: {found['rows']} row(s): {numbers}{more}"
            + (f" (column {columns})" if columns else ""),
            soft_wrap=True,
        )
    table = Table("Row", "Reasons", "Columns", "Contradiction", "Expires on")
    for row in shown["rows"]:
        table.add_row(
            str(row["row"]),
            ", ".join(row["reasons"]),
            ", ".join(row["columns"]),
            row["contradiction"] or "-",
            row["expires_on"],
        )
    console.print(table if shown["rows"] else "No single row waits.")
    _show_decided(shown["decided"])


def _show_decided(decided: Sequence[Mapping[str, Any]]) -> None:
    if not decided:
        return
    table = Table("Row", "Decided", "Why", "On", "Decided of (delivery, row)")
    for entry in decided:
        of = entry["of"]
        table.add_row(
            str(entry["row"]),
            entry["decision"],
            entry["why"],
            entry["on"],
            f"{of['delivery']}, {of['row']}",
        )
    console.print(table)


def show_fixes(fixes: Sequence[Mapping[str, Any]]) -> None:
    """What has been mapped, without the texts."""
    table = Table("Survey", "Column", "Read as", "Text (digest)", "Signs")
    for fix in fixes:
        table.add_row(
            fix["survey"],
            fix["column"],
            fix["read_as"],
            fix["text_digest"],
            str(fix["text_length"]),
        )
    console.print(table if fixes else "No fix is remembered.")


def show_brought_back(brought: Mapping[str, int]) -> None:
    """What the next run has to read again."""
    console.print("Done.")
    if not any(brought.values()):
        console.print(
            "0 files are read again: no row waits because of this. It holds from now on.",
            soft_wrap=True,
        )
    if brought["files"]:
        console.print(
            f"{brought['files']} file(s) lie in the inbox again: run `klassepuls run`.",
            soft_wrap=True,
        )
    if brought["missing"]:
        console.print(
            f"{brought['missing']} file(s) are not in outcome/ any more: deliver them again.",
            soft_wrap=True,
        )


def show_released(released: Mapping[str, int]) -> None:
    """What was decided."""
    if "missing" in released:
        what = f"{released['rows']} row(s)" if "rows" in released else "the file"
        console.print(
            f"The file is not in outcome/ any more: deliver it again; {what} will be read anew."
            if released["missing"]
            else f"The file lies in the inbox again, and {what} will be judged as if nobody had"
            " decided on it: run `klassepuls run`.",
            soft_wrap=True,
        )
        if not released["contradictions"]:
            return
    console.print(
        f"Decided: {released['contradictions']}. The flags follow with the next `klassepuls run`.",
        soft_wrap=True,
    )


def show_rejected(rejected: Mapping[str, int]) -> None:
    """What was given up."""
    console.print(f"Not used from now on: {rejected['rows']} row(s).")


def show_withdrawn(done: Mapping[str, int]) -> None:
    """What counts no more, and what has to be done besides."""
    console.print(
        f"Counts no more: {done['forms']} form(s). Flags and reports follow with the next"
        " `klassepuls run`.",
        soft_wrap=True,
    )
    if done["waiting"]:
        console.print(
            f"{done['waiting']} row(s) of the file wait: `klassepuls quarantine reject` gives them"
            " up.",
            soft_wrap=True,
        )
    if done["files"]:
        console.print(
            f"{done['files']} file(s) that may hold copies of its forms lie in the inbox again:"
            " run `klassepuls run`.",
            soft_wrap=True,
        )
    if done["missing"]:
        console.print(
            f"{done['missing']} file(s) that may hold copies of its forms are not in outcome/ any"
            " more: deliver them again.",
            soft_wrap=True,
        )


def show_chain(chain: Mapping[str, Any]) -> None:
    """Whether the log is whole."""
    console.print(f"Events: {chain['events']}. Head: {chain['head']}", soft_wrap=True)
    if chain["broken_at"]:
        console.print(f"The log was changed: event {chain['broken_at']} does not fit.")
    if chain["decisions_without_event"]:
        count = chain["decisions_without_event"]
        console.print(f"{count} decision(s) on rows stand in the warehouse, and in no event.")
    if chain["decisions_emptied"]:
        console.print("The log tells of decisions on rows, and the warehouse holds none of them.")
    if not chain["holds_head"]:
        console.print("The head that was written down is gone: the end of the log was cut off.")
