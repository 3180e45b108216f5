"""The page of commands, from the command line's own parser."""

import argparse
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from reports.reference.markdown import code, page, table

# Its default is the reader's own environment, and no part of the product.
_FROM_ENVIRONMENT = frozenset({"home"})


def commands_page(module: ModuleType) -> str:
    """Every command and argument of a command-line module, and its exit codes.

    The module has `command_line()`, which gives its parser, and a docstring that ends with the
    exit codes.
    """
    commands = _commands(module.command_line())
    overview = [
        (f"[{code(name)}](#{name.replace(' ', '-')})", about)
        for name, (about, _) in commands.items()
    ]
    return page(
        "Commands",
        inspect.getdoc(module) or "",
        table(("command", "does"), overview),
        *(part for name, (_, parser) in commands.items() for part in _section(name, parser)),
    )


def _commands(
    parser: argparse.ArgumentParser, before: str = ""
) -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Name, help and parser of each command; argparse has no public way to ask for them.

    A command of several tasks is a command for each task: `survey draft`. One that does something
    by itself, too, comes first: `intake`.
    """
    found: dict[str, tuple[str, argparse.ArgumentParser]] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, sub in action.choices.items():
                tasks = _commands(sub, f"{before}{name} ")
                if not tasks or sub.get_default("command"):
                    found[f"{before}{name}"] = (helps.get(name, ""), sub)
                found |= tasks
    return found


def _section(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    arguments = [
        action
        for action in parser._actions
        if action.dest != "help" and not isinstance(action, argparse._SubParsersAction)
    ]
    yield f"## {name}"
    yield code(" ".join(("klassepuls", name, *map(_usage, arguments))))
    yield table(
        ("argument", "meaning", "default"),
        [(code(_usage(action).strip("[]")), action.help or "", _default(action))
         for action in arguments],
    )  # fmt: skip


def _usage(action: argparse.Action) -> str:
    if not action.option_strings:
        return action.dest.upper()
    option = action.option_strings[-1]
    if action.nargs == 0:
        return f"[{option}]"
    values = "|".join(action.choices) if action.choices else action.dest.upper()
    return f"[{option} {values}]"


def _default(action: argparse.Action) -> str:
    is_told = isinstance(action.default, int | str | Path) and action.nargs != 0
    return code(action.default) if is_told and action.dest not in _FROM_ENVIRONMENT else ""
