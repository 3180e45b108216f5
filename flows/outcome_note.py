"""The two notes beside a file that was put away: one for a person, one for a program."""

import json
from collections.abc import Sequence
from functools import cache

from flows.outcome import HeldPlace, Outcome
from schemas.personal import Personal, personal_texts
from schemas.reason import Reason, reason_names, reason_texts
from transforms.readers.xlsx_outside import OUTSIDE

ROWS_IN_NOTE = 20
_COLUMNS_IN_NOTE = 20
SHORT = 12  # signs of a delivery's id, as people see and write it
DECISION_ENDING = ".decision.toml"


def machine_note(outcome: Outcome, *, size: int) -> str:
    """What became of the file, for a program: a line of JSON that begins with the delivery's id.

    `size`: the bytes that were read.
    """
    note = {
        "delivery_id": outcome.delivery_id,
        "size": size,
        "outcome": outcome.outcome,
        "survey": outcome.survey_id,
        "format": outcome.format,
        "tool": outcome.tool,
        "sure": outcome.sure,
        "marks": list(outcome.marks),
        "taken_away": dict(outcome.taken_away),
        "reason": outcome.reason,
        "column": outcome.column,
        "folders": dict(outcome.folders),
        "delivered": outcome.delivered,
        "accepted": outcome.accepted,
        "quarantined": outcome.quarantined,
        "dropped": outcome.dropped,
        "still_waiting": outcome.still_waiting,
        "with_text": outcome.with_text,
        "alone": outcome.alone,
        "fewest_alike": outcome.fewest_alike,
        "own_choices": outcome.own_choices,
        "outside_choices": outcome.outside_choices,
        "unread": outcome.unread,
        "other_sheet": outcome.other_sheet,
        "moved": outcome.moved,
        "lacking": list(outcome.lacking),
        "added": outcome.added,
        "reasons": dict(outcome.reasons),
        "asking_unplaced": outcome.asking_unplaced,
        "left_blank": [[left.column, left.rows, left.told] for left in outcome.left_blank],
        "rows": [
            {"row": row.row_no, "reasons": list(row.reasons), "columns": list(row.columns)}
            for row in outcome.rows
        ],
    }
    if outcome.decided_on:
        note |= {"decided": dict(outcome.decided), "decided_on": outcome.decided_on}
    return json.dumps(note, ensure_ascii=False) + "\n"


OUTCOME_WORDS = {
    "loaded": ("Lastet", "Loaded"),
    "duplicate": ("Levert før", "Delivered before"),
    "quarantined": ("Satt i karantene", "Quarantined"),
    "rejected": ("Avvist", "Rejected"),
}


_DROPPED = {
    False: "var der fra før / were there already",
    True: "var der fra før, eller brukes ikke / were there already, or are not used",
}
_NOT_USED = "brukes ikke / not used"
_DECIDED = {
    "released": "valgt, og teller / chosen, and counts",
    "not_chosen": "ikke valgt / not chosen",
    "rejected": "skal ikke brukes / not to be used",
    "withdrawn": "tatt ut av en person / taken out by a person",
    "file_withdrawn": "hele fila tatt ut av en person / the whole file taken out by a person",
    "expired": "ventet for lenge / waited too long",
    "mended": "kom rettet, eller teller fra før / came mended, or counts already",
}


