"""Read the chart's values.yaml with the descriptions in its comments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[1] / "helm" / "insights-exporter"

_SECTION = "# @section "
_ABOUT = "-- "
_SCHEMA = "@schema "


@dataclass(frozen=True, slots=True)
class Value:
    """A value: a leaf with a description, or a branch with children."""

    path: str
    default: Any
    section: str
    about: str
    schema: Mapping[str, Any]
    children: Mapping[str, "Value"]

    def leaves(self) -> Iterator["Value"]:
        """Yield the leaves of this value, in the order of the file."""
        if not self.children:
            yield self
        for child in self.children.values():
            yield from child.leaves()


def read(text: str) -> Mapping[str, Value]:
    """Return the top-level values of the file.

    Raises:
        ValueError: a value has no description.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return _children(root, text.splitlines(), "")


def _children(node: yaml.Node | None, lines: list[str], path: str) -> Mapping[str, Value]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: _value(key, value, lines, path) for key, value in node.value}


def _value(key: yaml.Node, node: yaml.Node, lines: list[str], parent: str) -> Value:
    comment = _comment_above(key.start_mark.line, lines)
    path = f"{parent}{key.value}"
    about = _about(comment)
    children = {} if about else _children(node, lines, f"{path}.")
    if not about and not children:
        raise ValueError(
            f"values.yaml:{key.start_mark.line + 1}: {path} has no description; write `# -- ...` above it"
        )
    return Value(
        path=path,
        default=yaml.safe_load(yaml.serialize(node)),
        section=_section(key.start_mark.line, lines),
        about=about,
        schema=_schema(comment),
        children=children,
    )


def _comment_above(line: int, lines: list[str]) -> list[str]:
    """Return the comment that ends just above `line`, without its `# `."""
    start = line
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return [text.strip().removeprefix("#").removeprefix(" ") for text in lines[start:line]]


def _about(comment: list[str]) -> str:
    text = "\n".join(line for line in comment if not line.startswith("@"))
    return " ".join(text.partition(_ABOUT)[2].split())


def _schema(comment: list[str]) -> Mapping[str, Any]:
    lines = [line.removeprefix(_SCHEMA) for line in comment if line.startswith(_SCHEMA)]
    found: Mapping[str, Any] = yaml.safe_load("".join(lines) or "{}")
    return found


def _section(line: int, lines: list[str]) -> str:
    titles = [text.removeprefix(_SECTION) for text in lines[:line] if text.startswith(_SECTION)]
    return titles[-1] if titles else ""
