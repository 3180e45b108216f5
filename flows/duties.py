"""Writes the documents that a municipality must have, and never over what a person has written."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from flows.home import Home, load_config
from reports.duties.documents import documents
from reports.duties.facts import Municipality
from reports.pages.html import page_html
from reports.pages.markdown import page_markdown
from schemas.settings import DocLanguage
from warehouse.swap import whole

FOLDER = "duties"
_SEAL = re.compile(rb"<!-- as it was made: ([0-9a-f]{64}) -->\n\Z")


@dataclass(frozen=True, slots=True)
class Made:
    """The folder, the files that were written, and those left because somebody has changed them."""

    folder: Path
    written: tuple[str, ...]
    left: tuple[str, ...]


def write_duties(home: Home, language: DocLanguage) -> Made:
    """Write every document in one language, as HTML and as Markdown.

    A file that is no longer as it was made has been filled in by somebody: it stays as it is.
    """
    config = load_config(home)
    of = Municipality(
        config.settings, list(config.surveys.values()), config.instruments, config.all_rules
    )
    folder = home.root / FOLDER / language
    for place in (folder.parent, folder):
        if not place.is_dir():
            place.mkdir()
            place.chmod(place.stat().st_mode & 0o7000 | 0o750)
    texts: dict[str, str] = {}
    for name, page in documents(of, language).items():
        texts |= {f"{name}.html": page_html(page), f"{name}.md": page_markdown(page)}
    left = [name for name in texts if not _is_as_made(folder / name)]
    written = []
    for name, text in texts.items():
        if name not in left and _write(folder / name, _sealed(text)):
            written.append(name)
    return Made(folder, tuple(written), tuple(left))


def _sealed(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text}<!-- as it was made: {digest} -->\n"


def _is_as_made(path: Path) -> bool:
    """Whether nobody has changed the file since we made it, or there is none."""
    if not path.exists():
        return True
    content = path.read_bytes()
    seal = _SEAL.search(content)
    if seal is None:
        return False
    return hashlib.sha256(content[: seal.start()]).hexdigest().encode() == seal[1]


def _write(path: Path, text: str) -> bool:
    if path.exists() and path.read_bytes() == text.encode():
        return False
    with whole(str(path), mode=0o640) as file:
        file.write(text)
    return True