def person_note(outcome: Outcome) -> str:
    """What became of the file, for a school secretary: bokmål first, then English."""
    norwegian, english = OUTCOME_WORDS[outcome.outcome]
    lines = [f"{norwegian} / {english}"]
    lines += [f"Levering / delivery: {outcome.delivery_id[:SHORT]}", ""]
    if outcome.reason and not outcome.moved:
        lines += _in_words(outcome.reason)
    lines += _of_moved(outcome)
    lines += _recognised(outcome)
    if outcome.folders:
        lines += [
            "Mapper i innboksen som sier hvem den hører til / folders of the inbox that tell:"
        ]
        lines += [f"  {name}/ → {survey}" for name, survey in sorted(outcome.folders.items())]
    lines += _of_columns(outcome)
    if outcome.column and outcome.column not in outcome.lacking:
        lines += [f"Kolonne / column: {outcome.column}"]
    if outcome.delivered:
        lines += [
            f"Rader i fila / rows in the file: {outcome.delivered}",
            f"  tatt imot / accepted: {outcome.accepted}",
            f"  i karantene / quarantined: {outcome.quarantined}",
            f"  {_dropped(outcome)}: {outcome.dropped}",
        ]
    lines += [*_of_unread(outcome), *_of_other_sheet(outcome)]
    lines += [*_of_persons(outcome), *_of_asking(outcome), *_of_left_blank(outcome)]
    lines += _of_decisions(outcome)
    for code, rows in sorted(outcome.reasons.items()):
        lines += ["", f"{code}: {rows} rad(er) / row(s)", *_in_words(Reason(code))]
    if outcome.still_waiting:
        lines += [
            "",
            f"{outcome.still_waiting} rad(er) herfra venter fortsatt i karantene og telles ikke.",
            f"{outcome.still_waiting} row(s) of this file still wait in quarantine: not counted.",
        ]
    if outcome.decision:
        lines += ["", *_TO_DECIDE]
    lines += [*_of_texts(outcome), *_of_choices(outcome), *_of_alikeness(outcome)]
    lines += _places(outcome.rows)
    return "\n".join(lines) + "\n"


def _dropped(outcome: Outcome) -> str:
    is_refused = outcome.outcome == "rejected" and not outcome.decided_on
    return _NOT_USED if is_refused else _DROPPED[bool(outcome.decided_on)]


def _of_columns(outcome: Outcome) -> list[str]:
    """Which half of HEADER_MISMATCH it is: our names of what is missing, and how many are added."""
    lines = []
    if outcome.lacking:
        shown = ", ".join(outcome.lacking[:_COLUMNS_IN_NOTE])
        more = len(outcome.lacking) - _COLUMNS_IN_NOTE
        lines += [f"Mangler / lacks: {shown}" + (f" … +{more}" if more > 0 else "")]
    if outcome.added:
        lines += [
            f"Kolonner som ingen har tatt stilling til / columns not decided on: {outcome.added}"
        ]
    return lines


def _of_moved(outcome: Outcome) -> list[str]:
    """That answers were there before, and their class or gender is not what it was."""
    if not outcome.moved:
        return []
    return [
        f"Klasse, trinn eller kjønn er nyere nå i {outcome.moved} skjema(er) som er levert før.",
        "Svarene teller som før, i klassen som står der nå.",
        f"Class, grade or gender of {outcome.moved} form(s) delivered before is newer now.",
        "The answers count as before, in the class that stands there now.",
    ]


def _of_unread(outcome: Outcome) -> list[str]:
    if not outcome.unread:
        return []
    return [
        f"Arbeidsboka har flere ark, kanskje skjulte. {outcome.unread} rad(er) der er ikke lest.",
        "Står det svar i dem, lagrer du arket som sin egen fil og leverer den.",
        f"There are further sheets, perhaps hidden; {outcome.unread} row(s) there were not read.",
        "If they hold answers, save the sheet as a file of its own, and deliver that.",
    ]


def _of_other_sheet(outcome: Outcome) -> list[str]:
    """Where the answers may be instead: a sheet by its number, for its name may be a person's."""
    if outcome.other_sheet is None:
        return []
    number, rows = outcome.other_sheet
    return [
        f"Ark nummer {number} fra venstre har {rows} rader og er ikke lest. Er det svarene,",
        "flytter du arket først i arbeidsboka og leverer fila igjen.",
        f"Sheet number {number} from the left has {rows} rows and was not read. If those are the",
        "answers, move that sheet to the front of the workbook, and deliver the file again.",
    ]


