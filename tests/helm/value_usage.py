"""The values that the templates use, found in their text."""

import re
from collections.abc import Iterator
from pathlib import Path

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_ABSOLUTE = re.compile(r"\.Values\.([\w.]+)")
_LISTED = re.compile(r"\(list (\S+)((?: \"\w+\")+)\)")
_TEXT = re.compile(r'"[^"]*"')
_RELATIVE = re.compile(r"(?<![\w)$])\.([a-z]\w*)")
_OPENING = re.compile(r"(if|with|range|define)\b\s*(.*)", re.DOTALL)

Scope = str | None
"""The value that the dot stands for, None where that is something else."""


def list_used_values(template: Path) -> set[str]:
    """Return the paths of all values that the template uses."""
    return set(_scan(template.read_text(encoding="utf-8")))


def _scan(text: str) -> Iterator[str]:
    scopes: list[Scope] = [None]
    for action in _ACTION.findall(text):
        if action.startswith("/*"):
            continue
        yield from _ABSOLUTE.findall(action)
        yield from _scan_list(action, scopes[-1])
        if scopes[-1]:
            yield from (f"{scopes[-1]}.{name}" for name in _RELATIVE.findall(_TEXT.sub("", action)))
        if opening := _OPENING.match(action):
            scopes.append(_enter_scope(opening[1], opening[2], scopes[-1]))
        elif action == "end":
            scopes.pop()


def _scan_list(action: str, scope: Scope) -> Iterator[str]:
    """Yield the paths of names in a list: `(list .Values.service "port")`."""
    for whole, names in _LISTED.findall(action):
        path = scope if whole == "." else whole.rpartition(".Values")[2].removeprefix(".")
        if whole.startswith((".Values", "$.Values")) or (whole == "." and scope):
            yield from (f"{path}.{name}".removeprefix(".") for name in re.findall(r"\w+", names))


def _enter_scope(keyword: str, what: str, scope: Scope) -> Scope:
    """Return what the dot stands for inside."""
    if keyword == "if":
        return scope
    absolute = re.fullmatch(r"\$?\.Values\.([\w.]+)", what)
    if keyword == "with" and absolute:
        return absolute[1]
    return None
