"""What the command line shows: counts and words, never a code, a cell or a pseudonym."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Column, Table

from flows.road import Progress as Tell
from flows.road import Summary
from schemas.personal import personal_texts
from schemas.reason import reason_texts

STEPS = {
    "ingest": "Inbox to warehouse",
    "flag": "Score and flag",
    "report": "Flag reports",
    "publish": "Publish",
}

WIDE = 1_000  # where there is no terminal, a line is as long as it must be and nothing is cut


class _Console(Console):
    """Rich's console; whoever closes the pipe that we write into ends the command, quietly."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


console = _Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDE)


@contextmanager
def progress_bars(*, silent: bool = False) -> Iterator[Tell]:
    """Bars on a terminal, one plain line a finished step elsewhere; nothing for a program."""
    if silent:
        yield lambda _step, _done, _total: None
        return
    bars = Progress(
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def tell(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(STEPS[step], total=total)
        bars.update(tasks[step], completed=done, total=total)
        if done == total and not console.is_terminal:
            console.print(f"{STEPS[step]}: {done} of {total}")

    with bars:
        yield tell


def run_as_dict(summary: Summary) -> dict[str, Any]:
    """The summary of a run for a program. Files go by their content: a name may be a pupil's."""
    return {
        "files": [
            {
                "delivery_id": outcome.delivery_id,
                "outcome": outcome.outcome,
                "reason": outcome.reason,
                "delivered": outcome.delivered,
                "accepted": outcome.accepted,
                "quarantined": outcome.quarantined,
                "dropped": outcome.dropped,
                "reasons": dict(outcome.reasons),
            }
            for _, outcome in summary.files
        ],
        "waves": [
            {
                "wave": wave.wave_id,
                "changed": wave.changed,
                "new": wave.new,
                "withdrawn": wave.withdrawn,
                "taken_out": wave.taken_out,
                "relevelled": wave.relevelled,
                "lapsed": wave.lapsed,
                "pupil_flags_off": wave.pupil_flags_off,
                "open": [
                    {"target": target, "level": level, "situation": situation, "flags": count}
                    for (target, level, situation), count in wave.raised.items()
                ],
            }
            for wave in summary.waves
        ],
        "asking": {
            "in_reports": summary.unheard.reported,
            "without_school": summary.unheard.without_school,
        },
        "left_in_inbox": summary.left,
        "changed_in_loaded": summary.changed,
        "expired": summary.expired,
        "erasings_unfinished": summary.unproven,
        "reports": summary.reports,
        "reports_removed": summary.removed,
        "reports_sealed": summary.sealed,
        "delivered": summary.delivered.done,
        "undelivered": summary.delivered.waiting,
        "published": bool(summary.publication and summary.publication.changed),
        "not_published_because": summary.refused,
        "seconds": {step: round(seconds, 2) for step, seconds in summary.seconds.items()},
        "needs_a_person": summary.needs_a_person,
    }


def show_run(summary: Summary) -> None:
    """The summary of a run for a person."""
    show_outcomes(summary)
    if summary.left:
        console.print(
            f"Still in the inbox: {summary.left} file(s). Somebody may be writing to them yet;"
            " the next run takes those that are complete."
        )
    if summary.changed:
        console.print(
            f"Changed in outcome/loaded/: {summary.changed} file(s) are no longer what was loaded,"
            " and the change does not count. To change an answer, deliver a mended file.",
            soft_wrap=True,
        )
    if summary.unproven:
        console.print(
            f"Not finished: {summary.unproven} erasing(s). Bytes of it may be left: give the same"
            " `klassepuls erase` again."
        )
    if summary.expired:
        console.print(f"Waited in quarantine too long, given up now: {summary.expired}.")
    _show_flags(summary)
    _show_asking(summary)
    _show_reports(summary)
    if summary.refused:
        console.print(f"Not published: {summary.refused}", soft_wrap=True)


def _show_reports(summary: Summary) -> None:
    """What was written, and whom it has reached."""
    published = summary.publication
    console.print(
        f"Reports written: {summary.reports}. "
        + ("A new edition is published." if published and published.changed else "")
    )
    if summary.delivered.done:
        console.print(f"Delivered: {summary.delivered.done}.")
    if summary.delivered.waiting:
        console.print(
            f"Not delivered yet: {summary.delivered.waiting}. `klassepuls deliveries` says why; the"
            " next run tries again.",
            soft_wrap=True,
        )
    if summary.reported and not summary.sealed:
        console.print(
            "Reports are not sealed: whoever may enter health/ may read them. Name"
            " [[school.recipients]] in klassepuls.toml to change that.",
            soft_wrap=True,
        )
    if summary.removed:
        console.print(
            f"Reports removed: {summary.removed}, in a language that `languages` in klassepuls.toml"
            " does not name any more.",
            soft_wrap=True,
        )


def _show_flags(summary: Summary) -> None:
    """What became of flags, wave by wave, and why pupils have none."""
    for wave in summary.waves:
        if wave.changed:
            more = f", {wave.relevelled} at another level" if wave.relevelled else ""
            more += (
                f"; {wave.taken_out} of the withdrawn because a person took a form out"
                if wave.taken_out
                else ""
            )
            console.print(
                f"Wave {wave.wave_id}: {sum(wave.raised.values())} open flags"
                f" ({wave.new} new, {wave.withdrawn} withdrawn{more})"
            )
    lapsed = sum(wave.lapsed for wave in summary.waves)
    if lapsed:
        console.print(
            f"{lapsed} flag(s) lapsed, or stand again: a newer wave answers what they rest on, or"
            " no longer does."
        )
    for wave in summary.waves:
        if wave.pupil_flags_off:
            console.print(
                f"Wave {wave.wave_id}: class signals only, for there is"
                f" {wave.pupil_flags_off} ([routing])."
            )


def _show_asking(summary: Summary) -> None:
    """Forms that wait and ask for help: where that stands, or that it stands nowhere."""
    unheard = summary.unheard
    nowhere = any(wave.pupil_flags_off for wave in summary.waves)
    if unheard.reported and nowhere:
        console.print(
            f"URGENT: {unheard.reported} form(s) that wait ask for help, and no report may say who"
            " before [routing] does.",
            soft_wrap=True,
        )
    elif unheard.reported:
        console.print(
            f"{unheard.reported} form(s) that wait ask for help now: they stand first in their"
            " school's report. Mend their files today.",
            soft_wrap=True,
        )
    if unheard.without_school:
        console.print(
            f"URGENT: {unheard.without_school} form(s) that wait ask for help now, and their school"
            " is not known, so no report tells of them: `klassepuls quarantine list`, and mend"
            " their files today.",
            soft_wrap=True,
        )


def show_outcomes(summary: Summary) -> None:
    """Files by outcome, and the reasons of what was not accepted."""
    if not summary.files:
        console.print("No file was taken in." if summary.left else "The inbox is empty.")
        return
    unused = sum(outcome.dropped for _, outcome in summary.files if outcome.outcome == "rejected")
    more = ("Not used",) if unused else ()
    table = Table("Outcome", "Files", "Rows", "Accepted", "Quarantined", "Already there", *more)
    for word in ("loaded", "duplicate", "quarantined", "rejected"):
        chosen = [outcome for _, outcome in summary.files if outcome.outcome == word]
        if chosen:
            table.add_row(
                word,
                str(len(chosen)),
                *(
                    str(sum(getattr(outcome, name) for outcome in chosen))
                    for name in ("delivered", "accepted", "quarantined")
                ),
                *_left_out(word, sum(outcome.dropped for outcome in chosen))[: 1 + len(more)],
            )
    console.print(table)
    reasons: dict[str, int] = {}
    for _, outcome in summary.files:
        counted = outcome.reasons or ({outcome.reason: 1} if outcome.reason else {})
        for reason, count in counted.items():
            reasons[str(reason)] = reasons.get(str(reason), 0) + count
    texts = {str(reason): text.en for reason, text in reason_texts().items()}
    for reason, count in sorted(reasons.items()):
        console.print(f"  {count:>5} {reason}: {texts[reason]}", soft_wrap=True)


def _left_out(outcome: str, rows: int) -> tuple[str, str]:
    """Rows that were there already, and rows of refused files, which are nowhere."""
    return ("0", str(rows)) if outcome == "rejected" else (str(rows), "0")


def show_check(report: Mapping[str, Any]) -> None:
    """What would become of one file."""
    console.print(f"Tool: {report['tool'] or 'not recognised'}. Survey: {report['survey'] or '-'}.")
    if report["sure"]:
        # No mark is quoted from the file, but some stand in brackets, as markup would.
        marks = ", ".join(report["marks"])
        console.print(f"How sure: {report['sure']} ({marks}).", markup=False, soft_wrap=True)
    if report["taken_away"]:
        names = {kind.value: text.en for kind, text in personal_texts().items()}
        taken = sorted(report["taken_away"].items())
        kinds = ", ".join(f"{names[kind]} {count}" for kind, count in taken)
        console.print(f"Columns taken away: {kinds}.", soft_wrap=True)
    if report["reason"]:
        _show_refusal(report)
        return
    console.print(
        f"Rows: {report['rows']}. Sound: {report['sound']}. Would be held: {report['held']}."
    )
    for reason, count in report["reasons"].items():
        console.print(f"  {count:>5} {reason}")
    if report["without_zeros"]:
        console.print(
            f"CODE_WITHOUT_ZEROS: {report['without_zeros']} row(s) have a code that their school"
            " has with zeros in front. Copies of what is there do not wait; others would.",
            soft_wrap=True,
        )
    elif report["without_zeros"] is None:
        console.print("A run is at work: whether codes have lost their zeros was not looked up.")


def _show_refusal(report: Mapping[str, Any]) -> None:
    """Why a file would not be used, and what would solve it."""
    console.print(f"The file would not be used: {report['reason']}. {report['text']}")
    if report["lacking"]:
        console.print(f"It lacks: {', '.join(report['lacking'])}", soft_wrap=True)
    elif report["column"]:
        console.print(f"Column: {report['column']}")
    if report["added"]:
        console.print(f"Columns that nobody has decided on: {report['added']}")
    for name, survey in sorted(report["folders"].items()):
        console.print(f"In inbox/{name}/ it would be {survey}'s.", markup=False, soft_wrap=True)


def show_scales(rows: Sequence[Mapping[str, Any]]) -> None:
    """How each scale worked, a line a wave and scale."""
    scale = Column("Scale", no_wrap=True)
    table = Table("Wave", scale, "Asked", "Scored", "Floor", "Ceiling", "Alpha", "Omega")
    for row in rows:
        table.add_row(*("–" if value is None else str(value) for value in row.values()))
    console.print(table if rows else "No scale has been answered yet.")


def show_flags(rows: Sequence[Mapping[str, Any]]) -> None:
    """Counts of open flags."""
    table = Table("Wave", "School", "For", "Level", "Situation", "Flags")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table if rows else "No open flags.")