def _of_persons(outcome: Outcome) -> list[str]:
    """What kinds of personal data stand in the file, each with its number of rows."""
    kinds = persons_found(outcome.rows)
    if not kinds:
        return []
    told = [] if outcome.reason is Reason.PERSONAL_DATA else ["", *_PERSONS_TOO]
    return [*told, *(f"  {_name(kind)}: {rows} rad(er) / row(s)" for kind, rows in kinds.items())]


def persons_found(rows: Sequence[HeldPlace]) -> dict[str, int]:
    """Kinds of personal data, with the number of rows of each."""
    found: dict[str, set[int]] = {}
    for row in rows:
        for kind in set(row.reasons) & _KINDS:
            found.setdefault(kind, set()).add(row.row_no)
    return {kind: len(numbers) for kind, numbers in sorted(found.items())}


_KINDS = {kind.value for kind in Personal}
_PERSONS_TOO = (
    "Fila har personopplysninger. Skal de ikke være der: slett fila her og der den kom fra,",
    "og eksporter på nytt uten dem. Hører de til i kolonnen, må den utelates (dropped): står de i",
    "en kolonne som blir brukt, blir fila avvist når den kan leses.",
    "The file holds personal data. If they should not be there: delete the file here and where",
    "it came from, and export it without them. If they belong in their column, it must be dropped:",
    "in a column that is used, they refuse the file as soon as it can be read.",
)


def _of_asking(outcome: Outcome) -> list[str]:
    """That somebody asks for help and no report can say who: the school is not known."""
    forms = outcome.asking_unplaced
    if not forms:
        return []
    return [
        "",
        f"HASTER: {forms} skjema(er) som venter, ber om hjelp nå, og skolen i dem er ukjent.",
        "Ingen rapport kan si fra. Rett skolen i fila og lever den igjen i dag.",
        f"URGENT: {forms} form(s) that wait ask for help now, and their school is not known.",
        "No report can tell of them. Mend the school in the file, and deliver it again today.",
    ]


_COLUMNS = {"gender": ("kjønn", "gender"), "enrolled_on": ("startdato", "first school day")}


def _of_left_blank(outcome: Outcome) -> list[str]:
    lines = []
    for left in outcome.left_blank:
        norwegian, english = _COLUMNS[left.column]
        if left.rows == left.told:
            lines += [
                "",
                f"OBS: {norwegian} ble ikke forstått i en eneste av {left.told} rader.",
                f"NOTE: {english} was not understood in any of {left.told} rows.",
            ]
        else:
            lines += [
                "",
                f"{left.rows} av {left.told} rader har {norwegian} som ikke ble forstått.",
                f"In {left.rows} of {left.told} rows the {english} was not understood.",
            ]
        lines += _TO_LEFT_BLANK[left.column]
    return lines


_TO_LEFT_BLANK = {
    "gender": (
        "Feltet er tomt hos oss, og svarene teller. Legg ordene under [codes] i undersøkelsens",
        "fil, eller bruk `klassepuls quarantine map`, og lever fila igjen.",
        "The field is blank with us, and the answers count. Put the words under [codes] of the",
        "survey's file, or use `klassepuls quarantine map`, and deliver the file again.",
    ),
    "enrolled_on": (
        "Feltet er tomt hos oss, og svarene teller. Datoer skrives ÅÅÅÅ-MM-DD.",
        "The field is blank with us, and the answers count. Dates are written YYYY-MM-DD.",
    ),
}


def _of_decisions(outcome: Outcome) -> list[str]:
    """How rows ended that waited when the file was put away."""
    if not outcome.decided_on:
        return []
    told = [f"  {_DECIDED[how]}: {rows}" for how, rows in sorted(outcome.decided.items())]
    waits = [] if outcome.quarantined else ["  ingenting venter lenger / nothing waits any more"]
    return ["", f"Avgjort, sist / decided, last on {outcome.decided_on}:", *told, *waits]


