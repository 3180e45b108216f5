"""A sealed home of invented schools, and the identities that open its reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pyrage import x25519

from flows.home import Home
from tests.support.home import AUTUMN, ROUTING, SPRING, csv_bytes, drop, form, make_home
from tests.support.home import write_settings as write_open_settings

BY_ADULT = {"bullied_by_adults": "4"}
SCHOOLS = ("S01", "S02", "S03")
CODES = {school: f"KODE-{school}-77" for school in SCHOOLS}


@dataclass(frozen=True)
class Person:
    """Somebody with an identity."""

    name: str
    secret: str
    public: str

    def toml(self, table: str, more: str = "") -> str:
        return f'[[{table}]]\nname = "{self.name}"\nage = "{self.public}"\n{more}'


@cache
def person(name: str) -> Person:
    """The person of this name: the same one all through a test run."""
    identity = x25519.Identity.generate()
    return Person(name, str(identity), str(identity.to_public()))


def nurse_of(school: str) -> Person:
    return person(f"helsesykepleier {school}")


LEAD, ESCROW, STRANGER = person("leder"), person("kommuneadvokat"), person("en annen")


def seal_settings(
    home: Home,
    *,
    nurses: Mapping[str, Sequence[Person]] | None = None,
    schools: Sequence[str] = SCHOOLS,
    lead: Person = LEAD,
    more: str = "",
    mail: Mapping[Person, str] | None = None,
) -> None:
    """Settings in which every school has recipients; `mail` has the addresses of some."""
    named = nurses or {school: [nurse_of(school)] for school in schools}
    to = {who: f'mail = "{address}"\n' for who, address in (mail or {}).items()}
    write_open_settings(home, schools=schools, waves=(AUTUMN, SPRING), routing=ROUTING)
    text = home.settings_file.read_text("utf-8")
    for school, holders in named.items():
        entry = f'name = "Skole {school}"\n'
        listed = "".join(one.toml("school.recipients", to.get(one, "")) for one in holders)
        text = text.replace(entry, entry + listed)
    delivery = lead.toml("delivery.bullied_by_adults", to.get(lead, ""))
    delivery += ESCROW.toml("delivery.escrow")
    home.settings_file.write_text(f"{text}\n[delivery]\n{more}\n{delivery}", "utf-8")


def sealed_home(root: Path, **asked: object) -> Home:
    """A home whose schools each have a flagged pupil, and one who tells of adults; not run yet."""
    home = make_home(root / "home", schools=SCHOOLS)
    seal_settings(home, **asked)  # type: ignore[arg-type]
    for school in SCHOOLS:
        rows = [form(CODES[school], school=school, safety="1", **BY_ADULT)]
        rows += [form(f"{school}-{number:03}", school=school) for number in range(3)]
        drop(home, f"{school}.csv", csv_bytes(rows))
    return home


def key_file(folder: Path, who: Person) -> Path:
    """The identity as `age-keygen` writes it."""
    path = folder / f"{who.name.replace(' ', '-')}.txt"
    if not path.exists():
        path.write_text(f"# public key: {who.public}\n{who.secret}\n", "utf-8")
    return path


def files_below(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
