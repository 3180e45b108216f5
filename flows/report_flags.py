"""Prefect flow: write the flag reports that have changed."""

from prefect import flow

from flows.boundary import without_values
from flows.delivery.deliver import deliver
from flows.events import Fact, count_facts, report_facts, tell
from flows.old_languages import remove_old_languages
from flows.patience import patient_task
from flows.reporting import write_reports
from flows.stage import open_stage


@flow(persist_result=False, result_serializer="json")
def report_flags(home: str, wave_id: str | None = None) -> dict[str, int]:
    """Write the reports of one wave or all, and tell of which there are new ones."""
    facts = issue(home, wave_id)
    tell(facts)
    return count_facts(facts)


@patient_task
@without_values
def issue(home: str, wave_id: str | None) -> list[Fact]:
    """Write the files; where there are new ones, the wave may be due for publication."""
    reported = {}
    with open_stage(home) as at:
        for wave in at.waves(wave_id):
            reported[wave] = write_reports(at.con, at.home, at.config, wave, now=at.now)
            remove_old_languages(at.home, at.config.settings.languages, [wave])
        deliver(at.con, at.home, at.config, now=at.now)
    return report_facts(reported, makes_due="publish-marts")