_TO_DECIDE = (
    f"Hva som er endret, står i fila som slutter på {DECISION_ENDING}.",
    "Avgjør, signer, og lagre den i surveys/decisions/.",
    f"What has changed stands in the file that ends with {DECISION_ENDING}.",
    "Decide, sign, and save it in surveys/decisions/.",
)
_SURE = {"certain": "sikkert / certain", "likely": "trolig / likely"}


def _recognised(outcome: Outcome) -> list[str]:
    """Which tool, how sure and by which marks; and what was taken away before it was stored."""
    lines = []
    if outcome.tool:
        sure = f" ({_SURE[outcome.sure]}: {', '.join(outcome.marks)})" if outcome.sure else ""
        lines += [f"Verktøy / tool: {outcome.tool}{sure}"]
    if outcome.taken_away:
        lines += ["Kolonner tatt bort / columns taken away:"]
        lines += [f"  {_name(kind)}: {count}" for kind, count in sorted(outcome.taken_away.items())]
    return lines


def _of_texts(outcome: Outcome) -> list[str]:
    if not outcome.with_text:
        return []
    return [
        "",
        f"I {outcome.with_text} rad(er) har elever skrevet fritt. Teksten er ikke lagret.",
        f"In {outcome.with_text} row(s) pupils wrote freely. The text is not stored.",
    ]


def _of_choices(outcome: Outcome) -> list[str]:
    """Choices of class mates that are not used, or not yet."""
    lines = []
    if outcome.outside_choices:
        lines += [
            f"{outcome.outside_choices} valg gjelder koder utenfor klassen slik den er kjent nå.",
            f"{outcome.outside_choices} choice(s) are of codes outside the class as known so far.",
        ]
    if outcome.own_choices:
        lines += [
            f"{outcome.own_choices} valg er av eleven selv og brukes ikke.",
            f"{outcome.own_choices} choice(s) are of the pupil itself, and are not used.",
        ]
    return ["", *lines] if lines else []


def _of_alikeness(outcome: Outcome) -> list[str]:
    """What the file gives away by itself, for whoever keeps a copy of it."""
    if not outcome.alone:
        return []
    return [
        "",
        f"{outcome.alone} rad(er) er alene i fila om skole, klasse, trinn og kjønn.",
        "De kan peke ut elever også uten navn: slett egne kopier av fila.",
        f"{outcome.alone} row(s) share school, class, grade and gender with no other in the file.",
        "They can point out pupils even without names: delete your own copies of the file.",
    ]


def _places(rows: Sequence[HeldPlace]) -> list[str]:
    if not rows:
        return []
    shown = [
        f"  {row.row_no or '?'}: {'; '.join(_name(code) for code in row.reasons)}"
        + (f" ({', '.join(map(column_told, row.columns))})" if row.columns else "")
        for row in rows[:ROWS_IN_NOTE]
    ]
    more = len(rows) - len(shown)
    return [
        "",
        "Rader å se på / rows to look at:",
        *shown,
        *([f"  … +{more} (se .json-fila / see the .json file)"] if more else []),
    ]


_OUTSIDE_CELLS = (
    "utenfor cellene: merknad, tekstboks, topp- eller bunntekst, filegenskaper"
    " / outside the cells: note, text box, header, footer, properties"
)


def column_told(column: str) -> str:
    """A column by its name, or by its number where its heading may be the person."""
    if column == OUTSIDE:
        return _OUTSIDE_CELLS
    return f"kolonne / column {column}" if column.isdigit() else column


@cache
def _name(code: str) -> str:
    """A reason or a kind of personal data by its name, in both languages."""
    kinds = {kind.value: text for kind, text in personal_texts().items()}
    name = kinds.get(code) or reason_names()[Reason(code)]
    return name.nb if name.nb == name.en else f"{name.nb} / {name.en}"


def _in_words(reason: Reason) -> list[str]:
    text = reason_texts()[reason]
    return [text.nb, text.en]
