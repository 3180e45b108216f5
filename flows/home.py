"""A municipality's home: its folders and what its settings say."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from stat import S_IMODE
from zoneinfo import ZoneInfo

from flows.home_error import HomeError as HomeError  # noqa: PLC0414 - for whoever opens a home
from flows.keys.files import FIRST, OWN, has_keys, load_key, write_new
from flows.quarantine.fixes import fixed_surveys
from schemas.answer import MISSING, NOT_ASKED
from schemas.declared import DeclarationError
from schemas.drift import DriftDecision
from schemas.instrument import Instrument, shipped_instruments
from schemas.network_rule import NetworkRule, network_rule
from schemas.rule import ClassRule, PupilRule, shipped_rules
from schemas.rule_change import AnyRule, RuleChanges, amend, amend_network
from schemas.settings import Settings
from schemas.survey import CONTEXT_COLUMNS, Survey
from transforms.pseudonym import KEY_BYTES, PseudonymKey
from transforms.readers.reading import Codebook, FileProblem
from transforms.tools.known import read_codebook
from warehouse.stages import fingerprint
from warehouse.store import only_writer
from warehouse.swap_home import is_pending

OUTCOMES = ("loaded", "duplicate", "quarantined", "rejected")
DECISIONS = "decisions"  # the folder in surveys/ of what people have signed


@dataclass(frozen=True, slots=True)
class Home:
    """Where things are under one municipality's home folder."""

    root: Path

    @property
    def settings_file(self) -> Path:
        """`klassepuls.toml`."""
        return self.root / "klassepuls.toml"

    @property
    def rules_file(self) -> Path:
        """The municipality's own limits, where it has decided on any."""
        return self.root / "rules.toml"

    @property
    def surveys(self) -> Path:
        """Survey files and the codebooks beside them."""
        return self.root / "surveys"

    @property
    def instruments(self) -> Path:
        """The municipality's own instruments."""
        return self.root / "instruments"

    @property
    def inbox(self) -> Path:
        """Where people and survey tools drop files."""
        return self.root / "inbox"

    @property
    def outcome(self) -> Path:
        """Where each file ends, with a note of what became of it."""
        return self.root / "outcome"

    @property
    def restricted(self) -> Path:
        """Pupil rows, the vault and the key: for the pipeline's user alone."""
        return self.root / "restricted"

    @property
    def health(self) -> Path:
        """Flag reports for the school health service."""
        return self.root / "health"

    @property
    def analyst(self) -> Path:
        """What analysts may open."""
        return self.root / "analyst"

    @property
    def published(self) -> Path:
        """The published warehouse."""
        return self.analyst / "klassepuls.duckdb"

    @property
    def publication_ledger(self) -> Path:
        """All that was ever published, where no analyst reaches it."""
        return self.restricted / "published.duckdb"

    @property
    def key_file(self) -> Path:
        """The first key for pupils: 32 bytes that nobody but the pipeline's user may read."""
        return self.vault / FIRST

    @property
    def vault(self) -> Path:
        """Pupil codes, and the keys."""
        return self.restricted / "vault"

    @property
    def fixes_file(self) -> Path:
        """The remembered fix-map of the quarantine."""
        return self.restricted / "quarantine" / "fixes.toml"

    def folders(self) -> dict[Path, int]:
        """Every folder of the home and its mode."""
        private = {
            self.root: 0o711,
            self.surveys: 0o750,
            self.surveys / DECISIONS: 0o750,
            self.instruments: 0o750,
            self.inbox: 0o770,
            self.outcome: 0o750,
            self.restricted: 0o700,
            self.vault: 0o700,
            self.restricted / "quarantine": 0o700,
            self.restricted / "spill": 0o700,
            self.restricted / "logs": 0o700,
            self.health: 0o750,
            self.analyst: 0o755,
        }
        return private | {self.outcome / name: 0o750 for name in OUTCOMES}


@dataclass(frozen=True, slots=True)
class Config:
    """All that the home's files declare, and the key."""

    settings: Settings
    surveys: Mapping[str, Survey]
    instruments: Mapping[str, Instrument]
    rules: Sequence[PupilRule | ClassRule]
    codebooks: Mapping[str, bytes]
    key: PseudonymKey
    books: Mapping[str, Codebook] = field(default_factory=dict)  # survey -> its codebook, read
    # survey -> how exports of it look that have changed, as people have decided
    variants: Mapping[str, Sequence[Survey]] = field(default_factory=dict)
    decisions: Sequence[DriftDecision] = ()  # all that people have signed
    # survey -> digest of all that decides whether its rows are sound
    declared: Mapping[str, str] = field(default_factory=dict)
    inbox: Path | None = None  # the folders in it may tell surveys apart that look alike
    network: NetworkRule = field(default_factory=network_rule)  # the class rule of choices

    @property
    def all_rules(self) -> Sequence[AnyRule]:
        """The rules with the one of choices, unless the municipality has switched it off."""
        return self.rules if self.network.off else (*self.rules, self.network)

    def local(self, now: datetime) -> datetime:
        """The same moment on the municipality's clock: deadlines and closings are days there."""
        return now.astimezone(ZoneInfo(self.settings.schedule.timezone))


