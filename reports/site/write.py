"""Writes a folder of pages: each file whole, the same ones left alone, old ones taken away."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reports.pages.blocks import Link, Page
from reports.pages.html import page_html
from reports.site.analyst_pages import LANGUAGES
from reports.texts import read_texts
from warehouse.swap import beside, swap_in


def write_site(
    folder: Path, pages: Mapping[str, Page], more: Mapping[str, str], *, mode: int, folder_mode: int
) -> int:
    """Write pages and `more` files by their paths below `folder`; returns how many have changed.

    A reader opens a whole page at any time. Files of an older version that nothing makes any more
    go; the same pages write nothing. `mode` is that of files, `folder_mode` that of folders.
    """
    texts = {path: page_html(page) for path, page in pages.items()}
    texts |= {"index.html": page_html(_choice(pages["nb/index.html"])), **more}
    changed = 0
    for name in sorted(texts):
        path = folder / name
        _make_folder(path.parent, folder_mode)
        content = texts[name].encode()
        if path.is_file() and path.read_bytes() == content:
            continue
        with beside(path) as [fresh]:
            fresh.write_bytes(content)
            swap_in([fresh], [path], mode=mode)
        changed += 1
    return changed + _clear(folder, {folder / name for name in texts})


def _make_folder(folder: Path, mode: int) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, mode)
        folder.mkdir()
        folder.chmod(folder.stat().st_mode & 0o7000 | mode)  # a group that is passed on stays so


def _clear(folder: Path, kept: set[Path]) -> int:
    old = [path for path in sorted(folder.rglob("*")) if path.is_file() and path not in kept]
    for path in old:
        path.unlink()
    return len(old)


def _choice(start: Page) -> Page:
    """The first page: which language to read on in."""
    links = tuple(
        Link(
            f"{language}/index.html",
            read_texts(language, "site").say("language.name"),
            language=language,
        )
        for language in LANGUAGES
    )
    return replace(start, blocks=(), about="", nav=links, languages=())
