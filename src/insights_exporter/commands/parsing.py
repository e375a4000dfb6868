"""How the command line is read: switches as kingpin spells them, and no flag twice that may stand once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""The words of Go's strconv.ParseBool, which kingpin reads switches with."""


class Command(TyperCommand):
    """A command whose flags are read as above."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 -- its type is private to typer
        """Read `args` into `ctx`."""
        return super().parse_args(ctx, _checked(self, ctx, args))


class Group(TyperGroup):
    """A command with commands below it, whose own flags are read as above."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 -- its type is private to typer
        """Read `args` into `ctx`."""
        return super().parse_args(ctx, _checked(self, ctx, args))


def _checked(command: TyperCommand | TyperGroup, context: typer.Context, args: Sequence[str]) -> list[str]:
    """Return `args` with plain switches; raises BadParameter if a flag that may stand once is repeated."""
    options = [each for each in command.get_params(context) if isinstance(each, TyperOption)]
    plain = list(_plain_switches(options, args))
    if not context.resilient_parsing:
        _, _, order = command.make_parser(context).parse_args(args=list(plain))
        _refuse_repeated(options, order, context)
    return plain


def _plain_switches(options: Sequence[TyperOption], args: Sequence[str]) -> Iterator[str]:
    """Replace `--switch=true` by `--switch`, and `--switch=false` by `--no-switch`; raises BadParameter."""
    switches = {option.opts[0]: option.secondary_opts[0] for option in options if option.secondary_opts}
    for arg in args:
        name, sign, value = arg.partition("=")
        if name in switches and value in _TRUE:
            yield name
        elif name in switches and value in _FALSE:
            yield switches[name]
        elif name in switches and sign:
            raise typer.BadParameter(f"{value!r} is neither true nor false", param_hint=name)
        else:
            yield arg


def _refuse_repeated(options: Sequence[TyperOption], order: Sequence[object], context: typer.Context) -> None:
    given = Counter(id(each) for each in order)
    for option in options:
        if given[id(option)] > 1 and not option.multiple:
            raise typer.BadParameter("may be given only once", context, param_hint=option.opts[0])