def init_home(root: Path) -> Home:
    """Make a home: folders, a settings file to edit, an example survey, and a new key.

    What is there already stays as it is; a key is never replaced.
    """
    home = Home(root.resolve())
    if (home.restricted / "warehouse.duckdb").exists() and not has_keys(home.vault):
        raise HomeError(
            "this home has a warehouse and no key: a new one would make every pupil another;"
            " restore restricted/vault/pseudonym.key"
        )
    for folder, mode in home.folders().items():
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(mode)
    examples = files("schemas") / "examples"
    write_new(home.settings_file, (examples / "klassepuls.toml").read_bytes(), 0o640)
    write_new(
        home.surveys / "klassepuls.toml", (examples / "survey_klassepuls.toml").read_bytes(), 0o640
    )
    if not has_keys(home.vault):
        # Its own key first: a home with a key for pupils alone is one from before there were two.
        write_new(home.vault / OWN, secrets.token_bytes(KEY_BYTES), 0o400)
        write_new(home.key_file, secrets.token_bytes(KEY_BYTES), 0o400)
    return home


def open_home(root: Path) -> Home:
    """The home at `root`; HomeError where there is none."""
    home = Home(root.resolve())
    if is_pending(home.restricted):
        with only_writer(home.restricted):
            pass  # which finishes the restore that was cut off
    if not home.settings_file.is_file():
        raise HomeError("no klassepuls.toml here: make a home with `klassepuls init HOME`")
    if not has_keys(home.vault):
        raise HomeError("the pseudonym key is missing from restricted/vault: restore it")
    for folder, mode in home.folders().items():
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(mode)
    return home


def make_inbox_folders(home: Home, config: Config) -> None:
    """Make the folders of the inbox that survey files name, so that people find them."""
    for survey in config.surveys.values():
        if survey.inbox_folder:
            folder = home.inbox / survey.inbox_folder
            with suppress(FileExistsError):
                folder.mkdir()
                folder.chmod(S_IMODE(home.inbox.stat().st_mode))


def load_config(home: Home) -> Config:
    """Read and check every declaration of the home; an error says which file to mend, and how."""
    settings = Settings.from_file(home.settings_file)
    instruments = _load_instruments(home)
    written = fixed_surveys(_load_surveys(home, instruments), home.fixes_file, instruments)
    decisions = _load_decisions(home)
    surveys, variants = _decided(decisions, written, instruments)
    codebooks, books = _load_codebooks(home, surveys)
    rules, network = _load_rules(home, instruments)
    return Config(
        settings=settings,
        surveys=surveys,
        variants=variants,
        decisions=list(decisions.values()),
        instruments=instruments,
        rules=rules,
        network=network,
        codebooks=codebooks,
        books=books,
        key=load_key(home.vault, settings),
        inbox=home.inbox,
        declared={
            key: _digest([survey, *variants.get(key, ())], settings, instruments)
            for key, survey in surveys.items()
        },
    )


def _digest(
    surveys: Sequence[Survey], settings: Settings, instruments: Mapping[str, Instrument]
) -> str:
    return fingerprint(
        [survey.model_dump() for survey in surveys],
        sorted(school.id for school in settings.schools),
        sorted(settings.classes.names),
        [wave.model_dump() for wave in settings.waves],
        [instruments[key].model_dump() for key in surveys[0].instruments],
    )


def _load_instruments(home: Home) -> dict[str, Instrument]:
    """The shipped instruments and the municipality's own."""
    shipped = shipped_instruments()
    instruments = dict(shipped)
    for path in sorted(home.instruments.glob("*.toml")):
        instrument = Instrument.from_file(path)
        if instrument.key in shipped:
            raise DeclarationError(f"{path.name}: {instrument.key} is shipped with Klassepuls")
        if instrument.key in instruments:
            raise DeclarationError(f"{path.name}: {instrument.key} is in another file already")
        instruments[instrument.key] = instrument
    return instruments


def _load_rules(
    home: Home, instruments: Mapping[str, Instrument]
) -> tuple[tuple[PupilRule | ClassRule, ...], NetworkRule]:
    """The shipped rules, with what the municipality has decided in `rules.toml`."""
    if not home.rules_file.is_file():
        return shipped_rules(), network_rule()
    changes = RuleChanges.from_file(home.rules_file)
    try:
        return amend(shipped_rules(), changes, instruments), amend_network(network_rule(), changes)
    except ValueError as error:
        raise DeclarationError(f"{home.rules_file.name}: {error}") from None


