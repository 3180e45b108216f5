"""Which pages there are, and where each comes from."""

from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from reports.reference.case_life import case_life_page
from reports.reference.commands import commands_page
from reports.reference.instruments import instruments_page
from reports.reference.reasons import reasons_page
from reports.reference.rules import rules_page
from reports.reference.settings import settings_page
from reports.reference.tables import tables_page
from schemas.case_life import case_life
from schemas.instrument import shipped_instruments
from schemas.rule import shipped_rules


def pages() -> dict[str, str]:
    """File name and text of every page."""
    instruments = shipped_instruments()
    return {
        "case-life.md": case_life_page(case_life()),
        "commands.md": commands_page(_command_module()),
        "instruments.md": instruments_page(instruments),
        "reasons.md": reasons_page(),
        "rules.md": rules_page(shipped_rules(), instruments),
        "settings.md": settings_page(),
        "tables.md": tables_page(),
    }


def write_pages(folder: Path) -> None:
    """Write every page into a folder, over what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def _command_module() -> ModuleType:
    """The module of the installed command, looked up by name: nothing here imports upwards."""
    [script] = entry_points(group="console_scripts", name="klassepuls")
    return import_module(script.module)
