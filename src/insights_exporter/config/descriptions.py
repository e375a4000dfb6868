"""The text under the attributes of a model."""

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise

from insights_exporter.config.model import Model


def descriptions(model: type[Model]) -> dict[str, str]:
    """Give the description of each attribute that has one, inherited ones too, each in one line."""
    lineage = [one for one in reversed(model.__mro__) if issubclass(one, Model) and one is not Model]
    return {name: " ".join(text.split()) for one in lineage for name, text in _written(one)}


def _written(model: type[Model]) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(inspect.getsource(model)).body
    for attribute, below in pairwise(ast.iter_child_nodes(definition)):
        match attribute, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text
