"""The facts that Klassepuls tells as Prefect events: names, payloads and ids.

An event is a hint. It may be lost or come twice without harm, for the ledger in the warehouse says
what is due and a sweep looks there. A payload carries ids and counts, never an answer or a code.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias, TypedDict
from uuid import NAMESPACE_URL, UUID, uuid5

from flows.outcome import Outcome
from warehouse.flag import Flagged
from warehouse.overdue import Overdue
from warehouse.publish import Publication
from warehouse.requests import Raised

log = logging.getLogger(__name__)

SPEC_VERSION: Literal["1.0"] = "1.0"
_IDS = uuid5(NAMESPACE_URL, "klassepuls:events")

# The label that names the flow which the fact makes due; the triggers in prefect.yaml look for it.
NEXT_LABEL = "klassepuls.next"
NextFlow = Literal["flag-pupils", "report-flags", "publish-marts"]


class EventName(StrEnum):
    """Every event, in the past tense; people and programs rely on these words."""

    DELIVERY_RECEIVED = "klassepuls.delivery.received"
    DELIVERY_LOADED = "klassepuls.delivery.loaded"
    DELIVERY_QUARANTINED = "klassepuls.delivery.quarantined"
    DELIVERY_REJECTED = "klassepuls.delivery.rejected"
    WAVE_SCORED = "klassepuls.wave.scored"
    FLAGS_RAISED = "klassepuls.flags.raised"
    PROMPT_RAISED = "klassepuls.prompt.raised"
    REPORT_ISSUED = "klassepuls.report.issued"
    WAREHOUSE_PUBLISHED = "klassepuls.warehouse.published"
    WAVE_OVERDUE = "klassepuls.wave.overdue"
    REVIEW_OVERDUE = "klassepuls.review.overdue"


class ReceivedPayload(TypedDict):
    """A file has come in; what became of it follows."""

    specversion: str
    delivery_id: str


class DeliveryPayload(TypedDict):
    """What became of a file, in rows; `reason` is a code where the whole file was refused."""

    specversion: str
    delivery_id: str
    reason: str | None
    delivered: int
    accepted: int
    quarantined: int
    dropped: int


class PromptPayload(TypedDict):
    """How many waiting forms of a delivery ask for help, and how many name no known school."""

    specversion: str
    delivery_id: str
    forms: int
    without_school: int


class ScoredPayload(TypedDict):
    """A wave's scores and flags have been computed anew."""

    specversion: str
    wave_id: str


class FlagsPayload(TypedDict):
    """New flags of a wave, those withdrawn, and all that are open now."""

    specversion: str
    wave_id: str
    new: int
    withdrawn: int
    open: int


class ReportPayload(TypedDict):
    """How many report files of a wave were written."""

    specversion: str
    wave_id: str
    files: int


class PublishedPayload(TypedDict):
    """What stands in the analysts' file now."""

    specversion: str
    publication_id: str
    waves: list[str]


class WaveOverduePayload(TypedDict):
    """Of how many schools and known classes no answers have come, and by how many days."""

    specversion: str
    wave_id: str
    schools: int
    classes: int
    days_late: int


class ReviewOverduePayload(TypedDict):
    """Something of a school is past its day; how much stands in the list that people read.

    `what`: prompt, review or case. No school where it is on the route of adults.
    """

    specversion: str
    school_id: str | None
    wave_id: str | None
    what: str
    days_late: int


Payload: TypeAlias = (
    ReceivedPayload
    | DeliveryPayload
    | PromptPayload
    | ScoredPayload
    | FlagsPayload
    | ReportPayload
    | PublishedPayload
    | WaveOverduePayload
    | ReviewOverduePayload
)

