"""Write docs/command-line.md: every command with its flags, variables and defaults."""

from collections.abc import Iterator, Mapping
from typing import Any

import typer

from insights_exporter.cli import app

PATH = "docs/command-line.md"
OPENING = """# Command line

Reference of all commands and flags. `make docs` generates it from the code.

A flag takes precedence over its environment variable. Switches are written as `--flag` or `--no-flag`.
SIGTERM and SIGINT stop every command cleanly.

| exit status | meaning |
|---|---|
| 0 | success |
| 1 | some datasets were denied or failed, or a run was interrupted |
| 2 | invalid config or arguments, or no data |
"""
HELP_FLAGS = {"--help", "--install-completion", "--show-completion"}


def render() -> Mapping[str, str]:
    """Return the text of the file, by its path."""
    commands = _commands("insights-exporter", typer.main.get_command(app))
    return {PATH: OPENING + "".join(_chapter(name, command) for name, command in commands)}


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- its type is private to typer
    """Yield a command and its subcommands with their full names; groups of commands are skipped."""
    if command.callback:
        yield name, command
    for below, child in getattr(command, "commands", {}).items():
        yield from _commands(f"{name} {below}", child)


def _chapter(name: str, command: Any) -> str:  # noqa: ANN401 -- as above
    context = command.make_context(name, [], resilient_parsing=True)
    rows = [
        _row(option, context) for option in command.get_params(context) if HELP_FLAGS.isdisjoint(option.opts)
    ]
    text = f"\n## `{name}`\n\n{command.help}\n"
    return text + ("\n| flag | variable | meaning |\n|---|---|---|\n" + "".join(rows) if rows else "")


def _row(option: Any, context: Any) -> str:  # noqa: ANN401 -- as above
    shown, meaning = option.get_help_record(context)
    variable = f"`{option.envvar}`" if option.envvar else ""
    flags = shown.replace("|", "\\|")  # an unescaped bar ends a cell, even within code
    return f"| `{flags}` | {variable} | {' '.join(meaning.split())} |\n"
