"""What `klassepuls doctor` says of sealing: for whom reports are sealed, or that they are not."""

from flows.doctor.finding import Finding, fine, note, to_mend
from flows.home import Home
from flows.sealing.filing import told_by_path
from flows.sealing.recipients import is_sealing
from schemas.settings import Settings

_OPEN = (".html", ".pdf")


def check_sealing(home: Home, settings: Settings) -> list[Finding]:
    """A home seals all reports or none; one that seals has none that lies open."""
    if not is_sealing(settings):
        told = "not sealed: whoever may enter health/ may read the reports in it"
        return [note("sealing", f"{told} ([[school.recipients]])")]
    lie_open = [
        path
        for path in home.health.rglob("*")
        if path.suffix in _OPEN and told_by_path(home, path) is not None
    ]
    if lie_open:
        return [
            to_mend(
                "sealing",
                f"{len(lie_open)} report(s) in health/ are not sealed, and the others are",
                "klassepuls run seals those that are still written; delete the others",
            )
        ]
    escrow = len(settings.delivery.escrow) if settings.delivery else 0
    keys = {one.age for school in settings.schools for one in school.recipients}
    return [
        fine(
            "sealing",
            f"reports of {len(settings.schools)} school(s) are sealed to {len(keys)} key(s) of"
            f" recipients; {escrow} escrow key(s) open all",
        )
    ]