PAYLOADS: Mapping[EventName, type] = {
    EventName.DELIVERY_RECEIVED: ReceivedPayload,
    EventName.DELIVERY_LOADED: DeliveryPayload,
    EventName.DELIVERY_QUARANTINED: DeliveryPayload,
    EventName.DELIVERY_REJECTED: DeliveryPayload,
    EventName.WAVE_SCORED: ScoredPayload,
    EventName.FLAGS_RAISED: FlagsPayload,
    EventName.PROMPT_RAISED: PromptPayload,
    EventName.REPORT_ISSUED: ReportPayload,
    EventName.WAREHOUSE_PUBLISHED: PublishedPayload,
    EventName.WAVE_OVERDUE: WaveOverduePayload,
    EventName.REVIEW_OVERDUE: ReviewOverduePayload,
}

_OF_OUTCOME = {
    "loaded": EventName.DELIVERY_LOADED,
    "quarantined": EventName.DELIVERY_QUARANTINED,
    "rejected": EventName.DELIVERY_REJECTED,
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that has happened to one resource, in one state of it."""

    name: EventName
    resource: str
    state: str
    payload: Payload
    makes_due: NextFlow | None = None

    @property
    def id(self) -> UUID:
        """The same fact has the same id, whoever tells it and however often."""
        return uuid5(_IDS, f"{self.name}:{self.resource}:{self.state}")

    @property
    def labels(self) -> dict[str, str]:
        """The resource as Prefect wants it."""
        due = {NEXT_LABEL: self.makes_due} if self.makes_due else {}
        return {"prefect.resource.id": self.resource, **due}


def delivery_facts(outcomes: Sequence[Outcome], *, makes_due: NextFlow | None = None) -> list[Fact]:
    """Each file's arrival and outcome; a repeated content arrives, and nothing becomes of it.

    Only the last file that was loaded makes something due: 900 class files start one run.
    """
    last = max((at for at, one in enumerate(outcomes) if one.outcome == "loaded"), default=None)
    facts = []
    for at, outcome in enumerate(outcomes):
        facts.append(_received(outcome))
        if outcome.outcome in _OF_OUTCOME:
            facts.append(_became(outcome, makes_due if at == last else None))
    return facts


def _received(outcome: Outcome) -> Fact:
    payload = ReceivedPayload(specversion=SPEC_VERSION, delivery_id=outcome.delivery_id)
    return Fact(EventName.DELIVERY_RECEIVED, _delivery(outcome), "", payload)


def _became(outcome: Outcome, makes_due: NextFlow | None) -> Fact:
    payload = DeliveryPayload(
        specversion=SPEC_VERSION,
        delivery_id=outcome.delivery_id,
        reason=outcome.reason.value if outcome.reason else None,
        delivered=outcome.delivered,
        accepted=outcome.accepted,
        quarantined=outcome.quarantined,
        dropped=outcome.dropped,
    )
    return Fact(_OF_OUTCOME[outcome.outcome], _delivery(outcome), "", payload, makes_due)


def prompt_facts(raised: Mapping[str, Raised], *, makes_due: NextFlow | None = None) -> list[Fact]:
    """Each delivery with a waiting form that asks for help; the first makes the reports due.

    `raised`: what the log has of each. The same request, found again, is the same fact.
    """
    return [
        Fact(
            EventName.PROMPT_RAISED,
            f"klassepuls.delivery.{delivery_id}",
            str(told.told),
            PromptPayload(
                specversion=SPEC_VERSION,
                delivery_id=delivery_id,
                forms=told.forms,
                without_school=told.without_school,
            ),
            None if at else makes_due,
        )
        for at, (delivery_id, told) in enumerate(raised.items())
    ]


def wave_facts(waves: Iterable[Flagged], *, makes_due: NextFlow | None = None) -> list[Fact]:
    """A wave that was computed anew, and its flags where some are new."""
    facts = []
    for wave in waves:
        if not wave.changed:
            continue
        resource, state = _wave(wave.wave_id), wave.fingerprint
        scored = ScoredPayload(specversion=SPEC_VERSION, wave_id=wave.wave_id)
        facts.append(Fact(EventName.WAVE_SCORED, resource, state, scored, makes_due))
        if wave.new:
            flags = FlagsPayload(
                specversion=SPEC_VERSION,
                wave_id=wave.wave_id,
                new=wave.new,
                withdrawn=wave.withdrawn,
                open=sum(wave.raised.values()),
            )
            facts.append(Fact(EventName.FLAGS_RAISED, resource, state, flags))
    return facts


def report_facts(
    reported: Mapping[str, tuple[int, str]], *, makes_due: NextFlow | None = None
) -> list[Fact]:
    """The waves of which report files were written; `reported` has their number and state."""
    return [
        Fact(
            EventName.REPORT_ISSUED,
            _wave(wave_id),
            state,
            ReportPayload(specversion=SPEC_VERSION, wave_id=wave_id, files=files),
            makes_due,
        )
        for wave_id, (files, state) in reported.items()
        if files
    ]


def publication_facts(publication: Publication | None) -> list[Fact]:
    """The analysts' file, where it has changed."""
    if publication is None or not publication.changed:
        return []
    payload = PublishedPayload(
        specversion=SPEC_VERSION,
        publication_id=publication.publication_id,
        waves=list(publication.waves),
    )
    resource = f"klassepuls.publication.{publication.publication_id}"
    return [Fact(EventName.WAREHOUSE_PUBLISHED, resource, "", payload)]


def overdue_facts(late: Sequence[Overdue]) -> list[Fact]:
    """Each wave of which something is missing, and each school with something past its day.

    The same lateness is the same fact every day, until more of it comes.
    """
    return [*_waves_overdue(late), *(_review_overdue(one) for one in late if one.kind != "wave")]


def _waves_overdue(late: Sequence[Overdue]) -> list[Fact]:
    by_wave: dict[str, list[Overdue]] = {}
    for one in late:
        if one.kind == "wave" and one.wave_id:
            by_wave.setdefault(one.wave_id, []).append(one)
    return [
        Fact(
            EventName.WAVE_OVERDUE,
            _wave(wave_id),
            str(max(one.mark for one in missing)),
            WaveOverduePayload(
                specversion=SPEC_VERSION,
                wave_id=wave_id,
                schools=len(missing),
                classes=sum(len(one.classes) for one in missing),
                days_late=max(one.days_late for one in missing),
            ),
        )
        for wave_id, missing in by_wave.items()
    ]


def _review_overdue(one: Overdue) -> Fact:
    payload = ReviewOverduePayload(
        specversion=SPEC_VERSION,
        school_id=one.school_id,
        wave_id=one.wave_id,
        what=one.kind,
        days_late=one.days_late,
    )
    resource = f"klassepuls.school.{one.school_id or 'none'}"
    return Fact(EventName.REVIEW_OVERDUE, resource, f"{one.kind}:{one.wave_id}:{one.mark}", payload)


def _delivery(outcome: Outcome) -> str:
    return f"klassepuls.delivery.{outcome.delivery_id}"


def _wave(wave_id: str) -> str:
    return f"klassepuls.wave.{wave_id}"


def tell(facts: Sequence[Fact]) -> None:
    """Tell facts to Prefect; the work is committed already, so a failure here fails nothing."""
    # Who asks for names and ids only, as the tests of prefect.yaml do, need not wait for Prefect.
    from prefect.events import emit_event  # noqa: PLC0415

    for fact in facts:
        try:
            emit_event(fact.name, fact.labels, payload=dict(fact.payload), id=fact.id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sweep makes up for it
            log.warning("%s could not be told (%s)", fact.name, type(error).__name__)


def count_facts(facts: Iterable[Fact]) -> dict[str, int]:
    """How many of each event there are: the result of a flow."""
    counts: dict[str, int] = {}
    for fact in facts:
        counts[fact.name.value] = counts.get(fact.name.value, 0) + 1
    return counts
