"""`klassepuls doctor`: looks at an installation and changes nothing; each finding says what to do.

What a run refuses is refused here too (exit code 4), and said before a run meets it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from flows.backups.restore import filed
from flows.doctor.finding import Finding, Verdict, all_fine, fine, refused, to_mend, unseen
from flows.doctor.machine import check_machine
from flows.doctor.zones import check_key, check_zones
from flows.home import Config, Home, HomeError, load_config
from flows.keys.files import FIRST, has_keys, key_files, later_name
from flows.sealing.check import check_sealing
from schemas.settings import Settings
from schemas.speakable import SpeakableError
from warehouse.backup import BACKUP, Copy, begun
from warehouse.damage import WarehouseBusyError
from warehouse.look import Look, look_at
from warehouse.store import only_writer
from warehouse.swap import sha256_of
from warehouse.swap_home import is_pending

_CLOCK_SLACK = timedelta(hours=1)
_BACKUP_AGE = timedelta(days=7)
_EXAMPLE_NUMBER = "0000"


def diagnose(root: Path, *, now: datetime) -> list[Finding]:
    """Every check of the installation; HomeError where there is no home at all."""
    home = Home(root.resolve())
    if not home.root.is_dir() or not (home.settings_file.exists() or home.restricted.exists()):
        raise HomeError("no klassepuls.toml here: make a home with `klassepuls init HOME`")
    config, declared = _declared(home)
    return [
        *check_zones(home),
        *check_key(home),
        *declared,
        *(_decided(config.settings) if config else []),
        *(check_sealing(home, config.settings) if config else []),
        *check_machine(home, config),
        *_warehouse(home, config, now=now),
        *_published(home),
    ]


def exit_code(findings: list[Finding]) -> int:
    """0 where all is fine, 1 where a person has something to do, 4 where a run would refuse."""
    verdicts = {finding.verdict for finding in findings}
    if Verdict.REFUSED in verdicts:
        return 4
    return int(Verdict.MEND in verdicts)


def _declared(home: Home) -> tuple[Config | None, list[Finding]]:
    """The settings, surveys, instruments and rules as a run reads them."""
    if not home.settings_file.is_file():
        told = "klassepuls.toml is missing"
        return None, [refused("settings", told, "restore the home, or make one with init")]
    if not has_keys(home.vault):
        return None, [unseen("settings", "not read: they are read with the key")]
    try:
        config = load_config(home)
    except SpeakableError as error:
        return None, [refused("settings", str(error), "mend the file that is named")]
    return config, [fine("settings", "settings, surveys, instruments and rules can be read")]


def _decided(settings: Settings) -> list[Finding]:
    """What the law leaves to the municipality stands in writing."""
    wrong = []
    if settings.municipality.number == _EXAMPLE_NUMBER:
        wrong.append(
            to_mend(
                "decisions",
                "the municipality has the example's number",
                "set it before the first delivery: it is part of every pseudonym",
            )
        )
    if settings.routing is None:
        wrong.append(
            to_mend(
                "decisions",
                "nobody has decided who receives flags about pupils, so there are none",
                "fill in [routing] of klassepuls.toml",
            )
        )
    return all_fine("decisions", "who receives pupil flags is decided and signed", wrong)


def _warehouse(home: Home, config: Config | None, *, now: datetime) -> list[Finding]:
    """The databases, looked at while nobody writes."""
    if is_pending(home.restricted):
        told = "a restore was cut off after it had been decided"
        return [to_mend("warehouse", told, "any command that opens the home finishes it: run")]
    try:
        with ExitStack() as held:
            if (home.restricted / "writer.lock").exists():
                held.enter_context(only_writer(home.restricted))
            look = look_at(home.root, key=config.key if config else None)
    except WarehouseBusyError as error:
        return [unseen("warehouse", f"not looked at: {error}. Ask again when it is done")]
    except SpeakableError as error:
        return [refused("warehouse", str(error), "klassepuls restore SRC")]
    except OSError as error:
        return [refused("warehouse", f"cannot be read ({error.strerror})", "mend that")]
    return _seen(home, look, now) if look else [fine("warehouse", "none yet")]


def _seen(home: Home, look: Look, now: datetime) -> list[Finding]:
    return [
        *all_fine("warehouse", "opens, and has all that it says it had", _schema(look)),
        *_keys(home, look),
        *_log(look),
        *all_fine("clock", "not behind what is written down", _clock(look, now)),
        *_copies(look, now),
        *all_fine("outcome", "every file is known to the warehouse", _strangers(home, look)),
    ]


def _schema(look: Look) -> Iterator[Finding]:
    if look.unknown:
        yield to_mend(
            "warehouse",
            f"{look.unknown} migration(s) of a newer Klassepuls have been applied",
            "use that version: this one may misread them",
        )
    if look.due:
        yield to_mend(
            "warehouse",
            f"{look.due} migration(s) are due, and the next run applies them",
            "make a backup first, with the version that made the warehouse, then run",
        )
    if not look.key_fits:
        yield refused(
            "warehouse",
            "a key or the municipality's number is not the one that it was filled with",
            "put the old one back",
        )


def _keys(home: Home, look: Look) -> Iterator[Finding]:
    """A retired key that is there still keeps what was to be forgotten."""
    here = key_files(home.vault)
    retired = [
        one
        for one in look.keys
        if one.is_retired and (later_name(one.version, one.since) if one.since else FIRST) in here
    ]
    if retired:
        yield to_mend(
            "key",
            f"version {retired[0].version} of the key is retired, and its file is there still",
            f"klassepuls key retire --version {retired[0].version}",
        )


def _log(look: Look) -> list[Finding]:
    if look.chain is None:
        return [unseen("log", "the log of decisions was not verified")]
    if not look.chain.is_whole:
        mend = "klassepuls audit verify says where; restore the backup from before"
        return [to_mend("log", "the log of decisions is not whole", mend)]
    return [fine("log", f"{look.chain.events} event(s), head {look.chain.head}")]


def _clock(look: Look, now: datetime) -> Iterator[Finding]:
    if look.newest and look.newest > now + _CLOCK_SLACK:
        yield to_mend(
            "clock",
            "the machine's clock is behind what is written in the warehouse",
            "set the clock (timedatectl); deadlines and retention follow it",
        )


def _copies(look: Look, now: datetime) -> list[Finding]:
    """Backups: a fresh one, none half done; and nothing of pupils that was forgotten somewhere."""
    backups = [copy for copy in look.copies if copy.kind == BACKUP]
    whole = [copy for copy in backups if copy.is_finished]
    wrong = [
        *_freshness(whole, now),
        *_leftovers([copy for copy in backups if not copy.is_finished]),
        *_aside([copy for copy in look.copies if copy.kind != BACKUP]),
    ]
    found = all_fine("backups", f"the last one is of {_day(whole)}", wrong)
    gone = sum(not copy.path.exists() for copy in whole)
    if gone:
        found.append(
            unseen(
                "backups",
                f"{gone} of {len(whole)} backup(s) are not where they were made: on a disk that is"
                " not here, or deleted. An erasure does not reach them",
            )
        )
    return found


def _day(whole: list[Copy]) -> str:
    return whole[-1].made_at.date().isoformat() if whole else "no day"


def _freshness(whole: list[Copy], now: datetime) -> Iterator[Finding]:
    if not whole:
        yield to_mend("backups", "there is none", "klassepuls backup DEST, on another disk")
    elif now - whole[-1].made_at > _BACKUP_AGE:
        yield to_mend(
            "backups",
            f"the last one is of {_day(whole)}, more than {_BACKUP_AGE.days} days ago",
            "klassepuls backup DEST, and let cron do it",
        )


def _leftovers(cut_off: list[Copy]) -> Iterator[Finding]:
    left = [copy for copy in cut_off if copy.path.exists() or begun(copy.path).exists()]
    if left:
        yield to_mend(
            "backups",
            f"{len(left)} backup(s) were cut off, and pupils' rows lie there",
            "the next backup clears them away",
        )


def _aside(moved: list[Copy]) -> Iterator[Finding]:
    left = [copy for copy in moved if copy.path.exists()]
    if left:
        yield to_mend(
            "backups",
            f"{len(left)} folder(s) in restricted/replaced/ hold what a restore moved aside",
            "delete them once you know that nothing is missing",
        )


def _strangers(home: Home, look: Look) -> Iterator[Finding]:
    """After a restore: files that are put away, and whose answers count nowhere."""
    if look.due:
        return
    found = sum(content not in look.contents for content, _ in filed(home))
    if found:
        yield to_mend(
            "outcome",
            f"{found} file(s) in outcome/ are unknown to the warehouse: they came after the backup"
            " that was restored",
            "move them to inbox/, delete their notes, and run",
        )


def _published(home: Home) -> list[Finding]:
    """The analysts' file: what its manifest says, and nobody may write to it."""
    if not home.published.is_file():
        return [fine("published", "nothing is published yet")]
    wrong = []
    mode = home.published.stat().st_mode & 0o777
    if mode & 0o333:
        wrong.append(
            to_mend(
                "published",
                f"analyst/klassepuls.duckdb has mode {mode:o}",
                "chmod 440 it, or 444 where everybody on the machine may read it",
            )
        )
    if sha256_of(home.published) not in _manifest_of(home):
        wrong.append(
            to_mend(
                "published",
                "analyst/klassepuls.duckdb is not what its manifest says",
                "put both back from a backup; analysts may have opened it to write",
            )
        )
    return all_fine("published", "read-only, and as its manifest says", wrong)


def _manifest_of(home: Home) -> str:
    try:
        return (home.analyst / "manifest.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