def _load_surveys(home: Home, instruments: Mapping[str, Instrument]) -> dict[str, Survey]:
    surveys: dict[str, Survey] = {}
    for path in sorted(home.surveys.glob("*.toml")):
        survey = Survey.from_file(path)
        if survey.id in surveys:
            raise DeclarationError(f"{path.name}: a survey with this id is there already")
        for key in survey.instruments:
            if key not in instruments:
                raise DeclarationError(f"{path.name}: no instrument {key}")
        _check_items(path.name, survey, instruments)
        _check_switches(path.name, survey, instruments)
        surveys[survey.id] = survey
    if not surveys:
        raise DeclarationError("surveys/: no survey file; at least one is needed")
    return surveys


def _load_decisions(home: Home) -> dict[str, DriftDecision]:
    return {
        path.name: DriftDecision.from_file(path)
        for path in sorted((home.surveys / DECISIONS).glob("*.toml"))
    }


def _decided(
    decisions: Mapping[str, DriftDecision],
    surveys: dict[str, Survey],
    instruments: Mapping[str, Instrument],
) -> tuple[dict[str, Survey], dict[str, list[Survey]]]:
    """The surveys with the answers that people have decided on, and their changed forms."""
    decided, variants = dict(surveys), dict[str, list[Survey]]()
    by_columns = {name: one for name, one in decisions.items() if one.missing or one.added}
    for name, one in decisions.items():
        if name not in by_columns:
            decided[one.survey] = _amended(name, one, decided, instruments)
    for name, one in by_columns.items():
        variants.setdefault(one.survey, []).append(_amended(name, one, decided, instruments))
    return decided, variants


def _amended(
    file: str,
    decision: DriftDecision,
    surveys: Mapping[str, Survey],
    instruments: Mapping[str, Instrument],
) -> Survey:
    if decision.survey not in surveys:
        raise DeclarationError(f"{DECISIONS}/{file}: no survey with this id")
    try:
        survey = decision.amend(surveys[decision.survey])
    except ValueError as error:
        raise DeclarationError(f"{DECISIONS}/{file}: {error}") from None
    _check_items(f"{DECISIONS}/{file}", survey, instruments)
    return survey


def _check_items(file: str, survey: Survey, instruments: Mapping[str, Instrument]) -> None:
    items = {
        f"{key}.{name}": {str(code) for code in instruments[key].codes(name)}
        for key in survey.instruments
        for name in instruments[key].columns
    }
    strangers = sorted({*survey.items, *survey.codes} - set(items) - set(CONTEXT_COLUMNS))
    if strangers:
        raise DeclarationError(f"{file}: the survey's instruments have no item {strangers[0]}")
    for name, codes in survey.codes.items():
        if name in items and not set(codes.values()) <= items[name] | {*MISSING, NOT_ASKED}:
            raise DeclarationError(f"{file}: codes of {name}: not an option of the item")


def _check_switches(file: str, survey: Survey, instruments: Mapping[str, Instrument]) -> None:
    off = [key for key in survey.instruments if instruments[key].off_by_default]
    unsaid = [key for key in off if not survey.switched_on.get(key, "").strip()]
    if unsaid:
        raise DeclarationError(
            f"{file}: {unsaid[0]} is off by default: say in [switched_on] who switched it on, when,"
            " and under which agreement"
        )


def _load_codebooks(
    home: Home, surveys: Mapping[str, Survey]
) -> tuple[dict[str, bytes], dict[str, Codebook]]:
    contents, books = {}, {}
    for survey in surveys.values():
        if survey.codebook:
            path = home.surveys / Path(survey.codebook).name
            if not path.is_file():
                raise DeclarationError(f"surveys/{survey.id}: its codebook file is not there")
            contents[survey.id] = path.read_bytes()
            books[survey.id] = _read_codebook(path.name, survey, contents[survey.id])
    return contents, books


def _read_codebook(file: str, survey: Survey, content: bytes) -> Codebook:
    """A codebook that is broken, or of another form, must not look like hundreds of bad files."""
    try:
        book = read_codebook(content)
    except FileProblem as problem:
        raise DeclarationError(f"surveys/{file}: not a usable codebook ({problem})") from None
    for item, column in survey.items.items():
        if not book_knows(book, column):
            raise DeclarationError(f"surveys/{file}: has no column for {item}: is it this form's?")
    return book


def book_knows(book: Codebook, column: str) -> bool:
    """Whether a codebook has a column, or the question that the column is an option of."""
    parts = ("[", ".", "___", "/")
    return column in book or any(
        column.startswith(f"{name}{part}") for name in book for part in parts
    )
