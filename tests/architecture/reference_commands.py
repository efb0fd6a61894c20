"""The reference page of the commands, from their argparse parsers."""

import argparse
import importlib
import inspect
from collections.abc import Iterator

from tests.architecture.structs import cell

COMMANDS = {"dayuan-edge": "edge.cli", "dayuan-cloud": "cloud.cli", "dayuan-sim": "simulators.cli"}


def parser_of(command: str) -> argparse.ArgumentParser:
    parser = importlib.import_module(COMMANDS[command]).build_parser()
    assert isinstance(parser, argparse.ArgumentParser)
    return parser


def subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """(name, help, parser) of the commands below one."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, each in action.choices.items():
                yield name, helps.get(name, ""), each


def options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction | argparse._VersionAction):
            yield action


def spelling(action: argparse.Action) -> str:
    """An option as a person types it: ``--data DIR``, ``site.toml``, ``[device]``."""
    value = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    if isinstance(value, tuple):
        value = " ".join(value)
    if action.choices and not action.metavar:
        value = "\\|".join(str(choice) for choice in action.choices)
    if not action.option_strings:
        return f"[{value}]" if action.nargs in {"?", "*"} else str(value)
    return ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {value}")


def _default(action: argparse.Action) -> str:
    if action.nargs == 0 or action.default in {None, argparse.SUPPRESS, ""} or not action.option_strings:
        return ""
    return f"`{action.default}`"


def _section(name: str, about: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    rows = list(options(parser))
    places = " ".join(spelling(action) for action in rows if not action.option_strings)
    yield f"### `{name}{' ' + places if places else ''}`".replace("\\|", "|")
    said = inspect.cleandoc(parser.description or about or "")
    if said:
        yield said
    if rows:
        table = ["| Argument | Default | Meaning |", "|---|---|---|"]
        for action in rows:
            meaning = (action.help or "") % {**vars(action), "prog": parser.prog}
            table.append(f"| `{spelling(action)}` | {cell(_default(action))} | {cell(meaning)} |")
        yield "\n".join(table)
    for sub, help_text, below in subcommands(parser):
        yield from _section(f"{name} {sub}", help_text, below)


def every_parser(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """A command and all those below it, with their full names."""
    yield name, parser
    for sub, _, below in subcommands(parser):
        yield from every_parser(f"{name} {sub}", below)


def commands_page() -> str:
    parts = [
        "# Commands",
        "Written by `make docs` from the programs' own parsers.",
        "Exit codes: 0 done, 1 failed, 2 wrong settings or arguments.",
    ]
    for command in COMMANDS:
        parser = parser_of(command)
        parts += [f"## `{command}`", *list(_section(command, "", parser))[1:]]
    return "\n\n".join(parts) + "\n"
